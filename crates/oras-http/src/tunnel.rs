//! `CONNECT` through an HTTP proxy.

use http::HeaderValue;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::cause::{ConnectError, os_words};
use crate::error::ErrorKind;

/// Longest answer head that is read.
const HEAD_LIMIT: usize = 8 * 1024;

/// Asks the proxy at the other end of `io` for a connection to `target` (`host:port`).
///
/// Unlike the ready-made tunnel of hyper-util this one reports what the proxy said, and reads not one byte past its
/// answer.
pub(crate) async fn open<T>(
    io: &mut T,
    target: &str,
    auth: Option<&HeaderValue>,
) -> Result<(), ConnectError>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n").into_bytes();
    if let Some(auth) = auth {
        request.extend_from_slice(b"Proxy-Authorization: ");
        request.extend_from_slice(auth.as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    io.write_all(&request)
        .await
        .map_err(|error| failed(&error))?;
    io.flush().await.map_err(|error| failed(&error))?;

    let head = read_head(io).await?;
    let status_line = head.lines().next().unwrap_or_default();
    let Some((version, status)) = status_line.split_once(' ') else {
        return Err(ConnectError::new(
            ErrorKind::Proxy,
            "malformed HTTP response from the proxy",
        ));
    };
    let (code, reason) = status.split_once(' ').unwrap_or((status, ""));
    if !version.starts_with("HTTP/1.") || code.len() != 3 {
        return Err(ConnectError::new(
            ErrorKind::Proxy,
            "malformed HTTP response from the proxy",
        ));
    }
    match code {
        "200" => Ok(()),
        _ if reason.trim().is_empty() => Err(ConnectError::new(
            ErrorKind::Proxy,
            format!("proxy answered {code}"),
        )),
        _ => Err(ConnectError::new(ErrorKind::Proxy, reason.trim())),
    }
}

async fn read_head<T: AsyncRead + Unpin>(io: &mut T) -> Result<String, ConnectError> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == HEAD_LIMIT {
            return Err(ConnectError::new(
                ErrorKind::Proxy,
                "response head of the proxy is too long",
            ));
        }
        // Byte by byte: what follows the head belongs to the tunnel.
        head.push(io.read_u8().await.map_err(|error| failed(&error))?);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

fn failed(error: &std::io::Error) -> ConnectError {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => {
            ConnectError::new(ErrorKind::Proxy, "unexpected EOF from the proxy")
        }
        _ => ConnectError::new(
            ErrorKind::Proxy,
            format!("proxyconnect tcp: {}", os_words(error)),
        ),
    }
}

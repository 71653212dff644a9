//! From a host and a port to a TCP connection.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};

use crate::cause::{ConnectError, os_words};
use crate::error::ErrorKind;
use crate::resolve::ResolveMap;

/// How long the preferred address family has a head start.
const FALLBACK_DELAY: Duration = Duration::from_millis(300);

/// Connects to `host` (an IPv6 literal with or without brackets), where a rule says otherwise to that address.
///
/// `deadline` is for look-up and connection together.
pub(crate) async fn tcp(
    host: &str,
    port: u16,
    rules: &ResolveMap,
    deadline: Instant,
) -> Result<TcpStream, ConnectError> {
    let addresses = match rules.get(host, port) {
        Some(address) => vec![address],
        None => match timeout_at(deadline, look_up(host, port)).await {
            Ok(found) => found?,
            Err(_) => {
                return Err(ConnectError::new(
                    ErrorKind::Timeout,
                    format!("dial tcp: lookup {host}: i/o timeout"),
                ));
            }
        },
    };
    let stream = race(addresses, deadline).await?;
    stream
        .set_nodelay(true)
        .map_err(|error| ConnectError::new(ErrorKind::Connect, os_words(&error)))?;
    Ok(stream)
}

async fn look_up(host: &str, port: u16) -> Result<Vec<SocketAddr>, ConnectError> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let fail =
        |why: &str| ConnectError::new(ErrorKind::Dns, format!("dial tcp: lookup {bare}: {why}"));
    match tokio::net::lookup_host((bare, port)).await {
        Ok(found) => {
            let addresses: Vec<_> = found.collect();
            if addresses.is_empty() {
                Err(fail("no such host"))
            } else {
                Ok(addresses)
            }
        }
        Err(error) => Err(fail(&lookup_words(&error))),
    }
}

/// The resolver reports its failures as text only.
fn lookup_words(error: &io::Error) -> String {
    let text = error.to_string();
    let unknown = [
        "Name or service not known",
        "No address associated",
        "nodename nor servname",
        "No such host",
    ];
    if unknown.iter().any(|words| text.contains(words)) {
        return "no such host".to_owned();
    }
    let words = text
        .strip_prefix("failed to lookup address information: ")
        .unwrap_or(&text);
    words.to_ascii_lowercase()
}

/// Tries the addresses of the first one's family in order, and after a short head start those of the other family
/// beside them. The first connection wins; if none comes, the first failure is reported.
async fn race(addresses: Vec<SocketAddr>, deadline: Instant) -> Result<TcpStream, ConnectError> {
    let prefers_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (preferred, others): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| address.is_ipv6() == prefers_v6);
    if others.is_empty() {
        return in_order(preferred, deadline).await;
    }
    let first = in_order(preferred, deadline);
    tokio::pin!(first);
    let failed = tokio::select! {
        result = &mut first => match result {
            Ok(stream) => return Ok(stream),
            Err(error) => Some(error),
        },
        () = tokio::time::sleep(FALLBACK_DELAY) => None,
    };
    if let Some(error) = failed {
        return in_order(others, deadline).await.map_err(|_| error);
    }
    let second = in_order(others, deadline);
    tokio::pin!(second);
    tokio::select! {
        result = &mut first => match result {
            Ok(stream) => Ok(stream),
            Err(error) => second.await.map_err(|_| error),
        },
        result = &mut second => match result {
            Ok(stream) => Ok(stream),
            Err(_) => first.await,
        },
    }
}

/// Each address gets its share of the time that is left.
async fn in_order(
    addresses: Vec<SocketAddr>,
    deadline: Instant,
) -> Result<TcpStream, ConnectError> {
    let mut first_failure = None;
    let mut untried = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    for address in addresses {
        let share = deadline.saturating_duration_since(Instant::now()) / untried;
        untried -= 1;
        let failure = match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => refused(address, &error),
            Err(_) => ConnectError::new(
                ErrorKind::Timeout,
                format!("dial tcp {address}: i/o timeout"),
            ),
        };
        first_failure.get_or_insert(failure);
    }
    Err(first_failure
        .unwrap_or_else(|| ConnectError::new(ErrorKind::Dns, "dial tcp: no address to connect to")))
}

fn refused(address: SocketAddr, error: &io::Error) -> ConnectError {
    let kind = if error.kind() == io::ErrorKind::TimedOut {
        ErrorKind::Timeout
    } else {
        ErrorKind::Connect
    };
    ConnectError::new(
        kind,
        format!("dial tcp {address}: connect: {}", os_words(error)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(resolver: &str, expected: &str) {
        let error = io::Error::other(format!("failed to lookup address information: {resolver}"));
        assert_eq!(lookup_words(&error), expected);
    }

    #[test]
    fn lookup_failures_are_told_in_the_words_of_go() {
        check("Name or service not known", "no such host");
        check("No address associated with hostname", "no such host");
        check(
            "nodename nor servname provided, or not known",
            "no such host",
        );
        check(
            "Temporary failure in name resolution",
            "temporary failure in name resolution",
        );
    }

    #[tokio::test]
    async fn the_second_address_is_tried_and_the_first_failure_reported() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let open = listener.local_addr().unwrap();
        let closed: SocketAddr = "127.0.0.1:1".parse().unwrap();
        let closed_v6: SocketAddr = "[::1]:1".parse().unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        for addresses in [
            vec![closed, open],
            vec![closed_v6, open],
            vec![open, closed_v6],
        ] {
            assert_eq!(
                race(addresses, deadline)
                    .await
                    .unwrap()
                    .peer_addr()
                    .unwrap(),
                open
            );
        }
        let error = race(vec![closed, closed_v6], deadline).await.unwrap_err();
        assert_eq!(
            error.cause,
            "dial tcp 127.0.0.1:1: connect: connection refused"
        );
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn an_address_that_is_silent_times_out() {
        // Linux drops handshakes for a socket whose queue of unaccepted connections is full.
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut queue = Vec::new();
        let short = Duration::from_millis(30);
        while let Ok(Ok(stream)) = timeout(short, TcpStream::connect(address)).await {
            queue.push(stream);
        }
        let error = race(vec![address], Instant::now() + short)
            .await
            .unwrap_err();
        assert_eq!(error.kind, ErrorKind::Timeout);
        assert_eq!(error.cause, format!("dial tcp {address}: i/o timeout"));
    }
}

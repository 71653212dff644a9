//! A server in a few lines: reads requests, records them, answers with the bytes that the test gives.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use oras_http::{Client, ClientBuilder, RetryPolicy};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use url::Url;

#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Subject-independent proof that the client showed a certificate.
    pub(crate) client_certificate: bool,
}

impl Received {
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let matching = self
            .headers
            .iter()
            .filter(|(n, _)| n.eq_ignore_ascii_case(name));
        matching.map(|(_, value)| value.as_str()).collect()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }
}

type Handler = dyn Fn(usize, &Received) -> Vec<u8> + Send + Sync;

#[derive(Default)]
struct Log {
    requests: Mutex<Vec<Received>>,
    connections: Mutex<usize>,
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    scheme: &'static str,
    log: Arc<Log>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// The handler gets the number of the request, from 0. An empty answer closes the connection.
    pub(crate) async fn start(
        handler: impl Fn(usize, &Received) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        Self::launch(None, handler).await
    }

    pub(crate) async fn start_tls(
        config: rustls::ServerConfig,
        handler: impl Fn(usize, &Received) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        Self::launch(Some(TlsAcceptor::from(Arc::new(config))), handler).await
    }

    async fn launch(
        tls: Option<TlsAcceptor>,
        handler: impl Fn(usize, &Received) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let log = Arc::new(Log::default());
        let scheme = if tls.is_some() { "https" } else { "http" };
        let handler: Arc<Handler> = Arc::new(handler);
        let task = tokio::spawn(accept(listener, tls, handler, Arc::clone(&log)));
        Self {
            address,
            scheme,
            log,
            task,
        }
    }

    pub(crate) fn url(&self, path: &str) -> Url {
        format!("{}://{}{path}", self.scheme, self.address)
            .parse()
            .unwrap()
    }

    /// The same server under another host name, for a client with a rule or a proxy.
    pub(crate) fn url_as(&self, host: &str, path: &str) -> Url {
        format!("{}://{host}:{}{path}", self.scheme, self.address.port())
            .parse()
            .unwrap()
    }

    pub(crate) fn requests(&self) -> Vec<Received> {
        self.log.requests.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        *self.log.connections.lock().unwrap()
    }
}

async fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    handler: Arc<Handler>,
    log: Arc<Log>,
) {
    loop {
        let Ok((socket, _)) = listener.accept().await else {
            return;
        };
        *log.connections.lock().unwrap() += 1;
        let (handler, log, tls) = (Arc::clone(&handler), Arc::clone(&log), tls.clone());
        tokio::spawn(async move {
            match tls {
                None => serve(socket, false, handler, log).await,
                Some(tls) => match tls.accept(socket).await {
                    Ok(stream) => {
                        let shown = stream.get_ref().1.peer_certificates().is_some();
                        serve(stream, shown, handler, log).await
                    }
                    Err(_) => None,
                },
            }
        });
    }
}

async fn serve<S>(
    stream: S,
    client_certificate: bool,
    handler: Arc<Handler>,
    log: Arc<Log>,
) -> Option<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut stream = BufReader::new(stream);
    loop {
        let mut request = read_request(&mut stream).await?;
        request.client_certificate = client_certificate;
        let number = {
            let mut requests = log.requests.lock().unwrap();
            requests.push(request.clone());
            requests.len() - 1
        };
        let answer = handler(number, &request);
        if answer.is_empty() {
            return None;
        }
        stream.write_all(&answer).await.ok()?;
        stream.flush().await.ok()?;
        if request.method == "CONNECT" && answer.starts_with(b"HTTP/1.1 200") {
            let (_, port) = request.target.rsplit_once(':')?;
            let mut upstream = TcpStream::connect(("127.0.0.1", port.parse().ok()?))
                .await
                .ok()?;
            tokio::io::copy_bidirectional(&mut stream, &mut upstream)
                .await
                .ok()?;
            return None;
        }
        if String::from_utf8_lossy(&answer)
            .to_ascii_lowercase()
            .contains("connection: close")
        {
            stream.shutdown().await.ok()?;
            return None;
        }
    }
}

/// `None` if the client went away first.
async fn read_request<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> Option<Received> {
    let first = read_line(stream).await?;
    let mut parts = first.split(' ');
    let (method, target) = (parts.next()?.to_owned(), parts.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let line = read_line(stream).await?;
        match line.split_once(": ") {
            Some((name, value)) => headers.push((name.to_owned(), value.to_owned())),
            None if line.is_empty() => break,
            None => return None,
        }
    }
    let mut request = Received {
        method,
        target,
        headers,
        body: Vec::new(),
        client_certificate: false,
    };
    assert_eq!(
        request.header("transfer-encoding"),
        None,
        "bodies have a length"
    );
    let length = request
        .header("content-length")
        .map_or(0, |length| length.parse().unwrap());
    request.body = vec![0; length];
    stream.read_exact(&mut request.body).await.ok()?;
    Some(request)
}

async fn read_line<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> Option<String> {
    let mut line = String::new();
    if stream.read_line(&mut line).await.ok()? == 0 {
        return None;
    }
    Some(line.trim_end().to_owned())
}

/// An answer with a `Content-Length`.
pub(crate) fn answer(status: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    format!("{text}\r\n{body}").into_bytes()
}

pub(crate) fn ok(body: &str) -> Vec<u8> {
    answer("200 OK", &[("Content-Type", "text/plain")], body)
}

/// Waits of a millisecond in place of the real ones.
pub(crate) fn fast_retries() -> RetryPolicy {
    let instant = Duration::from_millis(1);
    RetryPolicy {
        base: instant,
        min: instant,
        max: instant,
        max_retry_after: Duration::from_millis(5),
        ..RetryPolicy::default()
    }
}

pub(crate) fn builder() -> ClientBuilder {
    Client::builder().user_agent("test/1").retry(fast_retries())
}

pub(crate) fn client() -> Client {
    builder().build().unwrap()
}

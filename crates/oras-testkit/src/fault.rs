//! An HTTP server for answers that no decent server gives: wrong lengths, cut bodies, lies, silence.
//!
//! A [`FaultServer`] asks one closure for each answer and remembers every request. [`FakeRegistry`] is an honest
//! registry over a [`Graph`](crate::fixture::Graph), so that a test only writes down its one lie:
//!
//! ```
//! use oras_testkit::fault::{Answer, FakeRegistry, FaultServer};
//! use oras_testkit::fixture::Graph;
//!
//! let mut graph = Graph::new();
//! let file = graph.file("hi.txt", "text/plain", "hi");
//! let artifact = graph.artifact("test/thing", &[&file], None);
//! let registry = FakeRegistry::new(graph).tag("v1", &artifact);
//! let server = FaultServer::start(move |request| match request.is_blob(&file.digest) {
//!     true => registry.answer(request).cut_after(1),
//!     false => registry.answer(request),
//! });
//! // `oras pull {server.addr()}/any/name:v1` now loses its connection in the middle of the file.
//! assert!(server.addr().starts_with("localhost:"));
//! ```

mod registry;
#[cfg(test)]
mod tests;
mod wire;

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use oras_spec::Digest;

pub use registry::FakeRegistry;

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct Request {
    /// Upper case.
    pub method: String,
    /// Path and query as sent.
    pub target: String,
    /// Names in lower case, in order.
    pub headers: Vec<(String, String)>,
    /// The decoded body.
    pub body: Bytes,
}

impl Request {
    /// The path without the query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The first value of the header `name` (lower case).
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// Whether this asks (GET or HEAD) for the blob with this digest.
    #[must_use]
    pub fn is_blob(&self, digest: &Digest) -> bool {
        self.reads() && self.path().ends_with(&format!("/blobs/{digest}"))
    }

    /// Whether this asks (GET or HEAD) for a manifest.
    #[must_use]
    pub fn is_manifest(&self) -> bool {
        self.reads() && self.path().contains("/manifests/")
    }

    fn reads(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD")
    }
}

/// One answer, honest until a method makes it a lie.
#[derive(Clone, Debug)]
pub struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    pieces: Vec<Bytes>,
    length: Length,
    cut_after: Option<usize>,
    pause: Duration,
}

/// What the answer says about the length of its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// The true length.
    Honest,
    /// This many bytes, whatever the body has.
    Claimed(u64),
    /// `Transfer-Encoding: chunked`, a chunk per piece.
    Chunked,
    /// Nothing: the body ends with the connection.
    Untold,
}

impl Answer {
    /// An answer without a body.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            pieces: Vec::new(),
            length: Length::Honest,
            cut_after: None,
            pause: Duration::ZERO,
        }
    }

    /// Status 200 with a body.
    #[must_use]
    pub fn ok(content_type: &str, body: impl Into<Bytes>) -> Self {
        Self::status(200)
            .header("Content-Type", content_type)
            .body(body)
    }

    /// A registry's error document (distribution-spec, "Error Codes").
    #[must_use]
    pub fn error(status: u16, code: &str, message: &str) -> Self {
        let body = serde_json::json!({"errors": [{"code": code, "message": message}]});
        Self::status(status)
            .header("Content-Type", "application/json")
            .body(body.to_string())
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Adds a header, or replaces the one of this name.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers
            .retain(|(key, _)| !key.eq_ignore_ascii_case(name));
        self.header(name, value)
    }

    /// Replaces the body.
    #[must_use]
    pub fn body(self, body: impl Into<Bytes>) -> Self {
        self.pieces([body.into()])
    }

    /// Replaces the body by pieces that are written, and flushed, one by one.
    #[must_use]
    pub fn pieces(mut self, pieces: impl IntoIterator<Item = Bytes>) -> Self {
        self.pieces = pieces.into_iter().collect();
        self
    }

    /// What is said about the length.
    #[must_use]
    pub fn length(mut self, length: Length) -> Self {
        self.length = length;
        self
    }

    /// Closes the connection after `bytes` of the body. With 0 not even the head is sent.
    #[must_use]
    pub fn cut_after(mut self, bytes: usize) -> Self {
        self.cut_after = Some(bytes);
        self
    }

    /// Waits before each piece of the body.
    #[must_use]
    pub fn pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// The bytes of the body.
    #[must_use]
    pub fn bytes(&self) -> Bytes {
        self.pieces.concat().into()
    }
}

/// An HTTP/1.1 server on a free port of loopback. A thread per connection; gone on drop.
pub struct FaultServer {
    port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
    closing: Arc<AtomicBool>,
}

impl FaultServer {
    /// A server that answers by `handler`.
    ///
    /// # Panics
    /// When no port can be opened.
    #[must_use]
    pub fn start(handler: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("the address").port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let closing = Arc::new(AtomicBool::new(false));
        let (log, stop, handler) = (
            Arc::clone(&requests),
            Arc::clone(&closing),
            Arc::new(handler),
        );
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                if stop.load(Ordering::Acquire) {
                    return;
                }
                let Ok(socket) = socket else { continue };
                let (log, handler) = (Arc::clone(&log), Arc::clone(&handler));
                std::thread::spawn(move || serve(socket, &log, &*handler));
            }
        });
        Self {
            port,
            requests,
            closing,
        }
    }

    /// `localhost:PORT`.
    #[must_use]
    pub fn addr(&self) -> String {
        format!("localhost:{}", self.port)
    }

    /// `localhost:PORT/name`.
    #[must_use]
    pub fn reference(&self, name: &str) -> String {
        format!("{}/{name}", self.addr())
    }

    /// `http://localhost:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr())
    }

    /// Everything asked so far, in order of arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The requests as `METHOD target`.
    #[must_use]
    pub fn request_lines(&self) -> Vec<String> {
        self.requests()
            .iter()
            .map(|request| format!("{} {}", request.method, request.target))
            .collect()
    }
}

impl Drop for FaultServer {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Release);
        // Wakes the accept loop, which then sees the flag.
        drop(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)));
    }
}

/// Answers the requests of one connection until either side closes it.
fn serve(socket: TcpStream, log: &Mutex<Vec<Request>>, handler: &dyn Fn(&Request) -> Answer) {
    drop(socket.set_nodelay(true));
    let Ok(mut reader) = socket.try_clone().map(std::io::BufReader::new) else {
        return;
    };
    let mut writer = socket;
    while let Some(request) = wire::read(&mut reader, &mut writer) {
        log.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(request.clone());
        let answer = handler(&request);
        let keeps_open = wire::write(&mut writer, &answer, &request.method);
        let is_last = request
            .header("connection")
            .is_some_and(|value| value.eq_ignore_ascii_case("close"));
        if !keeps_open || is_last {
            drop(writer.shutdown(std::net::Shutdown::Both));
            return;
        }
    }
}

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, StatusCode};

use crate::body::ByteStream;

/// How many bytes of a response body an observer gets to see.
pub const TRACED_BODY_LIMIT: usize = 16 * 1024;

/// Observes each exchange.
///
/// Every redirect hop is an exchange of its own; retries are invisible, an observer sees the final outcome only.
pub trait Trace: Send + Sync {
    /// A request is about to be sent. Returns the number under which the outcome is reported.
    fn request(&self, head: &RequestHead<'_>) -> u64;

    /// The response to request `id` arrived.
    fn response(&self, id: u64, head: &ResponseHead<'_>);

    /// Request `id` failed. The error is the cause alone, without method and URL.
    fn failure(&self, id: u64, error: &str);

    /// Whether response bodies should be captured. If false, [`ResponseHead::body`] is [`TracedBody::NotCaptured`].
    fn wants_body(&self) -> bool {
        true
    }
}

/// A request as an observer sees it.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'a> {
    /// The method.
    pub method: &'a Method,
    /// The URL, without userinfo and with secret query values hidden.
    pub url: &'a str,
    /// Name and value in canonical case (custom headers as they were typed), secrets replaced by `*****`.
    pub headers: &'a [(String, String)],
}

/// A response as an observer sees it.
#[derive(Clone, Copy, Debug)]
pub struct ResponseHead<'a> {
    /// The status.
    pub status: StatusCode,
    /// Name and value in canonical case, secrets replaced by `*****`.
    pub headers: &'a [(String, String)],
    /// The body, as far as it may be shown.
    pub body: TracedBody<'a>,
}

/// A response body as an observer sees it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TracedBody<'a> {
    /// The observer does not want bodies.
    NotCaptured,
    /// The whole body.
    Text(&'a str),
    /// The first [`TRACED_BODY_LIMIT`] bytes of a longer body.
    Truncated(&'a str),
    /// There is no body: the answer to a `HEAD` request, or of length zero.
    None,
    /// A body without a content type, not shown.
    NoContentType,
    /// A body of a content type that is not text; the type as the server wrote it.
    Unprintable(&'a str),
    /// A body of unknown length that turned out to be empty.
    Empty,
    /// A body that seems to hold a token, not shown.
    Redacted,
    /// The body could not be read.
    ReadError(&'a str),
}

/// A [`TracedBody`] that owns its text.
pub(crate) enum Captured {
    None,
    NoContentType,
    Unprintable(String),
    Empty,
    Redacted,
    Text(String),
    Truncated(String),
    ReadError(String),
}

impl Captured {
    pub(crate) fn as_traced(&self) -> TracedBody<'_> {
        match self {
            Self::None => TracedBody::None,
            Self::NoContentType => TracedBody::NoContentType,
            Self::Unprintable(kind) => TracedBody::Unprintable(kind),
            Self::Empty => TracedBody::Empty,
            Self::Redacted => TracedBody::Redacted,
            Self::Text(text) => TracedBody::Text(text),
            Self::Truncated(text) => TracedBody::Truncated(text),
            Self::ReadError(error) => TracedBody::ReadError(error),
        }
    }
}

/// Looks at the start of a body and gives back a stream that still delivers all of it.
pub(crate) async fn capture(
    headers: &HeaderMap,
    has_body: bool,
    stream: ByteStream,
) -> (Captured, ByteStream) {
    if !has_body {
        return (Captured::None, stream);
    }
    let Some(kind) = headers
        .get(CONTENT_TYPE)
        .map(|kind| String::from_utf8_lossy(kind.as_bytes()).into_owned())
    else {
        return (Captured::NoContentType, stream);
    };
    if !is_printable(&kind) {
        return (Captured::Unprintable(kind), stream);
    }
    peek(stream).await
}

async fn peek(mut stream: ByteStream) -> (Captured, ByteStream) {
    let mut seen = BytesMut::new();
    let mut pieces: Vec<std::io::Result<Bytes>> = Vec::new();
    let mut failure = None;
    // One byte more than is shown tells whether there is more.
    while seen.len() <= TRACED_BODY_LIMIT {
        match stream.next().await {
            Some(Ok(piece)) => {
                let room = TRACED_BODY_LIMIT + 1 - seen.len();
                seen.extend_from_slice(&piece[..piece.len().min(room)]);
                pieces.push(Ok(piece));
            }
            Some(Err(error)) => {
                failure = Some(error.to_string());
                pieces.push(Err(error));
                break;
            }
            None => break,
        }
    }
    let captured = match failure {
        Some(error) => Captured::ReadError(error),
        None => describe(&seen),
    };
    (
        captured,
        futures_util::stream::iter(pieces).chain(stream).boxed(),
    )
}

fn describe(seen: &[u8]) -> Captured {
    let shown = &seen[..seen.len().min(TRACED_BODY_LIMIT)];
    let text = String::from_utf8_lossy(shown).into_owned();
    if text.is_empty() {
        return Captured::Empty;
    }
    if text.contains("\"token\"") || text.contains("\"access_token\"") {
        return Captured::Redacted;
    }
    if seen.len() > TRACED_BODY_LIMIT {
        Captured::Truncated(text)
    } else {
        Captured::Text(text)
    }
}

fn is_printable(content_type: &str) -> bool {
    let essence = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    matches!(
        essence.as_str(),
        "application/json" | "text/plain" | "text/html"
    ) || essence.ends_with("+json")
}

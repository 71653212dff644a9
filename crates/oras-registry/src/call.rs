//! A request as handlers see it.

use std::borrow::Cow;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, EXPECT, HOST, HeaderName};
use http::{HeaderMap, Method, Request};
use http_body::Body as _;
use oras_spec::Digest;
use url::form_urlencoded;

use crate::auth::Caller;
use crate::body::RequestBody;
use crate::clock::Clock;
use crate::exchange::Exchange;
use crate::failure::Failure;
use crate::pace::Pace;
use crate::peer::Peer;
use crate::registry::Shared;

/// How much of a body nobody wants is read to keep the connection, in bytes.
const DRAINED_BYTES: u64 = 1024 * 1024;
/// How long to wait for it.
const DRAIN_TIME: Duration = Duration::from_secs(2);

/// Method, query, headers, and a body that can be taken once.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) caller: Caller,
    pub(crate) peer: Peer,
    /// What the client calls this server.
    pub(crate) host: Option<String>,
    pub(crate) exchange: Exchange,
    /// Length of path and query.
    pub(crate) uri_bytes: usize,
    body: RequestBody,
    pace: Pace,
    clock: Clock,
    reading: Reading,
    query: Vec<(String, String)>,
}

/// How far the body has been read.
enum Reading {
    NotBegun,
    Begun,
    Ended,
    /// It broke off or fell silent, or whoever read it stopped waiting.
    Broken,
}

impl Call {
    pub(crate) fn new(shared: &Arc<Shared>, request: Request<RequestBody>) -> (String, Self) {
        let (mut parts, body) = request.into_parts();
        let exchange = Exchange::begin(shared, &parts);
        let uri_bytes = parts.uri.path_and_query();
        let uri_bytes = uri_bytes.map_or(0, |text| text.as_str().len());
        let authority = parts.uri.authority().map(|host| host.as_str().to_owned());
        let header = || Some(parts.headers.get(HOST)?.to_str().ok()?.to_owned());
        let host = authority.or_else(header);
        let query = parts.uri.query().unwrap_or_default();
        // A plus sign means itself: media types have it, and nothing here has blanks.
        let query = match query.contains('+') {
            true => query.replace('+', "%2B").into(),
            false => Cow::Borrowed(query),
        };
        let query = form_urlencoded::parse(query.as_bytes()).into_owned();
        let call = Self {
            method: parts.method,
            headers: parts.headers,
            caller: Caller::default(),
            peer: parts.extensions.remove().unwrap_or_default(),
            host,
            exchange,
            uri_bytes,
            body,
            pace: shared.limits.pace(),
            clock: Clock::default(),
            reading: Reading::NotBegun,
            query: query.collect(),
        };
        (parts.uri.path().to_owned(), call)
    }

    /// The first value of a query parameter.
    pub(crate) fn parameter(&self, name: &'static str) -> Option<&str> {
        self.parameters(name).next()
    }

    /// All values of a query parameter.
    pub(crate) fn parameters(&self, name: &'static str) -> impl Iterator<Item = &str> {
        let named = self.query.iter().filter(move |(key, _)| key == name);
        named.map(|(_, value)| value.as_str())
    }

    /// A digest among the query parameters, of an algorithm that content can be pushed under.
    pub(crate) fn digest_parameter(&self, name: &'static str) -> Result<Option<Digest>, Failure> {
        self.parameter(name).map(supported_digest).transpose()
    }

    /// A header, if it is text.
    pub(crate) fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// What `Content-Length` says.
    pub(crate) fn content_length(&self) -> Option<u64> {
        self.header(CONTENT_LENGTH)?.parse().ok()
    }

    /// Whether it is known that there is no body.
    pub(crate) fn has_no_body(&self) -> bool {
        self.body.is_end_stream()
    }

    /// The next bytes of the body.
    ///
    /// # Errors
    /// 408 if they come too slowly, 400 if the body breaks.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        if matches!(self.reading, Reading::Ended) {
            return Ok(None);
        }
        self.reading = Reading::Broken;
        loop {
            let frame = poll_fn(
                |context| match Pin::new(&mut self.body).poll_frame(context) {
                    Poll::Ready(frame) => Poll::Ready(Ok(frame)),
                    Poll::Pending if self.clock.has_passed(self.pace.waiting(), context) => {
                        Poll::Ready(Err(Failure::too_slow()))
                    }
                    Poll::Pending => Poll::Pending,
                },
            );
            let frame = frame.await?;
            let Some(frame) = frame else {
                self.reading = Reading::Ended;
                return Ok(None);
            };
            let frame = frame.map_err(|_| Failure::interrupted("the body broke off"))?;
            if let Ok(data) = frame.into_data() {
                let moved = self.pace.moved(data.len());
                moved.map_err(|_| Failure::too_slow())?;
                self.exchange.received(data.len());
                self.reading = Reading::Begun;
                return Ok(Some(data));
            }
        }
    }

    /// Reads and drops what is left of the body if it is not much, so that the connection can be used again. False if
    /// something is left.
    ///
    /// A client that waits for permission to send is not asked to, and one that broke off is not waited for.
    pub(crate) async fn drain(&mut self) -> bool {
        if self.has_no_body() {
            return true;
        }
        match self.reading {
            Reading::Ended => return true,
            Reading::Broken => return false,
            Reading::NotBegun if self.headers.contains_key(EXPECT) => return false,
            Reading::NotBegun | Reading::Begun => {}
        }
        let most = DRAINED_BYTES;
        if self
            .body
            .size_hint()
            .exact()
            .is_some_and(|left| left > most)
        {
            return false;
        }
        let drain = async {
            let mut seen = 0;
            while let Ok(Some(data)) = self.next().await {
                seen += data.len() as u64;
                if seen > most {
                    break;
                }
            }
        };
        // A client that stalls gets its answer nevertheless.
        let _ = tokio::time::timeout(DRAIN_TIME, drain).await;
        matches!(self.reading, Reading::Ended)
    }

    /// The whole body, if it is not larger than `limit`.
    pub(crate) async fn read(&mut self, limit: u64) -> Result<Bytes, Failure> {
        if self.content_length().is_some_and(|length| length > limit) {
            return Err(Failure::too_large(limit));
        }
        let mut bytes = BytesMut::new();
        while let Some(data) = self.next().await? {
            if (bytes.len() + data.len()) as u64 > limit {
                return Err(Failure::too_large(limit));
            }
            bytes.extend_from_slice(&data);
        }
        Ok(bytes.freeze())
    }
}

/// A digest of an algorithm that content can be pushed under: sha256 or sha512.
pub(crate) fn supported_digest(text: &str) -> Result<Digest, Failure> {
    let digest = Digest::parse(text).map_err(Failure::invalid_digest)?;
    match digest.verifier() {
        Ok(algorithm) if algorithm.creatable() => Ok(digest),
        _ => Err(Failure::invalid_digest(oras_spec::DigestError::Unsupported)),
    }
}

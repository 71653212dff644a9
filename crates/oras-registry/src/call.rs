//! A request as handlers see it.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, EXPECT, HOST, HeaderName};
use http::{HeaderMap, Method, Request};
use http_body::Body as _;
use http_body_util::BodyExt;
use oras_spec::Digest;
use url::form_urlencoded;

use crate::auth::Caller;
use crate::body::{RequestBody, drain};
use crate::failure::Failure;
use crate::peer::Peer;

/// How much of a body nobody wants is read, in bytes.
const DRAINED_BYTES: usize = 1024 * 1024;
/// How long to wait for it.
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// Method, query, headers, and a body that can be taken once.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) caller: Caller,
    pub(crate) peer: Peer,
    /// What the client calls this server.
    pub(crate) host: Option<String>,
    body: RequestBody,
    reading: Reading,
    query: Vec<(String, String)>,
}

/// How far the body has been read.
enum Reading {
    NotBegun,
    Begun,
    /// It broke off or fell silent, or whoever read it stopped waiting.
    Broken,
}

impl Call {
    pub(crate) fn new(request: Request<RequestBody>) -> (String, Self) {
        let (mut parts, body) = request.into_parts();
        let authority = parts.uri.authority().map(|host| host.as_str().to_owned());
        let header = || Some(parts.headers.get(HOST)?.to_str().ok()?.to_owned());
        let host = authority.or_else(header);
        // A plus sign means itself: media types have it, and nothing here has blanks.
        let query = parts.uri.query().unwrap_or_default().replace('+', "%2B");
        let query = form_urlencoded::parse(query.as_bytes()).into_owned();
        let call = Self {
            method: parts.method,
            headers: parts.headers,
            caller: Caller::default(),
            peer: parts.extensions.remove().unwrap_or_default(),
            host,
            body,
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
    /// 408 if none arrive for `idle`, 400 if the body breaks.
    pub(crate) async fn next(&mut self, idle: Duration) -> Result<Option<Bytes>, Failure> {
        self.reading = Reading::Broken;
        loop {
            let frame = tokio::time::timeout(idle, self.body.frame()).await;
            let frame = match frame.map_err(|_| Failure::too_slow())? {
                None => {
                    self.reading = Reading::Begun;
                    return Ok(None);
                }
                Some(frame) => frame.map_err(|_| Failure::interrupted("the body broke off"))?,
            };
            if let Ok(data) = frame.into_data() {
                self.reading = Reading::Begun;
                return Ok(Some(data));
            }
        }
    }

    /// Reads and drops what is left of the body, but not much, so that whoever sends it gets to read the answer.
    ///
    /// A client that waits for permission to send is not asked to, and one that broke off is not waited for.
    pub(crate) async fn drain(self) {
        let hopeless = match self.reading {
            Reading::NotBegun => self.headers.contains_key(EXPECT),
            Reading::Begun => false,
            Reading::Broken => true,
        };
        if hopeless || self.has_no_body() {
            return;
        }
        let drained = drain(self.body, DRAINED_BYTES);
        // A client that stalls gets its answer nevertheless.
        let _ = tokio::time::timeout(DRAIN_TIME, drained).await;
    }

    /// The whole body, if it is not larger than `limit`.
    pub(crate) async fn read(&mut self, limit: u64, idle: Duration) -> Result<Bytes, Failure> {
        if self.content_length().is_some_and(|length| length > limit) {
            return Err(Failure::too_large(limit));
        }
        let mut bytes = BytesMut::new();
        while let Some(data) = self.next(idle).await? {
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

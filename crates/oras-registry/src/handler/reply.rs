//! Answers that say yes.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, ETAG, HeaderName, HeaderValue, IF_NONE_MATCH};
use http::{HeaderMap, Response, StatusCode};
use oras_spec::json;
use serde::Serialize;

use super::Answer;
use crate::body::Body;
use crate::call::Call;
use crate::failure::Failure;

/// Room for the headers of an answer, so that they don't move while they are added.
const HEADERS: usize = 12;

/// An answer without a body.
pub(super) fn empty(status: StatusCode) -> Response<Body> {
    with_body(status, Body::empty())
}

/// An answer with this body.
pub(super) fn with_body(status: StatusCode, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = HeaderMap::with_capacity(HEADERS);
    response
}

/// An answer with these bytes.
pub(super) fn bytes(media_type: &str, bytes: impl Into<Bytes>) -> Response<Body> {
    with_body(StatusCode::OK, Body::from(bytes.into())).with(CONTENT_TYPE, media_type)
}

/// An answer in JSON.
pub(super) fn json(media_type: &str, value: &impl Serialize) -> Answer {
    Ok(bytes(media_type, encode(value)?))
}

/// JSON for an answer.
pub(super) fn encode(value: &impl Serialize) -> Result<Vec<u8>, Failure> {
    let failed = StatusCode::INTERNAL_SERVER_ERROR;
    json::to_vec(value).map_err(|error| Failure::ours(failed, error.to_string()))
}

/// Answers that get one more header.
pub(super) trait With: Sized {
    /// Adds a header; a value that can't be one is left out.
    fn with(self, name: HeaderName, value: impl AsRef<str>) -> Self;

    /// Adds a header that is always the same.
    fn with_static(self, name: HeaderName, value: &'static str) -> Self;
}

impl With for Response<Body> {
    fn with(mut self, name: HeaderName, value: impl AsRef<str>) -> Self {
        if let Ok(value) = HeaderValue::from_str(value.as_ref()) {
            self.headers_mut().append(name, value);
        }
        self
    }

    fn with_static(mut self, name: HeaderName, value: &'static str) -> Self {
        let value = HeaderValue::from_static(value);
        self.headers_mut().append(name, value);
        self
    }
}

/// 304 if the client says it has `etag` already (RFC 9110, section 13.1.2).
pub(super) fn not_modified(call: &Call, etag: &str) -> Option<Response<Body>> {
    let known = call.header(IF_NONE_MATCH)?;
    tags(known)
        .any(|known| known == "*" || known.trim_start_matches("W/") == etag)
        .then(|| empty(StatusCode::NOT_MODIFIED).with(ETAG, etag))
}

/// The entity tags of a list.
pub(super) fn tags(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim)
}

//! What the headers of a response say about content, and how far they are believed.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method};
use oras_content::{Error, ErrorKind, Result};
use oras_http::Response;
use oras_spec::{Digest, media_type};
use serde::Deserialize;
use serde_json::Value;

use crate::failure;

const DOCKER_CONTENT_DIGEST: &str = "docker-content-digest";

/// The `Docker-Content-Digest` of a response, if there is one.
///
/// # Errors
/// [`ErrorKind::Protocol`] if it is no digest; [`ErrorKind::DigestMismatch`] if it is not `expected`. Digests of
/// different algorithms can't contradict each other.
pub(crate) fn digest_header(
    method: &Method,
    response: &Response,
    expected: Option<&Digest>,
) -> Result<Option<Digest>> {
    let Some(value) = response
        .headers
        .get(DOCKER_CONTENT_DIGEST)
        .filter(|value| !value.is_empty())
    else {
        return Ok(None);
    };
    let text = String::from_utf8_lossy(value.as_bytes());
    let given = Digest::parse(&text).map_err(|error| {
        let problem =
            format!("invalid response header value: `Docker-Content-Digest: {text}`: {error}");
        failure::protocol(method, &response.url, &problem)
    })?;
    match expected {
        Some(expected) if given.algorithm() == expected.algorithm() && given != *expected => {
            let text = failure::request_text(method, &response.url);
            let problem = format!(
                "{text}: invalid response; digest mismatch in Docker-Content-Digest: \
                 received \"{given}\" when expecting \"{expected}\""
            );
            Err(Error::new(ErrorKind::DigestMismatch, problem))
        }
        _ => Ok(Some(given)),
    }
}

/// The media type without parameters.
pub(super) fn content_type(headers: &HeaderMap) -> Option<String> {
    let essence = media_type::essence(headers.get(CONTENT_TYPE)?.to_str().ok()?);
    (!essence.is_empty()).then(|| essence.to_owned())
}

pub(super) fn is_web_page(headers: &HeaderMap) -> bool {
    content_type(headers).is_some_and(|media_type| media_type.eq_ignore_ascii_case("text/html"))
}

/// The `mediaType` field of a manifest.
///
/// # Errors
/// If the bytes are no JSON object.
pub(super) fn json_media_type(bytes: &[u8]) -> Result<Option<String>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Head {
        #[serde(rename = "mediaType", default)]
        media_type: Value,
    }
    let head: Head = serde_json::from_slice(bytes)?;
    Ok(head
        .media_type
        .as_str()
        .filter(|text| !text.is_empty())
        .map(str::to_owned))
}

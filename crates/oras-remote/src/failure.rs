//! From failed exchanges to errors, in the words of the reference tool.

use http::{Method, StatusCode};
use oras_content::{Error, ErrorKind, ResponseInfo};
use oras_http::Response;
use oras_spec::api::ERROR_BODY_LIMIT;
use oras_spec::{ErrorBody, ErrorCode, Reference, go_quote};
use url::Url;

use crate::url::host_of;

/// `GET "https://host/path"`: what stands in front of everything that failed at an HTTP request.
pub(crate) fn request_text(method: &Method, url: &Url) -> String {
    format!("{method} {}", go_quote(&oras_http::redacted(url)))
}

/// The request never got an answer, or its answer broke off.
pub(crate) fn transport(error: &oras_http::Error) -> Error {
    let kind = match error.kind() {
        oras_http::ErrorKind::Timeout => ErrorKind::Timeout,
        oras_http::ErrorKind::TooLarge => ErrorKind::SizeLimit,
        oras_http::ErrorKind::Protocol | oras_http::ErrorKind::Redirect => ErrorKind::Protocol,
        oras_http::ErrorKind::InvalidRequest | oras_http::ErrorKind::Config => ErrorKind::Other,
        _ => ErrorKind::Network,
    };
    // The text has the causes in it already.
    Error::new(kind, error.to_string())
}

/// The answer came and its status is not what was hoped for. Reads a little of the body.
pub(crate) async fn status(method: &Method, response: Response) -> Error {
    let status = response.status;
    let url = response.url.clone();
    let body = response.bytes_truncated(ERROR_BODY_LIMIT).await;
    let errors = ErrorBody::parse(&body).unwrap_or_default();
    let inner = match errors.errors.is_empty() {
        true => reason(status).to_owned(),
        false => errors.to_string(),
    };
    let code = status.as_u16();
    let text = request_text(method, &url);
    Error::new(
        kind_of(status),
        format!("{text}: response status code {code}: {inner}"),
    )
    .with_response(ResponseInfo {
        method: method.to_string(),
        host: host_of(&url),
        url: oras_http::redacted(&url),
        status: code,
        errors: errors.errors,
    })
}

/// The answer is a success that makes no sense: `<METHOD> "<URL>": <problem>`.
pub(crate) fn protocol(method: &Method, url: &Url, problem: &str) -> Error {
    let text = request_text(method, url);
    Error::new(ErrorKind::Protocol, format!("{text}: {problem}"))
}

/// Turns a 404 into `<reference>: not found`, keeping what the registry said; leaves other errors alone.
pub(crate) fn missing(error: Error, reference: &Reference) -> Error {
    if error.status() != Some(404) {
        return error;
    }
    let kind = match is_repository_unknown(&error) {
        true => ErrorKind::RepositoryNotFound,
        false => ErrorKind::NotFound,
    };
    let found =
        Error::new(kind, format!("{reference}: not found")).with_reference(reference.to_string());
    match error.response() {
        Some(response) => found.with_response(response.clone()),
        None => found,
    }
}

/// Whether the registry said that it does not know the repository.
pub(crate) fn is_repository_unknown(error: &Error) -> bool {
    let errors = error.registry_errors();
    errors
        .iter()
        .any(|error| error.code == ErrorCode::NAME_UNKNOWN)
}

/// A plain 404 stays [`ErrorKind::Registry`]: only [`missing`] knows that the thing asked for is what is missing.
fn kind_of(status: StatusCode) -> ErrorKind {
    match status.as_u16() {
        401 => ErrorKind::Unauthorized,
        403 => ErrorKind::Forbidden,
        429 => ErrorKind::RateLimited,
        _ => ErrorKind::Registry,
    }
}

/// The reason phrase as Go spells it.
fn reason(status: StatusCode) -> &'static str {
    match status.as_u16() {
        413 => "Request Entity Too Large",
        414 => "Request URI Too Long",
        416 => "Requested Range Not Satisfiable",
        _ => status.canonical_reason().unwrap_or_default(),
    }
}

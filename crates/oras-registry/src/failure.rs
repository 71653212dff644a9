//! Answers that say no (distribution-spec, "Error Codes").

use std::collections::BTreeSet;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use oras_spec::{Digest, DigestError, ErrorBody, ErrorCode, RegistryError, json};
use serde_json::Value;

use crate::body::Body;
use crate::driver::DriverError;
use crate::route::Route;

/// A status, the errors of the body, and headers beside the usual ones.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    errors: Vec<RegistryError>,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Whether the request is not to blame. The code of the error then only says what the request was about.
    ours: bool,
}

impl Failure {
    pub(crate) fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            errors: vec![RegistryError::new(code, message)],
            headers: Vec::new(),
            ours: false,
        }
    }

    /// One error for each of `digests`.
    pub(crate) fn of_digests(code: &str, message: &str, digests: &[Digest]) -> Self {
        let error = |digest: &Digest| RegistryError {
            detail: serde_json::json!({ "digest": digest.as_str() }),
            ..RegistryError::new(code, message)
        };
        Self {
            status: StatusCode::BAD_REQUEST,
            errors: digests.iter().map(error).collect(),
            headers: Vec::new(),
            ours: false,
        }
    }

    /// What went wrong here. The standard has no codes for that: [`Failure::about`] chooses the nearest one.
    pub(crate) fn ours(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            ours: true,
            ..Self::new(status, ErrorCode::MANIFEST_INVALID, message)
        }
    }

    /// With the code that is nearest to what was asked for, if the request is not to blame.
    pub(crate) fn about(mut self, route: &Route) -> Self {
        let code = match route {
            _ if !self.ours => return self,
            // Not that a blob is unknown: whoever reads the code alone would take it for gone.
            Route::Blob { .. } | Route::Uploads { .. } | Route::Upload { .. } => {
                ErrorCode::BLOB_UPLOAD_INVALID
            }
            Route::Token => ErrorCode::UNAUTHORIZED,
            Route::Base
            | Route::Catalog
            | Route::Tags { .. }
            | Route::Manifest { .. }
            | Route::Referrers { .. } => ErrorCode::MANIFEST_INVALID,
        };
        for error in &mut self.errors {
            error.code = code.to_owned();
        }
        self
    }

    pub(crate) fn invalid_digest(cause: DigestError) -> Self {
        let text = cause.to_string();
        Self::new(StatusCode::BAD_REQUEST, ErrorCode::DIGEST_INVALID, text)
    }

    pub(crate) fn digest_mismatch() -> Self {
        let text = "the content has another digest";
        Self::new(StatusCode::BAD_REQUEST, ErrorCode::DIGEST_INVALID, text)
    }

    pub(crate) fn interrupted(message: &str) -> Self {
        let code = ErrorCode::BLOB_UPLOAD_INVALID;
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(crate) fn too_slow() -> Self {
        let text = "the body comes too slowly";
        let code = ErrorCode::BLOB_UPLOAD_INVALID;
        Self::new(StatusCode::REQUEST_TIMEOUT, code, text)
    }

    pub(crate) fn bad_size(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ErrorCode::SIZE_INVALID, message)
    }

    pub(crate) fn too_large(limit: u64) -> Self {
        let text = format!("larger than the limit of {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::SIZE_INVALID, text)
    }

    pub(crate) fn blob_unknown() -> Self {
        let text = "this repository has no such blob";
        Self::new(StatusCode::NOT_FOUND, ErrorCode::BLOB_UNKNOWN, text)
    }

    pub(crate) fn upload_unknown() -> Self {
        let text = "this repository has no such upload";
        Self::new(StatusCode::NOT_FOUND, ErrorCode::BLOB_UPLOAD_UNKNOWN, text)
    }

    pub(crate) fn name_unknown() -> Self {
        let text = "no such repository";
        Self::new(StatusCode::NOT_FOUND, ErrorCode::NAME_UNKNOWN, text)
    }

    pub(crate) fn condition_failed() -> Self {
        let text = "the tag does not fulfil the condition of the request";
        Self::new(StatusCode::PRECONDITION_FAILED, ErrorCode::DENIED, text)
    }

    /// `patterns` are those of the tags of the request that can't move.
    pub(crate) fn immutable_tag<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Self {
        let patterns: BTreeSet<&str> = patterns.into_iter().collect();
        let patterns: Vec<&str> = patterns.into_iter().collect();
        let patterns = patterns.join(", ");
        let text = format!("a tag is immutable ({patterns}) and points to something else");
        Self::new(StatusCode::FORBIDDEN, ErrorCode::DENIED, text)
    }

    pub(crate) fn with_detail(mut self, detail: Value) -> Self {
        if let Some(error) = self.errors.first_mut() {
            error.detail = detail;
        }
        self
    }

    /// Adds a header; a value that is none is left out.
    pub(crate) fn with_header(mut self, name: HeaderName, value: impl AsRef<str>) -> Self {
        if let Ok(value) = HeaderValue::from_str(value.as_ref()) {
            self.headers.push((name, value));
        }
        self
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn into_response(self) -> Response<Body> {
        let body = ErrorBody {
            errors: self.errors,
        };
        let body = json::to_vec(&body).unwrap_or_default();
        let mut response = Response::new(Body::from(Bytes::from(body)));
        *response.status_mut() = self.status;
        response.headers_mut().extend(self.headers);
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(CONTENT_TYPE, json);
        response
    }
}

/// What the storage says stays here: only what was attempted goes out.
impl From<DriverError> for Failure {
    fn from(error: DriverError) -> Self {
        let text = error.to_string();
        match error {
            DriverError::Full => {
                Self::ours(StatusCode::INSUFFICIENT_STORAGE, text).with_header(RETRY_AFTER, "60")
            }
            DriverError::Io { .. } | DriverError::Busy(_) | DriverError::Damaged(_) => {
                Self::ours(StatusCode::INTERNAL_SERVER_ERROR, text)
            }
        }
    }
}

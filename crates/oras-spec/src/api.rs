//! JSON bodies of the registry API (distribution-spec, "Error Codes", "Listing Tags"; Docker's `_catalog`).

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::go::go_value;
use crate::tolerant;

/// How much of an error response is worth reading, in bytes.
pub const ERROR_BODY_LIMIT: usize = 8 * 1024;

/// Body of an error response (distribution-spec, "Error Codes").
///
/// Registries and the proxies before them are sloppy here, so missing and `null` fields are accepted, and whatever is no error
/// body at all gives `None` rather than an error about an error.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// What the registry complains about.
    #[serde(default, deserialize_with = "tolerant::null_as_default")]
    pub errors: Vec<RegistryError>,
}

impl ErrorBody {
    /// Reads an error body; `None` if it is none, such as the HTML page of a proxy.
    #[must_use]
    pub fn parse(body: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(body);
        let body: Self = serde_json::from_str(&text).ok()?;
        (!body.errors.is_empty()).then_some(body)
    }

    /// A body with one error.
    #[must_use]
    pub fn one(error: RegistryError) -> Self {
        Self {
            errors: vec![error],
        }
    }

    /// Whether one of the errors has this code, see [`ErrorCode`].
    #[must_use]
    pub fn has(&self, code: &str) -> bool {
        self.errors.iter().any(|error| error.code == code)
    }
}

/// All errors, joined by `; `.
impl fmt::Display for ErrorBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, error) in self.errors.iter().enumerate() {
            let separator = if i > 0 { "; " } else { "" };
            write!(f, "{separator}{error}")?;
        }
        Ok(())
    }
}

/// One error of a registry (distribution-spec, "Error Codes").
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistryError {
    /// One of [`ErrorCode`], or something else.
    #[serde(default, deserialize_with = "tolerant::null_as_default")]
    pub code: String,
    /// Text for people.
    #[serde(
        default,
        deserialize_with = "tolerant::null_as_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub message: String,
    /// Anything else; `null` when absent.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub detail: Value,
}

impl RegistryError {
    /// An error without detail.
    #[must_use]
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            detail: Value::Null,
        }
    }
}

/// `code in words: message: detail`; without a message the detail is left out, too.
impl fmt::Display for RegistryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(&self.code.to_lowercase().replace('_', " ")))?;
        if self.message.is_empty() {
            return Ok(());
        }
        write!(f, ": {}", printable(&self.message))?;
        match &self.detail {
            Value::Null => Ok(()),
            detail => write!(f, ": {}", printable(&go_value(detail))),
        }
    }
}

impl std::error::Error for RegistryError {}

/// Without the characters that a registry could steer a terminal with.
fn printable(text: &str) -> Cow<'_, str> {
    let steers = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    match text.contains(steers) {
        true => Cow::Owned(text.replace(steers, "\u{fffd}")),
        false => Cow::Borrowed(text),
    }
}

/// Error codes (distribution-spec, "Error Codes"), as constants because registries also send their own.
#[derive(Debug)]
pub enum ErrorCode {}

impl ErrorCode {
    /// code-1: blob unknown to registry.
    pub const BLOB_UNKNOWN: &'static str = "BLOB_UNKNOWN";
    /// code-2: blob upload invalid.
    pub const BLOB_UPLOAD_INVALID: &'static str = "BLOB_UPLOAD_INVALID";
    /// code-3: blob upload unknown to registry.
    pub const BLOB_UPLOAD_UNKNOWN: &'static str = "BLOB_UPLOAD_UNKNOWN";
    /// code-4: provided digest did not match uploaded content.
    pub const DIGEST_INVALID: &'static str = "DIGEST_INVALID";
    /// code-5: manifest references a manifest or blob unknown to registry.
    pub const MANIFEST_BLOB_UNKNOWN: &'static str = "MANIFEST_BLOB_UNKNOWN";
    /// code-6: manifest invalid.
    pub const MANIFEST_INVALID: &'static str = "MANIFEST_INVALID";
    /// code-7: manifest unknown to registry.
    pub const MANIFEST_UNKNOWN: &'static str = "MANIFEST_UNKNOWN";
    /// code-8: invalid repository name.
    pub const NAME_INVALID: &'static str = "NAME_INVALID";
    /// code-9: repository name not known to registry.
    pub const NAME_UNKNOWN: &'static str = "NAME_UNKNOWN";
    /// code-10: provided length did not match content length.
    pub const SIZE_INVALID: &'static str = "SIZE_INVALID";
    /// code-11: authentication required.
    pub const UNAUTHORIZED: &'static str = "UNAUTHORIZED";
    /// code-12: requested access to the resource is denied.
    pub const DENIED: &'static str = "DENIED";
    /// code-13: the operation is unsupported.
    pub const UNSUPPORTED: &'static str = "UNSUPPORTED";
    /// code-14: too many requests.
    pub const TOOMANYREQUESTS: &'static str = "TOOMANYREQUESTS";
    /// Docker's code for a bad tag.
    pub const TAG_INVALID: &'static str = "TAG_INVALID";
    /// Docker's code for a manifest that failed signature checks.
    pub const MANIFEST_UNVERIFIED: &'static str = "MANIFEST_UNVERIFIED";
}

/// Answer to a tag listing (distribution-spec, "Listing Tags").
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagList {
    /// Name of the repository.
    #[serde(default, deserialize_with = "tolerant::null_as_default")]
    pub name: String,
    /// Its tags; `null` counts as none.
    #[serde(default, deserialize_with = "tolerant::null_as_default")]
    pub tags: Vec<String>,
}

/// Answer to a repository listing (Docker Registry HTTP API V2, `GET /v2/_catalog`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalog {
    /// Names of repositories; `null` counts as none.
    #[serde(default, deserialize_with = "tolerant::null_as_default")]
    pub repositories: Vec<String>,
}

//! The error every crate of the SDK returns: what was attempted, on what, on which side, and why it failed.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use oras_spec::Descriptor;
use oras_spec::api::RegistryError;

/// The result of a content operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure an [`Error`] is. Programs decide on this, never on the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The content, tag or manifest is not there.
    NotFound,
    /// The whole repository is unknown to the registry.
    RepositoryNotFound,
    /// Something is there already and the operation wanted to create it.
    AlreadyExists,
    /// The credentials are missing or were refused (401).
    Unauthorized,
    /// The credentials do not allow this (403).
    Forbidden,
    /// The registry asks to slow down (429).
    RateLimited,
    /// The store, registry or media type does not support this.
    Unsupported,
    /// A layout of a version we don't know.
    UnsupportedVersion,
    /// A reference breaks the grammar, or names another repository.
    InvalidReference,
    /// A tag or digest is needed and none was given.
    MissingReference,
    /// A digest breaks the grammar or its algorithm can't be verified.
    InvalidDigest,
    /// A media type or artifact type breaks RFC 6838.
    InvalidMediaType,
    /// A descriptor makes no sense (for example its size).
    InvalidDescriptor,
    /// An artifact type is needed and none was given.
    MissingArtifactType,
    /// A creation time is not RFC 3339.
    InvalidTimestamp,
    /// A manifest or index is not what its media type says.
    InvalidManifest,
    /// The bytes hash to another digest.
    DigestMismatch,
    /// Fewer or more bytes than the descriptor says.
    SizeMismatch,
    /// Content is larger than a limit set to protect this process.
    SizeLimit,
    /// A listing has more pages than allowed.
    TooManyPages,
    /// A manifest refers to content that the destination does not have.
    MissingReferencedContent,
    /// A file name leads outside of its folder.
    PathTraversal,
    /// A file is in the way and may not be replaced.
    OverwriteDenied,
    /// Two contents want the same file name.
    DuplicateName,
    /// A file has no name.
    MissingName,
    /// An archive is malformed or breaks a rule of safe unpacking.
    InvalidArchive,
    /// An archive or store went over a quota.
    QuotaExceeded,
    /// A file changed while it was read.
    Changed,
    /// Reading or writing credentials failed, or none exist for a challenge.
    Credential,
    /// The registry answered something that the protocol does not allow.
    Protocol,
    /// The registry answered with an error status not covered by a kind of its own.
    Registry,
    /// The registry could not be reached, or the connection broke.
    Network,
    /// Waiting took longer than allowed.
    Timeout,
    /// The operation was cancelled.
    Cancelled,
    /// The file system failed. A missing *file* is this too: [`NotFound`](Self::NotFound) is for content.
    Io,
    /// Anything else.
    Other,
}

/// The side of a copy that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Where content comes from.
    Source,
    /// Where content goes to.
    Destination,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Source => "source",
            Self::Destination => "destination",
        })
    }
}

/// The HTTP response that an error stands for.
#[derive(Clone, Debug, PartialEq)]
pub struct ResponseInfo {
    /// The method of the request, upper case.
    pub method: String,
    /// The URL that answered, after redirects, with secrets redacted.
    pub url: String,
    /// The `host[:port]` of that URL.
    pub host: String,
    /// The status code.
    pub status: u16,
    /// The errors of the body, empty when it had none that can be parsed.
    pub errors: Vec<RegistryError>,
}

/// A failed content operation. Small, cheap to move; everything is behind one box.
///
/// `Display` prints this level only; walk [`std::error::Error::source`] for the cause.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    operation: Option<&'static str>,
    side: Option<Side>,
    reference: Option<String>,
    descriptor: Option<Descriptor>,
    response: Option<ResponseInfo>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of `kind`, told to a person by `message` (lower case, no full stop, no secret).
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            operation: None,
            side: None,
            reference: None,
            descriptor: None,
            response: None,
            source: None,
        }))
    }

    /// `<what>: not found`.
    pub fn not_found(what: impl fmt::Display) -> Self {
        Self::new(ErrorKind::NotFound, format!("{what}: not found"))
    }

    /// The bytes read do not hash to the digest they were asked for by.
    pub fn digest_mismatch() -> Self {
        Self::new(ErrorKind::DigestMismatch, "mismatched digest")
    }

    /// Keeps what caused this error.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Says what was attempted: `resolve`, `push`, `fetch`… The first (innermost) value stays.
    #[must_use]
    pub fn with_operation(mut self, operation: &'static str) -> Self {
        self.0.operation.get_or_insert(operation);
        self
    }

    /// Says on which side it failed. The first (innermost) value stays.
    #[must_use]
    pub fn with_side(mut self, side: Side) -> Self {
        self.0.side.get_or_insert(side);
        self
    }

    /// Says what was asked for: a tag, a digest or a full reference. The first value stays.
    #[must_use]
    pub fn with_reference(mut self, reference: impl Into<String>) -> Self {
        if self.0.reference.is_none() {
            self.0.reference = Some(reference.into());
        }
        self
    }

    /// Says which content was handled. The first value stays.
    #[must_use]
    pub fn with_descriptor(mut self, descriptor: &Descriptor) -> Self {
        if self.0.descriptor.is_none() {
            self.0.descriptor = Some(descriptor.clone());
        }
        self
    }

    /// Attaches the HTTP response that this error stands for.
    #[must_use]
    pub fn with_response(mut self, response: ResponseInfo) -> Self {
        self.0.response = Some(response);
        self
    }

    /// Puts `context` in front, as a new outer level; kind and details stay reachable from the outside.
    #[must_use]
    pub fn context(self, context: impl Into<String>) -> Self {
        let mut outer = Self::new(self.kind(), context);
        outer.0.operation = self.0.operation;
        outer.0.side = self.0.side;
        outer.0.reference.clone_from(&self.0.reference);
        outer.0.descriptor.clone_from(&self.0.descriptor);
        outer.0.response.clone_from(&self.0.response);
        outer.with_source(self)
    }

    /// What kind of failure this is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What was attempted.
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation
    }

    /// The side of a copy that failed.
    pub fn side(&self) -> Option<Side> {
        self.0.side
    }

    /// The tag, digest or reference that was asked for.
    pub fn reference(&self) -> Option<&str> {
        self.0.reference.as_deref()
    }

    /// The content that was handled.
    pub fn descriptor(&self) -> Option<&Descriptor> {
        self.0.descriptor.as_ref()
    }

    /// The HTTP response behind this error.
    pub fn response(&self) -> Option<&ResponseInfo> {
        self.0.response.as_ref()
    }

    /// The HTTP status behind this error.
    pub fn status(&self) -> Option<u16> {
        self.0.response.as_ref().map(|r| r.status)
    }

    /// The registry's own errors behind this error.
    pub fn registry_errors(&self) -> &[RegistryError] {
        self.0.response.as_ref().map_or(&[], |r| &r.errors)
    }

    /// True for [`ErrorKind::NotFound`] and [`ErrorKind::RepositoryNotFound`].
    pub fn is_not_found(&self) -> bool {
        matches!(
            self.0.kind,
            ErrorKind::NotFound | ErrorKind::RepositoryNotFound
        )
    }

    /// The message of this level and of every cause, joined by `: `.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut next = self.source();
        while let Some(cause) = next {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            next = cause.source();
        }
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &self.0.message)
            .field("operation", &self.0.operation)
            .field("side", &self.0.side)
            .field("reference", &self.0.reference)
            .field("status", &self.status())
            .field("source", &self.0.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

/// Byte streams carry [`io::Error`]; an [`Error`] that travelled inside one comes out whole.
impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        if error.get_ref().is_some_and(|inner| inner.is::<Self>()) {
            if let Some(Ok(inner)) = error.into_inner().map(|inner| inner.downcast::<Self>()) {
                return *inner;
            }
            return Self::new(ErrorKind::Io, "input or output failed");
        }
        let kind = match error.kind() {
            io::ErrorKind::TimedOut => ErrorKind::Timeout,
            _ => ErrorKind::Io,
        };
        Self::new(kind, io_text(&error))
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        Self::other(error)
    }
}

/// The text of an I/O error in the words that this field's scripts know: without Rust's `(os error N)`.
pub fn io_text(error: &io::Error) -> String {
    let text = error.to_string();
    let text = match text.rfind(" (os error ") {
        Some(at) => &text[..at],
        None => &text,
    };
    // The operating system's messages start with a capital letter; ours don't.
    let mut chars = text.chars();
    match chars.next() {
        Some(first) if error.raw_os_error().is_some() => {
            first.to_lowercase().collect::<String>() + chars.as_str()
        }
        _ => text.to_owned(),
    }
}

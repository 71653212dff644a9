use std::error::Error as StdError;
use std::fmt;
use std::io;

use http::Method;
use url::Url;

use crate::redact;

/// What a request failed of.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The server could not be reached: refused, no route.
    Connect,
    /// The host name could not be resolved.
    Dns,
    /// A step took longer than [`Timeouts`](crate::Timeouts) allows.
    Timeout,
    /// The TLS handshake failed, most often at the certificate.
    Tls,
    /// The proxy could not be reached or refused.
    Proxy,
    /// Too many redirects, or a target that cannot be followed.
    Redirect,
    /// The request body could not be read or had another length than promised: the fault is on our side.
    Body,
    /// The connection was closed or reset before the response was complete.
    Closed,
    /// The server's answer is not HTTP.
    Protocol,
    /// The request cannot be sent as it is: an invalid header or URL.
    InvalidRequest,
    /// The client cannot be built from what it was given.
    Config,
    /// The response body is longer than the caller allows.
    TooLarge,
}

/// A failed request, or a client that could not be built.
///
/// Prints as `Get "https://host/path": cause`, in the words of the reference tool and without secrets. The text of the
/// sources is part of the cause, so there is no need to print the source chain.
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    target: Option<(Method, String)>,
    cause: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, cause: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            target: None,
            cause: cause.into(),
            source: None,
        }))
    }

    pub(crate) fn config(cause: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config, cause)
    }

    pub(crate) fn body(error: io::Error) -> Self {
        Self::new(ErrorKind::Body, error.to_string()).with_source(error)
    }

    pub(crate) fn with_source(
        mut self,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Names what was being requested.
    pub(crate) fn at(mut self, method: &Method, url: &Url) -> Self {
        self.0.target = Some((method.clone(), redact::url(url)));
        self
    }

    /// What the request failed of.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The method of the failed request; `None` for a client that could not be built.
    #[must_use]
    pub fn method(&self) -> Option<&Method> {
        self.0.target.as_ref().map(|(method, _)| method)
    }

    /// The URL of the failed request, without userinfo and with secret query values hidden.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        self.0.target.as_ref().map(|(_, url)| url.as_str())
    }

    /// The cause alone, without method and URL.
    #[must_use]
    pub fn cause(&self) -> &str {
        &self.0.cause
    }

    /// True if a step took too long.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.kind() == ErrorKind::Timeout
    }

    /// True if no connection could be made, so the server has not seen the request.
    #[must_use]
    pub fn is_connect(&self) -> bool {
        matches!(
            self.kind(),
            ErrorKind::Connect | ErrorKind::Dns | ErrorKind::Tls | ErrorKind::Proxy
        )
    }

    /// True for failures that may pass: timeouts and connections lost on the way. A refused connection is final, so
    /// that a wrong address is reported at once.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self.kind(), ErrorKind::Timeout | ErrorKind::Closed)
    }

    /// The failure of the request body's own stream, for an error of kind [`ErrorKind::Body`].
    #[must_use]
    pub fn body_error(&self) -> Option<&io::Error> {
        match self.kind() {
            ErrorKind::Body => self.0.source.as_deref()?.downcast_ref(),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((method, url)) = &self.0.target {
            write!(f, "{} {url:?}: ", verb(method))?;
        }
        f.write_str(&self.0.cause)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("target", &self.0.target)
            .field("cause", &self.0.cause)
            .field("source", &self.0.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.0.source {
            Some(source) => Some(&**source),
            None => None,
        }
    }
}

/// `GET` becomes `Get`.
fn verb(method: &Method) -> String {
    let (first, rest) = method.as_str().split_at(1);
    format!("{first}{}", rest.to_ascii_lowercase())
}

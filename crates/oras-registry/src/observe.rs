//! Watching a registry at work: the entries of an access log.
//!
//! The library prints nothing. An [`Observer`] gets an [`Access`] for every request when it is over, and writes it
//! where it likes, for example as [`Access::to_text`] or [`Access::to_json`].

mod line;

use std::error::Error;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

pub(crate) use line::{cut, path};

/// Whoever wants to know what happens.
///
/// It is called where requests are answered: what takes long belongs into a queue.
pub trait Observer: Send + Sync + 'static {
    /// A request is over: its answer has been taken, or its client went away.
    fn access(&self, access: &Access);

    /// Something an operator should know, in a sentence without secrets: a changed file of users or certificates can't
    /// be used, say.
    fn trouble(&self, _text: &str) {}
}

/// A request that is over. Nothing in it is secret: no header besides `User-Agent`, no unknown query parameter.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Access {
    /// When it began.
    pub time: SystemTime,
    /// What `X-Request-Id` of the answer says.
    pub request_id: String,
    /// Who was connected, or with authentication the client that a trusted proxy names.
    pub remote: Option<IpAddr>,
    /// The name of the user, if the client said and proved who it is.
    pub user: Option<String>,
    /// The method.
    pub method: String,
    /// Path and known query parameters as they were sent, cut if they are very long.
    pub path: String,
    /// What it was for, one of a fixed set of words such as `manifest`, `blob`, `uploads`.
    pub route: &'static str,
    /// The repository, if the path names one.
    pub repository: Option<String>,
    /// The tag, digest or upload session, if the path names one.
    pub reference: Option<String>,
    /// The status of the answer; 499 if the client went away before it was complete.
    pub status: u16,
    /// Bytes of the request's body that were read.
    pub bytes_in: u64,
    /// Bytes of the answer's body that were taken.
    pub bytes_out: u64,
    /// Time to the head of the answer, if there was one.
    pub first_byte: Option<Duration>,
    /// Time to the end.
    pub duration: Duration,
    /// What `User-Agent` says, cut if it is very long.
    pub user_agent: Option<String>,
    /// Such as `HTTP/1.1`.
    pub protocol: &'static str,
    /// Whether the connection was encrypted.
    pub tls: bool,
}

/// What became of something, and why.
pub(crate) fn told(what: &str, error: &dyn Error) -> String {
    let mut text = format!("{what}: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

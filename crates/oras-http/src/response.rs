use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Method, StatusCode};
use http_body::Body as _;
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};
use url::Url;

use crate::body::ByteStream;
use crate::cause;
use crate::error::{Error, ErrorKind};
use crate::origin::Origin;

/// A longer unread rest is not worth reading to keep its connection.
const DRAIN_LIMIT: usize = 64 * 1024;

/// The head of a response, and its body waiting to be read.
pub struct Response {
    /// The status, whatever it is: an error status is not an [`Error`].
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// Where the response came from, after redirects. Without userinfo.
    pub url: Url,
    /// The origin that was asked first.
    pub requested: Origin,
    pub(crate) method: Method,
    pub(crate) body: ByteStream,
}

impl Response {
    /// The `Content-Length` header, in bytes.
    #[must_use]
    pub fn content_length(&self) -> Option<u64> {
        self.headers
            .get(CONTENT_LENGTH)?
            .to_str()
            .ok()?
            .trim()
            .parse()
            .ok()
    }

    /// True if redirects led to another server than the one that was asked.
    #[must_use]
    pub fn is_from_other_origin(&self) -> bool {
        Origin::of(&self.url).as_ref() != Some(&self.requested)
    }

    /// The body as it arrives. Silence longer than [`Timeouts::idle`](crate::Timeouts::idle) ends it with an error of
    /// kind [`io::ErrorKind::TimedOut`]; a body cut short ends with [`io::ErrorKind::UnexpectedEof`].
    #[must_use]
    pub fn into_stream(self) -> ByteStream {
        self.body
    }

    /// The whole body, if it has at most `limit` bytes.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`] for a longer body; [`ErrorKind::Timeout`] or [`ErrorKind::Closed`] if it cannot be read
    /// to its end.
    pub async fn bytes(mut self, limit: usize) -> Result<Bytes, Error> {
        let too_large = || {
            Error::new(
                ErrorKind::TooLarge,
                format!("response body exceeds the limit of {limit} bytes"),
            )
        };
        if self.method != Method::HEAD
            && self
                .content_length()
                .is_some_and(|length| length > limit as u64)
        {
            return Err(too_large().at(&self.method, &self.url));
        }
        let mut whole = BytesMut::new();
        while let Some(piece) = self.body.next().await {
            let piece = piece.map_err(|error| cause::of_read(error).at(&self.method, &self.url))?;
            if whole.len() + piece.len() > limit {
                return Err(too_large().at(&self.method, &self.url));
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole.freeze())
    }

    /// At most the first `limit` bytes of the body, less if reading fails: for the bodies of error responses.
    pub async fn bytes_truncated(mut self, limit: usize) -> Bytes {
        let mut start = BytesMut::new();
        while start.len() < limit {
            let Some(Ok(piece)) = self.body.next().await else {
                break;
            };
            start.extend_from_slice(&piece[..piece.len().min(limit - start.len())]);
        }
        start.freeze()
    }

    /// Reads and drops a short rest of the body, so that the connection can serve the next request. A long rest is
    /// left alone and closes the connection.
    pub async fn drain(mut self) {
        if self
            .content_length()
            .is_some_and(|length| length > DRAIN_LIMIT as u64)
        {
            return;
        }
        let mut read = 0;
        while let Some(Ok(piece)) = self.body.next().await {
            read += piece.len();
            if read > DRAIN_LIMIT {
                return;
            }
        }
    }
}

impl std::fmt::Debug for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("url", &crate::redact::url(&self.url))
            .finish_non_exhaustive()
    }
}

/// The body of a response with a limit on the silence between two pieces.
pub(crate) struct Download {
    body: Incoming,
    idle: Duration,
    alarm: Pin<Box<Sleep>>,
    waiting: bool,
}

impl Download {
    pub(crate) fn new(body: Incoming, idle: Duration) -> Self {
        Self {
            body,
            idle,
            alarm: Box::pin(tokio::time::sleep(idle)),
            waiting: false,
        }
    }
}

impl Stream for Download {
    type Item = io::Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            match Pin::new(&mut this.body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    this.waiting = false;
                    match frame.into_data() {
                        Ok(data) if data.is_empty() => {}
                        Ok(data) => return Poll::Ready(Some(Ok(data))),
                        // Trailers: nothing in this crate's world uses them.
                        Err(_) => {}
                    }
                }
                Poll::Ready(Some(Err(error))) => {
                    return Poll::Ready(Some(Err(cause::read_error(error))));
                }
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => break,
            }
        }
        // The clock runs only while somebody waits: a slow reader is not a slow server.
        if !this.waiting {
            this.waiting = true;
            this.alarm.as_mut().reset(Instant::now() + this.idle);
        }
        match this.alarm.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Some(Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "i/o timeout",
            )))),
            Poll::Pending => Poll::Pending,
        }
    }
}

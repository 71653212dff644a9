use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;

/// Pieces of a body as they arrive or leave.
pub type ByteStream = BoxStream<'static, std::io::Result<Bytes>>;

/// Something whose bytes can be streamed, and usually streamed again from the start.
#[async_trait]
pub trait OpenBody: Send + Sync {
    /// Opens the content at its first byte.
    ///
    /// # Errors
    /// Whatever keeps the content from being read; the caller of [`Client::send`](crate::Client::send) finds it in
    /// [`Error::body_error`](crate::Error::body_error).
    async fn open(&self) -> std::io::Result<ByteStream>;

    /// False if `open` works only once, as for standard input. Such a body is never retried and never follows a 307.
    fn replayable(&self) -> bool {
        true
    }
}

/// A request body of known length that can be opened again: for retries, re-authentication and redirects.
#[derive(Clone)]
pub struct Body(Kind);

#[derive(Clone)]
enum Kind {
    Bytes(Bytes),
    Replay { len: u64, source: Arc<dyn OpenBody> },
}

impl Body {
    /// No body.
    #[must_use]
    pub fn empty() -> Self {
        Self(Kind::Bytes(Bytes::new()))
    }

    /// A body in memory.
    #[must_use]
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self(Kind::Bytes(bytes.into()))
    }

    /// A body of `len` bytes that `source` opens for each attempt.
    ///
    /// A stream that yields fewer or more bytes makes the request fail, and the server never sees a complete request.
    #[must_use]
    pub fn replay(len: u64, source: Arc<dyn OpenBody>) -> Self {
        Self(Kind::Replay { len, source })
    }

    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        match &self.0 {
            Kind::Bytes(bytes) => bytes.len() as u64,
            Kind::Replay { len, .. } => *len,
        }
    }

    /// True if the body has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// True if the body can be sent more than once.
    #[must_use]
    pub fn replayable(&self) -> bool {
        match &self.0 {
            Kind::Bytes(_) => true,
            Kind::Replay { source, .. } => source.replayable(),
        }
    }

    /// True if there is nothing to open, so nothing that can fail on our side.
    pub(crate) fn is_absent(&self) -> bool {
        matches!(&self.0, Kind::Bytes(bytes) if bytes.is_empty())
    }

    pub(crate) async fn open(&self) -> std::io::Result<ByteStream> {
        match &self.0 {
            Kind::Bytes(bytes) => {
                let bytes = bytes.clone();
                Ok(futures_util::stream::once(async move { Ok(bytes) }).boxed())
            }
            Kind::Replay { source, .. } => source.open().await,
        }
    }
}

impl Default for Body {
    fn default() -> Self {
        Self::empty()
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::bytes(bytes)
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body")
            .field("len", &self.len())
            .field("replayable", &self.replayable())
            .finish()
    }
}

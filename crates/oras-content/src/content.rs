//! Content on its way out of a store: a stream of bytes that nobody has checked yet.

use std::fmt;
use std::io;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use oras_spec::Descriptor;

use crate::error::{Error, ErrorKind, Result};
use crate::verify::verifying;

/// A stream of byte chunks, each at most a few hundred KiB. Dropping it releases what feeds it.
pub type ByteStream = BoxStream<'static, io::Result<Bytes>>;

/// A stream that yields `bytes` as one chunk.
pub fn once(bytes: Bytes) -> ByteStream {
    if bytes.is_empty() {
        return stream::empty().boxed();
    }
    stream::once(async move { Ok(bytes) }).boxed()
}

/// What [`Fetch::fetch`](crate::Fetch::fetch) returns: a descriptor and the bytes that claim to be it.
///
/// A store promises nothing about the bytes. Ask for [`verified`](Self::verified) or [`bytes`](Self::bytes)
/// before looking at them; [`into_unverified`](Self::into_unverified) is for those who hash for themselves.
pub struct Content {
    descriptor: Descriptor,
    stream: ByteStream,
}

impl Content {
    /// Bytes from anywhere that claim to be `descriptor`.
    pub fn new(descriptor: Descriptor, stream: ByteStream) -> Self {
        Self { descriptor, stream }
    }

    /// What the bytes claim to be.
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// The bytes, with an error at the end of the stream (or before) unless size and digest are right.
    pub fn verified(self) -> Result<ByteStream> {
        verifying(&self.descriptor, self.stream)
    }

    /// The bytes as they come. The caller verifies.
    pub fn into_unverified(self) -> ByteStream {
        self.stream
    }

    /// All bytes, verified, for content of at most `limit` bytes.
    ///
    /// # Errors
    /// [`ErrorKind::SizeLimit`] before anything is read if the descriptor declares more than `limit` bytes;
    /// the errors of [`verified`](Self::verified).
    pub async fn bytes(self, limit: u64) -> Result<Bytes> {
        let size = self.descriptor.size;
        if size > limit {
            return Err(Error::new(
                ErrorKind::SizeLimit,
                format!("content size {size} exceeds MaxBytes {limit}"),
            )
            .with_source(SizeExceedsLimit)
            .with_descriptor(&self.descriptor));
        }
        let descriptor = self.descriptor.clone();
        collect(self.verified()?)
            .await
            .map_err(|error| error.with_descriptor(&descriptor))
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content")
            .field("descriptor", &self.descriptor)
            .finish_non_exhaustive()
    }
}

/// Joins the chunks of a stream whose length is known to be bounded.
pub(crate) async fn collect(mut stream: ByteStream) -> Result<Bytes> {
    let Some(first) = stream.next().await.transpose()? else {
        return Ok(Bytes::new());
    };
    // The common case by far: one chunk, kept without a copy.
    let Some(second) = stream.next().await.transpose()? else {
        return Ok(first);
    };
    let mut all = BytesMut::from(first);
    all.extend_from_slice(&second);
    while let Some(chunk) = stream.next().await.transpose()? {
        all.extend_from_slice(&chunk);
    }
    Ok(all.freeze())
}

/// The cause below an [`ErrorKind::SizeLimit`] error.
#[derive(Debug, thiserror::Error)]
#[error("size exceeds limit")]
pub struct SizeExceedsLimit;

//! The verifying reader: size and digest of a stream are right, or the stream ends in an error.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use oras_spec::{Descriptor, Digest, Hasher};

use crate::content::ByteStream;
use crate::error::{Error, ErrorKind, Result};

/// Checks bytes against a descriptor as they pass, for code that pushes chunks itself.
///
/// Nothing is allocated for the declared size, so an absurd one costs nothing.
pub struct Verifier {
    expected: Digest,
    remaining: u64,
    hasher: Hasher,
}

impl Verifier {
    /// A verifier for `descriptor`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidDigest`] if we cannot compute digests of its algorithm.
    pub fn new(descriptor: &Descriptor) -> Result<Self> {
        let hasher = descriptor
            .digest
            .hasher()
            .map_err(|error| Error::new(ErrorKind::InvalidDigest, error.to_string()))?;
        Ok(Self {
            expected: descriptor.digest.clone(),
            remaining: descriptor.size,
            hasher,
        })
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`ErrorKind::SizeMismatch`] (`trailing data`) as soon as there are more than declared.
    pub fn update(&mut self, bytes: &[u8]) -> Result<()> {
        match self.remaining.checked_sub(bytes.len() as u64) {
            Some(rest) => self.remaining = rest,
            None => return Err(Error::new(ErrorKind::SizeMismatch, "trailing data")),
        }
        self.hasher.update(bytes);
        Ok(())
    }

    /// Says that the end is reached.
    ///
    /// # Errors
    /// [`ErrorKind::SizeMismatch`] (`unexpected EOF`) if bytes are missing, [`ErrorKind::DigestMismatch`].
    pub fn finish(self) -> Result<()> {
        if self.remaining > 0 {
            return Err(Error::new(ErrorKind::SizeMismatch, "unexpected EOF"));
        }
        let got = self.hasher.finish();
        if got != self.expected {
            return Err(Error::digest_mismatch());
        }
        Ok(())
    }
}

/// Wraps `stream` so that it ends in an error unless its bytes are exactly `descriptor`.
///
/// The error travels as the inner error of an [`std::io::Error`]; `Error::from` takes it out again.
///
/// # Errors
/// [`ErrorKind::InvalidDigest`] if we cannot compute digests of its algorithm.
pub fn verifying(descriptor: &Descriptor, stream: ByteStream) -> Result<ByteStream> {
    Ok(Verifying {
        stream,
        verifier: Some(Verifier::new(descriptor)?),
    }
    .boxed())
}

struct Verifying {
    stream: ByteStream,
    /// Taken when the end was reached, well or badly.
    verifier: Option<Verifier>,
}

impl Stream for Verifying {
    type Item = std::io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.verifier.is_none() {
            return Poll::Ready(None);
        }
        let item = ready!(self.stream.poll_next_unpin(cx));
        let checked = match item {
            Some(Ok(chunk)) => match self.verifier.as_mut().map(|v| v.update(&chunk)) {
                Some(Err(error)) => Some(Err(error.into())),
                _ => return Poll::Ready(Some(Ok(chunk))),
            },
            Some(Err(error)) => Some(Err(error)),
            None => match self.verifier.take().map(Verifier::finish) {
                Some(Err(error)) => Some(Err(error.into())),
                _ => None,
            },
        };
        self.verifier = None;
        Poll::Ready(checked)
    }
}

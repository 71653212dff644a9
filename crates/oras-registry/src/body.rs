//! Bodies of requests and responses.

use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;

use crate::driver::BlobStream;

/// What can go wrong while a body is read.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// The body of a request, whatever server it came through.
pub(crate) type RequestBody = UnsyncBoxBody<Bytes, BoxError>;

/// Puts the body of a request into a box.
pub(crate) fn boxed<B>(body: B) -> RequestBody
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    body.map_err(Into::into).boxed_unsync()
}

/// The body of a response: bytes at hand, or a blob as it is read.
pub struct Body(Kind);

enum Kind {
    Bytes(Option<Bytes>),
    Blob { stream: BlobStream, left: u64 },
}

impl Body {
    /// No bytes at all.
    #[must_use]
    pub fn empty() -> Self {
        Self(Kind::Bytes(None))
    }

    pub(crate) fn blob(stream: BlobStream, length: u64) -> Self {
        Self(Kind::Blob {
            stream,
            left: length,
        })
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self(Kind::Bytes(Some(bytes).filter(|bytes| !bytes.is_empty())))
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.0 {
            Kind::Bytes(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Kind::Blob { stream, left } => match Pin::new(stream).poll_next(context) {
                Poll::Ready(Some(Ok(bytes))) => {
                    *left = left.saturating_sub(bytes.len() as u64);
                    Poll::Ready(Some(Ok(Frame::data(bytes))))
                }
                Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error.into()))),
                Poll::Ready(None) => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Bytes(bytes) => bytes.is_none(),
            Kind::Blob { left, .. } => *left == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match &self.0 {
            Kind::Bytes(bytes) => bytes.as_ref().map_or(0, |bytes| bytes.len() as u64),
            Kind::Blob { left, .. } => *left,
        })
    }
}

/// Reads up to `most` bytes and drops them, so that whoever sends them gets to read the answer.
pub(crate) async fn drain(body: RequestBody, most: usize) {
    let mut stream = body.into_data_stream();
    let mut seen = 0;
    while let Some(Ok(bytes)) = stream.next().await {
        seen += bytes.len();
        if seen > most {
            return;
        }
    }
}

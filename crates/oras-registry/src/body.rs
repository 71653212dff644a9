//! Bodies of requests and responses.

use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use http::StatusCode;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty};

use crate::driver::BlobStream;
use crate::exchange::Exchange;

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
    if body.is_end_stream() {
        // Nothing costs nothing, which matters as most requests have no body.
        return Empty::new().map_err(|never| match never {}).boxed_unsync();
    }
    body.map_err(Into::into).boxed_unsync()
}

/// The body of a response: bytes at hand, or a blob as it is read.
pub struct Body {
    kind: Kind,
    /// Ends with this body.
    exchange: Option<(StatusCode, Exchange)>,
}

enum Kind {
    Bytes(Option<Bytes>),
    Blob { stream: BlobStream, left: u64 },
}

impl Body {
    /// No bytes at all.
    #[must_use]
    pub fn empty() -> Self {
        Self::of(Kind::Bytes(None))
    }

    pub(crate) fn blob(stream: BlobStream, length: u64) -> Self {
        Self::of(Kind::Blob {
            stream,
            left: length,
        })
    }

    fn of(kind: Kind) -> Self {
        Self {
            kind,
            exchange: None,
        }
    }

    /// Keeps track of the exchange that ends when this body has been taken.
    pub(crate) fn ends(mut self, status: StatusCode, exchange: Exchange) -> Self {
        self.exchange = Some((status, exchange));
        self
    }

    fn poll_kind(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, BoxError>>> {
        match &mut self.kind {
            Kind::Bytes(bytes) => Poll::Ready(bytes.take().map(Ok)),
            Kind::Blob { stream, left } => match Pin::new(stream).poll_next(context) {
                Poll::Ready(Some(Ok(bytes))) => {
                    *left = left.saturating_sub(bytes.len() as u64);
                    Poll::Ready(Some(Ok(bytes)))
                }
                Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error.into()))),
                Poll::Ready(None) => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            },
        }
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::of(Kind::Bytes(Some(bytes).filter(|bytes| !bytes.is_empty())))
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let polled = self.poll_kind(context);
        let complete = self.is_end_stream();
        if let Some((_, exchange)) = &mut self.exchange {
            match &polled {
                Poll::Ready(Some(Ok(bytes))) => exchange.sent(bytes.len()),
                Poll::Ready(Some(Err(_))) => exchange.fail(),
                Poll::Ready(None) if !complete => exchange.fail(),
                Poll::Ready(None) | Poll::Pending => {}
            }
        }
        polled.map(|next| next.map(|bytes| bytes.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Bytes(bytes) => bytes.is_none(),
            Kind::Blob { left, .. } => *left == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match &self.kind {
            Kind::Bytes(bytes) => bytes.as_ref().map_or(0, |bytes| bytes.len() as u64),
            Kind::Blob { left, .. } => *left,
        })
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        let complete = self.is_end_stream();
        if let Some((status, exchange)) = &mut self.exchange
            && complete
        {
            exchange.complete(*status);
        }
    }
}

//! One connection, from its first byte to its last.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};

use bytes::Bytes;
use http::Request;
use http::header::CONNECTION;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::Stage;
use super::accept::reached;
use super::line::{Line, Phase};
use super::slots::{Slot, Slots};
use super::tls::Acceptor;
use crate::body::{Body, BoxError};
use crate::handler::Readiness;
use crate::metrics::Metrics;
use crate::peer::Peer;
use crate::registry::Registry;

/// How large the head of a request may be, in bytes.
const HEAD_BYTES: usize = 64 * 1024;

/// How much is read from a connection at once, in bytes, if it brings that much.
const READ_BYTES: usize = 256 * 1024;

/// What all connections of a server share.
#[derive(Clone)]
pub(super) struct Context {
    pub(super) registry: Registry,
    pub(super) tls: Option<Arc<Acceptor>>,
    pub(super) stage: watch::Receiver<Stage>,
}

impl Context {
    pub(super) fn slots(&self) -> &Arc<Slots> {
        &self.registry.shared.slots
    }

    pub(super) fn metrics(&self) -> &Metrics {
        &self.registry.shared.metrics
    }

    fn readiness(&self) -> Readiness {
        match *self.stage.borrow() {
            Stage::Serving => Readiness::Serving,
            _ => Readiness::Draining,
        }
    }
}

/// Answers the requests of a connection until it ends. How it ends is its client's business.
pub(super) async fn serve(context: Context, stream: TcpStream, addr: SocketAddr, _slot: Slot) {
    // Small answers must not wait for more to send; without it they are only slower.
    let _ = stream.set_nodelay(true);
    let addr = Some(addr);
    let Some(tls) = context.tls.clone() else {
        let peer = Peer {
            addr,
            ..Peer::default()
        };
        return talk(context, stream, peer).await;
    };
    let handshake = tls.accept(stream, &context.registry.shared);
    let patience = context.registry.shared.limits.head_time;
    match tokio::time::timeout(patience, handshake).await {
        Ok(Ok((stream, certificate))) => {
            let peer = Peer {
                addr,
                tls: true,
                certificate,
            };
            talk(context, stream, peer).await;
        }
        Ok(Err(_)) | Err(_) => context.metrics().failed_handshakes.count(),
    }
}

async fn talk<S>(context: Context, stream: S, peer: Peer)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let phase = Arc::new(Phase::new());
    let line = Line::new(stream, Arc::clone(&phase), &context.registry.shared.limits);
    let mut stage = context.stage.clone();
    let service = service_fn(|mut request: Request<Incoming>| {
        phase.busy();
        request.extensions_mut().insert(peer.clone());
        let readiness = context.readiness();
        let registry = context.registry.clone();
        let phase = Arc::clone(&phase);
        async move {
            let response = registry.answer(request, readiness).await;
            if response.headers().contains_key(CONNECTION) {
                phase.deaf();
            }
            Ok::<_, Infallible>(response.map(|body| Answer { body, phase }))
        }
    });
    // The timer of hyper would not tell a slow head from a connection that is kept for later: see `Line`.
    let connection = http1::Builder::new()
        .header_read_timeout(None)
        // Whoever has said everything may close their side and still listen.
        .half_close(true)
        .max_header_size(HEAD_BYTES)
        .max_buf_size(READ_BYTES)
        .serve_connection(TokioIo::new(line), service);
    let mut connection = std::pin::pin!(connection);
    let _ = tokio::select! {
        ended = connection.as_mut() => ended,
        () = reached(&mut stage, Stage::Closing) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
}

/// A body that tells when it has been taken.
struct Answer {
    body: Body,
    phase: Arc<Phase>,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut task::Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.phase.idle();
    }
}

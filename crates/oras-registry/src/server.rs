//! Listening on a port.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::auth::AuthError;
use crate::driver::DriverError;
use crate::peer::Peer;
use crate::registry::Registry;

/// How long the head of a request may take.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How large the head of a request may be, in bytes.
const HEAD_BYTES: usize = 64 * 1024;
/// How long to wait when no connection can be accepted, such as for lack of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Why a registry can't serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// Nothing can listen at the address.
    #[error("cannot listen on {addr}")]
    Listen {
        /// The address that was asked for.
        addr: String,
        /// What the system said.
        source: io::Error,
    },
    /// The storage can't be opened.
    #[error("cannot open the storage")]
    Storage(#[from] DriverError),
    /// Who may do what is not clear.
    #[error("cannot set up authentication")]
    Auth(#[from] AuthError),
}

/// A registry that listens. Dropping it frees the port at once and ends all connections.
#[must_use = "dropping the server stops it"]
pub struct Server {
    addr: SocketAddr,
    listener: Listener,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

/// Taken out by whoever stops the server, so that the port is free from then on.
type Listener = Arc<Mutex<Option<TcpListener>>>;

impl Server {
    pub(crate) async fn bind(registry: Registry, addr: &str) -> Result<Self, ServerError> {
        let failed = |source| ServerError::Listen {
            addr: addr.to_owned(),
            source,
        };
        let listener = TcpListener::bind(addr).await.map_err(failed)?;
        let local = listener.local_addr().map_err(failed)?;
        let listener = Arc::new(Mutex::new(Some(listener)));
        let stop = watch::Sender::new(false);
        let accepting = accept(registry, Arc::clone(&listener), stop.subscribe());
        Ok(Self {
            addr: local,
            listener,
            stop,
            accepting: tokio::spawn(accepting),
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Frees the port at once and waits until the requests that are being answered have been.
    pub async fn shutdown(mut self) {
        close(&self.listener);
        self.stop.send_replace(true);
        // Nothing to tell: a task that panicked has ended as well.
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        close(&self.listener);
        self.accepting.abort();
    }
}

fn close(listener: &Listener) {
    listener
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
}

/// The next connection; `None` when the listener was taken away.
async fn next(listener: &Listener) -> Option<io::Result<TcpStream>> {
    std::future::poll_fn(|context| {
        let listener = listener.lock().unwrap_or_else(PoisonError::into_inner);
        match listener.as_ref() {
            None => Poll::Ready(None),
            Some(listener) => listener
                .poll_accept(context)
                .map(|accepted| Some(accepted.map(|(stream, _)| stream))),
        }
    })
    .await
}

async fn accept(registry: Registry, listener: Listener, mut stop: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = next(&listener) => accepted,
            () = stopped(&mut stop) => None,
        };
        match accepted {
            None => break,
            Some(Ok(stream)) => {
                connections.spawn(serve(registry.clone(), stream, stop.clone()));
            }
            Some(Err(_)) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
        while connections.try_join_next().is_some() {}
    }
    while connections.join_next().await.is_some() {}
}

async fn serve(registry: Registry, stream: TcpStream, mut stop: watch::Receiver<bool>) {
    // Small answers must not wait for more to send; without it they are only slower.
    let _ = stream.set_nodelay(true);
    let peer = Peer {
        addr: stream.peer_addr().ok(),
        ..Peer::default()
    };
    let service = service_fn(move |mut request: Request<Incoming>| {
        let registry = registry.clone();
        request.extensions_mut().insert(peer.clone());
        async move { Ok::<_, Infallible>(registry.respond(request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    // How a connection ends is its client's business.
    let _ = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopped(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // A server that is gone without a word has stopped as well.
    let _ = stop.wait_for(|stop| *stop).await;
}

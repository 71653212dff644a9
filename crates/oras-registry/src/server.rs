//! Listening on a port: connections, TLS, time limits, and stopping without cutting anybody off.

mod accept;
mod certificate;
mod connection;
mod line;
mod slots;
mod tls;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::error::ServerError;
use crate::registry::Registry;

pub(crate) use slots::Slots;
pub use tls::{ClientAuth, Tls, TlsError};

/// How many connections may wait to be taken. Clients open one for each blob and all of them at once.
const BACKLOG: u32 = 1024;

/// A registry that listens. Dropping it frees the port at once and ends all connections.
///
/// To stop without cutting anybody off: [`drain`](Self::drain), wait until load balancers have noticed, then
/// [`shutdown_within`](Self::shutdown_within).
#[must_use = "dropping the server stops it"]
pub struct Server {
    addr: SocketAddr,
    listener: Listener,
    tls: Option<Arc<tls::Acceptor>>,
    stage: watch::Sender<Stage>,
    accepting: JoinHandle<usize>,
}

/// Taken out by whoever stops the server, so that the port is free from then on.
type Listener = Arc<Mutex<Option<TcpListener>>>;

/// How far a server has come on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Serving,
    /// Says that it is not ready, but still serves.
    Draining,
    /// Takes no connections; those that are open end with their request.
    Closing,
    /// Ends all connections.
    Cutting,
}

impl Server {
    pub(crate) async fn bind(
        registry: Registry,
        addr: &str,
        tls: Option<Tls>,
    ) -> Result<Self, ServerError> {
        let tls = match tls {
            Some(tls) => Some(Arc::new(tls::Acceptor::load(tls).await?)),
            None => None,
        };
        let failed = |source| ServerError::Listen {
            addr: addr.to_owned(),
            source,
        };
        let listener = listen(addr).await.map_err(failed)?;
        let local = listener.local_addr().map_err(failed)?;
        let listener = Arc::new(Mutex::new(Some(listener)));
        let stage = watch::Sender::new(Stage::Serving);
        let context = connection::Context {
            registry: registry.clone(),
            tls: tls.clone(),
            stage: stage.subscribe(),
        };
        let accepting = accept::accept(context, Arc::clone(&listener));
        let accepting = registry.tended(accepting);
        Ok(Self {
            addr: local,
            listener,
            tls,
            stage,
            accepting: tokio::spawn(accepting),
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Loads certificates again. This happens by itself within a second or so of a change of the files; whoever wants to
    /// know whether it worked, asks. Open connections keep theirs, and so do new ones if it fails.
    ///
    /// # Errors
    /// [`TlsError`] if the new files can't be used.
    pub async fn reload_tls(&self) -> Result<(), TlsError> {
        match &self.tls {
            Some(tls) => tls.reload().await,
            None => Ok(()),
        }
    }

    /// From now on `/readyz` says that no more requests are wanted. They are answered all the same.
    pub fn drain(&self) {
        self.enter(Stage::Draining);
    }

    /// Frees the port at once and waits until the requests that are being answered have been, however long that takes.
    pub async fn shutdown(mut self) {
        self.close();
        // Nothing to tell: a task that panicked has ended as well.
        let _ = (&mut self.accepting).await;
    }

    /// Frees the port at once, waits until the requests that are being answered have been, but not longer than
    /// `patience`, and gives the number of connections that had to be cut. What uploads have sent is kept: their clients
    /// can go on later.
    pub async fn shutdown_within(mut self, patience: Duration) -> usize {
        self.close();
        if let Ok(ended) = tokio::time::timeout(patience, &mut self.accepting).await {
            return ended.unwrap_or_default();
        }
        self.enter(Stage::Cutting);
        (&mut self.accepting).await.unwrap_or_default()
    }

    fn close(&self) {
        self.enter(Stage::Closing);
        close(&self.listener);
    }

    fn enter(&self, stage: Stage) {
        self.stage.send_if_modified(|current| {
            let later = stage > *current;
            *current = stage.max(*current);
            later
        });
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        close(&self.listener);
        self.accepting.abort();
    }
}

async fn listen(addr: &str) -> io::Result<TcpListener> {
    let mut failed = io::ErrorKind::AddrNotAvailable.into();
    for addr in tokio::net::lookup_host(addr).await? {
        match listen_on(addr) {
            Ok(listener) => return Ok(listener),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

fn listen_on(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = match addr {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // Connections that just ended must not keep the next server from the port.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    socket.listen(BACKLOG)
}

fn close(listener: &Listener) {
    listener
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
}

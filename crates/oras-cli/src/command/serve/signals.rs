//! What tells a server to stop: Ctrl-C and, where there is one, the signal of service managers.

use crate::error::Error;

/// Waits for whatever tells the server to stop.
pub(super) struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    /// From here on nothing that tells the server to stop ends the process.
    ///
    /// # Errors
    /// If the system has no room for a handler.
    #[cfg(unix)]
    pub(super) fn new() -> Result<Self, Error> {
        use tokio::signal::unix::{SignalKind, signal};
        let handler = |kind| signal(kind).map_err(|error| Error::caused(&error));
        Ok(Self {
            interrupt: handler(SignalKind::interrupt())?,
            terminate: handler(SignalKind::terminate())?,
        })
    }

    #[cfg(not(unix))]
    pub(super) fn new() -> Result<Self, Error> {
        Ok(Self {})
    }

    /// Returns when the server is told to stop.
    pub(super) async fn next(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
        #[cfg(not(unix))]
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}

//! What a server is told while it runs: to stop by Ctrl-C and service managers, to take up changed files by a hang-up.

use crate::error::Error;

/// What a server is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    Stop,
    /// Never told where there is no such signal.
    #[cfg_attr(not(unix), allow(dead_code))]
    Reload,
}

/// Waits for what a server is told.
pub(super) struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    hang_up: tokio::signal::unix::Signal,
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
            hang_up: handler(SignalKind::hangup())?,
        })
    }

    #[cfg(not(unix))]
    pub(super) fn new() -> Result<Self, Error> {
        Ok(Self {})
    }

    /// What comes next.
    pub(super) async fn next(&mut self) -> Signal {
        #[cfg(unix)]
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Stop,
            _ = self.terminate.recv() => Signal::Stop,
            _ = self.hang_up.recv() => Signal::Reload,
        }
        #[cfg(not(unix))]
        match tokio::signal::ctrl_c().await {
            Ok(()) => Signal::Stop,
            Err(_) => std::future::pending().await,
        }
    }

    /// Returns when the server is told to stop.
    pub(super) async fn stop(&mut self) {
        while self.next().await != Signal::Stop {}
    }
}

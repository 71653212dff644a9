//! Ctrl-C and SIGTERM: the work is told to stop and gets a moment to tidy up.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::output;
use crate::session::{Screen, Session};

/// How long an interrupted command may take to tidy up.
const GRACE: Duration = Duration::from_secs(1);

/// What the user, or the system, wants.
#[derive(Clone, Copy, Debug)]
enum Signal {
    Interrupt,
    #[cfg_attr(not(unix), allow(dead_code))]
    Terminate,
}

impl Signal {
    fn error(self) -> Error {
        Error::told(match self {
            Self::Interrupt => "interrupt signal received",
            Self::Terminate => "termination signal received",
        })
    }
}

/// Runs `work` until it is done or a signal arrives. A second signal ends the process at once.
pub(crate) async fn unless(
    session: &Session,
    work: impl Future<Output = Result<(), Error>>,
) -> Result<(), Error> {
    let signals = Signals::new()?;
    let (tell, told) = oneshot::channel();
    let guard = tokio::spawn(guard(
        signals,
        session.cancel.clone(),
        Arc::clone(session.screen()),
        tell,
    ));
    let mut work = pin!(work);
    let done = tokio::select! {
        biased;
        Ok(signal) = told => {
            let _ = tokio::time::timeout(GRACE, work).await;
            Err(signal.error())
        }
        done = &mut work => done,
    };
    guard.abort();
    done
}

/// Tells the work to stop at the first signal. Ends the process at the second, or if the work does not listen.
async fn guard(
    mut signals: Signals,
    cancel: CancellationToken,
    screen: Arc<Screen>,
    tell: oneshot::Sender<Signal>,
) {
    let signal = signals.next().await;
    // First, so that nobody takes the end of the work for what ended it.
    let _ = tell.send(signal);
    cancel.cancel();
    tokio::select! {
        _ = signals.next() => {}
        () = tokio::time::sleep(GRACE * 2) => {}
    }
    let end = move || {
        screen.end();
        output::tell(&signal.error().into_failure().text());
    };
    // A terminal that is stopped takes nothing.
    let _ = tokio::time::timeout(GRACE, tokio::task::spawn_blocking(end)).await;
    std::process::exit(1);
}

/// Waits for signals, which no longer end the process.
struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    #[cfg(unix)]
    fn new() -> Result<Self, Error> {
        use tokio::signal::unix::{SignalKind, signal};
        let handler = |kind| signal(kind).map_err(|error| Error::caused(&error));
        Ok(Self {
            interrupt: handler(SignalKind::interrupt())?,
            terminate: handler(SignalKind::terminate())?,
        })
    }

    #[cfg(not(unix))]
    fn new() -> Result<Self, Error> {
        Ok(Self {})
    }

    async fn next(&mut self) -> Signal {
        #[cfg(unix)]
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
        }
        #[cfg(not(unix))]
        match tokio::signal::ctrl_c().await {
            Ok(()) => Signal::Interrupt,
            Err(_) => std::future::pending().await,
        }
    }
}

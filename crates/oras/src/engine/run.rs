//! How a copy ends: the first error stops all tasks and is what the caller gets.

use std::any::Any;
use std::sync::Mutex;

use oras_content::{Error, ErrorKind, Result};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::sync::{cancelled, lock};

/// The reason is in [`Run`], or the caller cancelled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stopped;

pub(super) type Outcome<T = ()> = Result<T, Stopped>;

pub(super) struct Run {
    stop: CancellationToken,
    first: Mutex<Option<Error>>,
}

impl Run {
    pub(super) fn new(cancel: &CancellationToken) -> Self {
        Self {
            stop: cancel.child_token(),
            first: Mutex::default(),
        }
    }

    /// Runs `work` until it is done or the copy stops. An error of it stops the copy.
    pub(super) async fn attempt<T>(&self, work: impl Future<Output = Result<T>>) -> Outcome<T> {
        self.until_stopped(work)
            .await?
            .map_err(|error| self.fail(error))
    }

    /// Runs `work` until it is done or the copy stops.
    pub(super) async fn until_stopped<T>(&self, work: impl Future<Output = T>) -> Outcome<T> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(Stopped),
            done = work => Ok(done),
        }
    }

    /// Stops the copy because of `error`. Only the first one counts: later ones are usually its consequences.
    pub(super) fn fail(&self, error: Error) -> Stopped {
        let mut first = lock(&self.first);
        if first.is_none() && !self.stop.is_cancelled() {
            *first = Some(error);
        }
        drop(first);
        self.stop.cancel();
        Stopped
    }

    /// Waits for the next task to end. A panic in it is an error like any other.
    pub(super) async fn join(&self, tasks: &mut JoinSet<Outcome>) -> Option<Outcome> {
        let ended = tasks.join_next().await?;
        Some(ended.unwrap_or_else(|error| Err(self.fail(panicked(error)))))
    }

    pub(super) fn conclude(&self, outcome: Outcome) -> Result<()> {
        match (lock(&self.first).take(), outcome) {
            (Some(error), _) => Err(error),
            (None, Err(Stopped)) => Err(cancelled()),
            (None, Ok(())) => Ok(()),
        }
    }
}

fn panicked(error: JoinError) -> Error {
    let text = match error.try_into_panic() {
        Ok(panic) => format!("a copy task panicked: {}", panic_text(panic.as_ref())),
        Err(_) => "a copy task was aborted".to_owned(),
    };
    Error::new(ErrorKind::Other, text)
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

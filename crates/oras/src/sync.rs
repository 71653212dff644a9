//! Small pieces that the operations share.

use std::sync::{Mutex, MutexGuard, PoisonError};

use oras_content::{Error, ErrorKind, Result, Side};
use tokio_util::sync::CancellationToken;

/// How many small requests (existence checks, manifest reads, listings) are on their way at once.
pub(crate) const METADATA_CONCURRENCY: usize = 32;

/// Locks even if a task panicked while it held the lock: every state kept under these locks is whole between calls.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The error of an operation that its caller ended.
pub(crate) fn cancelled() -> Error {
    Error::new(ErrorKind::Cancelled, "operation cancelled")
}

/// Runs `work` until it is done or `cancel` is called.
pub(crate) async fn unless_cancelled<T>(
    cancel: &CancellationToken,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(cancelled()),
        result = work => result,
    }
}

/// Names the side and the operation of whatever fails in `result`, unless it says so itself.
pub(crate) trait At<T> {
    fn at(self, side: Side, operation: &'static str) -> Result<T>;
}

impl<T> At<T> for Result<T> {
    fn at(self, side: Side, operation: &'static str) -> Self {
        self.map_err(|error| error.with_side(side).with_operation(operation))
    }
}

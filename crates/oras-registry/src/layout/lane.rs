//! Work on bytes in their order, on a thread that may block, while more of them arrive.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinHandle;

/// Bytes, and the right to hold them in memory.
pub(super) struct Piece {
    pub(super) bytes: Bytes,
    pub(super) _room: OwnedSemaphorePermit,
}

/// What is done with bytes.
pub(super) trait Work: Send + 'static {
    /// Does it. Blocks.
    ///
    /// # Errors
    /// What the system says; then no more bytes come.
    fn take(&mut self, bytes: &[u8]) -> io::Result<()>;
}

/// A queue of bytes before one who works on them. A thread is taken only while there are any.
pub(super) struct Lane<W> {
    queue: Arc<Mutex<Queue>>,
    worker: Worker<W>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Arc<Piece>>,
    /// Whether somebody is going to look here again.
    attended: bool,
    failed: Option<io::Error>,
}

enum Worker<W> {
    Here(W),
    Away(JoinHandle<W>),
    /// The runtime shuts down, or the worker has panicked.
    Lost,
}

impl<W: Work> Lane<W> {
    pub(super) fn new(worker: W) -> Self {
        Self {
            queue: Arc::default(),
            worker: Worker::Here(worker),
        }
    }

    /// Adds bytes behind the others, and does not wait for them. False if those before have failed, of which
    /// [`settle`](Self::settle) tells more.
    pub(super) async fn push(&mut self, piece: Arc<Piece>) -> bool {
        {
            let mut queue = lock(&self.queue);
            if queue.failed.is_some() {
                return false;
            }
            queue.waiting.push_back(piece);
            if queue.attended {
                return true;
            }
            queue.attended = true;
        }
        // Whoever worked here is on the way back, at most.
        self.rest().await;
        if let Worker::Here(mut worker) = std::mem::replace(&mut self.worker, Worker::Lost) {
            let queue = Arc::clone(&self.queue);
            self.worker = Worker::Away(tokio::task::spawn_blocking(move || {
                while let Some(piece) = next(&queue) {
                    if let Err(error) = worker.take(&piece.bytes) {
                        let mut queue = lock(&queue);
                        queue.failed = Some(error);
                        queue.waiting.clear();
                    }
                }
                worker
            }));
        }
        !matches!(self.worker, Worker::Lost)
    }

    /// Waits until nothing is left to do.
    ///
    /// # Errors
    /// What has become of it.
    pub(super) async fn settle(&mut self) -> io::Result<()> {
        self.rest().await;
        match self.worker {
            Worker::Lost => Err(io::ErrorKind::Interrupted.into()),
            _ => lock(&self.queue).failed.take().map_or(Ok(()), Err),
        }
    }

    /// Whoever works here, unless at work.
    pub(super) fn worker(&mut self) -> Option<&mut W> {
        match &mut self.worker {
            Worker::Here(worker) => Some(worker),
            Worker::Away(_) | Worker::Lost => None,
        }
    }

    /// Whoever worked here, unless at work.
    pub(super) fn into_worker(self) -> Option<W> {
        match self.worker {
            Worker::Here(worker) => Some(worker),
            Worker::Away(_) | Worker::Lost => None,
        }
    }

    async fn rest(&mut self) {
        if let Worker::Away(working) = &mut self.worker {
            let back = working.await;
            self.worker = back.map_or(Worker::Lost, Worker::Here);
        }
    }
}

fn next(queue: &Mutex<Queue>) -> Option<Arc<Piece>> {
    let mut queue = lock(queue);
    let next = queue.waiting.pop_front();
    queue.attended = next.is_some();
    next
}

fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

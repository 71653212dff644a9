//! One writer per referrers index in this process, and everybody's changes in one write.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use oras_content::{Error, Result};
use oras_http::Origin;
use oras_spec::Descriptor;
use tokio::sync::oneshot::{self, error::TryRecvError};

use super::Change;
use crate::lock;
use crate::repository::Repository;

/// Origin, repository, tag.
type Key = (Origin, String, String);

/// The indexes that are being changed.
#[derive(Default)]
pub(crate) struct IndexUpdates(Mutex<HashMap<Key, Arc<Slot>>>);

#[derive(Default)]
struct Slot {
    waiting: Mutex<Vec<Pending>>,
    turn: tokio::sync::Mutex<()>,
}

struct Pending {
    change: Change,
    done: oneshot::Sender<Result<()>>,
}

impl IndexUpdates {
    fn slot(&self, key: Key) -> Arc<Slot> {
        let mut slots = lock(&self.0);
        slots.retain(|_, slot| Arc::strong_count(slot) > 1);
        Arc::clone(slots.entry(key).or_default())
    }
}

impl Repository {
    /// Applies `change` to the index of `subject`'s referrers, together with whatever else waits for the same index.
    pub(crate) async fn update_index(&self, subject: &Descriptor, change: Change) -> Result<()> {
        let tag = subject.digest.referrers_tag();
        let key = (self.endpoint.origin.clone(), self.name().to_owned(), tag);
        let slot = self.client.0.index_updates.slot(key);
        loop {
            let (done, mut outcome) = oneshot::channel();
            lock(&slot.waiting).push(Pending {
                change: change.clone(),
                done,
            });
            let _turn = slot.turn.lock().await;
            match outcome.try_recv() {
                Ok(outcome) => return outcome,
                // Whoever took our change was cancelled over it.
                Err(TryRecvError::Closed) => continue,
                Err(TryRecvError::Empty) => {}
            }
            let batch = std::mem::take(&mut *lock(&slot.waiting));
            // Changes of tasks that were cancelled meanwhile are not wanted any more.
            let batch: Vec<_> = batch
                .into_iter()
                .filter(|pending| !pending.done.is_closed())
                .collect();
            let changes: Vec<_> = batch.iter().map(|pending| pending.change.clone()).collect();
            let written = self.write_index(subject, &changes).await;
            for pending in batch {
                // A receiver that is gone was cancelled.
                let _ = pending.done.send(
                    written
                        .as_ref()
                        .map_or_else(|error| Err(copy(error)), |()| Ok(())),
                );
            }
            return written;
        }
    }
}

/// Errors can't be cloned; what the others need to know can.
fn copy(error: &Error) -> Error {
    let copy = Error::new(error.kind(), error.chain());
    match error.response() {
        Some(response) => copy.with_response(response.clone()),
        None => copy,
    }
}

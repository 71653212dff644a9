//! A repository: the view of its index that is known, and the changes that wait.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use oras_content::layout::IndexSnapshot;

use super::commit::Waiting;
use super::journal;
use super::stat::Identity;
use super::view::View;
use super::{LayoutDriver, Shared};
use crate::driver::{DriverError, Result};

/// How long an index that can't be read may be one that another program is just writing.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
/// How long to wait before it is looked at again.
pub(super) const PAUSE: Duration = Duration::from_millis(5);

/// What is remembered of a repository. Any number can exist for one folder: what counts is on the disk.
pub(super) struct Repository {
    pub(super) root: PathBuf,
    view: Mutex<Option<Arc<View>>>,
    /// Changes that nobody has begun to make.
    pub(super) queue: Mutex<Vec<Waiting>>,
    /// Held by whoever makes changes.
    pub(super) turn: tokio::sync::Mutex<()>,
    /// The folder whose name, with those above, is known to be on the disk.
    rooted: Mutex<Option<Identity>>,
}

impl Repository {
    pub(super) fn new(root: PathBuf) -> Self {
        Self {
            root,
            view: Mutex::default(),
            queue: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            rooted: Mutex::default(),
        }
    }

    fn known(&self) -> MutexGuard<'_, Option<Arc<View>>> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn queue(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn rooted(&self) -> MutexGuard<'_, Option<Identity>> {
        self.rooted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The view, if it is the one that the file shows. Costs one look at the file.
    fn current(&self) -> Option<Arc<View>> {
        let view = self.known().clone()?;
        view.snapshot().is_current().then_some(view)
    }

    /// The view that was last known, whatever the file shows by now.
    pub(super) fn last(&self) -> Option<Arc<View>> {
        self.known().clone()
    }

    /// The number of the last change of a server that is known, whatever the file shows by now.
    pub(super) fn known_generation(&self) -> Option<u64> {
        let last = self.last();
        let generation = last.as_ref().and_then(|last| last.generation());
        match last.is_some_and(|last| last.snapshot().is_current()) {
            true => generation,
            false => generation.max(journal::latest(&self.root)),
        }
    }

    /// Takes note of the view that this process has just made.
    pub(super) fn set(&self, view: Arc<View>) {
        *self.known() = Some(view);
    }

    /// The index as the file shows it, waiting for a program that is just writing it. Blocks.
    pub(super) fn read(&self) -> Result<Option<IndexSnapshot>> {
        let mut waited = Duration::ZERO;
        loop {
            match IndexSnapshot::read(&self.root) {
                Ok(snapshot) => return Ok(snapshot),
                Err(error) if waited >= PATIENCE => {
                    return Err(DriverError::Damaged(format!("index.json: {error}")));
                }
                Err(_) => {
                    std::thread::sleep(PAUSE);
                    waited += PAUSE;
                }
            }
        }
    }

    /// What the file shows, for somebody who only looks. Blocks.
    pub(super) fn look(&self) -> Result<Option<Arc<View>>> {
        if let Some(view) = self.current() {
            return Ok(Some(view));
        }
        let view = self.read()?.map(|snapshot| Arc::new(View::new(snapshot)));
        self.known().clone_from(&view);
        Ok(view)
    }

    /// The view as the file shows it; `None` if there is no such repository. Blocks.
    pub(super) fn view(&self, shared: &Shared) -> Result<Option<Arc<View>>> {
        if let Some(view) = self.current() {
            return Ok(Some(view));
        }
        let last = self.last();
        let read = match IndexSnapshot::read(&self.root) {
            Ok(read) => read,
            // Another program is just writing it: until it is done nothing has changed.
            Err(_) if last.is_some() => return Ok(last),
            Err(_) => self.read()?,
        };
        let Some(snapshot) = read else {
            *self.known() = None;
            return Ok(None);
        };
        let view = Arc::new(View::new(snapshot));
        if !shared.options.read_only && view.generation() < self.known_generation() {
            // A program that does not wait for others has overwritten what servers have written.
            self.heal(shared)?;
            return Ok(self.last());
        }
        self.set(Arc::clone(&view));
        Ok(Some(view))
    }
}

impl LayoutDriver {
    /// The view of a repository as its file shows it now.
    pub(super) async fn view(&self, repository: &Arc<Repository>) -> Result<Option<Arc<View>>> {
        if let Some(view) = repository.current() {
            return Ok(Some(view));
        }
        let repository = Arc::clone(repository);
        self.blocking(move |shared| repository.view(shared)).await
    }
}

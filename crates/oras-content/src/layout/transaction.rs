//! A change of `index.json` that no other process can lose and no crash can tear.

use std::sync::{Arc, MutexGuard, PoisonError};

use oras_spec::layout::{INDEX_FILE, OCI_LAYOUT_FILE};

use super::format::MAX_INDEX_BYTES;
use super::index::Index;
use super::lock::LayoutLock;
use super::store::Shared;
use super::sync::sync_path;
use crate::error::{Error, ErrorKind, Result};
use crate::payload::io_error;

/// The right to change the layout, and the index as it will be. Dropping it changes nothing.
///
/// Other processes wait for [`LayoutLock`]; other threads of this one for a mutex before it.
pub(super) struct Transaction<'a> {
    /// What the file says now, with the manifests this store has pushed. To be changed at will.
    pub(super) index: Index,
    shared: &'a Shared,
    adopted: usize,
    _lock: LayoutLock,
    _saving: MutexGuard<'a, ()>,
}

impl<'a> Transaction<'a> {
    /// Waits for its turn and reads what is there. Blocks.
    pub(super) fn begin(shared: &'a Shared) -> Result<Self> {
        let saving = shared.saving.lock().unwrap_or_else(PoisonError::into_inner);
        shared.prepare()?;
        let lock = match LayoutLock::acquire(&shared.root) {
            // Somebody has removed the layout, which had nothing in it.
            Err(_) if !shared.root.join(OCI_LAYOUT_FILE).exists() => {
                shared.prepare_again()?;
                LayoutLock::acquire(&shared.root)?
            }
            locked => locked?,
        };
        let (index, adopted) = shared.state().base(&shared.root)?;
        Ok(Self {
            index,
            shared,
            adopted,
            _lock: lock,
            _saving: saving,
        })
    }

    /// Makes the index visible, after the blobs it may name are safe on the disk. The right to change the layout
    /// lasts until the transaction is dropped; the index is not to be changed any more. Blocks.
    ///
    /// # Errors
    /// Unless only the last step failed (making the new name durable), nothing is changed and what was pending still is.
    pub(super) fn commit(&mut self) -> Result<()> {
        let shared = self.shared;
        let unsynced = std::mem::take(&mut shared.state().unsynced);
        let written = match unsynced.sync(&shared.root) {
            Ok(()) => self.write(),
            failed => failed,
        };
        if written.is_err() {
            shared.state().unsynced.add_all(unsynced);
        }
        written
    }

    fn write(&mut self) -> Result<()> {
        let adopted = std::mem::take(&mut self.adopted);
        if !self.index.changed() {
            self.shared.state().forget_pending(adopted);
            return Ok(());
        }
        let bytes = self.index.to_json()?;
        if bytes.len() as u64 > MAX_INDEX_BYTES {
            let text = format!("{INDEX_FILE} would be larger than {MAX_INDEX_BYTES} bytes");
            return Err(Error::new(ErrorKind::SizeLimit, text));
        }
        let mut draft = self.shared.ingest.draft()?;
        draft.write(&bytes)?;
        draft.sync()?;
        let target = self.shared.root.join(INDEX_FILE);
        let Some(file) = draft.publish(&target)? else {
            return Ok(());
        };
        self.shared
            .state()
            .saved(&self.shared.root, file, self.index.clone(), adopted)?;
        let root = &self.shared.root;
        sync_path(root).map_err(|error| io_error("sync", root, &error))
    }
}

/// Lists what was pushed and waits until it is on the disk. Blocks.
pub(super) fn flush(shared: &Arc<Shared>) -> Result<()> {
    let idle = {
        let state = shared.state();
        !state.has_pending() && state.unsynced.is_empty()
    };
    if idle {
        return Ok(());
    }
    Transaction::begin(shared)?.commit()
}

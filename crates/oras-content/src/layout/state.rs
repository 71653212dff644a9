//! What a store remembers between calls: the index as it was read, and what is not written down yet.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use oras_spec::layout::{BLOBS_DIR, INDEX_FILE, blob_path};
use oras_spec::{Descriptor, Digest};

use super::index::Index;
use super::snapshot::IndexSnapshot;
use super::sync::{sync_file_system, sync_path};
use crate::error::Result;
use crate::payload::io_error;

/// So many manifests may wait to be listed, and as many more as an eighth of the list: with that, writing the list
/// again and again costs no more than the pushes themselves.
const MAX_PENDING: usize = 256;

/// Up to so many blobs are made durable one by one; beyond, the whole file system is asked to write at once.
const MAX_SINGLE_SYNCS: usize = 32;

/// How long after the last write an index that is none may be half of one.
const BEING_WRITTEN: Duration = Duration::from_millis(100);
/// How long to wait before it is looked at again.
const PAUSE: Duration = Duration::from_millis(2);

/// The memory of a store.
#[derive(Default)]
pub(super) struct State {
    disk: Option<IndexSnapshot>,
    /// Manifests that were pushed and are not listed in `index.json`.
    pending: Vec<Descriptor>,
    /// What is on disk, with what is pending.
    view: Option<Arc<Index>>,
    /// Counts the changes of the view.
    generation: u64,
    /// Blobs that may not have reached the disk.
    pub(super) unsynced: Unsynced,
}

/// Whether it is time to write the list of manifests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Backlog {
    /// It can wait.
    Small,
    /// It is time.
    Full,
}

impl State {
    /// The index as others and this store have made it, and a number that changes whenever it does. Blocks.
    pub(super) fn view(&mut self, root: &Path) -> Result<(u64, Arc<Index>)> {
        let disk = self.refresh(root)?;
        let view = match self.view.take() {
            Some(view) => view,
            None => {
                self.generation += 1;
                with_all(disk, &self.pending)?
            }
        };
        self.view = Some(Arc::clone(&view));
        Ok((self.generation, view))
    }

    /// The index to base a change on, under the lock: with what is pending, whose number it returns. Blocks.
    pub(super) fn base(&mut self, root: &Path) -> Result<(Index, usize)> {
        let disk = self.refresh(root)?;
        let index = with_all(disk, &self.pending)?;
        Ok((Arc::unwrap_or_clone(index), self.pending.len()))
    }

    /// Remembers a manifest that has to be listed. Blocks.
    pub(super) fn register(&mut self, root: &Path, manifest: &Descriptor) -> Result<Backlog> {
        let (_, view) = self.view(root)?;
        if view.find(&manifest.digest).is_none() {
            drop(view);
            self.pending.push(manifest.clone());
            self.generation += 1;
            if let Some(view) = &mut self.view {
                Arc::make_mut(view).add(manifest)?;
            }
        }
        let listed = self.view.as_ref().map_or(0, |view| view.len());
        Ok(if self.pending.len() > MAX_PENDING + listed / 8 {
            Backlog::Full
        } else {
            Backlog::Small
        })
    }

    /// Takes note that the first `adopted` pending manifests are in `index.json`, which is this now.
    pub(super) fn saved(
        &mut self,
        root: &Path,
        file: File,
        index: Index,
        adopted: usize,
    ) -> Result<()> {
        self.forget_pending(adopted);
        self.disk = Some(IndexSnapshot::written(root, file, index)?);
        Ok(())
    }

    /// Takes note that the first `adopted` pending manifests are listed.
    pub(super) fn forget_pending(&mut self, adopted: usize) {
        self.pending.drain(..adopted.min(self.pending.len()));
        self.view = None;
    }

    /// Whether anything is to be listed.
    pub(super) fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Reads `index.json` if it is not the one we know.
    fn refresh(&mut self, root: &Path) -> Result<Arc<Index>> {
        if let Some(disk) = &self.disk
            && disk.is_current()
        {
            return Ok(Arc::clone(disk.index()));
        }
        let Some(disk) = read_patiently(root)? else {
            // Nothing was written to this layout so far.
            if self.disk.take().is_some() {
                self.view = None;
            }
            return Ok(Arc::new(Index::empty()?));
        };
        let index = Arc::clone(disk.index());
        self.disk = Some(disk);
        self.view = None;
        Ok(index)
    }
}

/// Reads the index; if it is none, it may be one that another program is writing in place at this moment.
fn read_patiently(root: &Path) -> Result<Option<IndexSnapshot>> {
    loop {
        let read = IndexSnapshot::read(root);
        let written = std::fs::metadata(root.join(INDEX_FILE)).and_then(|file| file.modified());
        let age = written.ok().and_then(|written| written.elapsed().ok());
        if read.is_ok() || age.is_none_or(|age| age > BEING_WRITTEN) {
            return read;
        }
        std::thread::sleep(PAUSE);
    }
}

fn with_all(mut index: Arc<Index>, pending: &[Descriptor]) -> Result<Arc<Index>> {
    if !pending.is_empty() {
        let index = Arc::make_mut(&mut index);
        for manifest in pending {
            index.add(manifest)?;
        }
    }
    Ok(index)
}

/// Blobs that were written and may not have reached the disk.
#[derive(Default)]
pub(super) struct Unsynced {
    digests: Vec<Digest>,
    many: bool,
}

impl Unsynced {
    /// Takes note of a blob.
    pub(super) fn add(&mut self, digest: Digest) {
        if self.digests.len() < MAX_SINGLE_SYNCS || !cfg!(target_os = "linux") {
            self.digests.push(digest);
        } else {
            self.many = true;
        }
    }

    /// Takes note of all of `other`.
    pub(super) fn add_all(&mut self, other: Self) {
        self.many |= other.many;
        for digest in other.digests {
            self.add(digest);
        }
    }

    /// Whether there is nothing to do.
    pub(super) fn is_empty(&self) -> bool {
        self.digests.is_empty()
    }

    /// Waits until all of them are on the disk, with their names. Blocks.
    pub(super) fn sync(&self, root: &Path) -> Result<()> {
        let synced = |done: io::Result<bool>| done.map_err(|error| io_error("sync", root, &error));
        if self.many && synced(sync_file_system(root))? {
            return Ok(());
        }
        let mut folders = Vec::new();
        for digest in &self.digests {
            let path = root.join(blob_path(digest));
            sync_one(&path)?;
            let folder = path.parent().map(Path::to_owned);
            folders.extend(folder.filter(|folder| !folders.contains(folder)));
        }
        if !folders.is_empty() {
            folders.push(root.join(BLOBS_DIR));
        }
        folders.iter().try_for_each(|folder| sync_one(folder))
    }
}

fn sync_one(path: &Path) -> Result<()> {
    sync_path(path).map_err(|error| io_error("sync", path, &error))
}

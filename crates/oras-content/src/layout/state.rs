//! What a store remembers between calls: the index as it was read, and what is not written down yet.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use oras_spec::layout::{BLOBS_DIR, INDEX_FILE, blob_path};
use oras_spec::{Descriptor, Digest};

use super::blobs::irregular;
use super::format::{MAX_INDEX_BYTES, parse_index};
use super::index::Index;
use crate::error::{Error, ErrorKind, Result};
use crate::payload::{Snapshot, io_error};

/// So many manifests may wait to be listed, and as many more as an eighth of the list: with that, writing the list
/// again and again costs no more than the pushes themselves.
const MAX_PENDING: usize = 256;

/// Up to so many blobs are made durable one by one; beyond, the whole file system is asked to write at once.
const MAX_SINGLE_SYNCS: usize = 32;

/// The memory of a store.
#[derive(Default)]
pub(super) struct State {
    disk: Option<OnDisk>,
    /// Manifests that were pushed and are not listed in `index.json`.
    pending: Vec<Descriptor>,
    /// What is on disk, with what is pending.
    view: Option<Arc<Index>>,
    /// Counts the changes of the view.
    generation: u64,
    /// Blobs that may not have reached the disk.
    pub(super) unsynced: Unsynced,
}

/// `index.json` as it was when it was last read or written.
struct OnDisk {
    /// Kept open so that no other file gets its number: with that, the snapshot tells every change.
    _file: File,
    snapshot: Snapshot,
    index: Arc<Index>,
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
    pub(super) fn saved(&mut self, file: File, index: Index, adopted: usize) -> Result<()> {
        self.forget_pending(adopted);
        let metadata = file.metadata();
        let metadata = metadata.map_err(|error| io_error("stat", Path::new(INDEX_FILE), &error))?;
        self.disk = Some(OnDisk {
            _file: file,
            snapshot: Snapshot::of(&metadata),
            index: Arc::new(index.saved()),
        });
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
        let path = root.join(INDEX_FILE);
        if let Some(disk) = &self.disk
            && fs::metadata(&path).is_ok_and(|now| Snapshot::of(&now) == disk.snapshot)
        {
            return Ok(Arc::clone(&disk.index));
        }
        if !path.exists() {
            // Nothing was written to this layout so far.
            if self.disk.take().is_some() {
                self.view = None;
            }
            return Ok(Arc::new(Index::empty()?));
        }
        let disk = read(&path)?;
        let index = Arc::clone(&disk.index);
        self.disk = Some(disk);
        self.view = None;
        Ok(index)
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

fn read(path: &Path) -> Result<OnDisk> {
    let outer = |error: Error| {
        error
            .context("failed to open index file")
            .context("invalid OCI Image Index")
    };
    let failed = |error: io::Error| outer(io_error("open", Path::new(INDEX_FILE), &error));
    // Looked at before it is opened, because opening a pipe would wait for a writer.
    if let Some(what) = irregular(path) {
        let text = format!("open {INDEX_FILE}: {what}");
        return Err(outer(Error::new(ErrorKind::Io, text)));
    }
    let mut file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if metadata.len() > MAX_INDEX_BYTES {
        let text = format!("{INDEX_FILE} is larger than {MAX_INDEX_BYTES} bytes");
        return Err(outer(Error::new(ErrorKind::SizeLimit, text)));
    }
    let mut bytes = Vec::new();
    (&mut file)
        .take(MAX_INDEX_BYTES)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    Ok(OnDisk {
        snapshot: Snapshot::of(&metadata),
        index: Arc::new(parse_index(&bytes)?),
        _file: file,
    })
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
        if self.many && sync_file_system(root)? {
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

/// Waits until a file or the names in a folder are on the disk. Blocks.
pub(super) fn sync_one(path: &Path) -> Result<()> {
    match File::open(path).and_then(|file| file.sync_all()) {
        // Deleted in the meantime.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        synced => synced.map_err(|error| io_error("sync", path, &error)),
    }
}

/// False where there is no such call.
#[cfg(target_os = "linux")]
fn sync_file_system(root: &Path) -> Result<bool> {
    let failed = |error: io::Error| io_error("sync", root, &error);
    let folder = File::open(root).map_err(failed)?;
    rustix::fs::syncfs(&folder).map_err(|error| failed(error.into()))?;
    Ok(true)
}

#[cfg(not(target_os = "linux"))]
fn sync_file_system(_: &Path) -> Result<bool> {
    Ok(false)
}

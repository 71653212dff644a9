//! `index.json` as it was at one moment, and whether it still is.

use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use oras_spec::layout::INDEX_FILE;

use super::blobs::irregular;
use super::format::{MAX_INDEX_BYTES, parse_index};
use super::index::Index;
use crate::error::{Error, ErrorKind, Result};
use crate::payload::{Snapshot, io_error};

/// The `index.json` of a layout as it was read or written.
pub struct IndexSnapshot {
    path: PathBuf,
    /// Kept open so that no other file gets its number: with that, the snapshot tells every change.
    file: File,
    snapshot: Snapshot,
    index: Arc<Index>,
}

impl IndexSnapshot {
    /// Reads the `index.json` in the folder `root`; `None` if there is none. Blocks.
    ///
    /// # Errors
    /// `invalid OCI Image Index`, with the cause behind it; [`ErrorKind::SizeLimit`] beyond 256 MiB.
    pub fn read(root: &Path) -> Result<Option<Self>> {
        let path = root.join(INDEX_FILE);
        if !path.exists() {
            return Ok(None);
        }
        // Looked at before it is opened, because opening a pipe would wait for a writer.
        if let Some(what) = irregular(&path) {
            let text = format!("open {INDEX_FILE}: {what}");
            return Err(outer(Error::new(ErrorKind::Io, text)));
        }
        let mut file = File::open(&path).map_err(failed)?;
        let (snapshot, index) = read(&mut file)?;
        Ok(Some(Self {
            path,
            file,
            snapshot,
            index: Arc::new(index),
        }))
    }

    /// Takes note that `file`, which is the `index.json` of the folder `root` now, contains `index`.
    ///
    /// # Errors
    /// [`ErrorKind::Io`].
    pub fn written(root: &Path, file: File, index: Index) -> Result<Self> {
        let metadata = file.metadata();
        let metadata = metadata.map_err(|error| io_error("stat", Path::new(INDEX_FILE), &error))?;
        Ok(Self {
            path: root.join(INDEX_FILE),
            file,
            snapshot: Snapshot::of(&metadata),
            index: Arc::new(index.saved()),
        })
    }

    /// What the file said.
    #[must_use]
    pub fn index(&self) -> &Arc<Index> {
        &self.index
    }

    /// Whether the file is still the same. Costs one look at its metadata.
    #[must_use]
    pub fn is_current(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|now| Snapshot::of(&now) == self.snapshot)
    }

    /// What the file that was read says now, if somebody wrote to it in place; even if another one has its name by now.
    /// Blocks.
    ///
    /// # Errors
    /// As of [`read`](Self::read).
    pub fn rewritten(&self) -> Result<Option<Index>> {
        let now = self.file.metadata().map_err(failed)?;
        let now = Snapshot::of(&now);
        if now.same_content(&self.snapshot) {
            return Ok(None);
        }
        let mut file = self.file.try_clone().map_err(failed)?;
        file.rewind().map_err(failed)?;
        read(&mut file).map(|(_, index)| Some(index))
    }
}

fn read(file: &mut File) -> Result<(Snapshot, Index)> {
    let metadata = file.metadata().map_err(failed)?;
    if metadata.len() > MAX_INDEX_BYTES {
        let text = format!("{INDEX_FILE} is larger than {MAX_INDEX_BYTES} bytes");
        return Err(outer(Error::new(ErrorKind::SizeLimit, text)));
    }
    let mut bytes = Vec::new();
    file.take(MAX_INDEX_BYTES)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    Ok((Snapshot::of(&metadata), parse_index(&bytes)?))
}

fn failed(error: io::Error) -> Error {
    outer(io_error("open", Path::new(INDEX_FILE), &error))
}

fn outer(error: Error) -> Error {
    error
        .context("failed to open index file")
        .context("invalid OCI Image Index")
}

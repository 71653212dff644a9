//! The lock under which a layout is changed.
//!
//! It is held on the file `oci-layout`, which every layout has and nobody changes: no extra file appears in the folder
//! and other tools don't notice. It is advisory and falls with the process that held it.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

use oras_spec::layout::OCI_LAYOUT_FILE;

use crate::error::Result;
use crate::payload::{Snapshot, io_error};

/// The right to change a layout. Held as long as it lives.
pub struct LayoutLock {
    _file: File,
}

impl LayoutLock {
    /// Waits until no other process (and no other holder in this one) changes the layout in the folder `root`, which has
    /// a file `oci-layout`. Blocks.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io), also if the layout was removed in the meantime.
    pub fn acquire(root: &Path) -> Result<Self> {
        let path = root.join(OCI_LAYOUT_FILE);
        loop {
            let file = open(&path).map_err(|error| io_error("open", &path, &error))?;
            match file.lock() {
                // Some network file systems have no locks: as safe as the reference tool is still of use.
                Err(error) if error.kind() == io::ErrorKind::Unsupported => {}
                locked => locked.map_err(|error| io_error("lock", &path, &error))?,
            }
            if is_current(&file, &path) {
                return Ok(Self { _file: file });
            }
        }
    }
}

/// Network file systems ask for write access before they lock; without the right to write, reading must do.
fn open(path: &Path) -> io::Result<File> {
    let opened = OpenOptions::new().read(true).write(true).open(path);
    match opened {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(error),
        Err(_) => File::open(path),
        opened => opened,
    }
}

/// False if the name stands for another file by now, or for none, and the lock is not the one that others take (or if the
/// file was written just now).
fn is_current(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(ours), Ok(theirs)) => Snapshot::of(&ours) == Snapshot::of(&theirs),
        (_, Err(error)) => error.kind() != io::ErrorKind::NotFound,
        (Err(_), _) => true,
    }
}

//! Whether a file changed since somebody looked.

use std::fs::{self, Metadata};
use std::path::Path;
use std::time::SystemTime;

/// What a file looks like from outside: another one means that it changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    modified: Option<SystemTime>,
    size: u64,
    /// A file that takes the place of another may be as old and as large.
    file: u64,
}

impl Stamp {
    /// `None` if there is no file, or none that can be looked at.
    pub(crate) fn at(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().map(|file| Self::of(&file))
    }

    pub(crate) fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        let file = std::os::unix::fs::MetadataExt::ino(metadata);
        #[cfg(not(unix))]
        let file = 0;
        Self {
            modified: metadata.modified().ok(),
            size: metadata.len(),
            file,
        }
    }
}

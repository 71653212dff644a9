//! Keeping a blob that nothing refers to yet, because somebody is about to.
//!
//! Whoever removes what is unused goes by the time at which a file was changed last, and holds the lock of the file while
//! looking at the time and removing it. So touching it under a lock leaves no gap: either the file is kept, or whoever
//! touches it learns that it is gone.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;
use std::time::SystemTime;

/// Starts anew the time for which the blob in the file `path` is kept though nothing refers to it. False if it is gone.
/// Blocks.
///
/// # Errors
/// What the system says, except that a file of somebody else can't be touched.
pub fn keep_blob(path: &Path) -> io::Result<bool> {
    let file = match open(path) {
        Err(error) if is_gone(&error) => return Ok(false),
        // Whoever cleans up here can't look at it either.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(true),
        opened => opened?,
    };
    match file.lock_shared() {
        // Some network file systems have no locks.
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {}
        locked => locked?,
    }
    match file.set_modified(SystemTime::now()) {
        // Somebody else's, or in a place where nothing is ever removed.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
            ) => {}
        touched => touched?,
    }
    // Whatever has the name now: if it is another file, that one is younger.
    match fs::symlink_metadata(path) {
        Err(error) if is_gone(&error) => Ok(false),
        found => Ok(found?.is_file()),
    }
}

#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;

    use rustix::fs::OFlags;

    // Through no symbolic link, and without waiting for the other end of a pipe.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let flags = i32::try_from(flags.bits()).unwrap_or_default();
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).open(path)
}

fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

//! Files that are still being written: in a folder of their own, beside the blobs, until they are renamed into place.

#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use oras_spec::layout::INGEST_DIR;
use tempfile::{NamedTempFile, TempDir};

use crate::error::Result;
use crate::payload::io_error;

/// What the names of our files begin with, so that we never take away another tool's.
const PREFIX: &str = "oras-";
/// A file nobody holds a lock on is left over from a killed process, unless it was created this very moment.
const STALE: Duration = Duration::from_secs(60);

/// The folder of unfinished files. It exists only while it is used.
pub(super) struct Ingest {
    folder: PathBuf,
    users: Mutex<usize>,
    /// The folder of a layout that is not to stay. Whoever still writes, even after everybody has lost interest, keeps it
    /// from being removed too early and made again.
    _temporary: Option<TempDir>,
}

impl Ingest {
    /// The folder of the layout at `root`.
    pub(super) fn new(root: &Path) -> Self {
        Self {
            folder: root.join(INGEST_DIR),
            users: Mutex::new(0),
            _temporary: None,
        }
    }

    /// The folder of the layout in `root`, which goes when nobody uses it any more.
    pub(super) fn temporary(root: TempDir) -> Self {
        let ingest = Self::new(root.path());
        Self {
            _temporary: Some(root),
            ..ingest
        }
    }

    /// A new empty file. Blocks.
    pub(super) fn draft(self: &Arc<Self>) -> Result<Draft> {
        let mut users = self.users();
        let file = self
            .create()
            .map_err(|error| io_error("create", &self.folder, &error))?;
        *users += 1;
        drop(users);
        // Tells others that somebody is at work on it. Without locks they go by its age.
        let _ = file.as_file().try_lock();
        Ok(Draft {
            file: Some(file),
            _user: User(Arc::clone(self)),
        })
    }

    /// Takes away what killed processes left. Blocks.
    pub(super) fn sweep(&self) {
        let _users = self.users();
        if !self.is_folder() {
            return;
        }
        let Ok(entries) = fs::read_dir(&self.folder) else {
            return;
        };
        for entry in entries.flatten() {
            if is_abandoned(&entry) {
                let _ = fs::remove_file(entry.path());
            }
        }
        // Fails, as it should, while anything is in it.
        let _ = fs::remove_dir(&self.folder);
    }

    fn create(&self) -> io::Result<NamedTempFile> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX);
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        loop {
            match fs::create_dir(&self.folder) {
                // Whatever else has the name: what we write and remove must stay inside of the layout.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    if !self.is_folder() && fs::symlink_metadata(&self.folder).is_ok() {
                        return Err(io::ErrorKind::NotADirectory.into());
                    }
                }
                made => made?,
            }
            match builder.tempfile_in(&self.folder) {
                // Another process has just finished with it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                created => return created,
            }
        }
    }

    /// Whether it is there, and a folder itself instead of a link to one.
    fn is_folder(&self) -> bool {
        fs::symlink_metadata(&self.folder).is_ok_and(|metadata| metadata.is_dir())
    }

    fn users(&self) -> MutexGuard<'_, usize> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_abandoned(entry: &fs::DirEntry) -> bool {
    if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
        return false;
    }
    // Of the entry itself: nobody's link is followed, and opening a pipe would wait for a writer.
    let Ok(metadata) = entry.metadata() else {
        return false;
    };
    let modified = metadata.modified().ok().filter(|_| metadata.is_file());
    let age = modified.and_then(|modified| modified.elapsed().ok());
    age.is_some_and(|age| age > STALE)
        && File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok())
}

/// An unfinished file. Dropping it removes it.
pub(super) struct Draft {
    file: Option<NamedTempFile>,
    _user: User,
}

impl Draft {
    /// Appends `bytes`. Blocks.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        file.write_all(bytes)
            .map_err(|error| io_error("write", file.path(), &error))
    }

    /// Waits until what was written is on the disk. Blocks.
    pub(super) fn sync(&self) -> Result<()> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        file.as_file()
            .sync_all()
            .map_err(|error| io_error("sync", file.path(), &error))
    }

    /// Lets nobody write to it any more.
    pub(super) fn make_read_only(&self) -> Result<()> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        #[cfg(unix)]
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o444);
        #[cfg(not(unix))]
        let permissions = {
            let failed = |error| io_error("stat", file.path(), &error);
            let mut permissions = file.as_file().metadata().map_err(failed)?.permissions();
            permissions.set_readonly(true);
            permissions
        };
        let set = file.as_file().set_permissions(permissions);
        set.map_err(|error| io_error("chmod", file.path(), &error))
    }

    /// Gives it its final name, in the place of whatever had it. Its folder is created if need be. Blocks.
    pub(super) fn publish(mut self, target: &Path) -> Result<Option<File>> {
        let Some(mut file) = self.file.take() else {
            return Ok(None);
        };
        let mut has_folder = false;
        loop {
            match file.persist(target) {
                Ok(file) => return Ok(Some(file)),
                // Tried again even if the folder is there now: another thread may have made it in between.
                Err(failed) if failed.error.kind() == io::ErrorKind::NotFound && !has_folder => {
                    if let Some(folder) = target.parent() {
                        fs::create_dir_all(folder).map_err(|e| io_error("mkdir", folder, &e))?;
                    }
                    has_folder = true;
                    file = failed.file;
                }
                Err(failed) => return Err(io_error("rename", target, &failed.error)),
            }
        }
    }

    /// Gives it its final name unless that is taken already. Blocks.
    pub(super) fn publish_new(mut self, target: &Path) -> Result<()> {
        let Some(file) = self.file.take() else {
            return Ok(());
        };
        match file.persist_noclobber(target) {
            Err(failed) if failed.error.kind() != io::ErrorKind::AlreadyExists => {
                Err(io_error("create", target, &failed.error))
            }
            _ => Ok(()),
        }
    }
}

/// Counts as one who uses the folder; the last one removes it.
struct User(Arc<Ingest>);

impl Drop for User {
    fn drop(&mut self) {
        let mut users = self.0.users();
        *users = users.saturating_sub(1);
        if *users == 0 {
            let _ = fs::remove_dir(&self.0.folder);
        }
    }
}

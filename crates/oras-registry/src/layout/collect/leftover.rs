//! What else is left over: uploads, files that were never finished, repositories with nothing in them.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;
use std::time::SystemTime;

use oras_content::layout::LayoutLock;
use oras_spec::layout::{BLOBS_DIR, INDEX_FILE, OCI_LAYOUT_FILE};

use super::super::journal;
use super::super::place::{NEW, OWN};
use super::super::read::open_blocking;
use super::super::repository::Repository;
use super::super::stat::{Stat, changed};
use super::super::store::remove;
use super::super::walk::entries;
use super::{RepositoryReport, Run};

impl Run<'_> {
    /// Removes uploads that nobody goes on with. Blocks.
    pub(super) fn uploads(&mut self) -> io::Result<()> {
        let idle = self.rules.now.checked_sub(self.rules.uploads);
        let cutoff = idle.unwrap_or(SystemTime::UNIX_EPOCH);
        for repository in entries(&self.shared.places.all_uploads())? {
            let repository = repository?.path();
            for upload in entries(&repository)? {
                let upload = upload?;
                let path = upload.path();
                let Some(found) = open_blocking(&path)? else {
                    continue;
                };
                let stat = found.stat;
                if stat.changed >= cutoff || is_held(&found.file)? {
                    continue;
                }
                self.report.uploads += 1;
                self.report.freed += stat.links.map_or(0, |links| match links {
                    1 => stat.size,
                    _ => 0,
                });
                if self.rules.dry_run {
                    continue;
                }
                remove(&path)?;
                if let Some(id) = upload.file_name().to_str() {
                    self.shared.hashed().remove(id);
                }
            }
            let used = fs::metadata(&repository).is_ok_and(|folder| changed(&folder) >= cutoff);
            if !used && !self.rules.dry_run {
                // Only if there is nothing in it.
                let _ = fs::remove_dir(repository);
            }
        }
        Ok(())
    }

    /// Removes from `folder` what somebody who was killed has not finished. Blocks.
    pub(super) fn temporaries(&mut self, folder: &Path) -> io::Result<()> {
        for entry in entries(folder)? {
            let entry = entry?;
            let name = entry.file_name();
            if !name.to_str().is_some_and(|name| name.starts_with(NEW)) {
                continue;
            }
            let old = |stat: &Stat| stat.changed < self.rules.cutoff;
            let Some(stat) = Stat::at(&entry.path())?.filter(old) else {
                continue;
            };
            if stat.links == Some(1) {
                self.report.freed += stat.size;
            }
            if !self.rules.dry_run {
                remove(&entry.path())?;
            }
        }
        Ok(())
    }

    /// Removes a repository that has had nothing in it for the time of the grace. Those below it stay. Blocks.
    pub(super) fn remove_if_empty(
        &mut self,
        name: &str,
        repository: &Repository,
        report: &mut RepositoryReport,
    ) -> io::Result<()> {
        let root = &repository.root;
        let is_old = |path: &Path| -> io::Result<bool> {
            let stat = Stat::at(path)?;
            Ok(stat.is_some_and(|stat| stat.changed < self.rules.cutoff))
        };
        if !is_old(&root.join(INDEX_FILE))? || !is_old(&root.join(OCI_LAYOUT_FILE))? {
            return Ok(());
        }
        if !self.has_nothing(name, repository)? {
            return Ok(());
        }
        report.removed = true;
        if self.rules.dry_run {
            return Ok(());
        }
        report.removed = false;
        let _turn = repository.turn.blocking_lock();
        let Ok(_lock) = LayoutLock::acquire(root) else {
            return Ok(());
        };
        if !is_old(&root.join(INDEX_FILE))? || !self.has_nothing(name, repository)? {
            return Ok(());
        }
        // In an order in which whoever comes meanwhile finds a whole repository or sees that there is none. A folder with
        // anything in it stays.
        let blobs = root.join(BLOBS_DIR);
        for algorithm in entries(&blobs)? {
            if fs::remove_dir(algorithm?.path()).is_err() {
                return Ok(());
            }
        }
        let _ = fs::remove_dir(&blobs);
        let own = root.join(OWN);
        remove(&root.join(INDEX_FILE))?;
        remove(&journal::path(root))?;
        let _ = fs::remove_dir(own);
        remove(&root.join(OCI_LAYOUT_FILE))?;
        if blobs.exists() {
            // Somebody has begun to push: whoever stores a blob looks for the marker afterwards, and this looks for
            // blobs after the marker is gone.
            return self.shared.prepare(root, None);
        }
        report.removed = true;
        self.shared.names.forget();
        let inside = |folder: &&Path| *folder != self.shared.places.root();
        for folder in root.ancestors().take_while(inside) {
            if fs::remove_dir(folder).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// Whether there is nothing in a repository that a registry or a layout knows of, and nothing arriving.
    fn has_nothing(&self, name: &str, repository: &Repository) -> io::Result<bool> {
        let view = repository.read().map_err(io::Error::other)?;
        if view.is_none_or(|view| !view.index().is_empty()) {
            return Ok(false);
        }
        for algorithm in entries(&repository.root.join(BLOBS_DIR))? {
            let algorithm = algorithm?.path();
            if !algorithm.is_dir() {
                return Ok(false);
            }
            for blob in entries(&algorithm)? {
                // In a dry run, what would have been removed is still there.
                let stat = Stat::at(&blob?.path())?;
                let goes =
                    self.rules.dry_run && stat.is_some_and(|stat| stat.changed < self.rules.cutoff);
                if !goes {
                    return Ok(false);
                }
            }
        }
        let mut uploads = entries(&self.shared.places.uploads(name))?;
        Ok(uploads.next().is_none())
    }
}

/// Whether somebody holds the lock of a file.
fn is_held(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

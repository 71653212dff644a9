//! Cleaning what repositories share.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::Path;

use oras_spec::Digest;

use super::super::stat::Stat;
use super::super::store::remove;
use super::super::walk::{digest, entries, sharded_content};
use super::Run;

impl Run<'_> {
    /// Removes content that no repository has any more. Blocks.
    pub(super) fn shared_store(&mut self) -> io::Result<()> {
        let shared = self.shared.places.all_blobs();
        sharded_content(&shared, |digest, path| {
            if self.is_stopped() {
                return Err(io::ErrorKind::Interrupted.into());
            }
            self.content(digest, path)
        })
    }

    fn content(&mut self, digest: &Digest, path: &Path) -> io::Result<()> {
        let old = |stat: &Stat| stat.links == Some(1) && self.is_old(stat);
        let Some(stat) = Stat::at(path)?.filter(old) else {
            return Ok(());
        };
        match self.rules.dry_run {
            true => {
                self.report.freed += stat.size;
                Ok(())
            }
            false => self.release(digest),
        }
    }

    /// Takes what the repositories have lost out of the shared store, too.
    pub(super) fn release_all(&mut self) -> io::Result<()> {
        while let Some(digest) = self.released.pop() {
            self.release(&digest)?;
        }
        Ok(())
    }

    /// Takes content that no repository has out of the shared store. Whoever links to it at this moment keeps it there.
    fn release(&mut self, digest: &Digest) -> io::Result<()> {
        let shared = self.shared.places.blob(digest);
        fs::create_dir_all(&self.trash)?;
        let name = format!("{}-{}", digest.algorithm(), digest.encoded());
        let trash = self.trash.join(name);
        match fs::rename(&shared, &trash) {
            // Another one was faster.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            renamed => renamed?,
        }
        // From now on nobody finds it here to link to it.
        match Stat::at(&trash)? {
            Some(stat) if stat.links == Some(1) => self.report.freed += stat.size,
            _ => put_back(&trash, &shared)?,
        }
        remove(&trash)
    }

    /// Puts back what runs that were killed have left in the trash and is in use. The rest goes.
    pub(super) fn recover_trash(&self) -> crate::driver::Result<()> {
        let recover = || -> io::Result<()> {
            for run in entries(&self.shared.places.trash())? {
                let run = run?.path();
                for file in entries(&run)? {
                    let file = file?;
                    let name = file.file_name();
                    let parts = name.to_str().and_then(|name| name.split_once('-'));
                    let digest = parts.and_then(|(algorithm, encoded)| {
                        digest(OsStr::new(algorithm), OsStr::new(encoded))
                    });
                    let Some(digest) = digest else {
                        continue;
                    };
                    let stat = Stat::at(&file.path())?;
                    if stat.is_some_and(|stat| stat.links != Some(1)) {
                        put_back(&file.path(), &self.shared.places.blob(&digest))?;
                    }
                    remove(&file.path())?;
                }
                // Stays if there is anything in it that is not ours.
                let _ = fs::remove_dir(run);
            }
            Ok(())
        };
        recover().map_err(super::failed("emptying the trash"))
    }
}

/// Gives it its name again, unless there is something else by now.
fn put_back(trash: &Path, shared: &Path) -> io::Result<()> {
    match fs::hard_link(trash, shared) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    }
}

//! Which content is known to be on the disk, and getting the rest there.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use oras_content::layout::{sync_file_system, sync_path};
use oras_spec::Digest;

use super::cache::Cache;
use super::stat::Identity;

/// How many contents are remembered.
const REMEMBERED: usize = 65_536;
/// Up to so many files are made durable one by one; beyond, the whole file system is asked to write at once.
const MOST_SINGLE: usize = 64;
/// How many of them at the same time: the file system writes its journal once for all who wait for it.
const AT_ONCE: usize = 8;

/// The files that are known to be on the disk, by digest.
pub(super) struct Synced(Cache<Digest, Identity>);

impl Default for Synced {
    fn default() -> Self {
        Self(Cache::new(REMEMBERED))
    }
}

impl Synced {
    /// Whether this file is.
    pub(super) fn has(&self, digest: &Digest, file: Identity) -> bool {
        self.0.get(digest) == Some(file)
    }

    /// Takes note that it is.
    pub(super) fn add(&self, digest: Digest, file: Identity) {
        self.0.insert(digest, file, 1);
    }
}

/// Waits until all of these files and folders are on the disk. Blocks.
pub(super) fn sync_all(root: &Path, files: &[PathBuf], folders: &[PathBuf]) -> io::Result<()> {
    if files.len() > MOST_SINGLE && sync_file_system(root)? {
        return Ok(());
    }
    match files {
        [] => {}
        [file] => sync_path(file)?,
        files => sync_at_once(files)?,
    }
    // Written with the files, mostly: there is nothing left to wait for.
    folders.iter().try_for_each(|folder| sync_path(folder))
}

fn sync_at_once(files: &[PathBuf]) -> io::Result<()> {
    let left = Mutex::new(files.iter());
    let work = || -> io::Result<()> {
        loop {
            let next = match left.lock() {
                Ok(mut left) => left.next(),
                Err(_) => None,
            };
            match next {
                Some(file) => sync_path(file)?,
                None => return Ok(()),
            }
        }
    };
    std::thread::scope(|scope| {
        let helpers: Vec<_> = (1..files.len().min(AT_ONCE))
            .map(|_| scope.spawn(work))
            .collect();
        let mut result = work();
        for helper in helpers {
            let done = helper.join();
            result = result.and(done.unwrap_or_else(|_| Err(io::ErrorKind::Other.into())));
        }
        result
    })
}

//! Content that is not what its digest says: finding out, and setting it aside.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use oras_spec::{Algorithm, Digest, Hasher};

use super::Shared;
use super::place::blob_in;
use super::read::open_blocking;
use super::stat::Stat;
use super::store::remove;
use crate::id;

/// How much is read at a time, in bytes.
const PIECE: usize = 256 * 1024;

/// The digest of the rest of a file. `read` is told of every piece and can end it. Blocks.
pub(super) fn digest_of(
    mut file: &File,
    algorithm: Algorithm,
    mut read: impl FnMut(usize) -> io::Result<()>,
) -> io::Result<Digest> {
    let mut hasher = Hasher::new(algorithm);
    let mut buffer = vec![0; PIECE];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finish()),
            Ok(length) => {
                hasher.update(&buffer[..length]);
                read(length)?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// What came of looking at content.
pub(super) enum Content {
    /// It is what its digest says.
    Intact,
    /// It is something else, in this file.
    Damaged(Stat),
    /// It is gone, or somebody is writing to it.
    Gone,
}

/// Hashes the file `path`, with the algorithm of its digest. Blocks.
pub(super) fn examine(
    path: &Path,
    digest: &Digest,
    read: impl FnMut(usize) -> io::Result<()>,
) -> io::Result<Content> {
    let (Some(found), Ok(algorithm)) = (open_blocking(path)?, digest.verifier()) else {
        return Ok(Content::Gone);
    };
    if digest_of(&found.file, algorithm, read)? == *digest {
        return Ok(Content::Intact);
    }
    // What is written in place by another program is no damage yet.
    let after = Stat::open(&found.file)?;
    let same = |one: &Stat| (one.size, one.modified);
    Ok(match after {
        Some(after) if same(&found.stat) == same(&after) => Content::Damaged(after),
        _ => Content::Gone,
    })
}

impl Shared {
    /// Takes a damaged file away from the shared store and the repositories in `roots`, so that its content can be pushed
    /// again, and keeps it in the quarantine. Blocks.
    pub(super) fn set_aside<'a>(
        &self,
        digest: &Digest,
        damaged: &Stat,
        roots: impl IntoIterator<Item = &'a Path>,
    ) -> io::Result<()> {
        self.manifests.remove(digest);
        self.take_away(&self.places.blob(digest), digest, damaged)?;
        for root in roots {
            self.take_away(&blob_in(root, digest), digest, damaged)?;
        }
        Ok(())
    }

    /// Moves the file `path` to the quarantine if it is the damaged one.
    fn take_away(&self, path: &Path, digest: &Digest, damaged: &Stat) -> io::Result<()> {
        if !Stat::at(path)?.is_some_and(|stat| stat.is(damaged)) {
            return Ok(());
        }
        let quarantine = self.places.quarantine();
        fs::create_dir_all(&quarantine)?;
        let name = format!("{}-{}", digest.algorithm(), digest.encoded());
        let moved = quarantine.join(format!("{name}-{}", id::random()));
        match fs::rename(path, &moved) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            renamed => renamed?,
        }
        let stat = Stat::at(&moved)?;
        if !stat.is_some_and(|stat| stat.is(damaged)) {
            // Somebody has healed it at this very moment.
            match fs::hard_link(&moved, path) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => return remove(&moved),
            }
        }
        // Once is enough.
        let target = quarantine.join(name);
        match Stat::at(&target)?.is_some_and(|stat| stat.is(damaged)) {
            true => remove(&moved),
            false => fs::rename(&moved, &target),
        }
    }
}

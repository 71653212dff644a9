//! Names: who writes which path, and whether a path may be written.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use oras_spec::Digest;
use tokio::sync::Notify;

use super::{Existing, FileOptions, Traversal};
use crate::error::{Error, ErrorKind, Result};
use crate::payload::io_error;
use crate::sync::lock;

/// The names of a store, by the path they stand for: `a` and `./a` are one.
#[derive(Default)]
pub(super) struct Names {
    states: Mutex<HashMap<PathBuf, State>>,
    /// Rings whenever a claim ends.
    ended: Notify,
}

struct State {
    digest: Digest,
    phase: Phase,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Somebody is at it.
    Reserved,
    /// The content is there.
    Ready,
}

/// What came of asking for a name.
pub(super) enum Claimed {
    /// It is ours until the claim is dropped; for good once it is settled.
    Ours(Claim),
    /// It has this very content already.
    Ready,
    /// It has, or will have, other content.
    Taken,
}

/// The right to write a name. Never held across a lock; dropping it frees the name.
pub(super) struct Claim {
    names: Arc<Names>,
    path: PathBuf,
    settled: bool,
}

impl Names {
    /// Whether the name at `path` has the content of `digest`.
    pub(super) fn holds(&self, path: &Path, digest: &Digest) -> bool {
        lock(&self.states)
            .get(path)
            .is_some_and(|state| state.phase == Phase::Ready && state.digest == *digest)
    }

    /// Whether the name at `path` has content, or is about to.
    pub(super) fn taken(&self, path: &Path) -> bool {
        lock(&self.states).contains_key(path)
    }

    /// Asks for the name at `path`; waits while somebody writes the same content under it.
    pub(super) async fn claim(self: &Arc<Self>, path: PathBuf, digest: &Digest) -> Claimed {
        loop {
            // Registered before looking, so that no ring is missed.
            let ended = self.ended.notified();
            {
                let mut states = lock(&self.states);
                match states.get(&path) {
                    Some(state) if state.digest != *digest => return Claimed::Taken,
                    Some(state) if state.phase == Phase::Ready => return Claimed::Ready,
                    Some(_) => {}
                    None => {
                        let state = State {
                            digest: digest.clone(),
                            phase: Phase::Reserved,
                        };
                        states.insert(path.clone(), state);
                        return Claimed::Ours(Claim {
                            names: Arc::clone(self),
                            path,
                            settled: false,
                        });
                    }
                }
            }
            ended.await;
        }
    }
}

impl Claim {
    /// The path to be written.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Says that the content is there.
    pub(super) fn settle(mut self) {
        if let Some(state) = lock(&self.names.states).get_mut(&self.path) {
            state.phase = Phase::Ready;
        }
        self.settled = true;
    }

    /// Says that the content is there, and which it turned out to be.
    pub(super) fn settle_as(self, digest: &Digest) {
        if let Some(state) = lock(&self.names.states).get_mut(&self.path) {
            state.digest = digest.clone();
        }
        self.settle();
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if !self.settled {
            lock(&self.names.states).remove(&self.path);
        }
        self.names.ended.notify_waiters();
    }
}

/// Checks that `path` may be written in a store over `root`.
///
/// # Errors
/// `failed to resolve path for writing`, caused by [`ErrorKind::PathTraversal`] or [`ErrorKind::OverwriteDenied`].
pub(super) fn check_path(root: &Path, path: &Path, options: &FileOptions) -> Result<()> {
    let checked = check_inside(root, path, options.traversal)
        .and_then(|()| check_overwrite(path, options.existing));
    checked.map_err(|error| error.context("failed to resolve path for writing"))
}

fn check_inside(root: &Path, path: &Path, traversal: Traversal) -> Result<()> {
    if traversal == Traversal::Allow || path == root {
        return Ok(());
    }
    let denied = || Error::new(ErrorKind::PathTraversal, "path traversal disallowed");
    // The last part is replaced, never followed, so only the parents can lead astray.
    let parent = path
        .parent()
        .filter(|_| path.starts_with(root))
        .ok_or_else(denied)?;
    match resolve(parent)?.starts_with(resolve(root)?) {
        true => Ok(()),
        false => Err(denied()),
    }
}

fn check_overwrite(path: &Path, existing: Existing) -> Result<()> {
    if existing == Existing::Keep && fs::symlink_metadata(path).is_ok() {
        return Err(overwrite_denied());
    }
    Ok(())
}

/// `overwrite disallowed`.
pub(super) fn overwrite_denied() -> Error {
    Error::new(ErrorKind::OverwriteDenied, "overwrite disallowed")
}

/// `path` with the links in it resolved, as far as it exists.
fn resolve(path: &Path) -> Result<PathBuf> {
    let mut missing = Vec::new();
    let mut existing = path;
    loop {
        match fs::canonicalize(existing) {
            Ok(resolved) => {
                return Ok(missing
                    .iter()
                    .rev()
                    .fold(resolved, |path, part| path.join(part)));
            }
            // A dangling link is not missing: writing through it would create what it points to.
            Err(error) if error.kind() == io::ErrorKind::NotFound && !existing.is_symlink() => {}
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                return Err(Error::new(ErrorKind::Io, "not a directory"));
            }
            Err(error) => return Err(io_error("lstat", existing, &error)),
        }
        let (Some(parent), Some(name)) = (existing.parent(), existing.file_name()) else {
            return Ok(path.to_path_buf());
        };
        missing.push(name);
        existing = parent;
    }
}

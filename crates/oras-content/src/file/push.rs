//! Writing: content becomes files. What is visible is whole.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use oras_spec::Descriptor;
use oras_spec::annotation::UNPACK;

use super::draft::Draft;
use super::feed::{Feed, feed};
use super::name::{Claim, Claimed, check_path, overwrite_denied};
use super::stored::Stored;
use super::{FileStore, Folders, Inner, Unnamed, duplicate, title};
use crate::ability::{Push, Pushed};
use crate::error::{Error, ErrorKind, Result};
use crate::payload::{Payload, Snapshot, io_error};

#[async_trait]
impl Push for FileStore {
    /// Writes named content to its file or folder, keeps the rest in memory. A manifest makes files of its titled
    /// successors whose content is here under another name.
    ///
    /// # Errors
    /// [`ErrorKind::DuplicateName`] if the name has other content; [`ErrorKind::PathTraversal`] and
    /// [`ErrorKind::OverwriteDenied`]; [`ErrorKind::SizeLimit`] for content without a name;
    /// `failed to copy content to <path>` and `failed to extract tar to <folder>` with what caused them.
    async fn push(&self, descriptor: &Descriptor, payload: Payload) -> Result<Pushed> {
        let told = |error: Error| error.with_descriptor(descriptor).with_operation("push");
        let pushed = match title(descriptor) {
            Some(name) => self
                .push_named(descriptor, name, &payload)
                .await
                .map_err(told)?,
            None if self.0.options.unnamed == Unnamed::Ignore => return Ok(Pushed::Stored),
            None => self.0.unnamed.push(descriptor, payload).await?,
        };
        let successors = self.index(descriptor).await.map_err(told)?;
        self.restore(&successors).await.map_err(told)?;
        Ok(pushed)
    }
}

impl FileStore {
    async fn push_named(
        &self,
        descriptor: &Descriptor,
        name: &str,
        payload: &Payload,
    ) -> Result<Pushed> {
        let path = self.path_for_name(name);
        let claim = match self.0.names.claim(path, &descriptor.digest).await {
            Claimed::Ours(claim) => claim,
            Claimed::Ready => return Ok(Pushed::AlreadyThere),
            Claimed::Taken => return Err(duplicate(name)),
        };
        let job = Job {
            store: Arc::clone(&self.0),
            descriptor: descriptor.clone(),
            path: claim.path().to_path_buf(),
            claim,
        };
        let unpack = descriptor
            .annotations
            .get(UNPACK)
            .is_some_and(|value| value == "true")
            && self.0.options.folders == Folders::Unpack;
        let write = move |feed| {
            let stored = if unpack {
                job.unpack(feed)
            } else {
                job.write(feed)
            };
            stored.map(|stored| (stored, job.claim))
        };
        let (stored, claim) = feed(payload, descriptor, write).await?;
        self.remember(descriptor, stored);
        claim.settle();
        Ok(Pushed::Stored)
    }
}

/// One content on its way to its path. Runs on a blocking thread.
pub(super) struct Job {
    pub(super) store: Arc<Inner>,
    pub(super) descriptor: Descriptor,
    /// Absolute and cleaned.
    pub(super) path: PathBuf,
    /// Held here, so that a name is free again only when what failed is cleaned up.
    claim: Claim,
}

impl Job {
    /// Checks the path, makes what is above it, and something of our own in `parent`.
    pub(super) fn prepare<T>(
        &self,
        parent: &Path,
        make: impl Fn() -> Result<T>,
    ) -> Result<(MadeFolders, T)> {
        let mut tries = 0;
        loop {
            tries += 1;
            check_path(&self.store.root, &self.path, &self.store.options)?;
            let ensured = MadeFolders::ensure(parent);
            let made = ensured
                .map_err(|e| e.context("failed to ensure directories of the target path"))?;
            match make() {
                // Another push that failed may have taken back a folder it had made.
                Err(_) if tries < 3 && !parent.exists() => {}
                result => return result.map(|own| (made, own)),
            }
        }
    }

    fn write(&self, mut feed: Feed) -> Result<Stored> {
        let path = &self.path;
        let parent = path.parent().unwrap_or(path);
        let (made, mut draft) = self.prepare(parent, || self.create(parent))?;
        while let Some(chunk) = feed.chunk().map_err(|e| self.copy_failed(e))? {
            let written = draft.write_all(&chunk);
            written.map_err(|e| self.copy_failed(io_error("write", path, &e)))?;
        }
        self.publish(draft)?;
        made.keep();
        // Taken from the final name: renaming counts as a change of the file.
        let metadata = fs::symlink_metadata(path).map_err(|e| io_error("stat", path, &e))?;
        Ok(Stored::File {
            descriptor: self.descriptor.clone(),
            path: path.clone(),
            snapshot: Snapshot::of(&metadata),
        })
    }

    /// A file that will be the target.
    fn create(&self, parent: &Path) -> Result<Draft> {
        if fs::symlink_metadata(&self.path).is_ok_and(|metadata| metadata.is_dir()) {
            return Err(self.not_created(&io::Error::from(io::ErrorKind::IsADirectory)));
        }
        Draft::new(parent).map_err(|e| self.not_created(&e))
    }

    fn publish(&self, draft: Draft) -> Result<()> {
        match draft.publish(&self.path, self.store.options.existing) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(overwrite_denied().context("failed to resolve path for writing"))
            }
            published => published.map_err(|error| self.not_created(&error)),
        }
    }

    /// `failed to create file <path>`, also for what is noticed only when the file gets its name.
    fn not_created(&self, error: &io::Error) -> Error {
        let cause = io_error("open", &self.path, error);
        cause.context(format!("failed to create file {}", self.path.display()))
    }

    /// `failed to copy content to <path>`. What is wrong with the content stands alone; for the rest it is said that
    /// copying failed.
    fn copy_failed(&self, error: Error) -> Error {
        let verdict = matches!(
            error.kind(),
            ErrorKind::DigestMismatch | ErrorKind::SizeMismatch
        );
        let error = match verdict && error.to_string() != "unexpected EOF" {
            true => error,
            false => error.context("copy failed"),
        };
        error.context(format!("failed to copy content to {}", self.path.display()))
    }
}

/// Folders made on the way to a target, removed again unless they are kept or used.
pub(super) struct MadeFolders(Vec<PathBuf>);

impl MadeFolders {
    /// Makes `folder` and what is missing above it.
    fn ensure(folder: &Path) -> Result<Self> {
        let mut made = Self(Vec::new());
        let missing: Vec<&Path> = folder
            .ancestors()
            .take_while(|path| !path.is_dir())
            .collect();
        for path in missing.into_iter().rev() {
            match fs::create_dir(path) {
                Ok(()) => made.0.push(path.to_path_buf()),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    let text = format!("mkdir {}: not a directory", path.display());
                    return Err(Error::new(ErrorKind::Io, text));
                }
                Err(error) => return Err(io_error("mkdir", path, &error)),
            }
        }
        Ok(made)
    }

    /// Says that the folders have their content.
    pub(super) fn keep(mut self) {
        self.0.clear();
    }
}

impl Drop for MadeFolders {
    fn drop(&mut self) {
        for folder in self.0.iter().rev() {
            // Fails, as it should, if somebody else put something there.
            let _ = fs::remove_dir(folder);
        }
    }
}

/// The error of the system below what `tempfile` wraps around it.
pub(super) fn innermost(error: io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => {
            let mut cause = error.get_ref().and_then(|e| e.source());
            while let Some(inner) = cause {
                if let Some(code) = inner
                    .downcast_ref::<io::Error>()
                    .and_then(io::Error::raw_os_error)
                {
                    return io::Error::from_raw_os_error(code);
                }
                cause = inner.source();
            }
            error
        }
    }
}

//! Folders: unpacked beside their place while they arrive, moved there once everything is right.

use std::path::{Path, PathBuf};

use oras_spec::Digest;
use oras_spec::annotation::CONTENT_DIGEST;
use tempfile::TempDir;

use super::feed::Feed;
use super::push::{Job, innermost};
use super::stored::Stored;
use crate::archive::{UnpackOptions, Unpacked, place, unpack};
use crate::error::{Error, ErrorKind, Result};
use crate::payload::io_error;

impl Job {
    /// Unpacks the content of `feed` to the path.
    pub(super) fn unpack(&self, mut feed: Feed) -> Result<Stored> {
        let parent = self.staging_parent();
        let (made, staging) = self.prepare(&parent, || {
            self.check_target()?;
            staging(&parent).map_err(|e| io_error("create a folder in", &parent, &e))
        })?;

        let annotation = self.descriptor.annotations.get(CONTENT_DIGEST);
        // What is no digest can't be compared with.
        let content_digest = annotation.and_then(|text| Digest::parse(text).ok());
        let options = UnpackOptions {
            title: self.descriptor.title().unwrap_or_default(),
            target: &self.path,
            permissions: self.store.options.permissions,
            quotas: self.store.options.quotas,
            content_digest: content_digest.as_ref(),
        };
        let unpacked = self.extract(&mut feed, staging.path(), &options)?;
        place(staging.path(), &unpacked, &options)?;
        made.keep();
        Ok(Stored::Unpacked {
            descriptor: self.descriptor.clone(),
        })
    }

    /// Unpacks and verifies. Wrong bytes make a wrong archive: then the bytes are what is to be told.
    fn extract(
        &self,
        feed: &mut Feed,
        staging: &Path,
        options: &UnpackOptions<'_>,
    ) -> Result<Unpacked> {
        let unpacked = unpack(feed, staging, options);
        let of_the_archive = |error: &Error| {
            let kind = error.kind();
            kind == ErrorKind::InvalidArchive
                || kind == ErrorKind::PathTraversal
                || is_content_digest(error)
        };
        match &unpacked {
            Err(error) if !of_the_archive(error) => return unpacked,
            _ => {}
        }
        let extracting = format!("failed to extract tar to {}", self.path.display());
        feed.drain().map_err(|error| error.context(extracting))?;
        unpacked
    }

    /// The folder that the staging folder is made in: beside the target if that is on the same file system.
    fn staging_parent(&self) -> PathBuf {
        let beside = self.path.parent().filter(|_| self.path != self.store.root);
        match beside {
            Some(parent) if !is_mount_point(&self.path, parent) => parent.to_path_buf(),
            _ => self.path.clone(),
        }
    }

    /// Fails before anything is read if a file stands where the folder goes.
    fn check_target(&self) -> Result<()> {
        let file =
            std::fs::symlink_metadata(&self.path).is_ok_and(|m| !m.is_dir() && !m.is_symlink());
        if !file {
            return Ok(());
        }
        let text = format!("mkdir {}: not a directory", self.path.display());
        Err(Error::new(ErrorKind::Io, text)
            .context("failed to ensure directories of the target path"))
    }
}

/// Whether the digest of the tar was wrong, not that of the blob.
fn is_content_digest(error: &Error) -> bool {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    cause.as_deref() == Some("content digest mismatch")
}

/// A hidden folder with the mode of any new folder: it will be the folder.
fn staging(parent: &Path) -> std::io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".oras-").suffix(".tmp");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o777));
    }
    builder.tempdir_in(parent).map_err(innermost)
}

#[cfg(unix)]
fn is_mount_point(path: &Path, parent: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (std::fs::symlink_metadata(path), std::fs::metadata(parent)) {
        (Ok(path), Ok(parent)) => path.is_dir() && path.dev() != parent.dev(),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_mount_point(_: &Path, _: &Path) -> bool {
    false
}

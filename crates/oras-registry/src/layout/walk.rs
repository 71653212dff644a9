//! Going through the files of a folder, whoever adds and removes some meanwhile.

use std::ffi::OsStr;
use std::fs::{self, DirEntry};
use std::io;
use std::path::Path;

use oras_spec::Digest;

use super::is_absent;

/// What is in a folder; nothing if there is no such folder (any more), or if it is something else. Links to folders are
/// not followed.
pub(super) fn entries(
    folder: &Path,
) -> io::Result<impl Iterator<Item = io::Result<DirEntry>> + use<>> {
    let is_folder = match fs::symlink_metadata(folder) {
        Err(error) if is_absent(&error) => false,
        found => found?.is_dir(),
    };
    let entries = match is_folder {
        true => match fs::read_dir(folder) {
            Err(error) if is_absent(&error) => None,
            entries => Some(entries?),
        },
        false => None,
    };
    Ok(entries.into_iter().flatten())
}

/// All content in the folder `blobs` of a layout. What is not named by a digest belongs to somebody else.
pub(super) fn content_in(
    blobs: &Path,
    mut each: impl FnMut(&Digest, &Path) -> io::Result<()>,
) -> io::Result<()> {
    for algorithm in entries(blobs)? {
        let algorithm = algorithm?;
        content_of(&algorithm.file_name(), &algorithm.path(), &mut each)?;
    }
    Ok(())
}

/// All content in the store that repositories share.
pub(super) fn sharded_content(
    blobs: &Path,
    mut each: impl FnMut(&Digest, &Path) -> io::Result<()>,
) -> io::Result<()> {
    for algorithm in entries(blobs)? {
        let algorithm = algorithm?;
        for shard in entries(&algorithm.path())? {
            content_of(&algorithm.file_name(), &shard?.path(), &mut each)?;
        }
    }
    Ok(())
}

fn content_of(
    algorithm: &OsStr,
    folder: &Path,
    each: &mut impl FnMut(&Digest, &Path) -> io::Result<()>,
) -> io::Result<()> {
    for file in entries(folder)? {
        let file = file?;
        if let Some(digest) = digest(algorithm, &file.file_name()) {
            each(&digest, &file.path())?;
        }
    }
    Ok(())
}

/// The digest that two parts of a path stand for.
pub(super) fn digest(algorithm: &OsStr, encoded: &OsStr) -> Option<Digest> {
    let text = format!("{}:{}", algorithm.to_str()?, encoded.to_str()?);
    Digest::parse(&text).ok()
}

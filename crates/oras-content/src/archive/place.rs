//! Moving an unpacked tree to its place: at once if nothing is there, entry by entry otherwise.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::links::Bounds;
use super::unpack::{Permissions, UnpackOptions, Unpacked, set_mtime};
use crate::error::{Error, ErrorKind, Result};
use crate::payload::io_error;

/// Moves the tree that [`unpack`](super::unpack) left in `staging` to `options.target`, on the same file system.
///
/// A folder that is there already is merged with: files and links are replaced, one rename each, and everything else
/// stays. Conflicts are looked for before the first rename. A symbolic link at the target itself is replaced.
///
/// # Errors
/// `failed to extract tar to <target>`, caused by [`ErrorKind::PathTraversal`] if a symbolic link stands where the
/// archive has a folder, or by [`ErrorKind::Io`].
pub fn place(staging: &Path, unpacked: &Unpacked, options: &UnpackOptions<'_>) -> Result<()> {
    run(staging, unpacked, options).map_err(|error| {
        error.context(format!(
            "failed to extract tar to {}",
            options.target.display()
        ))
    })
}

fn run(staging: &Path, unpacked: &Unpacked, options: &UnpackOptions<'_>) -> Result<()> {
    let target = options.target;
    let umask = umask_seen(staging);
    let mut existing = HashSet::new();
    if !move_whole(staging, target)? {
        let bounds = Bounds {
            title: options.title,
            target,
            staging,
        };
        find_conflicts(&bounds, Path::new(""), &mut existing)?;
        merge(&bounds, Path::new(""))?;
    }
    // Deepest first: what a folder holds can be reached no more once its mode forbids it.
    for folder in unpacked.folders.iter().rev() {
        // Joining an empty path would leave a slash behind.
        let is_root = folder.path.as_os_str().is_empty();
        let path = if is_root {
            target.to_path_buf()
        } else {
            target.join(&folder.path)
        };
        let mode = match options.permissions {
            Permissions::Preserve => Some(folder.mode),
            // The mode of the folder itself belongs to whoever unpacks.
            Permissions::Masked if is_root || existing.contains(&folder.path) => None,
            Permissions::Masked => Some(folder.mode & 0o777 & !umask),
        };
        set_mtime(&path, folder.mtime);
        if let Some(mode) = mode {
            set_mode(&path, mode)?;
        }
    }
    Ok(())
}

/// Renames the tree to the target; false if there is a folder already.
fn move_whole(staging: &Path, target: &Path) -> Result<bool> {
    match fs::symlink_metadata(target) {
        Ok(metadata) if metadata.is_dir() => return Ok(false),
        Ok(metadata) if metadata.is_symlink() => {
            fs::remove_file(target).map_err(|e| io_error("remove", target, &e))?;
        }
        Ok(_) => return Err(failed("mkdir", target, "not a directory")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(io_error("lstat", target, &error)),
    }
    match fs::rename(staging, target) {
        Ok(()) => Ok(true),
        // Somebody was faster: another file of the same artifact may live in this folder.
        Err(_) if target.is_dir() => Ok(false),
        Err(error) => Err(io_error("rename", target, &error)),
    }
}

/// Refuses the merge if it could not be done wholly. Notes the folders that are there already.
fn find_conflicts(
    bounds: &Bounds<'_>,
    folder: &Path,
    existing: &mut HashSet<PathBuf>,
) -> Result<()> {
    for (path, is_folder) in listing(bounds.staging, folder)? {
        let there = bounds.target.join(&path);
        let metadata = match fs::symlink_metadata(&there) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(io_error("lstat", &there, &error)),
        };
        match (is_folder, metadata.is_dir()) {
            (true, true) => {
                find_conflicts(bounds, &path, existing)?;
                existing.insert(path);
            }
            (true, false) if metadata.is_symlink() => return Err(bounds.link_between(&path)),
            (true, false) => return Err(failed("mkdir", &there, "not a directory")),
            (false, true) => return Err(failed("open", &there, "is a directory")),
            (false, false) => {}
        }
    }
    Ok(())
}

fn merge(bounds: &Bounds<'_>, folder: &Path) -> Result<()> {
    for (path, is_folder) in listing(bounds.staging, folder)? {
        let there = bounds.target.join(&path);
        // The file system decides once more: what was no link a moment ago could be one now.
        if is_folder && fs::symlink_metadata(&there).is_ok_and(|metadata| metadata.is_dir()) {
            merge(bounds, &path)?;
            continue;
        }
        fs::rename(bounds.staging.join(&path), &there)
            .map_err(|e| io_error("rename", &there, &e))?;
    }
    Ok(())
}

/// The paths in a staged folder, and whether they are folders.
fn listing(staging: &Path, folder: &Path) -> Result<Vec<(PathBuf, bool)>> {
    let path = staging.join(folder);
    let read = || -> io::Result<Vec<(PathBuf, bool)>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(&path)? {
            let entry = entry?;
            entries.push((folder.join(entry.file_name()), entry.file_type()?.is_dir()));
        }
        entries.sort_unstable();
        Ok(entries)
    };
    read().map_err(|e| io_error("open", &path, &e))
}

fn failed(verb: &str, path: &Path, why: &str) -> Error {
    Error::new(ErrorKind::Io, format!("{verb} {}: {why}", path.display()))
}

/// What the umask took from the staging folder, which was made with all permission bits.
#[cfg(unix)]
fn umask_seen(staging: &Path) -> u32 {
    use std::os::unix::fs::MetadataExt;
    fs::symlink_metadata(staging).map_or(0o022, |metadata| !metadata.mode() & 0o777)
}

#[cfg(not(unix))]
fn umask_seen(_: &Path) -> u32 {
    0
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .map_err(|e| io_error("chmod", path, &e))
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) -> Result<()> {
    Ok(())
}

//! Where names and links of an archive lead, and whether that is inside of its folder.

use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};
use crate::lexical::{clean, inside, os_str};

/// More links in a row than any honest path has: the limit of Linux.
const MAX_HOPS: usize = 40;

/// The folder that an archive must stay inside of, under its three names.
pub(super) struct Bounds<'a> {
    /// As the archive calls it.
    pub(super) title: &'a str,
    /// Where it will be: absolute.
    pub(super) target: &'a Path,
    /// Where it is while it is unpacked.
    pub(super) staging: &'a Path,
}

impl Bounds<'_> {
    /// The path of an entry below the folder; empty for the folder itself.
    pub(super) fn entry(&self, name: &[u8]) -> Result<PathBuf> {
        let path = os_str(name).map(Path::new);
        path.and_then(|path| self.below(&clean(path)))
            .ok_or_else(|| self.outside(name))
    }

    /// The path below the folder that a hard link at `entry` (below the folder) links to.
    ///
    /// Relative names count from the folder of the link. Tar itself counts from the root of the archive: that is
    /// taken where the first reading finds nothing.
    pub(super) fn hard_link(&self, entry: &Path, name: &[u8]) -> Result<PathBuf> {
        let path = os_str(name)
            .map(Path::new)
            .ok_or_else(|| self.outside(name))?;
        let base = clean(Path::new(self.title));
        let folder = base.join(entry.parent().unwrap_or(Path::new("")));
        let near = self
            .below(&clean(&folder.join(path)))
            .ok_or_else(|| self.outside(name))?;
        if fs::symlink_metadata(self.staging.join(&near)).is_ok() {
            return Ok(near);
        }
        Ok(self.below(&clean(path)).unwrap_or(near))
    }

    /// Checks as text that a symbolic link at `entry` leads inside. True if the text does not tell for sure, so that
    /// [`resolves_inside`](Self::resolves_inside) has to be asked once everything is unpacked.
    pub(super) fn symlink(&self, entry: &Path, name: &[u8]) -> Result<bool> {
        let path = os_str(name)
            .map(Path::new)
            .ok_or_else(|| self.outside(name))?;
        let mut parts = path.components();
        let goes_up = parts.any(|c| matches!(c, Component::Normal(_)))
            && parts.any(|c| c == Component::ParentDir);
        if path.has_root() {
            // No honest link needs both, and `..` would have to be followed through the file system outside.
            let ok = !goes_up && inside(self.target, path).is_some();
            return if ok {
                Ok(false)
            } else {
                Err(self.outside(name))
            };
        }
        let folder = entry.parent().unwrap_or(Path::new(""));
        match inside(Path::new(""), &clean(&folder.join(path))) {
            // `a/..` is only what it seems to be if `a` is no link.
            Some(_) => Ok(goes_up),
            None => Err(self.outside(name)),
        }
    }

    /// Checks that the link at `entry` leads inside, following the links that were unpacked.
    pub(super) fn resolves_inside(&self, entry: &Path) -> Result<()> {
        let outside = || self.outside(entry.as_os_str().as_encoded_bytes());
        let mut place = PathBuf::new();
        let mut ahead: Vec<OsString> = parts(entry);
        let mut hops = 0;
        while let Some(part) = ahead.pop() {
            if part == ".." {
                if !place.pop() {
                    return Err(outside());
                }
                continue;
            }
            place.push(&part);
            // What is not there, or no link, is walked through as it is.
            let Ok(link) = fs::read_link(self.staging.join(&place)) else {
                continue;
            };
            hops += 1;
            if hops > MAX_HOPS {
                return Err(outside());
            }
            place.pop();
            let link = match link.has_root() {
                true => {
                    place = PathBuf::new();
                    inside(self.target, &link).ok_or_else(outside)?
                }
                false => link,
            };
            ahead.extend(parts(&link));
        }
        Ok(())
    }

    fn below(&self, path: &Path) -> Option<PathBuf> {
        match path.has_root() {
            true => inside(self.target, path),
            false => inside(&clean(Path::new(self.title)), path),
        }
    }

    fn outside(&self, name: &[u8]) -> Error {
        let name = String::from_utf8_lossy(name);
        let text = format!("\"{name}\" is outside of \"{}\"", self.title);
        Error::new(ErrorKind::PathTraversal, text)
    }

    /// A link stands between the folder and an entry.
    pub(super) fn link_between(&self, entry: &Path) -> Error {
        let name = clean(Path::new(self.title)).join(entry);
        let text = format!(
            "no symbolic link allowed between \"{}\" and \"{}\"",
            self.title,
            name.display()
        );
        Error::new(ErrorKind::PathTraversal, text)
    }
}

/// The parts of a path, last first.
fn parts(path: &Path) -> Vec<OsString> {
    let named = path
        .components()
        .filter(|c| matches!(c, Component::Normal(_) | Component::ParentDir));
    named.rev().map(|c| c.as_os_str().to_owned()).collect()
}

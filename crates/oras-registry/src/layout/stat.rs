//! What the file system knows about a file: age, links, identity.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::Path;
use std::time::SystemTime;

use super::is_absent;

/// What is to be known of a regular file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) size: u64,
    /// When its inode changed last: by writing, touching, or a name more or less.
    pub(super) changed: SystemTime,
    /// When it was written or touched last.
    pub(super) modified: Option<SystemTime>,
    /// How many names it has; `None` where the system does not tell.
    pub(super) links: Option<u64>,
    pub(super) identity: Option<Identity>,
}

/// Tells a file from every other one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
    born: Option<SystemTime>,
}

impl Identity {
    /// The same if it is true for ever: numbers are used again, moments of birth are not.
    pub(super) fn lasting(self) -> Option<Self> {
        self.born.is_some().then_some(self)
    }
}

impl Stat {
    /// Of a regular file; `None` for anything else, such as a symbolic link.
    fn of(metadata: &Metadata) -> Option<Self> {
        metadata.is_file().then(|| Self {
            size: metadata.len(),
            changed: changed(metadata),
            modified: metadata.modified().ok(),
            links: links(metadata),
            identity: identity(metadata),
        })
    }

    /// Of the file `path`, if there is one and it is no symbolic link.
    pub(super) fn at(path: &Path) -> io::Result<Option<Self>> {
        match fs::symlink_metadata(path) {
            Err(error) if is_absent(&error) => Ok(None),
            found => Ok(Self::of(&found?)),
        }
    }

    /// Of an open file.
    pub(super) fn open(file: &File) -> io::Result<Option<Self>> {
        Ok(Self::of(&file.metadata()?))
    }

    /// Whether both are the same file.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.identity.is_some() && self.identity == other.identity
    }
}

/// The lasting identity of whatever is at `path`.
pub(super) fn identity_at(path: &Path) -> Option<Identity> {
    identity(&fs::symlink_metadata(path).ok()?)?.lasting()
}

#[cfg(unix)]
pub(super) fn changed(metadata: &Metadata) -> SystemTime {
    use std::os::unix::fs::MetadataExt;
    use std::time::Duration;

    let seconds = u64::try_from(metadata.ctime()).unwrap_or_default();
    let nanos = u32::try_from(metadata.ctime_nsec()).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::new(seconds, nanos)
}

#[cfg(not(unix))]
pub(super) fn changed(metadata: &Metadata) -> SystemTime {
    metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH)
}

#[cfg(unix)]
fn links(metadata: &Metadata) -> Option<u64> {
    Some(std::os::unix::fs::MetadataExt::nlink(metadata))
}

#[cfg(not(unix))]
fn links(_: &Metadata) -> Option<u64> {
    None
}

#[cfg(unix)]
fn identity(metadata: &Metadata) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;

    Some(Identity {
        device: metadata.dev(),
        inode: metadata.ino(),
        born: metadata.created().ok(),
    })
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> Option<Identity> {
    None
}

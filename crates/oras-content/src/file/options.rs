//! What can be asked of a file store.

use std::path::PathBuf;

use crate::archive::{Mtime, Permissions, Quotas};

/// Whether names may lead out of the working folder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Traversal {
    /// `..`, foreign absolute paths and symbolic links among the parents are refused if they lead outside.
    #[default]
    Deny,
    /// Names may lead anywhere. For artifacts of people you trust.
    Allow,
}

/// What happens to a file that is in the way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Existing {
    /// It is replaced, by one rename. Folders are merged with.
    #[default]
    Replace,
    /// It stays, and writing fails.
    Keep,
}

/// What happens to content without a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unnamed {
    /// It is kept in memory, at most 4 MiB each.
    #[default]
    Remember,
    /// It is dropped unread.
    Ignore,
}

/// What happens to packed folders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Folders {
    /// They are unpacked.
    #[default]
    Unpack,
    /// They stay archives.
    KeepPacked,
}

/// What happens when a manifest names files whose content arrived under another name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Duplicates {
    /// They are made from it.
    #[default]
    Restore,
    /// They are not made: each digest is one file.
    Ignore,
}

/// Options of a [`FileStore`](super::FileStore).
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct FileOptions {
    /// Names that lead outside.
    pub traversal: Traversal,
    /// Files in the way.
    pub existing: Existing,
    /// Content without a name.
    pub unnamed: Unnamed,
    /// Packed folders.
    pub folders: Folders,
    /// Names with equal content.
    pub duplicates: Duplicates,
    /// Modes of unpacked files.
    pub permissions: Permissions,
    /// Modification times in packed folders.
    pub mtime: Mtime,
    /// Limits on unpacking.
    pub quotas: Quotas,
    /// Where packed folders are kept while the store lives, as files without a name. Default: the working folder.
    pub scratch: Option<PathBuf>,
}

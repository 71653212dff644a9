//! A layout that becomes a tar file.
//!
//! The content is collected in a folder of its own first, because a tar can't be written by several at once and the
//! index comes to be known last. Then the tar is written beside its place and renamed: nobody sees half of it.

#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use oras_spec::layout::{BLOBS_DIR, INDEX_FILE, OCI_LAYOUT_FILE};
use tempfile::NamedTempFile;

use super::blocking;
use super::store::LayoutStore;
use crate::archive::header::{BLOCK, Header, Kind};
use crate::error::{Error, ErrorKind, Result};
use crate::payload::io_error;

/// How much is copied between two looks at whether to go on, in bytes.
const STEP: u64 = 4 * 1024 * 1024;
/// How much may be written and not be on the disk, in bytes. Ending early must not wait for more than this.
const UNSYNCED: u64 = 64 * 1024 * 1024;
/// Where the magic of a tar header is, and what it begins with.
const MAGIC: (usize, &[u8]) = (257, b"ustar");

/// A layout on its way into a tar file. Dropping it leaves nothing behind.
pub struct LayoutArchive {
    store: LayoutStore,
    draft: NamedTempFile,
    path: PathBuf,
}

impl LayoutArchive {
    /// A new layout that is collected in a fresh folder below `scratch`, to become the tar file `path`.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if a file can't be created at `path`.
    pub async fn create(path: impl AsRef<Path>, scratch: impl AsRef<Path>) -> Result<Self> {
        let (path, scratch) = (path.as_ref().to_owned(), scratch.as_ref().to_owned());
        blocking(move || {
            let draft = beside(&path).map_err(|error| io_error("open", &path, &error))?;
            let staging = tempfile::Builder::new()
                .prefix("oras-backup-")
                .tempdir_in(&scratch)
                .map_err(|error| io_error("mkdir", &scratch, &error))?;
            Ok(Self {
                store: LayoutStore::temporary(staging)?,
                draft,
                path,
            })
        })
        .await
    }

    /// Where the content goes.
    pub fn store(&self) -> &LayoutStore {
        &self.store
    }

    /// Writes the tar and gives it its name, in the place of whatever had it. The same layout gives the same bytes.
    /// Returns its size in bytes.
    ///
    /// # Errors
    /// [`ErrorKind::Cancelled`] soon after `stopped` says so, which is asked again and again; [`ErrorKind::Io`].
    pub async fn finish(self, stopped: impl Fn() -> bool + Send + 'static) -> Result<u64> {
        blocking(move || {
            let out = Out {
                file: self.draft.as_file(),
                written: 0,
                synced: 0,
                stopped: &stopped,
            };
            let written = out.layout(self.store.path());
            let size = written.map_err(|failed| match failed {
                Failed::Read(path, error) => io_error("read", &path, &error),
                Failed::Write(error) => io_error("write", &self.path, &error),
                Failed::Stopped => Error::new(ErrorKind::Cancelled, "operation cancelled"),
            })?;
            let named = self.draft.persist(&self.path);
            named.map_err(|failed| io_error("rename", &self.path, &failed.error))?;
            Ok(size)
        })
        .await
    }
}

/// Whether the file at `path` begins as a tar does.
///
/// # Errors
/// [`ErrorKind::Io`] if it can't be read.
pub async fn looks_like_tar(path: impl AsRef<Path>) -> Result<bool> {
    let path = path.as_ref().to_owned();
    blocking(move || {
        let failed = |error| io_error("open", &path, &error);
        let mut start = Vec::new();
        let file = File::open(&path).map_err(failed)?;
        let (at, magic) = MAGIC;
        file.take((at + magic.len()) as u64)
            .read_to_end(&mut start)
            .map_err(failed)?;
        Ok(start.get(at..) == Some(magic))
    })
    .await
}

/// A file that is there under another name until it is done.
fn beside(path: &Path) -> io::Result<NamedTempFile> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    // The error of a scratch file would be about that file; what is wrong is nearly always the folder.
    fs::metadata(folder.join("."))?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".oras-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder
        .tempfile_in(folder)
        .map_err(|error| io::Error::from(error.kind()))
}

enum Failed {
    Read(PathBuf, io::Error),
    Write(io::Error),
    Stopped,
}

/// The tar that is being written.
struct Out<'a> {
    file: &'a File,
    written: u64,
    synced: u64,
    stopped: &'a dyn Fn() -> bool,
}

impl Out<'_> {
    /// All that belongs to the layout in `root`, in the order of names. Blobs are removed on the way: they need not be on
    /// the disk twice.
    fn layout(mut self, root: &Path) -> Result<u64, Failed> {
        let blobs = root.join(BLOBS_DIR);
        self.folder(BLOBS_DIR)?;
        for algorithm in names(&blobs)? {
            let (folder, below) = (format!("{BLOBS_DIR}/{algorithm}"), blobs.join(&algorithm));
            self.folder(&folder)?;
            for name in names(&below)? {
                let path = below.join(&name);
                self.file(format!("{folder}/{name}"), &path, 0o444)?;
                fs::remove_file(&path).map_err(|error| Failed::Read(path, error))?;
            }
        }
        for name in [INDEX_FILE, OCI_LAYOUT_FILE] {
            self.file(name.to_owned(), &root.join(name), 0o644)?;
        }
        self.bytes(&[0; 2 * BLOCK])?;
        self.file.sync_all().map_err(Failed::Write)?;
        Ok(self.written)
    }

    fn folder(&mut self, name: &str) -> Result<(), Failed> {
        self.header(format!("{name}/"), Kind::Directory, 0o755, 0)
    }

    fn file(&mut self, name: String, path: &Path, mode: u32) -> Result<(), Failed> {
        let unreadable = |error| Failed::Read(path.to_owned(), error);
        let mut file = File::open(path).map_err(unreadable)?;
        let size = file.metadata().map_err(unreadable)?.len();
        self.header(name, Kind::Regular, mode, size)?;
        let mut left = size;
        while left > 0 {
            if (self.stopped)() {
                return Err(Failed::Stopped);
            }
            let mut step = (&mut file).take(left.min(STEP));
            let copied = io::copy(&mut step, &mut self.file).map_err(Failed::Write)?;
            if copied == 0 {
                return Err(unreadable(io::ErrorKind::UnexpectedEof.into()));
            }
            left -= copied;
            self.count(copied)?;
        }
        let padding = size.next_multiple_of(BLOCK as u64) - size;
        let zeros = [0; BLOCK];
        self.bytes(zeros.get(..padding as usize).unwrap_or_default())
    }

    fn header(&mut self, name: String, kind: Kind, mode: u32, size: u64) -> Result<(), Failed> {
        let header = Header {
            name: name.into_bytes(),
            kind,
            mode,
            size,
            // When and by whom a backup was made must not change its bytes.
            mtime: 0,
            link: Vec::new(),
            device: (0, 0),
        };
        let mut block = Vec::new();
        header.write(&mut block).map_err(Failed::Write)?;
        self.bytes(&block)
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failed> {
        self.file.write_all(bytes).map_err(Failed::Write)?;
        self.count(bytes.len() as u64)
    }

    fn count(&mut self, more: u64) -> Result<(), Failed> {
        self.written += more;
        if self.written - self.synced > UNSYNCED {
            self.file.sync_data().map_err(Failed::Write)?;
            self.synced = self.written;
        }
        Ok(())
    }
}

/// The names in a folder, in order.
fn names(folder: &Path) -> Result<Vec<String>, Failed> {
    let unreadable = |error| Failed::Read(folder.to_owned(), error);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name();
        names.push(name.to_string_lossy().into_owned());
    }
    names.sort_unstable();
    Ok(names)
}

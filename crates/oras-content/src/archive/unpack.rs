//! Unpacking into a fresh folder that nobody else uses.

use std::fs::{self, File};
use std::io::{self, BufRead, Read, Write};
use std::path::{Path, PathBuf};

use oras_spec::Digest;

use super::header::Kind;
use super::input::Input;
use super::links::Bounds;
use super::reader::{Entry, Reader};
use crate::error::{Error, ErrorKind, Result, io_text};
use crate::payload::io_error;

const BUFFER: usize = 128 * 1024;

/// How much an archive may hold before unpacking stops with [`ErrorKind::QuotaExceeded`].
///
/// The defaults are far beyond honest artifacts and far below what fills a machine by surprise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quotas {
    /// Entries. Default: one million.
    pub entries: u64,
    /// Bytes of tar. Default: 1 TiB.
    pub bytes: u64,
    /// Bytes of tar per compressed byte. Default: 250.
    pub ratio: u64,
    /// Bytes of tar below which the ratio does not matter. Default: 256 MiB.
    pub ratio_from: u64,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            entries: 1_000_000,
            bytes: 1 << 40,
            ratio: 250,
            ratio_from: 256 << 20,
        }
    }
}

/// What modes unpacked files and folders get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Permissions {
    /// The archive's permission bits less the umask; never setuid, setgid or sticky.
    #[default]
    Masked,
    /// Exactly the archive's mode.
    Preserve,
}

/// How to unpack an archive.
#[derive(Clone, Debug)]
pub struct UnpackOptions<'a> {
    /// What every entry name must start with.
    pub title: &'a str,
    /// Where the folder will be in the end: an absolute, cleaned path.
    pub target: &'a Path,
    /// Modes.
    pub permissions: Permissions,
    /// Limits.
    pub quotas: Quotas,
    /// The digest that the tar must have, with or without what follows its end.
    pub content_digest: Option<&'a Digest>,
}

/// What is left to do to an unpacked tree when it is in its place.
#[derive(Debug, Default)]
pub struct Unpacked {
    /// Folders wait for their mode and time: a read-only folder could not be filled or moved.
    pub(super) folders: Vec<Folder>,
}

/// A folder of an archive.
#[derive(Debug)]
pub(super) struct Folder {
    /// Its path below the root.
    pub(super) path: PathBuf,
    pub(super) mode: u32,
    pub(super) mtime: (i64, u32),
}

/// Unpacks a blob (tar, tar+gzip or tar+zstd) into `staging`, an empty folder that stands for `<title>/`
/// (library semantics 5.3). All of `blob` is read if all is well.
///
/// Entries outside of the title are refused, as are links that lead outside and entries behind a symbolic link.
/// Devices and fifos are skipped.
///
/// # Errors
/// `failed to extract tar to <target>`, caused by [`ErrorKind::PathTraversal`], [`ErrorKind::InvalidArchive`],
/// [`ErrorKind::QuotaExceeded`], [`ErrorKind::DigestMismatch`] (`content digest mismatch`), [`ErrorKind::Io`], or
/// whatever `blob` fails with. What was unpacked until then stays in `staging`, for the caller to remove.
pub fn unpack(
    blob: &mut dyn BufRead,
    staging: &Path,
    options: &UnpackOptions<'_>,
) -> Result<Unpacked> {
    run(blob, staging, options).map_err(|error| {
        error.context(format!(
            "failed to extract tar to {}",
            options.target.display()
        ))
    })
}

fn run(blob: &mut dyn BufRead, staging: &Path, options: &UnpackOptions<'_>) -> Result<Unpacked> {
    let input = Input::new(blob, options.content_digest, options.quotas).map_err(read_error)?;
    let mut tar = Reader::new(input);
    let mut unpacker = Unpacker {
        options,
        bounds: Bounds {
            title: options.title,
            target: options.target,
            staging,
        },
        checked: None,
        doubtful: Vec::new(),
        buffer: vec![0; BUFFER],
        unpacked: Unpacked::default(),
    };
    let mut entries = 0;
    while let Some(entry) = tar.next().map_err(read_error)? {
        entries += 1;
        if entries > options.quotas.entries {
            let text = format!("archive has more than {} entries", options.quotas.entries);
            return Err(Error::new(ErrorKind::QuotaExceeded, text));
        }
        unpacker.entry(&entry, &mut tar)?;
    }
    check_digest(tar.into_inner(), options.content_digest)?;
    for link in &unpacker.doubtful {
        unpacker.bounds.resolves_inside(link)?;
    }
    Ok(unpacker.unpacked)
}

/// Some tools hash what their reader consumed, others the whole tar with its padding: both are right.
fn check_digest(mut input: Input<'_>, expected: Option<&Digest>) -> Result<()> {
    let consumed = input.digest();
    input.drain().map_err(read_error)?;
    let whole = input.digest();
    match expected {
        Some(expected)
            if whole.is_some()
                && consumed.as_ref() != Some(expected)
                && whole.as_ref() != Some(expected) =>
        {
            Err(Error::new(
                ErrorKind::DigestMismatch,
                "content digest mismatch",
            ))
        }
        _ => Ok(()),
    }
}

struct Unpacker<'a> {
    options: &'a UnpackOptions<'a>,
    bounds: Bounds<'a>,
    /// A folder with nothing but folders above it. Folders are never replaced, so it stays so.
    checked: Option<PathBuf>,
    /// Links whose text does not tell where they lead.
    doubtful: Vec<PathBuf>,
    buffer: Vec<u8>,
    unpacked: Unpacked,
}

impl Unpacker<'_> {
    fn entry(&mut self, entry: &Entry, content: &mut impl Read) -> Result<()> {
        let path = self.bounds.entry(&entry.name)?;
        if path.as_os_str().is_empty() {
            return self.root(entry);
        }
        let Some(kind @ (Kind::Regular | Kind::Directory | Kind::Symlink | Kind::HardLink)) =
            entry.kind
        else {
            return Ok(());
        };
        self.parents(&path)?;
        match kind {
            Kind::Directory => self.folder(path, entry),
            Kind::Symlink => self.symlink(path, entry),
            Kind::HardLink => self.hard_link(&path, entry),
            _ => self.file(&path, entry, content),
        }
    }

    fn root(&mut self, entry: &Entry) -> Result<()> {
        if entry.kind != Some(Kind::Directory) {
            let text = format!("\"{}\" is not a directory", self.options.title);
            return Err(Error::new(ErrorKind::InvalidArchive, text));
        }
        self.unpacked.folders.push(Folder {
            path: PathBuf::new(),
            mode: entry.mode,
            mtime: entry.mtime,
        });
        Ok(())
    }

    /// Makes sure that there are only folders between the root and `path`, making those that are missing.
    fn parents(&mut self, path: &Path) -> Result<()> {
        let Some(parent) = path.parent() else {
            return Ok(());
        };
        if self.checked.as_deref() == Some(parent) {
            return Ok(());
        }
        let mut place = PathBuf::new();
        for part in parent.components() {
            place.push(part);
            let staged = self.bounds.staging.join(&place);
            match fs::symlink_metadata(&staged) {
                Ok(metadata) if metadata.is_dir() => {}
                Ok(metadata) if metadata.is_symlink() => {
                    return Err(self.bounds.link_between(path));
                }
                Ok(_) => return Err(self.failed("open", path, "not a directory")),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    fs::create_dir(&staged).map_err(|e| self.io("mkdir", &place, &e))?;
                }
                Err(error) => return Err(self.io("lstat", &place, &error)),
            }
        }
        self.checked = Some(parent.to_path_buf());
        Ok(())
    }

    fn folder(&mut self, path: PathBuf, entry: &Entry) -> Result<()> {
        let staged = self.bounds.staging.join(&path);
        match fs::create_dir(&staged) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if !fs::symlink_metadata(&staged).is_ok_and(|metadata| metadata.is_dir()) {
                    return Err(self.failed("mkdir", &path, "not a directory"));
                }
            }
            Err(error) => return Err(self.io("mkdir", &path, &error)),
        }
        self.unpacked.folders.push(Folder {
            path,
            mode: entry.mode,
            mtime: entry.mtime,
        });
        Ok(())
    }

    fn file(&mut self, path: &Path, entry: &Entry, content: &mut impl Read) -> Result<()> {
        let staged = self.bounds.staging.join(path);
        let mut file = self.replacing(path, || create(&staged, entry.mode & 0o777))?;
        loop {
            let read = match content.read(&mut self.buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(read_error(error)),
            };
            file.write_all(&self.buffer[..read])
                .map_err(|e| self.io("write", path, &e))?;
        }
        #[cfg(unix)]
        if self.options.permissions == Permissions::Preserve {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::Permissions::from_mode(entry.mode);
            file.set_permissions(mode)
                .map_err(|e| self.io("chmod", path, &e))?;
        }
        drop(file);
        set_mtime(&staged, entry.mtime);
        Ok(())
    }

    fn symlink(&mut self, path: PathBuf, entry: &Entry) -> Result<()> {
        let doubtful = self.bounds.symlink(&path, &entry.link)?;
        let staged = self.bounds.staging.join(&path);
        self.replacing(&path, || make_symlink(&entry.link, &staged))?;
        set_mtime(&staged, entry.mtime);
        if doubtful {
            self.doubtful.push(path);
        }
        Ok(())
    }

    fn hard_link(&self, path: &Path, entry: &Entry) -> Result<()> {
        let original = self.bounds.hard_link(path, &entry.link)?;
        let staging = self.bounds.staging;
        let mut place = staging.to_path_buf();
        for part in original.parent().unwrap_or(Path::new("")).components() {
            place.push(part);
            if place.is_symlink() {
                return Err(self.bounds.link_between(&original));
            }
        }
        let metadata = fs::symlink_metadata(staging.join(&original))
            .map_err(|e| self.io("link", &original, &e))?;
        // A second name for a symbolic link would lead elsewhere from another folder.
        if !metadata.is_file() {
            return Err(self.failed("link", &original, "not a regular file"));
        }
        fs::hard_link(staging.join(&original), staging.join(path))
            .map_err(|e| self.io("link", path, &e))
    }

    /// Makes something at `path`, in place of a file or link that came earlier in the archive.
    fn replacing<T>(&self, path: &Path, make: impl Fn() -> io::Result<T>) -> Result<T> {
        match make() {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let staged = self.bounds.staging.join(path);
                if fs::symlink_metadata(&staged).is_ok_and(|metadata| metadata.is_dir()) {
                    return Err(self.failed("open", path, "is a directory"));
                }
                fs::remove_file(&staged).map_err(|e| self.io("remove", path, &e))?;
                make().map_err(|e| self.io("open", path, &e))
            }
            made => made.map_err(|e| self.io("open", path, &e)),
        }
    }

    fn io(&self, verb: &str, path: &Path, error: &io::Error) -> Error {
        io_error(verb, &self.options.target.join(path), error)
    }

    fn failed(&self, verb: &str, path: &Path, why: &str) -> Error {
        let text = format!("{verb} {}: {why}", self.options.target.join(path).display());
        Error::new(ErrorKind::InvalidArchive, text)
    }
}

/// What goes wrong while reading is the archive's fault, unless the bytes failed to arrive.
fn read_error(error: io::Error) -> Error {
    if error.get_ref().is_some_and(|inner| inner.is::<Error>()) {
        return Error::from(error);
    }
    let text = match error.kind() {
        io::ErrorKind::UnexpectedEof => "unexpected EOF".to_owned(),
        _ => io_text(&error),
    };
    Error::new(ErrorKind::InvalidArchive, text)
}

fn create(path: &Path, mode: u32) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(mode);
    }
    #[cfg(not(unix))]
    let _ = mode;
    options.open(path)
}

#[cfg(unix)]
fn make_symlink(target: &[u8], path: &Path) -> io::Result<()> {
    use std::os::unix::ffi::OsStrExt;
    std::os::unix::fs::symlink(std::ffi::OsStr::from_bytes(target), path)
}

#[cfg(not(unix))]
fn make_symlink(_: &[u8], _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Sets the modification time of a file, folder or link, as far as the file system takes it.
pub(super) fn set_mtime(path: &Path, (seconds, nanos): (i64, u32)) {
    #[cfg(unix)]
    {
        use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};
        let time = Timespec {
            tv_sec: seconds,
            tv_nsec: i64::from(nanos),
        };
        let times = Timestamps {
            last_access: time,
            last_modification: time,
        };
        // Best effort: a time that the file system can't hold is no reason to fail.
        let _ = utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW);
    }
    #[cfg(not(unix))]
    let _ = (path, seconds, nanos);
}

//! Packing a folder: one pass, each byte hashed once as tar and once as gzip.

use std::fs::{self, File, Metadata};
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use oras_spec::{Algorithm, Digest, Hasher};

use super::gzip;
use super::header::{BLOCK, Header, Kind};
use crate::error::{Error, ErrorKind, Result};
use crate::lexical::{clean, slashed};
use crate::payload::io_error;

/// Bytes read from a file at a time.
const READ: usize = 256 * 1024;

/// What becomes of modification times in a packed folder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mtime {
    /// Kept, rounded to seconds.
    #[default]
    Keep,
    /// The epoch for every entry, so that equal trees give equal archives.
    Epoch,
}

/// How to pack a folder.
pub struct PackOptions<'a> {
    /// What every entry name starts with: the title of the layer. `.` packs without a prefix.
    pub title: &'a str,
    /// Modification times.
    pub mtime: Mtime,
    /// Asked now and then; packing stops with [`ErrorKind::Cancelled`] once it says true.
    pub cancelled: &'a dyn Fn() -> bool,
}

/// A packed folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// Digest of the compressed bytes.
    pub digest: Digest,
    /// Number of compressed bytes.
    pub size: u64,
    /// Digest of the tar.
    pub content_digest: Digest,
}

/// Packs the tree below `folder` into `out` as tar+gzip (library semantics 5.3).
///
/// Entries come in lexical order; symbolic links stay links; a hard link becomes a file of its own; devices and fifos
/// keep their entries. `folder` itself may be a symbolic link to a folder.
///
/// # Errors
/// [`ErrorKind::Changed`] if a file grows or shrinks meanwhile; [`ErrorKind::Unsupported`] for a socket;
/// [`ErrorKind::Cancelled`]; [`ErrorKind::Io`] from the file system.
pub fn pack(folder: &Path, out: impl Write, options: &PackOptions<'_>) -> Result<Packed> {
    let compressed = BufWriter::with_capacity(READ, Hashed::new(out));
    let mut packer = Packer {
        out: Hashed::new(gzip::encoder(compressed)),
        prefix: clean(Path::new(options.title)),
        options,
        buffer: vec![0; READ],
    };
    // Followed once, so that a link given as folder is packed as what it points to.
    let root = fs::canonicalize(folder).map_err(|e| io_error("open", folder, &e))?;
    packer.tree(&root)?;
    packer.write(&[0; 2 * BLOCK])?;

    let content_digest = packer.out.hasher.finish();
    let written = packer
        .out
        .inner
        .finish()
        .and_then(|buffer| buffer.into_inner().map_err(|e| e.into_error()));
    let mut compressed = written.map_err(write_error)?;
    compressed.flush().map_err(write_error)?;
    Ok(Packed {
        digest: compressed.hasher.finish(),
        size: compressed.count,
        content_digest,
    })
}

struct Packer<'a, W: Write> {
    out: Hashed<flate2::write::GzEncoder<W>>,
    prefix: PathBuf,
    options: &'a PackOptions<'a>,
    buffer: Vec<u8>,
}

impl<W: Write> Packer<'_, W> {
    /// Packs `root` and all below it. A stack of listings, so that depth costs no call stack.
    fn tree(&mut self, root: &Path) -> Result<()> {
        self.entry(root, Path::new(""))?;
        let mut open = vec![(PathBuf::new(), sorted(root)?.into_iter())];
        while let Some((folder, names)) = open.last_mut() {
            let Some(name) = names.next() else {
                open.pop();
                continue;
            };
            let relative = folder.join(name);
            let path = root.join(&relative);
            if self.entry(&path, &relative)? == Kind::Directory {
                let names = sorted(&path)?.into_iter();
                open.push((relative, names));
            }
        }
        Ok(())
    }

    fn entry(&mut self, path: &Path, relative: &Path) -> Result<Kind> {
        if (self.options.cancelled)() {
            return Err(Error::new(ErrorKind::Cancelled, "packing was cancelled"));
        }
        let metadata = fs::symlink_metadata(path).map_err(|e| io_error("lstat", path, &e))?;
        let kind = kind_of(path, &metadata)?;
        let mut header = Header {
            name: self.name(relative),
            kind,
            mode: mode_of(&metadata),
            size: 0,
            mtime: match self.options.mtime {
                Mtime::Keep => mtime_of(&metadata),
                Mtime::Epoch => 0,
            },
            link: Vec::new(),
            device: (0, 0),
        };
        match kind {
            Kind::Regular => return self.file(path, header),
            Kind::Symlink => {
                let target = fs::read_link(path).map_err(|e| io_error("readlink", path, &e))?;
                header.link = slashed(&target);
            }
            Kind::CharDevice | Kind::BlockDevice => header.device = device_of(&metadata),
            _ => {}
        }
        header.write(&mut self.out).map_err(write_error)?;
        Ok(kind)
    }

    fn file(&mut self, path: &Path, mut header: Header) -> Result<Kind> {
        let mut file = open_file(path).map_err(|e| io_error("open", path, &e))?;
        header.size = file
            .metadata()
            .map_err(|e| io_error("stat", path, &e))?
            .len();
        header.write(&mut self.out).map_err(write_error)?;
        let mut left = header.size;
        loop {
            if (self.options.cancelled)() {
                return Err(Error::new(ErrorKind::Cancelled, "packing was cancelled"));
            }
            let read = match file.read(&mut self.buffer) {
                Ok(read) => read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(io_error("read", path, &error)),
            };
            // Both the early end and bytes beyond the size in the header mean that somebody writes to the file.
            if (read == 0) != (left == 0) || read as u64 > left {
                let text = format!("{}: file changed while it was being read", path.display());
                return Err(Error::new(ErrorKind::Changed, text));
            }
            if read == 0 {
                break;
            }
            self.out
                .write_all(&self.buffer[..read])
                .map_err(write_error)?;
            left -= read as u64;
        }
        let padding = header.size.next_multiple_of(BLOCK as u64) - header.size;
        self.write(&[0; BLOCK][..usize::try_from(padding).unwrap_or(0)])?;
        Ok(Kind::Regular)
    }

    /// The entry name: never a slash at its end, `.` for the root of a tree without prefix.
    fn name(&self, relative: &Path) -> Vec<u8> {
        match slashed(&self.prefix.join(relative)) {
            name if name.is_empty() => b".".to_vec(),
            // Joining an empty path leaves a slash behind.
            mut name => {
                while name.len() > 1 && name.last() == Some(&b'/') {
                    name.pop();
                }
                name
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.out.write_all(bytes).map_err(write_error)
    }
}

/// Hashes and counts what passes.
struct Hashed<W> {
    inner: W,
    hasher: Hasher,
    count: u64,
}

impl<W> Hashed<W> {
    fn new(inner: W) -> Self {
        let hasher = Hasher::new(Algorithm::Sha256);
        Self {
            inner,
            hasher,
            count: 0,
        }
    }
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.count += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

fn sorted(folder: &Path) -> Result<Vec<std::ffi::OsString>> {
    let listing = fs::read_dir(folder)
        .and_then(|entries| entries.map(|e| e.map(|e| e.file_name())).collect());
    let mut names: Vec<_> = listing.map_err(|e: std::io::Error| io_error("open", folder, &e))?;
    names.sort_unstable();
    Ok(names)
}

fn write_error(error: std::io::Error) -> Error {
    Error::from(error).context("failed to write the packed folder")
}

/// Opens a file that was seen to be a regular one a moment ago, and not a link that took its place.
fn open_file(path: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        options.custom_flags(flags.bits().cast_signed());
    }
    options.open(path)
}

fn kind_of(path: &Path, metadata: &Metadata) -> Result<Kind> {
    let kind = metadata.file_type();
    if kind.is_file() {
        return Ok(Kind::Regular);
    }
    if kind.is_dir() {
        return Ok(Kind::Directory);
    }
    if kind.is_symlink() {
        return Ok(Kind::Symlink);
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            return Ok(Kind::Fifo);
        }
        if kind.is_char_device() {
            return Ok(Kind::CharDevice);
        }
        if kind.is_block_device() {
            return Ok(Kind::BlockDevice);
        }
    }
    let text = format!("{}: sockets can't be packed", path.display());
    Err(Error::new(ErrorKind::Unsupported, text))
}

#[cfg(unix)]
fn mode_of(metadata: &Metadata) -> u32 {
    use std::os::unix::fs::MetadataExt;
    metadata.mode() & 0o7777
}

#[cfg(not(unix))]
fn mode_of(metadata: &Metadata) -> u32 {
    match (metadata.is_dir(), metadata.permissions().readonly()) {
        (true, _) => 0o755,
        (false, true) => 0o444,
        (false, false) => 0o644,
    }
}

/// Seconds since 1970, rounded to the nearest, halves up.
fn mtime_of(metadata: &Metadata) -> i64 {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        metadata.mtime() + i64::from(metadata.mtime_nsec() >= 500_000_000)
    }
    #[cfg(not(unix))]
    {
        let modified = metadata.modified().ok();
        let since = modified.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        since.map_or(0, |since| {
            since.as_secs().cast_signed() + i64::from(since.subsec_nanos() >= 500_000_000)
        })
    }
}

#[cfg(unix)]
fn device_of(metadata: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    let device = metadata.rdev();
    (
        u64::from(rustix::fs::major(device)),
        u64::from(rustix::fs::minor(device)),
    )
}

#[cfg(not(unix))]
fn device_of(_: &Metadata) -> (u64, u64) {
    (0, 0)
}

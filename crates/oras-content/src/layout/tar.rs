//! Where the files of a layout are inside an uncompressed tar.
//!
//! Headers are read once; content is read by offset when it is asked for. Only the names that a layout can have are
//! kept, so memory grows with the number of blobs and not with anything in them.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use oras_spec::layout::{BLOBS_DIR, INDEX_FILE, OCI_LAYOUT_FILE};
use tar::{EntryType, Header, PaxExtensions};

use crate::error::{Error, ErrorKind, Result};
use crate::payload::io_error;

const BLOCK: usize = 512;
/// The largest extended header that is read, in bytes. Go's reader has the same limit.
const MAX_EXTENSION: u64 = 1024 * 1024;

/// The offset and size of the files in a tar.
pub(super) struct TarIndex {
    path: PathBuf,
    files: HashMap<String, (u64, u64)>,
}

impl TarIndex {
    /// Reads the headers of the tar at `path`. Blocks.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArchive`] in the words of the reference tool.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let failed = |error| io_error("open", path, &error);
        let file = File::open(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let walk = Walk {
            file,
            length,
            at: 0,
        };
        let files = walk.files().map_err(|error| match error {
            Broken::Truncated => {
                let text = format!("{} does not look like a tar archive", quoted(path));
                Error::new(ErrorKind::InvalidArchive, "unexpected EOF").context(text)
            }
            Broken::Header => {
                Error::new(ErrorKind::InvalidArchive, "archive/tar: invalid tar header")
            }
            Broken::Io(error) => io_error("read", path, &error),
        })?;
        Ok(Self {
            path: path.to_owned(),
            files,
        })
    }

    /// The tar file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The offset and size of the regular file `name`, in bytes.
    pub(super) fn find(&self, name: &str) -> Option<(u64, u64)> {
        self.files.get(name).copied()
    }
}

fn quoted(path: &Path) -> String {
    oras_spec::go_quote(&path.to_string_lossy())
}

enum Broken {
    Truncated,
    Header,
    Io(io::Error),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Truncated,
            _ => Self::Io(error),
        }
    }
}

/// What extended headers say about the entry that follows them.
#[derive(Default)]
struct Extended {
    name: Option<Vec<u8>>,
    size: Option<u64>,
}

/// A walk over the headers. Ours rather than the `tar` crate's, because that one reads extended headers of any size
/// into memory and takes a cut archive for a complete one.
struct Walk {
    file: File,
    length: u64,
    at: u64,
}

impl Walk {
    fn files(mut self) -> Result<HashMap<String, (u64, u64)>, Broken> {
        let mut files = HashMap::new();
        let mut extended = Extended::default();
        while let Some(header) = self.next_header()? {
            let kind = header.entry_type();
            let plain_size = header.entry_size().map_err(|_| Broken::Header)?;
            match kind {
                EntryType::XHeader => {
                    let bytes = self.extension(plain_size)?;
                    parse_pax(&bytes, &mut extended)?;
                    continue;
                }
                EntryType::GNULongName => {
                    let mut name = self.extension(plain_size)?;
                    name.truncate(name.iter().position(|b| *b == 0).unwrap_or(name.len()));
                    extended.name = Some(name);
                    continue;
                }
                EntryType::GNULongLink | EntryType::XGlobalHeader => {
                    self.skip(plain_size)?;
                    continue;
                }
                _ => {}
            }
            let said = std::mem::take(&mut extended);
            // Whatever their header says, these have no content.
            let hollow = kind.is_dir()
                || kind.is_hard_link()
                || kind.is_symlink()
                || kind.is_fifo()
                || kind.is_character_special()
                || kind.is_block_special();
            let size = if hollow {
                0
            } else {
                said.size.unwrap_or(plain_size)
            };
            let name = said
                .name
                .unwrap_or_else(|| header.path_bytes().into_owned());
            let start = self.at;
            self.skip(size)?;
            let regular = kind.is_file() || kind == EntryType::Continuous;
            // A name with a slash at its end is a directory in old archives.
            if regular
                && !name.ends_with(b"/")
                && let Some(name) = wanted(&name)
            {
                files.insert(name, (start, size));
            }
        }
        Ok(files)
    }

    /// The next header; none at the end, which is a block of zeros or the end of the file.
    fn next_header(&mut self) -> Result<Option<Header>, Broken> {
        if self.at >= self.length {
            return Ok(None);
        }
        let mut header = Header::new_old();
        self.file.seek(SeekFrom::Start(self.at))?;
        self.file.read_exact(header.as_mut_bytes())?;
        self.at += BLOCK as u64;
        let bytes = header.as_bytes();
        if bytes.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let said = header.cksum().map_err(|_| Broken::Header)?;
        if said != checksum(bytes) {
            return Err(Broken::Header);
        }
        Ok(Some(header))
    }

    /// The content of an extended header.
    fn extension(&mut self, size: u64) -> Result<Vec<u8>, Broken> {
        if size > MAX_EXTENSION {
            return Err(Broken::Header);
        }
        let mut bytes = Vec::new();
        (&mut self.file).take(size).read_to_end(&mut bytes)?;
        self.skip(size)?;
        Ok(bytes)
    }

    /// Goes past content and its padding. The padding of the last entry may be missing.
    fn skip(&mut self, size: u64) -> Result<(), Broken> {
        let end = self.at.checked_add(size).ok_or(Broken::Header)?;
        if end > self.length {
            return Err(Broken::Truncated);
        }
        self.at = end
            .checked_next_multiple_of(BLOCK as u64)
            .ok_or(Broken::Header)?;
        Ok(())
    }
}

/// The sum of the header's bytes, with its own field counted as blanks.
fn checksum(header: &[u8; BLOCK]) -> u32 {
    let field = 148..156;
    let bytes = header.iter().enumerate();
    bytes
        .map(|(at, byte)| {
            if field.contains(&at) {
                32
            } else {
                u32::from(*byte)
            }
        })
        .sum()
}

fn parse_pax(bytes: &[u8], extended: &mut Extended) -> Result<(), Broken> {
    for record in PaxExtensions::new(bytes) {
        let record = record.map_err(|_| Broken::Header)?;
        match record.key_bytes() {
            b"path" => extended.name = Some(record.value_bytes().to_vec()),
            b"size" => {
                let size = record.value().ok().and_then(|text| text.parse().ok());
                extended.size = Some(size.ok_or(Broken::Header)?);
            }
            _ => {}
        }
    }
    Ok(())
}

/// The entry's name without `.` and `..`, if it is one that a layout can have.
fn wanted(name: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(name).ok()?;
    let mut parts = Vec::new();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            _ => parts.push(part),
        }
    }
    match parts[..] {
        [OCI_LAYOUT_FILE | INDEX_FILE] | [BLOBS_DIR, _, _] => Some(parts.join("/")),
        _ => None,
    }
}

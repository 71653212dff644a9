//! Appending to a file: what is little through the memory of the system, what is much past it.
//!
//! A large upload that goes through the system's memory costs as much there as it costs to hash it, and drives out what
//! others read. So from some size on it goes to the disk directly, as long as the disk keeps up.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::lane::Work;

/// What the disk wants direct writes to be a multiple of, in memory and in the file, in bytes.
pub(super) const BLOCK: usize = 4096;
/// From so many bytes on, a file is a large one.
const LARGE: u64 = 8 * 1024 * 1024;
/// After so many bytes it can be told whether the disk keeps up.
const TRIED: u64 = 32 * 1024 * 1024;
/// A disk below this rate does better with the system's memory before it, in bytes per second.
const FAST: u64 = 400 * 1024 * 1024;

/// A file to append to.
pub(super) struct Appending {
    file: Arc<File>,
    /// Up to here everything is there.
    end: u64,
    path: PathBuf,
    direct: Direct,
}

/// The way past the memory of the system.
enum Direct {
    Untried,
    Open {
        file: File,
        written: u64,
        took: Duration,
    },
    Impossible,
}

impl Appending {
    /// Appends to `file`, which is found at `path` and whose end is `end`.
    pub(super) fn new(file: Arc<File>, path: PathBuf, end: u64) -> Self {
        Self {
            file,
            end,
            path,
            direct: Direct::Untried,
        }
    }

    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Writes as many of the first bytes as can go directly, and says how many.
    fn write_directly(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let whole = bytes.len() - bytes.len() % BLOCK;
        let aligned =
            self.end.is_multiple_of(BLOCK as u64) && bytes.as_ptr().align_offset(BLOCK) == 0;
        if self.end < LARGE || whole == 0 || !aligned {
            return Ok(0);
        }
        if matches!(self.direct, Direct::Untried) {
            let opened = system::open_direct(&self.path);
            self.direct = opened.map_or(Direct::Impossible, |file| Direct::Open {
                file,
                written: 0,
                took: Duration::ZERO,
            });
        }
        let Direct::Open {
            file,
            written,
            took,
        } = &mut self.direct
        else {
            return Ok(0);
        };
        let started = Instant::now();
        match write_at(file, &bytes[..whole], self.end) {
            // Not this file system, or not this disk.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                self.direct = Direct::Impossible;
                return Ok(0);
            }
            done => done?,
        }
        *written += whole as u64;
        *took += started.elapsed();
        if *written >= TRIED && (*written as f64) < took.as_secs_f64() * FAST as f64 {
            self.direct = Direct::Impossible;
        }
        Ok(whole)
    }
}

impl Work for Appending {
    fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        let direct = self.write_directly(bytes)?;
        self.end += direct as u64;
        let rest = &bytes[direct..];
        write_at(&self.file, rest, self.end)?;
        self.end += rest.len() as u64;
        Ok(())
    }
}

#[cfg(unix)]
pub(super) fn write_at(file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, at)
}

#[cfg(windows)]
pub(super) fn write_at(file: &File, mut bytes: &[u8], mut at: u64) -> io::Result<()> {
    use std::os::windows::fs::FileExt;
    while !bytes.is_empty() {
        let written = file.seek_write(bytes, at)?;
        at += written as u64;
        bytes = &bytes[written..];
    }
    Ok(())
}

#[cfg(target_os = "linux")]
mod system {
    use std::fs::{File, OpenOptions};
    use std::os::unix::fs::OpenOptionsExt;
    use std::path::Path;

    use rustix::fs::OFlags;

    /// Opens a file whose writes go to the disk themselves, if its file system has that.
    pub(super) fn open_direct(path: &Path) -> Option<File> {
        let flags = i32::try_from(OFlags::DIRECT.bits()).ok()?;
        let mut options = OpenOptions::new();
        options.write(true).custom_flags(flags).open(path).ok()
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::fs::File;
    use std::path::Path;

    pub(super) fn open_direct(_: &Path) -> Option<File> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::read::Buffers;
    use super::*;

    #[test]
    fn what_goes_directly_and_what_does_not_is_one_file_in_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let file = Arc::new(File::create_new(&path).unwrap());
        let buffers = Arc::new(Buffers::new(1024 * 1024, 2));
        let mut expected = Vec::new();
        let mut appending = Appending::new(Arc::clone(&file), path.clone(), 0);
        for round in 0_u32..45 {
            // Small ones in between, so that the next large one has to find back to a block.
            if round % 7 == 0 {
                let bytes = vec![7; 1000 + round as usize];
                appending.take(&bytes).unwrap();
                expected.extend(bytes);
            }
            let mut buffer = buffers.take_at(appending.end());
            for (at, byte) in buffer.room().iter_mut().enumerate() {
                *byte = (at as u32).wrapping_mul(round).to_be_bytes()[1];
            }
            let length = match round % 11 {
                0 => 300_001,
                _ => usize::MAX,
            };
            let bytes = buffer.freeze(length);
            appending.take(&bytes).unwrap();
            expected.extend_from_slice(&bytes);
        }
        assert_eq!(appending.end(), expected.len() as u64);
        assert!(std::fs::read(path).unwrap() == expected);
    }
}

//! Reading files without a detour where the system has them at hand, and on another thread where it has to look.

use std::fs::File;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::{FutureExt, Stream, StreamExt, stream};
use tokio::task::JoinHandle;

use super::append::BLOCK;
use super::stat::Stat;
use super::{blocking, failed, is_absent};
use crate::driver::{BlobReader, BlobStream, DriverError, Result};

/// Without room for a large piece it is a small one of so many bytes: memory stays flat.
const SMALL: usize = 32 * 1024;

/// What is to be known of a file.
#[derive(Clone, Copy)]
enum Purpose {
    /// Its bytes.
    Read,
    /// That it is there, and how large.
    Look,
}

/// A regular file that is there.
pub(super) struct Found {
    pub(super) file: File,
    pub(super) stat: Stat,
}

/// Opens a regular file to read it.
pub(super) async fn open(path: std::path::PathBuf) -> Result<Option<Found>> {
    find(path, Purpose::Read).await
}

/// Finds a regular file.
pub(super) async fn look(path: std::path::PathBuf) -> Result<Option<Found>> {
    find(path, Purpose::Look).await
}

/// Opens a regular file to read it. Blocks.
pub(super) fn open_blocking(path: &Path) -> io::Result<Option<Found>> {
    found(system::open(path, Purpose::Read))
}

async fn find(path: std::path::PathBuf, purpose: Purpose) -> Result<Option<Found>> {
    if let Some(opened) = system::open_cached(&path, purpose) {
        return found(opened).map_err(failed("opening content"));
    }
    blocking(move || found(system::open(&path, purpose)).map_err(failed("opening content"))).await
}

fn found(opened: io::Result<File>) -> io::Result<Option<Found>> {
    let file = match opened {
        Err(error) if is_absent(&error) || system::is_link(&error) => return Ok(None),
        opened => opened?,
    };
    let stat = Stat::open(&file)?;
    Ok(stat.map(|stat| Found { file, stat }))
}

/// A blob in a file.
pub(super) struct Reader {
    pub(super) found: Found,
    pub(super) buffers: Arc<Buffers>,
}

impl BlobReader for Reader {
    fn size(&self) -> u64 {
        self.found.stat.size
    }

    fn read(self: Box<Self>, start: u64, length: u64) -> BlobStream {
        let bytes = FileBytes {
            file: Arc::new(self.found.file),
            at: start,
            left: length,
            buffers: self.buffers,
            waiting: None,
        };
        bytes.boxed()
    }
}

/// A blob in memory.
pub(super) struct Held(pub(super) Bytes);

impl BlobReader for Held {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn read(self: Box<Self>, start: u64, length: u64) -> BlobStream {
        let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(self.0.len());
        let (start, end) = (place(start), place(start.saturating_add(length)));
        let part = self.0.slice(start.min(end)..end);
        stream::iter((!part.is_empty()).then_some(Ok(part))).boxed()
    }
}

/// The whole of a file, if the system has it in memory.
pub(super) fn read_cached(found: &Found) -> Option<Bytes> {
    let mut bytes = vec![0; usize::try_from(found.stat.size).ok()?];
    if !bytes.is_empty() {
        let read = system::read_cached(&found.file, &mut bytes, 0)?;
        read.ok().filter(|length| *length == bytes.len())?;
    }
    Some(bytes.into())
}

/// A part of a file, piece by piece.
struct FileBytes {
    file: Arc<File>,
    at: u64,
    left: u64,
    buffers: Arc<Buffers>,
    waiting: Option<JoinHandle<io::Result<Bytes>>>,
}

impl Stream for FileBytes {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        if self.waiting.is_none() {
            let mut buffer = self.buffers.take(self.left);
            match system::read_cached(&self.file, buffer.room(), self.at) {
                Some(read) => {
                    let read = read.map(|length| buffer.freeze(length));
                    return Poll::Ready(Some(self.advance(read)));
                }
                None => {
                    let (file, at) = (Arc::clone(&self.file), self.at);
                    self.waiting = Some(tokio::task::spawn_blocking(move || {
                        let length = system::read(&file, buffer.room(), at)?;
                        Ok(buffer.freeze(length))
                    }));
                }
            }
        }
        let Some(waiting) = self.waiting.as_mut() else {
            return Poll::Ready(None);
        };
        let read = ready!(waiting.poll_unpin(context));
        self.waiting = None;
        let read = read.unwrap_or_else(|_| Err(io::ErrorKind::Interrupted.into()));
        Poll::Ready(Some(self.advance(read)))
    }
}

impl FileBytes {
    fn advance(&mut self, read: io::Result<Bytes>) -> Result<Bytes> {
        let bytes = read.map_err(failed("reading content"))?;
        if bytes.is_empty() {
            return Err(DriverError::Damaged("a blob has become shorter".into()));
        }
        self.at += bytes.len() as u64;
        self.left -= bytes.len() as u64;
        Ok(bytes)
    }
}

/// Memory to move content through, used again and again.
pub(super) struct Buffers {
    free: Mutex<Vec<Box<[u8]>>>,
    large: AtomicUsize,
    /// How many bytes a large one has.
    size: usize,
    /// How many large ones there are at once.
    most: usize,
}

impl Buffers {
    /// Up to `most` of `size` bytes each, created when they are first needed.
    pub(super) fn new(size: usize, most: usize) -> Self {
        Self {
            free: Mutex::default(),
            large: AtomicUsize::new(0),
            size,
            most,
        }
    }

    /// Room for at most `wanted` bytes: as much of them as there is memory for.
    pub(super) fn take(self: &Arc<Self>, wanted: u64) -> Buffer {
        let wanted = usize::try_from(wanted).unwrap_or(self.size).min(self.size);
        if wanted > SMALL {
            let free = self.lock().pop();
            let memory = free.or_else(|| {
                let one_more = |large: usize| (large < self.most).then_some(large + 1);
                let (before, after) = (Ordering::Relaxed, Ordering::Relaxed);
                let counted = self.large.fetch_update(before, after, one_more);
                counted.ok().map(|_| vec![0; self.size + BLOCK].into())
            });
            if let Some(memory) = memory {
                return Buffer {
                    start: memory.as_ptr().align_offset(BLOCK).min(BLOCK),
                    memory,
                    length: wanted,
                    home: Some(Arc::clone(self)),
                };
            }
        }
        let length = wanted.min(SMALL);
        Buffer {
            memory: vec![0; length].into(),
            start: 0,
            length,
            home: None,
        }
    }

    /// Room for bytes that belong at `offset`, so much that it ends where a block does if all of it is filled.
    pub(super) fn take_at(self: &Arc<Self>, offset: u64) -> Buffer {
        self.take(self.size as u64 - offset % BLOCK as u64)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Box<[u8]>>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Memory that goes back to where it came from.
pub(super) struct Buffer {
    memory: Box<[u8]>,
    /// Where it begins: where a block of memory does, in a large one.
    start: usize,
    /// How much of it counts.
    length: usize,
    home: Option<Arc<Buffers>>,
}

impl Buffer {
    pub(super) fn room(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..self.start + self.length]
    }

    pub(super) fn freeze(mut self, length: usize) -> Bytes {
        self.length = length.min(self.length);
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.memory[self.start..self.start + self.length]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Some(home) = self.home.take() {
            home.lock().push(std::mem::take(&mut self.memory));
        }
    }
}

#[cfg(unix)]
mod system {
    use std::fs::File;
    use std::io;
    use std::os::unix::fs::{FileExt, OpenOptionsExt};
    use std::path::Path;

    use rustix::fs::OFlags;

    use super::Purpose;

    /// Never through a symbolic link, which could lead anywhere, and never waiting, as opening a pipe would.
    fn flags(purpose: Purpose) -> OFlags {
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        match purpose {
            Purpose::Read => flags,
            #[cfg(target_os = "linux")]
            Purpose::Look => flags | OFlags::PATH,
            #[cfg(not(target_os = "linux"))]
            Purpose::Look => flags,
        }
    }

    pub(super) fn open(path: &Path, purpose: Purpose) -> io::Result<File> {
        let mut options = std::fs::OpenOptions::new();
        let flags = i32::try_from(flags(purpose).bits()).unwrap_or_default();
        options.read(true).custom_flags(flags).open(path)
    }

    /// Whether a symbolic link was in the way.
    pub(super) fn is_link(error: &io::Error) -> bool {
        error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
    }

    pub(super) fn read(file: &File, room: &mut [u8], at: u64) -> io::Result<usize> {
        file.read_at(room, at)
    }

    /// Opens a file if the system knows without the disk where it is.
    #[cfg(target_os = "linux")]
    pub(super) fn open_cached(path: &Path, purpose: Purpose) -> Option<io::Result<File>> {
        use rustix::fs::{CWD, Mode, ResolveFlags, openat2};
        use rustix::io::Errno;

        let opened = openat2(
            CWD,
            path,
            flags(purpose),
            Mode::empty(),
            ResolveFlags::CACHED,
        );
        match opened {
            Ok(file) => Some(Ok(file.into())),
            Err(error @ (Errno::NOENT | Errno::NOTDIR)) => Some(Err(error.into())),
            // Not known, or a system without such a call.
            Err(_) => None,
        }
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn open_cached(_: &Path, _: Purpose) -> Option<io::Result<File>> {
        None
    }

    /// Reads what the system has in memory; `None` if that is nothing.
    #[cfg(target_os = "linux")]
    pub(super) fn read_cached(file: &File, room: &mut [u8], at: u64) -> Option<io::Result<usize>> {
        use rustix::io::{ReadWriteFlags, preadv2};

        let room = io::IoSliceMut::new(room);
        match preadv2(file, &mut [room], at, ReadWriteFlags::NOWAIT) {
            Ok(length) => Some(Ok(length)),
            // Not in memory, or a file system that can't tell.
            Err(_) => None,
        }
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn read_cached(_: &File, _: &mut [u8], _: u64) -> Option<io::Result<usize>> {
        None
    }
}

#[cfg(windows)]
mod system {
    use super::Purpose;
    use std::fs::File;
    use std::io;
    use std::os::windows::fs::FileExt;
    use std::path::Path;

    pub(super) fn open(path: &Path, _: Purpose) -> io::Result<File> {
        File::open(path)
    }

    pub(super) fn is_link(_: &io::Error) -> bool {
        false
    }

    pub(super) fn read(file: &File, room: &mut [u8], at: u64) -> io::Result<usize> {
        file.seek_read(room, at)
    }

    pub(super) fn open_cached(_: &Path, _: Purpose) -> Option<io::Result<File>> {
        None
    }

    pub(super) fn read_cached(_: &File, _: &mut [u8], _: u64) -> Option<io::Result<usize>> {
        None
    }
}

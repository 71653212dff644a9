//! A body that can be opened again: the ground on which retry, re-authentication, redirects and resume stand.

use std::fmt;
use std::io::{self, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::stream;
use oras_spec::Descriptor;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use crate::ability::Fetch;
use crate::content::{ByteStream, once};
use crate::error::{Error, ErrorKind, Result, Side, io_text};
use crate::verify::verifying;

/// Bytes read from a file at a time.
pub const FILE_CHUNK: usize = 128 * 1024;
/// An observer of a payload is not called more often than once in so many bytes.
const COUNT_STEP: u64 = 64 * 1024;

/// Something that can be read from any offset, as often as needed.
#[async_trait]
pub trait Open: Send + Sync {
    /// The bytes from `offset` to the end.
    async fn open(&self, offset: u64) -> Result<ByteStream>;

    /// False if [`open`](Self::open) works only once.
    fn replayable(&self) -> bool {
        true
    }

    /// True if this process has hashed these very bytes and the reader notices when they change.
    ///
    /// Whoever takes a trusted payload does not hash it again: each byte is hashed once.
    fn trusted(&self) -> bool {
        false
    }
}

/// The bytes of one content on its way into a store. Cheap to clone.
#[derive(Clone)]
pub struct Payload(Arc<dyn Open>);

impl Payload {
    /// A payload of your own making.
    pub fn new(open: impl Open + 'static) -> Self {
        Self(Arc::new(open))
    }

    /// Bytes in memory.
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self::new(InMemory(bytes.into()))
    }

    /// Content of another store. What goes wrong on reading is marked as the fault of [`Side::Source`].
    pub fn from_source(source: Arc<dyn Fetch>, descriptor: Descriptor) -> Self {
        Self::new(FromSource { source, descriptor })
    }

    /// A stream that can be read once: nothing that needs a replay works with it.
    pub fn stream(stream: ByteStream) -> Self {
        Self::new(Once(Mutex::new(Some(stream))))
    }

    /// A file whose content was hashed when its metadata was `snapshot`.
    pub fn hashed_file(path: impl Into<PathBuf>, snapshot: Snapshot) -> Self {
        Self::new(HashedFile {
            path: path.into(),
            snapshot,
        })
    }

    /// The bytes from `offset` on, as they come.
    ///
    /// # Errors
    /// Whatever opening fails with; [`ErrorKind::Unsupported`] for the second opening of a one-shot stream.
    pub async fn open(&self, offset: u64) -> Result<ByteStream> {
        self.0.open(offset).await
    }

    /// All bytes, checked against `descriptor` unless the payload is [trusted](Self::trusted).
    pub async fn open_verified(&self, descriptor: &Descriptor) -> Result<ByteStream> {
        let stream = self.open(0).await?;
        if self.trusted() {
            return Ok(stream);
        }
        verifying(descriptor, stream)
    }

    /// True if [`open`](Self::open) works more than once.
    pub fn replayable(&self) -> bool {
        self.0.replayable()
    }

    /// True if the bytes were hashed by this process already.
    pub fn trusted(&self) -> bool {
        self.0.trusted()
    }

    /// Calls `moved` with the number of bytes that were read so far of the `size` there are: now and then, when the last
    /// one was read, and with the offset when reading begins or begins again.
    #[must_use]
    pub fn counted(self, size: u64, moved: Arc<dyn Fn(u64) + Send + Sync>) -> Self {
        Self::new(Counted {
            inner: self,
            size,
            moved,
        })
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payload")
            .field("replayable", &self.replayable())
            .field("trusted", &self.trusted())
            .finish_non_exhaustive()
    }
}

struct InMemory(Bytes);

#[async_trait]
impl Open for InMemory {
    async fn open(&self, offset: u64) -> Result<ByteStream> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        Ok(once(self.0.slice(start.min(self.0.len())..)))
    }
}

struct FromSource {
    source: Arc<dyn Fetch>,
    descriptor: Descriptor,
}

#[async_trait]
impl Open for FromSource {
    async fn open(&self, offset: u64) -> Result<ByteStream> {
        let opened = if offset == 0 {
            let content = self.source.fetch(&self.descriptor).await;
            content.map(crate::Content::into_unverified)
        } else {
            self.source.fetch_from(&self.descriptor, offset).await
        };
        let mark = |error: Error| error.with_side(Side::Source).with_operation("fetch");
        let stream = opened.map_err(mark)?;
        Ok(stream
            .map(move |item| item.map_err(|error| mark(Error::from(error)).into()))
            .boxed())
    }

    fn trusted(&self) -> bool {
        self.source.trusted(&self.descriptor)
    }
}

struct Once(Mutex<Option<ByteStream>>);

#[async_trait]
impl Open for Once {
    async fn open(&self, offset: u64) -> Result<ByteStream> {
        let taken = self.0.lock().ok().and_then(|mut stream| stream.take());
        match taken {
            Some(stream) if offset == 0 => Ok(stream),
            _ => Err(Error::new(
                ErrorKind::Unsupported,
                "request body is not rewindable",
            )),
        }
    }

    fn replayable(&self) -> bool {
        false
    }
}

struct Counted {
    inner: Payload,
    size: u64,
    moved: Arc<dyn Fn(u64) + Send + Sync>,
}

#[async_trait]
impl Open for Counted {
    async fn open(&self, offset: u64) -> Result<ByteStream> {
        let stream = self.inner.open(offset).await?;
        (self.moved)(offset);
        Ok(counted(stream, offset, self.size, Arc::clone(&self.moved)))
    }

    fn replayable(&self) -> bool {
        self.inner.replayable()
    }

    fn trusted(&self) -> bool {
        self.inner.trusted()
    }
}

/// The same stream, whose progress from `offset` to `size` is told to `moved`: now and then, and at the end.
pub fn counted(
    stream: ByteStream,
    offset: u64,
    size: u64,
    moved: Arc<dyn Fn(u64) + Send + Sync>,
) -> ByteStream {
    let mut bytes = offset;
    let counting = stream.inspect(move |item| {
        let Ok(chunk) = item else { return };
        let before = bytes;
        bytes += chunk.len() as u64;
        if before / COUNT_STEP != bytes / COUNT_STEP || bytes == size {
            moved(bytes);
        }
    });
    counting.boxed()
}

/// What the file system says of a file: if it is the same later, the content is taken to be the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The length in bytes.
    pub size: u64,
    modified: Option<std::time::SystemTime>,
    identity: (u64, u64),
    changed: (i64, i64),
}

impl Snapshot {
    /// The snapshot of an open file's or path's metadata.
    pub fn of(metadata: &std::fs::Metadata) -> Self {
        #[cfg(unix)]
        let (identity, changed) = {
            use std::os::unix::fs::MetadataExt;
            (
                (metadata.dev(), metadata.ino()),
                (metadata.ctime(), metadata.ctime_nsec()),
            )
        };
        #[cfg(not(unix))]
        let (identity, changed) = ((0, 0), (0, 0));
        Self {
            size: metadata.len(),
            modified: metadata.modified().ok(),
            identity,
            changed,
        }
    }

    /// Whether it is the same file and nobody wrote to it. Unlike equality, this survives a new name or link.
    pub(crate) fn same_content(&self, other: &Self) -> bool {
        (self.size, self.modified, self.identity) == (other.size, other.modified, other.identity)
    }
}

struct HashedFile {
    path: PathBuf,
    snapshot: Snapshot,
}

#[async_trait]
impl Open for HashedFile {
    async fn open(&self, offset: u64) -> Result<ByteStream> {
        let file = open_at(&self.path, offset).await?;
        let metadata = file
            .metadata()
            .await
            .map_err(|e| io_error("stat", &self.path, &e))?;
        unchanged(&self.path, &self.snapshot, &metadata)?;
        let rest = self.snapshot.size.saturating_sub(offset);
        Ok(read_file(
            file,
            self.path.clone(),
            Some(self.snapshot),
            rest,
        ))
    }

    fn trusted(&self) -> bool {
        true
    }
}

/// Opens the file at `path` for reading, at `offset` bytes.
pub(crate) async fn open_at(path: &Path, offset: u64) -> Result<tokio::fs::File> {
    let mut file = tokio::fs::File::open(path)
        .await
        .map_err(|e| io_error("open", path, &e))?;
    file.set_max_buf_size(FILE_CHUNK);
    if offset > 0 {
        file.seek(SeekFrom::Start(offset))
            .await
            .map_err(|e| io_error("seek", path, &e))?;
    }
    Ok(file)
}

/// The next `rest` bytes of `file`; with a snapshot, an error at the end if the file is another by then.
pub(crate) fn read_file(
    file: tokio::fs::File,
    path: PathBuf,
    snapshot: Option<Snapshot>,
    rest: u64,
) -> ByteStream {
    stream::try_unfold(
        (file, path, rest),
        move |(mut file, path, rest)| async move {
            if rest == 0 {
                if let Some(snapshot) = snapshot {
                    let metadata = file.metadata().await?;
                    unchanged(&path, &snapshot, &metadata)?;
                }
                return Ok(None);
            }
            let want = usize::try_from(rest).map_or(FILE_CHUNK, |rest| rest.min(FILE_CHUNK));
            let mut chunk = BytesMut::with_capacity(want);
            let read = (&mut file).take(want as u64).read_buf(&mut chunk).await?;
            if read == 0 {
                return match snapshot {
                    Some(_) => Err(io::Error::from(changed(&path))),
                    None => Ok(None),
                };
            }
            Ok(Some((chunk.freeze(), (file, path, rest - read as u64))))
        },
    )
    .boxed()
}

fn unchanged(path: &Path, snapshot: &Snapshot, metadata: &std::fs::Metadata) -> Result<()> {
    if Snapshot::of(metadata) == *snapshot {
        return Ok(());
    }
    Err(changed(path))
}

fn changed(path: &Path) -> Error {
    Error::new(
        ErrorKind::Changed,
        format!("{}: file changed while it was being read", path.display()),
    )
}

/// An error about a file: `<verb> <path>: <cause>`.
pub(crate) fn io_error(verb: &str, path: &Path, error: &io::Error) -> Error {
    Error::new(
        ErrorKind::Io,
        format!("{verb} {}: {}", path.display(), io_text(error)),
    )
}

//! Blobs that are still arriving: a file for each session, whose length is how far it is.
//!
//! Bytes are hashed and written by two other threads at the same time, while the next ones arrive. How far they were
//! hashed is remembered in memory only: a process that does not know it reads the file once more in the end.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use oras_spec::{Algorithm, Digest, Hasher};
use tokio::sync::Semaphore;

use super::append::{Appending, write_at};
use super::damage::digest_of;
use super::lane::{Lane, Piece, Work};
use super::read::Buffer;
use super::store::remove;
use super::{Hashed, LayoutDriver, Shared, blocking, failed, is_absent};
use crate::driver::{Commit, Result, UploadWriter, Uploads};

/// So many bytes are worth the way to another thread.
const ENOUGH: usize = 64 * 1024;
/// So many pieces at most are being hashed and written or wait for it: enough that a disk may hesitate for a moment.
const AHEAD: usize = 5;
/// How often the folder of a session may vanish before its file is in it.
const ATTEMPTS: usize = 8;

#[async_trait]
impl Uploads for LayoutDriver {
    async fn start_upload(&self, repository: &str, id: &str, algorithm: Algorithm) -> Result<()> {
        self.shared.may_change("starting an upload")?;
        let folder = self.shared.places.uploads(repository);
        let path = self.upload_path(repository, id)?;
        let root = self.shared.places.root().to_owned();
        blocking(move || {
            let mut created = File::create_new(&path);
            // A collection takes away folders that are empty, perhaps at this very moment.
            for _ in 0..ATTEMPTS {
                match &created {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    _ => break,
                }
                if !root.exists() {
                    // Its volume may be back soon: nothing is put in its place.
                    break;
                }
                // What is in the way may be what is being taken away.
                let _ = fs::create_dir_all(&folder);
                created = File::create_new(&path);
            }
            created.map(|_| ()).map_err(failed("starting an upload"))
        })
        .await?;
        let hashed = Hashed {
            offset: 0,
            hasher: Hasher::new(algorithm),
        };
        self.shared.hashed().insert(id.to_owned(), hashed);
        Ok(())
    }

    async fn upload_offset(&self, repository: &str, id: &str) -> Result<Option<u64>> {
        let Ok(path) = self.upload_path(repository, id) else {
            return Ok(None);
        };
        let found = super::read::look(path).await?;
        Ok(found.map(|found| found.stat.size))
    }

    async fn write_upload(
        &self,
        repository: &str,
        id: &str,
    ) -> Result<Option<Box<dyn UploadWriter>>> {
        let Ok(path) = self.upload_path(repository, id) else {
            return Ok(None);
        };
        self.shared.may_change("writing an upload")?;
        let root = self.shared.places.repository(repository);
        let (shared, id) = (Arc::clone(&self.shared), id.to_owned());
        blocking(move || {
            let Some(file) = open(&path).map_err(failed("opening an upload"))? else {
                return Ok(None);
            };
            let offset = file.metadata().map_err(failed("opening an upload"))?.len();
            let hashed = shared.hashed().remove(&id);
            let hasher = match hashed {
                Some(hashed) if hashed.offset == offset => Some(hashed.hasher),
                _ if offset == 0 => Some(Hasher::new(Algorithm::Sha256)),
                _ => None,
            };
            let file = Arc::new(file);
            let writer = Writer {
                shared,
                id,
                root,
                before: (offset, hasher.clone()),
                handed: offset,
                hashing: hasher.map(|hasher| Lane::new(Hashed { offset, hasher })),
                writing: Lane::new(Appending::new(Arc::clone(&file), path.clone(), offset)),
                path,
                file,
                room: Arc::new(Semaphore::new(AHEAD)),
                pieces: Vec::new(),
                filling: None,
                collected: 0,
            };
            Ok(Some(Box::new(writer) as Box<dyn UploadWriter>))
        })
        .await
    }

    async fn cancel_upload(&self, repository: &str, id: &str) -> Result<bool> {
        let Ok(path) = self.upload_path(repository, id) else {
            return Ok(false);
        };
        self.shared.may_change("cancelling an upload")?;
        self.shared.hashed().remove(id);
        blocking(move || match fs::remove_file(path) {
            Ok(()) => Ok(true),
            Err(error) if is_absent(&error) => Ok(false),
            Err(error) => Err(failed("cancelling an upload")(error)),
        })
        .await
    }
}

impl LayoutDriver {
    fn upload_path(&self, repository: &str, id: &str) -> Result<PathBuf> {
        let path = self.shared.places.upload(repository, id);
        path.ok_or_else(|| failed("naming an upload")(io::ErrorKind::InvalidInput.into()))
    }
}

/// Opens the file of a session and waits until nobody else writes to it.
fn open(path: &Path) -> io::Result<Option<File>> {
    let file = match OpenOptions::new().read(true).write(true).open(path) {
        Err(error) if is_absent(&error) => return Ok(None),
        opened => opened?,
    };
    match file.lock() {
        // Some network file systems have no locks: then a session belongs to one process.
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {}
        locked => locked?,
    }
    // Whoever had the lock before may have ended the session.
    let there = super::stat::Stat::at(path)?.is_some();
    Ok(there.then_some(file))
}

struct Writer {
    shared: Arc<Shared>,
    id: String,
    /// The folder of the repository.
    root: PathBuf,
    path: PathBuf,
    /// Locked until the last one who writes is done with it.
    file: Arc<File>,
    /// What the session had when this writer came.
    before: (u64, Option<Hasher>),
    /// How many bytes were handed over, with those from before.
    handed: u64,
    /// `None` if not all bytes were hashed here.
    hashing: Option<Lane<Hashed>>,
    writing: Lane<Appending>,
    /// How many pieces can be handed over and not done.
    room: Arc<Semaphore>,
    /// What arrived since: as it came as long as it is little, and then gathered.
    pieces: Vec<Bytes>,
    filling: Option<Filling>,
    collected: usize,
}

/// Memory that is filled bit by bit.
struct Filling {
    buffer: Buffer,
    filled: usize,
}

impl Filling {
    /// Moves over as much as there is room for. True if no more is left.
    fn fill(&mut self, bytes: &mut Bytes) -> bool {
        let room = &mut self.buffer.room()[self.filled..];
        let more = bytes.len().min(room.len());
        room[..more].copy_from_slice(&bytes.split_to(more));
        self.filled += more;
        self.filled == self.buffer.room().len()
    }
}

impl Work for Hashed {
    fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.offset += bytes.len() as u64;
        Ok(())
    }
}

#[async_trait]
impl UploadWriter for Writer {
    fn offset(&self) -> u64 {
        self.handed + self.collected as u64
    }

    async fn write(&mut self, mut bytes: Bytes) -> Result<()> {
        if self.handed == self.before.0 {
            self.collected += bytes.len();
            self.pieces.push(bytes);
            return match self.collected >= ENOUGH {
                true => self.hand_over().await,
                false => Ok(()),
            };
        }
        // Gathered in memory that is used again and again: what many small pieces cost is more than this copy.
        while !bytes.is_empty() {
            let before = bytes.len();
            let filling = self.filling.get_or_insert_with(|| Filling {
                buffer: self.shared.uploading.take_at(self.handed),
                filled: 0,
            });
            let full = filling.fill(&mut bytes);
            self.collected += before - bytes.len();
            if full {
                self.hand_over().await?;
            }
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        self.hand_over().await?;
        self.settle().await
    }

    async fn roll_back(&mut self) -> Result<()> {
        // What it was is forgotten anyway.
        let _ = self.settle().await;
        let (offset, hasher) = self.before.clone();
        let file = Arc::clone(&self.file);
        blocking(move || file.set_len(offset).map_err(failed("rolling back"))).await?;
        self.go_on(offset, hasher);
        Ok(())
    }

    async fn commit(mut self: Box<Self>, digest: &Digest) -> Result<Commit> {
        if self.collected > ENOUGH {
            self.hand_over().await?;
        }
        self.settle().await?;
        let digest = digest.clone();
        blocking(move || self.finish(&digest)).await
    }
}

impl Writer {
    /// Forgets what has arrived and was not written, and goes on at `offset`, whose bytes `hasher` knows.
    fn go_on(&mut self, offset: u64, hasher: Option<Hasher>) {
        self.handed = offset;
        self.hashing = hasher.map(|hasher| Lane::new(Hashed { offset, hasher }));
        let (file, path) = (Arc::clone(&self.file), self.path.clone());
        self.writing = Lane::new(Appending::new(file, path, offset));
        self.pieces.clear();
        self.filling = None;
        self.collected = 0;
    }

    /// Waits until what was handed over is hashed and written.
    async fn settle(&mut self) -> Result<()> {
        if let Some(hashing) = &mut self.hashing
            && hashing.settle().await.is_err()
        {
            self.hashing = None;
        }
        let Err(error) = self.writing.settle().await else {
            return Ok(());
        };
        // As if the rest had never arrived, so that it can follow where there is space again.
        let writing = self.writing.worker();
        let end = writing.map_or(self.before.0, |writing| writing.end());
        let _ = self.file.set_len(end);
        self.go_on(end, None);
        Err(failed("writing an upload")(error))
    }

    /// Gives what was collected to two other threads, and waits only if they are far behind.
    async fn hand_over(&mut self) -> Result<()> {
        let mut pieces = std::mem::take(&mut self.pieces);
        let filling = self.filling.take();
        pieces.extend(filling.map(|filling| filling.buffer.freeze(filling.filled)));
        for bytes in pieces {
            let length = bytes.len();
            let room = Arc::clone(&self.room).acquire_owned().await;
            let Ok(room) = room else { continue };
            let piece = Arc::new(Piece { bytes, _room: room });
            if let Some(hashing) = &mut self.hashing {
                // If it was lost it is missed in the end.
                hashing.push(Arc::clone(&piece)).await;
            }
            if !self.writing.push(piece).await {
                return self.settle().await;
            }
            self.handed += length as u64;
            self.collected -= length;
        }
        Ok(())
    }

    /// Writes the rest and makes the session a blob. Blocks.
    fn finish(mut self, digest: &Digest) -> Result<Commit> {
        let io_failed = failed("committing an upload");
        let mut hasher = self.hashed().map(|hashed| hashed.hasher);
        let mut pieces = std::mem::take(&mut self.pieces);
        let filling = self.filling.take();
        pieces.extend(filling.map(|filling| filling.buffer.freeze(filling.filled)));
        for piece in pieces {
            if let Some(hasher) = &mut hasher {
                hasher.update(&piece);
            }
            if let Err(error) = write_at(&self.file, &piece, self.handed) {
                let _ = self.file.set_len(self.handed);
                return Err(io_failed(error));
            }
            self.handed += piece.len() as u64;
        }
        let right = self.digest(hasher, digest).map_err(&io_failed)? == *digest;
        let stored = match right {
            true => self.shared.store(&self.root, &self.path, digest),
            false => Ok(()),
        };
        stored.map_err(&io_failed)?;
        // From now on the session is gone, whatever becomes of the name.
        remove(&self.path).map_err(&io_failed)?;
        Ok(match right {
            true => Commit::Stored,
            false => Commit::Mismatch,
        })
    }

    /// The hash of everything that was written, if that is known.
    fn hashed(&mut self) -> Option<Hashed> {
        let end = self.writing.worker()?.end();
        let hashed = self.hashing.take()?.into_worker()?;
        (hashed.offset == end).then_some(hashed)
    }

    /// The digest in the algorithm of `wanted`. Only if that is not what was computed on the way, the file is read.
    fn digest(&self, hasher: Option<Hasher>, wanted: &Digest) -> io::Result<Digest> {
        let algorithm = wanted.verifier().map_err(io::Error::other)?;
        if let Some(hasher) = hasher.filter(|hasher| hasher.algorithm() == algorithm) {
            return Ok(hasher.finish());
        }
        // The position belongs to the open file, which nobody else reads.
        let mut file = &*self.file;
        io::Seek::rewind(&mut file)?;
        digest_of(file, algorithm, |_| Ok(()))
    }
}

impl Drop for Writer {
    /// Remembers the hash for whoever goes on. Bytes that were not handed over were not promised to anybody.
    fn drop(&mut self) {
        if let Some(hashed) = self.hashed() {
            let id = std::mem::take(&mut self.id);
            self.shared.hashed().insert(id, hashed);
        }
    }
}

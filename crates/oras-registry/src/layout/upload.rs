//! Blobs that are still arriving: a file for each session, whose length is how far it is.
//!
//! Bytes are hashed and written by two other threads at the same time, while the next ones arrive. How far they were
//! hashed is remembered in memory only: a process that does not know it reads the file once more in the end.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use oras_spec::{Algorithm, Digest, Hasher};
use tokio::task::JoinHandle;

use super::store::remove;
use super::{Hashed, LayoutDriver, Shared, blocking, failed, is_absent};
use crate::driver::{Commit, Result, UploadWriter, Uploads};

/// So many bytes are collected before they are handed over, and never more than that wait in a connection that is slow.
const ENOUGH: usize = 64 * 1024;
/// So many wait at most while others are hashed and written.
const MOST: usize = 1024 * 1024;

#[async_trait]
impl Uploads for LayoutDriver {
    async fn start_upload(&self, repository: &str, id: &str, algorithm: Algorithm) -> Result<()> {
        let folder = self.shared.places.uploads(repository);
        let path = self.upload_path(repository, id)?;
        blocking(move || {
            let created = match File::create_new(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    fs::create_dir_all(folder).and_then(|()| File::create_new(&path))
                }
                created => created,
            };
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
        Ok(found.map(|found| found.size))
    }

    async fn write_upload(
        &self,
        repository: &str,
        id: &str,
    ) -> Result<Option<Box<dyn UploadWriter>>> {
        let Ok(path) = self.upload_path(repository, id) else {
            return Ok(None);
        };
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
            let writer = Writer {
                shared,
                id,
                root,
                path,
                file: Arc::new(file),
                before: (offset, hasher.clone()),
                handed: offset,
                hasher,
                pieces: Vec::new(),
                collected: 0,
                job: None,
            };
            Ok(Some(Box::new(writer) as Box<dyn UploadWriter>))
        })
        .await
    }

    async fn cancel_upload(&self, repository: &str, id: &str) -> Result<bool> {
        let Ok(path) = self.upload_path(repository, id) else {
            return Ok(false);
        };
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
    Ok(Some(file))
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
    /// Knows all bytes that were handed over, unless a job has it. `None` if not all bytes were hashed here.
    hasher: Option<Hasher>,
    /// What arrived since.
    pieces: Vec<Bytes>,
    collected: usize,
    job: Option<Job>,
}

/// Bytes that are being hashed and written.
struct Job {
    hashing: Option<JoinHandle<Hasher>>,
    writing: JoinHandle<io::Result<()>>,
    start: u64,
}

impl Job {
    fn is_finished(&self) -> bool {
        let hashed = self.hashing.as_ref().is_none_or(JoinHandle::is_finished);
        hashed && self.writing.is_finished()
    }
}

#[async_trait]
impl UploadWriter for Writer {
    fn offset(&self) -> u64 {
        self.handed + self.collected as u64
    }

    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.collected += bytes.len();
        self.pieces.push(bytes);
        let busy = self.job.as_ref().is_some_and(|job| !job.is_finished());
        if self.collected >= MOST || (self.collected >= ENOUGH && !busy) {
            self.settle().await?;
            self.hand_over();
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        self.settle().await?;
        if self.collected > 0 {
            self.hand_over();
            self.settle().await?;
        }
        Ok(())
    }

    async fn roll_back(&mut self) -> Result<()> {
        // What it was is forgotten anyway.
        let _ = self.settle().await;
        self.pieces.clear();
        self.collected = 0;
        let (offset, hasher) = self.before.clone();
        let file = Arc::clone(&self.file);
        blocking(move || file.set_len(offset).map_err(failed("rolling back"))).await?;
        self.handed = offset;
        self.hasher = hasher;
        Ok(())
    }

    async fn commit(mut self: Box<Self>, digest: &Digest) -> Result<Commit> {
        self.settle().await?;
        if self.collected > ENOUGH {
            self.flush().await?;
        }
        let digest = digest.clone();
        blocking(move || self.finish(&digest)).await
    }
}

impl Writer {
    /// Waits until what was handed over is hashed and written.
    async fn settle(&mut self) -> Result<()> {
        let Some(job) = &mut self.job else {
            return Ok(());
        };
        if let Some(hashing) = &mut job.hashing {
            self.hasher = hashing.await.ok();
            job.hashing = None;
        }
        let written = (&mut job.writing).await;
        let written = written.unwrap_or_else(|_| Err(io::ErrorKind::Interrupted.into()));
        let start = job.start;
        self.job = None;
        if let Err(error) = written {
            // As if they had never arrived, so that the rest can follow where there is space again.
            let _ = self.file.set_len(start);
            self.handed = start;
            self.hasher = None;
            self.pieces.clear();
            self.collected = 0;
            return Err(failed("writing an upload")(error));
        }
        Ok(())
    }

    /// Gives what was collected to two other threads.
    fn hand_over(&mut self) {
        let pieces = Arc::new(std::mem::take(&mut self.pieces));
        let start = self.handed;
        self.handed += std::mem::take(&mut self.collected) as u64;
        let hashing = self.hasher.take().map(|mut hasher| {
            let pieces = Arc::clone(&pieces);
            tokio::task::spawn_blocking(move || {
                pieces.iter().for_each(|piece| hasher.update(piece));
                hasher
            })
        });
        let file = Arc::clone(&self.file);
        let writing = tokio::task::spawn_blocking(move || write_at(&file, &pieces, start));
        self.job = Some(Job {
            hashing,
            writing,
            start,
        });
    }

    /// Writes the rest and makes the session a blob. Blocks.
    fn finish(mut self, digest: &Digest) -> Result<Commit> {
        let io_failed = failed("committing an upload");
        let pieces = std::mem::take(&mut self.pieces);
        if let Some(hasher) = &mut self.hasher {
            pieces.iter().for_each(|piece| hasher.update(piece));
        }
        if let Err(error) = write_at(&self.file, &pieces, self.handed) {
            let _ = self.file.set_len(self.handed);
            self.hasher = None;
            self.collected = 0;
            return Err(io_failed(error));
        }
        self.handed += std::mem::take(&mut self.collected) as u64;
        let hasher = self.hasher.take();
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

    /// The digest in the algorithm of `wanted`. Only if that is not what was computed on the way, the file is read.
    fn digest(&self, hasher: Option<Hasher>, wanted: &Digest) -> io::Result<Digest> {
        let algorithm = wanted.verifier().map_err(io::Error::other)?;
        if let Some(hasher) = hasher.filter(|hasher| hasher.algorithm() == algorithm) {
            return Ok(hasher.finish());
        }
        let mut hasher = Hasher::new(algorithm);
        // The position belongs to the open file, which nobody else reads.
        let mut file = &*self.file;
        io::Seek::rewind(&mut file)?;
        let mut buffer = vec![0; 256 * 1024];
        loop {
            match file.read(&mut buffer) {
                Ok(0) => return Ok(hasher.finish()),
                Ok(length) => hasher.update(&buffer[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Drop for Writer {
    /// Remembers the hash for whoever goes on. Bytes that were not handed over were not promised to anybody.
    fn drop(&mut self) {
        if self.job.is_some() {
            return;
        }
        if let Some(hasher) = self.hasher.take() {
            let hashed = Hashed {
                offset: self.handed,
                hasher,
            };
            let id = std::mem::take(&mut self.id);
            self.shared.hashed().insert(id, hashed);
        }
    }
}

#[cfg(unix)]
fn write_at(file: &File, pieces: &[Bytes], mut at: u64) -> io::Result<()> {
    use std::os::unix::fs::FileExt;
    for piece in pieces {
        file.write_all_at(piece, at)?;
        at += piece.len() as u64;
    }
    Ok(())
}

#[cfg(windows)]
fn write_at(file: &File, pieces: &[Bytes], mut at: u64) -> io::Result<()> {
    use std::os::windows::fs::FileExt;
    for piece in pieces {
        let mut rest = &piece[..];
        while !rest.is_empty() {
            let written = file.seek_write(rest, at)?;
            at += written as u64;
            rest = &rest[written..];
        }
    }
    Ok(())
}

//! Uploads in memory.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use oras_spec::{Algorithm, Digest, Hasher};

use super::{Content, MemoryDriver};
use crate::driver::{Commit, Result, UploadWriter, Uploads};

/// What has arrived so far, and its hash.
pub(super) struct Session {
    content: Content,
    hasher: Hasher,
}

#[async_trait]
impl Uploads for MemoryDriver {
    async fn start_upload(&self, repository: &str, id: &str, algorithm: Algorithm) -> Result<()> {
        let session = Session {
            content: Content::default(),
            hasher: Hasher::new(algorithm),
        };
        let key = (repository.to_owned(), id.to_owned());
        self.lock()
            .sessions
            .insert(key, Arc::new(Mutex::new(session)));
        Ok(())
    }

    async fn upload_offset(&self, repository: &str, id: &str) -> Result<Option<u64>> {
        let session = self.session(repository, id);
        Ok(session.map(|session| lock(&session).content.size))
    }

    async fn write_upload(
        &self,
        repository: &str,
        id: &str,
    ) -> Result<Option<Box<dyn UploadWriter>>> {
        let Some(session) = self.session(repository, id) else {
            return Ok(None);
        };
        let (pieces, size, hasher) = {
            let session = lock(&session);
            let content = &session.content;
            (content.pieces.len(), content.size, session.hasher.clone())
        };
        Ok(Some(Box::new(Writer {
            driver: self.clone(),
            key: (repository.to_owned(), id.to_owned()),
            session,
            before: Before {
                pieces,
                size,
                hasher,
            },
        })))
    }

    async fn cancel_upload(&self, repository: &str, id: &str) -> Result<bool> {
        let key = (repository.to_owned(), id.to_owned());
        Ok(self.lock().sessions.remove(&key).is_some())
    }
}

impl MemoryDriver {
    fn session(&self, repository: &str, id: &str) -> Option<Arc<Mutex<Session>>> {
        let key = (repository.to_owned(), id.to_owned());
        self.lock().sessions.get(&key).cloned()
    }
}

fn lock(session: &Mutex<Session>) -> MutexGuard<'_, Session> {
    session.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Writer {
    driver: MemoryDriver,
    key: (String, String),
    session: Arc<Mutex<Session>>,
    before: Before,
}

/// The session as this writer found it.
struct Before {
    pieces: usize,
    size: u64,
    hasher: Hasher,
}

#[async_trait]
impl UploadWriter for Writer {
    fn offset(&self) -> u64 {
        lock(&self.session).content.size
    }

    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        let mut session = lock(&self.session);
        session.hasher.update(&bytes);
        session.content.size += bytes.len() as u64;
        session.content.pieces.push(bytes);
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        Ok(())
    }

    async fn roll_back(&mut self) -> Result<()> {
        let mut session = lock(&self.session);
        session.content.pieces.truncate(self.before.pieces);
        session.content.size = self.before.size;
        session.hasher = self.before.hasher.clone();
        Ok(())
    }

    async fn commit(self: Box<Self>, digest: &Digest) -> Result<Commit> {
        let mut store = self.driver.lock();
        if store.sessions.remove(&self.key).is_none() {
            return Ok(Commit::Mismatch);
        }
        drop(store);
        let (content, hasher) = {
            let mut session = lock(&self.session);
            let content = std::mem::take(&mut session.content);
            (content, session.hasher.clone())
        };
        if content.digest(hasher, digest).as_ref() != Some(digest) {
            return Ok(Commit::Mismatch);
        }
        store = self.driver.lock();
        let held = store.repositories.entry(self.key.0).or_default();
        held.blobs
            .entry(digest.clone())
            .or_insert_with(|| Arc::new(content));
        Ok(Commit::Stored)
    }
}

impl Content {
    /// The digest in the algorithm of `wanted`. Only if that is not what was computed on the way, a second look is taken.
    fn digest(&self, hasher: Hasher, wanted: &Digest) -> Option<Digest> {
        let algorithm = wanted.verifier().ok()?;
        if hasher.algorithm() == algorithm {
            return Some(hasher.finish());
        }
        let mut hasher = Hasher::new(algorithm);
        for piece in &self.pieces {
            hasher.update(piece);
        }
        Some(hasher.finish())
    }
}

//! A driver that keeps everything in memory: for tests, and for registries that live as long as their process.
//!
//! Content is held once, however many repositories share it, in the pieces it arrived in.

mod listing;
mod manifest;
mod upload;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use oras_spec::Digest;

use crate::driver::{BlobReader, BlobStream, Blobs, Entry, Mounts, Result};
use upload::Session;

/// Keeps everything in memory.
#[derive(Clone, Default)]
pub struct MemoryDriver {
    store: Arc<Mutex<Store>>,
}

/// The content of the whole registry. Held locked for moments only, never while waiting.
#[derive(Default)]
struct Store {
    repositories: BTreeMap<String, Repository>,
    sessions: HashMap<(String, String), Arc<Mutex<Session>>>,
}

/// Invariants: tags and referrers name manifests that are there.
#[derive(Default)]
struct Repository {
    blobs: HashMap<Digest, Arc<Content>>,
    manifests: HashMap<Digest, Stored>,
    tags: BTreeMap<String, Digest>,
    referrers: HashMap<Digest, BTreeSet<Digest>>,
}

struct Stored {
    entry: Entry,
    bytes: Bytes,
}

/// A blob in the pieces it arrived in.
#[derive(Default)]
struct Content {
    pieces: Vec<Bytes>,
    size: u64,
}

struct Reader(Arc<Content>);

impl BlobReader for Reader {
    fn size(&self) -> u64 {
        self.0.size
    }

    fn read(self: Box<Self>, start: u64, length: u64) -> BlobStream {
        let pieces = self.0.range(start, length).into_iter().map(Ok);
        stream::iter(pieces).boxed()
    }
}

impl MemoryDriver {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Repository {
    fn is_empty(&self) -> bool {
        self.blobs.is_empty() && self.manifests.is_empty()
    }

    fn content(&self, digest: &Digest) -> Option<Arc<Content>> {
        let blob = self.blobs.get(digest).cloned();
        blob.or_else(|| {
            let stored = self.manifests.get(digest)?;
            Some(Arc::new(Content {
                size: stored.entry.size,
                pieces: vec![stored.bytes.clone()],
            }))
        })
    }
}

impl Content {
    /// The pieces that make up `length` bytes from `start`.
    fn range(&self, start: u64, length: u64) -> Vec<Bytes> {
        let end = start.saturating_add(length).min(self.size);
        let mut at = 0;
        let mut found = Vec::new();
        for piece in &self.pieces {
            let next = at + piece.len() as u64;
            let (from, to) = (start.max(at), end.min(next));
            if from < to {
                // Both are offsets into one piece, which fits into memory.
                let (from, to) = ((from - at) as usize, (to - at) as usize);
                found.push(piece.slice(from..to));
            }
            at = next;
        }
        found
    }
}

#[async_trait]
impl Blobs for MemoryDriver {
    async fn blob_size(&self, repository: &str, digest: &Digest) -> Result<Option<u64>> {
        let store = self.lock();
        let content = store
            .repositories
            .get(repository)
            .and_then(|held| held.content(digest));
        Ok(content.map(|content| content.size))
    }

    async fn open_blob(
        &self,
        repository: &str,
        digest: &Digest,
    ) -> Result<Option<Box<dyn BlobReader>>> {
        let store = self.lock();
        let held = store.repositories.get(repository);
        let content = held.and_then(|held| held.content(digest));
        Ok(content.map(|content| Box::new(Reader(content)) as Box<dyn BlobReader>))
    }

    async fn delete_blob(&self, repository: &str, digest: &Digest) -> Result<bool> {
        let mut store = self.lock();
        let Some(held) = store.repositories.get_mut(repository) else {
            return Ok(false);
        };
        let removed = held.blobs.remove(digest).is_some();
        if held.is_empty() {
            store.repositories.remove(repository);
        }
        Ok(removed)
    }
}

#[async_trait]
impl Mounts for MemoryDriver {
    async fn holders(&self, digest: &Digest) -> Result<Vec<String>> {
        let store = self.lock();
        let holders = store.repositories.iter();
        let holders = holders.filter(|(_, held)| held.blobs.contains_key(digest));
        Ok(holders.map(|(name, _)| name.clone()).collect())
    }

    async fn link_blob(&self, digest: &Digest, from: &str, to: &str) -> Result<bool> {
        let mut store = self.lock();
        let held = store.repositories.get(from);
        let Some(content) = held.and_then(|held| held.blobs.get(digest)).cloned() else {
            return Ok(false);
        };
        let target = store.repositories.entry(to.to_owned()).or_default();
        target.blobs.entry(digest.clone()).or_insert(content);
        Ok(true)
    }
}

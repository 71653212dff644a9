//! Reading manifests out of the source, and holding them until they are pushed.

use std::sync::Arc;

use bytes::Bytes;
use oras_content::{FetchExt, Payload, Result, Side, parse_manifest};
use oras_spec::{Descriptor, RawManifest};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Engine;
use super::run::Outcome;
use crate::sync::{At, lock};

/// Bytes of manifests held at once. What does not fit is read a second time when it is pushed.
const HELD_BYTES: u32 = 16 * 1024 * 1024;

/// Bytes of manifests read and parsed at once.
const READ_BYTES: u32 = 16 * 1024 * 1024;

pub(super) struct Budget {
    held: Arc<Semaphore>,
    read: Arc<Semaphore>,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            held: Arc::new(Semaphore::new(HELD_BYTES as usize)),
            read: Arc::new(Semaphore::new(READ_BYTES as usize)),
        }
    }
}

impl Budget {
    fn hold(&self, bytes: &Bytes) -> Option<Held> {
        let size = u32::try_from(bytes.len()).ok()?;
        let permit = Arc::clone(&self.held).try_acquire_many_owned(size).ok()?;
        Some(Held {
            bytes: bytes.clone(),
            _permit: permit,
        })
    }

    /// Waits until there is room to read so many bytes. What is larger than all the room gets all of it.
    async fn room(&self, bytes: u64) -> Option<OwnedSemaphorePermit> {
        let bytes = u32::try_from(bytes).map_or(READ_BYTES, |bytes| bytes.min(READ_BYTES));
        Arc::clone(&self.read).acquire_many_owned(bytes).await.ok()
    }
}

/// A manifest while it is looked into. Not kept while anything is waited for: others need the room.
pub(super) struct Reading {
    pub(super) manifest: RawManifest,
    _room: Option<OwnedSemaphorePermit>,
}

struct Held {
    bytes: Bytes,
    /// Gives the bytes back to the budget.
    _permit: OwnedSemaphorePermit,
}

/// What is pushed: a manifest in memory, or whatever the source has.
pub(super) struct Body(Option<Held>);

impl Body {
    pub(super) const STREAMED: Self = Self(None);
}

impl Engine {
    /// Reads and verifies a manifest of the source.
    pub(super) async fn read(&self, descriptor: &Descriptor) -> Outcome<Reading> {
        self.run
            .attempt(async {
                let _permit = self.metadata.acquire().await;
                let room = self.budget.room(descriptor.size).await;
                let bytes = self.manifest_bytes(descriptor).await?;
                let manifest = parse_manifest(descriptor, bytes).at(Side::Source, "fetch")?;
                Ok(Reading {
                    manifest,
                    _room: room,
                })
            })
            .await
    }

    /// The children of a manifest that are to be copied, with duplicates.
    pub(super) async fn children_of(&self, manifest: &RawManifest) -> Outcome<Vec<Descriptor>> {
        let mut children = match &self.options.successors {
            None => manifest.successors(),
            Some(successors) => {
                let asked = successors.successors(self.source.as_ref(), manifest);
                let asked = async { asked.await.at(Side::Source, "fetch") };
                self.run.attempt(asked).await?
            }
        };
        children.retain(|child| !child.is_foreign_layer());
        Ok(children)
    }

    /// Keeps a manifest in memory for its push, if there is room.
    pub(super) fn hold(&self, reading: Reading) -> Body {
        Body(self.budget.hold(reading.manifest.bytes()))
    }

    /// All bytes of a manifest that is about to be pushed.
    pub(super) async fn bytes_of(&self, descriptor: &Descriptor, body: &Body) -> Result<Bytes> {
        match &body.0 {
            Some(held) => Ok(held.bytes.clone()),
            None => self.manifest_bytes(descriptor).await,
        }
    }

    /// The payload of any content that is about to be pushed.
    pub(super) fn payload_of(&self, descriptor: &Descriptor, body: &Body) -> Payload {
        match &body.0 {
            Some(held) => Payload::bytes(held.bytes.clone()),
            None => Payload::from_source(Arc::clone(&self.source) as _, descriptor.clone()),
        }
    }

    async fn manifest_bytes(&self, descriptor: &Descriptor) -> Result<Bytes> {
        if let Some(bytes) = lock(&self.seeds).get(&descriptor.key()) {
            return Ok(bytes.clone());
        }
        self.source
            .fetch_bytes(descriptor, self.options.max_manifest_bytes)
            .await
            .at(Side::Source, "fetch")
            .map_err(|error| error.with_descriptor(descriptor))
    }
}

//! Writing blobs: what comes from the network is hashed and written by another thread, at the same time.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use oras_spec::Descriptor;
use oras_spec::layout::blob_path;
use tokio::sync::mpsc;

use super::format::check_manifest;
use super::ingest::{Draft, Ingest};
use super::state::Backlog;
use super::store::{LayoutStore, Shared};
use super::transaction::{Transaction, flush};
use crate::ability::{MAX_MANIFEST_BYTES, Push, Pushed};
use crate::error::{Error, ErrorKind, Result};
use crate::payload::Payload;
use crate::verify::Verifier;

/// Chunks between the one who reads and the one who writes. With chunks of up to some hundred KiB this bounds memory.
const QUEUE: usize = 4;

#[async_trait]
impl Push for LayoutStore {
    /// A manifest is listed in the index, without a tag, by the next [`flush`](Push::flush) or change of a tag.
    ///
    /// # Errors
    /// `failed to ingest`, caused by [`ErrorKind::DigestMismatch`] or [`ErrorKind::SizeMismatch`] if the payload is
    /// not `descriptor`, or by [`ErrorKind::Io`]. [`ErrorKind::InvalidManifest`] for a manifest that is no JSON
    /// object. What reading the payload fails with comes as it is.
    async fn push(&self, descriptor: &Descriptor, payload: Payload) -> Result<Pushed> {
        let (digest, size) = (descriptor.digest.clone(), descriptor.size);
        let there = self
            .blocking(move |shared| shared.has(&digest, size))
            .await?;
        let pushed = if there {
            Pushed::AlreadyThere
        } else {
            self.ingest(descriptor, &payload).await?;
            Pushed::Stored
        };
        // Also one that is there already: who brought it may have died before listing it.
        if descriptor.is_manifest() {
            let manifest = descriptor.clone();
            self.blocking(move |shared| register(shared, &manifest))
                .await?;
        }
        Ok(pushed)
    }

    async fn flush(&self) -> Result<()> {
        self.blocking(flush).await
    }
}

impl LayoutStore {
    async fn ingest(&self, descriptor: &Descriptor, payload: &Payload) -> Result<()> {
        let check = if payload.trusted() {
            Check::Size {
                remaining: descriptor.size,
            }
        } else {
            Check::Everything(Verifier::new(descriptor)?)
        };
        let parse = descriptor.is_manifest() && descriptor.size <= MAX_MANIFEST_BYTES;
        let manifest = parse.then(Vec::new);
        let mut stream = payload.open(0).await?;
        self.blocking(|shared| shared.prepare()).await?;
        let (sender, receiver) = mpsc::channel(QUEUE);
        let target = self.shared.root.join(blob_path(&descriptor.digest));
        let ingest = Arc::clone(&self.shared.ingest);
        let writer = super::blocking(move || write(receiver, check, manifest, &ingest, &target));

        let reader = async move {
            while let Some(chunk) = stream.next().await {
                // Closed when writing has failed: that is the error to tell.
                if sender.send(Piece::Chunk(chunk?)).await.is_err() {
                    return Ok(());
                }
            }
            let _ = sender.send(Piece::End).await;
            Ok::<(), Error>(())
        };
        let (read, written) = tokio::join!(reader, writer);
        read?;
        written.map_err(|error| {
            error
                .context("failed to ingest")
                .with_descriptor(descriptor)
        })?;
        self.shared.state().unsynced.add(descriptor.digest.clone());
        Ok(())
    }
}

/// What travels from the one who reads to the one who writes.
enum Piece {
    Chunk(Bytes),
    /// Everything was sent. Without it, the reader has failed or was cancelled.
    End,
}

/// How the bytes are checked.
enum Check {
    /// Size and digest.
    Everything(Verifier),
    /// They were hashed in this process before.
    Size { remaining: u64 },
}

impl Check {
    fn update(&mut self, chunk: &[u8]) -> Result<()> {
        match self {
            Self::Everything(verifier) => verifier.update(chunk),
            Self::Size { remaining } => match remaining.checked_sub(chunk.len() as u64) {
                Some(rest) => {
                    *remaining = rest;
                    Ok(())
                }
                None => Err(Error::new(ErrorKind::SizeMismatch, "trailing data")),
            },
        }
    }

    fn finish(self) -> Result<()> {
        match self {
            Self::Everything(verifier) => verifier.finish(),
            Self::Size { remaining: 0 } => Ok(()),
            Self::Size { .. } => Err(Error::new(ErrorKind::SizeMismatch, "unexpected EOF")),
        }
    }
}

/// Writes what comes through `pieces` and gives it its name when all of it is right. With `manifest`, which is where
/// to collect it, it has to be JSON: what nobody can read would break every walk over the graph.
fn write(
    mut pieces: mpsc::Receiver<Piece>,
    mut check: Check,
    mut manifest: Option<Vec<u8>>,
    ingest: &Arc<Ingest>,
    target: &Path,
) -> Result<()> {
    let mut draft: Draft = ingest.draft()?;
    loop {
        match pieces.blocking_recv() {
            Some(Piece::Chunk(chunk)) => {
                check.update(&chunk)?;
                draft.write(&chunk)?;
                if let Some(manifest) = &mut manifest {
                    manifest.extend_from_slice(&chunk);
                }
            }
            Some(Piece::End) => break,
            None => return Err(Error::new(ErrorKind::Cancelled, "cancelled")),
        }
    }
    check.finish()?;
    if let Some(manifest) = manifest {
        check_manifest(&manifest)?;
    }
    draft.make_read_only()?;
    draft.publish(target)?;
    Ok(())
}

fn register(shared: &Arc<Shared>, manifest: &Descriptor) -> Result<()> {
    let backlog = shared.state().register(&shared.root, manifest)?;
    match backlog {
        Backlog::Small => Ok(()),
        Backlog::Full => Transaction::begin(shared)?.commit(),
    }
}

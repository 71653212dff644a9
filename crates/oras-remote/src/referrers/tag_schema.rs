//! The referrers tag schema (distribution-spec, "Referrers Tag Schema").
//!
//! The list is one index under one tag, and a registry lets anybody overwrite it: two clients that read, change and
//! write at the same time lose one of the changes, and neither is told. So a writer stays after writing. It looks again
//! until the list has stood still for several times as long as a write takes; if its own entry is gone by then, it
//! writes again. As long as anybody writes, everybody stays, and everybody repairs their own entry.
//!
//! Registries that give an `ETag` and honour conditions make this exact: there the loser is told at once (412).

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use http::Method;
use http::header::{CONTENT_TYPE, IF_MATCH, IF_NONE_MATCH};
use oras_content::{Error, ErrorKind, FetchExt, MAX_MANIFEST_BYTES, Result};
use oras_http::Body;
use oras_spec::{Descriptor, Digest, ImageIndex, Reference, json, media_type};
use tokio::time::Instant;

use super::Change;
use super::index::apply;
use crate::manifest::entry_of;
use crate::repository::Repository;
use crate::send::Call;

/// After this long our entry may be there or not, but we stop.
const PATIENCE: Duration = Duration::from_secs(60);
/// A list must stand still for so many times as long as our own writes took.
const STILL_FACTOR: u32 = 4;
const SHORTEST_STILL: Duration = Duration::from_millis(30);
const LONGEST_STILL: Duration = Duration::from_secs(2);
/// Manifests looked at together when entries lack their type.
const LOOKUPS: usize = 4;

/// The list as it is.
#[derive(Default)]
struct Current {
    index: Option<ImageIndex>,
    digest: Option<Digest>,
    etag: Option<String>,
}

/// What became of a write.
#[derive(PartialEq, Eq)]
enum Write {
    Done,
    /// Somebody else was faster, and the registry noticed.
    Conflict,
}

impl Repository {
    pub(super) async fn list_by_tag(&self, subject: &Descriptor) -> Result<Vec<Descriptor>> {
        let current = match self.read_index(subject).await {
            Ok(current) => current,
            // Whatever is under the tag, it is not a list of referrers.
            Err(error) if error.kind() == ErrorKind::Unsupported => Current::default(),
            Err(error) => return Err(error),
        };
        let entries = current
            .index
            .map(|index| index.manifests)
            .unwrap_or_default();
        let described = stream::iter(entries)
            .map(|entry| self.described(entry))
            .buffered(LOOKUPS);
        Ok(described.collect().await)
    }

    /// Other tools leave out the type. The manifest knows it; if it can't be read, the entry stays as it is.
    async fn described(&self, entry: Descriptor) -> Descriptor {
        if entry.artifact_type.is_some() || !entry.is_manifest() {
            return entry;
        }
        match self.fetch_manifest(&entry.plain()).await {
            Ok(manifest) => {
                let found = entry_of(&manifest);
                let annotations = if entry.annotations.is_empty() {
                    found.annotations
                } else {
                    entry.annotations
                };
                Descriptor {
                    artifact_type: found.artifact_type,
                    annotations,
                    ..entry
                }
            }
            Err(_) => entry,
        }
    }

    /// Applies the changes and stays until they are there to stay.
    pub(super) async fn write_index(&self, subject: &Descriptor, changes: &[Change]) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let mut slowest = Duration::ZERO;
        let mut losses = 0;
        // What the list was when we last looked, once we have written.
        let mut seen: Option<Option<Digest>> = None;
        loop {
            let started = Instant::now();
            let current = self.read_index(subject).await?;
            let entries = current
                .index
                .as_ref()
                .map_or(&[][..], |index| &index.manifests);
            let Some(entries) = apply(entries, changes) else {
                let stands_still = seen.as_ref().is_none_or(|seen| *seen == current.digest);
                if stands_still || started > deadline {
                    return Ok(());
                }
                seen = Some(current.digest);
                wait(still(slowest)).await;
                continue;
            };
            if started > deadline {
                let problem = format!(
                    "the list of referrers of {} keeps being overwritten",
                    subject.digest
                );
                return Err(Error::new(ErrorKind::Protocol, problem));
            }
            let index = ImageIndex {
                manifests: entries,
                ..current.index.unwrap_or_else(|| ImageIndex::new(Vec::new()))
            };
            let bytes = json::to_vec(&index)
                .map_err(|error| Error::new(ErrorKind::Other, error.to_string()))?;
            let digest = Digest::sha256(&bytes);
            let written = self
                .put_index(
                    subject,
                    bytes,
                    current.etag.as_deref(),
                    current.digest.is_none(),
                )
                .await?;
            slowest = slowest.max(started.elapsed());
            if written == Write::Conflict || seen.is_some() {
                losses += 1;
            }
            if written == Write::Done {
                seen = Some(Some(digest));
                wait(still(slowest)).await;
            } else {
                // Spread the writers out, the more the more often we collide.
                wait(slowest * random(1 << losses.min(6))).await;
            }
        }
    }

    /// # Errors
    /// [`ErrorKind::Unsupported`] if there is something under the tag that is no list of referrers. Some registries
    /// take the tag for the digest of the subject: writing there would be no use, and deleting would hit the subject.
    async fn read_index(&self, subject: &Descriptor) -> Result<Current> {
        let reference = self.index_reference(subject)?;
        let answer = match self.get_manifest(&reference, &self.accept_index()).await {
            Ok(answer) => answer,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Current::default()),
            Err(error) => return Err(error),
        };
        let found = &answer.descriptor;
        if found.media_type != media_type::IMAGE_INDEX || found.digest == subject.digest {
            let problem = format!("{reference} is not a list of referrers");
            return Err(Error::new(ErrorKind::Unsupported, problem));
        }
        let index = serde_json::from_slice(&answer.bytes).map_err(|error| {
            Error::new(ErrorKind::InvalidManifest, format!("{reference}: {error}"))
        })?;
        Ok(Current {
            index: Some(index),
            digest: Some(answer.descriptor.digest),
            etag: answer.etag,
        })
    }

    async fn put_index(
        &self,
        subject: &Descriptor,
        bytes: Vec<u8>,
        etag: Option<&str>,
        absent: bool,
    ) -> Result<Write> {
        if bytes.len() as u64 > MAX_MANIFEST_BYTES {
            let problem = format!(
                "{} has more referrers than fit into an index",
                subject.digest
            );
            return Err(Error::new(ErrorKind::SizeLimit, problem));
        }
        let tag = subject.digest.referrers_tag();
        let mut call = Call::new(Method::PUT, self.urls().manifest(&tag))
            .header(CONTENT_TYPE, media_type::IMAGE_INDEX)
            .scopes(self.scopes(&["pull", "push"]))
            .body(Body::bytes(bytes))
            .expect(&[201, 412]);
        if let Some(etag) = etag {
            call = call.header(IF_MATCH, etag);
        } else if absent {
            call = call.header(IF_NONE_MATCH, "*");
        }
        let response = self.send(call).await?;
        let status = response.status;
        response.drain().await;
        Ok(if status == 412 {
            Write::Conflict
        } else {
            Write::Done
        })
    }

    fn index_reference(&self, subject: &Descriptor) -> Result<Reference> {
        let tagged = self
            .reference()
            .clone()
            .with_tag(&subject.digest.referrers_tag());
        tagged.map_err(|error| Error::new(ErrorKind::InvalidReference, error.to_string()))
    }

    /// The usual types, whatever this handle was told to ask for: the tag may lead to anything.
    fn accept_index(&self) -> String {
        media_type::IMAGE_INDEX.to_owned()
    }
}

/// How long a list must not change to count as settled.
fn still(slowest: Duration) -> Duration {
    let base = (slowest * STILL_FACTOR).clamp(SHORTEST_STILL, LONGEST_STILL);
    base + base * random(256) / 512
}

async fn wait(time: Duration) {
    tokio::time::sleep(time).await;
}

/// A number in `0..below`. Spreading writers needs no better randomness than what seeds the standard hash maps.
fn random(below: u32) -> u32 {
    let bits = RandomState::new().build_hasher().finish();
    (bits % u64::from(below.max(1))) as u32
}

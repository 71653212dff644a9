//! What manifests say, for listings, and for manifests that others have put into a layout.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use oras_spec::{Annotations, Descriptor, Digest, Manifest, RawManifest};

use super::Shared;
use super::place::blob_in;
use super::read::open_blocking;
use crate::driver::Entry;

/// The largest manifest that is read, in bytes.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// What is to be known about a manifest without reading it again.
pub(super) struct Facts {
    /// What it was read as.
    media_type: String,
    pub(super) subject: Option<Digest>,
    pub(super) artifact_type: Option<String>,
    pub(super) annotations: Annotations,
    /// The manifests it lists.
    pub(super) manifests: Vec<Descriptor>,
    /// All other content it refers to.
    pub(super) blobs: Vec<Digest>,
    /// What of that an index lists as manifests of types nobody here knows.
    pub(super) unknown: Vec<Descriptor>,
}

impl Facts {
    fn of(manifest: &RawManifest) -> Self {
        let mut facts = Self {
            media_type: manifest.descriptor().media_type.clone(),
            subject: manifest.subject().map(|subject| subject.digest.clone()),
            artifact_type: manifest.artifact_type().map(str::to_owned),
            annotations: manifest.annotations().clone(),
            manifests: Vec::new(),
            blobs: Vec::new(),
            unknown: Vec::new(),
        };
        let is_index = matches!(
            manifest.manifest(),
            Manifest::Index(_) | Manifest::DockerList(_)
        );
        // The subject comes first among the successors; the same digest can come again as a child.
        let skipped = usize::from(facts.subject.is_some());
        for descriptor in manifest.successors().into_iter().skip(skipped) {
            if is_index && !descriptor.is_manifest() {
                facts.unknown.push(descriptor.plain());
            }
            match descriptor.is_manifest() {
                true => facts.manifests.push(descriptor.plain()),
                false => facts.blobs.push(descriptor.digest),
            }
        }
        facts
    }

    /// What a listing says about the manifest `descriptor`.
    pub(super) fn entry(&self, descriptor: &Descriptor) -> Entry {
        Entry {
            media_type: descriptor.media_type.clone(),
            digest: descriptor.digest.clone(),
            size: descriptor.size,
            artifact_type: self.artifact_type.clone(),
            annotations: self.annotations.clone(),
            subject: self.subject.clone(),
        }
    }

    /// Roughly how much memory it takes, in bytes.
    fn weight(&self) -> usize {
        let annotations = self.annotations.iter();
        let annotations = annotations.map(|(key, value)| key.len() + value.len() + 100);
        300 + annotations.sum::<usize>()
            + (self.manifests.len() + self.unknown.len()) * 250
            + self.blobs.len() * 100
    }
}

impl Shared {
    /// The bytes of a manifest of the repository in `root`. `None` if they are not there or not what they should be: then
    /// whoever needs it can push it again. Blocks.
    pub(super) fn read_manifest(&self, root: &Path, digest: &Digest) -> Option<Bytes> {
        if let Some(bytes) = self.manifests.get(digest) {
            return Some(bytes);
        }
        let bytes = read_verified(root, digest)?;
        self.remember(digest, &bytes);
        Some(bytes)
    }

    /// Keeps the bytes of a manifest at hand.
    pub(super) fn remember(&self, digest: &Digest, bytes: &Bytes) {
        let weight = bytes.len() + 200;
        self.manifests.insert(digest.clone(), bytes.clone(), weight);
    }

    /// What the manifest `descriptor` of the repository in `root` says. `None` if it can't be read. Blocks.
    pub(super) fn facts(&self, root: &Path, descriptor: &Descriptor) -> Option<Arc<Facts>> {
        if let Some(facts) = self.facts.get(&descriptor.digest)
            && facts.media_type == descriptor.media_type
        {
            return Some(facts);
        }
        // Not kept at hand: whoever needs all of them would drive out those that are asked for.
        let bytes = match self.manifests.get(&descriptor.digest) {
            Some(bytes) => bytes,
            None => read_verified(root, &descriptor.digest)?,
        };
        let plain = Descriptor::new(
            descriptor.media_type.clone(),
            descriptor.digest.clone(),
            bytes.len() as u64,
        );
        let facts = Arc::new(Facts::of(&RawManifest::new(plain, bytes).ok()?));
        let digest = descriptor.digest.clone();
        self.facts
            .insert(digest, Arc::clone(&facts), facts.weight());
        Some(facts)
    }
}

/// The bytes of a manifest of the repository in `root`, if they are there and what they should be. Blocks.
pub(super) fn read_verified(root: &Path, digest: &Digest) -> Option<Bytes> {
    let found = open_blocking(&blob_in(root, digest)).ok()??;
    if found.stat.size > MOST_BYTES {
        return None;
    }
    let mut bytes = Vec::with_capacity(usize::try_from(found.stat.size).ok()?);
    let mut file = std::io::Read::take(found.file, MOST_BYTES);
    std::io::Read::read_to_end(&mut file, &mut bytes).ok()?;
    let algorithm = digest.verifier().ok()?;
    (Digest::of(algorithm, &bytes) == *digest).then(|| Bytes::from(bytes))
}

/// What a layout has of manifests that did not come through this server: found by reading them.
#[derive(Default)]
pub(super) struct Foreign {
    /// The manifests below those that are listed.
    pub(super) nested: HashMap<Digest, Descriptor>,
    /// Subjects, and what refers to them.
    pub(super) referrers: HashMap<Digest, BTreeSet<Digest>>,
}

impl Foreign {
    /// Walks down from `listed`. Blocks.
    pub(super) fn walk(shared: &Shared, root: &Path, listed: Vec<Descriptor>) -> Self {
        let mut found = Self::default();
        let mut queue: VecDeque<(Descriptor, bool)> =
            listed.into_iter().map(|entry| (entry, false)).collect();
        let mut seen: BTreeSet<Digest> = queue
            .iter()
            .map(|(entry, _)| entry.digest.clone())
            .collect();
        while let Some((descriptor, nested)) = queue.pop_front() {
            let Some(facts) = shared.facts(root, &descriptor) else {
                continue;
            };
            if let Some(subject) = &facts.subject {
                let referrers = found.referrers.entry(subject.clone()).or_default();
                referrers.insert(descriptor.digest.clone());
            }
            for child in &facts.manifests {
                if seen.insert(child.digest.clone()) {
                    queue.push_back((child.clone(), true));
                }
            }
            if nested {
                found.nested.insert(descriptor.digest.clone(), descriptor);
            }
        }
        found
    }
}

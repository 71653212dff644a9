//! A repository as its index was at one moment.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::OnceLock;

use oras_content::layout::{Index, IndexSnapshot};
use oras_spec::{Descriptor, Digest};

use super::Shared;
use super::foreign::Foreign;

/// Annotation of an entry: what the manifest refers to, as a digest.
pub(super) const SUBJECT: &str = "land.oras.serve.subject";
/// Annotation of an entry: when it was pushed (RFC 3339). Entries without it came from elsewhere.
pub(super) const PUSHED: &str = "land.oras.serve.pushed";
/// Annotation of the index: counts the changes that servers have made.
pub(super) const GENERATION: &str = "land.oras.serve.generation";

/// The index, and what follows from it, found out when it is first asked for.
pub(super) struct View {
    snapshot: IndexSnapshot,
    referrers: OnceLock<HashMap<Digest, BTreeSet<Digest>>>,
    foreign: OnceLock<Foreign>,
}

impl View {
    pub(super) fn new(snapshot: IndexSnapshot) -> Self {
        Self {
            snapshot,
            referrers: OnceLock::new(),
            foreign: OnceLock::new(),
        }
    }

    pub(super) fn index(&self) -> &Index {
        self.snapshot.index()
    }

    pub(super) fn snapshot(&self) -> &IndexSnapshot {
        &self.snapshot
    }

    pub(super) fn generation(&self) -> Option<u64> {
        generation(self.index())
    }

    /// The manifest with this digest, if the repository has it. Blocks.
    pub(super) fn find(&self, shared: &Shared, root: &Path, digest: &Digest) -> Option<Descriptor> {
        if let Some(listed) = self.index().find(digest) {
            return Some(listed.clone());
        }
        self.foreign(shared, root).nested.get(digest).cloned()
    }

    /// The manifests that refer to `subject`, in the order of their digests. Blocks.
    pub(super) fn referrers(
        &self,
        shared: &Shared,
        root: &Path,
        subject: &Digest,
    ) -> BTreeSet<Digest> {
        let own = self.referrers.get_or_init(|| self.own_referrers());
        let mut referrers = own.get(subject).cloned().unwrap_or_default();
        if let Some(foreign) = self.foreign(shared, root).referrers.get(subject) {
            referrers.extend(foreign.iter().cloned());
        }
        referrers
    }

    fn own_referrers(&self) -> HashMap<Digest, BTreeSet<Digest>> {
        let mut referrers: HashMap<Digest, BTreeSet<Digest>> = HashMap::new();
        for entry in self.index().descriptors() {
            let subject = entry.annotations.get(SUBJECT);
            if let Some(subject) = subject.and_then(|subject| Digest::parse(subject).ok()) {
                let edges = referrers.entry(subject).or_default();
                edges.insert(entry.digest.clone());
            }
        }
        referrers
    }

    fn foreign(&self, shared: &Shared, root: &Path) -> &Foreign {
        self.foreign.get_or_init(|| {
            let foreign = |entry: &&Descriptor| !entry.annotations.contains_key(PUSHED);
            let entries = self.index().descriptors().filter(foreign).cloned();
            Foreign::walk(shared, root, entries.collect())
        })
    }
}

/// How many changes servers have made to an index.
pub(super) fn generation(index: &Index) -> Option<u64> {
    index.annotation(GENERATION)?.parse().ok()
}

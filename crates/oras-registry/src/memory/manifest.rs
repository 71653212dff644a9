//! Manifests and tags in memory.

use std::ops::Bound;

use async_trait::async_trait;
use oras_spec::Digest;

use super::{MemoryDriver, Repository, Stored};
use crate::driver::{
    Condition, ManifestCommit, Manifests, PutOutcome, Required, Result, StoredManifest, Tags,
    UntagOutcome,
};

impl Repository {
    fn required_size(&self, required: &Required) -> Option<u64> {
        let digest = &required.descriptor().digest;
        match required {
            Required::Blob(_) => self.content(digest).map(|content| content.size),
            Required::Manifest(_) => self.manifests.get(digest).map(|stored| stored.entry.size),
        }
    }

    /// Why a commit can't be.
    fn refusal(&self, commit: &ManifestCommit) -> Option<PutOutcome> {
        let holds = |tag: &String| commit.condition.holds(tag, self.tags.get(tag));
        if !commit.tags.iter().all(holds) {
            return Some(PutOutcome::ConditionFailed);
        }
        let (mut missing, mut wrong) = (Vec::new(), Vec::new());
        for required in &commit.required {
            let descriptor = required.descriptor();
            let list = match self.required_size(required) {
                None => &mut missing,
                Some(size) if size != descriptor.size => &mut wrong,
                Some(_) => continue,
            };
            if !list.contains(&descriptor.digest) {
                list.push(descriptor.digest.clone());
            }
            if list.len() >= PutOutcome::MOST_NAMED {
                break;
            }
        }
        match (missing.is_empty(), wrong.is_empty()) {
            (false, _) => Some(PutOutcome::Missing(missing)),
            (true, false) => Some(PutOutcome::WrongSize(wrong)),
            (true, true) => None,
        }
    }

    fn insert(&mut self, commit: ManifestCommit) {
        let digest = commit.entry.digest.clone();
        self.forget_edge(&digest);
        if let Some(subject) = &commit.entry.subject {
            let edges = self.referrers.entry(subject.clone()).or_default();
            edges.insert(digest.clone());
        }
        for tag in commit.tags {
            self.tags.insert(tag, digest.clone());
        }
        let stored = Stored {
            entry: commit.entry,
            bytes: commit.bytes,
        };
        self.manifests.insert(digest, stored);
    }

    /// Takes a manifest out of the list of referrers it is in.
    fn forget_edge(&mut self, digest: &Digest) {
        let stored = self.manifests.get(digest);
        let Some(subject) = stored.and_then(|stored| stored.entry.subject.clone()) else {
            return;
        };
        if let Some(edges) = self.referrers.get_mut(&subject) {
            edges.remove(digest);
            if edges.is_empty() {
                self.referrers.remove(&subject);
            }
        }
    }
}

#[async_trait]
impl Manifests for MemoryDriver {
    async fn put_manifest(&self, repository: &str, commit: ManifestCommit) -> Result<PutOutcome> {
        let mut store = self.lock();
        let nothing = Repository::default();
        let held = store.repositories.get(repository).unwrap_or(&nothing);
        if let Some(refusal) = held.refusal(&commit) {
            return Ok(refusal);
        }
        let held = store.repositories.entry(repository.to_owned());
        held.or_default().insert(commit);
        Ok(PutOutcome::Stored)
    }

    async fn manifest(&self, repository: &str, digest: &Digest) -> Result<Option<StoredManifest>> {
        let store = self.lock();
        let held = store.repositories.get(repository);
        let stored = held.and_then(|held| held.manifests.get(digest));
        Ok(stored.map(|stored| StoredManifest {
            media_type: stored.entry.media_type.clone(),
            bytes: stored.bytes.clone(),
        }))
    }

    async fn delete_manifest(&self, repository: &str, digest: &Digest) -> Result<bool> {
        let mut store = self.lock();
        let Some(held) = store.repositories.get_mut(repository) else {
            return Ok(false);
        };
        held.forget_edge(digest);
        let removed = held.manifests.remove(digest).is_some();
        held.tags.retain(|_, target| target != digest);
        if removed {
            // Pushed as a blob as well: it must not come back through there.
            held.blobs.remove(digest);
        }
        if held.is_empty() {
            store.repositories.remove(repository);
        }
        Ok(removed)
    }
}

#[async_trait]
impl Tags for MemoryDriver {
    async fn resolve_tag(&self, repository: &str, tag: &str) -> Result<Option<Digest>> {
        let store = self.lock();
        let held = store.repositories.get(repository);
        Ok(held.and_then(|held| held.tags.get(tag)).cloned())
    }

    async fn tags(
        &self,
        repository: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Option<Vec<String>>> {
        let store = self.lock();
        let Some(held) = store.repositories.get(repository) else {
            return Ok(None);
        };
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let tags = held.tags.range::<str, _>((start, Bound::Unbounded));
        Ok(Some(tags.take(limit).map(|(tag, _)| tag.clone()).collect()))
    }

    async fn untag(
        &self,
        repository: &str,
        tag: &str,
        condition: &Condition,
    ) -> Result<UntagOutcome> {
        let mut store = self.lock();
        let held = store.repositories.get_mut(repository);
        let Some((held, current)) =
            held.and_then(|held| held.tags.get(tag).cloned().map(|digest| (held, digest)))
        else {
            return Ok(UntagOutcome::Missing);
        };
        if !condition.holds(tag, Some(&current)) {
            return Ok(UntagOutcome::ConditionFailed);
        }
        held.tags.remove(tag);
        Ok(UntagOutcome::Removed)
    }
}

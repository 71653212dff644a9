//! Listings in memory.

use std::ops::Bound;

use async_trait::async_trait;
use oras_spec::Digest;

use super::MemoryDriver;
use crate::driver::{Entry, Listings, Result};

#[async_trait]
impl Listings for MemoryDriver {
    async fn referrers(
        &self,
        repository: &str,
        subject: &Digest,
        artifact_type: Option<&str>,
        after: Option<&Digest>,
        limit: usize,
    ) -> Result<Vec<Entry>> {
        let store = self.lock();
        let Some(held) = store.repositories.get(repository) else {
            return Ok(Vec::new());
        };
        let Some(edges) = held.referrers.get(subject) else {
            return Ok(Vec::new());
        };
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let entries = edges
            .range::<Digest, _>((start, Bound::Unbounded))
            .filter_map(|digest| held.manifests.get(digest))
            .map(|stored| &stored.entry)
            .filter(|entry| {
                let own = entry.artifact_type.as_deref().unwrap_or_default();
                artifact_type.is_none_or(|wanted| wanted == own)
            });
        Ok(entries.take(limit).cloned().collect())
    }

    async fn repositories(&self, after: Option<&str>, limit: usize) -> Result<Vec<String>> {
        let store = self.lock();
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let names = store
            .repositories
            .range::<str, _>((start, Bound::Unbounded))
            .filter(|(_, held)| !held.manifests.is_empty())
            .map(|(name, _)| name.clone());
        Ok(names.take(limit).collect())
    }

    async fn has_repository(&self, repository: &str) -> Result<bool> {
        Ok(self.lock().repositories.contains_key(repository))
    }
}

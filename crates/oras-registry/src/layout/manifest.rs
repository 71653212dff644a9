//! Manifests and tags.

use std::sync::Arc;

use async_trait::async_trait;
use oras_spec::Digest;

use super::change::{Change, Outcome};
use super::place::blob_in;
use super::{LayoutDriver, read};
use crate::driver::{
    Condition, ManifestCommit, Manifests, PutOutcome, Result, StoredManifest, Tags, UntagOutcome,
};

/// Manifests beyond this size are read a few at a time, in bytes.
const LARGE: u64 = 64 * 1024;

#[async_trait]
impl Manifests for LayoutDriver {
    async fn put_manifest(&self, repository: &str, commit: ManifestCommit) -> Result<PutOutcome> {
        let (digest, bytes) = (commit.entry.digest.clone(), commit.bytes.clone());
        let outcome = self.change(repository, Change::Put(commit)).await?;
        let Outcome::Put(outcome) = outcome else {
            return Ok(PutOutcome::ConditionFailed);
        };
        if outcome == PutOutcome::Stored {
            self.shared.remember(&digest, &bytes);
        }
        Ok(outcome)
    }

    async fn manifest(&self, repository: &str, digest: &Digest) -> Result<Option<StoredManifest>> {
        let repository = self.shared.repository(repository);
        let Some(view) = self.view(&repository).await? else {
            return Ok(None);
        };
        if let Some(listed) = view.index().find(digest)
            && let Some(bytes) = self.shared.manifests.get(digest)
        {
            return Ok(Some(StoredManifest {
                media_type: listed.media_type.clone(),
                bytes,
            }));
        }
        // Most of what is not listed is not there at all.
        let Some(found) = read::look(blob_in(&repository.root, digest)).await? else {
            return Ok(None);
        };
        let _turn = match found.stat.size > LARGE {
            true => self.shared.large.acquire().await.ok(),
            false => None,
        };
        let digest = digest.clone();
        self.blocking(move |shared| {
            let Some(found) = view.find(shared, &repository.root, &digest) else {
                return Ok(None);
            };
            let bytes = shared.read_manifest(&repository.root, &digest);
            Ok(bytes.map(|bytes| StoredManifest {
                media_type: found.media_type,
                bytes,
            }))
        })
        .await
    }

    async fn delete_manifest(&self, repository: &str, digest: &Digest) -> Result<bool> {
        let change = Change::DeleteManifest(digest.clone());
        let outcome = self.change(repository, change).await?;
        Ok(matches!(outcome, Outcome::Deleted(true)))
    }
}

#[async_trait]
impl Tags for LayoutDriver {
    async fn resolve_tag(&self, repository: &str, tag: &str) -> Result<Option<Digest>> {
        let view = self.view(&self.shared.repository(repository)).await?;
        let tagged = view.as_ref().and_then(|view| view.index().tagged(tag));
        Ok(tagged.map(|tagged| tagged.digest.clone()))
    }

    async fn tags(
        &self,
        repository: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Option<Vec<String>>> {
        let view = self.view(&self.shared.repository(repository)).await?;
        Ok(view.map(|view: Arc<_>| {
            let tags = view.index().tags_after(after);
            // Other programs use names that no client could ask for.
            let tags = tags.filter(|tag| oras_spec::validate_tag(tag).is_ok());
            tags.take(limit).map(str::to_owned).collect()
        }))
    }

    async fn untag(
        &self,
        repository: &str,
        tag: &str,
        condition: &Condition,
    ) -> Result<UntagOutcome> {
        let change = Change::Untag(tag.to_owned(), condition.clone());
        let outcome = self.change(repository, change).await?;
        Ok(match outcome {
            Outcome::Untagged(outcome) => outcome,
            _ => UntagOutcome::Missing,
        })
    }
}

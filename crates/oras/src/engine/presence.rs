//! What the destination has already. Each content is looked for once.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use futures_util::{StreamExt, TryStreamExt, stream};
use oras_content::{FetchExt, Location, Result, Side};
use oras_spec::{Descriptor, DescriptorKey, RawManifest};
use tokio::sync::OnceCell;

use super::Engine;
use super::run::Outcome;
use crate::options::Existing;
use crate::sync::{At, METADATA_CONCURRENCY, lock};

#[derive(Default)]
pub(super) struct Presence {
    looked_up: Mutex<HashMap<DescriptorKey, Arc<OnceCell<bool>>>>,
    /// Manifests found with everything below them.
    whole: Mutex<HashSet<DescriptorKey>>,
}

impl Presence {
    fn cell(&self, content: &Descriptor) -> Arc<OnceCell<bool>> {
        let mut looked_up = lock(&self.looked_up);
        Arc::clone(looked_up.entry(content.key()).or_default())
    }
}

impl Engine {
    /// Whether the destination has `content`, whatever is below it.
    pub(super) async fn present(&self, content: &Descriptor) -> Outcome<bool> {
        let cell = self.presence.cell(content);
        let look = async {
            let _permit = self.metadata.acquire().await;
            self.target.exists(content).await
        };
        let present = self.run.attempt(async {
            let found = cell.get_or_try_init(|| look).await;
            found
                .copied()
                .at(Side::Destination, "exists")
                .map_err(|e| e.with_descriptor(content))
        });
        present.await
    }

    /// Looks for all of `contents` at the same time.
    pub(super) async fn look_up(self: &Arc<Self>, contents: &[Descriptor]) -> Outcome<Vec<bool>> {
        let engine = Arc::clone(self);
        stream::iter(contents.to_vec())
            .map(move |content| {
                let engine = Arc::clone(&engine);
                async move { engine.present(&content).await }
            })
            .buffered(METADATA_CONCURRENCY)
            .try_collect()
            .await
    }

    /// Whether the destination, which has `content`, has what is below it, too. See [`Existing::Heal`].
    pub(super) async fn whole(self: &Arc<Self>, content: &Descriptor) -> Outcome<bool> {
        if !content.is_manifest() || self.options.existing == Existing::Trust {
            return Ok(true);
        }
        let deep = !matches!(self.target.location(), Location::Repository { .. });
        let mut seen = HashSet::from([content.key()]);
        let mut open = vec![content.clone()];
        while let Some(manifest) = open.pop() {
            if lock(&self.presence.whole).contains(&manifest.key()) {
                continue;
            }
            let Some(children) = self.children_at_destination(&manifest, deep).await? else {
                return Ok(false);
            };
            let present = self.look_up(&children).await?;
            for (child, present) in children.into_iter().zip(present) {
                if !present && self.can_heal(&child).await? {
                    return Ok(false);
                }
                if present && deep && child.is_manifest() && seen.insert(child.key()) {
                    open.push(child);
                }
            }
        }
        lock(&self.presence.whole).extend(seen);
        Ok(true)
    }

    /// Whether what the destination lacks can be had. The subject of a manifest, and what a sparse index lists, may be
    /// nowhere at all.
    async fn can_heal(&self, missing: &Descriptor) -> Outcome<bool> {
        if !missing.is_manifest() {
            return Ok(true);
        }
        let there = async { self.source.exists(missing).await.at(Side::Source, "exists") };
        self.run.attempt(there).await
    }

    /// The children of a manifest that the destination has; `None` if it has them wrong.
    ///
    /// A registry is not asked for what the source has, too; a local store is the cheaper one to ask.
    async fn children_at_destination(
        &self,
        manifest: &Descriptor,
        local: bool,
    ) -> Outcome<Option<Vec<Descriptor>>> {
        if !local {
            let reading = self.read(manifest).await?;
            return self.children_of(&reading.manifest).await.map(Some);
        }
        let read: Result<RawManifest> = {
            let _permit = self.metadata.acquire().await;
            self.run
                .until_stopped(self.target.fetch_manifest(manifest))
                .await?
        };
        match read {
            Ok(manifest) => self.children_of(&manifest).await.map(Some),
            Err(_) => Ok(None),
        }
    }
}

//! One content: is it there, are its children there, then move it.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use oras_content::{Error, ErrorKind, Payload, Result, Side};
use oras_spec::Descriptor;
use tokio::task::JoinSet;

use super::Engine;
use super::claims::Claim;
use super::manifest::Body;
use super::run::Outcome;
use crate::sync::{At, METADATA_CONCURRENCY};

/// Tasks that one manifest has for its children at once. More would only queue for permits.
const SIBLINGS: usize = METADATA_CONCURRENCY;

impl Engine {
    /// Copies `contents` and everything below them, at the same time; comes back when all their tasks have ended.
    pub(super) async fn copy_all(self: &Arc<Self>, contents: &[Descriptor]) -> Outcome {
        let mut seen = HashSet::new();
        let mut unique: Vec<_> = contents.to_vec();
        unique.retain(|content| seen.insert(content.key()));
        drop(seen);
        self.look_up(&unique).await?;
        // Manifests first, as there is more below them; then the large before the small, so that none is left alone at
        // the end.
        unique.sort_by_key(|content| (!content.is_manifest(), std::cmp::Reverse(content.size)));

        let mut tasks = JoinSet::new();
        let mut outcome = Ok(());
        for content in unique {
            if tasks.len() >= SIBLINGS {
                outcome = self
                    .run
                    .join(&mut tasks)
                    .await
                    .unwrap_or(Ok(()))
                    .and(outcome);
            }
            if outcome.is_err() {
                break;
            }
            tasks.spawn(Arc::clone(self).copy(content));
        }
        // After an error, too: the others see the stop and end.
        while let Some(ended) = self.run.join(&mut tasks).await {
            outcome = outcome.and(ended);
        }
        outcome
    }

    fn copy(self: Arc<Self>, content: Descriptor) -> BoxFuture<'static, Outcome> {
        async move {
            match self.claims.claim(content.key()) {
                Claim::Theirs(completion) => self.run.until_stopped(completion.wait()).await?,
                Claim::Mine(promise) => {
                    let outcome = self.copy_claimed(&content).await;
                    promise.settle(outcome);
                    outcome
                }
            }
        }
        .boxed()
    }

    async fn copy_claimed(self: &Arc<Self>, content: &Descriptor) -> Outcome {
        if self.present(content).await? && self.whole(content).await? {
            return self.keep(content).await;
        }
        if !content.is_manifest() {
            return self.transfer(content, &Body::STREAMED, &[]).await;
        }
        let reading = self.read(content).await?;
        self.report.read(&reading.manifest);
        let children = self.children_of(&reading.manifest).await?;
        let body = self.hold(reading);
        self.copy_all(&children).await?;
        self.transfer(content, &body, &children).await
    }

    /// A content that is there stays; all it may need is its name.
    async fn keep(self: &Arc<Self>, content: &Descriptor) -> Outcome {
        let Some(name) = self.name_of(content) else {
            self.report.exists(content);
            return Ok(());
        };
        if content.is_manifest() && self.target.as_push_reference().is_some() {
            // One silent request does both; the registry checks the references once more.
            let reading = self.read(content).await?;
            let children = self.children_of(&reading.manifest).await?;
            let body = self.hold(reading);
            return self
                .push_healing(content, &body, &children, Progress::Silent)
                .await;
        }
        self.report.exists(content);
        self.tag(content, name).await
    }

    /// Moves a content whose children are there.
    async fn transfer(
        self: &Arc<Self>,
        content: &Descriptor,
        body: &Body,
        children: &[Descriptor],
    ) -> Outcome {
        if !content.is_manifest() && self.mount_with_permit(content).await? {
            self.tag_if_named(content).await?;
            self.report.mounted(content);
            return Ok(());
        }
        self.push_healing(content, body, children, Progress::Told)
            .await?;
        if !self.named_by_push(content) {
            self.tag_if_named(content).await?;
        }
        self.report.end(content, children);
        Ok(())
    }

    async fn mount_with_permit(&self, blob: &Descriptor) -> Outcome<bool> {
        let _permit = self.run.until_stopped(self.transfers.acquire()).await?;
        self.mounted(blob).await
    }

    /// Whether pushing `content` names it, too.
    fn named_by_push(&self, content: &Descriptor) -> bool {
        content.is_manifest()
            && self.name_of(content).is_some()
            && self.target.as_push_reference().is_some()
    }

    async fn tag_if_named(&self, content: &Descriptor) -> Outcome {
        match self.name_of(content) {
            Some(name) => self.tag(content, name).await,
            None => Ok(()),
        }
    }

    async fn tag(&self, content: &Descriptor, name: &str) -> Outcome {
        let tag = async {
            let tagged = self.target.tag(content, name).await;
            tagged
                .map_err(|e| e.with_reference(name))
                .at(Side::Destination, "tag")
        };
        self.run.attempt(tag).await
    }

    /// Pushes one content, and nothing else, when its turn has come.
    pub(super) async fn push(
        &self,
        content: &Descriptor,
        body: &Body,
        progress: Progress,
    ) -> Outcome<Result<()>> {
        let _permit = self.run.until_stopped(self.transfers.acquire()).await?;
        if progress == Progress::Told {
            self.report.begin(content);
        }
        let pushed = self
            .run
            .until_stopped(self.push_now(content, body, progress))
            .await?;
        Ok(pushed.map_err(|error| blame(error).with_operation("push").with_descriptor(content)))
    }

    async fn push_now(&self, content: &Descriptor, body: &Body, progress: Progress) -> Result<()> {
        let reference = self.name_of(content).filter(|_| content.is_manifest());
        if let Some((pusher, reference)) = self.target.as_push_reference().zip(reference) {
            let bytes = self.bytes_of(content, body).await?;
            let pushed = pusher.push_reference(content, bytes, reference).await;
            pushed.map_err(|error| error.with_reference(reference))?;
            if progress == Progress::Told {
                self.report.progress(content, content.size);
            }
            return Ok(());
        }
        let mut payload = self.payload_of(content, body);
        if progress == Progress::Told {
            payload = self.counted(payload, content);
        }
        self.target.push(content, payload).await?;
        Ok(())
    }

    fn counted(&self, payload: Payload, content: &Descriptor) -> Payload {
        let (report, content) = (Arc::clone(&self.report), content.clone());
        let size = content.size;
        payload.counted(
            size,
            Arc::new(move |bytes| report.progress(&content, bytes)),
        )
    }
}

/// Whether a push is told to the observer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    Told,
    Silent,
}

/// Wrong bytes that we noticed ourselves came out of the source; whatever else fails a push is the destination's.
fn blame(error: Error) -> Error {
    let wrong = matches!(
        error.kind(),
        ErrorKind::DigestMismatch | ErrorKind::SizeMismatch
    );
    match wrong && error.response().is_none() {
        true => error.with_side(Side::Source),
        false => error.with_side(Side::Destination),
    }
}

//! When a destination said that the children are there, and then refuses the parent because they are not:
//! push the children whatever it said, then the parent again, once.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use oras_content::{Error, ErrorKind, Result};
use oras_spec::Descriptor;

use super::Engine;
use super::manifest::Body;
use super::run::Outcome;
use super::transfer::Progress;

impl Engine {
    /// Pushes a content whose children are there, and the children again if the destination misses them.
    pub(super) async fn push_healing(
        self: &Arc<Self>,
        content: &Descriptor,
        body: &Body,
        children: &[Descriptor],
        progress: Progress,
    ) -> Outcome {
        let mut pushed = self.push(content, body, progress).await?;
        if let Err(error) = &pushed
            && !children.is_empty()
            && misses_children(error)
        {
            tracing::debug!(digest = %content.digest, %error, "pushing the children once more");
            for child in children {
                // No permit is held here: the children need them.
                self.push_anyway(child).await?;
            }
            pushed = self.push(content, body, Progress::Silent).await?;
        }
        self.run.attempt(async { pushed }).await
    }

    /// Pushes a content although it is said to be there, and what is below it as far as that is missed, too.
    fn push_anyway<'a>(self: &'a Arc<Self>, content: &'a Descriptor) -> BoxFuture<'a, Outcome> {
        async move {
            if !content.is_manifest() {
                let pushed: Result<()> =
                    self.push(content, &Body::STREAMED, Progress::Told).await?;
                self.run.attempt(async { pushed }).await?;
                self.report.end(content, &[]);
                return Ok(());
            }
            let reading = self.read(content).await?;
            let children = self.children_of(&reading.manifest).await?;
            let body = self.hold(reading);
            self.push_healing(content, &body, &children, Progress::Told)
                .await?;
            self.report.end(content, &[]);
            Ok(())
        }
        .boxed()
    }
}

/// Whether the destination refused a manifest because of what the manifest refers to.
fn misses_children(error: &Error) -> bool {
    const CODES: [&str; 3] = ["MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN", "MANIFEST_UNKNOWN"];
    error.kind() == ErrorKind::MissingReferencedContent
        || error
            .registry_errors()
            .iter()
            .any(|e| CODES.contains(&e.code.as_str()))
}

//! The engine that copies a graph: every operation that moves content runs on it.
//!
//! - A content is claimed by one task; others that need it wait for the outcome, good or bad.
//! - A permit is held while a content moves, never while waiting for children or for another task's claim. So a diamond
//!   with one permit ends.
//! - Children are complete before their parent is pushed.
//! - The first error stops everything else and is the one that is returned. When [`Engine::run`] returns, no task of it
//!   is left.
//! - Manifests are held in memory up to a budget and read again beyond it; blobs stream.

mod claims;
mod heal;
mod manifest;
mod mount;
mod presence;
mod report;
mod run;
mod transfer;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use oras_content::{Result, Source, Target};
use oras_spec::{Descriptor, DescriptorKey};
use tokio::sync::Semaphore;

use self::claims::Claims;
use self::manifest::Budget;
use self::mount::Mounts;
use self::presence::Presence;
use self::run::Run;
use crate::options::{CopyOptions, DEFAULT_CONCURRENCY};
use crate::sync::METADATA_CONCURRENCY;

pub(crate) use self::report::{Copying, Report};

/// One copy of a graph.
pub(crate) struct Engine {
    source: Arc<dyn Source>,
    target: Arc<dyn Target>,
    options: CopyOptions,
    report: Arc<dyn Report>,
    /// The content that gets a name once it is there.
    named: Option<Named>,
    run: Run,
    claims: Claims,
    presence: Presence,
    mounts: Mounts,
    budget: Budget,
    /// Manifests read and verified before the engine started.
    seeds: Mutex<HashMap<DescriptorKey, Bytes>>,
    /// Permits for moving content.
    transfers: Semaphore,
    /// Permits for existence checks and manifest reads.
    metadata: Semaphore,
}

struct Named {
    key: DescriptorKey,
    reference: String,
}

impl Engine {
    pub(crate) fn new(
        source: &Arc<dyn Source>,
        target: &Arc<dyn Target>,
        options: &CopyOptions,
    ) -> Self {
        let concurrency = match options.concurrency {
            0 => DEFAULT_CONCURRENCY,
            n => n.min(Semaphore::MAX_PERMITS),
        };
        Self {
            source: Arc::clone(source),
            target: Arc::clone(target),
            options: options.clone(),
            report: Arc::new(Copying::new(Arc::clone(&options.events))),
            named: None,
            run: Run::new(&options.cancel),
            claims: Claims::default(),
            presence: Presence::default(),
            mounts: Mounts::new(&options.mount, &source.location(), &target.location()),
            budget: Budget::default(),
            seeds: Mutex::default(),
            transfers: Semaphore::new(concurrency),
            metadata: Semaphore::new(METADATA_CONCURRENCY),
        }
    }

    /// Gives `content` the name `reference`, after everything below it is there.
    #[must_use]
    pub(crate) fn naming(mut self, content: &Descriptor, reference: &str) -> Self {
        if !reference.is_empty() {
            self.named = Some(Named {
                key: content.key(),
                reference: reference.to_owned(),
            });
        }
        self
    }

    /// Uses bytes of a manifest that were read and verified already.
    #[must_use]
    pub(crate) fn seeded(self, manifest: &Descriptor, bytes: Option<Bytes>) -> Self {
        if let Some(bytes) = bytes {
            crate::sync::lock(&self.seeds).insert(manifest.key(), bytes);
        }
        self
    }

    /// Tells another observer what happens.
    #[must_use]
    pub(crate) fn reporting(mut self, report: Arc<dyn Report>) -> Self {
        self.report = report;
        self
    }

    /// Copies everything below `roots`, and them.
    pub(crate) async fn run(self, roots: Vec<Descriptor>) -> Result<()> {
        let engine = Arc::new(self);
        let outcome = engine.copy_all(&roots).await;
        engine.run.conclude(outcome)
    }

    fn name_of(&self, content: &Descriptor) -> Option<&str> {
        let named = self.named.as_ref()?;
        (named.key == content.key()).then_some(named.reference.as_str())
    }
}

//! What every operation that moves a graph can be told.

use std::sync::Arc;

use async_trait::async_trait;
use oras_content::{EventSink, Fetch, MAX_MANIFEST_BYTES, NoEvents, Result};
use oras_spec::{Descriptor, Platform, RawManifest};
use tokio_util::sync::CancellationToken;

/// How many contents are transferred at once unless told otherwise.
pub const DEFAULT_CONCURRENCY: usize = 3;

/// How a graph is copied. Start from [`CopyOptions::default`] and change what you need.
#[derive(Clone)]
#[non_exhaustive]
pub struct CopyOptions {
    /// Contents transferred at once; 0 stands for [`DEFAULT_CONCURRENCY`]. Existence checks have a limit of their own.
    pub concurrency: usize,
    /// Is told what happens.
    pub events: Arc<dyn EventSink>,
    /// Copies only the manifest for this platform.
    pub platform: Option<Platform>,
    /// Where blobs may be mounted from instead of being transferred.
    pub mount: MountPolicy,
    /// What it means that a manifest is at the destination already.
    pub existing: Existing,
    /// Ends the operation early, with [`ErrorKind::Cancelled`](oras_content::ErrorKind::Cancelled).
    pub cancel: CancellationToken,
    /// Manifests larger than this many bytes are refused; 4 MiB by default. They are held in memory, blobs never are.
    pub max_manifest_bytes: u64,
    /// Decides which children of a manifest are copied; all of them if `None`.
    pub successors: Option<Arc<dyn Successors>>,
}

impl Default for CopyOptions {
    fn default() -> Self {
        Self {
            concurrency: DEFAULT_CONCURRENCY,
            events: Arc::new(NoEvents),
            platform: None,
            mount: MountPolicy::default(),
            existing: Existing::default(),
            cancel: CancellationToken::new(),
            max_manifest_bytes: MAX_MANIFEST_BYTES,
            successors: None,
        }
    }
}

/// Where blobs may be mounted from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MountPolicy {
    /// Every blob is transferred.
    Never,
    /// From the source repository, if it is on the registry of the destination and under the same identity.
    #[default]
    Auto,
    /// From these repositories of the destination's registry, tried in order.
    From(Vec<String>),
}

/// What it means that a manifest is at the destination already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Existing {
    /// Its children are looked for, too, and what is missing is copied.
    ///
    /// Looking for them is cheap in local stores, where it goes all the way down. A registry checks the references of
    /// what it takes in, so there only the direct children of the topmost manifest that is present are looked for,
    /// at the same time. Where a registry still finds something missing when it gets the parent, all children are
    /// pushed once more whatever it said about them before.
    #[default]
    Heal,
    /// Everything below it is taken to be there. One request for a copy that was done before.
    Trust,
}

/// Decides which children of a manifest an operation follows.
#[async_trait]
pub trait Successors: Send + Sync {
    /// The children of `manifest` to copy, in order. `source` is where more about them can be read.
    ///
    /// May be asked more than once about one manifest. Layers that are not to be distributed are left out anyway.
    async fn successors(
        &self,
        source: &dyn Fetch,
        manifest: &RawManifest,
    ) -> Result<Vec<Descriptor>>;
}

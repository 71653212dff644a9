//! Making an artifact out of content in a local store, and sending it off.

use std::sync::Arc;

use async_trait::async_trait;
use oras_content::{Fetch, Result, Source, Target};
use oras_spec::{Descriptor, RawManifest};

use crate::copy::copy_node;
use crate::options::{CopyOptions, Successors};
use crate::pack::{PackOptions, PackVersion, pack};
use crate::tag::{TagOptions, tag_manifest};

/// How an artifact is pushed.
#[derive(Clone, Default)]
pub struct PushOptions {
    /// The manifest. Its layers and its config are in the local store.
    pub pack: PackOptions,
    /// How it is copied.
    pub copy: CopyOptions,
    /// Further names, given after the first one.
    pub tags: Vec<String>,
}

/// Packs a manifest in the local `store` and copies it, with what it holds, to `target` as `destination`; without a name
/// if that is empty.
///
/// # Errors
/// Those of [`pack`], [`copy`](crate::copy()) and [`tag_manifest`].
pub async fn push(
    store: &Arc<dyn Target>,
    target: &Arc<dyn Target>,
    destination: &str,
    options: &PushOptions,
) -> Result<RawManifest> {
    let manifest = pack(store.as_ref(), &options.pack).await?;
    push_packed(store, &manifest, target, destination, &options.copy).await?;
    let tagging = TagOptions {
        events: Arc::clone(&options.copy.events),
        ..TagOptions::default()
    };
    tag_manifest(target, &manifest, &options.tags, &tagging).await?;
    Ok(manifest)
}

/// How something is attached to a manifest.
#[derive(Clone, Default)]
pub struct AttachOptions {
    /// The manifest; version and subject are set by [`attach`].
    pub pack: PackOptions,
    /// How it is copied.
    pub copy: CopyOptions,
}

/// Packs a manifest that refers to `subject` in the local `store`, and copies it to `target`, without a name.
///
/// The subject is neither copied nor looked for.
///
/// # Errors
/// Those of [`pack`] and [`copy`](crate::copy()).
pub async fn attach(
    store: &Arc<dyn Target>,
    subject: &Descriptor,
    target: &Arc<dyn Target>,
    options: &AttachOptions,
) -> Result<RawManifest> {
    let mut packing = options.pack.clone();
    packing.version = PackVersion::V1_1;
    packing.subject = Some(subject.clone());
    let manifest = pack(store.as_ref(), &packing).await?;
    push_packed(store, &manifest, target, "", &options.copy).await?;
    Ok(manifest)
}

/// Copies a manifest that was packed in the local `store`, and what it holds, to `target`; its subject is taken to be
/// there.
///
/// # Errors
/// Those of [`copy`](crate::copy()).
pub async fn push_packed(
    store: &Arc<dyn Target>,
    manifest: &RawManifest,
    target: &Arc<dyn Target>,
    destination: &str,
    options: &CopyOptions,
) -> Result<()> {
    let source: Arc<dyn Source> = Arc::clone(store) as _;
    let mut options = options.clone();
    if options.successors.is_none() {
        options.successors = Some(Arc::new(WithoutSubject));
    }
    copy_node(
        &source,
        manifest.descriptor(),
        target,
        destination,
        &options,
    )
    .await
}

/// Everything below a manifest but what it refers to.
struct WithoutSubject;

#[async_trait]
impl Successors for WithoutSubject {
    async fn successors(&self, _: &dyn Fetch, manifest: &RawManifest) -> Result<Vec<Descriptor>> {
        let mut children = manifest.successors();
        // A subject comes first in the list of children.
        if manifest.subject().is_some() {
            children.remove(0);
        }
        Ok(children)
    }
}

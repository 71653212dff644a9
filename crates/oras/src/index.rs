//! Making image indexes out of manifests, and changing them.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use oras_content::{
    Error, ErrorKind, FetchExt, MAX_MANIFEST_BYTES, Payload, Result, Side, Source, Target,
    parse_manifest,
};
use oras_spec::{
    Annotations, Descriptor, Digest, ImageIndex, ImageManifest, Manifest, Platform, RawManifest,
    json, media_type,
};
use serde_json::Map;
use tokio_util::sync::CancellationToken;

use crate::copy::flushed;
use crate::resolve::{Root, fetch_root};
use crate::sync::{At, unless_cancelled};

/// What an index is made of.
#[derive(Clone, Debug, Default)]
pub struct NewIndex {
    /// Tags or digests of the manifests to list, in order; one that comes twice is listed twice.
    pub manifests: Vec<String>,
    /// The type of the index as an artifact; none if empty.
    pub artifact_type: String,
    /// Annotations of the index.
    pub annotations: Annotations,
}

/// What is to be changed in an index; all of it in the order of the fields.
#[derive(Clone, Debug, Default)]
pub struct IndexChanges {
    /// The new type of the index as an artifact; an empty one takes it away.
    pub artifact_type: Option<String>,
    /// Manifests that are not to be listed any more.
    pub remove: Vec<Digest>,
    /// Tags or digests of manifests to list at the end.
    pub add: Vec<String>,
    /// Tags or digests of indexes whose entries are to be listed at the end.
    pub merge: Vec<String>,
}

impl IndexChanges {
    /// Whether nothing is to be changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.artifact_type.is_none()
            && self.remove.is_empty()
            && self.add.is_empty()
            && self.merge.is_empty()
    }
}

/// Something that happened while an index was made. References are as they were given.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum IndexEvent<'a> {
    /// A manifest is about to be read.
    Fetching(&'a str),
    /// A manifest was read.
    Fetched(&'a str, &'a Digest),
    /// Its entries were removed.
    Removed(&'a Digest),
    /// A manifest was listed.
    Added(&'a str, &'a Digest),
    /// The entries of an index were listed.
    Merged(&'a str, &'a Digest),
}

/// How indexes are made.
#[derive(Clone)]
pub struct IndexOptions {
    /// Is told what happens, in order.
    pub events: Arc<dyn Fn(&IndexEvent<'_>) + Send + Sync>,
    /// Ends the operation early, with [`ErrorKind::Cancelled`].
    pub cancel: CancellationToken,
}

impl Default for IndexOptions {
    fn default() -> Self {
        Self {
            events: Arc::new(|_| {}),
            cancel: CancellationToken::new(),
        }
    }
}

/// Makes an index without putting it anywhere: see [`push_index`].
///
/// Each entry has the artifact type of its manifest, and for an image the platform that its config tells.
///
/// # Errors
/// [`ErrorKind::InvalidMediaType`] for the artifact type; [`ErrorKind::Unsupported`] for a reference to something else
/// than a manifest; what reading manifests and configs fails with.
pub async fn create_index(
    source: &Arc<dyn Source>,
    new: &NewIndex,
    options: &IndexOptions,
) -> Result<RawManifest> {
    let made = async {
        let mut index = ImageIndex::new(Vec::new());
        index.artifact_type = artifact_type(&new.artifact_type)?;
        index.annotations.clone_from(&new.annotations);
        let reader = Reader { source, options };
        for reference in &new.manifests {
            index.manifests.push(reader.entry(reference).await?);
        }
        encode(&index, media_type::IMAGE_INDEX)
    };
    unless_cancelled(&options.cancel, made).await
}

/// Makes a new index out of the one that `reference` stands for, without putting it anywhere: see [`push_index`].
///
/// Its known fields are encoded anew; others don't stay.
///
/// # Errors
/// As [`create_index`]; [`ErrorKind::Unsupported`] for a reference to something else than an index;
/// [`ErrorKind::InvalidReference`] for removing what is not listed.
pub async fn update_index(
    source: &Arc<dyn Source>,
    reference: &str,
    changes: &IndexChanges,
    options: &IndexOptions,
) -> Result<RawManifest> {
    let made = async {
        let reader = Reader { source, options };
        let (old, mut index) = reader.index(reference).await?;
        if let Some(given) = &changes.artifact_type {
            index.artifact_type = artifact_type(given)?;
        }
        let mut removed = HashSet::new();
        for digest in changes.remove.iter().filter(|one| removed.insert(*one)) {
            let before = index.manifests.len();
            index.manifests.retain(|entry| entry.digest != *digest);
            if index.manifests.len() == before {
                let text = format!("{digest} does not exist in the index {reference}");
                return Err(Error::new(ErrorKind::InvalidReference, text));
            }
            reader.tell(&IndexEvent::Removed(digest));
        }
        for reference in &changes.add {
            let entry = reader.entry(reference).await?;
            reader.tell(&IndexEvent::Added(reference, &entry.digest));
            index.manifests.push(entry);
        }
        for reference in &changes.merge {
            let (merged, other) = reader.index(reference).await?;
            index.manifests.extend(other.manifests);
            reader.tell(&IndexEvent::Merged(reference, &merged.digest));
        }
        let claimed = index.media_type.clone();
        encode(&index, &claimed.unwrap_or(old.media_type))
    };
    unless_cancelled(&options.cancel, made).await
}

/// Puts an index into `target` under the tag `reference`, or under its digest alone if that is empty.
///
/// # Errors
/// What the target fails with.
pub async fn push_index(
    target: &Arc<dyn Target>,
    index: &RawManifest,
    reference: &str,
) -> Result<()> {
    let (descriptor, bytes) = (index.descriptor(), index.bytes().clone());
    let pushed = match target.as_push_reference() {
        Some(pusher) if !reference.is_empty() => {
            pusher.push_reference(descriptor, bytes, reference).await
        }
        _ => match target.push(descriptor, Payload::bytes(bytes)).await {
            Ok(_) if !reference.is_empty() => target.tag(descriptor, reference).await,
            pushed => pushed.map(drop),
        },
    };
    flushed(target, pushed.at(Side::Destination, "push")).await
}

/// Reads what an index is made of.
struct Reader<'a> {
    source: &'a Arc<dyn Source>,
    options: &'a IndexOptions,
}

impl Reader<'_> {
    fn tell(&self, event: &IndexEvent<'_>) {
        (self.options.events)(event);
    }

    /// What lists the manifest that `reference` stands for.
    async fn entry(&self, reference: &str) -> Result<Descriptor> {
        let manifest = self.read(reference, Role::Manifest).await?;
        let mut entry = manifest.descriptor().plain();
        match manifest.manifest() {
            Manifest::Image(image) | Manifest::DockerImage(image) => {
                entry.artifact_type.clone_from(&image.artifact_type);
                entry.platform = self.platform(image).await?;
            }
            Manifest::Index(index) | Manifest::DockerList(index) => {
                entry.artifact_type.clone_from(&index.artifact_type);
            }
            _ => return Err(Role::Manifest.refuse(reference)),
        }
        Ok(entry)
    }

    /// The index that `reference` stands for.
    async fn index(&self, reference: &str) -> Result<(Descriptor, ImageIndex)> {
        let manifest = self.read(reference, Role::Index).await?;
        match manifest.manifest() {
            Manifest::Index(index) | Manifest::DockerList(index) => {
                Ok((manifest.descriptor().plain(), known(index.clone())))
            }
            _ => Err(Role::Index.refuse(reference)),
        }
    }

    async fn read(&self, reference: &str, role: Role) -> Result<RawManifest> {
        self.tell(&IndexEvent::Fetching(reference));
        let Root { descriptor, bytes } =
            fetch_root(self.source, reference, None, MAX_MANIFEST_BYTES)
                .await
                .map_err(|error| role.missing(reference, error))?;
        if !role.fits(&descriptor.media_type) {
            return Err(role.refuse(reference));
        }
        let bytes = match bytes {
            Some(bytes) => bytes,
            None => {
                let bytes = self.bytes(&descriptor).await;
                bytes.map_err(|error| role.missing(reference, error))?
            }
        };
        self.tell(&IndexEvent::Fetched(reference, &descriptor.digest));
        parse_manifest(&descriptor, bytes).at(Side::Source, "fetch")
    }

    async fn bytes(&self, manifest: &Descriptor) -> Result<Bytes> {
        let bytes = self.source.fetch_bytes(manifest, MAX_MANIFEST_BYTES).await;
        bytes.at(Side::Source, "fetch")
    }

    /// The platform that the config of an image tells, if it tells any.
    async fn platform(&self, image: &ImageManifest) -> Result<Option<Platform>> {
        let config = &image.config;
        if config.size > MAX_MANIFEST_BYTES {
            let text = format!(
                "config size {} exceeds MaxBytes {MAX_MANIFEST_BYTES}: size exceeds limit",
                config.size
            );
            return Err(Error::new(ErrorKind::SizeLimit, text).with_descriptor(config));
        }
        let bytes = self.bytes(config).await?;
        let told = serde_json::from_slice::<Platform>(&bytes).ok();
        let told = told.filter(|own| !own.architecture.is_empty() || !own.os.is_empty());
        // The rest of the config is no part of a platform.
        Ok(told.map(known_platform))
    }
}

/// What a reference has to lead to.
#[derive(Clone, Copy)]
enum Role {
    Manifest,
    Index,
}

impl Role {
    fn fits(self, media_type: &str) -> bool {
        let image = [media_type::IMAGE_MANIFEST, media_type::DOCKER_MANIFEST];
        media_type::is_index(media_type)
            || matches!(self, Self::Manifest) && image.contains(&media_type)
    }

    fn refuse(self, reference: &str) -> Error {
        let what = match self {
            Self::Manifest => "a manifest",
            Self::Index => "an index",
        };
        let text = format!("{reference} is not {what}");
        Error::new(ErrorKind::Unsupported, text)
    }

    fn missing(self, reference: &str, error: Error) -> Error {
        let what = match self {
            Self::Manifest => "manifest",
            Self::Index => "index",
        };
        error.context(format!("could not find the {what} {reference}"))
    }
}

fn artifact_type(text: &str) -> Result<Option<String>> {
    if text.is_empty() {
        return Ok(None);
    }
    match media_type::validate(text) {
        Ok(()) => Ok(Some(text.to_owned())),
        Err(error) => Err(Error::new(
            ErrorKind::InvalidMediaType,
            format!("{text}: {error}"),
        )),
    }
}

/// The index with nothing but the fields that the specification knows: what is encoded anew is what we understand.
fn known(mut index: ImageIndex) -> ImageIndex {
    index.extra = Map::new();
    for entry in index.manifests.iter_mut().chain(&mut index.subject) {
        entry.extra = Map::new();
        entry.platform = entry.platform.take().map(known_platform);
    }
    index
}

fn known_platform(platform: Platform) -> Platform {
    Platform {
        features: Vec::new(),
        extra: Map::new(),
        ..platform
    }
}

fn encode(index: &ImageIndex, media_type: &str) -> Result<RawManifest> {
    let bytes = json::to_vec(index).map_err(|error| {
        Error::new(ErrorKind::InvalidManifest, "index can't be encoded").with_source(error)
    })?;
    let mut descriptor = Descriptor::of_bytes(media_type, &bytes);
    descriptor.artifact_type.clone_from(&index.artifact_type);
    descriptor.annotations.clone_from(&index.annotations);
    parse_manifest(&descriptor, bytes.into())
}

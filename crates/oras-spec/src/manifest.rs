//! Manifests (image-spec, manifest.md and image-index.md; Docker schema 2; the two artifact manifests of the past).
//!
//! [`ImageManifest`], [`ImageIndex`] and [`ArtifactManifest`] are the three shapes, [`Manifest`] says which media type a shape
//! was read under, and [`RawManifest`] keeps the exact bytes beside it.

mod raw;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::annotation::Annotations;
use crate::descriptor::{self, Descriptor};
use crate::media_type;
use crate::platform::Platform;
use crate::tolerant;

pub use raw::{ManifestError, RawManifest};

/// Value of `schemaVersion` in everything written today.
const SCHEMA_VERSION: u32 = 2;

/// An image manifest (image-spec, manifest.md), also in the shape of Docker schema 2.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageManifest {
    /// Always 2.
    #[serde(
        rename = "schemaVersion",
        default,
        deserialize_with = "tolerant::null_as_default"
    )]
    pub schema_version: u32,
    /// The media type this manifest claims to have.
    #[serde(
        rename = "mediaType",
        default,
        deserialize_with = "tolerant::empty_as_none",
        skip_serializing_if = "tolerant::is_empty"
    )]
    pub media_type: Option<String>,
    /// Type of the artifact.
    #[serde(
        rename = "artifactType",
        default,
        deserialize_with = "tolerant::empty_as_none",
        skip_serializing_if = "tolerant::is_empty"
    )]
    pub artifact_type: Option<String>,
    /// The configuration.
    pub config: Descriptor,
    /// The layers; written as `[]` when there are none.
    #[serde(default, deserialize_with = "tolerant::null_as_default")]
    pub layers: Vec<Descriptor>,
    /// The manifest this one refers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    /// Annotations of this manifest.
    #[serde(
        default,
        deserialize_with = "tolerant::annotations",
        skip_serializing_if = "Annotations::is_empty"
    )]
    pub annotations: Annotations,
    /// Fields unknown to this crate.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl ImageManifest {
    /// An OCI image manifest.
    #[must_use]
    pub fn new(config: Descriptor, layers: Vec<Descriptor>) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            media_type: Some(media_type::IMAGE_MANIFEST.to_owned()),
            artifact_type: None,
            config,
            layers,
            subject: None,
            annotations: Annotations::new(),
            extra: Map::new(),
        }
    }
}

/// An image index (image-spec, image-index.md), also in the shape of a Docker manifest list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageIndex {
    /// Always 2.
    #[serde(
        rename = "schemaVersion",
        default,
        deserialize_with = "tolerant::null_as_default"
    )]
    pub schema_version: u32,
    /// The media type this index claims to have.
    #[serde(
        rename = "mediaType",
        default,
        deserialize_with = "tolerant::empty_as_none",
        skip_serializing_if = "tolerant::is_empty"
    )]
    pub media_type: Option<String>,
    /// Type of the artifact.
    #[serde(
        rename = "artifactType",
        default,
        deserialize_with = "tolerant::empty_as_none",
        skip_serializing_if = "tolerant::is_empty"
    )]
    pub artifact_type: Option<String>,
    /// The manifests; written as `[]` when there are none. Entries without any content are skipped on reading.
    #[serde(default, deserialize_with = "descriptor::entries")]
    pub manifests: Vec<Descriptor>,
    /// The manifest this index refers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    /// Annotations of this index.
    #[serde(
        default,
        deserialize_with = "tolerant::annotations",
        skip_serializing_if = "Annotations::is_empty"
    )]
    pub annotations: Annotations,
    /// Fields unknown to this crate.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl ImageIndex {
    /// An OCI image index.
    #[must_use]
    pub fn new(manifests: Vec<Descriptor>) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            media_type: Some(media_type::IMAGE_INDEX.to_owned()),
            artifact_type: None,
            manifests,
            subject: None,
            annotations: Annotations::new(),
            extra: Map::new(),
        }
    }

    /// The first entry made for a platform (image-spec, image-index.md: on several matches the first should be used).
    #[must_use]
    pub fn find(&self, wanted: &Platform) -> Option<&Descriptor> {
        let suits = |entry: &&Descriptor| {
            entry
                .platform
                .as_ref()
                .is_some_and(|own| own.matches(wanted))
        };
        self.manifests.iter().find(suits)
    }
}

/// An artifact manifest: the one withdrawn from image-spec 1.1, or the older one of the artifacts-spec. Read, never written
/// by our tools.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactManifest {
    /// The media type this manifest claims to have.
    #[serde(
        rename = "mediaType",
        default,
        deserialize_with = "tolerant::null_as_default"
    )]
    pub media_type: String,
    /// Type of the artifact.
    #[serde(
        rename = "artifactType",
        default,
        deserialize_with = "tolerant::null_as_default"
    )]
    pub artifact_type: String,
    /// The content.
    #[serde(default, deserialize_with = "tolerant::null_as_default")]
    pub blobs: Vec<Descriptor>,
    /// The manifest this one refers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    /// Annotations of this manifest.
    #[serde(
        default,
        deserialize_with = "tolerant::annotations",
        skip_serializing_if = "Annotations::is_empty"
    )]
    pub annotations: Annotations,
    /// Fields unknown to this crate.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A manifest under the media type it was read as. Its shape alone does not tell: the same JSON means different things as an OCI
/// and as a Docker manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Manifest {
    /// OCI image manifest.
    Image(ImageManifest),
    /// OCI image index.
    Index(ImageIndex),
    /// OCI or ORAS artifact manifest.
    Artifact(ArtifactManifest),
    /// Docker image manifest.
    DockerImage(ImageManifest),
    /// Docker manifest list.
    DockerList(ImageIndex),
}

impl Manifest {
    /// Everything this manifest points at, in order and with duplicates: subject, config, then layers, manifests or blobs.
    #[must_use]
    pub fn successors(&self) -> Vec<Descriptor> {
        let children = match self {
            Self::Index(index) | Self::DockerList(index) => &index.manifests,
            _ => self.layers(),
        };
        let leading = self.subject().into_iter().chain(self.config());
        leading.chain(children).cloned().collect()
    }

    /// The manifest this one refers to. Docker types have none, whatever their JSON says.
    #[must_use]
    pub fn subject(&self) -> Option<&Descriptor> {
        match self {
            Self::Image(manifest) => manifest.subject.as_ref(),
            Self::Index(index) => index.subject.as_ref(),
            Self::Artifact(artifact) => artifact.subject.as_ref(),
            Self::DockerImage(_) | Self::DockerList(_) => None,
        }
    }

    /// The configuration of an image manifest.
    #[must_use]
    pub fn config(&self) -> Option<&Descriptor> {
        match self {
            Self::Image(manifest) | Self::DockerImage(manifest) => Some(&manifest.config),
            _ => None,
        }
    }

    /// The layers of an image manifest or the blobs of an artifact manifest.
    #[must_use]
    pub fn layers(&self) -> &[Descriptor] {
        match self {
            Self::Image(manifest) | Self::DockerImage(manifest) => &manifest.layers,
            Self::Artifact(artifact) => &artifact.blobs,
            Self::Index(_) | Self::DockerList(_) => &[],
        }
    }

    /// The annotations of the manifest itself.
    #[must_use]
    pub fn annotations(&self) -> &Annotations {
        match self {
            Self::Image(manifest) | Self::DockerImage(manifest) => &manifest.annotations,
            Self::Index(index) | Self::DockerList(index) => &index.annotations,
            Self::Artifact(artifact) => &artifact.annotations,
        }
    }

    /// The effective type of the artifact: the field of that name, else the media type of the config
    /// (image-spec, manifest.md, property `artifactType`).
    #[must_use]
    pub fn artifact_type(&self) -> Option<&str> {
        let own = match self {
            Self::Image(manifest) | Self::DockerImage(manifest) => {
                manifest.artifact_type.as_deref()
            }
            Self::Index(index) | Self::DockerList(index) => index.artifact_type.as_deref(),
            Self::Artifact(artifact) => Some(artifact.artifact_type.as_str()),
        };
        let of_config = self.config().map(|config| config.media_type.as_str());
        own.filter(|text| !text.is_empty())
            .or(of_config.filter(|text| !text.is_empty()))
    }

    /// The media type that the JSON itself claims. Unlike the descriptor's, nobody vouches for it: a reader may only compare it.
    #[must_use]
    pub fn claimed_media_type(&self) -> Option<&str> {
        let claimed = match self {
            Self::Image(manifest) | Self::DockerImage(manifest) => manifest.media_type.as_deref(),
            Self::Index(index) | Self::DockerList(index) => index.media_type.as_deref(),
            Self::Artifact(artifact) => Some(artifact.media_type.as_str()),
        };
        claimed.filter(|text| !text.is_empty())
    }
}

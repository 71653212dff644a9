//! Content descriptors (image-spec, descriptor.md).

mod data;
#[cfg(test)]
pub(crate) mod tests;
mod wire;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::annotation::{self, Annotations};
use crate::digest::Digest;
use crate::media_type;
use crate::platform::Platform;
use crate::tolerant;

pub use data::Data;
pub(crate) use wire::entries;

/// The bytes of the empty descriptor (image-spec, manifest.md, "Guidance for an Empty Descriptor").
///
/// Two bytes rather than none, because some registries refuse to store nothing.
pub const EMPTY_JSON_BYTES: &[u8] = b"{}";

const EMPTY_JSON_DIGEST: &str =
    "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

/// What and where some content is (image-spec, descriptor.md, "Properties").
///
/// Fields are written in the order of the reference implementation and empty ones are left out, so that the same manifest gets
/// the same digest. Fields this crate does not know survive in `extra`.
///
/// Reading accepts `null` for optional fields and refuses a size that no file can have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "wire::WireDescriptor")]
pub struct Descriptor {
    /// Type of the content.
    #[serde(rename = "mediaType")]
    pub media_type: String,
    /// Digest of the content.
    pub digest: Digest,
    /// Size of the content in bytes.
    pub size: u64,
    /// Other places to get the content from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
    /// Annotations of this descriptor.
    #[serde(skip_serializing_if = "Annotations::is_empty")]
    pub annotations: Annotations,
    /// The content itself, when it is embedded. Not checked: see [`Descriptor::verified_data`].
    #[serde(skip_serializing_if = "Data::is_absent")]
    pub data: Option<Data>,
    /// What machine the content is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// Type of the artifact, when the content is a manifest.
    #[serde(rename = "artifactType", skip_serializing_if = "tolerant::is_empty")]
    pub artifact_type: Option<String>,
    /// Fields unknown to this crate.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Descriptor {
    /// A descriptor with the three required fields.
    #[must_use]
    pub fn new(media_type: impl Into<String>, digest: Digest, size: u64) -> Self {
        Self {
            media_type: media_type.into(),
            digest,
            size,
            urls: Vec::new(),
            annotations: Annotations::new(),
            data: None,
            platform: None,
            artifact_type: None,
            extra: Map::new(),
        }
    }

    /// Describes `bytes` by their sha256 digest. An empty media type stands for `application/octet-stream`.
    #[must_use]
    pub fn of_bytes(media_type: impl Into<String>, bytes: &[u8]) -> Self {
        let mut media_type = media_type.into();
        if media_type.is_empty() {
            media_type.push_str(media_type::OCTET_STREAM);
        }
        Self::new(media_type, Digest::sha256(bytes), bytes.len() as u64)
    }

    /// The descriptor of `{}` with its content embedded (image-spec, manifest.md, "Guidance for an Empty Descriptor").
    #[must_use]
    pub fn empty_json() -> Self {
        let digest = Digest::known(EMPTY_JSON_DIGEST);
        let mut descriptor = Self::new(
            media_type::EMPTY_JSON,
            digest,
            EMPTY_JSON_BYTES.len() as u64,
        );
        descriptor.data = Some(Data::from_static(EMPTY_JSON_BYTES));
        descriptor
    }

    /// This descriptor reduced to its three required fields.
    #[must_use]
    pub fn plain(&self) -> Self {
        Self::new(self.media_type.clone(), self.digest.clone(), self.size)
    }

    /// The identity of the content, for use in sets and maps.
    #[must_use]
    pub fn key(&self) -> DescriptorKey {
        DescriptorKey {
            media_type: self.media_type.clone(),
            digest: self.digest.clone(),
            size: self.size,
        }
    }

    /// Whether both describe the same content: media type, digest and size agree.
    #[must_use]
    pub fn same_content(&self, other: &Self) -> bool {
        self.digest == other.digest
            && self.size == other.size
            && self.media_type == other.media_type
    }

    /// Whether the content is a manifest, see [`media_type::is_manifest`].
    #[must_use]
    pub fn is_manifest(&self) -> bool {
        media_type::is_manifest(&self.media_type)
    }

    /// Whether the content is a layer that registries don't store, see [`media_type::is_foreign_layer`].
    #[must_use]
    pub fn is_foreign_layer(&self) -> bool {
        media_type::is_foreign_layer(&self.media_type)
    }

    /// The title annotation: the file name of a layer.
    #[must_use]
    pub fn title(&self) -> Option<&str> {
        self.annotations.get(annotation::TITLE).map(String::as_str)
    }

    /// The embedded content, if there is any and it really is the described content
    /// (image-spec, descriptor.md, "Embedded Content": it must be verified before use).
    #[must_use]
    pub fn verified_data(&self) -> Option<&bytes::Bytes> {
        let data = &self.data.as_ref()?.0;
        if data.len() as u64 != self.size {
            return None;
        }
        let algorithm = self.digest.verifier().ok()?;
        (Digest::of(algorithm, data) == self.digest).then_some(data)
    }
}

/// What identifies content: the triple that makes two descriptors equal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DescriptorKey {
    /// Type of the content.
    pub media_type: String,
    /// Digest of the content.
    pub digest: Digest,
    /// Size of the content in bytes.
    pub size: u64,
}

//! Media types (image-spec, media-types.md; the Docker and ORAS types seen in registries), and what they say about content.
//!
//! What a blob *is* follows from the media type of its descriptor and from nothing else: content is never sniffed.

#[cfg(test)]
mod tests;

use std::fmt;

/// Content descriptor.
pub const DESCRIPTOR: &str = "application/vnd.oci.descriptor.v1+json";
/// The `oci-layout` file.
pub const LAYOUT_HEADER: &str = "application/vnd.oci.layout.header.v1+json";
/// OCI image manifest.
pub const IMAGE_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// OCI image index.
pub const IMAGE_INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// OCI image configuration.
pub const IMAGE_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// Layer: tar.
pub const IMAGE_LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
/// Layer: tar, gzip.
pub const IMAGE_LAYER_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
/// Layer: tar, zstd.
pub const IMAGE_LAYER_ZSTD: &str = "application/vnd.oci.image.layer.v1.tar+zstd";
/// Non-distributable layer (deprecated): tar.
pub const IMAGE_LAYER_NONDISTRIBUTABLE: &str =
    "application/vnd.oci.image.layer.nondistributable.v1.tar";
/// Non-distributable layer (deprecated): tar, gzip.
pub const IMAGE_LAYER_NONDISTRIBUTABLE_GZIP: &str =
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
/// Non-distributable layer (deprecated): tar, zstd.
pub const IMAGE_LAYER_NONDISTRIBUTABLE_ZSTD: &str =
    "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd";
/// The empty JSON object, see [`Descriptor::empty_json`](crate::Descriptor::empty_json).
pub const EMPTY_JSON: &str = "application/vnd.oci.empty.v1+json";
/// OCI artifact manifest: withdrawn before image-spec 1.1, still found in registries.
pub const OCI_ARTIFACT_MANIFEST: &str = "application/vnd.oci.artifact.manifest.v1+json";
/// ORAS artifact manifest (artifacts-spec, archived): read, never written.
pub const ORAS_ARTIFACT_MANIFEST: &str = "application/vnd.cncf.oras.artifact.manifest.v1+json";
/// Docker image manifest, schema 2.
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// Docker manifest list.
pub const DOCKER_MANIFEST_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// Docker image configuration.
pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
/// Docker layer: tar, gzip.
pub const DOCKER_LAYER_GZIP: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";
/// Docker foreign layer: tar, gzip, stored elsewhere.
pub const DOCKER_FOREIGN_LAYER_GZIP: &str =
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
/// Bytes nothing else is known about.
pub const OCTET_STREAM: &str = "application/octet-stream";
/// Config of an artifact whose type nobody named.
pub const UNKNOWN_CONFIG: &str = "application/vnd.unknown.config.v1+json";
/// Type of an artifact nobody named.
pub const UNKNOWN_ARTIFACT: &str = "application/vnd.unknown.artifact.v1";

/// Whether content of this type is a manifest: it lives at the manifest endpoint of a registry and may have successors.
#[must_use]
pub fn is_manifest(media_type: &str) -> bool {
    matches!(
        media_type,
        IMAGE_MANIFEST
            | IMAGE_INDEX
            | DOCKER_MANIFEST
            | DOCKER_MANIFEST_LIST
            | OCI_ARTIFACT_MANIFEST
            | ORAS_ARTIFACT_MANIFEST
    )
}

/// Whether content of this type lists manifests: OCI index or Docker manifest list.
#[must_use]
pub fn is_index(media_type: &str) -> bool {
    matches!(media_type, IMAGE_INDEX | DOCKER_MANIFEST_LIST)
}

/// Whether this is a layer that registries don't store (image-spec, layer.md, "Non-Distributable Layers").
#[must_use]
pub fn is_foreign_layer(media_type: &str) -> bool {
    matches!(
        media_type,
        IMAGE_LAYER_NONDISTRIBUTABLE
            | IMAGE_LAYER_NONDISTRIBUTABLE_GZIP
            | IMAGE_LAYER_NONDISTRIBUTABLE_ZSTD
            | DOCKER_FOREIGN_LAYER_GZIP
    )
}

/// Checks `type/subtype` against RFC 6838, section 4.2, as packing requires it of artifact and config types.
///
/// # Errors
/// [`InvalidMediaType`], also for a type with parameters.
pub fn validate(media_type: &str) -> Result<(), InvalidMediaType> {
    match media_type.split_once('/') {
        Some((kind, subtype)) if is_restricted_name(kind) && is_restricted_name(subtype) => Ok(()),
        _ => Err(InvalidMediaType),
    }
}

/// A media type without its parameters and surrounding blanks: what a `Content-Type` header is compared by.
#[must_use]
pub fn essence(media_type: &str) -> &str {
    media_type
        .split_once(';')
        .map_or(media_type, |(essence, _)| essence)
        .trim()
}

fn is_restricted_name(name: &str) -> bool {
    let tail = |b: u8| b.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&b);
    let starts_well = name
        .bytes()
        .next()
        .is_some_and(|b| b.is_ascii_alphanumeric());
    starts_well && name.len() <= 127 && name.bytes().all(tail)
}

/// The text is no `type/subtype`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidMediaType;

impl fmt::Display for InvalidMediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("invalid media type")
    }
}

impl std::error::Error for InvalidMediaType {}

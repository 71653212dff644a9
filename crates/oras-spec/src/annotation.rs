//! Annotation keys (image-spec, annotations.md, "Pre-Defined Annotation Keys"; and those ORAS gave a meaning).

use std::collections::BTreeMap;

/// Annotations of a descriptor or manifest. Sorted, so that the same annotations always encode to the same bytes.
pub type Annotations = BTreeMap<String, String>;

/// When the content was made (RFC 3339).
pub const CREATED: &str = "org.opencontainers.image.created";
/// Whom to ask about the content.
pub const AUTHORS: &str = "org.opencontainers.image.authors";
/// Where to learn more.
pub const URL: &str = "org.opencontainers.image.url";
/// Where the documentation is.
pub const DOCUMENTATION: &str = "org.opencontainers.image.documentation";
/// Where the source is.
pub const SOURCE: &str = "org.opencontainers.image.source";
/// Version of the packaged software.
pub const VERSION: &str = "org.opencontainers.image.version";
/// Source control revision.
pub const REVISION: &str = "org.opencontainers.image.revision";
/// Who distributes the content.
pub const VENDOR: &str = "org.opencontainers.image.vendor";
/// Licenses as an SPDX expression.
pub const LICENSES: &str = "org.opencontainers.image.licenses";
/// Name of a target; has a meaning only on entries of a layout's `index.json`.
pub const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// Human-readable title: for ORAS the file name of a layer.
pub const TITLE: &str = "org.opencontainers.image.title";
/// Human-readable description.
pub const DESCRIPTION: &str = "org.opencontainers.image.description";
/// Digest of the base image.
pub const BASE_DIGEST: &str = "org.opencontainers.image.base.digest";
/// Reference of the base image.
pub const BASE_NAME: &str = "org.opencontainers.image.base.name";

/// Creation time of a withdrawn OCI artifact manifest.
pub const ARTIFACT_CREATED: &str = "org.opencontainers.artifact.created";
/// Description in a withdrawn OCI artifact manifest.
pub const ARTIFACT_DESCRIPTION: &str = "org.opencontainers.artifact.description";
/// Creation time of an ORAS artifact manifest.
pub const ORAS_ARTIFACT_CREATED: &str = "org.cncf.oras.artifact.created";
/// Old marker, inside a referrers index, of the filters the registry applied.
pub const REFERRERS_FILTERS_APPLIED: &str = "org.opencontainers.referrers.filtersApplied";
/// Digest of the uncompressed tar of a packed directory.
pub const CONTENT_DIGEST: &str = "io.deis.oras.content.digest";
/// `"true"` on a layer that is a packed directory and is unpacked on pull.
pub const UNPACK: &str = "io.deis.oras.content.unpack";

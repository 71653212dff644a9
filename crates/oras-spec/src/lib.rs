//! The OCI data model: what registries store and what is said about it, as types.
//!
//! Every other crate of `oras` stands on this one. It implements the data structures of the OCI image-spec and distribution-spec,
//! the Docker types found beside them, and the few encodings (of JSON, of messages) that make another tool's digests and texts
//! come out the same.
//!
//! # What it is not
//! No I/O, no async, no logging, no environment; nothing here asks the network or a file what something means.
//!
//! # What it promises
//! - **Parsing loses nothing.** Unknown fields survive, and [`RawManifest`] keeps the exact bytes.
//! - **Encoding is deterministic** and equal to the reference tool's: field order, escapes, empty fields.
//! - **Valid and verifiable are different.** A digest of an algorithm nobody here knows is still a digest.
//!
//! # Example
//! ```
//! use oras_spec::{Descriptor, ImageManifest, Manifest, RawManifest, annotation, json, media_type};
//!
//! let mut layer = Descriptor::of_bytes(media_type::OCTET_STREAM, b"hello");
//! layer.annotations.insert(annotation::TITLE.into(), "hello.txt".into());
//! let mut manifest = ImageManifest::new(Descriptor::empty_json(), vec![layer]);
//! manifest.artifact_type = Some("application/vnd.example".into());
//!
//! let bytes = json::to_vec(&manifest)?;
//! let descriptor = Descriptor::of_bytes(media_type::IMAGE_MANIFEST, &bytes);
//! let raw = RawManifest::new(descriptor, bytes.into())?;
//!
//! assert_eq!(raw.manifest(), &Manifest::Image(manifest));
//! assert_eq!(raw.successors().len(), 2);
//! assert_eq!(raw.layers()[0].title(), Some("hello.txt"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Modules
//! - [`digest`]: content digests and the hash functions behind them
//! - [`descriptor`]: what and where some content is
//! - [`manifest`]: image manifests, indexes, artifact manifests, and their exact bytes
//! - [`platform`]: what machine content is for, and which content suits a machine
//! - [`reference`](mod@reference): `registry/repository:tag@digest`
//! - [`media_type`]: the types, and what follows from them
//! - [`annotation`]: the keys
//! - [`json`]: JSON with the bytes of Go
//! - [`layout`]: the files of an image layout
//! - [`api`]: bodies of the registry API
//! - [`go`]: texts as Go prints them

#![deny(missing_docs)]

pub mod annotation;
pub mod api;
pub mod descriptor;
pub mod digest;
pub mod go;
pub mod json;
pub mod layout;
pub mod manifest;
pub mod media_type;
pub mod platform;
pub mod reference;

mod tolerant;

pub use annotation::Annotations;
pub use api::{Catalog, ErrorBody, ErrorCode, RegistryError, TagList};
pub use descriptor::{Data, Descriptor, DescriptorKey, EMPTY_JSON_BYTES};
pub use digest::{Algorithm, Digest, DigestError, Hasher};
pub use go::go_quote;
pub use layout::OciLayout;
pub use manifest::{
    ArtifactManifest, ImageIndex, ImageManifest, Manifest, ManifestError, RawManifest,
};
pub use media_type::InvalidMediaType;
pub use platform::{Platform, PlatformError};
pub use reference::{
    Reference, ReferenceError, validate_registry, validate_repository, validate_tag,
};

//! A manifest with its exact bytes.

use std::fmt;

use bytes::Bytes;
use serde::Deserialize;

use super::Manifest;
use crate::annotation::Annotations;
use crate::descriptor::Descriptor;
use crate::media_type;

/// A manifest as it was received or is to be sent: the exact bytes, with the parsed view beside them.
///
/// The bytes are the truth. They are what the digest names and what is copied; the view is never encoded in their place,
/// since no encoder restores white space, order and numbers of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawManifest {
    descriptor: Descriptor,
    bytes: Bytes,
    parsed: Manifest,
}

impl RawManifest {
    /// Parses `bytes` as the descriptor's media type says. Size and digest are the business of whoever read them.
    ///
    /// # Errors
    /// [`ManifestError`]
    pub fn new(descriptor: Descriptor, bytes: Bytes) -> Result<Self, ManifestError> {
        let parsed = parse(&descriptor.media_type, &bytes)?;
        Ok(Self {
            descriptor,
            bytes,
            parsed,
        })
    }

    /// The exact bytes.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The descriptor it was read under.
    #[must_use]
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// The parsed view.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.parsed
    }

    /// See [`Manifest::successors`].
    #[must_use]
    pub fn successors(&self) -> Vec<Descriptor> {
        self.parsed.successors()
    }

    /// See [`Manifest::subject`].
    #[must_use]
    pub fn subject(&self) -> Option<&Descriptor> {
        self.parsed.subject()
    }

    /// See [`Manifest::config`].
    #[must_use]
    pub fn config(&self) -> Option<&Descriptor> {
        self.parsed.config()
    }

    /// See [`Manifest::layers`].
    #[must_use]
    pub fn layers(&self) -> &[Descriptor] {
        self.parsed.layers()
    }

    /// See [`Manifest::annotations`].
    #[must_use]
    pub fn annotations(&self) -> &Annotations {
        self.parsed.annotations()
    }

    /// See [`Manifest::artifact_type`].
    #[must_use]
    pub fn artifact_type(&self) -> Option<&str> {
        self.parsed.artifact_type()
    }
}

fn parse(media_type: &str, bytes: &[u8]) -> Result<Manifest, ManifestError> {
    match media_type {
        media_type::IMAGE_MANIFEST => json(media_type, bytes).map(Manifest::Image),
        media_type::IMAGE_INDEX => json(media_type, bytes).map(Manifest::Index),
        media_type::DOCKER_MANIFEST => json(media_type, bytes).map(Manifest::DockerImage),
        media_type::DOCKER_MANIFEST_LIST => json(media_type, bytes).map(Manifest::DockerList),
        media_type::OCI_ARTIFACT_MANIFEST | media_type::ORAS_ARTIFACT_MANIFEST => {
            json(media_type, bytes).map(Manifest::Artifact)
        }
        _ => Err(ManifestError::MediaType(media_type.to_owned())),
    }
}

fn json<'a, T: Deserialize<'a>>(media_type: &str, bytes: &'a [u8]) -> Result<T, ManifestError> {
    serde_json::from_slice(bytes).map_err(|source| ManifestError::Json {
        media_type: media_type.to_owned(),
        source,
    })
}

/// Why bytes are no manifest.
#[derive(Debug)]
#[non_exhaustive]
pub enum ManifestError {
    /// The media type is none of a manifest.
    MediaType(String),
    /// The bytes are not the JSON that the media type promises.
    Json {
        /// What the bytes were read as.
        media_type: String,
        /// What is wrong with them.
        source: serde_json::Error,
    },
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MediaType(media_type) => write!(f, "{media_type} is not a manifest type"),
            Self::Json { media_type, .. } => write!(f, "malformed manifest of type {media_type}"),
        }
    }
}

impl std::error::Error for ManifestError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::MediaType(_) => None,
            Self::Json { source, .. } => Some(source),
        }
    }
}

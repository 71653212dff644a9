//! What goes into a driver and comes out of it.

use std::io;

use bytes::Bytes;
use oras_spec::{Annotations, Descriptor, Digest};

/// Why a driver could not do its work. That something is not there is never an error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DriverError {
    /// The storage failed while doing what the text says.
    #[error("{operation} failed")]
    Io {
        /// What was attempted, without names of files.
        operation: &'static str,
        /// What the storage said.
        source: io::Error,
    },
    /// There is no space left.
    #[error("no space left in storage")]
    Full,
    /// Somebody else is doing it at this moment.
    #[error("{0} is under way already")]
    Busy(&'static str),
    /// What is stored is not what it should be.
    #[error("damaged content: {0}")]
    Damaged(String),
}

/// What a change of a tag depends on, decided at the moment of the change (RFC 9110, section 13.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Condition {
    /// Nothing.
    #[default]
    Always,
    /// The tag exists.
    Exists,
    /// The tag does not exist.
    Absent,
    /// The tag points to one of these.
    PointsTo(Vec<Digest>),
    /// The tag, if it is one of `tags`, does not exist or points to `digest` already.
    Unmoved {
        /// The tags that never move.
        tags: Vec<String>,
        /// What they are to point to.
        digest: Digest,
    },
}

impl Condition {
    /// Whether it holds for a tag and what it points to.
    #[must_use]
    pub fn holds(&self, tag: &str, current: Option<&Digest>) -> bool {
        match self {
            Self::Always => true,
            Self::Exists => current.is_some(),
            Self::Absent => current.is_none(),
            Self::PointsTo(digests) => current.is_some_and(|current| digests.contains(current)),
            Self::Unmoved { tags, digest } => {
                current.is_none_or(|current| current == digest)
                    || !tags.iter().any(|unmoved| unmoved == tag)
            }
        }
    }
}

/// What a manifest needs to find in its repository, with the right size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Required {
    /// A blob: config or layer.
    Blob(Descriptor),
    /// A manifest: the child of an index.
    Manifest(Descriptor),
}

impl Required {
    /// What is required.
    #[must_use]
    pub fn descriptor(&self) -> &Descriptor {
        match self {
            Self::Blob(descriptor) | Self::Manifest(descriptor) => descriptor,
        }
    }
}

/// What listings say about a manifest, so that they need not read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The media type it was pushed as.
    pub media_type: String,
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// The effective artifact type (distribution-spec, "Listing Referrers").
    pub artifact_type: Option<String>,
    /// Its annotations.
    pub annotations: Annotations,
    /// The manifest it refers to.
    pub subject: Option<Digest>,
}

/// A manifest about to be stored.
#[derive(Clone, Debug)]
pub struct ManifestCommit {
    /// What listings are going to say.
    pub entry: Entry,
    /// The exact bytes; the entry's digest and size are theirs.
    pub bytes: Bytes,
    /// The tags to point to it.
    pub tags: Vec<String>,
    /// What every one of the tags has to fulfil.
    pub condition: Condition,
    /// What has to be there.
    pub required: Vec<Required>,
}

/// What became of a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PutOutcome {
    /// It is stored, with its tags.
    Stored,
    /// A tag does not fulfil the condition; nothing changed.
    ConditionFailed,
    /// Something it requires is missing; nothing changed. [`MOST_NAMED`](Self::MOST_NAMED) are enough.
    Missing(Vec<Digest>),
    /// Something it requires has another size than it says; nothing changed.
    WrongSize(Vec<Digest>),
}

impl PutOutcome {
    /// How many digests a refusal names. A driver need not look for more: somebody may ask for all that is not there.
    pub const MOST_NAMED: usize = 100;
}

/// What became of a tag that was to be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UntagOutcome {
    /// It is gone.
    Removed,
    /// It was not there.
    Missing,
    /// It does not fulfil the condition; nothing changed.
    ConditionFailed,
}

/// What became of an upload at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commit {
    /// It is a blob of the repository now.
    Stored,
    /// Its digest is another one; it is discarded.
    Mismatch,
}

/// A manifest as it was pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredManifest {
    /// The media type it was pushed as.
    pub media_type: String,
    /// The exact bytes.
    pub bytes: Bytes,
}

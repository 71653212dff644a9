//! What a store can do: one small trait per ability, each usable as `dyn`.
//!
//! [`Source`] and [`Target`] bundle what a copy needs. Abilities that only some stores have are accessors that
//! return `None` by default, so that a wrapper can forward them and nothing is lost by wrapping.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use oras_spec::{Descriptor, RawManifest};

use crate::content::{ByteStream, Content};
use crate::error::{Error, ErrorKind, Result};
use crate::payload::Payload;

/// Manifests larger than this (4 MiB, in bytes) are refused: the limit that registries are asked to support.
pub const MAX_MANIFEST_BYTES: u64 = 4 * 1024 * 1024;

/// Reads content by descriptor.
#[async_trait]
pub trait Fetch: Send + Sync {
    /// The content, not verified.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if it is not there.
    async fn fetch(&self, descriptor: &Descriptor) -> Result<Content>;

    /// The bytes of the content from `offset` to its end.
    async fn fetch_from(&self, descriptor: &Descriptor, offset: u64) -> Result<ByteStream>;

    /// Whether the content is there.
    async fn exists(&self, descriptor: &Descriptor) -> Result<bool>;

    /// True if this process has hashed the content as it is now, so that nobody needs to hash it again.
    fn trusted(&self, _descriptor: &Descriptor) -> bool {
        false
    }
}

/// What a push did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// The content is there now.
    Stored,
    /// It was there before; the payload was not (or not wholly) read.
    AlreadyThere,
}

/// Writes content.
#[async_trait]
pub trait Push: Send + Sync {
    /// Stores the payload as `descriptor`. Nothing is visible before size and digest are right.
    async fn push(&self, descriptor: &Descriptor, payload: Payload) -> Result<Pushed>;

    /// Writes out whatever earlier pushes left to be written in one go. Copies call it once at their end.
    async fn flush(&self) -> Result<()> {
        Ok(())
    }
}

/// Turns references into descriptors.
#[async_trait]
pub trait Resolve: Send + Sync {
    /// The descriptor that `reference` (a tag or a digest) stands for.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`]; [`ErrorKind::MissingReference`] for an empty one.
    async fn resolve(&self, reference: &str) -> Result<Descriptor>;
}

/// Names content.
#[async_trait]
pub trait Tag: Send + Sync {
    /// Makes `reference` stand for `descriptor`, whose content must be there.
    async fn tag(&self, descriptor: &Descriptor, reference: &str) -> Result<()>;
}

/// Finds what refers to a content: manifests that list it or have it as subject.
#[async_trait]
pub trait Predecessors: Send + Sync {
    /// The direct predecessors of `descriptor`, in a stable order.
    async fn predecessors(&self, descriptor: &Descriptor) -> Result<Vec<Descriptor>>;
}

/// Lists the manifests whose `subject` is a given one.
#[async_trait]
pub trait Referrers: Send + Sync {
    /// The direct referrers of `subject`, with `artifact_type` and annotations filled in, in the store's order.
    /// With `artifact_type`, only those of that type.
    async fn referrers(
        &self,
        subject: &Descriptor,
        artifact_type: Option<&str>,
    ) -> Result<Vec<Descriptor>>;
}

/// Lists tags.
pub trait ListTags: Send + Sync {
    /// The tags after `last`, page by page, in the store's order.
    fn tags<'a>(&'a self, last: Option<&str>) -> BoxStream<'a, Result<Vec<String>>>;
}

/// Resolves and fetches in one go.
#[async_trait]
pub trait FetchReference: Send + Sync {
    /// The descriptor and the content that `reference` stands for.
    async fn fetch_reference(&self, reference: &str) -> Result<Content>;
}

/// Pushes a manifest and names it in one go.
#[async_trait]
pub trait PushReference: Send + Sync {
    /// Stores `bytes` as `descriptor` under `reference`.
    async fn push_reference(
        &self,
        descriptor: &Descriptor,
        bytes: Bytes,
        reference: &str,
    ) -> Result<()>;

    /// Gives one more name to `descriptor`, which is there already and whose content is `bytes`. A new name makes no
    /// new referrer: the list of its subject's referrers stays as it is.
    async fn tag_bytes(&self, descriptor: &Descriptor, bytes: Bytes, reference: &str)
    -> Result<()>;
}

/// What a mount attempt did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mounted {
    /// The blob is there now, without any byte moved.
    Mounted,
    /// The registry did not mount; the content has to be pushed. No upload is left open.
    Declined,
}

/// Takes a blob over from another repository of the same registry.
#[async_trait]
pub trait Mount: Send + Sync {
    /// Mounts `descriptor` from the repository `from` (without registry).
    async fn mount(&self, descriptor: &Descriptor, from: &str) -> Result<Mounted>;
}

/// Deletes content.
#[async_trait]
pub trait Delete: Send + Sync {
    /// Deletes the content and every tag that names it.
    async fn delete(&self, descriptor: &Descriptor) -> Result<()>;
}

/// Removes a name, not the content.
#[async_trait]
pub trait Untag: Send + Sync {
    /// Makes `reference` stand for nothing.
    async fn untag(&self, reference: &str) -> Result<()>;
}

/// Where a store is, as far as another store can make use of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Location {
    /// Nowhere in particular.
    Opaque,
    /// A repository of a registry: blobs can be mounted between repositories of one registry and identity.
    Repository {
        /// `host[:port]` of the registry.
        registry: String,
        /// The repository.
        repository: String,
        /// Differs between different logins to one registry.
        identity: String,
    },
}

/// A store that can be read by reference: what content is copied from.
pub trait Source: Fetch + Resolve {
    /// Resolving and fetching in one round trip.
    fn as_fetch_reference(&self) -> Option<&dyn FetchReference> {
        None
    }
    /// Finding what refers to a content.
    fn as_predecessors(&self) -> Option<&dyn Predecessors> {
        None
    }
    /// Listing referrers.
    fn as_referrers(&self) -> Option<&dyn Referrers> {
        None
    }
    /// Listing tags.
    fn as_list_tags(&self) -> Option<&dyn ListTags> {
        None
    }
    /// Where this is.
    fn location(&self) -> Location {
        Location::Opaque
    }
}

/// A store that can be written by reference: what content is copied to.
pub trait Target: Source + Push + Tag {
    /// Pushing a manifest under a name in one round trip.
    fn as_push_reference(&self) -> Option<&dyn PushReference> {
        None
    }
    /// Mounting from another repository.
    fn as_mount(&self) -> Option<&dyn Mount> {
        None
    }
    /// Deleting content.
    fn as_delete(&self) -> Option<&dyn Delete> {
        None
    }
    /// Removing names.
    fn as_untag(&self) -> Option<&dyn Untag> {
        None
    }
}

/// Conveniences over [`Fetch`].
#[async_trait]
pub trait FetchExt: Fetch {
    /// All bytes, verified, of content of at most `limit` bytes.
    async fn fetch_bytes(&self, descriptor: &Descriptor, limit: u64) -> Result<Bytes> {
        self.fetch(descriptor).await?.bytes(limit).await
    }

    /// A manifest of at most [`MAX_MANIFEST_BYTES`], verified, then parsed.
    async fn fetch_manifest(&self, descriptor: &Descriptor) -> Result<RawManifest> {
        let bytes = self.fetch_bytes(descriptor, MAX_MANIFEST_BYTES).await?;
        parse_manifest(descriptor, bytes)
    }
}

impl<T: Fetch + ?Sized> FetchExt for T {}

/// Parses verified manifest bytes.
///
/// # Errors
/// [`ErrorKind::InvalidManifest`].
pub fn parse_manifest(descriptor: &Descriptor, bytes: Bytes) -> Result<RawManifest> {
    RawManifest::new(descriptor.clone(), bytes).map_err(|error| {
        Error::new(ErrorKind::InvalidManifest, error.to_string()).with_descriptor(descriptor)
    })
}

/// Reads the children of `descriptor`: none unless its media type is that of a manifest.
pub async fn successors(fetch: &dyn Fetch, descriptor: &Descriptor) -> Result<Vec<Descriptor>> {
    if !descriptor.is_manifest() {
        return Ok(Vec::new());
    }
    Ok(fetch.fetch_manifest(descriptor).await?.successors())
}

macro_rules! forward_arc {
    ($($tr:ident),*) => {$(const _: fn(Arc<dyn $tr>) = |_| {};)*};
}
// Every ability must stay usable as a trait object.
forward_arc!(
    Fetch,
    Push,
    Resolve,
    Tag,
    Predecessors,
    Referrers,
    ListTags,
    FetchReference,
    PushReference,
    Mount,
    Delete,
    Untag,
    Source,
    Target
);

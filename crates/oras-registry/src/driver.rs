//! What a storage driver can do, as one small trait per ability.
//!
//! Nothing here assumes that a driver holds an index in memory or that it is the only writer: every answer is a
//! question to the storage, every change says what it depends on ([`Condition`], [`Required`]), and pages are asked for
//! by what they come after. So a folder, a bucket and a map in memory can all be drivers.
//!
//! A driver is never asked about names, tags or digests that break the grammar, nor about digests of algorithms that
//! can't be verified. Membership is per repository: content that only another repository holds is not there.

mod types;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use oras_spec::{Algorithm, Digest};

use crate::id;

pub use types::{
    Commit, Condition, DriverError, Entry, ManifestCommit, PutOutcome, Required, StoredManifest,
    UntagOutcome,
};

/// What a driver returns.
pub type Result<T> = std::result::Result<T, DriverError>;

/// Bytes of a blob, in order.
pub type BlobStream = BoxStream<'static, Result<Bytes>>;

/// Reading and removing blobs. The bytes of a manifest count as a blob of its repository, too.
#[async_trait]
pub trait Blobs: Send + Sync {
    /// Size in bytes, `None` if the repository does not hold the blob.
    async fn blob_size(&self, repository: &str, digest: &Digest) -> Result<Option<u64>>;

    /// The blob, to be read; `None` if the repository does not hold it.
    async fn open_blob(
        &self,
        repository: &str,
        digest: &Digest,
    ) -> Result<Option<Box<dyn BlobReader>>>;

    /// Removes the blob from this repository only. False if it was not there.
    async fn delete_blob(&self, repository: &str, digest: &Digest) -> Result<bool>;

    /// What has to be done from time to time, if anything.
    fn maintenance(&self) -> Option<&dyn Maintenance> {
        None
    }
}

/// Keeping storage in order while it is in use.
#[async_trait]
pub trait Maintenance: Send + Sync {
    /// Removes what nothing needs any more, and whatever else there is to do. Dropping the future stops it soon.
    async fn maintain(&self) -> Result<()>;
}

/// A blob that was found. It stays readable even if it is deleted in the meantime.
pub trait BlobReader: Send {
    /// Size in bytes.
    fn size(&self) -> u64;

    /// The `length` bytes from `start`, which lie inside of the blob.
    fn read(self: Box<Self>, start: u64, length: u64) -> BlobStream;
}

/// Sharing blobs between repositories without moving bytes.
#[async_trait]
pub trait Mounts: Send + Sync {
    /// The repositories that hold a blob.
    async fn holders(&self, digest: &Digest) -> Result<Vec<String>>;

    /// Makes the blob of `from` one of `to`, too. False if `from` does not hold it.
    async fn link_blob(&self, digest: &Digest, from: &str, to: &str) -> Result<bool>;
}

/// Blobs that are still arriving. A session belongs to a repository: elsewhere its id means nothing.
#[async_trait]
pub trait Uploads: Send + Sync {
    /// Starts a session under the new id `id`, whose content is going to be named by a digest of `algorithm`.
    async fn start_upload(&self, repository: &str, id: &str, algorithm: Algorithm) -> Result<()>;

    /// How many bytes a session holds, `None` if there is no such session.
    async fn upload_offset(&self, repository: &str, id: &str) -> Result<Option<u64>>;

    /// The right to write to a session. The server never holds two for one session at once.
    async fn write_upload(
        &self,
        repository: &str,
        id: &str,
    ) -> Result<Option<Box<dyn UploadWriter>>>;

    /// Ends a session and forgets its bytes. False if there is no such session.
    async fn cancel_upload(&self, repository: &str, id: &str) -> Result<bool>;

    /// Whether an upload could begin now: tries with a small one. Monitoring asks every few seconds.
    async fn can_upload(&self) -> Result<()> {
        let (repository, id) = ("readyz", id::random());
        self.start_upload(repository, &id, Algorithm::Sha256)
            .await?;
        let tried = async {
            if let Some(mut writer) = self.write_upload(repository, &id).await? {
                writer.write(Bytes::from_static(&[0; 4096])).await?;
                writer.flush().await?;
            }
            Ok(())
        };
        let tried = tried.await;
        self.cancel_upload(repository, &id).await?;
        tried
    }
}

/// Writes to one session. Dropping it ends the writing, not the session: what was flushed stays.
#[async_trait]
pub trait UploadWriter: Send {
    /// How many bytes the session holds.
    fn offset(&self) -> u64;

    /// Appends `bytes`, which need not be in the session before [`flush`](Self::flush).
    async fn write(&mut self, bytes: Bytes) -> Result<()>;

    /// Waits until what was written is in the session, to stay there.
    async fn flush(&mut self) -> Result<()>;

    /// Forgets what this writer wrote.
    async fn roll_back(&mut self) -> Result<()>;

    /// Ends the session: its content becomes a blob of the repository if it has this digest, and is discarded if not.
    async fn commit(self: Box<Self>, digest: &Digest) -> Result<Commit>;
}

/// Manifests by digest.
#[async_trait]
pub trait Manifests: Send + Sync {
    /// Makes a manifest and its tags visible together, or nothing at all. What it requires is checked in the same step.
    async fn put_manifest(&self, repository: &str, commit: ManifestCommit) -> Result<PutOutcome>;

    /// The manifest with this digest.
    async fn manifest(&self, repository: &str, digest: &Digest) -> Result<Option<StoredManifest>>;

    /// Removes a manifest and all tags that point to it. False if it was not there.
    async fn delete_manifest(&self, repository: &str, digest: &Digest) -> Result<bool>;
}

/// Tags.
#[async_trait]
pub trait Tags: Send + Sync {
    /// What a tag points to.
    async fn resolve_tag(&self, repository: &str, tag: &str) -> Result<Option<Digest>>;

    /// At most `limit` tags greater than `after`, in the order of their bytes. `None` if there is no such repository.
    async fn tags(
        &self,
        repository: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Option<Vec<String>>>;

    /// Removes a tag, and nothing else.
    async fn untag(
        &self,
        repository: &str,
        tag: &str,
        condition: &Condition,
    ) -> Result<UntagOutcome>;
}

/// Which manifests refer to which subject, and which repositories there are.
#[async_trait]
pub trait Listings: Send + Sync {
    /// At most `limit` of the manifests whose subject is `subject` and whose type is `artifact_type` (an empty one asks
    /// for those without), in the order of their digests and after `after`.
    async fn referrers(
        &self,
        repository: &str,
        subject: &Digest,
        artifact_type: Option<&str>,
        after: Option<&Digest>,
        limit: usize,
    ) -> Result<Vec<Entry>>;

    /// At most `limit` names of repositories greater than `after` that hold a manifest, in the order of their bytes.
    async fn repositories(&self, after: Option<&str>, limit: usize) -> Result<Vec<String>>;

    /// Whether anything was ever stored in this repository and not removed since.
    async fn has_repository(&self, repository: &str) -> Result<bool>;
}

/// Everything a registry needs of its storage.
pub trait Driver: Blobs + Mounts + Uploads + Manifests + Tags + Listings + 'static {}

impl<T: Blobs + Mounts + Uploads + Manifests + Tags + Listings + 'static> Driver for T {}

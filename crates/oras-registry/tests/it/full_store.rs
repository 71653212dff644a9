//! Storage that fails.

use async_trait::async_trait;
use oras_registry::driver::*;
use oras_spec::{Algorithm, Digest};

/// Storage that is full and can't be read either.
pub(crate) struct FullStore;

const NO: DriverError = DriverError::Full;

#[async_trait]
impl Blobs for FullStore {
    async fn blob_size(&self, _: &str, _: &Digest) -> Result<Option<u64>> {
        Err(NO)
    }
    async fn open_blob(&self, _: &str, _: &Digest) -> Result<Option<Box<dyn BlobReader>>> {
        Err(NO)
    }
    async fn delete_blob(&self, _: &str, _: &Digest) -> Result<bool> {
        Err(NO)
    }
}

#[async_trait]
impl Mounts for FullStore {
    async fn holders(&self, _: &Digest) -> Result<Vec<String>> {
        Err(NO)
    }
    async fn link_blob(&self, _: &Digest, _: &str, _: &str) -> Result<bool> {
        Err(NO)
    }
}

#[async_trait]
impl Uploads for FullStore {
    async fn start_upload(&self, _: &str, _: &str, _: Algorithm) -> Result<()> {
        Err(NO)
    }
    async fn upload_offset(&self, _: &str, _: &str) -> Result<Option<u64>> {
        Err(NO)
    }
    async fn write_upload(&self, _: &str, _: &str) -> Result<Option<Box<dyn UploadWriter>>> {
        Err(NO)
    }
    async fn cancel_upload(&self, _: &str, _: &str) -> Result<bool> {
        Err(NO)
    }
}

#[async_trait]
impl Manifests for FullStore {
    async fn put_manifest(&self, _: &str, _: ManifestCommit) -> Result<PutOutcome> {
        Err(NO)
    }
    async fn manifest(&self, _: &str, _: &Digest) -> Result<Option<StoredManifest>> {
        Err(NO)
    }
    async fn delete_manifest(&self, _: &str, _: &Digest) -> Result<bool> {
        Err(NO)
    }
}

#[async_trait]
impl Tags for FullStore {
    async fn resolve_tag(&self, _: &str, _: &str) -> Result<Option<Digest>> {
        Err(NO)
    }
    async fn tags(&self, _: &str, _: Option<&str>, _: usize) -> Result<Option<Vec<String>>> {
        Err(NO)
    }
    async fn untag(&self, _: &str, _: &str, _: &Condition) -> Result<UntagOutcome> {
        Err(NO)
    }
}

#[async_trait]
impl Listings for FullStore {
    async fn referrers(
        &self,
        _: &str,
        _: &Digest,
        _: Option<&str>,
        _: Option<&Digest>,
        _: usize,
    ) -> Result<Vec<Entry>> {
        Err(NO)
    }
    async fn repositories(&self, _: Option<&str>, _: usize) -> Result<Vec<String>> {
        Err(NO)
    }
    async fn has_repository(&self, _: &str) -> Result<bool> {
        Err(NO)
    }
}

//! Blobs of repositories, and sharing them.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use oras_content::layout::keep_blob;
use oras_spec::Digest;

use super::change::{Change, Outcome};
use super::place::blob_in;
use super::{LayoutDriver, Stop, blocking, failed, read};
use crate::driver::{BlobReader, Blobs, DriverError, Maintenance, Mounts, Result};

#[async_trait]
impl Blobs for LayoutDriver {
    /// Whoever learns here that a blob is there may refer to it soon: it is kept for the time of the grace from now on.
    async fn blob_size(&self, repository: &str, digest: &Digest) -> Result<Option<u64>> {
        let path = blob_in(&self.shared.repository(repository).root, digest);
        if !self.trusts(&path, digest).await? {
            return Ok(None);
        }
        let Some(found) = read::look(path.clone()).await? else {
            return Ok(None);
        };
        let age = SystemTime::now().duration_since(found.stat.changed);
        // Not each time, because it is written down.
        let soon = age.is_ok_and(|age| age > self.shared.options.grace / 4);
        if soon && !self.shared.options.read_only {
            let kept = blocking(move || keep_blob(&path).map_err(failed("keeping a blob"))).await?;
            if !kept {
                return Ok(None);
            }
        }
        Ok(Some(found.stat.size))
    }

    async fn open_blob(
        &self,
        repository: &str,
        digest: &Digest,
    ) -> Result<Option<Box<dyn BlobReader>>> {
        let path = blob_in(&self.shared.repository(repository).root, digest);
        if !self.trusts(&path, digest).await? {
            return Ok(None);
        }
        if let Some(bytes) = self.shared.hot.get(digest, &path) {
            return Ok(Some(Box::new(read::Held(bytes))));
        }
        let found = read::open(path).await?;
        Ok(
            found.map(|found| match self.shared.hot.asked(digest, &found) {
                Some(bytes) => Box::new(read::Held(bytes)) as Box<dyn BlobReader>,
                None => {
                    let buffers = Arc::clone(&self.shared.reading);
                    Box::new(read::Reader { found, buffers })
                }
            }),
        )
    }

    async fn delete_blob(&self, repository: &str, digest: &Digest) -> Result<bool> {
        let change = Change::DeleteBlob(digest.clone());
        let outcome = self.change(repository, change).await?;
        Ok(matches!(outcome, Outcome::Deleted(true)))
    }

    fn maintenance(&self) -> Option<&dyn Maintenance> {
        (!self.shared.options.read_only).then_some(self)
    }
}

#[async_trait]
impl Maintenance for LayoutDriver {
    async fn maintain(&self) -> Result<()> {
        match self.collect(self.shared.options.collect.clone()).await {
            // Somebody else does it.
            Err(DriverError::Busy(_)) => {}
            collected => drop(collected?),
        }
        let stop = Stop::default();
        let stopped = Arc::clone(&stop.0);
        self.blocking(move |shared| shared.look_at_suspects(&stopped))
            .await
    }
}

#[async_trait]
impl Mounts for LayoutDriver {
    /// Found by looking into each repository, but only if more than one place in the registry has the content.
    async fn holders(&self, digest: &Digest) -> Result<Vec<String>> {
        let digest = digest.clone();
        self.blocking(move |shared| {
            if !is_linked(&shared.places.blob(&digest)) {
                return Ok(Vec::new());
            }
            let names = shared.all_names()?;
            let holds = |name: &&String| {
                let path = blob_in(&shared.places.repository(name), &digest);
                fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file())
            };
            Ok(names.keys().filter(holds).cloned().collect())
        })
        .await
    }

    async fn link_blob(&self, digest: &Digest, from: &str, to: &str) -> Result<bool> {
        self.shared.may_change("sharing a blob")?;
        let digest = digest.clone();
        let from = self.shared.places.repository(from);
        let to = self.shared.places.repository(to);
        self.blocking(move |shared| {
            let linked = shared.share(&from, &to, &digest);
            linked.map_err(failed("sharing a blob"))
        })
        .await
    }
}

impl LayoutDriver {
    /// Whether content can be relied on after a crash of the machine, if there was one.
    async fn trusts(&self, path: &Path, digest: &Digest) -> Result<bool> {
        if !self.shared.recovery.has_suspects() {
            return Ok(true);
        }
        let (path, digest) = (path.to_owned(), digest.clone());
        self.blocking(move |shared| {
            let trusted = shared.trust(&path, &digest);
            trusted.map_err(failed("looking at content"))
        })
        .await
    }
}

/// Whether a file of the shared store is in use, as far as the file system can tell.
fn is_linked(path: &Path) -> bool {
    let Ok(metadata) = fs::symlink_metadata(path) else {
        return false;
    };
    #[cfg(unix)]
    let links = std::os::unix::fs::MetadataExt::nlink(&metadata);
    #[cfg(not(unix))]
    let links = 2;
    metadata.is_file() && links > 1
}

//! The read-only layout, from a folder or a tar.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt, StreamExt};
use oras_spec::Descriptor;

use super::blobs::Blobs;
use super::format::{check_layout, read_index};
use super::index::Index;
use super::reach::{Graph, GraphCache};
use super::tar::TarIndex;
use super::{blocking, read};
use crate::ability::{Fetch, ListTags, Predecessors, Referrers, Resolve, Source};
use crate::content::{ByteStream, Content};
use crate::error::Result;
use crate::payload::io_error;

/// A layout in a folder or in an uncompressed tar, only to be read. Cheap to clone.
///
/// It shows the index as it was when it was opened, and never changes anything.
#[derive(Clone)]
pub struct LayoutReader {
    opened: Arc<Opened>,
}

struct Opened {
    blobs: Blobs,
    index: Arc<Index>,
    graph: GraphCache,
}

impl LayoutReader {
    /// Opens a folder, or any file, which is taken for a tar whatever its name is.
    ///
    /// # Errors
    /// In the words of the reference tool: [`ErrorKind::Io`](crate::ErrorKind::Io),
    /// [`InvalidArchive`](crate::ErrorKind::InvalidArchive),
    /// [`UnsupportedVersion`](crate::ErrorKind::UnsupportedVersion) or
    /// [`InvalidManifest`](crate::ErrorKind::InvalidManifest).
    pub async fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_owned();
        blocking(move || Self::open_blocking(&path)).await
    }

    fn open_blocking(path: &Path) -> Result<Self> {
        let metadata = std::fs::metadata(path).map_err(|error| io_error("stat", path, &error))?;
        let blobs = if metadata.is_dir() {
            Blobs::Folder(path.to_owned())
        } else {
            Blobs::Tar(TarIndex::read(path)?)
        };
        check_layout(&blobs)?;
        let index = Arc::new(read_index(&blobs)?);
        let graph = GraphCache::default();
        let opened = Arc::new(Opened {
            blobs,
            index,
            graph,
        });
        Ok(Self { opened })
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Opened) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let opened = Arc::clone(&self.opened);
        blocking(move || work(&opened)).await
    }
}

impl Opened {
    fn graph(&self) -> Result<Arc<Graph>> {
        self.graph
            .get(|| Ok((0, Arc::clone(&self.index))), &self.blobs)
    }
}

#[async_trait]
impl Fetch for LayoutReader {
    async fn fetch(&self, descriptor: &Descriptor) -> Result<Content> {
        let stream = self.opened.blobs.stream(descriptor, 0).await?;
        Ok(Content::new(descriptor.clone(), stream))
    }

    async fn fetch_from(&self, descriptor: &Descriptor, offset: u64) -> Result<ByteStream> {
        self.opened.blobs.stream(descriptor, offset).await
    }

    async fn exists(&self, descriptor: &Descriptor) -> Result<bool> {
        let (digest, size) = (descriptor.digest.clone(), descriptor.size);
        self.blocking(move |opened| Ok(opened.blobs.size(&digest)? == Some(size)))
            .await
    }
}

#[async_trait]
impl Resolve for LayoutReader {
    async fn resolve(&self, reference: &str) -> Result<Descriptor> {
        let reference = reference.to_owned();
        self.blocking(move |opened| {
            read::resolve(&reference, || Ok(Arc::clone(&opened.index)), &opened.blobs)
        })
        .await
    }
}

#[async_trait]
impl Predecessors for LayoutReader {
    async fn predecessors(&self, descriptor: &Descriptor) -> Result<Vec<Descriptor>> {
        let digest = descriptor.digest.clone();
        self.blocking(move |opened| Ok(opened.graph()?.predecessors(&digest)))
            .await
    }
}

#[async_trait]
impl Referrers for LayoutReader {
    async fn referrers(
        &self,
        subject: &Descriptor,
        artifact_type: Option<&str>,
    ) -> Result<Vec<Descriptor>> {
        let subject = subject.digest.clone();
        let artifact_type = artifact_type.map(str::to_owned);
        self.blocking(move |opened| {
            let graph = opened.graph()?;
            read::referrers(&graph, &opened.blobs, &subject, artifact_type.as_deref())
        })
        .await
    }
}

impl ListTags for LayoutReader {
    /// One page, in the order of bytes.
    fn tags<'a>(&'a self, last: Option<&str>) -> BoxStream<'a, Result<Vec<String>>> {
        let page = self.opened.index.tags_after(last);
        let page: Vec<String> = page.map(str::to_owned).collect();
        stream::once(async move { Ok(page) }.boxed()).boxed()
    }
}

impl Source for LayoutReader {
    fn as_predecessors(&self) -> Option<&dyn Predecessors> {
        Some(self)
    }

    fn as_referrers(&self) -> Option<&dyn Referrers> {
        Some(self)
    }

    fn as_list_tags(&self) -> Option<&dyn ListTags> {
        Some(self)
    }
}

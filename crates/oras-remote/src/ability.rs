//! The abilities of a repository: which request stands for which trait method.

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use oras_content::{
    ByteStream, Content, Delete, Fetch, FetchReference, ListTags, Location, Mount, Mounted,
    Payload, Predecessors, Push, PushReference, Pushed, Referrers, Resolve, Result, Source, Tag,
    Target, once,
};
use oras_spec::{Descriptor, TagList};

use crate::page::{self, Listing};
use crate::repository::Repository;

#[async_trait]
impl Fetch for Repository {
    async fn fetch(&self, descriptor: &Descriptor) -> Result<Content> {
        let fetched = match self.is_manifest(&descriptor.media_type) {
            true => self
                .fetch_manifest_as(descriptor)
                .await
                .map(|bytes| Content::new(descriptor.clone(), once(bytes))),
            false => self.download(descriptor).await,
        };
        fetched.map_err(|error| error.with_operation("fetch").with_descriptor(descriptor))
    }

    async fn fetch_from(&self, descriptor: &Descriptor, offset: u64) -> Result<ByteStream> {
        let fetched = match self.is_manifest(&descriptor.media_type) {
            true => self.fetch_manifest_as(descriptor).await.map(|bytes| {
                let start = usize::try_from(offset).unwrap_or(usize::MAX);
                once(bytes.slice(start.min(bytes.len())..))
            }),
            false => self.download_from(descriptor, offset).await,
        };
        fetched.map_err(|error| error.with_operation("fetch").with_descriptor(descriptor))
    }

    async fn exists(&self, descriptor: &Descriptor) -> Result<bool> {
        let reference = self
            .reference()
            .clone()
            .with_digest(descriptor.digest.clone());
        let found = match self.is_manifest(&descriptor.media_type) {
            true => self.resolve_manifest(&reference).await.map(drop),
            false => self
                .stat_blob(&reference, &descriptor.digest)
                .await
                .map(drop),
        };
        match found {
            Ok(()) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error.with_operation("exists").with_descriptor(descriptor)),
        }
    }
}

#[async_trait]
impl Push for Repository {
    async fn push(&self, descriptor: &Descriptor, payload: Payload) -> Result<Pushed> {
        if !self.is_manifest(&descriptor.media_type) {
            return self.push_blob(descriptor, payload).await;
        }
        let pushed = match self.read_manifest(descriptor, &payload).await {
            Ok(bytes) => self.put_manifest(descriptor, bytes, None).await,
            Err(error) => Err(error),
        };
        match pushed {
            Ok(()) => Ok(Pushed::Stored),
            Err(error) => Err(error.with_operation("push").with_descriptor(descriptor)),
        }
    }
}

#[async_trait]
impl Resolve for Repository {
    async fn resolve(&self, reference: &str) -> Result<Descriptor> {
        let reference = self.parse(reference)?;
        let resolved = self.resolve_manifest(&reference).await;
        resolved.map_err(|error| error.with_operation("resolve"))
    }
}

#[async_trait]
impl Tag for Repository {
    async fn tag(&self, descriptor: &Descriptor, reference: &str) -> Result<()> {
        let target = self.parse(reference)?;
        let bytes = self.fetch_manifest_as(descriptor).await?;
        let tagged = self.put_bytes(descriptor, bytes, &target).await;
        tagged.map_err(|error| error.with_operation("tag").with_descriptor(descriptor))
    }
}

#[async_trait]
impl Predecessors for Repository {
    async fn predecessors(&self, descriptor: &Descriptor) -> Result<Vec<Descriptor>> {
        self.list_referrers(descriptor, None).await
    }
}

#[async_trait]
impl Referrers for Repository {
    async fn referrers(
        &self,
        subject: &Descriptor,
        artifact_type: Option<&str>,
    ) -> Result<Vec<Descriptor>> {
        self.list_referrers(subject, artifact_type).await
    }
}

impl ListTags for Repository {
    fn tags<'a>(&'a self, last: Option<&str>) -> BoxStream<'a, Result<Vec<String>>> {
        page::names::<TagList>(Listing {
            client: &self.client.0,
            endpoint: &self.endpoint,
            scopes: self.scopes(&["pull"]),
            page_size: self.page_size,
            first: self.urls().tags(self.page_size, last),
            operation: "list tags",
        })
    }
}

#[async_trait]
impl FetchReference for Repository {
    async fn fetch_reference(&self, reference: &str) -> Result<Content> {
        let reference = self.parse(reference)?;
        let fetched = self.get_manifest(&reference, &self.accept()).await;
        let answer = fetched.map_err(|error| error.with_operation("resolve"))?;
        Ok(Content::new(answer.descriptor, once(answer.bytes)))
    }
}

#[async_trait]
impl PushReference for Repository {
    async fn push_reference(
        &self,
        descriptor: &Descriptor,
        bytes: Bytes,
        reference: &str,
    ) -> Result<()> {
        let reference = self.parse(reference)?;
        let pushed = match self.read_manifest(descriptor, &Payload::bytes(bytes)).await {
            Ok(bytes) => self.put_manifest(descriptor, bytes, Some(&reference)).await,
            Err(error) => Err(error),
        };
        pushed.map_err(|error| error.with_operation("push").with_descriptor(descriptor))
    }

    async fn tag_bytes(
        &self,
        descriptor: &Descriptor,
        bytes: Bytes,
        reference: &str,
    ) -> Result<()> {
        let reference = self.parse(reference)?;
        let tagged = match self.read_manifest(descriptor, &Payload::bytes(bytes)).await {
            Ok(bytes) => self.put_bytes(descriptor, bytes, &reference).await,
            Err(error) => Err(error),
        };
        tagged.map_err(|error| error.with_operation("tag").with_descriptor(descriptor))
    }
}

#[async_trait]
impl Mount for Repository {
    async fn mount(&self, descriptor: &Descriptor, from: &str) -> Result<Mounted> {
        let mounted = self.mount_blob(descriptor, from).await;
        mounted.map_err(|error| error.with_operation("mount").with_descriptor(descriptor))
    }
}

#[async_trait]
impl Delete for Repository {
    async fn delete(&self, descriptor: &Descriptor) -> Result<()> {
        match self.is_manifest(&descriptor.media_type) {
            true => self.delete_manifest(descriptor).await,
            false => self.delete_blob(&descriptor.digest).await,
        }
    }
}

impl Source for Repository {
    fn as_fetch_reference(&self) -> Option<&dyn FetchReference> {
        Some(self)
    }

    fn as_predecessors(&self) -> Option<&dyn Predecessors> {
        Some(self)
    }

    fn as_referrers(&self) -> Option<&dyn Referrers> {
        Some(self)
    }

    fn as_list_tags(&self) -> Option<&dyn ListTags> {
        Some(self)
    }

    fn location(&self) -> Location {
        Self::location(self)
    }
}

impl Target for Repository {
    fn as_push_reference(&self) -> Option<&dyn PushReference> {
        Some(self)
    }

    fn as_mount(&self) -> Option<&dyn Mount> {
        Some(self)
    }

    fn as_delete(&self) -> Option<&dyn Delete> {
        Some(self)
    }
}

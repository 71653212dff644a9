//! A store in memory: for tests, for what a program makes up itself, and for manifests on their way elsewhere.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use oras_spec::{Descriptor, Digest};

use crate::ability::{
    Delete, Fetch, ListTags, Predecessors, Push, Pushed, Referrers, Resolve, Source, Tag, Target,
    Untag, parse_manifest,
};
use crate::content::{ByteStream, Content, SizeExceedsLimit, collect, once};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::{self, Graph};
use crate::payload::Payload;
use crate::sync::lock;

/// Content, tags and the graph over them, all in memory (library semantics 5.1). Clones share one store.
///
/// Content is keyed by its digest; the media type it was first pushed with is what a digest resolves to.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    limit: Option<u64>,
    state: Mutex<State>,
    graph: Graph,
}

#[derive(Debug, Default)]
struct State {
    contents: HashMap<Digest, (Descriptor, Bytes)>,
    tags: BTreeMap<String, Descriptor>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty store that refuses content of more than `bytes` bytes with [`ErrorKind::SizeLimit`].
    pub fn with_limit(bytes: u64) -> Self {
        Self(Arc::new(Inner {
            limit: Some(bytes),
            ..Inner::default()
        }))
    }

    /// The index that pushes fill.
    pub(crate) fn graph(&self) -> &Graph {
        &self.0.graph
    }

    fn get(&self, digest: &Digest) -> Option<(Descriptor, Bytes)> {
        lock(&self.0.state).contents.get(digest).cloned()
    }

    fn bytes(&self, descriptor: &Descriptor) -> Result<Bytes> {
        match self.get(&descriptor.digest) {
            Some((_, bytes)) => Ok(bytes),
            None => Err(missing(descriptor, "fetch")),
        }
    }
}

#[async_trait]
impl Fetch for MemoryStore {
    async fn fetch(&self, descriptor: &Descriptor) -> Result<Content> {
        let bytes = self.bytes(descriptor)?;
        Ok(Content::new(descriptor.clone(), once(bytes)))
    }

    async fn fetch_from(&self, descriptor: &Descriptor, offset: u64) -> Result<ByteStream> {
        let bytes = self.bytes(descriptor)?;
        let start = usize::try_from(offset)
            .unwrap_or(usize::MAX)
            .min(bytes.len());
        Ok(once(bytes.slice(start..)))
    }

    async fn exists(&self, descriptor: &Descriptor) -> Result<bool> {
        Ok(self.get(&descriptor.digest).is_some())
    }

    fn trusted(&self, descriptor: &Descriptor) -> bool {
        self.get(&descriptor.digest)
            .is_some_and(|(_, bytes)| bytes.len() as u64 == descriptor.size)
    }
}

#[async_trait]
impl Push for MemoryStore {
    async fn push(&self, descriptor: &Descriptor, payload: Payload) -> Result<Pushed> {
        if self.exists(descriptor).await? {
            return Ok(Pushed::AlreadyThere);
        }
        check_limit(descriptor, self.0.limit)?;
        let bytes = read(descriptor, &payload)
            .await
            .map_err(|error| error.with_descriptor(descriptor).with_operation("push"))?;
        // Parsed before it is stored: a manifest nobody can read would break every later walk over the graph.
        let successors = match descriptor.is_manifest() {
            true => parse_manifest(descriptor, bytes.clone())?.successors(),
            false => Vec::new(),
        };
        let stored = (descriptor.clone(), bytes);
        lock(&self.0.state)
            .contents
            .insert(descriptor.digest.clone(), stored);
        if descriptor.is_manifest() {
            self.0.graph.index(descriptor, &successors);
        }
        Ok(Pushed::Stored)
    }
}

#[async_trait]
impl Resolve for MemoryStore {
    async fn resolve(&self, reference: &str) -> Result<Descriptor> {
        require_reference(reference)?;
        let state = lock(&self.0.state);
        let by_digest = || {
            state
                .contents
                .get(reference)
                .map(|(descriptor, _)| descriptor)
        };
        match state.tags.get(reference).or_else(by_digest) {
            Some(descriptor) => Ok(descriptor.clone()),
            None => Err(unknown(reference, "resolve")),
        }
    }
}

#[async_trait]
impl Tag for MemoryStore {
    async fn tag(&self, descriptor: &Descriptor, reference: &str) -> Result<()> {
        require_reference(reference)?;
        let mut state = lock(&self.0.state);
        if !state.contents.contains_key(&descriptor.digest) {
            return Err(missing(descriptor, "tag").with_reference(reference));
        }
        state.tags.insert(reference.to_owned(), descriptor.clone());
        Ok(())
    }
}

#[async_trait]
impl Predecessors for MemoryStore {
    async fn predecessors(&self, descriptor: &Descriptor) -> Result<Vec<Descriptor>> {
        Ok(self.0.graph.predecessors(descriptor))
    }
}

#[async_trait]
impl Referrers for MemoryStore {
    async fn referrers(
        &self,
        subject: &Descriptor,
        artifact_type: Option<&str>,
    ) -> Result<Vec<Descriptor>> {
        let predecessors = self.0.graph.predecessors(subject);
        graph::referrers(self, predecessors, subject, artifact_type).await
    }
}

impl ListTags for MemoryStore {
    fn tags<'a>(&'a self, last: Option<&str>) -> BoxStream<'a, Result<Vec<String>>> {
        let after = last.map_or(Bound::Unbounded, Bound::Excluded);
        let state = lock(&self.0.state);
        let range = state.tags.range::<str, _>((after, Bound::Unbounded));
        let page: Vec<String> = range.map(|(tag, _)| tag.clone()).collect();
        stream::iter((!page.is_empty()).then_some(Ok(page))).boxed()
    }
}

#[async_trait]
impl Delete for MemoryStore {
    async fn delete(&self, descriptor: &Descriptor) -> Result<()> {
        let mut state = lock(&self.0.state);
        if state.contents.remove(&descriptor.digest).is_none() {
            return Err(missing(descriptor, "delete"));
        }
        state
            .tags
            .retain(|_, tagged| tagged.digest != descriptor.digest);
        self.0.graph.remove(descriptor);
        Ok(())
    }
}

#[async_trait]
impl Untag for MemoryStore {
    async fn untag(&self, reference: &str) -> Result<()> {
        require_reference(reference)?;
        match lock(&self.0.state).tags.remove(reference) {
            Some(_) => Ok(()),
            None => Err(unknown(reference, "untag")),
        }
    }
}

impl Source for MemoryStore {
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

impl Target for MemoryStore {
    fn as_delete(&self) -> Option<&dyn Delete> {
        Some(self)
    }
    fn as_untag(&self) -> Option<&dyn Untag> {
        Some(self)
    }
}

fn check_limit(descriptor: &Descriptor, limit: Option<u64>) -> Result<()> {
    let size = descriptor.size;
    match limit {
        Some(limit) if size > limit => {
            let text = format!("content size {size} exceeds push size limit {limit}");
            Err(Error::new(ErrorKind::SizeLimit, text)
                .with_source(SizeExceedsLimit)
                .with_descriptor(descriptor)
                .with_operation("push"))
        }
        _ => Ok(()),
    }
}

/// All bytes, verified unless they are trusted; never more than declared are kept.
async fn read(descriptor: &Descriptor, payload: &Payload) -> Result<Bytes> {
    let bytes = collect(payload.open_verified(descriptor).await?).await?;
    if bytes.len() as u64 != descriptor.size {
        return Err(Error::new(
            ErrorKind::SizeMismatch,
            "content size differs from its descriptor",
        ));
    }
    Ok(bytes)
}

/// Refuses the empty reference.
pub(crate) fn require_reference(reference: &str) -> Result<()> {
    match reference {
        "" => Err(Error::new(ErrorKind::MissingReference, "missing reference")),
        _ => Ok(()),
    }
}

/// `reference` stands for nothing.
pub(crate) fn unknown(reference: &str, operation: &'static str) -> Error {
    Error::not_found(reference)
        .with_reference(reference)
        .with_operation(operation)
}

/// The content is not in the store.
pub(crate) fn missing(descriptor: &Descriptor, operation: &'static str) -> Error {
    Error::not_found(format!("{}: {}", descriptor.digest, descriptor.media_type))
        .with_descriptor(descriptor)
        .with_operation(operation)
}

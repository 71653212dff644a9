//! A store that counts what it is asked for, fails where told to, and can behave like a registry.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use oras::content::memory::MemoryStore;
use oras::content::{
    ByteStream, Content, Error, ErrorKind, Fetch, FetchExt, FetchReference, Location, Mount,
    Mounted, Payload, Predecessors, Push, PushReference, Pushed, Referrers, Resolve, Result,
    Source, Tag, Target,
};
use oras::spec::{Descriptor, Digest};
use tokio::sync::Notify;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Op {
    Exists,
    Fetch,
    Push,
    Mount,
}

/// What happens instead of what was asked for.
#[derive(Clone)]
pub(crate) enum Fault {
    /// It fails.
    Fail(ErrorKind),
    /// The body breaks after its first byte.
    Break,
    /// The body has other bytes.
    Corrupt,
    /// It panics.
    Panic,
    /// It says that it is working, and never ends.
    Hang(Arc<Notify>),
    /// `exists` says yes, until the content is really pushed.
    Lie,
}

#[derive(Clone, Default)]
pub(crate) struct Probe(Arc<Inner>);

#[derive(Default)]
struct Inner {
    store: MemoryStore,
    faults: Mutex<HashMap<(Op, Digest), Fault>>,
    counts: Mutex<HashMap<(Op, Digest), usize>>,
    /// Names given and manifests pushed under a name, in order.
    names: Mutex<Vec<String>>,
    pushing: AtomicUsize,
    most_pushing: AtomicUsize,
    flushed: AtomicUsize,
    /// Registry and repository; a plain store without.
    registry: Option<(String, String)>,
}

impl Probe {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Resolves and fetches, pushes and names in one go, mounts, and refuses manifests whose content is missing.
    pub(crate) fn registry(registry: &str, repository: &str) -> Self {
        Self(Arc::new(Inner {
            registry: Some((registry.into(), repository.into())),
            ..Inner::default()
        }))
    }

    pub(crate) fn store(&self) -> &MemoryStore {
        &self.0.store
    }

    pub(crate) fn source(&self) -> Arc<dyn Source> {
        Arc::new(self.clone())
    }

    pub(crate) fn target(&self) -> Arc<dyn Target> {
        Arc::new(self.clone())
    }

    pub(crate) fn fault(&self, op: Op, content: &Descriptor, fault: Fault) {
        self.0
            .faults
            .lock()
            .unwrap()
            .insert((op, content.digest.clone()), fault);
    }

    pub(crate) fn mend(&self) {
        self.0.faults.lock().unwrap().clear();
    }

    pub(crate) fn count(&self, op: Op, content: &Descriptor) -> usize {
        let counts = self.0.counts.lock().unwrap();
        counts
            .get(&(op, content.digest.clone()))
            .copied()
            .unwrap_or_default()
    }

    pub(crate) fn total(&self, op: Op) -> usize {
        let counts = self.0.counts.lock().unwrap();
        counts
            .iter()
            .filter(|((o, _), _)| *o == op)
            .map(|(_, n)| n)
            .sum()
    }

    pub(crate) fn forget_counts(&self) {
        self.0.counts.lock().unwrap().clear();
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.0.names.lock().unwrap().clone()
    }

    pub(crate) fn most_pushing(&self) -> usize {
        self.0.most_pushing.load(Ordering::SeqCst)
    }

    pub(crate) fn flushes(&self) -> usize {
        self.0.flushed.load(Ordering::SeqCst)
    }

    /// How many handles to this store are alive.
    pub(crate) fn holders(&self) -> usize {
        Arc::strong_count(&self.0)
    }

    pub(crate) async fn has(&self, content: &Descriptor) -> bool {
        self.0.store.exists(content).await.unwrap()
    }

    async fn enter(&self, op: Op, content: &Descriptor) -> Result<Option<Fault>> {
        let key = (op, content.digest.clone());
        *self
            .0
            .counts
            .lock()
            .unwrap()
            .entry(key.clone())
            .or_default() += 1;
        let fault = self.0.faults.lock().unwrap().get(&key).cloned();
        match fault {
            Some(Fault::Fail(kind)) => Err(Error::new(kind, "made to fail")),
            Some(Fault::Panic) => panic!("made to panic"),
            Some(Fault::Hang(hanging)) => {
                hanging.notify_one();
                std::future::pending().await
            }
            other => Ok(other),
        }
    }

    /// Refuses a manifest as registries do.
    async fn check_references(&self, descriptor: &Descriptor, bytes: &Bytes) -> Result<()> {
        if self.0.registry.is_none() || !descriptor.is_manifest() {
            return Ok(());
        }
        let manifest = oras::content::parse_manifest(descriptor, bytes.clone())?;
        let subject = manifest.subject().map(|subject| subject.digest.clone());
        for child in manifest.successors() {
            if Some(&child.digest) != subject.as_ref() && !self.0.store.exists(&child).await? {
                let kind = ErrorKind::MissingReferencedContent;
                return Err(Error::new(kind, format!("blob unknown: {}", child.digest)));
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Fetch for Probe {
    async fn fetch(&self, descriptor: &Descriptor) -> Result<Content> {
        let fault = self.enter(Op::Fetch, descriptor).await?;
        let content = self.0.store.fetch(descriptor).await?;
        let bytes = match fault {
            Some(Fault::Break) => {
                let broken = std::io::Error::other("connection reset");
                let first = Bytes::from_static(b"x");
                futures_util::stream::iter([Ok(first), Err(broken)]).boxed()
            }
            Some(Fault::Corrupt) => {
                let other = vec![b'!'; descriptor.size as usize];
                oras::content::once(other.into())
            }
            _ => content.into_unverified(),
        };
        Ok(Content::new(descriptor.clone(), bytes))
    }

    async fn fetch_from(&self, descriptor: &Descriptor, offset: u64) -> Result<ByteStream> {
        self.0.store.fetch_from(descriptor, offset).await
    }

    async fn exists(&self, descriptor: &Descriptor) -> Result<bool> {
        let fault = self.enter(Op::Exists, descriptor).await?;
        Ok(matches!(fault, Some(Fault::Lie)) || self.0.store.exists(descriptor).await?)
    }
}

#[async_trait]
impl Push for Probe {
    async fn push(&self, descriptor: &Descriptor, payload: Payload) -> Result<Pushed> {
        let pushing = self.0.pushing.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.most_pushing.fetch_max(pushing, Ordering::SeqCst);
        // Gives others the chance to push at the same time.
        tokio::task::yield_now().await;
        let _leave = Leave(&self.0.pushing);
        self.enter(Op::Push, descriptor).await?;
        if self.0.registry.is_some() && descriptor.is_manifest() {
            let stream = payload.open_verified(descriptor).await?;
            let bytes = Content::new(descriptor.clone(), stream)
                .bytes(u64::MAX)
                .await?;
            self.check_references(descriptor, &bytes).await?;
            return self.0.store.push(descriptor, Payload::bytes(bytes)).await;
        }
        self.0.store.push(descriptor, payload).await
    }

    async fn flush(&self) -> Result<()> {
        self.0.flushed.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

struct Leave<'a>(&'a AtomicUsize);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Resolve for Probe {
    async fn resolve(&self, reference: &str) -> Result<Descriptor> {
        let resolved = self.0.store.resolve(reference).await?;
        Ok(match self.0.registry {
            Some(_) => resolved.plain(),
            None => resolved,
        })
    }
}

#[async_trait]
impl Tag for Probe {
    async fn tag(&self, descriptor: &Descriptor, reference: &str) -> Result<()> {
        self.0
            .names
            .lock()
            .unwrap()
            .push(format!("tag {reference}"));
        self.0.store.tag(descriptor, reference).await
    }
}

#[async_trait]
impl FetchReference for Probe {
    async fn fetch_reference(&self, reference: &str) -> Result<Content> {
        let descriptor = self.resolve(reference).await?;
        self.fetch(&descriptor).await
    }
}

#[async_trait]
impl PushReference for Probe {
    async fn push_reference(
        &self,
        descriptor: &Descriptor,
        bytes: Bytes,
        reference: &str,
    ) -> Result<()> {
        self.enter(Op::Push, descriptor).await?;
        self.check_references(descriptor, &bytes).await?;
        self.0.store.push(descriptor, Payload::bytes(bytes)).await?;
        self.0
            .names
            .lock()
            .unwrap()
            .push(format!("push {reference}"));
        self.0.store.tag(descriptor, reference).await
    }

    async fn tag_bytes(
        &self,
        descriptor: &Descriptor,
        bytes: Bytes,
        reference: &str,
    ) -> Result<()> {
        self.push_reference(descriptor, bytes, reference).await
    }
}

#[async_trait]
impl Mount for Probe {
    async fn mount(&self, descriptor: &Descriptor, from: &str) -> Result<Mounted> {
        match self.enter(Op::Mount, descriptor).await? {
            // Stands for a blob that really is in the other repository.
            Some(Fault::Lie) => {
                assert_eq!(from, "from");
                let bytes = Bytes::from_static(b"mounted");
                assert_eq!(descriptor.digest, Digest::sha256(&bytes));
                self.0.store.push(descriptor, Payload::bytes(bytes)).await?;
                Ok(Mounted::Mounted)
            }
            _ => Ok(Mounted::Declined),
        }
    }
}

#[async_trait]
impl Predecessors for Probe {
    async fn predecessors(&self, descriptor: &Descriptor) -> Result<Vec<Descriptor>> {
        self.0.store.predecessors(descriptor).await
    }
}

#[async_trait]
impl Referrers for Probe {
    async fn referrers(
        &self,
        subject: &Descriptor,
        artifact_type: Option<&str>,
    ) -> Result<Vec<Descriptor>> {
        self.0.store.referrers(subject, artifact_type).await
    }
}

impl Source for Probe {
    fn as_fetch_reference(&self) -> Option<&dyn FetchReference> {
        self.0.registry.as_ref().map(|_| self as _)
    }

    fn as_predecessors(&self) -> Option<&dyn Predecessors> {
        Some(self)
    }

    fn as_referrers(&self) -> Option<&dyn Referrers> {
        self.0.registry.as_ref().map(|_| self as _)
    }

    fn location(&self) -> Location {
        match self.0.registry.clone() {
            Some((registry, repository)) => Location::Repository {
                registry,
                repository,
                identity: String::new(),
            },
            None => Location::Opaque,
        }
    }
}

impl Target for Probe {
    fn as_push_reference(&self) -> Option<&dyn PushReference> {
        self.0.registry.as_ref().map(|_| self as _)
    }

    fn as_mount(&self) -> Option<&dyn Mount> {
        self.0.registry.as_ref().map(|_| self as _)
    }
}

/// Everything below `root` is in `store`, bit by bit.
pub(crate) async fn complete(store: &dyn Fetch, root: &Descriptor) {
    let mut open = vec![root.clone()];
    while let Some(content) = open.pop() {
        store.fetch_bytes(&content, u64::MAX).await.unwrap();
        let children = oras::content::successors(store, &content).await.unwrap();
        open.extend(
            children
                .into_iter()
                .filter(|child| !child.is_foreign_layer()),
        );
    }
}

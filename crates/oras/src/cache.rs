//! Keeping what was read for the next time.

use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use oras_content::{
    ByteStream, Content, Error, ErrorKind, Fetch, FetchReference, ListTags, Location, Payload,
    Predecessors, Referrers, Resolve, Result, Source, Target,
};
use oras_spec::Descriptor;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Chunks between the one who reads and the cache.
const QUEUE: usize = 4;

/// A store, usually an OCI layout, in which content is looked for before it is fetched, and kept after it was.
///
/// Content is named by its digest, so what is in the cache is right for every source. References are not kept: what they
/// stand for is asked of the source each time. As the store shows nothing partial, a cache can be shared by processes, and
/// an interrupted one is whole.
#[derive(Clone)]
pub struct Cache {
    store: Arc<dyn Target>,
}

impl Cache {
    /// A cache in `store`.
    pub fn new(store: Arc<dyn Target>) -> Self {
        Self { store }
    }

    /// `source`, read through this cache.
    pub fn over(&self, source: Arc<dyn Source>) -> Arc<dyn Source> {
        Arc::new(Cached {
            cache: self.clone(),
            source,
        })
    }

    /// The same content out of the cache, or on its way into it.
    ///
    /// # Errors
    /// If the cache cannot be read. If it cannot be written, the stream ends in that error.
    pub async fn through(&self, content: Content) -> Result<Content> {
        let descriptor = content.descriptor().clone();
        match self.kept(&descriptor).await? {
            Some(kept) => Ok(kept),
            None => {
                let stream = self.keeping(&descriptor, content.into_unverified());
                Ok(Content::new(descriptor, stream))
            }
        }
    }

    async fn kept(&self, content: &Descriptor) -> Result<Option<Content>> {
        match self.store.exists(content).await? {
            true => self.store.fetch(content).await.map(Some),
            false => Ok(None),
        }
    }

    /// The stream, written to the cache as it is read. At its end the content is there, unless its bytes were wrong or
    /// the stream was dropped before.
    fn keeping(&self, content: &Descriptor, stream: ByteStream) -> ByteStream {
        let (sender, mut receiver) = mpsc::channel::<io::Result<Bytes>>(QUEUE);
        let received = stream::poll_fn(move |cx| receiver.poll_recv(cx)).boxed();
        let (store, content) = (Arc::clone(&self.store), content.clone());
        let writer = tokio::spawn(async move {
            store.push(&content, Payload::stream(received)).await?;
            store.flush().await
        });
        let tee = Tee {
            stream,
            sender: Some(sender),
            writer: Some(writer),
        };
        stream::unfold(tee, Tee::next).boxed()
    }
}

/// A stream on its way to a reader and to the cache.
struct Tee {
    stream: ByteStream,
    sender: Option<mpsc::Sender<io::Result<Bytes>>>,
    writer: Option<JoinHandle<Result<()>>>,
}

impl Tee {
    async fn next(mut self) -> Option<(io::Result<Bytes>, Self)> {
        match self.stream.next().await {
            Some(Ok(chunk)) => {
                if let Some(sender) = &self.sender
                    && sender.send(Ok(chunk.clone())).await.is_err()
                {
                    // The cache has it already, or has failed, which is told at the end.
                    self.sender = None;
                }
                Some((Ok(chunk), self))
            }
            Some(Err(error)) => {
                // Without its end the content is not kept.
                self.abandon();
                Some((Err(error), self))
            }
            None => {
                self.sender = None;
                let written = self.writer.take()?.await;
                let error = match written {
                    Ok(Ok(())) => return None,
                    Ok(Err(error)) if is_wrong(&error) => return None,
                    Ok(Err(error)) => error,
                    Err(error) => Error::new(ErrorKind::Other, error.to_string()),
                };
                Some((Err(error.into()), self))
            }
        }
    }

    fn abandon(&mut self) {
        self.sender = None;
        if let Some(writer) = self.writer.take() {
            writer.abort();
        }
    }
}

/// Whether the bytes were not what they should be: the reader, who verifies them too, tells.
fn is_wrong(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::DigestMismatch | ErrorKind::SizeMismatch | ErrorKind::InvalidManifest
    )
}

struct Cached {
    cache: Cache,
    source: Arc<dyn Source>,
}

#[async_trait]
impl Fetch for Cached {
    async fn fetch(&self, descriptor: &Descriptor) -> Result<Content> {
        if let Some(kept) = self.cache.kept(descriptor).await? {
            return Ok(kept);
        }
        let stream = self.source.fetch(descriptor).await?.into_unverified();
        let stream = self.cache.keeping(descriptor, stream);
        Ok(Content::new(descriptor.clone(), stream))
    }

    async fn fetch_from(&self, descriptor: &Descriptor, offset: u64) -> Result<ByteStream> {
        match self.cache.store.exists(descriptor).await? {
            true => self.cache.store.fetch_from(descriptor, offset).await,
            // A part is not kept.
            false => self.source.fetch_from(descriptor, offset).await,
        }
    }

    async fn exists(&self, descriptor: &Descriptor) -> Result<bool> {
        self.source.exists(descriptor).await
    }
}

#[async_trait]
impl Resolve for Cached {
    async fn resolve(&self, reference: &str) -> Result<Descriptor> {
        self.source.resolve(reference).await
    }
}

/// Only called if the source can do it.
#[async_trait]
impl FetchReference for Cached {
    async fn fetch_reference(&self, reference: &str) -> Result<Content> {
        let Some(fetcher) = self.source.as_fetch_reference() else {
            let descriptor = self.source.resolve(reference).await?;
            return self.fetch(&descriptor).await;
        };
        let content = fetcher.fetch_reference(reference).await?;
        self.cache.through(content).await
    }
}

impl Source for Cached {
    fn as_fetch_reference(&self) -> Option<&dyn FetchReference> {
        self.source.as_fetch_reference().map(|_| self as _)
    }

    fn as_predecessors(&self) -> Option<&dyn Predecessors> {
        self.source.as_predecessors()
    }

    fn as_referrers(&self) -> Option<&dyn Referrers> {
        self.source.as_referrers()
    }

    fn as_list_tags(&self) -> Option<&dyn ListTags> {
        self.source.as_list_tags()
    }

    fn location(&self) -> Location {
        self.source.location()
    }
}

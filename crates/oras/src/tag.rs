//! Giving names to content that is there already.

use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use oras_content::{
    Error, ErrorKind, Event, EventSink, MAX_MANIFEST_BYTES, NoEvents, Payload, Result, Side, Target,
};
use oras_spec::{Descriptor, RawManifest};

use crate::copy::flushed;
use crate::resolve::{Root, fetch_root};
use crate::sync::At;

/// How many names are given at once unless told otherwise.
pub const DEFAULT_TAG_CONCURRENCY: usize = 5;

/// How names are given.
#[derive(Clone)]
pub struct TagOptions {
    /// Names given at once; 0 stands for [`DEFAULT_TAG_CONCURRENCY`].
    pub concurrency: usize,
    /// Is told of every name once it is given ([`Event::Tagged`]).
    pub events: Arc<dyn EventSink>,
}

impl Default for TagOptions {
    fn default() -> Self {
        Self {
            concurrency: DEFAULT_TAG_CONCURRENCY,
            events: Arc::new(NoEvents),
        }
    }
}

/// Gives the names `tags` to what `reference` stands for. On a registry: one GET, then one PUT for each name.
///
/// [`Event::Started`] tells, before the first name is given, what it is given to.
///
/// # Errors
/// [`ErrorKind::MissingReference`] without any name. With several names the error says which one failed; others may have
/// been given.
pub async fn tag_many(
    target: &Arc<dyn Target>,
    reference: &str,
    tags: &[String],
    options: &TagOptions,
) -> Result<Descriptor> {
    if tags.is_empty() {
        return Err(Error::new(
            ErrorKind::MissingReference,
            "dstReferences cannot be empty: missing reference",
        ));
    }
    let source = Arc::clone(target) as _;
    let root = fetch_root(&source, reference, None, MAX_MANIFEST_BYTES).await?;
    options.events.on_event(&Event::Started(&root.descriptor));
    let naming = Naming {
        target,
        context: match (tags, target.as_push_reference()) {
            ([_], _) => Context::None,
            (_, Some(_)) => Context::Tag,
            (_, None) => Context::SourceAndTag(reference),
        },
        root: &root,
        events: options.events.as_ref(),
    };
    let named = naming.all(tags, options.concurrency).await;
    flushed(target, named).await?;
    Ok(root.descriptor)
}

/// Gives the names `tags` to a manifest whose bytes are at hand and whose content is there. On a registry: one PUT for
/// each name.
///
/// # Errors
/// The error says which name failed; others may have been given.
pub async fn tag_manifest(
    target: &Arc<dyn Target>,
    manifest: &RawManifest,
    tags: &[String],
    options: &TagOptions,
) -> Result<()> {
    if tags.is_empty() {
        return Ok(());
    }
    let descriptor = manifest.descriptor();
    if target.as_push_reference().is_none() {
        let payload = Payload::bytes(manifest.bytes().clone());
        let pushed = target.push(descriptor, payload).await;
        pushed.at(Side::Destination, "push")?;
    }
    let root = Root {
        descriptor: descriptor.plain(),
        bytes: Some(manifest.bytes().clone()),
    };
    let naming = Naming {
        target,
        context: Context::Tag,
        root: &root,
        events: options.events.as_ref(),
    };
    let named = naming.all(tags, options.concurrency).await;
    flushed(target, named).await
}

struct Naming<'a> {
    target: &'a Arc<dyn Target>,
    context: Context<'a>,
    root: &'a Root,
    events: &'a dyn EventSink,
}

/// What an error says before its cause.
#[derive(Clone, Copy)]
enum Context<'a> {
    None,
    Tag,
    SourceAndTag(&'a str),
}

impl Naming<'_> {
    async fn all(&self, tags: &[String], concurrency: usize) -> Result<()> {
        let limit = match concurrency {
            0 => DEFAULT_TAG_CONCURRENCY,
            n => n,
        };
        let names: Vec<_> = tags.iter().map(|tag| self.one(tag)).collect();
        stream::iter(names)
            .buffer_unordered(limit)
            .try_collect()
            .await
    }

    async fn one(&self, tag: &str) -> Result<()> {
        let descriptor = &self.root.descriptor;
        let named = match (self.target.as_push_reference(), &self.root.bytes) {
            (Some(pusher), Some(bytes)) => pusher.tag_bytes(descriptor, bytes.clone(), tag).await,
            _ => self.target.tag(descriptor, tag).await,
        };
        named
            .map_err(|error| error.with_reference(tag))
            .at(Side::Destination, "tag")
            .map_err(|error| match self.context {
                Context::None => error,
                Context::Tag => error.context(format!("failed to tag {tag}")),
                Context::SourceAndTag(source) => {
                    error.context(format!("failed to tag {source} as {tag}"))
                }
            })?;
        self.events.on_event(&Event::Tagged(tag));
        Ok(())
    }
}

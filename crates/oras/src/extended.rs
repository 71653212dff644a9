//! Copying a graph together with everything that refers to it.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use oras_content::{FetchExt, Result, Side, Source, Target, parse_manifest};
use oras_spec::{Descriptor, Manifest};

use crate::copy::flushed;
use crate::engine::Engine;
use crate::options::CopyOptions;
use crate::referrers::{MAX_DEPTH, count, referrers, too_deep};
use crate::resolve::resolve;
use crate::sync::{At, METADATA_CONCURRENCY, unless_cancelled};

/// How a graph is copied with its referrers.
#[derive(Clone, Default)]
pub struct ExtendedCopyOptions {
    /// How each content is copied.
    pub copy: CopyOptions,
    /// Levels of referrers that are followed; all of them if `None`.
    pub depth: Option<u32>,
    /// Which referrers are followed; all of them if `None`.
    pub filter: Option<Arc<dyn ReferrerFilter>>,
}

/// Decides which referrers are copied.
pub trait ReferrerFilter: Send + Sync {
    /// Whether to copy `referrer`, and to look for what refers to it. Artifact type and annotations are filled in.
    fn keeps(&self, referrer: &Descriptor) -> bool;
}

/// Any closure is a filter.
impl<F: Fn(&Descriptor) -> bool + Send + Sync> ReferrerFilter for F {
    fn keeps(&self, referrer: &Descriptor) -> bool {
        self(referrer)
    }
}

/// Copies what `reference` stands for, everything below it, and everything that refers to it at any distance; then names
/// it `destination`, unless that is empty or its digest.
///
/// For an index, what refers to its manifests is copied, too. Being listed by an index is not a reference: no parent index
/// is copied.
///
/// # Errors
/// As [`copy`](crate::copy()), and what asking for the referrers fails with.
pub async fn extended_copy(
    source: &Arc<dyn Source>,
    reference: &str,
    target: &Arc<dyn Target>,
    destination: &str,
    options: &ExtendedCopyOptions,
) -> Result<Descriptor> {
    let cancel = &options.copy.cancel;
    let platform = options.copy.platform.as_ref();
    let node = unless_cancelled(cancel, resolve(source, reference, platform)).await?;
    extended_copy_node(source, &node, target, destination, options).await?;
    Ok(node)
}

/// Like [`extended_copy`], for a node that is known already.
pub(crate) async fn extended_copy_node(
    source: &Arc<dyn Source>,
    node: &Descriptor,
    target: &Arc<dyn Target>,
    destination: &str,
    options: &ExtendedCopyOptions,
) -> Result<()> {
    let cancel = &options.copy.cancel;
    let plan = unless_cancelled(cancel, Plan::new(source, node, options)).await?;

    let engine = Engine::new(source, target, &options.copy).seeded(node, plan.bytes.clone());
    let copied = match engine.run(plan.roots).await {
        Ok(()) => unless_cancelled(cancel, name(target, node, plan.bytes, destination)).await,
        failed => failed,
    };
    flushed(target, copied).await
}

/// How much refers to `node`, at any distance; for an index, to its manifests, too.
pub(crate) async fn count_referrers(
    source: &Arc<dyn Source>,
    node: &Descriptor,
    options: &CopyOptions,
) -> Result<usize> {
    let options = ExtendedCopyOptions {
        copy: options.clone(),
        ..ExtendedCopyOptions::default()
    };
    Ok(Plan::new(source, node, &options).await?.referrers)
}

/// Names the node, in one request where the target can do that.
async fn name(
    target: &Arc<dyn Target>,
    node: &Descriptor,
    bytes: Option<Bytes>,
    destination: &str,
) -> Result<()> {
    if destination.is_empty() || destination == node.digest.as_str() {
        return Ok(());
    }
    let named = match (target.as_push_reference(), bytes) {
        (Some(pusher), Some(bytes)) => pusher.push_reference(node, bytes, destination).await,
        _ => target.tag(node, destination).await,
    };
    named
        .map_err(|error| error.with_reference(destination))
        .at(Side::Destination, "tag")
}

/// What an extended copy copies.
struct Plan {
    /// The graphs that together hold everything.
    roots: Vec<Descriptor>,
    /// How much refers to the node or its children, each counted once.
    referrers: usize,
    /// The node itself, if it is a manifest.
    bytes: Option<Bytes>,
}

impl Plan {
    async fn new(
        source: &Arc<dyn Source>,
        node: &Descriptor,
        options: &ExtendedCopyOptions,
    ) -> Result<Self> {
        if !node.is_manifest() {
            return Ok(Self {
                roots: vec![node.clone()],
                referrers: 0,
                bytes: None,
            });
        }
        let bytes = source
            .fetch_bytes(node, options.copy.max_manifest_bytes)
            .await
            .at(Side::Source, "fetch")?;
        let manifest = parse_manifest(node, bytes.clone()).at(Side::Source, "fetch")?;
        let children = match manifest.manifest() {
            Manifest::Index(index) | Manifest::DockerList(index) => index.manifests.clone(),
            _ => Vec::new(),
        };
        let (roots, referrers) = roots(source, node, children, options).await?;
        Ok(Self {
            roots,
            referrers,
            bytes: Some(bytes),
        })
    }
}

/// Walks upwards, level by level, and returns what nothing refers to: below these is everything. Also returns how many
/// referrers were found.
///
/// The children of the node are where the walk starts, too, but are no roots, as the node holds them.
async fn roots(
    source: &Arc<dyn Source>,
    node: &Descriptor,
    children: Vec<Descriptor>,
    options: &ExtendedCopyOptions,
) -> Result<(Vec<Descriptor>, usize)> {
    let children = children.into_iter().filter(Descriptor::is_manifest);
    let mut level: Vec<_> = std::iter::once(node.clone()).chain(children).collect();
    let mut visited = HashSet::new();
    level.retain(|start| visited.insert(start.key()));
    let starts = visited.len();

    let mut roots = Vec::new();
    let mut total = 0;
    for depth in 0.. {
        if level.is_empty() {
            break;
        }
        if depth > MAX_DEPTH {
            return Err(too_deep(&level[0]));
        }
        if options.depth.is_some_and(|limit| depth >= limit as usize) {
            roots.extend(
                level
                    .into_iter()
                    .filter(|at| depth > 0 || at.same_content(node)),
            );
            break;
        }
        let mut next = Vec::new();
        for (at, found) in above(source, level, options, &mut total).await? {
            if found.is_empty() && (depth > 0 || at.same_content(node)) {
                roots.push(at);
            }
            next.extend(found.into_iter().filter(|one| visited.insert(one.key())));
        }
        level = next;
    }
    Ok((roots, visited.len() - starts))
}

/// What refers to each manifest of a level.
async fn above(
    source: &Arc<dyn Source>,
    level: Vec<Descriptor>,
    options: &ExtendedCopyOptions,
    total: &mut usize,
) -> Result<Vec<(Descriptor, Vec<Descriptor>)>> {
    let asked = level.into_iter().map(|at| async move {
        let mut found = referrers(source, &at, None).await?;
        if let Some(filter) = &options.filter {
            found.retain(|referrer| filter.keeps(referrer));
        }
        Ok::<_, oras_content::Error>((at, found))
    });
    let mut answers = stream::iter(asked).buffered(METADATA_CONCURRENCY);
    let mut all = Vec::new();
    while let Some((at, found)) = answers.try_next().await? {
        count(total, found.len(), &at)?;
        all.push((at, found));
    }
    Ok(all)
}

//! The tree of what refers to a manifest.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use oras_content::{Result, Source};
use oras_spec::{Descriptor, Digest};

use crate::referrers::{MAX_DEPTH, count, referrers, too_deep};
use crate::sync::METADATA_CONCURRENCY;

/// What to look for.
#[derive(Clone, Debug, Default)]
pub struct DiscoverOptions {
    /// Only referrers of this type, on every level: what refers to one that is left out is not found.
    pub artifact_type: Option<String>,
    /// Levels below the subject; all of them if `None`.
    pub depth: Option<u32>,
    /// Listings asked for at once; 0 stands for 32.
    pub concurrency: usize,
}

/// A manifest and what refers to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferrerNode {
    /// The manifest.
    pub descriptor: Descriptor,
    /// What refers to it, in the order of the source.
    pub referrers: Vec<Self>,
}

/// Finds what refers to `subject`, what refers to that, and so on. A manifest that turns up again is listed again, but
/// not expanded again.
///
/// # Errors
/// What the source fails with; [`ErrorKind::SizeLimit`](oras_content::ErrorKind::SizeLimit) for more than 1000 levels or
/// 200,000 referrers.
pub async fn discover(
    source: &Arc<dyn Source>,
    subject: &Descriptor,
    options: &DiscoverOptions,
) -> Result<ReferrerNode> {
    let mut levels = Vec::new();
    let mut level = vec![Found {
        descriptor: subject.clone(),
        parent: 0,
    }];
    let mut walk = Walk::default();
    while !level.is_empty() {
        let below = match options.depth {
            Some(depth) if levels.len() >= depth as usize => Vec::new(),
            _ => next_level(source, &level, &mut walk, options).await?,
        };
        levels.push(level);
        level = below;
        if let Some(deep) = level.first().filter(|_| levels.len() > MAX_DEPTH) {
            return Err(too_deep(&deep.descriptor));
        }
    }
    Ok(assemble(levels, subject))
}

/// A manifest on one level of the tree.
struct Found {
    descriptor: Descriptor,
    /// Its place among the level above.
    parent: usize,
}

/// What has been seen on the way down.
#[derive(Default)]
struct Walk {
    expanded: HashSet<Digest>,
    found: usize,
}

async fn next_level(
    source: &Arc<dyn Source>,
    level: &[Found],
    walk: &mut Walk,
    options: &DiscoverOptions,
) -> Result<Vec<Found>> {
    let artifact_type = options
        .artifact_type
        .as_deref()
        .filter(|text| !text.is_empty());
    let mut listings = Vec::new();
    for (parent, found) in level.iter().enumerate() {
        if !walk.expanded.insert(found.descriptor.digest.clone()) {
            continue;
        }
        listings.push(async move {
            let listed = referrers(source, &found.descriptor, artifact_type).await?;
            Ok::<_, oras_content::Error>((parent, listed))
        });
    }
    let limit = match options.concurrency {
        0 => METADATA_CONCURRENCY,
        n => n,
    };
    let mut below = Vec::new();
    let mut listed = stream::iter(listings).buffered(limit);
    while let Some((parent, found)) = listed.try_next().await? {
        count(&mut walk.found, found.len(), &level[parent].descriptor)?;
        let found = found.into_iter();
        below.extend(found.map(|descriptor| Found { descriptor, parent }));
    }
    Ok(below)
}

/// Hangs each level below the one above it, from the bottom up.
fn assemble(levels: Vec<Vec<Found>>, subject: &Descriptor) -> ReferrerNode {
    let mut below: Vec<(usize, ReferrerNode)> = Vec::new();
    for level in levels.into_iter().rev() {
        let mut nodes: Vec<_> = level
            .into_iter()
            .map(|found| {
                let node = ReferrerNode {
                    descriptor: found.descriptor,
                    referrers: Vec::new(),
                };
                (found.parent, node)
            })
            .collect();
        for (parent, node) in below {
            if let Some((_, above)) = nodes.get_mut(parent) {
                above.referrers.push(node);
            }
        }
        below = nodes;
    }
    let root = below.pop().map(|(_, node)| node);
    root.unwrap_or_else(|| ReferrerNode {
        descriptor: subject.clone(),
        referrers: Vec::new(),
    })
}

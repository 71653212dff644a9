//! Deleting a content and what only it held together.

use std::collections::HashSet;
use std::fs;
use std::io;

use async_trait::async_trait;
use oras_spec::layout::blob_path;
use oras_spec::{Descriptor, Digest};

use super::index::Index;
use super::reach::{Graph, Node, NodeContent};
use super::read::missing_blob;
use super::store::{LayoutStore, Shared};
use super::transaction::Transaction;
use crate::ability::Delete;
use crate::error::Result;
use crate::payload::io_error;

#[async_trait]
impl Delete for LayoutStore {
    /// Deletes the content with all its tags, its untagged referrers, and what nothing refers to any more.
    ///
    /// Kept in any case: what has a tag, and what a manifest that stays refers to. A blob that is missing already is
    /// no error, unless it is the one to delete and nothing lists it either.
    async fn delete(&self, descriptor: &Descriptor) -> Result<()> {
        let descriptor = descriptor.clone();
        self.blocking(move |shared| delete(shared, &descriptor))
            .await
    }
}

fn delete(shared: &Shared, descriptor: &Descriptor) -> Result<()> {
    let target = &descriptor.digest;
    let mut change = Transaction::begin(shared)?;
    let there = shared.blobs.size(target)?.is_some();
    let doomed = if descriptor.is_manifest() {
        let graph = Graph::walk(&change.index, &shared.blobs, &shared.graph.known());
        doomed(&graph, &change.index, target)
    } else {
        vec![target.clone()]
    };
    let mut listed = false;
    for digest in &doomed {
        listed |= change.index.remove(digest) && digest == target;
    }
    if !there && !listed {
        return Err(missing_blob(descriptor).with_operation("delete"));
    }
    // First from the list, then from the disk: whatever happens in between, the list names nothing that is gone.
    change.commit()?;
    for digest in &doomed {
        let path = shared.root.join(blob_path(digest));
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(io_error("remove", &path, &error).with_operation("delete"));
            }
            _ => {}
        }
    }
    Ok(())
}

/// What has to go with `target`, which comes first.
///
/// Candidates are the untagged referrers and the untagged children of whatever goes. A candidate stays if something
/// that stays refers to it; then what it refers to stays, and its own referrers too: hence the rounds.
fn doomed(graph: &Graph, index: &Index, target: &Digest) -> Vec<Digest> {
    let unknown = |(digest, node): (&Digest, &Node)| {
        node.content == NodeContent::Unreadable && digest != target
    };
    if graph.nodes().any(unknown) {
        // What can't be read could refer to anything.
        return vec![target.clone()];
    }
    let mut kept = HashSet::new();
    loop {
        let candidates = candidates(graph, index, target, &kept);
        let set: HashSet<&Digest> = candidates.iter().collect();
        let listed = index.descriptors().map(|descriptor| &descriptor.digest);
        let roots = listed.filter(|digest| !set.contains(digest));
        let reached: HashSet<Digest> = graph.reach(roots, target).into_iter().cloned().collect();
        if !candidates.iter().any(|digest| reached.contains(digest)) {
            return candidates;
        }
        kept = reached;
    }
}

fn candidates(
    graph: &Graph,
    index: &Index,
    target: &Digest,
    kept: &HashSet<Digest>,
) -> Vec<Digest> {
    let mut found = vec![target.clone()];
    let mut seen = HashSet::from([target.clone()]);
    let mut at = 0;
    while let Some(digest) = found.get(at).cloned() {
        at += 1;
        let children = graph.node(&digest).map_or(&[][..], |node| &node.children);
        let referrers = graph
            .referrers(&digest)
            .into_iter()
            .map(|referrer| referrer.digest);
        // Not the subject: that goes only when somebody says so.
        for next in referrers.chain(children.iter().cloned()) {
            if !index.is_tagged(&next) && !kept.contains(&next) && seen.insert(next.clone()) {
                found.push(next);
            }
        }
    }
    found
}

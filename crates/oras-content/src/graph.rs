//! Who refers to a content: the index from successors back to predecessors that local stores keep in memory.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use oras_spec::{Descriptor, Digest};

use crate::ability::{Fetch, FetchExt};
use crate::error::Result;
use crate::sync::lock;

/// An index of predecessors, keyed by digest (library semantics 5.1).
///
/// Predecessors come in the order in which they were first indexed, so results are stable.
#[derive(Debug, Default)]
pub struct Graph(Mutex<Edges>);

#[derive(Debug, Default)]
struct Edges {
    next: u64,
    nodes: HashMap<Digest, Node>,
    /// For each content, those that refer to it, by their place in the order of indexing.
    predecessors: HashMap<Digest, BTreeMap<u64, Descriptor>>,
}

#[derive(Debug)]
struct Node {
    place: u64,
    successors: Vec<Digest>,
}

impl Graph {
    /// An empty index.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes that `node` refers to `successors`. Indexing a node again replaces what was known of it.
    pub fn index(&self, node: &Descriptor, successors: &[Descriptor]) {
        let edges = &mut *lock(&self.0);
        let place = match edges.forget(&node.digest) {
            Some(place) => place,
            None => {
                edges.next += 1;
                edges.next
            }
        };
        for successor in successors {
            let predecessors = edges
                .predecessors
                .entry(successor.digest.clone())
                .or_default();
            predecessors.insert(place, node.clone());
        }
        let successors = successors.iter().map(|s| s.digest.clone()).collect();
        edges
            .nodes
            .insert(node.digest.clone(), Node { place, successors });
    }

    /// The nodes that refer to `node` directly; none for a content nobody has heard of.
    pub fn predecessors(&self, node: &Descriptor) -> Vec<Descriptor> {
        let edges = lock(&self.0);
        match edges.predecessors.get(&node.digest) {
            Some(predecessors) => predecessors.values().cloned().collect(),
            None => Vec::new(),
        }
    }

    /// Forgets `node` and what it refers to. What refers to it stays.
    pub fn remove(&self, node: &Descriptor) {
        lock(&self.0).forget(&node.digest);
    }
}

impl Edges {
    /// Takes a node out and returns its place.
    fn forget(&mut self, digest: &Digest) -> Option<u64> {
        let node = self.nodes.remove(digest)?;
        for successor in &node.successors {
            if let Some(predecessors) = self.predecessors.get_mut(successor) {
                predecessors.remove(&node.place);
                if predecessors.is_empty() {
                    self.predecessors.remove(successor);
                }
            }
        }
        Some(node.place)
    }
}

/// Those of `predecessors` whose subject is `subject`, with artifact type and annotations taken from their manifests.
/// With `artifact_type`, only those of that type. What is gone meanwhile is left out.
pub(crate) async fn referrers(
    fetch: &dyn Fetch,
    predecessors: Vec<Descriptor>,
    subject: &Descriptor,
    artifact_type: Option<&str>,
) -> Result<Vec<Descriptor>> {
    let mut found = Vec::new();
    for predecessor in predecessors {
        let manifest = match fetch.fetch_manifest(&predecessor).await {
            Ok(manifest) => manifest,
            Err(error) if error.is_not_found() => continue,
            Err(error) => return Err(error),
        };
        if manifest
            .subject()
            .is_none_or(|s| s.digest != subject.digest)
        {
            continue;
        }
        let mut referrer = predecessor.plain();
        referrer.artifact_type = manifest.artifact_type().map(|t| t.to_string());
        referrer.annotations = manifest.annotations().clone();
        if artifact_type.is_none_or(|wanted| referrer.artifact_type.as_deref() == Some(wanted)) {
            found.push(referrer);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str) -> Descriptor {
        Descriptor::of_bytes("test/node", name.as_bytes())
    }

    #[test]
    fn predecessors_come_in_the_order_of_indexing() {
        let graph = Graph::new();
        let parents: Vec<_> = (0..20).map(|n| node(&format!("parent {n}"))).collect();
        for parent in &parents {
            graph.index(parent, &[node("child"), node("child"), node("other")]);
        }
        assert_eq!(graph.predecessors(&node("child")), parents);
        assert_eq!(graph.predecessors(&node("nobody")), []);
    }

    #[test]
    fn indexing_again_keeps_the_place_and_replaces_the_rest() {
        let graph = Graph::new();
        graph.index(&node("a"), &[node("x")]);
        graph.index(&node("b"), &[node("x")]);
        let mut annotated = node("a");
        annotated.annotations.insert("k".into(), "v".into());
        graph.index(&annotated, &[node("x"), node("y")]);
        assert_eq!(
            graph.predecessors(&node("x")),
            [annotated.clone(), node("b")]
        );
        graph.index(&node("a"), &[node("y")]);
        assert_eq!(graph.predecessors(&node("x")), [node("b")]);
        assert_eq!(graph.predecessors(&node("y")), [node("a")]);
    }

    #[test]
    fn removing_forgets_only_the_edges_of_the_node() {
        let graph = Graph::new();
        graph.index(&node("top"), &[node("middle")]);
        graph.index(&node("middle"), &[node("leaf")]);
        graph.remove(&node("middle"));
        graph.remove(&node("never seen"));
        assert_eq!(graph.predecessors(&node("leaf")), []);
        assert_eq!(graph.predecessors(&node("middle")), [node("top")]);
    }
}

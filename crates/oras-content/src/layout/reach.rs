//! What refers to what in a layout: read from the manifests when it is first asked for.
//!
//! The walk starts at the entries of the index and goes down through every manifest that is there. It is the ground of
//! [`Predecessors`](crate::Predecessors), [`Referrers`](crate::Referrers) and of deciding what can be deleted.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use oras_spec::{Descriptor, Digest};

use super::blobs::Blobs;
use super::index::Index;
use crate::error::Result;

/// The manifests that can be reached from an index, and the edges between them and to blobs.
#[derive(Default)]
pub(super) struct Graph {
    nodes: HashMap<Digest, Arc<Node>>,
    /// The manifests that refer to a digest, in the order in which they were found.
    referring: HashMap<Digest, Vec<Digest>>,
}

/// One manifest.
pub(super) struct Node {
    descriptor: Descriptor,
    /// What it is about.
    pub(super) subject: Option<Digest>,
    /// What it is made of: config, layers, blobs, manifests.
    pub(super) children: Vec<Digest>,
    /// Those of its subject and children that are manifests.
    manifests: Vec<Descriptor>,
    /// What came of reading it.
    pub(super) content: NodeContent,
}

/// What came of reading a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NodeContent {
    /// It was read; its edges are known.
    Read,
    /// It is not in the layout.
    Missing,
    /// It is corrupt, too large or of an algorithm that can't be verified: what it refers to is unknown.
    Unreadable,
}

impl Graph {
    /// Walks down from every entry of `index`. Manifests that `known` has are not read again. Blocks.
    pub(super) fn walk(index: &Index, blobs: &Blobs, known: &Self) -> Self {
        let mut graph = Self::default();
        let mut queue: VecDeque<Descriptor> = index.descriptors().map(Descriptor::plain).collect();
        while let Some(descriptor) = queue.pop_front() {
            if !descriptor.is_manifest() || graph.nodes.contains_key(&descriptor.digest) {
                continue;
            }
            let node = match known.nodes.get(&descriptor.digest) {
                Some(node) if node.content == NodeContent::Read => Arc::clone(node),
                _ => Arc::new(Node::read(descriptor, blobs)),
            };
            queue.extend(node.manifests.iter().cloned());
            graph.insert(node);
        }
        graph
    }

    /// The manifests that list `digest` or have it as subject.
    pub(super) fn predecessors(&self, digest: &Digest) -> Vec<Descriptor> {
        let referring = self.referring_to(digest).iter();
        let nodes = referring.filter_map(|digest| self.nodes.get(digest));
        nodes.map(|node| node.descriptor.clone()).collect()
    }

    /// The manifests that have `digest` as subject.
    pub(super) fn referrers(&self, digest: &Digest) -> Vec<Descriptor> {
        let referring = self.referring_to(digest).iter();
        let nodes = referring.filter_map(|digest| self.nodes.get(digest));
        let about = nodes.filter(|node| node.subject.as_ref() == Some(digest));
        about.map(|node| node.descriptor.clone()).collect()
    }

    /// The manifest `digest`.
    pub(super) fn node(&self, digest: &Digest) -> Option<&Node> {
        self.nodes.get(digest).map(Arc::as_ref)
    }

    /// All manifests, in no order.
    pub(super) fn nodes(&self) -> impl Iterator<Item = (&Digest, &Node)> {
        self.nodes
            .iter()
            .map(|(digest, node)| (digest, node.as_ref()))
    }

    /// Everything below `roots`, and the roots. `stop` is neither entered nor returned.
    pub(super) fn reach<'a>(
        &'a self,
        roots: impl Iterator<Item = &'a Digest>,
        stop: &Digest,
    ) -> HashSet<&'a Digest> {
        let mut reached = HashSet::new();
        let mut stack: Vec<&Digest> = roots.collect();
        while let Some(digest) = stack.pop() {
            if digest == stop || !reached.insert(digest) {
                continue;
            }
            if let Some(node) = self.nodes.get(digest) {
                stack.extend(node.subject.iter().chain(&node.children));
            }
        }
        reached
    }

    fn referring_to(&self, digest: &Digest) -> &[Digest] {
        self.referring.get(digest).map_or(&[], Vec::as_slice)
    }

    fn insert(&mut self, node: Arc<Node>) {
        let digest = &node.descriptor.digest;
        for below in node.subject.iter().chain(&node.children) {
            let referring = self.referring.entry(below.clone()).or_default();
            // A manifest can list one blob many times.
            if referring.last() != Some(digest) {
                referring.push(digest.clone());
            }
        }
        self.nodes.insert(digest.clone(), node);
    }
}

impl Node {
    fn read(descriptor: Descriptor, blobs: &Blobs) -> Self {
        let mut node = Self {
            descriptor,
            subject: None,
            children: Vec::new(),
            manifests: Vec::new(),
            content: NodeContent::Read,
        };
        let manifest = match blobs.manifest(&node.descriptor) {
            Ok(Some(manifest)) => manifest,
            Ok(None) => {
                node.content = NodeContent::Missing;
                return node;
            }
            Err(error) => {
                let digest = &node.descriptor.digest;
                tracing::warn!(%digest, error = error.chain(), "cannot read a manifest of the layout");
                node.content = NodeContent::Unreadable;
                return node;
            }
        };
        node.subject = manifest.subject().map(|subject| subject.digest.clone());
        let mut subject_seen = manifest.subject().is_none();
        for below in manifest.successors() {
            if below.is_manifest() {
                node.manifests.push(below.plain());
            }
            // The subject comes first among the successors; the same digest can come again as a child.
            if !subject_seen && node.subject.as_ref() == Some(&below.digest) {
                subject_seen = true;
            } else {
                node.children.push(below.digest);
            }
        }
        node
    }
}

/// The graph of an index that changes.
#[derive(Default)]
pub(super) struct GraphCache(Mutex<Option<(u64, Arc<Graph>)>>);

impl GraphCache {
    /// What is known so far, to start another walk from.
    pub(super) fn known(&self) -> Arc<Graph> {
        let cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        cached
            .as_ref()
            .map(|(_, graph)| Arc::clone(graph))
            .unwrap_or_default()
    }

    /// The graph of what `view` returns; walked again if its number is another one than last time. Blocks.
    pub(super) fn get(
        &self,
        view: impl FnOnce() -> Result<(u64, Arc<Index>)>,
        blobs: &Blobs,
    ) -> Result<Arc<Graph>> {
        // Held during the walk, so that many who ask at once make one walk.
        let mut cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (generation, index) = view()?;
        let known = match cached.take() {
            Some((of, graph)) if of == generation => {
                *cached = Some((of, Arc::clone(&graph)));
                return Ok(graph);
            }
            Some((_, graph)) => graph,
            None => Arc::default(),
        };
        let graph = Arc::new(Graph::walk(&index, blobs, &known));
        *cached = Some((generation, Arc::clone(&graph)));
        Ok(graph)
    }
}

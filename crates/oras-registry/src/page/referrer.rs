//! What refers to an artifact, and what refers to that: a tree.
//!
//! Digests make true circles impossible, but storage can be wrong and deep chains are easily made. So the tree is bounded
//! in depth, breadth and number, and a manifest that is its own ancestor ends its branch.

use maud::{Markup, html};
use oras_spec::{Digest, annotation};

use super::{Visit, address, kind, text};
use crate::driver::Entry;
use crate::failure::Failure;

/// How many referrers of the artifact itself a page has.
const PAGE: usize = 20;
/// How many referrers of a referrer are shown.
const BREADTH: usize = 10;
/// How many levels are shown.
const DEPTH: usize = 4;
/// How many referrers are shown below those of the first level.
const BELOW: usize = 100;
/// How many entries are asked for at once: each may be as large as a manifest.
const BATCH: usize = 8;
/// How much of a text is shown, in characters.
const TEXT: usize = 100;

/// A referrer, reduced to what is shown of it.
struct Node {
    digest: Digest,
    size: u64,
    kind: &'static str,
    artifact_type: Markup,
    created: Option<Markup>,
    below: Below,
}

/// What refers to a referrer.
#[derive(Default)]
struct Below {
    nodes: Vec<Node>,
    end: End,
}

/// How a list of referrers ends.
#[derive(Default)]
enum End {
    #[default]
    Complete,
    /// There are more than are shown.
    More,
    /// The next one would be its own ancestor.
    Circle,
}

/// The tree of what refers to `digest`.
pub(super) async fn tree(
    visit: &Visit<'_>,
    name: &str,
    digest: &Digest,
) -> Result<Markup, Failure> {
    let after = visit.after.as_deref();
    let after = after
        .map(Digest::parse)
        .transpose()
        .map_err(|_| Failure::name_unknown())?;
    let mut below = read(visit, name, digest, after.clone(), PAGE).await?;
    let mut walk = Walk {
        visit,
        name,
        ancestors: vec![digest.clone()],
        left: BELOW,
    };
    for node in &mut below.nodes {
        walk.grow(node).await?;
    }
    let next = below
        .nodes
        .last()
        .filter(|_| matches!(below.end, End::More));
    let next = next.map(|last| {
        format!(
            "{}?after={}#referrers",
            address::digest(name, digest),
            last.digest
        )
    });
    Ok(html! {
        section id="referrers" {
            h2 { "Referrers" }
            @if below.nodes.is_empty() {
                p.empty { @if after.is_some() { "No more." } @else { "Nothing refers to this." } }
            } @else {
                ul.tree { @for node in &below.nodes { (self::node(name, node)) } }
            }
            @if after.is_some() || next.is_some() {
                nav.pages aria-label="Pages of referrers" {
                    @if after.is_some() { a href={ (address::digest(name, digest)) "#referrers" } { "← First page" } }
                    @if let Some(next) = next { a.next rel="next" href=(next) { "Next page →" } }
                }
            }
        }
    })
}

/// A walk down from the artifact.
struct Walk<'a> {
    visit: &'a Visit<'a>,
    name: &'a str,
    ancestors: Vec<Digest>,
    /// How many more referrers may be shown.
    left: usize,
}

impl Walk<'_> {
    /// Finds what refers to `node`.
    async fn grow(&mut self, node: &mut Node) -> Result<(), Failure> {
        if self.ancestors.contains(&node.digest) {
            node.below.end = End::Circle;
            return Ok(());
        }
        // The last level only learns whether there is another.
        let most = match self.ancestors.len() < DEPTH {
            true => self.left.min(BREADTH),
            false => 0,
        };
        node.below = read(self.visit, self.name, &node.digest, None, most).await?;
        self.left -= node.below.nodes.len();
        self.ancestors.push(node.digest.clone());
        for child in &mut node.below.nodes {
            // Boxed, since it calls itself.
            Box::pin(self.grow(child)).await?;
        }
        self.ancestors.pop();
        Ok(())
    }
}

/// At most `most` of what refers to `subject`.
async fn read(
    visit: &Visit<'_>,
    name: &str,
    subject: &Digest,
    mut after: Option<Digest>,
    most: usize,
) -> Result<Below, Failure> {
    let mut below = Below::default();
    loop {
        let wanted = BATCH.min(most + 1 - below.nodes.len());
        let driver = &visit.shared.driver;
        let batch = driver
            .referrers(name, subject, None, after.as_ref(), wanted)
            .await?;
        let last = batch.len() < wanted;
        for entry in batch {
            if below.nodes.len() == most {
                below.end = End::More;
                return Ok(below);
            }
            after = Some(entry.digest.clone());
            below.nodes.push(Node::of(entry));
        }
        if last {
            return Ok(below);
        }
    }
}

impl Node {
    fn of(entry: Entry) -> Self {
        let artifact_type = entry.artifact_type.as_deref();
        Self {
            size: entry.size,
            kind: kind::of_type(artifact_type),
            artifact_type: text::line(artifact_type.unwrap_or(&entry.media_type), TEXT),
            created: entry
                .annotations
                .get(annotation::CREATED)
                .map(|text| text::time(text)),
            digest: entry.digest,
            below: Below::default(),
        }
    }
}

fn node(name: &str, node: &Node) -> Markup {
    let page = address::digest(name, &node.digest);
    html! {
        li {
            div.node {
                a href=(page) { b { (node.kind) } " " code { (node.digest.short()) } }
                span.type { (node.artifact_type) }
                span.note {
                    (text::size(node.size))
                    @if let Some(created) = &node.created { " · " (created) }
                }
            }
            @if !node.below.nodes.is_empty() || !matches!(node.below.end, End::Complete) {
                ul {
                    @for child in &node.below.nodes { (self::node(name, child)) }
                    @match node.below.end {
                        End::Complete => {},
                        End::More => li { a.more href={ (page) "#referrers" } { "more referrers" } },
                        End::Circle => li { span.note { "refers to itself: the branch ends here" } },
                    }
                }
            }
        }
    }
}

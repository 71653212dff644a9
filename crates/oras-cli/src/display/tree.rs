//! The tree of referrers.

use std::fmt::Write as _;

use oras::spec::Descriptor;

use crate::display::paint::{BRIGHT_YELLOW, GREEN, GREY, Paint};
use crate::display::yaml;

/// Whether annotations are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Annotations {
    Shown,
    Hidden,
}

/// A node and its children.
#[derive(Debug)]
struct Node {
    text: String,
    children: Vec<Self>,
}

impl Node {
    fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            children: Vec::new(),
        }
    }

    /// The child with this text, added if there is none yet.
    fn child(&mut self, text: &str) -> &mut Self {
        let at = self
            .children
            .iter()
            .position(|child| child.text == text)
            .unwrap_or_else(|| {
                self.children.push(Self::new(text));
                self.children.len() - 1
            });
        &mut self.children[at]
    }
}

/// The lines of the tree, each with a line end. `path` is what comes before the digest of the root.
pub(crate) fn render(
    path: &str,
    root: &Referrer<'_>,
    annotations: Annotations,
    paint: Paint,
) -> String {
    let style = Style { annotations, paint };
    let top = format!("{path}@{}", root.descriptor.digest);
    let mut top = Node::new(paint.with(GREEN, &top));
    add(&mut top, &root.referrers, style);
    let mut text = format!("{}\n", top.text);
    draw(&top.children, "", &mut text);
    text
}

/// What a tree is made of.
#[derive(Debug)]
pub(crate) struct Referrer<'a> {
    pub(crate) descriptor: &'a Descriptor,
    pub(crate) referrers: Vec<Self>,
}

/// How it looks.
#[derive(Clone, Copy)]
struct Style {
    annotations: Annotations,
    paint: Paint,
}

fn add(node: &mut Node, referrers: &[Referrer<'_>], style: Style) {
    let Style { annotations, paint } = style;
    for referrer in referrers {
        let descriptor = referrer.descriptor;
        let kind = descriptor
            .artifact_type
            .as_deref()
            .filter(|kind| !kind.is_empty())
            .unwrap_or("<unknown>");
        let kind = paint.with(BRIGHT_YELLOW, kind);
        let digest = paint.with(GREEN, descriptor.digest.as_str());
        let child = node.child(&kind).child(&digest);
        if annotations == Annotations::Shown && !descriptor.annotations.is_empty() {
            let list = child.child(&paint.with(GREY, "[annotations]"));
            for (key, value) in &descriptor.annotations {
                list.child(&yaml::entry(key, value));
            }
        }
        add(child, &referrer.referrers, style);
    }
}

fn draw(nodes: &[Node], prefix: &str, text: &mut String) {
    for (at, node) in nodes.iter().enumerate() {
        let (edge, below) = if at + 1 == nodes.len() {
            ("└── ", "    ")
        } else {
            ("├── ", "│   ")
        };
        let _ = writeln!(text, "{prefix}{edge}{}", node.text);
        draw(&node.children, &format!("{prefix}{below}"), text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descriptor(content: &str, kind: &str, annotations: &[(&str, &str)]) -> Descriptor {
        let mut descriptor = Descriptor::of_bytes("m/t", content.as_bytes());
        descriptor.artifact_type = Some(kind.into());
        descriptor.annotations = annotations
            .iter()
            .map(|(k, v)| ((*k).into(), (*v).into()))
            .collect();
        descriptor
    }

    #[test]
    fn referrers_are_grouped_by_type() {
        let root = descriptor("root", "", &[]);
        let sbom = descriptor(
            "sbom",
            "test/sbom",
            &[("created", "2023-01-18T08:37:42Z"), ("b", "x")],
        );
        let unknown = descriptor("unknown", "", &[]);
        let signature = descriptor("signature", "test/sig", &[]);
        let other = descriptor("other", "test/sbom", &[]);
        let leaf = |descriptor| Referrer {
            descriptor,
            referrers: Vec::new(),
        };
        let tree = Referrer {
            descriptor: &root,
            referrers: vec![
                Referrer {
                    descriptor: &sbom,
                    referrers: vec![leaf(&signature)],
                },
                leaf(&unknown),
                leaf(&other),
            ],
        };
        let expected = format!(
            "r@{}\n├── test/sbom\n│   ├── {}\n│   │   ├── [annotations]\n│   │   │   ├── b: x\n│   │   │   └── created: \"2023-01-18T08:37:42Z\"\n│   │   └── test/sig\n│   │       └── {}\n│   └── {}\n└── <unknown>\n    └── {}\n",
            root.digest, sbom.digest, signature.digest, other.digest, unknown.digest
        );
        assert_eq!(
            render("r", &tree, Annotations::Shown, Paint::Plain),
            expected
        );
        assert!(!render("r", &tree, Annotations::Hidden, Paint::Plain).contains("[annotations]"));
    }

    #[test]
    fn without_referrers_there_is_one_line() {
        let root = descriptor("root", "", &[]);
        let tree = Referrer {
            descriptor: &root,
            referrers: Vec::new(),
        };
        assert_eq!(
            render("r", &tree, Annotations::Shown, Paint::Plain),
            format!("r@{}\n", root.digest)
        );
    }
}

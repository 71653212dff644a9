//! What goes with a deleted content, and what stays.

use std::fs;

use oras_content::layout::LayoutStore;
use oras_content::{Delete, ErrorKind, Push, Tag};
use oras_spec::{Descriptor, media_type};
use oras_testkit::fixture::Graph;
use tempfile::{TempDir, tempdir};

use super::{blobs, entries, push_all};

struct Layout {
    root: TempDir,
    store: LayoutStore,
}

async fn layout(graph: &Graph, tags: &[(&str, &Descriptor)]) -> Layout {
    let root = tempdir().unwrap();
    let store = LayoutStore::open(root.path()).await.unwrap();
    push_all(&store, graph).await;
    for (tag, descriptor) in tags {
        store.tag(descriptor, tag).await.unwrap();
    }
    Layout { root, store }
}

impl Layout {
    /// Exactly these are left; those that are manifests are listed, and nothing else is.
    fn assert_left(&self, expected: &[&Descriptor]) {
        let mut left: Vec<_> = blobs(self.root.path()).into_keys().collect();
        left.sort();
        let mut digests: Vec<_> = expected.iter().map(|d| d.digest.clone()).collect();
        digests.sort();
        assert_eq!(left, digests, "blobs");
        let mut listed: Vec<_> = entries(self.root.path())
            .into_iter()
            .map(|(d, _)| d)
            .collect();
        listed.sort();
        listed.dedup();
        let manifests = expected.iter().filter(|d| d.is_manifest());
        let mut manifests: Vec<_> = manifests.map(|d| d.digest.to_string()).collect();
        manifests.sort();
        assert_eq!(listed, manifests, "entries");
    }
}

#[tokio::test]
async fn all_tags_and_all_unshared_blobs_go() {
    let mut graph = Graph::new();
    let shared = graph.blob("x/y", "shared");
    let own = graph.blob("x/y", "own");
    let a = graph.artifact("application/a", &[&shared, &own], None);
    let b = graph.artifact("application/b", &[&shared], None);
    let empty = Descriptor::empty_json();
    let layout = layout(&graph, &[("v1", &a), ("v2", &a), ("v3", &b)]).await;
    layout.store.delete(&a).await.unwrap();
    layout.assert_left(&[&shared, &b, &empty]);
    layout.store.delete(&b).await.unwrap();
    layout.assert_left(&[]);
    let index = fs::read_to_string(layout.root.path().join("index.json")).unwrap();
    assert!(index.ends_with(r#""manifests":[]}"#), "{index}");
    let again = layout.store.delete(&b).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::NotFound);
    assert_eq!(
        again.chain(),
        format!("{}: {}: not found", b.digest, b.media_type)
    );
}

#[tokio::test]
async fn untagged_referrers_go_with_their_subject_and_tagged_ones_stay() {
    let mut graph = Graph::new();
    let subject = graph.artifact("application/subject", &[], None);
    let payload = graph.blob("x/y", "sbom");
    let sbom = graph.artifact("application/sbom", &[&payload], Some(&subject));
    let _signature = graph.artifact("application/signature", &[], Some(&sbom));
    let kept = graph.artifact("application/kept", &[], Some(&subject));
    let empty = Descriptor::empty_json();
    let layout = layout(&graph, &[("v1", &subject), ("kept", &kept)]).await;
    layout.store.delete(&subject).await.unwrap();
    layout.assert_left(&[&kept, &empty]);
}

#[tokio::test]
async fn what_a_tagged_referrer_is_about_stays() {
    let mut graph = Graph::new();
    let subject = graph.artifact("application/subject", &[], None);
    let sbom = graph.artifact("application/sbom", &[], Some(&subject));
    let signature = graph.artifact("application/signature", &[], Some(&sbom));
    let empty = Descriptor::empty_json();
    let layout = layout(&graph, &[("v1", &subject), ("sig", &signature)]).await;
    layout.store.delete(&subject).await.unwrap();
    layout.assert_left(&[&sbom, &signature, &empty]);
}

#[tokio::test]
async fn a_subject_stays_when_its_referrer_goes() {
    let mut graph = Graph::new();
    let subject = graph.artifact("application/subject", &[], None);
    let sbom = graph.artifact("application/sbom", &[], Some(&subject));
    let empty = Descriptor::empty_json();
    let layout = layout(&graph, &[]).await;
    layout.store.delete(&sbom).await.unwrap();
    layout.assert_left(&[&subject, &empty]);
}

#[tokio::test]
async fn children_go_with_an_index_unless_tagged_or_shared() {
    let mut graph = Graph::new();
    let layers: Vec<_> = ["1", "2", "3"].map(|text| graph.blob("x/y", text)).to_vec();
    let lone = graph.image("linux/amd64", &[&layers[0]]);
    let tagged = graph.image("linux/arm64", &[&layers[1]]);
    let shared = graph.image("linux/s390x", &[&layers[2]]);
    let signature = graph.artifact("application/signature", &[], Some(&shared));
    let doomed = graph.index(&[
        ("linux/amd64", &lone),
        ("linux/arm64", &tagged),
        ("linux/s390x", &shared),
    ]);
    let other = graph.index(&[("linux/s390x", &shared)]);
    let config = |platform: &str| {
        let (os, arch) = platform.split_once('/').unwrap();
        let found = graph.nodes.iter().find(|node| {
            let text = String::from_utf8_lossy(&node.bytes);
            node.descriptor.media_type == media_type::IMAGE_CONFIG
                && text.contains(os)
                && text.contains(arch)
        });
        found.unwrap().descriptor.clone()
    };
    let (arm, s390) = (config("linux/arm64"), config("linux/s390x"));
    let empty = Descriptor::empty_json();
    let layout = layout(
        &graph,
        &[("all", &doomed), ("arm", &tagged), ("other", &other)],
    )
    .await;
    layout.store.delete(&doomed).await.unwrap();
    layout.assert_left(&[
        &tagged, &arm, &layers[1], &other, &shared, &s390, &layers[2], &signature, &empty,
    ]);
}

#[tokio::test]
async fn a_blob_is_deleted_alone_and_its_absence_bothers_nobody() {
    let mut graph = Graph::new();
    let layer = graph.blob("x/y", "layer");
    let image = graph.artifact("application/x", &[&layer], None);
    let empty = Descriptor::empty_json();
    let layout = layout(&graph, &[("v1", &image)]).await;
    layout.store.delete(&layer).await.unwrap();
    layout.assert_left(&[&image, &empty]);
    layout.store.delete(&image).await.unwrap();
    layout.assert_left(&[]);
}

#[tokio::test]
async fn a_listed_manifest_without_content_can_be_deleted() {
    let mut graph = Graph::new();
    let image = graph.artifact("application/x", &[], None);
    let layout = layout(&graph, &[("v1", &image)]).await;
    fs::remove_file(
        layout
            .root
            .path()
            .join("blobs/sha256")
            .join(image.digest.encoded()),
    )
    .unwrap();
    layout.store.delete(&image).await.unwrap();
    assert!(entries(layout.root.path()).is_empty());
}

#[tokio::test]
async fn with_an_unreadable_manifest_around_only_the_target_goes() {
    let mut graph = Graph::new();
    let layer = graph.blob("x/y", "layer");
    let image = graph.artifact("application/x", &[&layer], None);
    let bad = graph.artifact("application/bad", &[&layer], None);
    let layout = layout(&graph, &[("v1", &image), ("bad", &bad)]).await;
    let path = layout
        .root
        .path()
        .join("blobs/sha256")
        .join(bad.digest.encoded());
    fs::remove_file(&path).unwrap();
    fs::write(&path, "corrupt").unwrap();
    // Another store, which has not read it before.
    let store = LayoutStore::open(layout.root.path()).await.unwrap();
    store.delete(&image).await.unwrap();
    assert!(
        layout
            .root
            .path()
            .join("blobs/sha256")
            .join(layer.digest.encoded())
            .exists()
    );
    // The unreadable one itself can be deleted.
    store.delete(&bad).await.unwrap();
    assert!(entries(layout.root.path()).is_empty());
}

#[tokio::test]
async fn files_of_others_are_left_alone() {
    let mut graph = Graph::new();
    let image = graph.artifact("application/x", &[], None);
    let layout = layout(&graph, &[("v1", &image)]).await;
    let foreign = layout.root.path().join("blobs/blake3");
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("abc"), "foreign").unwrap();
    layout.store.delete(&image).await.unwrap();
    assert!(foreign.join("abc").exists());
}

#[tokio::test]
async fn what_is_not_flushed_counts_too() {
    let mut graph = Graph::new();
    let layer = graph.blob("x/y", "layer");
    let doomed = graph.artifact("application/doomed", &[&layer], None);
    let empty = Descriptor::empty_json();
    let layout = layout(&graph, &[]).await;
    let mut more = Graph::new();
    more.blob("x/y", "layer");
    let pending = more.artifact("application/pending", &[&layer], None);
    for node in &more.nodes {
        let payload = oras_content::Payload::bytes(node.bytes.clone());
        layout.store.push(&node.descriptor, payload).await.unwrap();
    }
    layout.store.delete(&doomed).await.unwrap();
    layout.assert_left(&[&pending, &layer, &empty]);
}

//! The tree of referrers.

use std::sync::Arc;

use oras::content::memory::MemoryStore;
use oras::content::{ErrorKind, Source};
use oras::spec::{Descriptor, Digest, media_type};
use oras::{DiscoverOptions, ReferrerNode, discover};
use oras_testkit::fault::{Answer, FaultServer};

use crate::support::*;

/// Artifact types with what is below them, in order.
fn shape(node: &ReferrerNode) -> String {
    let mut below: Vec<_> = node.referrers.iter().map(shape).collect();
    below.sort();
    let own = node.descriptor.artifact_type.as_deref().unwrap_or("root");
    match below.is_empty() {
        true => own.to_owned(),
        false => format!("{own}({})", below.join(" ")),
    }
}

async fn tree() -> (MemoryStore, Descriptor) {
    let store = MemoryStore::new();
    let root = manifest(&store, vec![blob(&store, "app").await]).await;
    let sbom = referrer(&store, &root, "x/sbom").await;
    let stamp = referrer(&store, &sbom, "x/sig").await;
    referrer(&store, &stamp, "x/time").await;
    referrer(&store, &root, "x/sig").await;
    index(&store, vec![root.clone()]).await;
    (store, root)
}

#[tokio::test]
async fn every_level_is_found_and_a_parent_index_is_none() {
    let (store, root) = tree().await;
    let found = discover(&source(store), &root, &DiscoverOptions::default())
        .await
        .unwrap();
    assert_eq!(found.descriptor, root);
    assert_eq!(shape(&found), "root(x/sbom(x/sig(x/time)) x/sig)");
}

#[tokio::test]
async fn a_depth_ends_the_tree() {
    let (store, root) = tree().await;
    let store = source(store);
    for (depth, expected) in [
        (0, "root"),
        (1, "root(x/sbom x/sig)"),
        (2, "root(x/sbom(x/sig) x/sig)"),
    ] {
        let options = DiscoverOptions {
            depth: Some(depth),
            ..DiscoverOptions::default()
        };
        let found = discover(&store, &root, &options).await.unwrap();
        assert_eq!(shape(&found), expected);
    }
}

#[tokio::test]
async fn a_type_filters_every_level() {
    let (store, root) = tree().await;
    let options = DiscoverOptions {
        artifact_type: Some("x/sig".into()),
        ..DiscoverOptions::default()
    };
    let found = discover(&source(store), &root, &options).await.unwrap();
    assert_eq!(shape(&found), "root(x/sig)");
}

#[tokio::test]
async fn nothing_refers_to_what_is_unknown() {
    let unknown = Descriptor::of_bytes(oras::spec::media_type::IMAGE_MANIFEST, b"x");
    let found = discover(
        &source(MemoryStore::new()),
        &unknown,
        &DiscoverOptions::default(),
    )
    .await;
    assert_eq!(found.unwrap().referrers, []);
}

#[tokio::test]
async fn referrers_that_multiply_without_end_end() {
    let server = FaultServer::start(|request| {
        let entry = |n: u32| {
            let digest = Digest::sha256(format!("{} {n}", request.path()).as_bytes());
            format!(
                r#"{{"mediaType":"{}","digest":"{digest}","size":2}}"#,
                media_type::IMAGE_MANIFEST
            )
        };
        let entries: Vec<_> = (0..10_000).map(entry).collect();
        let body = format!(
            r#"{{"schemaVersion":2,"manifests":[{}]}}"#,
            entries.join(",")
        );
        Answer::ok(media_type::IMAGE_INDEX, body)
    });
    let client = oras::remote::Client::builder().build().unwrap();
    let source: Arc<dyn Source> = Arc::new(client.repository(&server.reference("app")).unwrap());
    let subject = Descriptor::of_bytes(media_type::IMAGE_MANIFEST, b"x");
    let error = discover(&source, &subject, &DiscoverOptions::default())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SizeLimit);
    assert!(
        error.chain().contains("more than 200000 referrers"),
        "{}",
        error.chain()
    );
    assert!(server.requests().len() < 100);
}

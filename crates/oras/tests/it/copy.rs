//! Copies that go well.

use std::sync::Arc;

use oras::content::memory::MemoryStore;
use oras::content::{FetchExt, Payload, Tag, Target};
use oras::spec::{Descriptor, media_type};
use oras::{CopyOptions, Existing, copy, copy_graph};

use crate::support::*;

#[tokio::test]
async fn a_copy_has_all_bytes_and_the_name() {
    let store = MemoryStore::new();
    let layers = vec![blob(&store, "one").await, blob(&store, "two").await];
    let root = manifest(&store, layers).await;
    store.tag(&root, "v1").await.unwrap();

    let target = memory();
    let copied = copy(&source(store), "v1", &target, "v2", &CopyOptions::default())
        .await
        .unwrap();

    assert_eq!(copied, root);
    assert_eq!(target.resolve("v2").await.unwrap().digest, root.digest);
    assert!(target.resolve("v1").await.is_err());
    complete(target.as_ref(), &root).await;
}

#[tokio::test]
async fn without_a_destination_nothing_is_named() {
    let store = MemoryStore::new();
    let root = manifest(&store, vec![blob(&store, "one").await]).await;
    store.tag(&root, "v1").await.unwrap();

    let target = Probe::new();
    copy(
        &source(store),
        "v1",
        &target.target(),
        "",
        &CopyOptions::default(),
    )
    .await
    .unwrap();

    assert_eq!(target.names(), Vec::<String>::new());
    complete(&target, &root).await;
}

#[tokio::test]
async fn children_are_there_before_their_parent_and_the_name_comes_last() {
    let store = MemoryStore::new();
    let inner = manifest(&store, vec![blob(&store, "one").await]).await;
    let root = index(&store, vec![inner]).await;
    store.tag(&root, "v1").await.unwrap();
    let (options, events) = recorded();

    let target = Probe::new();
    copy(&source(store), "v1", &target.target(), "v1", &options)
        .await
        .unwrap();

    let lines = events.lines();
    let at = |line: &str| lines.iter().position(|l| l == line).unwrap();
    assert!(at("finished octet-stream") < at("started image"));
    assert!(at("finished image") < lines.len() - 2, "{lines:?}");
    assert_eq!(target.names(), ["tag v1"]);
    assert_eq!(target.flushes(), 1);
}

#[tokio::test]
async fn a_diamond_ends_with_one_permit_and_moves_everything_once() {
    let store = Probe::new();
    let shared = blob(&store, "shared").await;
    let left = manifest(&store, vec![shared.clone(), blob(&store, "left").await]).await;
    let right = manifest(&store, vec![blob(&store, "right").await, shared.clone()]).await;
    let root = index(&store, vec![left.clone(), right]).await;
    let root = index(&store, vec![root, left]).await;
    store.forget_counts();
    let mut options = CopyOptions::default();
    options.concurrency = 1;

    let target = Probe::new();
    copy_graph(&store.source(), &target.target(), &root, &options)
        .await
        .unwrap();

    complete(target.store(), &root).await;
    assert_eq!(store.count(Op::Fetch, &shared), 1);
    assert_eq!(target.count(Op::Push, &shared), 1);
    assert_eq!(target.count(Op::Exists, &shared), 1);
    assert_eq!(target.most_pushing(), 1);
}

#[tokio::test]
async fn no_more_is_moved_at_once_than_allowed() {
    let store = MemoryStore::new();
    let mut layers = Vec::new();
    for i in 0..40 {
        layers.push(blob(&store, &format!("layer {i}")).await);
    }
    let root = manifest(&store, layers).await;
    let mut options = CopyOptions::default();
    options.concurrency = 4;

    let target = Probe::new();
    copy_graph(&source(store), &target.target(), &root, &options)
        .await
        .unwrap();

    complete(target.store(), &root).await;
    assert!(
        (2..=4).contains(&target.most_pushing()),
        "{}",
        target.most_pushing()
    );
}

#[tokio::test]
async fn hundreds_of_children_that_share_everything_end() {
    let store = MemoryStore::new();
    let shared: Vec<_> = {
        let mut shared = Vec::new();
        for i in 0..3 {
            shared.push(blob(&store, &format!("shared {i}")).await);
        }
        shared
    };
    let mut manifests = Vec::new();
    for i in 0..300 {
        let mut layers = shared.clone();
        layers.push(blob(&store, &format!("own {i}")).await);
        manifests.push(manifest(&store, layers).await);
    }
    let root = index(&store, manifests).await;
    let mut options = CopyOptions::default();
    options.concurrency = 2;

    let target = memory();
    copy_graph(&source(store), &target, &root, &options)
        .await
        .unwrap();
    complete(target.as_ref(), &root).await;
}

#[tokio::test]
async fn a_child_listed_twice_is_moved_once() {
    let store = MemoryStore::new();
    let one = blob(&store, "one").await;
    let root = manifest(&store, vec![one.clone(), one.clone()]).await;

    let target = Probe::new();
    copy_graph(
        &source(store),
        &target.target(),
        &root,
        &CopyOptions::default(),
    )
    .await
    .unwrap();

    assert_eq!(target.count(Op::Push, &one), 1);
    complete(target.store(), &root).await;
}

#[tokio::test]
async fn the_same_bytes_under_two_types_are_two_contents() {
    let store = MemoryStore::new();
    let one = blob(&store, "one").await;
    let mut other = one.clone();
    other.media_type = "text/plain".into();
    let root = manifest(&store, vec![one, other]).await;
    let (options, events) = recorded();

    copy_graph(&source(store), &memory(), &root, &options)
        .await
        .unwrap();

    let lines = events.lines();
    assert!(lines.contains(&"finished octet-stream".into()), "{lines:?}");
    assert!(lines.contains(&"finished plain".into()), "{lines:?}");
}

#[tokio::test]
async fn a_second_title_of_one_content_is_a_twin() {
    let store = MemoryStore::new();
    let one = blob(&store, "one").await;
    let root = manifest(&store, vec![titled(&one, "a"), titled(&one, "b")]).await;
    let (options, events) = recorded();

    copy_graph(&source(store), &memory(), &root, &options)
        .await
        .unwrap();

    let lines = events.lines();
    assert_eq!(lines[lines.len() - 2..], ["twin b", "finished image"]);
    assert_eq!(
        lines
            .iter()
            .filter(|line| line.starts_with("started"))
            .count(),
        3
    );
}

#[tokio::test]
async fn foreign_layers_stay_where_they_are() {
    let store = Probe::new();
    let mut foreign = Descriptor::of_bytes(media_type::IMAGE_LAYER_NONDISTRIBUTABLE_GZIP, b"far");
    foreign.urls = vec!["https://example.com/far".into()];
    let near = blob(&store, "near").await;
    let root = manifest(&store, vec![foreign.clone(), near]).await;

    let target = Probe::new();
    copy_graph(
        &store.source(),
        &target.target(),
        &root,
        &CopyOptions::default(),
    )
    .await
    .unwrap();

    complete(target.store(), &root).await;
    assert_eq!(
        target.count(Op::Exists, &foreign) + target.count(Op::Push, &foreign),
        0
    );
}

#[tokio::test]
async fn a_blob_can_be_copied_and_named() {
    let store = MemoryStore::new();
    let one = blob(&store, "one").await;
    store.tag(&one, "v1").await.unwrap();

    let target = memory();
    copy(&source(store), "v1", &target, "v1", &CopyOptions::default())
        .await
        .unwrap();

    assert_eq!(target.resolve("v1").await.unwrap().digest, one.digest);
}

#[tokio::test]
async fn what_is_there_is_told_once_and_still_named() {
    let store = MemoryStore::new();
    let root = manifest(&store, vec![blob(&store, "one").await]).await;
    store.tag(&root, "v1").await.unwrap();
    let store = source(store);
    let target = memory();
    copy(&store, "v1", &target, "v1", &CopyOptions::default())
        .await
        .unwrap();

    let (options, events) = recorded();
    copy(&store, "v1", &target, "v2", &options).await.unwrap();

    assert_eq!(events.lines(), ["exists image"]);
    assert_eq!(target.resolve("v2").await.unwrap().digest, root.digest);
}

#[tokio::test]
async fn an_incomplete_graph_at_the_destination_is_healed_and_a_trusted_one_is_not() {
    let store = MemoryStore::new();
    let missing = blob(&store, "missing").await;
    let inner = manifest(&store, vec![missing.clone()]).await;
    let root = index(&store, vec![inner.clone()]).await;
    let target: Arc<dyn Target> = Arc::new(MemoryStore::new());
    for manifest in [&inner, &root] {
        let bytes = store.fetch_bytes(manifest, 1000).await.unwrap();
        target.push(manifest, Payload::bytes(bytes)).await.unwrap();
    }
    let store = source(store);

    let mut options = CopyOptions::default();
    options.existing = Existing::Trust;
    copy_graph(&store, &target, &root, &options).await.unwrap();
    assert!(!target.exists(&missing).await.unwrap());

    copy_graph(&store, &target, &root, &CopyOptions::default())
        .await
        .unwrap();
    complete(target.as_ref(), &root).await;
}

#[tokio::test]
async fn a_subject_that_is_nowhere_needs_no_healing() {
    let store = MemoryStore::new();
    let nowhere = Descriptor::of_bytes(media_type::IMAGE_MANIFEST, b"nowhere");
    let root = referrer(&store, &nowhere, "x/sbom").await;
    let target = MemoryStore::new();
    referrer(&target, &nowhere, "x/sbom").await;
    let (options, events) = recorded();

    let target: Arc<dyn Target> = Arc::new(target);
    copy_graph(&source(store), &target, &root, &options)
        .await
        .unwrap();
    assert_eq!(events.lines(), ["exists image"]);
}

#[tokio::test]
async fn progress_adds_up_to_the_size_of_each_content() {
    use oras::content::Event;
    use std::collections::HashMap;
    use std::sync::Mutex;

    let store = MemoryStore::new();
    let layers = vec![
        blob(&store, "one").await,
        blob(&store, &"x".repeat(100_000)).await,
    ];
    let root = manifest(&store, layers.clone()).await;
    let seen: Arc<Mutex<HashMap<String, u64>>> = Arc::default();
    let mut options = CopyOptions::default();
    let sink = Arc::clone(&seen);
    options.events = Arc::new(move |event: &Event<'_>| {
        if let Event::Progress { descriptor, bytes } = event {
            sink.lock()
                .unwrap()
                .insert(descriptor.digest.to_string(), *bytes);
        }
    });

    copy_graph(&source(store), &memory(), &root, &options)
        .await
        .unwrap();

    let seen = seen.lock().unwrap();
    for content in layers.iter().chain([&root]) {
        assert_eq!(seen[content.digest.as_str()], content.size);
    }
}

#[tokio::test]
async fn manifests_beyond_the_memory_budget_are_read_again_and_arrive() {
    let store = MemoryStore::new();
    // Six manifests of 3 MiB each: more than is held.
    let mut manifests = Vec::new();
    for i in 0..6 {
        let own = blob(&store, &format!("own {i}")).await;
        let padded = manifest_with(&store, vec![own], |manifest| {
            manifest
                .annotations
                .insert("padding".into(), format!("{i}").repeat(3 << 20));
        });
        manifests.push(padded.await);
    }
    let root = index(&store, manifests).await;

    let target = memory();
    copy_graph(&source(store), &target, &root, &CopyOptions::default())
        .await
        .unwrap();
    complete(target.as_ref(), &root).await;
}

//! Copies between stores that behave like registries.

use oras::content::{ErrorKind, FetchExt, Payload, Push, Tag};
use oras::spec::Descriptor;
use oras::{CopyOptions, Existing, MountPolicy, copy, copy_graph};

use crate::support::*;

async fn artifact() -> (Probe, Descriptor, Descriptor) {
    let store = Probe::registry("r", "from");
    let layer = blob(store.store(), "mounted").await;
    let root = manifest(store.store(), vec![layer.clone()]).await;
    store.store().tag(&root, "v1").await.unwrap();
    (store, root, layer)
}

#[tokio::test]
async fn the_root_is_fetched_once_and_pushed_under_its_name() {
    let (store, root, _) = artifact().await;
    let target = Probe::registry("elsewhere", "to");
    copy(
        &store.source(),
        "v1",
        &target.target(),
        "v1",
        &CopyOptions::default(),
    )
    .await
    .unwrap();

    assert_eq!(store.count(Op::Fetch, &root), 1);
    assert_eq!(target.count(Op::Push, &root), 1);
    assert_eq!(target.names(), ["push v1"]);
    assert_eq!(target.total(Op::Mount), 0);
}

#[tokio::test]
async fn a_root_that_is_there_is_named_in_silence() {
    let (store, _, _) = artifact().await;
    let target = Probe::registry("elsewhere", "to");
    let goal = target.target();
    copy(&store.source(), "v1", &goal, "v1", &CopyOptions::default())
        .await
        .unwrap();

    let (options, events) = recorded();
    copy(&store.source(), "v1", &goal, "v2", &options)
        .await
        .unwrap();
    assert_eq!(events.lines(), Vec::<String>::new());
    assert_eq!(target.names(), ["push v1", "push v2"]);

    copy(&store.source(), "v1", &goal, "", &options)
        .await
        .unwrap();
    assert_eq!(events.lines(), ["exists image"]);
}

#[tokio::test]
async fn blobs_are_mounted_within_a_registry() {
    let (store, root, layer) = artifact().await;
    let target = Probe::registry("r", "to");
    target.fault(Op::Mount, &layer, Fault::Lie);
    let (options, events) = recorded();
    copy_graph(&store.source(), &target.target(), &root, &options)
        .await
        .unwrap();

    assert_eq!(store.count(Op::Fetch, &layer), 0);
    complete(target.store(), &root).await;
    assert_eq!(
        events.sorted(),
        [
            "finished empty",
            "finished image",
            "mounted octet-stream",
            "started empty",
            "started image"
        ]
    );
    assert_eq!(target.count(Op::Mount, &root), 0);
}

#[tokio::test]
async fn a_mount_that_fails_is_a_push() {
    let (store, root, layer) = artifact().await;
    for kind in [ErrorKind::Forbidden, ErrorKind::NotFound] {
        let target = Probe::registry("r", "to");
        target.fault(Op::Mount, &layer, Fault::Fail(kind));
        target.fault(Op::Mount, &Descriptor::empty_json(), Fault::Fail(kind));
        let mut options = CopyOptions::default();
        options.concurrency = 1;
        copy_graph(&store.source(), &target.target(), &root, &options)
            .await
            .unwrap();

        complete(target.store(), &root).await;
        // A refusal holds for all blobs, a missing blob for itself.
        let tried = if kind == ErrorKind::Forbidden { 1 } else { 2 };
        assert_eq!(target.total(Op::Mount), tried);
    }
}

#[tokio::test]
async fn nothing_is_mounted_when_nothing_may_be() {
    let (store, root, _) = artifact().await;
    for policy in [MountPolicy::Never, MountPolicy::From(Vec::new())] {
        let target = Probe::registry("r", "to");
        let mut options = CopyOptions::default();
        options.mount = policy;
        copy_graph(&store.source(), &target.target(), &root, &options)
            .await
            .unwrap();
        assert_eq!(target.total(Op::Mount), 0);
    }
}

#[tokio::test]
async fn children_that_a_registry_only_claims_to_have_are_pushed_when_it_misses_them() {
    let (store, _, layer) = artifact().await;
    let root = manifest(store.store(), vec![layer.clone()]).await;
    let top = index(store.store(), vec![root.clone()]).await;
    let target = Probe::registry("elsewhere", "to");
    target.fault(Op::Exists, &layer, Fault::Lie);
    target.fault(Op::Exists, &root, Fault::Lie);

    copy_graph(
        &store.source(),
        &target.target(),
        &top,
        &CopyOptions::default(),
    )
    .await
    .unwrap();
    complete(target.store(), &top).await;
}

#[tokio::test]
async fn a_blob_that_vanished_below_a_manifest_is_brought_back() {
    let (store, root, layer) = artifact().await;
    let target = Probe::registry("elsewhere", "to");
    let bytes = store.fetch_bytes(&root, 10_000).await.unwrap();
    target
        .store()
        .push(&root, Payload::bytes(bytes))
        .await
        .unwrap();
    target.store().tag(&root, "v1").await.unwrap();

    copy(
        &store.source(),
        "v1",
        &target.target(),
        "v1",
        &CopyOptions::default(),
    )
    .await
    .unwrap();
    assert!(target.has(&layer).await);
    complete(target.store(), &root).await;
}

#[tokio::test]
async fn trusting_what_exists_costs_one_look() {
    let (store, root, _) = artifact().await;
    let target = Probe::registry("elsewhere", "to");
    let goal = target.target();
    copy(&store.source(), "v1", &goal, "v1", &CopyOptions::default())
        .await
        .unwrap();

    target.forget_counts();
    store.forget_counts();
    let mut options = CopyOptions::default();
    options.existing = Existing::Trust;
    copy(&store.source(), "v1", &goal, "v1", &options)
        .await
        .unwrap();
    assert_eq!(target.total(Op::Exists), 1);
    assert_eq!(store.total(Op::Fetch), 1);

    target.forget_counts();
    store.forget_counts();
    copy(&store.source(), "v1", &goal, "v1", &CopyOptions::default())
        .await
        .unwrap();
    assert_eq!(
        target.total(Op::Exists),
        3,
        "the root, its config and its layer"
    );
    assert_eq!(store.count(Op::Fetch, &root), 1);
}

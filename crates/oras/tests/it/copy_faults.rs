//! Copies that go wrong: one clear error, no task left, nothing named.

use std::sync::Arc;

use oras::content::memory::MemoryStore;
use oras::content::{ErrorKind, Resolve, Side, Tag};
use oras::spec::Descriptor;
use oras::{CopyOptions, copy, copy_graph};
use tokio::sync::Notify;

use crate::support::*;

/// Two manifests that share a layer, below an index that is tagged `v1`.
async fn diamond() -> (Probe, Descriptor, Descriptor) {
    let store = Probe::new();
    let shared = blob(&store, "shared").await;
    let left = manifest(&store, vec![shared.clone(), blob(&store, "left").await]).await;
    let right = manifest(&store, vec![shared.clone(), blob(&store, "right").await]).await;
    let root = index(&store, vec![left, right]).await;
    store.tag(&root, "v1").await.unwrap();
    (store, root, shared)
}

async fn fails(store: &Probe, target: &Probe) -> oras::Error {
    let mut options = CopyOptions::default();
    options.concurrency = 1;
    let copied = copy(&store.source(), "v1", &target.target(), "v1", &options).await;
    let error = copied.unwrap_err();
    assert_eq!(target.names(), Vec::<String>::new());
    assert!(target.store().resolve("v1").await.is_err());
    assert_eq!(target.flushes(), 1);
    error
}

#[tokio::test]
async fn a_child_that_fails_fails_all_that_need_it_and_the_next_run_goes_on() {
    let (store, root, shared) = diamond().await;
    let target = Probe::new();
    target.fault(Op::Push, &shared, Fault::Fail(ErrorKind::Registry));

    let error = fails(&store, &target).await;
    assert_eq!(error.kind(), ErrorKind::Registry);
    assert_eq!(error.side(), Some(Side::Destination));
    assert_eq!(error.operation(), Some("push"));
    assert_eq!(error.descriptor().unwrap().digest, shared.digest);
    assert!(!target.has(&root).await);

    target.mend();
    let source = store.source();
    copy(
        &source,
        "v1",
        &target.target(),
        "v1",
        &CopyOptions::default(),
    )
    .await
    .unwrap();
    complete(target.store(), &root).await;
}

#[tokio::test]
async fn a_source_that_fails_is_named() {
    let (store, _, shared) = diamond().await;
    for fault in [
        Fault::Fail(ErrorKind::Network),
        Fault::Break,
        Fault::Corrupt,
    ] {
        store.fault(Op::Fetch, &shared, fault);
        let error = fails(&store, &Probe::new()).await;
        assert_eq!(error.side(), Some(Side::Source), "{error:?}");
    }
}

#[tokio::test]
async fn an_existence_check_that_fails_is_the_destinations() {
    let (store, _, shared) = diamond().await;
    let target = Probe::new();
    target.fault(Op::Exists, &shared, Fault::Fail(ErrorKind::Unauthorized));
    let error = fails(&store, &target).await;
    assert_eq!(error.side(), Some(Side::Destination));
    assert_eq!(error.operation(), Some("exists"));
}

#[tokio::test]
async fn wrong_bytes_never_become_visible() {
    let (store, root, shared) = diamond().await;
    store.fault(Op::Fetch, &shared, Fault::Corrupt);
    let target = Probe::new();
    let error = fails(&store, &target).await;
    assert_eq!(error.kind(), ErrorKind::DigestMismatch);
    assert!(!target.has(&shared).await);

    store.mend();
    store.fault(Op::Fetch, &root, Fault::Corrupt);
    let error = fails(&store, &Probe::new()).await;
    assert_eq!(error.kind(), ErrorKind::DigestMismatch);
}

#[tokio::test]
async fn a_task_that_panics_is_an_error_and_nobody_waits_for_it_forever() {
    let (store, _, shared) = diamond().await;
    let target = Probe::new();
    target.fault(Op::Push, &shared, Fault::Panic);
    let error = fails(&store, &target).await;
    assert_eq!(error.to_string(), "a copy task panicked: made to panic");
}

#[tokio::test]
async fn an_unknown_reference_is_not_found_at_the_source() {
    let store = Probe::new();
    let target = memory();
    for destination in ["v1", ""] {
        let copied = copy(
            &store.source(),
            "nosuch",
            &target,
            destination,
            &CopyOptions::default(),
        )
        .await;
        let error = copied.unwrap_err();
        assert!(error.is_not_found());
        assert_eq!(error.side(), Some(Side::Source));
        assert_eq!(error.operation(), Some("resolve"));
        assert_eq!(error.reference(), Some("nosuch"));
    }
}

#[tokio::test]
async fn a_manifest_above_the_limit_is_refused() {
    let (store, _, _) = diamond().await;
    let mut options = CopyOptions::default();
    options.max_manifest_bytes = 10;
    let copied = copy(&store.source(), "v1", &memory(), "v1", &options).await;
    assert_eq!(copied.unwrap_err().kind(), ErrorKind::SizeLimit);
}

#[tokio::test]
async fn a_cancelled_copy_ends_at_once_and_leaves_nothing_named() {
    let (store, root, shared) = diamond().await;
    for op in [Op::Push, Op::Exists] {
        let target = Probe::new();
        let hanging = Arc::new(Notify::new());
        target.fault(op, &shared, Fault::Hang(Arc::clone(&hanging)));
        let options = CopyOptions::default();
        let cancel = options.cancel.clone();

        let (source, goal) = (store.source(), target.target());
        let copying = tokio::spawn(async move { copy(&source, "v1", &goal, "v1", &options).await });
        hanging.notified().await;
        cancel.cancel();
        let error = copying.await.unwrap().unwrap_err();

        assert_eq!(error.kind(), ErrorKind::Cancelled);
        assert_eq!(target.names(), Vec::<String>::new());
        assert!(!target.has(&root).await);
        assert!(!target.has(&shared).await);
        // No task of the copy is left that would still hold the store.
        assert_eq!(target.flushes(), 1);
        assert_eq!(target.holders(), 1);
    }
}

#[tokio::test]
async fn an_error_ends_siblings_that_would_never_end() {
    let store = MemoryStore::new();
    let stuck = blob(&store, "stuck").await;
    let bad = blob(&store, "bad").await;
    let root = manifest(&store, vec![stuck.clone(), bad.clone()]).await;
    let target = Probe::new();
    target.fault(Op::Push, &stuck, Fault::Hang(Arc::default()));
    target.fault(Op::Push, &bad, Fault::Fail(ErrorKind::Forbidden));

    let copied = copy_graph(
        &source(store),
        &target.target(),
        &root,
        &CopyOptions::default(),
    )
    .await;
    assert_eq!(copied.unwrap_err().kind(), ErrorKind::Forbidden);
    assert_eq!(target.holders(), 1);
}

#[tokio::test]
async fn a_cancelled_copy_does_not_begin() {
    let (store, _, _) = diamond().await;
    let options = CopyOptions::default();
    options.cancel.cancel();
    let target = Probe::new();
    let copied = copy(&store.source(), "v1", &target.target(), "v1", &options).await;
    assert_eq!(copied.unwrap_err().kind(), ErrorKind::Cancelled);
    assert_eq!(target.total(Op::Exists), 0);
}

//! Writing files: names, paths, and that nothing is ever visible unless it is right.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::sync::{Arc, Mutex};

use futures_util::{StreamExt, stream};
use oras_content::file::{Duplicates, Existing, FileOptions, FileStore, Traversal, Unnamed};
use oras_content::{Error, ErrorKind, Fetch, FetchExt, Payload, Push, Pushed, Result};
use oras_spec::Descriptor;
use oras_testkit::fixture::Graph;

use crate::support::{assert_empty, options, store, titled};

async fn push(store: &FileStore, name: &str, text: &str) -> Result<Pushed> {
    let descriptor = titled(name, text);
    store
        .push(&descriptor, Payload::bytes(text.to_owned()))
        .await
}

fn chain(result: Result<Pushed>) -> String {
    result.unwrap_err().chain()
}

#[tokio::test]
async fn a_name_with_other_content_is_a_duplicate_however_it_is_spelled() {
    let root = tempfile::tempdir().unwrap();
    let store = store(root.path());
    push(&store, "d/a", "one").await.unwrap();
    assert_eq!(
        push(&store, "d/a", "one").await.unwrap(),
        Pushed::AlreadyThere
    );
    for name in [
        "d/a",
        "./d/a",
        "d//x/../a",
        root.path().join("d/a").to_str().unwrap(),
    ] {
        let error = push(&store, name, "two").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DuplicateName);
        assert_eq!(error.to_string(), format!("{name}: duplicate name"));
    }
    assert_eq!(fs::read(root.path().join("d/a")).unwrap(), b"one");
}

#[tokio::test]
async fn names_must_not_lead_outside() {
    let outer = tempfile::tempdir().unwrap();
    let root = outer.path().join("root");
    fs::create_dir_all(root.join("real")).unwrap();
    symlink("..", root.join("up")).unwrap();
    symlink("real", root.join("alias")).unwrap();
    symlink(outer.path().join("nowhere"), root.join("dangling")).unwrap();
    let store = store(&root);
    let absolute = outer.path().join("absolute");
    for name in [
        "../x",
        "a/../../x",
        "up/x",
        "up/new/x",
        absolute.to_str().unwrap(),
    ] {
        let error = push(&store, name, "bad").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PathTraversal, "{name}");
        assert_eq!(
            error.chain(),
            "failed to resolve path for writing: path traversal disallowed"
        );
    }
    assert!(push(&store, "dangling/x", "bad").await.is_err());
    push(&store, "alias/x", "good").await.unwrap();
    push(&store, root.join("inside").to_str().unwrap(), "good")
        .await
        .unwrap();
    assert_eq!(fs::read(root.join("real/x")).unwrap(), b"good");
    let names: Vec<_> = fs::read_dir(outer.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(names, ["root"]);
}

#[tokio::test]
async fn names_may_lead_anywhere_if_that_is_asked_for() {
    let outer = tempfile::tempdir().unwrap();
    let store = options(&outer.path().join("root"), |options| {
        options.traversal = Traversal::Allow;
    });
    push(&store, "../x", "fine").await.unwrap();
    assert_eq!(fs::read(outer.path().join("x")).unwrap(), b"fine");
}

#[tokio::test]
async fn a_symlink_at_the_final_name_is_replaced_and_not_followed() {
    let outer = tempfile::tempdir().unwrap();
    let root = outer.path().join("root");
    fs::create_dir(&root).unwrap();
    fs::write(outer.path().join("victim"), "precious").unwrap();
    symlink(outer.path().join("victim"), root.join("leaf")).unwrap();
    push(&store(&root), "leaf", "new").await.unwrap();
    assert_eq!(fs::read(outer.path().join("victim")).unwrap(), b"precious");
    assert!(!root.join("leaf").is_symlink());
}

#[tokio::test]
async fn a_file_in_the_way_is_replaced_or_kept_as_asked() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("a"), "old").unwrap();
    let keep = options(root.path(), |options| options.existing = Existing::Keep);
    let error = push(&keep, "a", "new").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OverwriteDenied);
    assert_eq!(
        error.chain(),
        "failed to resolve path for writing: overwrite disallowed"
    );
    push(&keep, "b", "new").await.unwrap();
    push(&store(root.path()), "a", "new").await.unwrap();
    assert_eq!(fs::read(root.path().join("a")).unwrap(), b"new");
}

#[tokio::test]
async fn a_new_file_has_the_mode_of_any_new_file() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("plain"), "").unwrap();
    push(&store(root.path()), "pushed", "x").await.unwrap();
    let mode = |name: &str| fs::metadata(root.path().join(name)).unwrap().mode();
    assert_eq!(mode("pushed"), mode("plain"));
}

#[tokio::test]
async fn a_failed_push_leaves_nothing_and_says_why() {
    let root = tempfile::tempdir().unwrap();
    let store = store(root.path());
    let descriptor = titled("new/folder/file", "right");
    let path = root.path().join("new/folder/file");
    let check = async |payload: Payload, why: &str| {
        let text = chain(store.push(&descriptor, payload).await);
        let expected = format!("failed to copy content to {}: {why}", path.display());
        assert!(text.starts_with(&expected), "{text}");
        assert_empty(root.path());
    };
    check(Payload::bytes("wrong"), "mismatched digest").await;
    check(Payload::bytes("right and more"), "trailing data").await;
    check(Payload::bytes("rig"), "copy failed: unexpected EOF").await;
    let broken = Error::new(ErrorKind::Network, "connection reset");
    let stream = stream::iter([Err(broken.into())]).boxed();
    check(Payload::stream(stream), "copy failed: connection reset").await;
}

#[test]
fn a_cancelled_push_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let store = store(root.path());
    runtime.block_on(async {
        // The second chunk never comes. Once it is asked for, the first is on its way to the disk.
        let (asked, mut was_asked) = tokio::sync::mpsc::channel(1);
        let chunks = stream::unfold(0, move |n| {
            let asked = asked.clone();
            async move {
                if n == 1 {
                    let _ = asked.send(()).await;
                    std::future::pending::<()>().await;
                }
                Some((Ok("first".into()), n + 1))
            }
        });
        let descriptor = titled("new/folder/file", "first and second");
        let push = store.push(&descriptor, Payload::stream(chunks.boxed()));
        tokio::select! {
            _ = push => panic!("the push ended"),
            _ = was_asked.recv() => {}
        }
    });
    // Waits for what runs on blocking threads.
    drop(runtime);
    assert_empty(root.path());
    // And the name is free again.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime
        .block_on(push(&store, "new/folder/file", "whole"))
        .unwrap();
}

#[tokio::test]
async fn what_is_in_the_way_of_a_path_is_told() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("file"), "").unwrap();
    fs::create_dir(root.path().join("folder")).unwrap();
    let store = store(root.path());
    let at = |name: &str| root.path().join(name).display().to_string();
    let folder = at("folder");
    assert_eq!(
        chain(push(&store, "folder", "x").await),
        format!("failed to create file {folder}: open {folder}: is a directory")
    );
    let text = chain(push(&store, "file/x", "x").await);
    assert!(text.ends_with("not a directory"), "{text}");
}

#[tokio::test]
async fn equal_content_gets_all_its_names_back() {
    let root = tempfile::tempdir().unwrap();
    let mut graph = Graph::new();
    let first = graph.file("first.txt", "test/text", "same");
    let second = graph.file("d/second.txt", "test/text", "same");
    let absent = graph.file("absent.txt", "test/text", "never pushed");
    let manifest = graph.artifact("test/artifact", &[&first, &second, &second, &absent], None);

    let store = store(root.path());
    let restored = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&restored);
    store.on_restored(move |d| seen.lock().unwrap().push(d.title().unwrap().to_owned()));
    store.push(&first, Payload::bytes("same")).await.unwrap();
    let bytes = graph.bytes(&manifest.digest);
    store
        .push(&manifest, Payload::bytes(bytes.clone()))
        .await
        .unwrap();
    assert_eq!(fs::read(root.path().join("d/second.txt")).unwrap(), b"same");
    assert_eq!(*restored.lock().unwrap(), ["d/second.txt"]);
    assert!(store.exists(&second).await.unwrap());
    assert!(!store.exists(&absent).await.unwrap());

    let other = tempfile::tempdir().unwrap();
    let once = options(other.path(), |options| {
        options.duplicates = Duplicates::Ignore;
    });
    once.push(&first, Payload::bytes("same")).await.unwrap();
    once.push(&manifest, Payload::bytes(bytes)).await.unwrap();
    assert!(!other.path().join("d").exists());
}

#[tokio::test]
async fn content_without_a_name_stays_in_memory_within_limits() {
    let root = tempfile::tempdir().unwrap();
    let store = store(root.path());
    let mut huge = Descriptor::of_bytes("test/blob", b"x");
    huge.size = 5 << 20;
    assert_eq!(
        chain(store.push(&huge, Payload::bytes("x")).await),
        "content size 5242880 exceeds push size limit 4194304: size exceeds limit"
    );
    let small = Descriptor::of_bytes("test/blob", b"small");
    store.push(&small, Payload::bytes("small")).await.unwrap();
    assert_eq!(store.fetch_bytes(&small, 5).await.unwrap(), "small");
    assert_empty(root.path());

    let ignoring = options(root.path(), |options| options.unnamed = Unnamed::Ignore);
    ignoring
        .push(&huge, Payload::bytes("not even read"))
        .await
        .unwrap();
    assert!(!ignoring.exists(&huge).await.unwrap());
}

#[tokio::test]
async fn a_file_changed_after_it_was_pushed_is_not_served() {
    let root = tempfile::tempdir().unwrap();
    let store = store(root.path());
    push(&store, "a", "one").await.unwrap();
    let descriptor = titled("a", "one");
    assert!(store.trusted(&descriptor));
    assert_eq!(store.fetch_bytes(&descriptor, 9).await.unwrap(), "one");
    fs::write(root.path().join("a"), "two").unwrap();
    let error = store.fetch_bytes(&descriptor, 9).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Changed);
}

#[tokio::test]
async fn a_store_makes_its_folder_only_when_it_is_needed() {
    let outer = tempfile::tempdir().unwrap();
    let root = outer.path().join("not/yet");
    let store = FileStore::new(&root, FileOptions::default()).unwrap();
    assert_empty(outer.path());
    push(&store, "a", "x").await.unwrap();
    assert!(Path::new(&root).join("a").is_file());
    assert_eq!(store.path_for_name("./b/../c"), root.join("c"));
}

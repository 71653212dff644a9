//! Names for what is there.

use std::sync::Arc;

use oras::content::{ErrorKind, Resolve, Tag};
use oras::{TagOptions, tag_many};

use crate::support::*;

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test]
async fn a_registry_is_read_once_and_written_once_for_each_name() {
    let store = Probe::registry("r", "to");
    let root = manifest(store.store(), vec![blob(store.store(), "app").await]).await;
    store.store().tag(&root, "v1").await.unwrap();
    let recorder = Arc::new(Recorder::default());
    let options = TagOptions {
        concurrency: 0,
        events: Arc::clone(&recorder) as _,
    };

    let tagged = tag_many(&store.target(), "v1", &names(&["a", "b", "c"]), &options)
        .await
        .unwrap();

    assert_eq!(tagged.digest, root.digest);
    assert_eq!(store.count(Op::Fetch, &root), 1);
    assert_eq!(store.count(Op::Push, &root), 3);
    assert_eq!(recorder.lines()[0], "started image");
    assert_eq!(
        recorder.sorted(),
        ["started image", "tagged a", "tagged b", "tagged c"]
    );
}

#[tokio::test]
async fn a_plain_store_is_tagged() {
    let store = Probe::new();
    let root = manifest(store.store(), vec![]).await;
    store.store().tag(&root, "v1").await.unwrap();
    tag_many(
        &store.target(),
        "v1",
        &names(&["a"]),
        &TagOptions::default(),
    )
    .await
    .unwrap();
    assert_eq!(
        store.store().resolve("a").await.unwrap().digest,
        root.digest
    );
    assert_eq!(store.flushes(), 1);
}

#[tokio::test]
async fn what_fails_is_said_with_its_name_unless_there_is_only_one() {
    let registry = Probe::registry("r", "to");
    let plain = Probe::new();
    for (store, text) in [
        (&registry, "failed to tag : missing reference"),
        (&plain, "failed to tag v1 as : missing reference"),
    ] {
        let root = manifest(store.store(), vec![]).await;
        store.store().tag(&root, "v1").await.unwrap();
        let target = store.target();
        let one = tag_many(&target, "v1", &names(&[""]), &TagOptions::default()).await;
        assert_eq!(one.unwrap_err().chain(), "missing reference");
        let two = tag_many(&target, "v1", &names(&["", ""]), &TagOptions::default()).await;
        assert_eq!(two.unwrap_err().chain(), text);
        let none = tag_many(&target, "v1", &[], &TagOptions::default())
            .await
            .unwrap_err();
        assert_eq!(none.kind(), ErrorKind::MissingReference);
        assert_eq!(
            none.chain(),
            "dstReferences cannot be empty: missing reference"
        );
    }
}

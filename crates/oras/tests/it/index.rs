//! Indexes made of manifests.

use std::sync::{Arc, Mutex};

use oras::content::{ErrorKind, FetchExt};
use oras::spec::media_type;
use oras::{
    IndexChanges, IndexEvent, IndexOptions, NewIndex, create_index, push_index, update_index,
};

use crate::support::*;

/// Options that write down what happens.
fn told() -> (IndexOptions, Arc<Mutex<Vec<String>>>) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&lines);
    let options = IndexOptions {
        events: Arc::new(move |event| {
            let line = match event {
                IndexEvent::Fetching(reference) => format!("fetching {reference}"),
                IndexEvent::Fetched(reference, _) => format!("fetched {reference}"),
                IndexEvent::Removed(digest) => format!("removed {}", digest.short()),
                IndexEvent::Added(reference, _) => format!("added {reference}"),
                IndexEvent::Merged(reference, _) => format!("merged {reference}"),
                _ => return,
            };
            sink.lock().unwrap().push(line);
        }),
        ..IndexOptions::default()
    };
    (options, lines)
}

#[tokio::test]
async fn an_index_is_made_changed_and_pushed() {
    let store = memory();
    let config = put(
        &*store,
        media_type::IMAGE_CONFIG,
        r#"{"architecture":"arm","os":"linux","x":1}"#,
    )
    .await;
    let image = manifest_with(&*store, vec![], |image| image.config = config).await;
    store.tag(&image, "image").await.unwrap();
    let blob = blob(&*store, "x").await;
    let source = Arc::clone(&store) as _;
    let (options, lines) = told();

    let new = NewIndex {
        manifests: vec!["image".into(), image.digest.to_string()],
        ..NewIndex::default()
    };
    let made = create_index(&source, &new, &options).await.unwrap();
    assert!(!store.exists(made.descriptor()).await.unwrap());
    push_index(&store, &made, "both").await.unwrap();
    let found = store.resolve("both").await.unwrap();
    let entries = store.fetch_manifest(&found).await.unwrap().successors();
    assert_eq!(entries.len(), 2);
    let platform = entries[0].platform.as_ref().unwrap();
    assert_eq!(platform.to_string(), "linux/arm");
    assert!(platform.extra.is_empty());
    assert_eq!(
        entries[0].artifact_type.as_deref(),
        Some("application/vnd.test")
    );

    lines.lock().unwrap().clear();
    let changes = IndexChanges {
        remove: vec![image.digest.clone()],
        add: vec!["image".into()],
        merge: vec!["both".into()],
        ..IndexChanges::default()
    };
    let changed = update_index(&source, "both", &changes, &options)
        .await
        .unwrap();
    assert_eq!(changed.successors().len(), 3);
    assert_eq!(
        *lines.lock().unwrap(),
        [
            "fetching both",
            "fetched both",
            &format!("removed {}", image.digest.short()),
            "fetching image",
            "fetched image",
            "added image",
            "fetching both",
            "fetched both",
            "merged both",
        ]
    );
    push_index(&store, &changed, "").await.unwrap();
    assert!(store.exists(changed.descriptor()).await.unwrap());

    for (manifest, kind) in [
        (blob.digest.to_string(), ErrorKind::Unsupported),
        ("nosuch".into(), ErrorKind::NotFound),
    ] {
        let new = NewIndex {
            manifests: vec![manifest],
            ..NewIndex::default()
        };
        let error = create_index(&source, &new, &options).await.unwrap_err();
        assert_eq!(error.kind(), kind);
    }
    options.cancel.cancel();
    let error = create_index(&source, &new, &options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
}

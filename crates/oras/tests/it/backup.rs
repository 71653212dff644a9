//! Tags on their way into a layout and back.

use oras::content::{ErrorKind, FetchExt};
use oras::{
    BackupOptions, CancellationToken, Scope, backup, find_tags, referrers_to_restore, restore,
};

use crate::support::*;

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test]
async fn tags_are_carried_with_all_that_refers_to_them_if_wanted() {
    let from = memory();
    let root = manifest(&*from, vec![blob(&*from, "app").await]).await;
    let first = referrer(&*from, &root, "a/b").await;
    let second = referrer(&*from, &first, "c/d").await;
    let listed = index(&*from, vec![root.clone()]).await;
    from.tag(&root, "v1").await.unwrap();
    from.tag(&listed, "list").await.unwrap();
    let from = from as _;
    let cancel = CancellationToken::new();
    let tags = find_tags(&from, &[], &cancel).await.unwrap();
    let found: Vec<_> = tags.iter().map(|tagged| tagged.tag.as_str()).collect();
    assert_eq!(found, ["list", "v1"]);

    for (scope, referrers) in [(Scope::Artifact, 0), (Scope::Referrers, 2)] {
        let options = BackupOptions {
            scope,
            ..BackupOptions::default()
        };
        let (layout, back) = (memory(), memory());
        for tagged in &tags {
            let saved = backup(&from, tagged, &layout, &options).await.unwrap();
            assert_eq!(saved, referrers, "{}", tagged.tag);
        }
        assert_eq!(layout.exists(&second).await.unwrap(), referrers == 2);
        let layout = layout as _;
        for tagged in &find_tags(&layout, &[], &cancel).await.unwrap() {
            let counted = referrers_to_restore(&layout, tagged, &options)
                .await
                .unwrap();
            let restored = restore(&layout, tagged, &back, &options).await.unwrap();
            assert_eq!((counted, restored), (referrers, referrers));
        }
        assert_eq!(back.resolve("v1").await.unwrap().digest, root.digest);
        back.fetch_manifest(&listed).await.unwrap();
        assert_eq!(back.exists(&second).await.unwrap(), referrers == 2);
    }
}

#[tokio::test]
async fn a_tag_that_is_not_there_is_named_and_the_order_is_kept() {
    let from = memory();
    let root = manifest(&*from, vec![]).await;
    for tag in ["b", "a"] {
        from.tag(&root, tag).await.unwrap();
    }
    let from = from as _;
    let cancel = CancellationToken::new();
    let found = find_tags(&from, &names(&["b", "a", "b"]), &cancel)
        .await
        .unwrap();
    let found: Vec<_> = found.iter().map(|tagged| tagged.tag.as_str()).collect();
    assert_eq!(found, ["b", "a", "b"]);
    let error = find_tags(&from, &names(&["a", "nosuch"]), &cancel).await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(
        error
            .chain()
            .starts_with("failed to resolve tag \"nosuch\": ")
    );
    cancel.cancel();
    let error = find_tags(&from, &[], &cancel).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
}

//! What is read and named.

use std::fs;
use std::sync::Arc;

use futures_util::StreamExt;
use oras_content::layout::LayoutStore;
use oras_content::{
    ErrorKind, Fetch, FetchExt, ListTags, Payload, Predecessors, Push, Referrers, Resolve, Source,
    Tag, Target, Untag,
};
use oras_spec::{Descriptor, media_type};
use oras_testkit::fixture::Graph;
use tempfile::tempdir;

use super::{entries, push_all};

async fn tags(store: &LayoutStore, last: Option<&str>) -> Vec<String> {
    let pages: Vec<_> = store.tags(last).collect().await;
    pages.into_iter().flat_map(Result::unwrap).collect()
}

#[tokio::test]
async fn the_layout_store_conforms() {
    let folder = tempdir().unwrap();
    let make = async || {
        let root = tempfile::tempdir_in(folder.path()).unwrap().keep();
        Arc::new(LayoutStore::open(root).await.unwrap()) as Arc<dyn Target>
    };
    oras_testkit::store_suite::all(make).await;
}

#[tokio::test]
async fn a_new_layout_appears_with_its_first_content_and_has_the_files_of_the_reference_tool() {
    let root = tempdir().unwrap();
    let path = root.path().join("new/layout");
    let store = LayoutStore::open(&path).await.unwrap();
    assert!(store.resolve("v1").await.unwrap_err().is_not_found());
    let blob = Descriptor::of_bytes(media_type::OCTET_STREAM, b"blob");
    assert!(!store.exists(&blob).await.unwrap());
    store.flush().await.unwrap();
    assert!(!path.exists(), "looking leaves nothing behind");

    store.push(&blob, Payload::bytes("blob")).await.unwrap();
    assert_eq!(
        fs::read_to_string(path.join("oci-layout")).unwrap(),
        r#"{"imageLayoutVersion":"1.0.0"}"#
    );
    assert_eq!(
        fs::read_to_string(path.join("index.json")).unwrap(),
        r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#
    );
    let mut names: Vec<_> = fs::read_dir(&path)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["blobs", "index.json", "oci-layout"]);
}

#[tokio::test]
async fn what_was_stored_is_there_when_the_layout_is_opened_again() {
    let root = tempdir().unwrap();
    let mut graph = Graph::new();
    let layer = graph.file("hello.txt", media_type::OCTET_STREAM, "hello");
    let image = graph.artifact("application/x", &[&layer], None);
    {
        let store = LayoutStore::open(root.path()).await.unwrap();
        push_all(&store, &graph).await;
        store.tag(&image, "v1").await.unwrap();
        store.tag(&image.plain(), "v2").await.unwrap();
    }
    let store = LayoutStore::open(root.path()).await.unwrap();
    let mut expected = image.clone();
    expected
        .annotations
        .insert("org.opencontainers.image.ref.name".into(), "v1".into());
    assert_eq!(store.resolve("v1").await.unwrap(), expected);
    assert_eq!(tags(&store, None).await, ["v1", "v2"]);
    assert_eq!(tags(&store, Some("v1")).await, ["v2"]);
    assert_eq!(
        store.fetch_manifest(&image).await.unwrap().layers(),
        std::slice::from_ref(&layer)
    );
    assert_eq!(&store.fetch_bytes(&layer, 10).await.unwrap()[..], b"hello");
    assert!(store.exists(&layer).await.unwrap());
    let digest = image.digest.to_string();
    assert_eq!(
        entries(root.path()),
        [
            (digest.clone(), Some("v1".to_owned())),
            (digest, Some("v2".to_owned()))
        ]
    );
}

#[tokio::test]
async fn digests_resolve_to_plain_manifests_and_to_blobs() {
    let root = tempdir().unwrap();
    let store = LayoutStore::open(root.path()).await.unwrap();
    let mut graph = Graph::new();
    let layer = graph.file("hello.txt", "text/plain", "hello");
    let image = graph.artifact("application/x", &[&layer], None);
    push_all(&store, &graph).await;
    store.tag(&image, "v1").await.unwrap();

    assert_eq!(
        store.resolve(image.digest.as_str()).await.unwrap(),
        image.plain()
    );
    assert_eq!(
        store.resolve(layer.digest.as_str()).await.unwrap(),
        Descriptor::new(media_type::OCTET_STREAM, layer.digest.clone(), 5)
    );
    let unknown = store.resolve("nosuch").await.unwrap_err();
    assert_eq!(
        (unknown.kind(), unknown.chain().as_str()),
        (ErrorKind::NotFound, "not found")
    );
    let empty = store.resolve("").await.unwrap_err();
    assert_eq!(empty.kind(), ErrorKind::MissingReference);
    assert_eq!(empty.chain(), "missing reference");
}

#[tokio::test]
async fn missing_content_is_told_by_digest_and_media_type() {
    let root = tempdir().unwrap();
    let store = LayoutStore::open(root.path()).await.unwrap();
    let missing = Descriptor::of_bytes("text/plain", b"missing");
    let expected = format!("{}: text/plain: not found", missing.digest);
    let fetched = store.fetch(&missing).await.unwrap_err();
    assert_eq!(
        (fetched.kind(), fetched.chain()),
        (ErrorKind::NotFound, expected.clone())
    );
    let tagged = store.tag(&missing, "v1").await.unwrap_err();
    assert_eq!(
        (tagged.kind(), tagged.chain()),
        (ErrorKind::NotFound, expected)
    );
    assert!(!store.exists(&missing).await.unwrap());
    assert!(entries(root.path()).is_empty());
}

#[tokio::test]
async fn reading_begins_at_any_offset() {
    let root = tempdir().unwrap();
    let store = LayoutStore::open(root.path()).await.unwrap();
    let mut graph = Graph::new();
    let blob = graph.blob("text/plain", "0123456789");
    push_all(&store, &graph).await;
    for (offset, rest) in [(0, "0123456789"), (7, "789"), (10, ""), (11, "")] {
        let chunks: Vec<_> = store
            .fetch_from(&blob, offset)
            .await
            .unwrap()
            .collect()
            .await;
        let bytes: Vec<u8> = chunks.into_iter().flat_map(Result::unwrap).collect();
        assert_eq!(bytes, rest.as_bytes());
    }
}

#[tokio::test]
async fn tags_move_and_go_away_and_manifests_stay_listed() {
    let root = tempdir().unwrap();
    let store = LayoutStore::open(root.path()).await.unwrap();
    let mut graph = Graph::new();
    let a = graph.artifact("application/a", &[], None);
    let b = graph.artifact("application/b", &[], None);
    push_all(&store, &graph).await;
    let (da, db) = (a.digest.to_string(), b.digest.to_string());

    store.tag(&a, "v1").await.unwrap();
    store.tag(&b, "v1").await.unwrap();
    assert_eq!(store.resolve("v1").await.unwrap().digest, b.digest);
    assert_eq!(
        entries(root.path()),
        [(da.clone(), None), (db.clone(), Some("v1".into()))]
    );

    store.untag("v1").await.unwrap();
    assert_eq!(entries(root.path()), [(da.clone(), None), (db, None)]);
    store.tag(&a, &da).await.unwrap();
    assert!(tags(&store, None).await.is_empty());

    let unknown = store.untag("v1").await.unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::NotFound);
    assert_eq!(
        unknown.chain(),
        r#"resolving reference "v1": v1: not found"#
    );
    assert_eq!(
        store.untag(&da).await.unwrap_err().kind(),
        ErrorKind::InvalidReference
    );
    assert_eq!(
        store.untag("").await.unwrap_err().kind(),
        ErrorKind::MissingReference
    );
    assert_eq!(
        store.tag(&a, "").await.unwrap_err().kind(),
        ErrorKind::MissingReference
    );
}

#[tokio::test]
async fn another_stores_changes_are_seen_at_once() {
    let root = tempdir().unwrap();
    let ours = LayoutStore::open(root.path()).await.unwrap();
    let theirs = LayoutStore::open(root.path()).await.unwrap();
    let mut graph = Graph::new();
    let image = graph.artifact("application/x", &[], None);
    push_all(&theirs, &graph).await;
    for round in 0..50 {
        let tag = format!("v{round}");
        theirs.tag(&image, &tag).await.unwrap();
        assert_eq!(ours.resolve(&tag).await.unwrap().digest, image.digest);
        ours.untag(&tag).await.unwrap();
        assert!(theirs.resolve(&tag).await.unwrap_err().is_not_found());
    }
}

#[tokio::test]
async fn predecessors_and_referrers_are_found_at_any_depth_and_after_every_push() {
    let root = tempdir().unwrap();
    let store = LayoutStore::open(root.path()).await.unwrap();
    let mut graph = Graph::new();
    let layer = graph.blob("text/plain", "layer");
    let image = graph.image("linux/amd64", &[&layer]);
    let index = graph.index(&[("linux/amd64", &image)]);
    push_all(&store, &graph).await;
    assert_eq!(store.predecessors(&layer).await.unwrap(), [image.plain()]);
    assert_eq!(store.predecessors(&image).await.unwrap(), [index.plain()]);
    assert!(store.referrers(&image, None).await.unwrap().is_empty());

    let sbom = graph.artifact("application/sbom", &[], Some(&image));
    let signature = graph.artifact("application/signature", &[], Some(&sbom));
    for node in &graph.nodes {
        store
            .push(
                &node.descriptor,
                oras_content::Payload::bytes(node.bytes.clone()),
            )
            .await
            .unwrap();
    }
    // Not flushed: what this store has pushed is known to it at once.
    assert_eq!(
        store.predecessors(&image).await.unwrap(),
        [index.plain(), sbom.plain()]
    );
    assert_eq!(
        store.referrers(&image, None).await.unwrap(),
        std::slice::from_ref(&sbom)
    );
    assert_eq!(
        store.referrers(&sbom, None).await.unwrap(),
        std::slice::from_ref(&signature)
    );
    assert_eq!(
        store
            .referrers(&image, Some("application/sbom"))
            .await
            .unwrap(),
        [sbom]
    );
    assert!(
        store
            .referrers(&image, Some("application/x"))
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_corrupt_manifest_hides_nothing_else() {
    let root = tempdir().unwrap();
    let mut graph = Graph::new();
    let image = graph.artifact("application/x", &[], None);
    let bad = graph.artifact("application/bad", &[], Some(&image));
    let good = graph.artifact("application/good", &[], Some(&image));
    graph.write_layout(root.path(), &[("v1", &image)]);
    let path = root.path().join("blobs/sha256").join(bad.digest.encoded());
    fs::write(&path, "{}").unwrap();
    let store = LayoutStore::open(root.path()).await.unwrap();
    let found = store.referrers(&image, None).await.unwrap();
    assert_eq!(
        found.iter().map(|d| &d.digest).collect::<Vec<_>>(),
        [&good.digest]
    );
}

#[tokio::test]
async fn every_ability_is_offered_through_the_bundles() {
    let root = tempdir().unwrap();
    let store = LayoutStore::open(root.path()).await.unwrap();
    assert!(store.as_predecessors().is_some());
    assert!(store.as_referrers().is_some());
    assert!(store.as_list_tags().is_some());
    assert!(store.as_delete().is_some());
    assert!(store.as_untag().is_some());
}

#[tokio::test]
async fn what_is_no_layout_is_refused_and_not_touched() {
    let root = tempdir().unwrap();
    let error = |path: std::path::PathBuf| async move {
        LayoutStore::open(path).await.err().unwrap().chain()
    };
    let file = root.path().join("x.tar");
    fs::write(&file, "x").unwrap();
    assert_eq!(
        error(file.clone()).await,
        format!("mkdir {}: not a directory", file.display())
    );

    let version = root.path().join("version");
    fs::create_dir(&version).unwrap();
    fs::write(
        version.join("oci-layout"),
        r#"{"imageLayoutVersion":"2.0.0"}"#,
    )
    .unwrap();
    assert_eq!(
        error(version).await,
        "invalid OCI Image Layout: unsupported version"
    );

    let index = root.path().join("index");
    fs::create_dir(&index).unwrap();
    fs::write(index.join("index.json"), r#"{"schemaVersion":2,"manif"#).unwrap();
    assert_eq!(
        error(index.clone()).await,
        "invalid OCI Image Index: failed to decode index file: unexpected EOF"
    );
    assert_eq!(
        fs::read_to_string(index.join("index.json")).unwrap(),
        r#"{"schemaVersion":2,"manif"#
    );

    fs::remove_file(index.join("index.json")).unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(index.join("index.json"))
        .status();
    assert!(made.unwrap().success());
    assert_eq!(
        error(index).await,
        "invalid OCI Image Index: failed to open index file: open index.json: not a regular file"
    );
}

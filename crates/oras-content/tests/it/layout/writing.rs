//! How blobs and the list of manifests get to the disk.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use oras_content::layout::LayoutStore;
use oras_content::{
    ByteStream, ErrorKind, Fetch, Open, Payload, Push, Pushed, Resolve, Result, Tag,
};
use oras_spec::{Descriptor, Digest, media_type};
use oras_testkit::fixture::{Graph, noise};
use tempfile::tempdir;

use super::{blobs, entries};

#[tokio::test]
async fn a_blob_is_read_only_and_nothing_else_is_left() {
    let root = tempdir().unwrap();
    let store = LayoutStore::open(root.path()).await.unwrap();
    let bytes = noise(1, 3_000_000);
    let blob = Descriptor::of_bytes("x/y", &bytes);
    let pushed = store
        .push(&blob, Payload::bytes(bytes.clone()))
        .await
        .unwrap();
    assert_eq!(pushed, Pushed::Stored);
    let path = root.path().join("blobs/sha256").join(blob.digest.encoded());
    assert_eq!(fs::read(&path).unwrap(), bytes);
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o444
    );
    assert!(!root.path().join("ingest").exists());
    let again = store
        .push(&blob, Payload::stream(stream::pending().boxed()))
        .await
        .unwrap();
    assert_eq!(again, Pushed::AlreadyThere);
}

#[tokio::test]
async fn other_algorithms_have_their_own_folder_and_unknown_ones_are_refused() {
    let root = tempdir().unwrap();
    let store = LayoutStore::open(root.path()).await.unwrap();
    let digest = Digest::of(oras_spec::Algorithm::Sha512, b"hello");
    let blob = Descriptor::new("x/y", digest, 5);
    store.push(&blob, Payload::bytes("hello")).await.unwrap();
    assert!(store.exists(&blob).await.unwrap());
    let unknown = Descriptor::new("x/y", Digest::parse("blake3:abc").unwrap(), 5);
    let error = store
        .push(&unknown, Payload::bytes("hello"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidDigest);
}

#[tokio::test]
async fn wrong_bytes_are_never_visible() {
    let root = tempdir().unwrap();
    let store = LayoutStore::open(root.path()).await.unwrap();
    let blob = Descriptor::of_bytes("x/y", b"hello");
    let cases = [
        (
            "hullo",
            ErrorKind::DigestMismatch,
            "failed to ingest: mismatched digest",
        ),
        (
            "hell",
            ErrorKind::SizeMismatch,
            "failed to ingest: unexpected EOF",
        ),
        (
            "hello!",
            ErrorKind::SizeMismatch,
            "failed to ingest: trailing data",
        ),
    ];
    for (bytes, kind, text) in cases {
        let error = store.push(&blob, Payload::bytes(bytes)).await.unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(error.chain().starts_with(text), "{}", error.chain());
    }
    let broken = stream::iter([Ok(Bytes::from("he")), Err(std::io::Error::other("cut off"))]);
    let error = store
        .push(&blob, Payload::stream(broken.boxed()))
        .await
        .unwrap_err();
    assert_eq!(error.chain(), "cut off");
    let mut absurd = blob.clone();
    absurd.size = 1 << 62;
    let error = store
        .push(&absurd, Payload::bytes("hello"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SizeMismatch);
    assert!(blobs(root.path()).is_empty());
    assert!(!root.path().join("ingest").exists());
}

#[tokio::test]
async fn a_cancelled_push_leaves_nothing() {
    let root = tempdir().unwrap();
    let store = LayoutStore::open(root.path()).await.unwrap();
    let blob = Descriptor::of_bytes("x/y", b"hello");
    let (reached, wait) = tokio::sync::oneshot::channel::<()>();
    let stuck = stream::once(async { Ok(Bytes::from("he")) }).chain(stream::once(async move {
        let _ = reached.send(());
        std::future::pending().await
    }));
    let push = store.push(&blob, Payload::stream(stuck.boxed()));
    tokio::select! {
        _ = push => panic!("it can't end"),
        _ = wait => {}
    }
    // The writing thread removes its file when it sees that nobody is there any more.
    while root.path().join("ingest").exists() {
        tokio::task::yield_now().await;
    }
    assert!(blobs(root.path()).is_empty());
}

#[tokio::test]
async fn a_blob_of_the_wrong_size_is_replaced() {
    let root = tempdir().unwrap();
    let store = LayoutStore::open(root.path()).await.unwrap();
    let blob = Descriptor::of_bytes("x/y", b"hello");
    let folder = root.path().join("blobs/sha256");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(blob.digest.encoded()), "hel").unwrap();
    assert!(!store.exists(&blob).await.unwrap());
    assert_eq!(
        store.push(&blob, Payload::bytes("hello")).await.unwrap(),
        Pushed::Stored
    );
    assert_eq!(blobs(root.path()).len(), 1);
}

/// Claims to be hashed already.
struct Trusted(&'static str);

#[async_trait]
impl Open for Trusted {
    async fn open(&self, _: u64) -> Result<ByteStream> {
        Ok(oras_content::once(Bytes::from(self.0)))
    }

    fn trusted(&self) -> bool {
        true
    }
}

#[tokio::test]
async fn trusted_bytes_are_not_hashed_again_but_counted() {
    let root = tempdir().unwrap();
    let store = LayoutStore::open(root.path()).await.unwrap();
    let blob = Descriptor::of_bytes("x/y", b"hello");
    // Bytes that hash to something else get through: that is what trust means, and how it shows.
    store
        .push(&blob, Payload::new(Trusted("hullo")))
        .await
        .unwrap();
    assert!(store.exists(&blob).await.unwrap());
    let other = Descriptor::of_bytes("x/y", b"other");
    for (bytes, text) in [("othe", "unexpected EOF"), ("other!", "trailing data")] {
        let error = store
            .push(&other, Payload::new(Trusted(bytes)))
            .await
            .unwrap_err();
        assert_eq!(error.chain(), format!("failed to ingest: {text}"));
    }
}

#[tokio::test]
async fn manifests_are_listed_many_at_a_time() {
    let root = tempdir().unwrap();
    let store = LayoutStore::open(root.path()).await.unwrap();
    let blob = Descriptor::of_bytes(media_type::OCTET_STREAM, b"first");
    store.push(&blob, Payload::bytes("first")).await.unwrap();
    let inode = || fs::metadata(root.path().join("index.json")).unwrap().ino();
    let mut graph = Graph::new();
    let images: Vec<_> = (0..2000)
        .map(|n| graph.artifact(&format!("application/{n}"), &[], None))
        .collect();
    let (mut last, mut writes) = (inode(), 0);
    for node in &graph.nodes {
        store
            .push(&node.descriptor, Payload::bytes(node.bytes.clone()))
            .await
            .unwrap();
        if inode() != last {
            last = inode();
            writes += 1;
        }
    }
    assert!((1..=8).contains(&writes), "{writes} writes");
    // Known here before it is listed.
    let newest = images.last().unwrap();
    assert_eq!(
        store.resolve(newest.digest.as_str()).await.unwrap(),
        newest.plain()
    );
    store.flush().await.unwrap();
    let listed: Vec<_> = entries(root.path())
        .into_iter()
        .map(|(digest, _)| digest)
        .collect();
    let expected: Vec<_> = images
        .iter()
        .map(|image| image.digest.to_string())
        .collect();
    assert_eq!(
        listed, expected,
        "every manifest once, in the order of the pushes"
    );
}

#[tokio::test]
async fn a_tag_lists_what_was_pushed_before() {
    let root = tempdir().unwrap();
    let store = LayoutStore::open(root.path()).await.unwrap();
    let mut graph = Graph::new();
    let image = graph.artifact("application/image", &[], None);
    let sbom = graph.artifact("application/sbom", &[], Some(&image));
    for descriptor in [&image, &sbom] {
        let payload = Payload::bytes(graph.bytes(&descriptor.digest));
        store.push(descriptor, payload).await.unwrap();
    }
    assert!(entries(root.path()).is_empty());
    store.tag(&image, "v1").await.unwrap();
    let expected = [
        (image.digest.to_string(), Some("v1".to_owned())),
        (sbom.digest.to_string(), None),
    ];
    assert_eq!(entries(root.path()), expected);
    let text = fs::read_to_string(root.path().join("index.json")).unwrap();
    assert!(
        text.contains(r#""artifactType":"application/sbom"}"#),
        "{text}"
    );
}

#[tokio::test]
async fn a_manifest_that_is_there_and_not_listed_gets_listed() {
    let root = tempdir().unwrap();
    let mut graph = Graph::new();
    let image = graph.artifact("application/image", &[], None);
    let payload = Payload::bytes(graph.bytes(&image.digest));
    {
        let killed = LayoutStore::open(root.path()).await.unwrap();
        killed.push(&image, payload.clone()).await.unwrap();
    }
    assert!(entries(root.path()).is_empty());
    let store = LayoutStore::open(root.path()).await.unwrap();
    assert_eq!(
        store.push(&image, payload).await.unwrap(),
        Pushed::AlreadyThere
    );
    store.flush().await.unwrap();
    assert_eq!(entries(root.path()).len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_tasks_on_many_handles_lose_nothing() {
    let root = tempdir().unwrap();
    let one = LayoutStore::open(root.path()).await.unwrap();
    let other = LayoutStore::open(root.path()).await.unwrap();
    let done = Arc::new(AtomicU64::new(0));
    let mut tasks = Vec::new();
    for n in 0..40 {
        let store = if n % 2 == 0 {
            one.clone()
        } else {
            other.clone()
        };
        let done = Arc::clone(&done);
        tasks.push(tokio::spawn(async move {
            let bytes = format!(r#"{{"schemaVersion":2,"manifests":[],"x":{n}}}"#);
            let image = Descriptor::of_bytes(media_type::IMAGE_INDEX, bytes.as_bytes());
            store.push(&image, Payload::bytes(bytes)).await.unwrap();
            store.tag(&image, &format!("v{n}")).await.unwrap();
            done.fetch_add(1, Ordering::Relaxed);
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(done.load(Ordering::Relaxed), 40);
    let mut tags: Vec<_> = entries(root.path())
        .into_iter()
        .filter_map(|(_, tag)| tag)
        .collect();
    tags.sort();
    assert_eq!(tags.len(), 40);
    for n in 0..40 {
        one.resolve(&format!("v{n}")).await.unwrap();
    }
    assert!(!root.path().join("ingest").exists());
}

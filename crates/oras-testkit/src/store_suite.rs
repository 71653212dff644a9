//! The conformance suite that every store must pass: what copies rely on, whatever the store is made of.
//!
//! Each check is a function over a fresh, empty store. [`all`] runs them one after another:
//!
//! ```
//! # use std::sync::Arc;
//! # use oras_content::{Target, memory::MemoryStore};
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! oras_testkit::store_suite::all(async || Arc::new(MemoryStore::new()) as Arc<dyn Target>).await;
//! # }
//! ```
//!
//! Optional abilities are checked where the store has them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::{StreamExt, TryStreamExt, stream};
use oras_content::{
    ByteStream, Error, ErrorKind, FetchExt, Open, Payload, Pushed, Result, Side, Target, once,
};
use oras_spec::{Descriptor, Digest, media_type};

use crate::fixture::{Graph, noise};

/// Runs every check, each on a store of its own.
///
/// # Panics
/// When the store does not conform.
pub async fn all(make: impl AsyncFn() -> Arc<dyn Target>) {
    content_comes_back_as_it_was_pushed(&make().await).await;
    content_is_read_from_any_offset(&make().await).await;
    missing_content_is_not_found(&make().await).await;
    a_second_push_reads_nothing(&make().await).await;
    wrong_bytes_leave_nothing(&make().await).await;
    an_absurd_size_costs_nothing(&make().await).await;
    a_failing_source_leaves_nothing(&make().await).await;
    one_content_is_pushed_by_many_at_once(&make().await).await;
    a_manifest_that_is_no_json_is_refused(&make().await).await;
    tags_stand_for_content_that_is_there(&make().await).await;
    predecessors_come_in_the_order_of_pushing(&make().await).await;
    referrers_are_told_from_other_predecessors(&make().await).await;
    tags_are_listed_after_any_tag(&make().await).await;
    deleted_content_is_gone_with_its_tags(&make().await).await;
    an_untagged_content_stays(&make().await).await;
}

/// Bytes in, the same bytes out, also no bytes at all, also a manifest.
pub async fn content_comes_back_as_it_was_pushed(store: &Arc<dyn Target>) {
    let mut graph = Graph::new();
    let large = graph.file("large.bin", "test/large", noise(1, 700_001));
    let empty = graph.file("empty.bin", "test/empty", Bytes::new());
    let manifest = graph.artifact("test/artifact", &[&large, &empty], None);
    for descriptor in [&large, &empty, &manifest] {
        assert!(!store.exists(descriptor).await.unwrap());
        assert_eq!(push(store, &graph, descriptor).await, Pushed::Stored);
        assert!(store.exists(descriptor).await.unwrap());
        let bytes = store
            .fetch_bytes(descriptor, descriptor.size)
            .await
            .unwrap();
        assert_eq!(bytes, graph.bytes(&descriptor.digest));
    }
    store.flush().await.unwrap();
    let parsed = store.fetch_manifest(&manifest).await.unwrap();
    assert_eq!(parsed.layers().len(), 2);
}

/// From the start, the middle, the end.
pub async fn content_is_read_from_any_offset(store: &Arc<dyn Target>) {
    let mut graph = Graph::new();
    let blob = graph.file("blob.bin", "test/blob", noise(2, 300_000));
    push(store, &graph, &blob).await;
    let whole = graph.bytes(&blob.digest);
    for offset in [0, 1, 131_072, 299_999, 300_000] {
        let rest = read(store.fetch_from(&blob, offset).await.unwrap())
            .await
            .unwrap();
        assert!(
            rest == whole[usize::try_from(offset).unwrap()..],
            "from {offset}"
        );
    }
}

/// Nothing is made up.
pub async fn missing_content_is_not_found(store: &Arc<dyn Target>) {
    let mut graph = Graph::new();
    let blob = graph.file("nowhere.bin", "test/blob", "nowhere");
    assert!(!store.exists(&blob).await.unwrap());
    assert!(!store.trusted(&blob));
    let Err(error) = store.fetch_bytes(&blob, 100).await else {
        panic!("fetched what is not there");
    };
    assert!(error.is_not_found(), "{error:?}");
    let reference = blob.digest.as_str();
    assert!(store.resolve(reference).await.unwrap_err().is_not_found());
}

/// What is there is not transferred again.
pub async fn a_second_push_reads_nothing(store: &Arc<dyn Target>) {
    let mut graph = Graph::new();
    let blob = graph.file("twice.bin", "test/blob", "twice");
    push(store, &graph, &blob).await;
    let opened = Arc::new(AtomicBool::new(false));
    let payload = Payload::new(Watched(Arc::clone(&opened)));
    assert_eq!(
        store.push(&blob, payload).await.unwrap(),
        Pushed::AlreadyThere
    );
    assert!(!opened.load(Ordering::SeqCst));
}

/// Too short, too long, other bytes: an error that says so, and a store that can still get the right ones.
pub async fn wrong_bytes_leave_nothing(store: &Arc<dyn Target>) {
    let mut graph = Graph::new();
    let blob = graph.file("right.bin", "test/blob", "right");
    let wrong = [
        ("righ", ErrorKind::SizeMismatch),
        ("right!", ErrorKind::SizeMismatch),
        ("wrong", ErrorKind::DigestMismatch),
    ];
    for (bytes, kind) in wrong {
        let error = store.push(&blob, Payload::bytes(bytes)).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{bytes}: {error:?}");
        assert!(!store.exists(&blob).await.unwrap(), "{bytes} was kept");
    }
    assert_eq!(push(store, &graph, &blob).await, Pushed::Stored);
}

/// Memory follows the bytes, not the promise.
pub async fn an_absurd_size_costs_nothing(store: &Arc<dyn Target>) {
    let mut blob = Graph::new().file("huge.bin", "test/blob", "small");
    blob.size = 1 << 62;
    let error = store
        .push(&blob, Payload::bytes("small"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SizeMismatch, "{error:?}");
    assert!(!store.exists(&blob).await.unwrap());
}

/// A connection that breaks halfway is told as it is.
pub async fn a_failing_source_leaves_nothing(store: &Arc<dyn Target>) {
    let mut graph = Graph::new();
    let blob = graph.file("broken.bin", "test/blob", "first half, second half");
    let broken = Error::new(ErrorKind::Network, "connection reset").with_side(Side::Source);
    let chunks = [Ok(Bytes::from("first half")), Err(broken.into())];
    let payload = Payload::stream(stream::iter(chunks).boxed());
    let error = store.push(&blob, payload).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network, "{error:?}");
    assert_eq!(error.side(), Some(Side::Source));
    assert!(!store.exists(&blob).await.unwrap());
    assert_eq!(push(store, &graph, &blob).await, Pushed::Stored);
}

/// Nobody fails because somebody else does the same.
pub async fn one_content_is_pushed_by_many_at_once(store: &Arc<dyn Target>) {
    let mut graph = Graph::new();
    let blob = graph.file("wanted.bin", "test/blob", noise(3, 200_000));
    let pushed = join_all((0..8).map(|_| push(store, &graph, &blob))).await;
    assert!(pushed.contains(&Pushed::Stored), "{pushed:?}");
    let bytes = store.fetch_bytes(&blob, blob.size).await.unwrap();
    assert_eq!(bytes, graph.bytes(&blob.digest));
}

/// A manifest that nobody can read would break every walk over the graph.
pub async fn a_manifest_that_is_no_json_is_refused(store: &Arc<dyn Target>) {
    let html = "<html>Welcome</html>";
    let manifest = Descriptor::of_bytes(media_type::IMAGE_MANIFEST, html.as_bytes());
    let error = store
        .push(&manifest, Payload::bytes(html))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidManifest, "{error:?}");
}

/// Tags: only for what is there, movable, and never empty. A digest stands for itself.
pub async fn tags_stand_for_content_that_is_there(store: &Arc<dyn Target>) {
    let mut graph = Graph::new();
    let one = graph.artifact("test/one", &[], None);
    let two = graph.artifact("test/two", &[], None);
    assert!(store.tag(&one, "v1").await.unwrap_err().is_not_found());
    assert!(store.resolve("v1").await.unwrap_err().is_not_found());
    push_all(store, &graph).await;
    store.tag(&one, "v1").await.unwrap();
    store.tag(&one, "latest").await.unwrap();
    store.tag(&two, "latest").await.unwrap();
    assert!(store.resolve("v1").await.unwrap().same_content(&one));
    assert!(store.resolve("latest").await.unwrap().same_content(&two));
    assert!(
        store
            .resolve(one.digest.as_str())
            .await
            .unwrap()
            .same_content(&one)
    );
    let unknown = store.resolve("v2").await.unwrap_err();
    assert!(unknown.is_not_found(), "{unknown:?}");
    for error in [
        store.resolve("").await.err(),
        store.tag(&one, "").await.err(),
    ] {
        assert_eq!(error.unwrap().kind(), ErrorKind::MissingReference);
    }
}

/// In a stable order, and only direct ones.
pub async fn predecessors_come_in_the_order_of_pushing(store: &Arc<dyn Target>) {
    let Some(predecessors) = store.as_predecessors() else {
        return;
    };
    let mut graph = Graph::new();
    let shared = graph.file("shared.bin", "test/blob", "shared");
    let parents: Vec<_> = (0..12)
        .map(|n| graph.artifact(&format!("test/{n}"), &[&shared, &shared], None))
        .collect();
    graph.index(&[("linux/amd64", &parents[0])]);
    push_all(store, &graph).await;
    assert_same(&predecessors.predecessors(&shared).await.unwrap(), &parents);
    let stranger = Descriptor::of_bytes("test/blob", b"stranger");
    assert!(
        predecessors
            .predecessors(&stranger)
            .await
            .unwrap()
            .is_empty()
    );
}

/// A referrer has the manifest as its subject; what lists it is none. Type and annotations are told.
pub async fn referrers_are_told_from_other_predecessors(store: &Arc<dyn Target>) {
    let Some(referrers) = store.as_referrers() else {
        return;
    };
    let mut graph = Graph::new();
    let subject = graph.artifact("test/subject", &[], None);
    let sbom = graph.artifact("test/sbom", &[], Some(&subject));
    let signature = graph.artifact("test/signature", &[], Some(&subject));
    graph.artifact("test/signature", &[], Some(&sbom));
    graph.index(&[("linux/amd64", &subject)]);
    push_all(store, &graph).await;
    let all = referrers.referrers(&subject, None).await.unwrap();
    assert_same(&all, &[sbom, signature.clone()]);
    assert_eq!(all[0].artifact_type.as_deref(), Some("test/sbom"));
    let signatures = referrers
        .referrers(&subject, Some("test/signature"))
        .await
        .unwrap();
    assert_same(&signatures, &[signature]);
    assert!(
        referrers
            .referrers(&subject, Some("test/other"))
            .await
            .unwrap()
            .is_empty()
    );
}

/// Each tag once, from the beginning or after one that need not exist.
pub async fn tags_are_listed_after_any_tag(store: &Arc<dyn Target>) {
    let Some(list) = store.as_list_tags() else {
        return;
    };
    let mut graph = Graph::new();
    let manifest = graph.artifact("test/artifact", &[], None);
    push_all(store, &graph).await;
    for tag in ["b", "d", "a"] {
        store.tag(&manifest, tag).await.unwrap();
    }
    let tags = async |last: Option<&str>| list.tags(last).try_concat().await.unwrap();
    assert_eq!(tags(None).await, ["a", "b", "d"]);
    assert_eq!(tags(Some("a")).await, ["b", "d"]);
    assert_eq!(tags(Some("c")).await, ["d"]);
    assert!(tags(Some("d")).await.is_empty());
}

/// Content, names and edges.
pub async fn deleted_content_is_gone_with_its_tags(store: &Arc<dyn Target>) {
    let Some(delete) = store.as_delete() else {
        return;
    };
    let mut graph = Graph::new();
    let blob = graph.file("kept.bin", "test/blob", "kept");
    let manifest = graph.artifact("test/artifact", &[&blob], None);
    assert!(delete.delete(&manifest).await.unwrap_err().is_not_found());
    push_all(store, &graph).await;
    store.tag(&manifest, "v1").await.unwrap();
    delete.delete(&manifest).await.unwrap();
    assert!(!store.exists(&manifest).await.unwrap());
    assert!(store.resolve("v1").await.unwrap_err().is_not_found());
    if let Some(predecessors) = store.as_predecessors() {
        assert!(predecessors.predecessors(&blob).await.unwrap().is_empty());
    }
    assert_eq!(push(store, &graph, &manifest).await, Pushed::Stored);
}

/// The name goes, the content does not.
pub async fn an_untagged_content_stays(store: &Arc<dyn Target>) {
    let Some(untag) = store.as_untag() else {
        return;
    };
    let mut graph = Graph::new();
    let manifest = graph.artifact("test/artifact", &[], None);
    push_all(store, &graph).await;
    store.tag(&manifest, "v1").await.unwrap();
    untag.untag("v1").await.unwrap();
    assert!(store.resolve("v1").await.unwrap_err().is_not_found());
    assert!(store.exists(&manifest).await.unwrap());
    assert!(untag.untag("v1").await.unwrap_err().is_not_found());
}

async fn push(store: &Arc<dyn Target>, graph: &Graph, descriptor: &Descriptor) -> Pushed {
    let payload = Payload::bytes(graph.bytes(&descriptor.digest));
    match store.push(descriptor, payload).await {
        Ok(pushed) => pushed,
        Err(error) => panic!("push {}: {error:?}", descriptor.media_type),
    }
}

async fn push_all(store: &Arc<dyn Target>, graph: &Graph) {
    for node in &graph.nodes {
        push(store, graph, &node.descriptor).await;
    }
    store.flush().await.unwrap();
}

async fn read(mut stream: ByteStream) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await {
        bytes.extend_from_slice(&chunk?);
    }
    Ok(bytes)
}

fn assert_same(found: &[Descriptor], expected: &[Descriptor]) {
    let digests =
        |all: &[Descriptor]| -> Vec<Digest> { all.iter().map(|d| d.digest.clone()).collect() };
    assert_eq!(digests(found), digests(expected));
}

/// Notes that it was opened.
struct Watched(Arc<AtomicBool>);

#[async_trait]
impl Open for Watched {
    async fn open(&self, _: u64) -> Result<ByteStream> {
        self.0.store(true, Ordering::SeqCst);
        Ok(once(Bytes::from("read")))
    }
}

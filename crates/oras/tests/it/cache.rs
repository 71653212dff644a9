//! Reading through a cache.

use std::sync::Arc;

use futures_util::StreamExt;
use oras::Cache;
use oras::content::memory::MemoryStore;
use oras::content::{Content, Fetch, FetchExt, Payload, Push, Source, Tag, Target, once};
use oras::spec::Descriptor;

const LIMIT: u64 = 1 << 20;

async fn stores() -> (
    Arc<MemoryStore>,
    Arc<MemoryStore>,
    Arc<dyn Source>,
    Descriptor,
) {
    let (source, cache) = (Arc::new(MemoryStore::new()), Arc::new(MemoryStore::new()));
    let blob = Descriptor::of_bytes("text/plain", b"hello");
    source.push(&blob, Payload::bytes("hello")).await.unwrap();
    let over = Cache::new(Arc::clone(&cache) as Arc<dyn Target>)
        .over(Arc::clone(&source) as Arc<dyn Source>);
    (source, cache, over, blob)
}

#[tokio::test]
async fn what_was_read_is_kept_and_needs_no_source_any_more() {
    let (source, cache, over, blob) = stores().await;
    assert!(!cache.exists(&blob).await.unwrap());
    assert_eq!(over.fetch_bytes(&blob, LIMIT).await.unwrap(), "hello");
    assert!(cache.exists(&blob).await.unwrap());
    source.as_delete().unwrap().delete(&blob).await.unwrap();
    assert_eq!(over.fetch_bytes(&blob, LIMIT).await.unwrap(), "hello");
    let mut rest = over.fetch_from(&blob, 3).await.unwrap();
    assert_eq!(rest.next().await.unwrap().unwrap(), "lo");
}

#[tokio::test]
async fn references_are_asked_of_the_source() {
    let (source, cache, over, _) = stores().await;
    let manifest = Descriptor::of_bytes(oras::spec::media_type::IMAGE_INDEX, b"{}");
    for store in [&source, &cache] {
        store.push(&manifest, Payload::bytes("{}")).await.unwrap();
    }
    cache.tag(&manifest, "v1").await.unwrap();
    assert!(over.resolve("v1").await.unwrap_err().is_not_found());
    source.tag(&manifest, "v1").await.unwrap();
    assert_eq!(over.resolve("v1").await.unwrap().digest, manifest.digest);
}

#[tokio::test]
async fn what_was_read_in_part_or_is_wrong_is_not_kept() {
    let (_source, cache, over, blob) = stores().await;
    // Dropped unread, and read from the middle.
    drop(over.fetch(&blob).await.unwrap());
    let mut rest = over.fetch_from(&blob, 1).await.unwrap();
    while rest.next().await.transpose().unwrap().is_some() {}
    assert!(!cache.exists(&blob).await.unwrap());
    // The reader tells of wrong bytes, in the usual words.
    let through = Cache::new(Arc::clone(&cache) as Arc<dyn Target>);
    let wrong = Content::new(blob.clone(), once("hallo".into()));
    let told = through.through(wrong).await.unwrap().bytes(LIMIT).await;
    let plain = Content::new(blob.clone(), once("hallo".into()))
        .bytes(LIMIT)
        .await;
    assert_eq!(
        told.unwrap_err().to_string(),
        plain.unwrap_err().to_string()
    );
    assert!(!cache.exists(&blob).await.unwrap());
}

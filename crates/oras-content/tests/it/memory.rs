//! What is particular to the memory store.

use oras_content::memory::MemoryStore;
use oras_content::{ErrorKind, Payload, Push, Resolve};
use oras_spec::Descriptor;

#[tokio::test]
async fn content_beyond_the_limit_is_refused_unread() {
    let store = MemoryStore::with_limit(4);
    let blob = Descriptor::of_bytes("test/blob", b"12345");
    let error = store
        .push(&blob, Payload::bytes("12345"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SizeLimit);
    assert_eq!(
        error.chain(),
        "content size 5 exceeds push size limit 4: size exceeds limit"
    );
    let blob = Descriptor::of_bytes("test/blob", b"1234");
    store.push(&blob, Payload::bytes("1234")).await.unwrap();
}

#[tokio::test]
async fn a_digest_resolves_to_the_media_type_it_was_pushed_with() {
    let store = MemoryStore::new();
    let blob = Descriptor::of_bytes("test/first", b"1");
    store.push(&blob, Payload::bytes("1")).await.unwrap();
    let again = Descriptor::of_bytes("test/second", b"1");
    store.push(&again, Payload::bytes("1")).await.unwrap();
    assert_eq!(store.resolve(blob.digest.as_str()).await.unwrap(), blob);
    let error = store.resolve("v1").await.unwrap_err();
    assert_eq!(error.to_string(), "v1: not found");
}

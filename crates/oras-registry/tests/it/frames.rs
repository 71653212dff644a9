//! Content on its way through a registry in a folder.

use std::fs;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use oras_registry::Registry;
use oras_spec::Digest;

use crate::client::Client;

/// Bytes that differ from one place to the next.
fn noise(length: usize) -> Bytes {
    let mut state = 1_u32;
    let next = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    });
    next.take(length).collect()
}

/// Sends a body frame by frame and gives the status.
async fn stream(registry: &Registry, line: &str, range: &str, body: &Bytes, frame: usize) -> u16 {
    let (method, path) = line.split_once(' ').unwrap();
    let frames: Vec<_> = body
        .chunks(frame)
        .map(|bytes| Ok::<_, std::io::Error>(Frame::data(body.slice_ref(bytes))))
        .collect();
    let request = Request::builder().method(method).uri(path);
    let request = request.header("content-range", range);
    let body = StreamBody::new(futures_util::stream::iter(frames));
    let response = registry.respond(request.body(body).unwrap()).await;
    let status = response.status().as_u16();
    response.into_body().collect().await.unwrap();
    status
}

#[tokio::test]
async fn uploads_are_whole_whatever_frames_they_come_in() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::builder().folder(folder.path()).build().unwrap();
    let client = Client::of(registry.clone());
    for (length, frame) in [(70_000, 65_536), (3_000_001, 1_003), (5_000_000, 2_000_000)] {
        let content = noise(length);
        let digest = Digest::sha256(&content);
        let session = client.session("a/b").await;
        let line = format!("PATCH {session}");
        let half = length / 2;
        let (first, second) = (content.slice(..half), content.slice(half..));

        let range = format!("0-{}", half - 1);
        let stated = stream(&registry, &line, &range, &first, frame).await;
        assert_eq!(stated, 202);
        // Longer than it says: nothing of it stays, not even what was written meanwhile.
        let range = format!("{half}-{}", length - 2);
        let stated = stream(&registry, &line, &range, &second, frame).await;
        assert_eq!(stated, 400);
        let line = format!("PUT {session}?digest={digest}");
        let range = format!("{half}-{}", length - 1);
        let stated = stream(&registry, &line, &range, &second, frame).await;
        assert_eq!(stated, 201);

        let reply = client.get(&format!("/v2/a/b/blobs/{digest}")).await;
        assert!(reply.body == content, "{length} in frames of {frame}");
    }
}

#[tokio::test]
async fn a_blob_that_is_asked_for_often_is_still_the_one_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::builder().folder(folder.path()).build().unwrap();
    let client = Client::of(registry);
    let digest = client.blob("a", "0123456789").await;
    let path = format!("/v2/a/blobs/{digest}");
    for _ in 0..4 {
        assert_eq!(client.get(&path).await.body, "0123456789");
    }
    let line = format!("GET {path}");
    let reply = client.send(&line, &[("range", "bytes=2-4")], "").await;
    reply.check(206, "");
    assert_eq!(reply.body, "234");
    // Only this repository has it.
    let elsewhere = client.get(&format!("/v2/b/blobs/{digest}")).await;
    elsewhere.check(404, "BLOB_UNKNOWN");

    let file = folder.path().join("a/blobs/sha256").join(digest.encoded());
    let other = folder.path().join("other");
    fs::write(&other, "9876543210").unwrap();
    fs::rename(&other, &file).unwrap();
    for _ in 0..4 {
        assert_eq!(client.get(&path).await.body, "9876543210");
    }
    fs::remove_file(&file).unwrap();
    client.get(&path).await.check(404, "BLOB_UNKNOWN");
}

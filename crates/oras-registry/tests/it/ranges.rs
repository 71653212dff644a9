//! Parts of blobs (RFC 9110, section 14).

use oras_spec::Digest;

use crate::both::{Storage, on_both};
use crate::client::{Client, Reply};

on_both!(
    one_range_is_answered_exactly,
    ranges_outside_of_the_blob_are_refused,
    what_is_no_range_or_no_longer_holds_gives_everything,
    several_ranges_come_in_one_body,
    an_empty_blob_has_no_ranges,
);

fn content() -> Vec<u8> {
    (0..2048_u32).map(|i| (i * 7 / 3) as u8).collect()
}

async fn get(client: &Client, digest: &Digest, headers: &[(&str, &str)]) -> Reply {
    let line = format!("GET /v2/a/blobs/{digest}");
    let reply = client.send(&line, headers, "").await;
    assert_eq!(reply.headers.get_all("content-type").iter().count(), 1);
    reply
}

async fn one_range_is_answered_exactly(storage: Storage) {
    let client = storage.client();
    let content = content();
    let digest = client.blob("a", content.clone()).await;
    for (range, first, last) in [
        ("bytes=500-1499", 500, 1499),
        ("bytes=500-", 500, 2047),
        ("bytes=-500", 1548, 2047),
        ("bytes=2000-5000", 2000, 2047),
        ("bytes=-5000", 0, 2047),
        ("BYTES=0-0", 0, 0),
        ("bytes=2047-", 2047, 2047),
        ("bytes=0-9,5-20", 0, 20),
        ("bytes=0-9,4000-5000", 0, 9),
    ] {
        let reply = get(&client, &digest, &[("range", range)]).await;
        reply.check(206, "");
        let expected = format!("bytes {first}-{last}/2048");
        assert_eq!(reply.header("content-range"), expected, "{range}");
        assert_eq!(reply.header("content-type"), "application/octet-stream");
        assert_eq!(reply.header("docker-content-digest"), digest.as_str());
        assert_eq!(reply.header("etag"), format!("\"{digest}\""));
        assert_eq!(&reply.body[..], &content[first..=last], "{range}");
    }
}

async fn ranges_outside_of_the_blob_are_refused(storage: Storage) {
    let client = storage.client();
    let digest = client.blob("a", content()).await;
    for range in [
        "bytes=500-0",
        "bytes=5000-10000",
        "bytes=2048-",
        "bytes=-0",
        "bytes=5000-,-0",
        "bytes=99999999999999999999999-",
    ] {
        let reply = get(&client, &digest, &[("range", range)]).await;
        reply.check(416, "SIZE_INVALID");
        assert_eq!(reply.header("content-range"), "bytes */2048", "{range}");
    }
}

async fn what_is_no_range_or_no_longer_holds_gives_everything(storage: Storage) {
    let client = storage.client();
    let content = content();
    let digest = client.blob("a", content.clone()).await;
    let many = (0..17).map(|i| format!("{0}-{0}", i * 2));
    let many = format!("bytes={}", many.collect::<Vec<_>>().join(","));
    for headers in [
        vec![("range", "items=0-1")],
        vec![("range", "bytes=abc")],
        vec![("range", "bytes=0-1,x")],
        vec![("range", "bytes=0-,0-")],
        vec![("range", many.as_str())],
        vec![("range", "bytes=0-1"), ("if-range", "\"other\"")],
        vec![("range", "bytes=5000-"), ("if-range", "\"other\"")],
    ] {
        let reply = get(&client, &digest, &headers).await;
        reply.check(200, "");
        assert!(!reply.headers.contains_key("content-range"));
        assert_eq!(&reply.body[..], &content[..], "{headers:?}");
    }
    let etag = format!("\"{digest}\"");
    let same = [("range", "bytes=0-1"), ("if-range", etag.as_str())];
    get(&client, &digest, &same).await.check(206, "");

    // Ranges are for GET only, and for blobs only.
    let head = format!("HEAD /v2/a/blobs/{digest}");
    let reply = client.send(&head, &[("range", "bytes=0-1")], "").await;
    let length = reply.header("content-length");
    assert_eq!((reply.status.as_u16(), length), (200, "2048"));
    client.image("a", "v1").await;
    let manifest = "GET /v2/a/manifests/v1";
    let range = [("range", "bytes=0-1")];
    client.send(manifest, &range, "").await.check(200, "");
}

async fn several_ranges_come_in_one_body(storage: Storage) {
    let client = storage.client();
    let content = content();
    let digest = client.blob("a", content.clone()).await;
    let range = [("range", "bytes=1000-1009, 0-4, 5-9, -1, 9000-")];
    let reply = get(&client, &digest, &range).await;
    reply.check(206, "");
    assert!(!reply.headers.contains_key("content-range"));
    assert_eq!(reply.header("docker-content-digest"), digest.as_str());
    let media_type = reply.header("content-type");
    let boundary = media_type.strip_prefix("multipart/byteranges; boundary=");
    let boundary = boundary.unwrap();
    let mut expected = Vec::new();
    for (first, last) in [(1000, 1009), (0, 9), (2047, 2047)] {
        if !expected.is_empty() {
            expected.extend(b"\r\n");
        }
        let head = format!(
            "--{boundary}\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes {first}-{last}/2048\r\n\r\n"
        );
        expected.extend(head.into_bytes());
        expected.extend(&content[first..=last]);
    }
    expected.extend(format!("\r\n--{boundary}--\r\n").into_bytes());
    assert_eq!(&reply.body[..], &expected[..]);
}

async fn an_empty_blob_has_no_ranges(storage: Storage) {
    let client = storage.client();
    let digest = client.blob("a", "").await;
    let reply = get(&client, &digest, &[]).await;
    reply.check(200, "");
    assert_eq!(reply.header("content-length"), "0");
    for range in ["bytes=0-", "bytes=0-0", "bytes=-1", "bytes=0-0,1-1"] {
        let reply = get(&client, &digest, &[("range", range)]).await;
        reply.check(416, "SIZE_INVALID");
        assert_eq!(reply.header("content-range"), "bytes */0");
    }
}

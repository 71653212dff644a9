//! Uploads in every way there is.

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use http::Request;
use http_body::Frame;
use http_body_util::StreamBody;
use oras_registry::Limits;
use oras_spec::{Algorithm, Digest};
use tokio::sync::mpsc;

use crate::both::{Storage, on_both};
use crate::client::Client;

on_both!(
    thousands_of_tiny_chunks_make_one_blob,
    a_body_without_a_length_must_fit_its_range,
    a_body_that_nobody_asked_for_is_ignored,
    all_open_uploads_together_are_limited,
    every_way_of_uploading_gives_the_blob_in_both_algorithms,
    chunks_must_come_in_order_and_the_session_survives_wrong_ones,
    a_wrong_digest_ends_the_session_and_a_missing_one_does_not,
    the_end_of_an_upload_can_be_repeated,
    a_session_belongs_to_its_repository_and_can_be_cancelled,
    mounting_works_with_and_without_a_source_and_fails_open,
    limits_hold,
    idle_sessions_are_forgotten,
    a_new_writer_takes_over_from_a_stalled_one,
    bytes_of_a_broken_request_stay,
    a_silent_client_is_cut_and_its_bytes_stay,
);

const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

async fn is_there(client: &Client, digest: &Digest, content: &[u8]) {
    let reply = client.get(&format!("/v2/a/blobs/{digest}")).await;
    reply.check(200, "");
    assert_eq!(reply.header("docker-content-digest"), digest.as_str());
    assert_eq!(&reply.body[..], content);
}

async fn every_way_of_uploading_gives_the_blob_in_both_algorithms(storage: Storage) {
    for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
        for content in [&b"some content"[..], b""] {
            let digest = Digest::of(algorithm, content);
            let client = storage.client();
            let single = format!("POST /v2/a/blobs/uploads/?digest={digest}");
            let reply = client.send(&single, &[], content).await;
            reply.check(201, "");
            assert_eq!(reply.header("location"), format!("/v2/a/blobs/{digest}"));
            assert_eq!(reply.header("docker-content-digest"), digest.as_str());
            is_there(&client, &digest, content).await;

            let client = storage.client();
            let session = client.session("a").await;
            let put = format!("PUT {session}?digest={digest}");
            client.send(&put, &[], content).await.check(201, "");
            is_there(&client, &digest, content).await;

            let client = storage.client();
            let session = client.session("a").await;
            client
                .send(&format!("PATCH {session}"), &[], content)
                .await
                .check(202, "");
            client
                .send(&format!("PUT {session}?digest={digest}"), &[], "")
                .await
                .check(201, "");
            is_there(&client, &digest, content).await;
        }
    }
}

async fn chunks_must_come_in_order_and_the_session_survives_wrong_ones(storage: Storage) {
    let client = storage.client();
    let session = client.session("a").await;
    let patch = format!("PATCH {session}");
    let digest = Digest::sha256(b"abcdef");
    let put = format!("PUT {session}?digest={digest}");
    client
        .send(&patch, &[("content-range", "3-5")], "def")
        .await
        .check(416, "BLOB_UPLOAD_INVALID");
    let reply = client
        .send(&patch, &[("content-range", "0-2")], "abc")
        .await;
    assert_eq!((reply.status.as_u16(), reply.header("range")), (202, "0-2"));
    for wrong in ["0-2", "4-6", "x-y"] {
        let reply = client
            .send(&patch, &[("content-range", wrong)], "abc")
            .await;
        reply.check(416, "BLOB_UPLOAD_INVALID");
        assert_eq!(
            (reply.header("range"), reply.header("location")),
            ("0-2", session.as_str())
        );
    }
    let wrong = client.send(&put, &[("content-range", "0-2")], "def").await;
    wrong.check(416, "BLOB_UPLOAD_INVALID");
    let short = client
        .send(&patch, &[("content-range", "3-9")], "def")
        .await;
    short.check(400, "SIZE_INVALID");
    let status = client.get(&format!("{session}?digest={digest}")).await;
    assert_eq!(
        (status.status.as_u16(), status.header("range")),
        (204, "0-2")
    );
    assert_eq!(status.header("oci-upload-offset"), "3");
    client
        .send(&put, &[("content-range", "bytes 3-5/6")], "def")
        .await
        .check(201, "");
    is_there(&client, &digest, b"abcdef").await;
}

async fn a_wrong_digest_ends_the_session_and_a_missing_one_does_not(storage: Storage) {
    let client = storage.client();
    let session = client.session("a").await;
    client
        .send(&format!("PUT {session}"), &[], "x")
        .await
        .check(400, "DIGEST_INVALID");
    let unsupported = format!("PUT {session}?digest=md5:00");
    client
        .send(&unsupported, &[], "x")
        .await
        .check(400, "DIGEST_INVALID");
    client.get(&session).await.check(204, "");
    let wrong = format!("PUT {session}?digest={}", Digest::sha256(b"other"));
    client
        .send(&wrong, &[], "x")
        .await
        .check(400, "DIGEST_INVALID");
    client.get(&session).await.check(404, "BLOB_UPLOAD_UNKNOWN");
    client
        .send(&wrong, &[], "x")
        .await
        .check(404, "BLOB_UPLOAD_UNKNOWN");
    let single = format!(
        "POST /v2/a/blobs/uploads/?digest={}",
        Digest::sha256(b"other")
    );
    client
        .send(&single, &[], "x")
        .await
        .check(400, "DIGEST_INVALID");
    client.send(&single, &[], "").await.check(202, "");
    client
        .send("POST /v2/a/blobs/uploads/?digest-algorithm=md5", &[], "")
        .await
        .check(400, "DIGEST_INVALID");
    client
        .send("POST /v2/a/blobs/uploads?digest-algorithm=sha512", &[], "")
        .await
        .check(202, "");
}

async fn the_end_of_an_upload_can_be_repeated(storage: Storage) {
    let client = storage.client();
    let session = client.session("a").await;
    let digest = Digest::sha256(b"once");
    let put = format!("PUT {session}?digest={digest}");
    client.send(&put, &[], "once").await.check(201, "");
    client.send(&put, &[], "once").await.check(201, "");
    let other = format!("PUT {session}?digest={EMPTY}");
    let elsewhere = put.replace("/v2/a/", "/v2/b/");
    assert_ne!(elsewhere, put);
    for wrong in [other, elsewhere] {
        client
            .send(&wrong, &[], "")
            .await
            .check(404, "BLOB_UPLOAD_UNKNOWN");
    }
}

async fn a_session_belongs_to_its_repository_and_can_be_cancelled(storage: Storage) {
    let client = storage.client();
    let session = client.session("a").await;
    let elsewhere = session.replace("/v2/a/", "/v2/b/");
    client
        .get(&elsewhere)
        .await
        .check(404, "BLOB_UPLOAD_UNKNOWN");
    client
        .send(&format!("PATCH {elsewhere}"), &[], "x")
        .await
        .check(404, "BLOB_UPLOAD_UNKNOWN");
    client
        .send(&format!("DELETE {session}"), &[], "")
        .await
        .check(204, "");
    client
        .send(&format!("DELETE {session}"), &[], "")
        .await
        .check(404, "BLOB_UPLOAD_UNKNOWN");
    client
        .send(&format!("PATCH {session}"), &[], "x")
        .await
        .check(404, "BLOB_UPLOAD_UNKNOWN");
}

async fn mounting_works_with_and_without_a_source_and_fails_open(storage: Storage) {
    for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
        let client = storage.client();
        let digest = Digest::of(algorithm, b"layer");
        let session = client.session("source").await;
        let put = format!("PUT {session}?digest={digest}");
        client.send(&put, &[], "layer").await.check(201, "");
        let mount = async |name: &str, query: &str, status: u16| {
            let line = format!("POST /v2/{name}/blobs/uploads/?mount={digest}{query}");
            let reply = client.send(&line, &[], "").await;
            reply.check(status, "");
            match status {
                201 => {
                    assert_eq!(reply.header("docker-content-digest"), digest.as_str());
                    let blob = format!("/v2/{name}/blobs/{digest}");
                    assert_eq!(reply.header("location"), blob);
                    let blob = client.get(&blob).await;
                    assert_eq!((&blob.body[..], blob.status.as_u16()), (&b"layer"[..], 200));
                }
                _ => client.get(reply.header("location")).await.check(204, ""),
            }
        };
        for from in ["nobody", "UPPER", "..", "", "b", "%2e%2e/source"] {
            mount("b", &format!("&from={from}"), 202).await;
        }
        mount("a", "", 201).await;
        mount("b", "&from=source", 201).await;
        mount("b", "&from=b", 201).await;
        // Once it is nowhere any more, it can't be mounted either.
        for name in ["a", "b", "source"] {
            let delete = format!("DELETE /v2/{name}/blobs/{digest}");
            client.send(&delete, &[], "").await.check(202, "");
            mount(name, &format!("&from={name}"), 202).await;
        }
        mount("c", "", 202).await;
        mount("c", "&from=source", 202).await;
    }
    let client = storage.client();
    client.blob("source", "layer").await;
    let unknown = Digest::sha256(b"unknown");
    let both = format!("POST /v2/a/blobs/uploads/?mount={unknown}&from=source&digest={unknown}");
    client.send(&both, &[], "unknown").await.check(201, "");
    is_there(&client, &unknown, b"unknown").await;
}

async fn limits_hold(storage: Storage) {
    let mut limits = Limits::default();
    limits.blob_bytes = 4;
    limits.uploads_per_repository = 2;
    let client = storage.limited(limits);
    let session = client.session("a").await;
    client
        .send(&format!("PATCH {session}"), &[], "abc")
        .await
        .check(202, "");
    client
        .send(&format!("PATCH {session}"), &[], "de")
        .await
        .check(413, "SIZE_INVALID");
    // Nor without a length, where only what arrives tells.
    let body = futures_util::stream::iter([Ok::<_, std::io::Error>(Frame::data("de".into()))]);
    let request = Request::patch(&session)
        .body(StreamBody::new(body.boxed()))
        .unwrap();
    let answer = client.registry().respond(request).await;
    assert_eq!(answer.status(), 413);
    client
        .send(&format!("PATCH {session}"), &[], "d")
        .await
        .check(202, "");
    client.session("a").await;
    let full = client.send("POST /v2/a/blobs/uploads/", &[], "").await;
    full.check(429, "TOOMANYREQUESTS");
    full.header("retry-after");
    client.session("b").await;
    client
        .send(&format!("DELETE {session}"), &[], "")
        .await
        .check(204, "");
    client.session("a").await;
}

async fn idle_sessions_are_forgotten(storage: Storage) {
    let mut limits = Limits::default();
    limits.upload_idle = Duration::ZERO;
    let client = storage.limited(limits);
    let session = client.session("a").await;
    client.session("b").await;
    client.get(&session).await.check(404, "BLOB_UPLOAD_UNKNOWN");
}

async fn a_new_writer_takes_over_from_a_stalled_one(storage: Storage) {
    let client = storage.client();
    let registry = client.registry();
    let session = client.session("a").await;
    let (bytes, arriving) = mpsc::channel::<Result<Frame<Bytes>, std::io::Error>>(1);
    let arriving = futures_util::stream::unfold(arriving, |mut arriving| async {
        arriving.recv().await.map(|frame| (frame, arriving))
    });
    let request = Request::patch(&session)
        .body(StreamBody::new(arriving.boxed()))
        .unwrap();
    let stalled = tokio::spawn(async move { registry.respond(request).await.status() });
    bytes.send(Ok(Frame::data("abc".into()))).await.unwrap();
    // There is room again once they were taken.
    drop(bytes.reserve().await.unwrap());
    let digest = Digest::sha256(b"abcdef");
    let put = format!("PUT {session}?digest={digest}");
    client
        .send(&put, &[("content-range", "3-5")], "def")
        .await
        .check(201, "");
    drop(bytes);
    assert_eq!(stalled.await.unwrap(), 400);
    is_there(&client, &digest, b"abcdef").await;
}

async fn bytes_of_a_broken_request_stay(storage: Storage) {
    let client = storage.client();
    let registry = client.registry();
    let session = client.session("a").await;
    let frames = vec![
        Ok(Frame::data(Bytes::from("abc"))),
        Err(std::io::Error::other("cut")),
    ];
    let body = StreamBody::new(futures_util::stream::iter(frames));
    let request = Request::patch(&session).body(body).unwrap();
    assert_eq!(registry.respond(request).await.status(), 400);
    let status = client.get(&session).await;
    assert_eq!(status.header("range"), "0-2");
    let digest = Digest::sha256(b"abcdef");
    client
        .send(&format!("PUT {session}?digest={digest}"), &[], "def")
        .await
        .check(201, "");
}

async fn a_silent_client_is_cut_and_its_bytes_stay(storage: Storage) {
    let mut limits = Limits::default();
    limits.body_idle = Duration::from_millis(20);
    let client = storage.limited(limits);
    let registry = client.registry();
    let session = client.session("a").await;
    let first = Ok::<_, std::io::Error>(Frame::data(Bytes::from("abc")));
    let (bytes, arriving) = mpsc::channel(1);
    bytes.send(first).await.unwrap();
    let arriving = futures_util::stream::unfold(arriving, |mut arriving| async {
        arriving.recv().await.map(|frame| (frame, arriving))
    });
    let body = StreamBody::new(arriving.boxed());
    let request = Request::patch(&session).body(body).unwrap();
    assert_eq!(registry.respond(request).await.status(), 408);
    assert_eq!(client.get(&session).await.header("range"), "0-2");
    drop(bytes);
}

#[tokio::test(start_paused = true)]
async fn how_far_an_upload_is_can_be_asked_while_its_client_is_silent() {
    for storage in [Storage::Memory, Storage::Folder] {
        silent_in_the_middle(storage).await;
    }
}

async fn silent_in_the_middle(storage: Storage) {
    let client = storage.client();
    let registry = client.registry();
    let session = client.session("a").await;
    let (bytes, arriving) = mpsc::channel::<Result<Frame<Bytes>, std::io::Error>>(1);
    let arriving = futures_util::stream::unfold(arriving, |mut arriving| async {
        arriving.recv().await.map(|frame| (frame, arriving))
    });
    let body = StreamBody::new(arriving.boxed());
    let request = Request::patch(&session).body(body).unwrap();
    let stalled = tokio::spawn(async move { registry.respond(request).await.status() });
    // The second time something else was written before.
    for (part, held) in [("abc", "3"), ("def", "6")] {
        bytes.send(Ok(Frame::data(part.into()))).await.unwrap();
        let mut told = String::new();
        for _ in 0..20 {
            tokio::time::advance(Duration::from_millis(100)).await;
            let status = client.get(&session).await;
            told = status.header("oci-upload-offset").to_owned();
            if told == held {
                break;
            }
        }
        assert_eq!(told, held);
    }
    drop(bytes);
    assert_eq!(stalled.await.unwrap(), 202);
    let digest = Digest::sha256(b"abcdef");
    let put = format!("PUT {session}?digest={digest}");
    client.send(&put, &[], "").await.check(201, "");
    is_there(&client, &digest, b"abcdef").await;
}

async fn thousands_of_tiny_chunks_make_one_blob(storage: Storage) {
    let client = storage.client();
    let content: Vec<u8> = (0..5000_u32).map(|i| (i % 251) as u8).collect();
    let session = client.session("a").await;
    let patch = format!("PATCH {session}");
    for (index, byte) in content.iter().enumerate() {
        let range = format!("{index}-{index}");
        let chunk = vec![*byte];
        let reply = client
            .send(&patch, &[("content-range", &range)], chunk)
            .await;
        assert_eq!(reply.header("range"), format!("0-{index}"));
    }
    let digest = Digest::of(Algorithm::Sha512, &content);
    let put = format!("PUT {session}?digest={digest}");
    client.send(&put, &[], "").await.check(201, "");
    is_there(&client, &digest, &content).await;
}

async fn a_body_without_a_length_must_fit_its_range(storage: Storage) {
    let client = storage.client();
    let session = client.session("a").await;
    let digest = Digest::sha256(b"abcdef");
    let (patch, put) = (
        format!("PATCH {session}"),
        format!("PUT {session}?digest={digest}"),
    );
    let empty = client.stream(&patch, &[], "").await;
    assert_eq!((empty.status.as_u16(), empty.header("range")), (202, "0-0"));
    let first = [("content-range", "bytes 0-2/*")];
    client.stream(&patch, &first, "abc").await.check(202, "");
    let next = [("content-range", "3-5")];
    for line in [&patch, &put] {
        for body in ["defg", "de", ""] {
            let reply = client.stream(line, &next, body).await;
            reply.check(400, "SIZE_INVALID");
            let status = client.get(&session).await;
            assert_eq!(status.header("oci-upload-offset"), "3", "{line} {body}");
        }
    }
    client.stream(&put, &next, "def").await.check(201, "");
    is_there(&client, &digest, b"abcdef").await;
}

async fn a_body_that_nobody_asked_for_is_ignored(storage: Storage) {
    let client = storage.client();
    for line in [
        "POST /v2/a/blobs/uploads/",
        "POST /v2/a/blobs/uploads/?from=b",
        "POST /v2/a/blobs/uploads/?digest-algorithm=sha256",
    ] {
        let reply = client.send(line, &[], "body").await;
        reply.check(202, "");
        assert_eq!(reply.header("oci-upload-offset"), "0");
        let session = reply.header("location").to_owned();
        let digest = Digest::sha256(b"x");
        // Whatever kind of content somebody thinks this is.
        let text = [("content-type", "text/plain")];
        let patch = format!("PATCH {session}?digest={digest}&_state=x");
        client.send(&patch, &text, "x").await.check(202, "");
        let put = format!("PUT {session}?digest={digest}");
        client.send(&put, &text, "").await.check(201, "");
    }
}

async fn all_open_uploads_together_are_limited(storage: Storage) {
    let mut limits = Limits::default();
    limits.uploads = 3;
    let client = storage.limited(limits);
    let mut sessions = Vec::new();
    for name in ["a", "b", "c"] {
        sessions.push(client.session(name).await);
    }
    let full = client.send("POST /v2/d/blobs/uploads/", &[], "").await;
    full.check(429, "TOOMANYREQUESTS");
    full.header("retry-after");
    // Every end of an upload makes room.
    let digest = Digest::sha256(b"x");
    for (line, body, status) in [
        (format!("PUT {}?digest={digest}", sessions[0]), "x", 201),
        (format!("PUT {}?digest={digest}", sessions[1]), "y", 400),
        (format!("DELETE {}", sessions[2]), "", 204),
    ] {
        assert_eq!(client.send(&line, &[], body).await.status, status);
        client.session("d").await;
    }
}

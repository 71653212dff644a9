//! Clients that mean harm, and networks that behave as if.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use bytes::Bytes;
use oras_registry::{Limits, Registry, Server};
use oras_spec::ErrorBody;

use crate::both;
use crate::client::{Client, IMAGE, image};
use crate::wire::Wire;

const SESSION: &str = "/v2/a/blobs/uploads/00000000-0000-4000-8000-000000000000";
const ABC: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

async fn serve(change: impl FnOnce(&mut Limits)) -> Server {
    let mut limits = Limits::default();
    change(&mut limits);
    let builder = Registry::builder().memory().limits(limits);
    builder.start().await.unwrap()
}

/// Sends all of `size` bytes before it reads anything, as simple clients do.
async fn push(addr: SocketAddr, head: String, size: usize, chunked: bool) -> String {
    tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(addr).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        let piece = vec![b'x'; 64 * 1024];
        for _ in 0..size / piece.len() {
            if chunked {
                stream.write_all(b"10000\r\n").unwrap();
            }
            stream.write_all(&piece).unwrap();
            if chunked {
                stream.write_all(b"\r\n").unwrap();
            }
        }
        if chunked {
            stream.write_all(b"0\r\n\r\n").unwrap();
        }
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        reply
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_body_that_is_refused_early_never_hides_the_answer() {
    const SIZE: usize = 100 * 1024 * 1024;
    let server = serve(|limits| limits.blob_bytes = 1024 * 1024).await;
    let addr = server.addr();
    let blob = format!("POST /v2/a/blobs/uploads/?digest={ABC}");
    let unknown = format!("PATCH {SESSION}");
    for (line, chunked, status, code) in [
        (&blob, false, "413 Payload Too Large", "SIZE_INVALID"),
        (&blob, true, "413 Payload Too Large", "SIZE_INVALID"),
        (&unknown, false, "404 Not Found", "BLOB_UPLOAD_UNKNOWN"),
        (&unknown, true, "404 Not Found", "BLOB_UPLOAD_UNKNOWN"),
    ] {
        let length = match chunked {
            true => "Transfer-Encoding: chunked".to_owned(),
            false => format!("Content-Length: {SIZE}"),
        };
        let head = format!("{line} HTTP/1.1\r\nHost: x\r\n{length}\r\n\r\n");
        let reply = push(addr, head, SIZE, chunked).await;
        assert!(reply.starts_with(&format!("HTTP/1.1 {status}")), "{reply}");
        assert!(reply.contains(code), "{reply}");
        assert!(reply.contains("connection: close"), "{reply}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_without_an_end_are_cut_and_memory_stays_flat() {
    let server = serve(|limits| {
        limits.manifest_bytes = 1024 * 1024;
        limits.blob_bytes = 1024 * 1024;
    })
    .await;
    let addr = server.addr();
    // Once, so that all there is to set up has been.
    let manifest = || {
        "PUT /v2/a/manifests/v1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            .to_owned()
    };
    let blob = || {
        format!(
            "POST /v2/a/blobs/uploads/?digest={ABC} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
    };
    const SIZE: usize = 16 * 1024 * 1024;
    push(addr, manifest(), SIZE, true).await;
    let before = resident();
    for _ in 0..10 {
        for head in [manifest(), blob()] {
            let reply = push(addr, head, SIZE, true).await;
            assert!(reply.starts_with("HTTP/1.1 413 "), "{reply}");
        }
    }
    let growth = resident().saturating_sub(before);
    assert!(growth < 32 * 1024 * 1024, "{growth} bytes");
    let mut wire = Wire::to(addr).await;
    assert_eq!(wire.get("/v2/a/manifests/v1").await.status, 404);
    let metrics = wire.get("/metrics").await;
    assert!(metrics.text().contains("oras_serve_uploads_open 0"));
}

/// Bytes this process holds in memory; 0 where the system does not tell.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    kib.map_or(0, |kib| kib.trim().parse::<usize>().unwrap() * 1024)
}

#[tokio::test]
async fn manifests_beyond_the_limit_are_refused_however_they_come() {
    let server = serve(|limits| limits.manifest_bytes = 1000).await;
    let head = "PUT /v2/a/manifests/v1 HTTP/1.1\r\nHost: x\r\n";
    // Refused by what is announced, before a byte of it.
    let mut wire = Wire::to(server.addr()).await;
    wire.write(format!(
        "{head}Expect: 100-continue\r\nContent-Length: 1001\r\n\r\n"
    ))
    .await;
    let answer = wire.answer().await;
    assert_eq!(answer.status, 413);
    assert!(wire.is_closed().await);
    let mut wire = Wire::to(server.addr()).await;
    let body = format!("3e9\r\n{}\r\n0\r\n\r\n", "x".repeat(1001));
    wire.write(format!("{head}Transfer-Encoding: chunked\r\n\r\n{body}"))
        .await;
    assert_eq!(wire.answer().await.status, 413);
    // That little is read to its end, so the connection is as good as before.
    assert_eq!(wire.get("/v2/a/tags/list").await.status, 404);
}

/// Sends a head and what follows; gives the status of the first answer, 0 for none, and whether there is a second one.
async fn send(addr: SocketAddr, request: &str) -> (u16, bool) {
    let mut wire = Wire::to(addr).await;
    wire.write(request).await;
    let mut answers = Vec::new();
    while let Some(answer) = wire.next_answer().await {
        answers.push(answer.status);
    }
    (
        answers.first().copied().unwrap_or_default(),
        answers.len() > 1,
    )
}

#[tokio::test]
async fn requests_whose_length_can_be_read_in_two_ways_are_refused() {
    let server = serve(|_| {}).await;
    let post = format!("POST /v2/a/blobs/uploads/?digest={ABC} HTTP/1.1\r\nHost: x\r\n");
    for (name, headers, body) in [
        (
            "two lengths",
            "Content-Length: 3\r\nContent-Length: 4\r\n",
            "abcd",
        ),
        ("a list of lengths", "Content-Length: 3, 4\r\n", "abcd"),
        ("a sign", "Content-Length: +3\r\n", "abc"),
        ("a negative length", "Content-Length: -3\r\n", "abc"),
        ("hexadecimal", "Content-Length: 0x3\r\n", "abc"),
        ("no number", "Content-Length: three\r\n", "abc"),
        (
            "too large a number",
            "Content-Length: 99999999999999999999\r\n",
            "abc",
        ),
        ("a blank before the colon", "Content-Length : 3\r\n", "abc"),
        ("a folded line", "X: a\r\n b\r\n", ""),
        (
            "chunked is not last",
            "Transfer-Encoding: chunked, gzip\r\n",
            "3\r\nabc\r\n0\r\n\r\n",
        ),
        (
            "an unknown coding",
            "Transfer-Encoding: xchunked\r\n",
            "3\r\nabc\r\n0\r\n\r\n",
        ),
        (
            "a chunk size with a sign",
            "Transfer-Encoding: chunked\r\n",
            "+3\r\nabc\r\n0\r\n\r\n",
        ),
        (
            "a chunk size that is none",
            "Transfer-Encoding: chunked\r\n",
            "zz\r\nabc\r\n0\r\n\r\n",
        ),
        (
            "a chunk without an end",
            "Transfer-Encoding: chunked\r\n",
            "3\r\nabcX\r\n0\r\n\r\n",
        ),
        (
            "an endless chunk size",
            "Transfer-Encoding: chunked\r\n",
            "fffffffffffffffff\r\nabc\r\n0\r\n\r\n",
        ),
    ] {
        let smuggled = "GET /v2/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        let (status, second) = send(
            server.addr(),
            &format!("{post}{headers}\r\n{body}{smuggled}"),
        )
        .await;
        assert_eq!(status, 400, "{name}");
        assert!(!second, "{name}");
    }
    let mut wire = Wire::to(server.addr()).await;
    assert_eq!(wire.get(&format!("/v2/a/blobs/{ABC}")).await.status, 404);
}

#[tokio::test]
async fn the_chunks_count_when_there_is_a_length_as_well() {
    let server = serve(|_| {}).await;
    let body = "3\r\nabc\r\n0\r\n\r\n";
    for headers in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
    ] {
        let mut wire = Wire::to(server.addr()).await;
        wire.write(format!(
            "POST /v2/a/blobs/uploads/?digest={ABC} HTTP/1.1\r\nHost: x\r\n{headers}\r\n{body}"
        ))
        .await;
        assert_eq!(wire.answer().await.status, 201);
    }
    let (status, second) = send(
        server.addr(),
        &format!("PUT /v2/a/manifests/v1 HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n{body}"),
    )
    .await;
    assert_eq!((status, second), (400, false));
}

#[tokio::test]
async fn a_request_for_two_hosts_is_refused() {
    let server = serve(|_| {}).await;
    let request = "GET /v2/ HTTP/1.1\r\nHost: x\r\nHost: y\r\nConnection: close\r\n\r\n";
    assert_eq!(send(server.addr(), request).await, (400, false));
}

#[tokio::test]
async fn whoever_has_said_everything_may_close_their_side_and_is_answered() {
    use tokio::io::AsyncWriteExt;

    let folder = tempfile::tempdir().unwrap();
    let server = both::on(&folder).start().await.unwrap();
    for (request, status) in [
        ("GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), 200),
        (
            format!(
                "POST /v2/a/blobs/uploads/?digest={ABC} HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
            ),
            201,
        ),
        (
            format!(
                "POST /v2/a/blobs/uploads/?digest={ABC} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc"
            ),
            400,
        ),
    ] {
        let mut wire = Wire::to(server.addr()).await;
        wire.write(&request).await;
        wire.stream.shutdown().await.unwrap();
        assert_eq!(wire.answer().await.status, status, "{request}");
        assert!(wire.is_closed().await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_manifests_share_one_room() {
    const LAYERS: usize = 18_000;
    let folder = tempfile::tempdir().unwrap();
    let client = Client::of(both::on(&folder).build().unwrap());
    let config = client.blob("a", "{}").await;
    let layer = serde_json::json!({ "mediaType": "x", "digest": config.as_str(), "size": 2 });
    let layers = vec![layer; LAYERS];
    let manifest = Bytes::from(image(serde_json::json!({ "layers": layers })));
    let before = resident();
    let client = std::sync::Arc::new(client);
    let mut puts = tokio::task::JoinSet::new();
    for number in 0..24 {
        let (client, manifest) = (std::sync::Arc::clone(&client), manifest.clone());
        puts.spawn(async move {
            let path = format!("/v2/a/manifests/v{number}");
            client.put(&path, IMAGE, manifest).await.check(201, "");
        });
    }
    puts.join_all().await;
    let growth = resident().saturating_sub(before);
    assert!(growth < 128 * 1024 * 1024, "{growth} bytes");
    assert!(client.get("/v2/a/manifests/v7").await.body == manifest);
}

#[tokio::test]
async fn lines_that_are_no_requests_are_refused() {
    let server = serve(|_| {}).await;
    for request in [
        "GET\r\n\r\n",
        "GET /v2/\r\n\r\n",
        "GET /v2/ HTTP/9.9\r\n\r\n",
        "G\0T /v2/ HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /v2/\0 HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /v2/ HTTP/1.1\r\nX\0: x\r\n\r\n",
        "GET /v2/ HTTP/1.1\r\nX: \0\r\n\r\n",
        "GET /v2/ HTTP/1.1\r\n: x\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}",
    ] {
        let (status, second) = send(server.addr(), request).await;
        // Whoever speaks another protocol would not understand an answer.
        assert!(
            matches!(status, 0 | 400) && !second,
            "{request:?}: {status}"
        );
    }
}

#[tokio::test]
async fn nothing_leads_out_of_its_repository() {
    let client = Client::new();
    client.image("a", "v1").await;
    let evil = [
        "..",
        ".",
        "%2e%2e",
        "..%2f..%2fetc",
        "%2fetc",
        "a%2fb",
        "%00",
        "a%00",
        "%",
        "%2",
        "%zz",
        "%ff",
        "%c0%ae",
        "%5c..",
        "a%0d%0ax",
        "a%20b",
        "~root",
        "$HOME",
        "*",
        "A",
        "_a",
        "-a",
        "a..b",
        "a//b",
        "%252e%252e",
    ];
    for part in evil {
        for path in [
            format!("/v2/{part}/manifests/v1"),
            format!("/v2/a/{part}/manifests/v1"),
            format!("/v2/a/manifests/{part}"),
            format!("/v2/a/manifests/sha256:{part}"),
            format!("/v2/a/blobs/{part}"),
            format!("/v2/a/blobs/sha256:{part}"),
            format!("/v2/a/blobs/uploads/{part}"),
            format!("/v2/a/referrers/{part}"),
            format!("/v2/{part}/tags/list"),
            format!("/v2/{part}/blobs/uploads/"),
            format!("/v2/{part}"),
            format!("/{part}"),
        ] {
            let Ok(uri) = path.parse::<http::Uri>() else {
                continue;
            };
            for method in ["GET", "PUT", "DELETE", "POST", "PATCH"] {
                let reply = client.send(&format!("{method} {uri}"), &[], "").await;
                let status = reply.status.as_u16();
                assert!(
                    matches!(status, 400 | 404 | 405),
                    "{method} {uri}: {status}"
                );
                ErrorBody::parse(&reply.body).unwrap();
            }
        }
        for parameters in [format!("mount={part}&from=b"), format!("digest={part}")] {
            let path = format!("/v2/a/blobs/uploads/?{parameters}");
            let Ok(uri) = path.parse::<http::Uri>() else {
                continue;
            };
            let reply = client.send(&format!("POST {uri}"), &[], "").await;
            reply.check(400, "DIGEST_INVALID");
        }
    }
    let catalog = client.get("/v2/_catalog").await.json();
    assert_eq!(catalog["repositories"], serde_json::json!(["a"]));
}

#[tokio::test]
async fn readers_of_large_listings_do_not_fill_the_memory() {
    let registry = Registry::builder().memory().build().unwrap();
    let client = Client::of(registry.clone());
    let subject = client.image("a", "v1").await;
    for number in 0..20 {
        let manifest = image(serde_json::json!({
            "subject": { "mediaType": IMAGE, "digest": subject.as_str(), "size": 2 },
            "annotations": { "large": "x".repeat(50_000), "number": number.to_string() },
        }));
        let path = format!("/v2/a/manifests/{}", oras_spec::Digest::sha256(&manifest));
        client.put(&path, IMAGE, manifest).await.check(201, "");
    }
    let path = format!("/v2/a/referrers/{subject}");
    // Answers that nobody takes.
    let mut held = Vec::new();
    for _ in 0..20 {
        let request = http::Request::get(&path).body(http_body_util::Empty::<Bytes>::new());
        held.push(registry.respond(request.unwrap()).await);
    }
    let sizes = held
        .iter()
        .map(|answer| http_body::Body::size_hint(answer.body()).lower());
    assert!(sizes.sum::<u64>() < 8 * 1024 * 1024);
    // Less in a page, but with the others behind it.
    let crowded = client.get(&path).await;
    let some = crowded.json()["manifests"].as_array().unwrap().len();
    assert!(some < 20 && crowded.header("link").contains("rel=\"next\""));
    drop(held);
    let all = client.get(&path).await.json();
    assert_eq!(all["manifests"].as_array().unwrap().len(), 20);
}

//! Connections that break while somebody uploads.

use std::net::SocketAddr;

use oras_registry::Registry;
use oras_spec::Digest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::both::{self, Storage, on_both};
use crate::client::Client;

on_both!(
    an_upload_goes_on_where_the_connection_broke,
    of_a_chunk_that_broke_off_what_arrived_is_kept,
    cancelling_an_upload_cuts_whoever_writes,
);

/// Bytes that differ from place to place, more than any buffer holds.
fn content() -> Vec<u8> {
    (0..700_000_u32).map(|i| (i % 251) as u8).collect()
}

/// Sends the head of a request and a part of its body.
async fn begin(addr: SocketAddr, line: &str, headers: &str, body: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let head = format!("{line} HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    stream
}

/// What the registry holds of an upload, once nobody writes to it any more.
async fn held(client: &Client, session: &str) -> usize {
    // An empty chunk takes over from whoever is still at it.
    let reply = client.send(&format!("PATCH {session}"), &[], "").await;
    reply.check(202, "");
    reply.header("oci-upload-offset").parse().unwrap()
}

/// Waits until the registry has noticed that a request is there.
async fn noticed(client: &Client, session: &str) {
    while client.get(session).await.header("oci-upload-offset") == "0" {
        tokio::task::yield_now().await;
    }
}

async fn an_upload_goes_on_where_the_connection_broke(storage: Storage) {
    let client = storage.client();
    let server = client.registry().bind("127.0.0.1:0").await.unwrap();
    let content = content();
    let digest = Digest::sha256(&content);
    let half = &content[..400_000];
    let length = format!("Content-Length: {}\r\n", content.len());
    let chunked = "Transfer-Encoding: chunked\r\n";
    let chunk = [format!("{:x}\r\n", half.len()).as_bytes(), half].concat();
    for (method, headers, body) in [
        ("PATCH", length.as_str(), half),
        ("PATCH", chunked, &chunk),
        ("PUT", &length, half),
        ("PUT", chunked, &chunk),
    ] {
        let session = client.session("a").await;
        let path = format!("{method} {session}?digest={digest}");
        let stream = begin(server.addr(), &path, headers, body).await;
        noticed(&client, &session).await;
        drop(stream);
        let held = held(&client, &session).await;
        assert!(held > 0 && held <= half.len(), "{method} {headers}");
        let status = client.get(&session).await;
        assert_eq!(status.header("range"), format!("0-{}", held - 1));
        let range = format!("{held}-{}", content.len() - 1);
        let put = format!("PUT {session}?digest={digest}");
        let rest = content[held..].to_vec();
        client
            .send(&put, &[("content-range", &range)], rest)
            .await
            .check(201, "");
        let blob = client.get(&format!("/v2/a/blobs/{digest}")).await;
        assert!(blob.body == content, "{method} {headers}");
        let delete = format!("DELETE /v2/a/blobs/{digest}");
        client.send(&delete, &[], "").await.check(202, "");
    }
}

async fn of_a_chunk_that_broke_off_what_arrived_is_kept(storage: Storage) {
    let client = storage.client();
    let server = client.registry().bind("127.0.0.1:0").await.unwrap();
    let session = client.session("a").await;
    let content = content();
    let headers = format!(
        "Content-Range: 0-{}\r\nContent-Length: {}\r\n",
        content.len() - 1,
        content.len()
    );
    let line = format!("PATCH {session}");
    let mut stream = begin(server.addr(), &line, &headers, &content[..300_000]).await;
    noticed(&client, &session).await;
    // The client ends its side only, and learns what happened.
    stream.shutdown().await.unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).await.unwrap();
    assert_eq!(held(&client, &session).await, 300_000);
}

async fn cancelling_an_upload_cuts_whoever_writes(storage: Storage) {
    let client = storage.client();
    let server = client.registry().bind("127.0.0.1:0").await.unwrap();
    let session = client.session("a").await;
    let line = format!("PATCH {session}");
    let headers = "Content-Length: 9000000\r\n";
    let mut stream = begin(server.addr(), &line, headers, &content()).await;
    noticed(&client, &session).await;
    client
        .send(&format!("DELETE {session}"), &[], "")
        .await
        .check(204, "");
    client.get(&session).await.check(404, "BLOB_UPLOAD_UNKNOWN");
    stream.shutdown().await.unwrap();
    let mut reply = String::new();
    // Whoever is cut may see an end as well as a reset.
    let read = stream.read_to_string(&mut reply).await;
    assert!(
        read.is_err() || reply.starts_with("HTTP/1.1 400 "),
        "{reply}"
    );
    client.get(&session).await.check(404, "BLOB_UPLOAD_UNKNOWN");
}

#[tokio::test]
async fn an_upload_goes_on_after_the_registry_was_started_again() {
    let folder = tempfile::tempdir().unwrap();
    let first = Client::of(both::on(&folder).build().unwrap());
    let session = first.session("a").await;
    let digest = Digest::sha256(b"abcdef");
    first
        .send(&format!("PATCH {session}"), &[], "abc")
        .await
        .check(202, "");
    drop(first);
    let second: Registry = both::on(&folder).build().unwrap();
    let second = Client::of(second);
    assert_eq!(second.get(&session).await.header("range"), "0-2");
    let put = format!("PUT {session}?digest={digest}");
    second
        .send(&put, &[("content-range", "3-5")], "def")
        .await
        .check(201, "");
    let blob = second.get(&format!("/v2/a/blobs/{digest}")).await;
    assert_eq!(&blob.body[..], b"abcdef");
}

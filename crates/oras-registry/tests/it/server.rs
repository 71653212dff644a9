//! Listening, and stopping.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use oras_registry::Registry;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Sends a request as it is and reads until the server closes.
async fn raw(addr: SocketAddr, request: Vec<u8>) -> String {
    tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(addr).unwrap();
        stream.write_all(&request).unwrap();
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).unwrap();
        String::from_utf8_lossy(&reply).into_owned()
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn a_dropped_server_frees_its_port_at_once() {
    let server = Registry::builder().memory().start().await.unwrap();
    let addr = server.addr();
    let reply = raw(
        addr,
        b"GET /v2/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".to_vec(),
    )
    .await;
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
    assert!(reply.ends_with("\r\n\r\n{}"), "{reply}");
    drop(server);
    TcpListener::bind(addr).unwrap();
}

#[tokio::test]
async fn any_number_of_servers_run_side_by_side() {
    let one = Registry::builder().start().await.unwrap();
    let two = Registry::builder().start().await.unwrap();
    assert_ne!(one.addr(), two.addr());
    one.shutdown().await;
    let reply = raw(two.addr(), b"GET / HTTP/1.0\r\n\r\n".to_vec()).await;
    assert!(reply.contains("200 OK"), "{reply}");
}

#[tokio::test]
async fn a_taken_port_is_an_error_with_its_address() {
    let server = Registry::builder().start().await.unwrap();
    let addr = server.addr().to_string();
    let error = Registry::builder()
        .build()
        .unwrap()
        .bind(&addr)
        .await
        .err()
        .unwrap();
    assert_eq!(error.to_string(), format!("cannot listen on {addr}"));
}

#[tokio::test]
async fn an_error_before_the_end_of_the_body_is_read_by_the_client() {
    let server = Registry::builder().start().await.unwrap();
    let path = "/v2/a/blobs/uploads/00000000-0000-4000-8000-000000000000";
    let body = vec![b'x'; 512 * 1024];
    let head = format!(
        "PATCH {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let reply = raw(server.addr(), [head.as_bytes(), &body].concat()).await;
    assert!(reply.starts_with("HTTP/1.1 404 Not Found"), "{reply}");
    assert!(reply.contains("BLOB_UPLOAD_UNKNOWN"), "{reply}");

    let expect = format!(
        "PATCH {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n"
    );
    let reply = raw(server.addr(), expect.into_bytes()).await;
    assert!(reply.starts_with("HTTP/1.1 404 Not Found"), "{reply}");
}

#[tokio::test]
async fn heads_beyond_all_bounds_are_refused() {
    let server = Registry::builder().start().await.unwrap();
    let flood = format!(
        "GET /v2/ HTTP/1.1\r\nHost: x\r\n{}\r\n",
        "X: x\r\n".repeat(500)
    );
    let reply = raw(server.addr(), flood.into_bytes()).await;
    assert!(reply.starts_with("HTTP/1.1 431 "), "{reply}");
}

#[tokio::test]
async fn shutting_down_lets_an_upload_finish() {
    let server = Registry::builder().start().await.unwrap();
    let addr = server.addr();
    let digest = oras_spec::Digest::sha256(b"abcdef");
    let path = format!("/v2/a/blobs/uploads/?digest={digest}");
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 6\r\n\r\n"
    );
    let mut stream = tokio::net::TcpStream::connect(addr).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    // The answer to the expectation shows that the request is being worked on.
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).await.unwrap();
    assert_eq!(&go_on[..], b"HTTP/1.1 100 Continue\r\n\r\n");
    let stopping = tokio::spawn(server.shutdown());
    while TcpListener::bind(addr).is_err() {
        tokio::task::yield_now().await;
    }
    stream.write_all(b"abcdef").await.unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    stopping.await.unwrap();
    assert!(reply.starts_with("HTTP/1.1 201 Created"), "{reply}");
}

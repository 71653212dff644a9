//! Stopping.

use std::net::TcpListener;
use std::time::Duration;

use oras_registry::Registry;

use crate::client::Client;
use crate::wire::Wire;

/// More than any test takes.
const LONG: Duration = Duration::from_secs(600);

#[tokio::test]
async fn a_draining_server_says_so_and_serves_on() {
    let registry = Registry::builder().memory().build().unwrap();
    let server = registry.bind("127.0.0.1:0").await.unwrap();
    let other = registry.bind("127.0.0.1:0").await.unwrap();
    let mut wire = Wire::to(server.addr()).await;
    let answer = wire.get("/readyz").await;
    assert_eq!(
        (answer.status, answer.text()),
        (200, r#"{"ready":true,"reasons":[]}"#)
    );
    server.drain();
    let answer = wire.get("/readyz").await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.text(), r#"{"ready":false,"reasons":["draining"]}"#);
    assert!(answer.header("retry-after").is_some());
    assert_eq!(wire.get("/v2/").await.status, 200);
    assert_eq!(wire.get("/livez").await.status, 200);
    let mut new = Wire::to(server.addr()).await;
    assert_eq!(new.get("/v2/").await.status, 200);
    let mut elsewhere = Wire::to(other.addr()).await;
    assert_eq!(elsewhere.get("/readyz").await.status, 200);
}

#[tokio::test]
async fn shutting_down_closes_connections_that_wait_and_takes_no_new_ones() {
    let server = Registry::builder().memory().start().await.unwrap();
    let addr = server.addr();
    let mut kept = Wire::to(addr).await;
    assert_eq!(kept.get("/v2/").await.status, 200);
    let mut fresh = Wire::to(addr).await;
    assert_eq!(server.shutdown_within(LONG).await, 0);
    assert!(kept.is_closed().await);
    assert!(fresh.is_closed().await);
    TcpListener::bind(addr).unwrap();
}

#[tokio::test]
async fn a_request_that_runs_finishes_and_its_connection_is_closed() {
    let server = Registry::builder().memory().start().await.unwrap();
    let addr = server.addr();
    let mut wire = Wire::to(addr).await;
    wire.write(
        "POST /v2/a/blobs/uploads/?digest=sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad \
         HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n",
    )
    .await;
    assert_eq!(wire.answer().await.status, 100);
    let stopping = tokio::spawn(server.shutdown_within(LONG));
    while TcpListener::bind(addr).is_err() {
        tokio::task::yield_now().await;
    }
    wire.write("abc").await;
    let answer = wire.answer().await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.header("connection"), Some("close"));
    assert!(wire.is_closed().await);
    assert_eq!(stopping.await.unwrap(), 0);
}

#[tokio::test]
async fn what_a_cut_upload_has_sent_stays_in_its_session() {
    let registry = Registry::builder().memory().build().unwrap();
    let client = Client::of(registry.clone());
    let session = client.session("a").await;
    let server = registry.bind("127.0.0.1:0").await.unwrap();
    let mut wire = Wire::to(server.addr()).await;
    wire.write(format!(
        "PATCH {session} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n0123456789"
    ))
    .await;
    // From then on the bytes are the session's.
    while client.get(&session).await.header("range") != "0-9" {
        tokio::task::yield_now().await;
    }
    assert_eq!(server.shutdown_within(Duration::ZERO).await, 1);
    assert!(wire.is_closed().await);

    assert_eq!(client.get(&session).await.header("range"), "0-9");
    let server = registry.bind("127.0.0.1:0").await.unwrap();
    let mut wire = Wire::to(server.addr()).await;
    let digest = oras_spec::Digest::sha256(b"0123456789abc");
    wire.write(format!(
        "PUT {session}?digest={digest} HTTP/1.1\r\nHost: x\r\nContent-Range: 10-12\r\nContent-Length: 3\r\n\r\nabc"
    ))
    .await;
    assert_eq!(wire.answer().await.status, 201);
}

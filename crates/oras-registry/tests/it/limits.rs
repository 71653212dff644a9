//! Clients that want too much, or take too long.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use oras_registry::{Limits, Registry, Server};
use oras_spec::Digest;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::client::Client;
use crate::wire::Wire;

async fn serve(change: impl FnOnce(&mut Limits)) -> Server {
    let mut limits = Limits::default();
    change(&mut limits);
    let builder = Registry::builder().memory().limits(limits);
    builder.start().await.unwrap()
}

/// Waits until the metrics have this line.
async fn until_metrics_have(server: &Server, line: &str) {
    let mut wire = Wire::to(server.addr()).await;
    while !wire.get("/metrics").await.text().contains(line) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn five_hundred_slow_clients_stop_nobody_and_are_cut() {
    let server = serve(|limits| {
        limits.body_idle = Duration::from_secs(3600);
        limits.rate_window = Duration::from_secs(1);
    })
    .await;
    let addr = server.addr();
    let mut slow = JoinSet::new();
    let together = Arc::new(Barrier::new(501));
    for number in 0..500 {
        let together = Arc::clone(&together);
        slow.spawn(async move {
            let mut wire = Wire::to(addr).await;
            let head = match number % 2 {
                0 => "PUT /v2/a/manifests/v1 HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n",
                _ => {
                    "POST /v2/a/blobs/uploads/?digest=sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad \
                     HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n10000\r\n"
                }
            };
            wire.write(head).await;
            together.wait().await;
            let (mut reading, mut writing) = wire.stream.into_split();
            let trickle = async {
                use tokio::io::AsyncWriteExt;
                let mut tick = tokio::time::interval(Duration::from_millis(250));
                // Only ends when the server does not want any more.
                loop {
                    tick.tick().await;
                    if writing.write_all(b"x").await.is_err() {
                        std::future::pending::<()>().await;
                    }
                }
            };
            let mut reply = Vec::new();
            tokio::select! {
                () = trickle => {}
                read = tokio::io::AsyncReadExt::read_to_end(&mut reading, &mut reply) => drop(read),
            }
            String::from_utf8_lossy(&reply).into_owned()
        });
    }
    together.wait().await;
    let mut wire = Wire::to(addr).await;
    for _ in 0..100 {
        assert_eq!(wire.get("/v2/").await.status, 200);
    }
    while let Some(reply) = slow.join_next().await {
        let reply = reply.unwrap();
        assert!(reply.starts_with("HTTP/1.1 408 "), "{reply}");
        assert!(reply.contains("connection: close"), "{reply}");
    }
    assert_eq!(wire.get("/v2/a/tags/list").await.status, 404);
}

#[tokio::test]
async fn a_head_that_takes_too_long_is_not_waited_for() {
    let server = serve(|limits| limits.head_time = Duration::from_secs(1)).await;
    let mut silent = Wire::to(server.addr()).await;
    let mut begun = Wire::to(server.addr()).await;
    begun.write("GET /v2/ HTTP/1.1\r\nHo").await;
    let mut second = Wire::to(server.addr()).await;
    second
        .write("GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\nGET")
        .await;
    assert_eq!(second.answer().await.status, 200);
    second.write(" /v2/ HTTP/1.1\r\n").await;
    assert!(silent.is_closed().await);
    assert!(begun.is_closed().await);
    assert!(second.is_closed().await);
}

#[tokio::test]
async fn a_kept_connection_may_wait_longer_than_a_head_may_take_but_not_for_ever() {
    let server = serve(|limits| {
        limits.head_time = Duration::from_millis(50);
        limits.keep_alive = Duration::from_secs(2);
    })
    .await;
    let mut kept = Wire::to(server.addr()).await;
    assert_eq!(kept.get("/v2/").await.status, 200);
    // Connections that say nothing show that the time of a head has passed.
    for _ in 0..2 {
        assert!(Wire::to(server.addr()).await.is_closed().await);
    }
    assert_eq!(kept.get("/v2/").await.status, 200);
    assert!(kept.is_closed().await);
}

#[tokio::test]
async fn an_answer_that_is_not_taken_is_cut() {
    let mut limits = Limits::default();
    limits.body_idle = Duration::from_millis(500);
    let registry = Registry::builder().memory().limits(limits).build().unwrap();
    let client = Client::of(registry.clone());
    let piece = Bytes::from(vec![7; 1024 * 1024]);
    let session = client.session("a").await;
    let mut blob = Vec::new();
    for _ in 0..32 {
        let line = format!("PATCH {session}");
        client.send(&line, &[], piece.clone()).await.check(202, "");
        blob.extend_from_slice(&piece);
    }
    let digest = Digest::sha256(&blob);
    let line = format!("PUT {session}?digest={digest}");
    client.send(&line, &[], "").await.check(201, "");
    let server = registry.bind("127.0.0.1:0").await.unwrap();
    let mut wire = Wire::to(server.addr()).await;
    let head = format!("GET /v2/a/blobs/{digest} HTTP/1.1\r\nHost: x\r\n\r\n");
    wire.write(head).await;
    let line = r#"http_requests_total{method="GET",route="blob",code="499"} 1"#;
    until_metrics_have(&server, line).await;
    let answer = wire.answer().await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.len() < blob.len());
}

#[tokio::test]
async fn connections_are_counted_in_total_and_by_address() {
    for (total, per_address, status) in [(2, 10, 503), (10, 2, 429)] {
        let server = serve(|limits| {
            limits.connections = total;
            limits.connections_per_address = per_address;
        })
        .await;
        let mut one = Wire::to(server.addr()).await;
        assert_eq!(one.get("/v2/").await.status, 200);
        let mut two = Wire::to(server.addr()).await;
        assert_eq!(two.get("/v2/").await.status, 200);
        let mut three = Wire::to(server.addr()).await;
        let answer = three.get("/v2/").await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("retry-after"), Some("5"));
        assert!(answer.text().contains("TOOMANYREQUESTS"), "{answer:?}");
        assert!(three.is_closed().await);
        drop(two);
        // The server sees that when it sees it.
        loop {
            let mut wire = Wire::to(server.addr()).await;
            if wire.get("/v2/").await.status == 200 {
                break;
            }
        }
        assert_eq!(one.get("/v2/").await.status, 200);
        let answer = one.get("/metrics").await;
        let metrics = answer.text();
        let none = "\noras_serve_connections_refused_total 0\n";
        assert!(metrics.contains("\noras_serve_connections_refused_total "));
        assert!(!metrics.contains(none), "{metrics}");
    }
}

#[tokio::test]
async fn requests_beyond_the_limit_are_told_to_come_back() {
    let server = serve(|limits| limits.requests = 1).await;
    let digest = Digest::sha256(b"abc");
    let head = format!(
        "POST /v2/a/blobs/uploads/?digest={digest} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\
         Content-Length: 3\r\n\r\n"
    );
    let mut upload = Wire::to(server.addr()).await;
    upload.write(head).await;
    assert_eq!(upload.answer().await.status, 100);
    let mut other = Wire::to(server.addr()).await;
    let answer = other.get("/v2/").await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert!(answer.text().contains("TOOMANYREQUESTS"), "{answer:?}");
    assert_eq!(other.get("/livez").await.status, 200);
    upload.write("abc").await;
    assert_eq!(upload.answer().await.status, 201);
    while other.get("/v2/").await.status != 200 {}
}

#[tokio::test]
async fn heads_beyond_their_bounds_are_told_which() {
    let server = serve(|_| {}).await;
    for (length, status) in [(15_000, 404), (20_000, 414), (60_000, 414)] {
        let mut wire = Wire::to(server.addr()).await;
        let path = format!("/v2/{}", "a/".repeat(length / 2));
        assert_eq!(wire.get(&path).await.status, status, "{length}");
    }
    for head in [
        "X: x\r\n".repeat(200),
        format!("X: {}\r\n", "x".repeat(70_000)),
        "X: x\r\n".repeat(200_000),
    ] {
        let mut wire = Wire::to(server.addr()).await;
        wire.write(format!("GET /v2/ HTTP/1.1\r\nHost: x\r\n{head}\r\n"))
            .await;
        assert_eq!(wire.answer().await.status, 431);
        assert!(wire.is_closed().await);
    }
}

#[tokio::test]
async fn a_read_only_registry_refuses_everything_that_would_change_it() {
    let store = oras_registry::memory::MemoryDriver::new();
    let writable = Registry::builder().store(store.clone()).build().unwrap();
    let digest = Client::of(writable).image("a", "v1").await;
    let registry = Registry::builder().store(store).read_only(true);
    let client = Client::of(registry.build().unwrap());
    for line in [
        "POST /v2/a/blobs/uploads/",
        "PATCH /v2/a/blobs/uploads/1",
        "PUT /v2/a/blobs/uploads/1",
        "DELETE /v2/a/blobs/uploads/1",
        "PUT /v2/a/manifests/v1",
        "DELETE /v2/a/manifests/v1",
        &format!("DELETE /v2/a/manifests/{digest}"),
        &format!("DELETE /v2/a/blobs/{digest}"),
    ] {
        let reply = client.send(line, &[], "").await;
        reply.check(405, "UNSUPPORTED");
        assert!(reply.header("warning").starts_with("299 - \""), "{line}");
        assert!(!reply.header("allow").contains("DELETE"), "{line}");
    }
    let reply = client.get("/v2/a/manifests/v1").await;
    reply.check(200, "");
    assert_eq!(reply.header("docker-content-digest"), digest.as_str());
    client.get("/readyz").await.check(200, "");
}

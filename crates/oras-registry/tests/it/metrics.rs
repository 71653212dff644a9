//! What whoever runs a registry gets to see.

use std::sync::{Arc, Mutex};

use http::Request;
use http_body_util::{BodyExt, Full};
use oras_registry::Registry;
use oras_registry::observe::{Access, Observer};
use oras_registry::peer::Peer;

use crate::client::Client;
use crate::full_store::FullStore;
use crate::wire::Wire;

/// Keeps what it is shown.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<Access>>>);

impl Observer for Log {
    fn access(&self, access: &Access) {
        self.0.lock().unwrap().push(access.clone());
    }
}

impl Log {
    pub(crate) fn take(&self) -> Vec<Access> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

#[tokio::test]
async fn requests_are_counted_by_method_route_and_code() {
    let client = Client::new();
    client.image("a", "v1").await;
    client.get("/v2/a/manifests/v1").await.check(200, "");
    client.get("/v2/a/manifests/v2").await;
    client.get("/v2/secret/manifests/v2").await;
    let config = oras_spec::Digest::sha256(b"{}");
    client.get(&format!("/v2/a/blobs/{config}")).await;
    let session = client.session("a").await;
    let reply = client.get("/metrics").await;
    assert!(
        reply
            .header("content-type")
            .starts_with("text/plain; version=0.0.4")
    );
    let text = std::str::from_utf8(&reply.body).unwrap();
    for line in [
        r#"oras_serve_http_requests_total{method="GET",route="manifest",code="200"} 1"#,
        r#"oras_serve_http_requests_total{method="GET",route="manifest",code="404"} 2"#,
        r#"oras_serve_http_requests_total{method="PUT",route="manifest",code="201"} 1"#,
        r#"oras_serve_http_requests_total{method="POST",route="uploads",code="201"} 1"#,
        r#"oras_serve_http_requests_total{method="POST",route="uploads",code="202"} 1"#,
        r#"oras_serve_http_first_byte_seconds_count{route="manifest"} 4"#,
        r#"oras_serve_http_request_duration_seconds_bucket{route="manifest",le="+Inf"} 4"#,
        r#"oras_serve_http_bytes_total{direction="in",route="uploads"} 2"#,
        r#"oras_serve_http_bytes_total{direction="out",route="blob"} 2"#,
        r#"oras_serve_auth_total{method="basic",result="rejected"} 0"#,
        "# TYPE oras_serve_http_requests_total counter",
        "oras_serve_http_in_flight 1",
        "oras_serve_uploads_open 1",
        "oras_serve_manifest_commits_total 1",
    ] {
        assert!(text.lines().any(|own| own == line), "{line}\n{text}");
    }
    #[cfg(target_os = "linux")]
    assert!(text.contains("\nprocess_resident_memory_bytes "), "{text}");
    let id = session.rsplit('/').next().unwrap();
    assert!(!text.contains(id) && !text.contains("secret"), "{text}");
}

#[tokio::test]
async fn openmetrics_is_for_those_who_ask_for_it() {
    let client = Client::new();
    let accept = [(
        "accept",
        "application/openmetrics-text;version=1.0.0,*/*;q=0.1",
    )];
    let reply = client.send("GET /metrics", &accept, "").await;
    let kind = reply.header("content-type");
    assert!(
        kind.starts_with("application/openmetrics-text; version=1.0.0"),
        "{kind}"
    );
    let text = std::str::from_utf8(&reply.body).unwrap();
    assert!(text.ends_with("\n# EOF\n"), "{text}");
    // Every sample belongs to the family above it.
    let mut family = String::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            family = rest.split(' ').next().unwrap().to_owned();
        } else if !line.starts_with('#') {
            assert!(line.starts_with(&family), "{line} after {family}");
        }
    }
}

#[tokio::test]
async fn health_is_answered_outside_of_the_api() {
    let client = Client::new();
    for path in ["/livez", "/healthz"] {
        let reply = client.get(path).await;
        reply.check(200, "");
        assert_eq!(reply.header("cache-control"), "no-store");
    }
    let reply = client.get("/readyz").await;
    reply.check(200, "");
    assert_eq!(reply.json()["ready"], true);
    client.send("HEAD /readyz", &[], "").await.check(200, "");
    let hidden = Registry::builder().metrics(false).build().unwrap();
    let reply = Client::of(hidden).get("/metrics").await;
    reply.check(404, "UNSUPPORTED");
    client
        .send("POST /readyz", &[], "")
        .await
        .check(404, "UNSUPPORTED");
}

#[tokio::test]
async fn each_request_is_seen_when_its_answer_is_complete() {
    let log = Log::default();
    let registry = Registry::builder().memory().observer(log.clone());
    let registry = registry.build().unwrap();
    let client = Client::of(registry.clone());
    let digest = client.blob("team/app", "0123456789").await;
    log.take();

    let peer = Peer {
        addr: Some("192.0.2.7:1234".parse().unwrap()),
        tls: true,
        certificate: None,
    };
    let request = Request::get(format!("/v2/team/app/blobs/{digest}?digest=x&sig=hidden"))
        .header("user-agent", "test/1")
        .header("authorization", "Basic aGlkZGVuOmhpZGRlbg==")
        .header("cookie", "hidden")
        .header("x-request-id", "r-1")
        .extension(peer)
        .body(Full::<bytes::Bytes>::default())
        .unwrap();
    let response = registry.respond(request).await;
    assert!(log.take().is_empty(), "the body is still to come");
    response.into_body().collect().await.unwrap();
    let seen = log.take();
    let [access] = &seen[..] else {
        panic!("{seen:?}");
    };
    assert_eq!(access.status, 200);
    assert_eq!(access.route, "blob");
    assert_eq!(access.repository.as_deref(), Some("team/app"));
    assert_eq!(access.reference.as_deref(), Some(digest.as_str()));
    assert_eq!(access.path, format!("/v2/team/app/blobs/{digest}?digest=x"));
    assert_eq!(access.bytes_out, 10);
    assert_eq!(access.request_id, "r-1");
    assert!(access.tls && access.first_byte.is_some());
    for line in [access.to_text(), access.to_json()] {
        assert!(
            line.contains("192.0.2.7") && line.contains("test/1"),
            "{line}"
        );
        assert!(
            !line.contains("hidden") && !line.contains("aGlkZGVu"),
            "{line}"
        );
    }

    // A body that nobody takes: the client is gone.
    let request = Request::get(format!("/v2/team/app/blobs/{digest}"));
    let request = request.body(Full::<bytes::Bytes>::default()).unwrap();
    drop(registry.respond(request).await);
    assert_eq!(log.take()[0].status, 499);

    let head = Request::head(format!("/v2/team/app/blobs/{digest}"));
    let head = head.body(Full::<bytes::Bytes>::default()).unwrap();
    drop(registry.respond(head).await);
    assert_eq!(log.take()[0].status, 200);
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_of_an_upload_is_seen_as_gone() {
    let log = Log::default();
    let registry = Registry::builder().memory().observer(log.clone());
    let server = registry.start().await.unwrap();
    let mut wire = Wire::to(server.addr()).await;
    wire.write("PUT /v2/a/manifests/v1 HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        .await;
    drop(wire);
    let access = loop {
        if let Some(access) = log.take().pop() {
            break access;
        }
        tokio::task::yield_now().await;
    };
    assert!(matches!(access.status, 400 | 499), "{access:?}");
    assert_eq!(access.method, "PUT");
    assert!(access.remote.is_some_and(|remote| remote.is_loopback()));
}

#[tokio::test]
async fn storage_that_fails_is_not_ready_but_alive() {
    let client = Client::of(Registry::builder().store(FullStore).build().unwrap());
    let reply = client.get("/readyz").await;
    assert_eq!(reply.status, 503);
    assert_eq!(
        reply.json()["reasons"][0],
        "storage: no space left in storage"
    );
    assert_eq!(reply.header("retry-after"), "5");
    client.get("/livez").await.check(200, "");
    let reply = client.send("POST /v2/a/blobs/uploads/", &[], "").await;
    reply.check(507, "BLOB_UPLOAD_INVALID");
    assert!(!reply.header("retry-after").is_empty());
    let digest = oras_spec::Digest::sha256(b"{}");
    for (path, code) in [
        (format!("/v2/a/blobs/{digest}"), "BLOB_UPLOAD_INVALID"),
        ("/v2/a/manifests/v1".to_owned(), "MANIFEST_INVALID"),
        ("/v2/a/tags/list".to_owned(), "MANIFEST_INVALID"),
        (format!("/v2/a/referrers/{digest}"), "MANIFEST_INVALID"),
    ] {
        client.get(&path).await.check(507, code);
    }
}

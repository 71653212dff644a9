//! What every endpoint has in common: methods, digests, parameters nobody knows.

use oras_spec::Digest;

use crate::both::{Storage, on_both};
use crate::client::{IMAGE, image};

on_both!(
    every_endpoint_names_its_methods,
    digests_that_nobody_can_verify_are_refused_everywhere,
    unknown_parameters_and_headers_change_nothing,
    nothing_of_a_failed_request_is_kept,
    pages_of_other_sites_change_nothing,
);

async fn pages_of_other_sites_change_nothing(storage: Storage) {
    let client = storage.client();
    let post = "POST /v2/a/blobs/uploads/";
    let host = ("host", "registry.test:5000");
    for origin in ["https://elsewhere.test", "http://registry.test", "null"] {
        let reply = client.send(post, &[host, ("origin", origin)], "").await;
        reply.check(403, "DENIED");
        let reply = client
            .send("GET /v2/", &[host, ("origin", origin)], "")
            .await;
        reply.check(200, "");
    }
    let own = ("origin", "http://registry.test:5000");
    client.send(post, &[host, own], "").await.check(202, "");
    client.send(post, &[host], "").await.check(202, "");
}

async fn every_endpoint_names_its_methods(storage: Storage) {
    let client = storage.client();
    let digest = Digest::sha256(b"");
    let session = client.session("a").await;
    for (path, allowed) in [
        ("/v2/", "GET, HEAD"),
        ("/v2", "GET, HEAD"),
        ("/v2/_catalog", "GET, HEAD"),
        ("/v2/a/tags/list", "GET, HEAD"),
        (&format!("/v2/a/referrers/{digest}"), "GET, HEAD"),
        (&format!("/v2/a/blobs/{digest}"), "GET, HEAD, DELETE"),
        ("/v2/a/blobs/uploads/", "POST"),
        ("/v2/a/blobs/uploads", "POST"),
        (&session, "GET, HEAD, PATCH, PUT, DELETE"),
        ("/v2/a/manifests/v1", "GET, HEAD, PUT, DELETE"),
    ] {
        let options = client.send(&format!("OPTIONS {path}"), &[], "").await;
        options.check(204, "");
        assert_eq!(options.header("allow"), allowed, "{path}");
        for method in [
            "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW",
        ] {
            if allowed.split(", ").any(|name| name == method) {
                continue;
            }
            let reply = client.send(&format!("{method} {path}"), &[], "").await;
            assert_eq!(reply.status, 405, "{method} {path}");
            assert_eq!(reply.header("allow"), allowed, "{method} {path}");
            if method != "HEAD" {
                reply.check(405, "UNSUPPORTED");
            }
        }
    }
    for path in [
        "/v2/a",
        "/v2/a/what/v1",
        "/v2/a/manifests/",
        "/v2//",
        "/v1/",
        "/v2x",
        "/what",
    ] {
        client.get(path).await.check(404, "UNSUPPORTED");
    }
}

async fn digests_that_nobody_can_verify_are_refused_everywhere(storage: Storage) {
    let client = storage.client();
    client.image("a", "v1").await;
    let good = Digest::sha256(b"x");
    let hex = good.as_str().strip_prefix("sha256:").unwrap();
    for bad in [
        format!("sha384:{}", "0".repeat(96)),
        format!("md5:{}", "0".repeat(32)),
        format!("blake3:{hex}"),
        format!("sha256:{}", hex.to_uppercase()),
        format!("SHA256:{hex}"),
        format!("sha256:{}", &hex[1..]),
        format!("sha256:{hex}0"),
        format!("sha512:{hex}"),
        format!("sha256:{}g", &hex[1..]),
        "sha256:".to_owned(),
        format!(":{hex}"),
        format!("sha256::{hex}"),
    ] {
        let session = client.session("a").await;
        for line in [
            format!("GET /v2/a/blobs/{bad}"),
            format!("DELETE /v2/a/blobs/{bad}"),
            format!("GET /v2/a/manifests/{bad}"),
            format!("PUT /v2/a/manifests/{bad}"),
            format!("DELETE /v2/a/manifests/{bad}"),
            format!("GET /v2/a/referrers/{bad}"),
            format!("POST /v2/a/blobs/uploads/?digest={bad}"),
            format!("POST /v2/a/blobs/uploads/?mount={bad}&from=b"),
            format!("PUT {session}?digest={bad}"),
        ] {
            let reply = client.send(&line, &[("content-type", IMAGE)], "x").await;
            let code = &reply.json()["errors"][0]["code"];
            assert_eq!(
                (reply.status.as_u16(), code),
                (400, &"DIGEST_INVALID".into()),
                "{line}"
            );
        }
        // Nothing arrived, and the session goes on.
        let status = client.get(&session).await;
        assert_eq!(status.header("oci-upload-offset"), "0", "{bad}");
        client
            .send(&format!("PUT {session}?digest={good}"), &[], "x")
            .await
            .check(201, "");
    }
}

async fn unknown_parameters_and_headers_change_nothing(storage: Storage) {
    let client = storage.client();
    client.image("a", "v1").await;
    for path in ["/v2/a/manifests/v1", "/v2/a/tags/list", "/v2/"] {
        let reply = client
            .get(&format!("{path}?ns=docker.io&_state=x&what"))
            .await;
        reply.check(200, "");
        // It would say that the registry looked somewhere else.
        assert!(!reply.headers.contains_key("oci-namespace"));
    }
    let digest = client.get("/v2/a/manifests/v1").await;
    let digest = digest.header("docker-content-digest").to_owned();
    let escaped = digest.replace(':', "%3A");
    client
        .get(&format!("/v2/a/manifests/{escaped}"))
        .await
        .check(200, "");
    let compressed = [("accept-encoding", "gzip, zstd, br")];
    let reply = client.send("GET /v2/a/manifests/v1", &compressed, "").await;
    assert!(!reply.headers.contains_key("content-encoding"));
    let origin = [("origin", "http://example.com")];
    let reply = client.send("GET /v2/a/manifests/v1", &origin, "").await;
    let cors = |name: &http::HeaderName| name.as_str().starts_with("access-control-");
    assert!(!reply.headers.keys().any(cors));
}

async fn nothing_of_a_failed_request_is_kept(storage: Storage) {
    let client = storage.client();
    let other = Digest::sha256(b"other");
    let post = format!("POST /v2/a/blobs/uploads/?digest={other}");
    client
        .send(&post, &[], "content")
        .await
        .check(400, "DIGEST_INVALID");
    let put = format!("PUT {}?digest={other}", client.session("a").await);
    client
        .send(&put, &[], "content")
        .await
        .check(400, "DIGEST_INVALID");
    let reply = client
        .put("/v2/a/manifests/v1", IMAGE, image(serde_json::json!({})))
        .await;
    reply.check(400, "MANIFEST_BLOB_UNKNOWN");
    for content in [&b"other"[..], b"content"] {
        let blob = format!("/v2/a/blobs/{}", Digest::sha256(content));
        client.get(&blob).await.check(404, "BLOB_UNKNOWN");
    }
    // Whether an empty repository is one is for the storage to say.
    let tags = client.get("/v2/a/tags/list").await;
    assert!(tags.status == 404 || tags.json()["tags"] == serde_json::json!([]));
    assert_eq!(client.get("/v2/a/manifests/v1").await.status, 404);
    let catalog = client.get("/v2/_catalog").await;
    assert_eq!(catalog.json()["repositories"], serde_json::json!([]));
}

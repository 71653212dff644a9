//! Reading and deleting blobs.

use oras_spec::Digest;

use crate::both::{Storage, on_both};

on_both!(
    a_blob_comes_back_with_all_headers,
    a_deleted_blob_is_gone_at_once_and_only_here,
    bad_digests_names_and_methods_are_told_apart,
    the_base_answers_with_and_without_its_slash,
);

async fn a_blob_comes_back_with_all_headers(storage: Storage) {
    let client = storage.client();
    let digest = client.blob("a/b", "hello").await;
    for method in ["GET", "HEAD"] {
        let reply = client
            .send(&format!("{method} /v2/a/b/blobs/{digest}"), &[], "")
            .await;
        reply.check(200, "");
        assert_eq!(reply.header("content-length"), "5");
        assert_eq!(reply.header("content-type"), "application/octet-stream");
        assert_eq!(reply.header("docker-content-digest"), digest.as_str());
        assert_eq!(reply.header("accept-ranges"), "bytes");
        let etag = format!("\"{digest}\"");
        assert_eq!(reply.header("etag"), etag);
        let line = format!("{method} /v2/a/b/blobs/{digest}");
        client
            .send(&line, &[("if-none-match", &etag)], "")
            .await
            .check(304, "");
    }
}

async fn a_deleted_blob_is_gone_at_once_and_only_here(storage: Storage) {
    let client = storage.client();
    let digest = client.blob("a", "shared").await;
    client.blob("b", "shared").await;
    let path = format!("/v2/a/blobs/{digest}");
    client
        .send(&format!("DELETE {path}"), &[], "")
        .await
        .check(202, "");
    client.get(&path).await.check(404, "BLOB_UNKNOWN");
    client
        .send(&format!("HEAD {path}"), &[], "")
        .await
        .check(404, "");
    client
        .send(&format!("DELETE {path}"), &[], "")
        .await
        .check(404, "BLOB_UNKNOWN");
    client
        .get(&format!("/v2/b/blobs/{digest}"))
        .await
        .check(200, "");
    let mount = format!("POST /v2/a/blobs/uploads/?mount={digest}&from=b");
    client.send(&mount, &[], "").await.check(201, "");
    client.get(&path).await.check(200, "");
}

async fn bad_digests_names_and_methods_are_told_apart(storage: Storage) {
    let client = storage.client();
    let digest = Digest::sha256(b"none");
    client
        .get(&format!("/v2/a/blobs/{digest}"))
        .await
        .check(404, "BLOB_UNKNOWN");
    for bad in [
        "sha256:short",
        "md5:00",
        "sha256",
        &format!("sha384:{}", "0".repeat(96)),
    ] {
        client
            .get(&format!("/v2/a/blobs/{bad}"))
            .await
            .check(400, "DIGEST_INVALID");
    }
    let upper = digest.as_str().to_uppercase().replace("SHA", "sha");
    client
        .get(&format!("/v2/a/blobs/{upper}"))
        .await
        .check(400, "DIGEST_INVALID");
    client
        .get(&format!("/v2/A/blobs/{digest}"))
        .await
        .check(400, "NAME_INVALID");
    let long = "x".repeat(201);
    client
        .get(&format!("/v2/{long}/blobs/{digest}"))
        .await
        .check(400, "NAME_INVALID");
    client.get("/v2/what").await.check(404, "UNSUPPORTED");
    client
        .send("POST /v2/", &[], "")
        .await
        .check(405, "UNSUPPORTED");
    client
        .send(&format!("PUT /v2/a/blobs/{digest}"), &[], "")
        .await
        .check(405, "UNSUPPORTED");
    let options = client.send("OPTIONS /v2/a/tags/list", &[], "").await;
    assert_eq!(
        (options.status.as_u16(), options.header("allow")),
        (204, "GET, HEAD")
    );
}

async fn the_base_answers_with_and_without_its_slash(storage: Storage) {
    let client = storage.client();
    for path in ["/v2", "/v2/"] {
        let reply = client.get(path).await;
        assert_eq!((reply.status.as_u16(), &reply.body[..]), (200, &b"{}"[..]));
    }
    let reply = client
        .send("GET /v2/", &[("x-request-id", "mine")], "")
        .await;
    assert_eq!(reply.header("x-request-id"), "mine");
    client.get("/").await.check(200, "");
}

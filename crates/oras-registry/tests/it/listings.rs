//! Tags, repositories and referrers in pages.

use oras_spec::Digest;
use serde_json::{Value, json};

use crate::both::{Storage, on_both};
use crate::client::{IMAGE, INDEX, Reply, image};

on_both!(
    tags_are_sorted_and_paged,
    the_catalog_is_sorted_by_bytes_and_hides_what_has_no_manifest,
    referrers_are_listed_filtered_and_forgotten,
    pages_of_referrers_keep_the_filter_and_lose_nothing,
);

fn link(reply: &Reply) -> Option<String> {
    let link = reply.headers.get("link")?.to_str().unwrap();
    let target = link
        .strip_prefix('<')
        .unwrap()
        .strip_suffix(">; rel=\"next\"");
    Some(target.unwrap().to_owned())
}

async fn tags_are_sorted_and_paged(storage: Storage) {
    let client = storage.client();
    client
        .get("/v2/a/tags/list")
        .await
        .check(404, "NAME_UNKNOWN");
    for tag in ["b", "a", "C", "a.1", "_"] {
        client.image("a", tag).await;
    }
    let check = async |query: &str, tags: Value, next: Option<&str>| {
        let reply = client.get(&format!("/v2/a/tags/list{query}")).await;
        assert_eq!(
            reply.json(),
            json!({ "name": "a", "tags": tags }),
            "{query}"
        );
        let next = next.map(|query| format!("/v2/a/tags/list{query}"));
        assert_eq!(link(&reply), next, "{query}");
    };
    check("", json!(["C", "_", "a", "a.1", "b"]), None).await;
    check("?n=2", json!(["C", "_"]), Some("?n=2&last=_")).await;
    check("?n=2&last=_", json!(["a", "a.1"]), Some("?n=2&last=a.1")).await;
    check("?n=2&last=a", json!(["a.1", "b"]), None).await;
    check("?last=B", json!(["C", "_", "a", "a.1", "b"]), None).await;
    check("?last=zz", json!([]), None).await;
    check("?n=0", json!([]), None).await;
    check(
        "?n=99999999999999999999999",
        json!(["C", "_", "a", "a.1", "b"]),
        None,
    )
    .await;
    for bad in ["-1", "abc", ""] {
        client
            .get(&format!("/v2/a/tags/list?n={bad}"))
            .await
            .check(400, "UNSUPPORTED");
    }
    client
        .send("HEAD /v2/a/tags/list", &[], "")
        .await
        .check(200, "");
}

async fn the_catalog_is_sorted_by_bytes_and_hides_what_has_no_manifest(storage: Storage) {
    let client = storage.client();
    client.blob("only-blobs", "x").await;
    for name in [
        "a/b",
        "a-b",
        "a.b",
        "a",
        "a/blobs/uploads",
        "a/tags/list",
        "index.json",
    ] {
        client.image(name, "v1").await;
    }
    let all = client.get("/v2/_catalog").await.json();
    let names = [
        "a",
        "a-b",
        "a.b",
        "a/b",
        "a/blobs/uploads",
        "a/tags/list",
        "index.json",
    ];
    assert_eq!(all["repositories"], json!(names));
    let page = client.get("/v2/_catalog?n=2&last=a").await;
    assert_eq!(page.json()["repositories"], json!(["a-b", "a.b"]));
    assert_eq!(link(&page).unwrap(), "/v2/_catalog?n=2&last=a.b");
}

async fn referrers_are_listed_filtered_and_forgotten(storage: Storage) {
    let client = storage.client();
    let subject = Digest::sha256(b"not pushed yet");
    let path = format!("/v2/a/referrers/{subject}");
    let empty = client.get(&path).await;
    empty.check(200, "");
    assert_eq!(empty.header("content-type"), INDEX);
    assert_eq!(
        empty.json(),
        json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [] })
    );
    client
        .get("/v2/a/referrers/sha256:bad")
        .await
        .check(400, "DIGEST_INVALID");

    client.blob("a", "{}").await;
    let refers = json!({ "mediaType": IMAGE, "digest": subject.as_str(), "size": 1 });
    let typed = image(
        json!({ "subject": refers, "artifactType": "sig/x+json", "annotations": { "k": "v" } }),
    );
    let config = image(json!({ "subject": refers }));
    let index =
        json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [], "subject": refers })
            .to_string();
    for (manifest, media_type) in [
        (typed.clone(), IMAGE),
        (config, IMAGE),
        (index.into_bytes(), INDEX),
        (typed.clone(), IMAGE),
    ] {
        let put = format!("/v2/a/manifests/{}", Digest::sha256(&manifest));
        let reply = client.put(&put, media_type, manifest).await;
        reply.check(201, "");
        assert_eq!(reply.header("oci-subject"), subject.as_str());
    }
    let listed = client.get(&path).await;
    assert_eq!(listed.json()["manifests"].as_array().unwrap().len(), 3);
    assert!(!listed.headers.contains_key("oci-filters-applied"));
    let etag = [("if-none-match", listed.header("etag"))];
    client
        .send(&format!("GET {path}"), &etag, "")
        .await
        .check(304, "");

    let expected = json!({ "mediaType": IMAGE, "digest": Digest::sha256(&typed).as_str(), "size": typed.len(), "artifactType": "sig/x+json", "annotations": { "k": "v" } });
    let filtered = async |query: &str| {
        let reply = client.get(&format!("{path}?{query}")).await;
        assert_eq!(reply.header("oci-filters-applied"), "artifactType");
        reply.json()["manifests"].as_array().unwrap().clone()
    };
    for query in ["artifactType=sig/x+json", "artifactType=sig%2Fx%2Bjson"] {
        let found = filtered(query).await;
        assert_eq!((found.len(), &found[0]), (1, &expected), "{query}");
    }
    assert_eq!(
        filtered("artifactType=application/vnd.oci.empty.v1%2Bjson")
            .await
            .len(),
        1
    );
    let untyped = filtered("artifactType=").await;
    assert_eq!(
        (untyped.len(), &untyped[0]["mediaType"]),
        (1, &json!(INDEX))
    );
    assert_eq!(filtered("artifactType=none").await.len(), 0);

    let delete = format!("DELETE /v2/a/manifests/{}", Digest::sha256(&typed));
    client.send(&delete, &[], "").await.check(202, "");
    assert_eq!(
        client.get(&path).await.json()["manifests"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

async fn pages_of_referrers_keep_the_filter_and_lose_nothing(storage: Storage) {
    let client = storage.client();
    client.blob("a", "{}").await;
    let subject = Digest::sha256(b"subject");
    let refers = json!({ "mediaType": IMAGE, "digest": subject.as_str(), "size": 1 });
    for i in 0..50 {
        let kind = if i % 2 == 0 { "even/x+y" } else { "odd/x" };
        let manifest = image(
            json!({ "subject": refers, "artifactType": kind, "annotations": { "i": i.to_string() } }),
        );
        client
            .put(&format!("/v2/a/manifests/t{i}"), IMAGE, manifest)
            .await
            .check(201, "");
    }
    let mut next = Some(format!(
        "/v2/a/referrers/{subject}?artifactType=even/x%2By&n=10"
    ));
    let mut sizes = Vec::new();
    while let Some(path) = next {
        let reply = client.get(&path).await;
        assert_eq!(reply.header("oci-filters-applied"), "artifactType");
        sizes.push(reply.json()["manifests"].as_array().unwrap().len());
        next = link(&reply);
    }
    assert_eq!(sizes, [10, 10, 5]);
}

//! Tags, repositories and referrers in pages.

use oras_spec::{Algorithm, Digest};
use serde_json::{Value, json};

use crate::both::{Storage, on_both};
use crate::client::{Client, IMAGE, INDEX, Reply, image};

on_both!(
    referrers_follow_their_subject_across_algorithms_and_repositories,
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

async fn referrers_follow_their_subject_across_algorithms_and_repositories(storage: Storage) {
    let client = storage.client();
    let subject = client.image("a", "v1").await;
    let bytes = client.get("/v2/a/manifests/v1").await.body;
    let other = Digest::of(Algorithm::Sha512, &bytes);
    let refers = json!({ "mediaType": IMAGE, "digest": subject.as_str(), "size": bytes.len() });
    let referrer = image(json!({ "subject": refers }));
    client
        .put("/v2/a/manifests/r", IMAGE, referrer.clone())
        .await
        .check(201, "");
    let count = async |name: &str, subject: &Digest| {
        let reply = client.get(&format!("/v2/{name}/referrers/{subject}")).await;
        reply.json()["manifests"].as_array().unwrap().len()
    };
    assert_eq!(count("a", &subject).await, 1);
    assert_eq!(count("a", &other).await, 0);
    assert_eq!(count("b", &subject).await, 0);
    // Without its tag, and without its subject, a referrer remains one.
    let untag = "DELETE /v2/a/manifests/r";
    client.send(untag, &[], "").await.check(202, "");
    let delete = format!("DELETE /v2/a/manifests/{subject}");
    client.send(&delete, &[], "").await.check(202, "");
    assert_eq!(count("a", &subject).await, 1);
    let delete = format!("DELETE /v2/a/manifests/{}", Digest::sha256(&referrer));
    client.send(&delete, &[], "").await.check(202, "");
    assert_eq!(count("a", &subject).await, 0);
    client
        .put("/v2/a/manifests/r", IMAGE, referrer)
        .await
        .check(201, "");
    assert_eq!(count("a", &subject).await, 1);
}

pub(crate) fn many_tags() -> Vec<String> {
    (0..10_048).map(|i| format!("t{i:05}")).collect()
}

#[tokio::test]
async fn more_tags_than_fit_into_a_page_are_all_found() {
    let client = Storage::Memory.client();
    client.blob("a", "{}").await;
    let manifest = image(json!({}));
    let digest = Digest::sha256(&manifest);
    for tags in many_tags().chunks(64) {
        let path = format!("/v2/a/manifests/{digest}?tag={}", tags.join("&tag="));
        client
            .put(&path, IMAGE, manifest.clone())
            .await
            .check(201, "");
    }
    many_tags_are_paged(&client).await;
}

/// What a registry says whose repository `a` has all of [`many_tags`].
pub(crate) async fn many_tags_are_paged(client: &Client) {
    let tags = many_tags();
    let first = client.get("/v2/a/tags/list").await;
    assert_eq!(first.json()["tags"], json!(tags[..10_000]));
    let next = link(&first).unwrap();
    assert_eq!(next, "/v2/a/tags/list?n=10000&last=t09999");
    let second = client.get(&next).await;
    assert_eq!(second.json()["tags"], json!(tags[10_000..]));
    assert_eq!(link(&second), None);
    // Nobody gets more at once.
    let all = client.get("/v2/a/tags/list?n=10048").await;
    assert_eq!(link(&all).as_deref(), Some(next.as_str()));
    let end = client.get("/v2/a/tags/list?n=48&last=t09999").await;
    assert_eq!(
        (end.json()["tags"].as_array().unwrap().len(), link(&end)),
        (48, None)
    );
}

/// Thousands of manifests that refer to `subject`, one in five of a kind of its own.
pub(crate) fn many_referrers(subject: &Digest) -> impl Iterator<Item = Vec<u8>> {
    let refers = json!({ "mediaType": IMAGE, "digest": subject.as_str(), "size": 1 });
    (0..2500).map(move |i| {
        let kind = if i % 5 == 0 { "rare/x" } else { "usual/x" };
        image(json!({
            "subject": refers,
            "artifactType": kind,
            "annotations": { "i": i.to_string() },
        }))
    })
}

#[tokio::test]
async fn thousands_of_referrers_come_in_pages() {
    let client = Storage::Memory.client();
    client.blob("a", "{}").await;
    let subject = Digest::sha256(b"subject");
    for manifest in many_referrers(&subject) {
        let path = format!("/v2/a/manifests/{}", Digest::sha256(&manifest));
        client.put(&path, IMAGE, manifest).await.check(201, "");
    }
    many_referrers_are_paged(&client, &subject).await;
}

/// What a registry says whose repository `a` has all of [`many_referrers`].
pub(crate) async fn many_referrers_are_paged(client: &Client, subject: &Digest) {
    let pages = async |query: &str| {
        let mut next = Some(format!("/v2/a/referrers/{subject}{query}"));
        let (mut sizes, mut seen) = (Vec::new(), std::collections::BTreeSet::new());
        while let Some(path) = next {
            let reply = client.get(&path).await;
            assert_eq!(reply.header("content-type"), INDEX);
            let manifests = reply.json()["manifests"].as_array().unwrap().clone();
            sizes.push(manifests.len());
            for manifest in manifests {
                seen.insert(manifest["annotations"]["i"].as_str().unwrap().to_owned());
            }
            next = link(&reply);
        }
        (sizes, seen.len())
    };
    assert_eq!(pages("").await, (vec![1000, 1000, 500], 2500));
    assert_eq!(pages("?n=2000").await, (vec![1000, 1000, 500], 2500));
    assert_eq!(
        pages("?artifactType=rare/x&n=300").await,
        (vec![300, 200], 500)
    );
    assert_eq!(pages("?artifactType=rare/x").await, (vec![500], 500));
    assert_eq!(pages("?n=0").await, (vec![0], 0));
}

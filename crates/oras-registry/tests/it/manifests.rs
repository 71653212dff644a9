//! Manifests and tags.

use oras_spec::{Algorithm, Digest};
use serde_json::json;

use crate::both::{Storage, on_both};
use crate::client::{Client, IMAGE, INDEX, image};

on_both!(
    the_media_type_is_what_header_and_body_agree_on,
    a_manifest_keeps_every_byte,
    of_much_that_is_missing_only_some_is_named,
    a_manifest_without_a_length_is_limited_as_well,
    a_subject_need_not_be_there_and_can_be_of_any_algorithm,
    a_manifest_comes_back_by_tag_and_digest_whatever_is_accepted,
    a_document_that_is_no_manifest_is_refused,
    what_a_manifest_needs_must_be_in_its_repository,
    many_tags_are_set_at_once_or_not_at_all,
    manifests_of_the_limit_are_taken_and_one_byte_more_is_not,
    conditions_are_decided_when_the_tag_moves,
    of_fifty_clients_that_create_a_tag_one_wins,
    deleting_a_tag_keeps_the_manifest_and_deleting_it_takes_all_tags,
);

async fn a_manifest_comes_back_by_tag_and_digest_whatever_is_accepted(storage: Storage) {
    let client = storage.client();
    client.blob("a", "{}").await;
    let manifest = image(json!({ "unknown": " \u{e9} " }));
    let digest = Digest::sha256(&manifest);
    let reply = client
        .put(
            "/v2/a/manifests/v1",
            &format!("{IMAGE}; charset=utf-8"),
            manifest.clone(),
        )
        .await;
    reply.check(201, "");
    assert_eq!(
        reply.header("location"),
        format!("/v2/a/manifests/{digest}")
    );
    assert_eq!(reply.header("docker-content-digest"), digest.as_str());
    assert_eq!(reply.header("oci-tag"), "v1");
    for reference in ["v1", digest.as_str()] {
        for accept in [
            None,
            Some("*/*"),
            Some("application/vnd.docker.distribution.manifest.v2+json"),
            Some(INDEX),
            Some("nonsense"),
        ] {
            let accept: Vec<_> = accept
                .map(|accept| ("accept", accept))
                .into_iter()
                .collect();
            for method in ["GET", "HEAD"] {
                let line = format!("{method} /v2/a/manifests/{reference}");
                let reply = client.send(&line, &accept, "").await;
                reply.check(200, "");
                assert_eq!(reply.header("content-type"), IMAGE);
                assert_eq!(reply.header("content-length"), manifest.len().to_string());
                assert_eq!(reply.header("docker-content-digest"), digest.as_str());
                if method == "GET" {
                    assert_eq!(&reply.body[..], &manifest[..]);
                }
                let etag = [("if-none-match", reply.header("etag"))];
                client.send(&line, &etag, "").await.check(304, "");
            }
        }
    }
    let blob = client.get(&format!("/v2/a/blobs/{digest}")).await;
    assert_eq!(&blob.body[..], &manifest[..]);
    let layer = Digest::sha256(b"{}");
    client
        .get(&format!("/v2/a/manifests/{layer}"))
        .await
        .check(404, "MANIFEST_UNKNOWN");
    client
        .get("/v2/a/manifests/v2")
        .await
        .check(404, "MANIFEST_UNKNOWN");
    client
        .get("/v2/b/manifests/v1")
        .await
        .check(404, "NAME_UNKNOWN");
    client
        .get("/v2/a/manifests/-bad")
        .await
        .check(404, "MANIFEST_UNKNOWN");
    client
        .get("/v2/a/manifests/sha256:bad")
        .await
        .check(400, "DIGEST_INVALID");
}

async fn a_document_that_is_no_manifest_is_refused(storage: Storage) {
    let client = storage.client();
    client.blob("a", "{}").await;
    let refused = async |media_type: &str, body: String| {
        let reply = client.put("/v2/a/manifests/v1", media_type, body).await;
        reply.check(400, "MANIFEST_INVALID");
    };
    let good = String::from_utf8(image(json!({}))).unwrap();
    refused("text/plain", good.clone()).await;
    refused(INDEX, good.clone()).await;
    refused(
        "application/vnd.docker.distribution.manifest.v1+json",
        good.clone(),
    )
    .await;
    refused(IMAGE, format!("\u{feff}{good}")).await;
    refused(IMAGE, "[]".into()).await;
    refused(IMAGE, good.replacen('{', r#"{"schemaVersion":2,"#, 1)).await;
    refused(IMAGE, good.replacen('{', r#"{"manifests":[],"#, 1)).await;
    refused(IMAGE, good.replace(":2,", ":3,").replace(":2}", ":3}")).await;
    refused(INDEX, r#"{"schemaVersion":2}"#.into()).await;
    refused(INDEX, r#"{"schemaVersion":2,"manifests":[{}]}"#.into()).await;
    refused(INDEX, r#"{"schemaVersion":2,"manifests":null}"#.into()).await;
    refused(
        INDEX,
        r#"{"schemaVersion":2,"manifests":[],"config":{}}"#.into(),
    )
    .await;
    refused(
        "application/vnd.docker.distribution.manifest.list.v2+json",
        r#"{"schemaVersion":2,"manifests":[]}"#.into(),
    )
    .await;
    let wrong_data = json!({ "mediaType": "a/b", "digest": Digest::sha256(b"x").as_str(), "size": 1, "data": "eQ==" });
    refused(
        IMAGE,
        String::from_utf8(image(json!({ "layers": [wrong_data] }))).unwrap(),
    )
    .await;
    let wrong_size =
        json!({ "mediaType": "a/b", "digest": Digest::sha256(b"{}").as_str(), "size": 3 });
    refused(
        IMAGE,
        String::from_utf8(image(json!({ "layers": [wrong_size] }))).unwrap(),
    )
    .await;
    client
        .get("/v2/a/manifests/v1")
        .await
        .check(404, "MANIFEST_UNKNOWN");
    client
        .send("PUT /v2/a/manifests/v1", &[], good)
        .await
        .check(201, "");
    client
        .send(
            "PUT /v2/a/manifests/i",
            &[],
            r#"{"schemaVersion":2,"manifests":[]}"#,
        )
        .await
        .check(201, "");
    assert_eq!(
        client.get("/v2/a/manifests/i").await.header("content-type"),
        INDEX
    );
}

async fn what_a_manifest_needs_must_be_in_its_repository(storage: Storage) {
    let client = storage.client();
    client.blob("b", "layer").await;
    let layer = |content: &[u8], more: serde_json::Value| {
        let mut layer = json!({ "mediaType": "a/b", "digest": Digest::sha256(content).as_str(), "size": content.len() });
        layer
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        layer
    };
    let manifest = image(
        json!({ "layers": [layer(b"layer", json!({})), layer(b"layer", json!({})), layer(b"urls", json!({ "urls": ["http://x"] }))] }),
    );
    let reply = client
        .put("/v2/a/manifests/v1", IMAGE, manifest.clone())
        .await;
    reply.check(400, "MANIFEST_BLOB_UNKNOWN");
    let missing: Vec<_> = reply.json()["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["detail"]["digest"].clone())
        .collect();
    assert_eq!(
        missing,
        [
            Digest::sha256(b"{}").as_str(),
            Digest::sha256(b"layer").as_str()
        ]
    );
    client.blob("a", "{}").await;
    client.blob("a", "layer").await;
    client
        .put("/v2/a/manifests/v1", IMAGE, manifest.clone())
        .await
        .check(201, "");

    let child = json!({ "mediaType": IMAGE, "digest": Digest::sha256(&manifest).as_str(), "size": manifest.len() });
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [child] }).to_string();
    client
        .put("/v2/b/manifests/v1", INDEX, index.clone())
        .await
        .check(400, "MANIFEST_BLOB_UNKNOWN");
    client
        .put("/v2/a/manifests/i", INDEX, index)
        .await
        .check(201, "");
}

async fn many_tags_are_set_at_once_or_not_at_all(storage: Storage) {
    for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
        let client = storage.client();
        client.blob("a", "{}").await;
        let manifest = image(json!({}));
        let digest = Digest::of(algorithm, &manifest);
        let tags = |count: usize| {
            (0..count)
                .map(|i| format!("tag=t{i}"))
                .collect::<Vec<_>>()
                .join("&")
        };
        let path = |query: &str| format!("/v2/a/manifests/{digest}?{query}");
        client
            .put(&path(&tags(65)), IMAGE, manifest.clone())
            .await
            .check(414, "MANIFEST_INVALID");
        client
            .put(&path("tag=good&tag=a,b"), IMAGE, manifest.clone())
            .await
            .check(400, "MANIFEST_INVALID");
        client
            .put("/v2/a/manifests/v1?tag=v2", IMAGE, manifest.clone())
            .await
            .check(400, "MANIFEST_INVALID");
        client
            .put("/v2/a/manifests/.v1", IMAGE, manifest.clone())
            .await
            .check(400, "MANIFEST_INVALID");
        assert_eq!(
            client.get("/v2/a/tags/list").await.json()["tags"],
            json!([])
        );
        let reply = client.put(&path(&tags(64)), IMAGE, manifest.clone()).await;
        reply.check(201, "");
        assert_eq!(reply.headers.get_all("oci-tag").iter().count(), 64);
        let tagged = client.get("/v2/a/manifests/t63").await;
        assert_eq!(tagged.header("docker-content-digest"), digest.as_str());
        let altered = [&manifest[..], b" "].concat();
        client
            .put(&path(""), IMAGE, altered)
            .await
            .check(400, "DIGEST_INVALID");
    }
}

async fn manifests_of_the_limit_are_taken_and_one_byte_more_is_not(storage: Storage) {
    let client = storage.client();
    client.blob("a", "{}").await;
    let mut manifest = image(json!({}));
    manifest.resize(4 * 1024 * 1024, b' ');
    client
        .put("/v2/a/manifests/v1", IMAGE, manifest.clone())
        .await
        .check(201, "");
    manifest.push(b' ');
    client
        .put("/v2/a/manifests/v2", IMAGE, manifest)
        .await
        .check(413, "SIZE_INVALID");
}

async fn conditions_are_decided_when_the_tag_moves(storage: Storage) {
    let client = storage.client();
    let first = client.image("a", "v1").await;
    let other = image(json!({ "annotations": { "other": "" } }));
    let put = async |header: (&str, &str)| {
        client
            .send(
                "PUT /v2/a/manifests/v1",
                &[("content-type", IMAGE), header],
                other.clone(),
            )
            .await
    };
    put(("if-none-match", "*")).await.check(412, "DENIED");
    put(("if-match", &format!("\"{}\"", Digest::sha256(b"x"))))
        .await
        .check(412, "DENIED");
    put(("if-match", &format!("\"{first}\"")))
        .await
        .check(201, "");
    put(("if-match", &format!("\"{first}\"")))
        .await
        .check(412, "DENIED");
    let etag = format!("\"{first}\"");
    client
        .send("DELETE /v2/a/manifests/v1", &[("if-match", &etag)], "")
        .await
        .check(412, "DENIED");
    client
        .send("DELETE /v2/a/manifests/v1", &[("if-match", "*")], "")
        .await
        .check(202, "");
}

async fn of_fifty_clients_that_create_a_tag_one_wins(storage: Storage) {
    let client = storage.client();
    client.blob("a", "{}").await;
    let registry = client.registry();
    let racers = (0..50).map(|i| {
        let client = Client::of(registry.clone());
        tokio::spawn(async move {
            let manifest = image(json!({ "annotations": { "racer": i.to_string() } }));
            let headers = [("content-type", IMAGE), ("if-none-match", "*")];
            client
                .send("PUT /v2/a/manifests/v1", &headers, manifest)
                .await
                .status
                .as_u16()
        })
    });
    let mut won = 0;
    for racer in racers.collect::<Vec<_>>() {
        won += usize::from(racer.await.unwrap() == 201);
    }
    assert_eq!(won, 1);
}

async fn deleting_a_tag_keeps_the_manifest_and_deleting_it_takes_all_tags(storage: Storage) {
    let client = storage.client();
    let digest = client.image("a", "v1").await;
    let manifest = client.get("/v2/a/manifests/v1").await.body;
    client
        .put("/v2/a/manifests/v2", IMAGE, manifest)
        .await
        .check(201, "");
    client
        .send("DELETE /v2/a/manifests/v1", &[], "")
        .await
        .check(202, "");
    client
        .send("DELETE /v2/a/manifests/v1", &[], "")
        .await
        .check(404, "MANIFEST_UNKNOWN");
    client.get("/v2/a/manifests/v2").await.check(200, "");
    let by_digest = format!("/v2/a/manifests/{digest}");
    client
        .send(&format!("DELETE {by_digest}"), &[], "")
        .await
        .check(202, "");
    for path in [by_digest.as_str(), "/v2/a/manifests/v2"] {
        client.get(path).await.check(404, "MANIFEST_UNKNOWN");
        client
            .send(&format!("HEAD {path}"), &[], "")
            .await
            .check(404, "");
    }
    client
        .get(&format!("/v2/a/blobs/{digest}"))
        .await
        .check(404, "BLOB_UNKNOWN");
    assert_eq!(
        client.get("/v2/a/tags/list").await.json()["tags"],
        json!([])
    );
}

async fn the_media_type_is_what_header_and_body_agree_on(storage: Storage) {
    const DOCKER: &str = "application/vnd.docker.distribution.manifest.v2+json";
    const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
    const ARTIFACT: &str = "application/vnd.oci.artifact.manifest.v1+json";
    const SIGNED: &str = "application/vnd.docker.distribution.manifest.v1+prettyjws";
    let client = storage.client();
    client.blob("a", "{}").await;
    let index = |media_type: Option<&str>| match media_type {
        Some(media_type) => {
            json!({ "schemaVersion": 2, "mediaType": media_type, "manifests": [] })
        }
        None => json!({ "schemaVersion": 2, "manifests": [] }),
    };
    let image = |media_type: Option<&str>| {
        let mut image: serde_json::Value = serde_json::from_slice(&image(json!({}))).unwrap();
        match media_type {
            Some(media_type) => image["mediaType"] = media_type.into(),
            None => drop(image.as_object_mut().unwrap().remove("mediaType")),
        }
        image
    };
    for (header, body, stored) in [
        (Some(IMAGE), image(Some(IMAGE)), Some(IMAGE)),
        (Some(IMAGE), image(None), Some(IMAGE)),
        (Some(INDEX), index(Some(INDEX)), Some(INDEX)),
        (Some(INDEX), index(None), Some(INDEX)),
        (Some(DOCKER), image(Some(DOCKER)), Some(DOCKER)),
        (
            Some(DOCKER_LIST),
            index(Some(DOCKER_LIST)),
            Some(DOCKER_LIST),
        ),
        (None, image(Some(IMAGE)), Some(IMAGE)),
        (None, image(Some(DOCKER)), Some(DOCKER)),
        (None, image(None), Some(IMAGE)),
        (None, index(None), Some(INDEX)),
        (None, index(Some(DOCKER_LIST)), Some(DOCKER_LIST)),
        (Some(DOCKER), image(None), None),
        (Some(DOCKER_LIST), index(None), None),
        (Some(DOCKER), image(Some(IMAGE)), None),
        (Some(IMAGE), image(Some(DOCKER)), None),
        (Some(INDEX), index(Some(DOCKER_LIST)), None),
        (Some(IMAGE), image(Some("a/b")), None),
        (Some("a/b"), image(Some("a/b")), None),
        (Some("application/json"), image(None), None),
        (Some("text/plain"), image(Some(IMAGE)), None),
        (
            Some(ARTIFACT),
            json!({ "mediaType": ARTIFACT, "blobs": [] }),
            Some(ARTIFACT),
        ),
        (Some(SIGNED), image(None), None),
        (None, json!({ "schemaVersion": 2 }), None),
        (None, json!({ "schemaVersion": 2, "config": {} }), None),
    ] {
        let body = body.to_string();
        let header: Vec<_> = header
            .map(|header| ("content-type", header))
            .into_iter()
            .collect();
        let digest = Digest::sha256(body.as_bytes());
        let line = format!("PUT /v2/a/manifests/{digest}?tag=v1");
        let reply = client.send(&line, &header, body.clone()).await;
        match stored {
            Some(stored) => {
                reply.check(201, "");
                let reply = client.get("/v2/a/manifests/v1").await;
                assert_eq!(reply.header("content-type"), stored, "{header:?} {body}");
                assert_eq!(&reply.body[..], body.as_bytes());
            }
            None => {
                reply.check(400, "MANIFEST_INVALID");
                let path = format!("/v2/a/manifests/{digest}");
                // Another row may have stored these bytes as something else.
                let reply = client.get(&path).await;
                let known = reply.status == 200 && reply.header("content-type") == header[0].1;
                assert!(!known, "{header:?} {body}");
            }
        }
    }
}

async fn a_manifest_keeps_every_byte(storage: Storage) {
    let client = storage.client();
    let config = Digest::sha256(b"{}");
    client.blob("a", "{}").await;
    for manifest in [
        format!(
            " {{\n\t\"layers\" : [ ],\r\n \"config\":{{\"size\":2,\"digest\":\"{config}\",\"mediaType\":\"a/b\"}} , \"schemaVersion\":2}}\n\n"
        ),
        format!(
            r#"{{"schemaVersion":2,"config":{{"mediaType":"a/b","digest":"{config}","size":2,"zz":[1.50,1e3]}},"layers":[],"annotations":{{"b":"\u00e9\/\ud83d\ude00","a":"é😀"}},"unknown":{{"twice":1,"twice":2}},"x":-0.0}}"#
        ),
    ] {
        for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
            let digest = Digest::of(algorithm, manifest.as_bytes());
            let path = format!("/v2/a/manifests/{digest}");
            let reply = client.put(&path, IMAGE, manifest.clone()).await;
            reply.check(201, "");
            assert_eq!(reply.header("docker-content-digest"), digest.as_str());
            let reply = client.get(reply.header("location")).await;
            assert_eq!(&reply.body[..], manifest.as_bytes());
        }
    }
}

async fn a_manifest_without_a_length_is_limited_as_well(storage: Storage) {
    let client = storage.client();
    client.blob("a", "{}").await;
    let mut manifest = image(json!({}));
    manifest.resize(4 * 1024 * 1024, b' ');
    let kind = [("content-type", IMAGE)];
    let line = "PUT /v2/a/manifests/v1";
    client
        .stream(line, &kind, manifest.clone())
        .await
        .check(201, "");
    manifest.push(b' ');
    client
        .stream(line, &kind, manifest)
        .await
        .check(413, "SIZE_INVALID");
}

async fn a_subject_need_not_be_there_and_can_be_of_any_algorithm(storage: Storage) {
    let client = storage.client();
    client.blob("a", "{}").await;
    for subject in [
        Digest::sha256(b"missing").to_string(),
        Digest::of(Algorithm::Sha512, b"missing").to_string(),
        format!("sha384:{}", "0".repeat(96)),
    ] {
        let refers = json!({ "mediaType": IMAGE, "digest": subject, "size": 7 });
        let manifest = image(json!({ "subject": refers }));
        let reply = client.put("/v2/a/manifests/v1", IMAGE, manifest).await;
        reply.check(201, "");
        assert_eq!(reply.header("oci-subject"), subject);
    }
}

async fn of_much_that_is_missing_only_some_is_named(storage: Storage) {
    let client = storage.client();
    client.blob("a", "{}").await;
    let layer = |number: usize| {
        let digest = Digest::sha256(number.to_string().as_bytes());
        json!({ "mediaType": "x", "digest": digest.as_str(), "size": 2 })
    };
    let layers: Vec<_> = (0..300).map(layer).collect();
    let manifest = image(json!({ "layers": layers }));
    let reply = client.put("/v2/a/manifests/v1", IMAGE, manifest).await;
    reply.check(400, "MANIFEST_BLOB_UNKNOWN");
    assert_eq!(reply.json()["errors"].as_array().unwrap().len(), 100);
}

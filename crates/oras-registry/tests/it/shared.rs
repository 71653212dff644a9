//! Two registries on one folder, as two processes are.

use oras_spec::Digest;
use serde_json::json;
use tempfile::TempDir;

use crate::both;
use crate::client::{Client, IMAGE, image};

fn two() -> (Client, Client, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let [one, two] = [(); 2].map(|()| Client::of(both::on(&folder).build().unwrap()));
    (one, two, folder)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_fifty_clients_of_two_registries_that_create_a_tag_one_wins() {
    let (one, two, _folder) = two();
    one.blob("a", "{}").await;
    let registries = [one.registry(), two.registry()];
    let racers = (0..50).map(|i| {
        let client = Client::of(registries[i % 2].clone());
        tokio::spawn(async move {
            let manifest = image(json!({ "annotations": { "racer": i.to_string() } }));
            let headers = [("content-type", IMAGE), ("if-none-match", "*")];
            let line = "PUT /v2/a/manifests/v1";
            let reply = client.send(line, &headers, manifest.clone()).await;
            assert!(matches!(reply.status.as_u16(), 201 | 412));
            (reply.status == 201).then(|| Digest::sha256(&manifest))
        })
    });
    let mut winners = Vec::new();
    for racer in racers.collect::<Vec<_>>() {
        winners.extend(racer.await.unwrap());
    }
    assert_eq!(winners.len(), 1);
    for client in [one, two] {
        let tagged = client.get("/v2/a/manifests/v1").await;
        assert_eq!(tagged.header("docker-content-digest"), winners[0].as_str());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_two_registries_push_at_the_same_time_is_all_there() {
    let (one, two, _folder) = two();
    one.blob("a", "{}").await;
    let registries = [one.registry(), two.registry()];
    let pushes = (0..40).map(|i| {
        let client = Client::of(registries[i % 2].clone());
        tokio::spawn(async move {
            client.image("a", &format!("t{i:02}")).await;
        })
    });
    for push in pushes.collect::<Vec<_>>() {
        push.await.unwrap();
    }
    let all: Vec<String> = (0..40).map(|i| format!("t{i:02}")).collect();
    for client in [one, two] {
        let tags = client.get("/v2/a/tags/list").await.json();
        assert_eq!(tags["tags"], json!(all));
    }
}

#[tokio::test]
async fn what_one_does_the_other_shows_at_once() {
    let (one, two, _folder) = two();
    for (here, there, tag) in [(&one, &two, "x"), (&two, &one, "y")] {
        let digest = here.image("a", tag).await;
        let by_tag = format!("/v2/a/manifests/{tag}");
        let by_digest = format!("/v2/a/manifests/{digest}");
        there.get(&by_tag).await.check(200, "");
        there.get(&by_digest).await.check(200, "");
        there
            .send(&format!("DELETE {by_digest}"), &[], "")
            .await
            .check(202, "");
        for path in [&by_tag, &by_digest, &format!("/v2/a/blobs/{digest}")] {
            assert_eq!(here.get(path).await.status, 404, "{path}");
        }
        assert_eq!(here.get("/v2/a/tags/list").await.json()["tags"], json!([]));
    }
}

#[tokio::test]
async fn an_upload_can_go_on_at_the_other() {
    let (one, two, _folder) = two();
    let session = one.session("a").await;
    for (client, range, body) in [
        (&two, "0-2", "abc"),
        (&one, "3-5", "def"),
        (&two, "6-8", "ghi"),
    ] {
        let patch = format!("PATCH {session}");
        let reply = client.send(&patch, &[("content-range", range)], body).await;
        reply.check(202, "");
    }
    let digest = Digest::sha256(b"abcdefghi");
    let put = format!("PUT {session}?digest={digest}");
    one.send(&put, &[], "").await.check(201, "");
    let blob = two.get(&format!("/v2/a/blobs/{digest}")).await;
    assert_eq!(&blob.body[..], b"abcdefghi");
    two.get(&session).await.check(404, "BLOB_UPLOAD_UNKNOWN");
}

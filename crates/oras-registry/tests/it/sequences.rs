//! What the programs people use send, request by request.

use oras_spec::{Digest, media_type};
use serde_json::json;

use crate::both::{Storage, on_both};
use crate::client::{Client, IMAGE, Reply};

on_both!(
    docker_streams_each_layer,
    containerd_and_buildkit_try_a_mount_and_put,
    podman_and_skopeo_stream_what_is_not_there,
    crane_and_kaniko_mount_patch_and_put,
    regctl_sends_chunks_and_asks_where_to_go_on,
    oras_and_helm_put_and_then_tag,
);

const OCTETS: (&str, &str) = ("content-type", "application/octet-stream");
const ACCEPT: (&str, &str) = (
    "accept",
    "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.v2+json, */*;q=0.1",
);
const LAYER: &str = "a layer, which is not a tar for once";
const CONFIG: &str = r#"{"architecture":"amd64","os":"linux"}"#;

fn location(reply: &Reply) -> String {
    reply.header("location").to_owned()
}

/// Adds a parameter as careful clients do.
fn with_digest(location: &str, content: &str) -> String {
    let separator = if location.contains('?') { '&' } else { '?' };
    format!(
        "{location}{separator}digest={}",
        Digest::sha256(content.as_bytes())
    )
}

async fn head(client: &Client, content: &str, status: u16) {
    let digest = Digest::sha256(content.as_bytes());
    let line = format!("HEAD /v2/team/app/blobs/{digest}");
    client.send(&line, &[], "").await.check(status, "");
}

fn manifest(manifest: &str, config: &str, layer: &str) -> String {
    let descriptor = |media_type: &str, content: &str| json!({ "mediaType": media_type, "digest": Digest::sha256(content.as_bytes()).as_str(), "size": content.len() });
    json!({
        "schemaVersion": 2,
        "mediaType": manifest,
        "config": descriptor(config, CONFIG),
        "layers": [descriptor(layer, LAYER)],
    })
    .to_string()
}

fn docker() -> String {
    manifest(
        media_type::DOCKER_MANIFEST,
        "application/vnd.docker.container.image.v1+json",
        "application/vnd.docker.image.rootfs.diff.tar.gzip",
    )
}

fn oci() -> String {
    manifest(IMAGE, media_type::IMAGE_CONFIG, media_type::IMAGE_LAYER)
}

/// Reads everything back, by tag and then by digest.
async fn pull(client: &Client, media_type: &str, manifest: &str) {
    let by_tag = client
        .send("GET /v2/team/app/manifests/v1", &[ACCEPT], "")
        .await;
    assert_eq!(by_tag.header("content-type"), media_type);
    assert_eq!(&by_tag.body[..], manifest.as_bytes());
    let digest = Digest::sha256(manifest.as_bytes());
    let line = format!("GET /v2/team/app/manifests/{digest}");
    let by_digest = client.send(&line, &[ACCEPT], "").await;
    assert_eq!(by_digest.body, by_tag.body);
    for content in [CONFIG, LAYER] {
        let digest = Digest::sha256(content.as_bytes());
        let blob = client.get(&format!("/v2/team/app/blobs/{digest}")).await;
        assert_eq!(&blob.body[..], content.as_bytes());
    }
}

async fn docker_streams_each_layer(storage: Storage) {
    let client = storage.client();
    client.send("GET /v2/", &[], "").await.check(200, "");
    for content in [LAYER, CONFIG] {
        head(&client, content, 404).await;
        let post = client
            .send("POST /v2/team/app/blobs/uploads/", &[], "")
            .await;
        post.check(202, "");
        post.header("docker-upload-uuid");
        let patch = format!("PATCH {}", location(&post));
        let patched = client.stream(&patch, &[], content).await;
        assert_eq!((patched.status.as_u16(), patched.body.len()), (202, 0));
        assert_eq!(patched.header("range"), format!("0-{}", content.len() - 1));
        let put = format!("PUT {}", with_digest(&location(&patched), content));
        client
            .send(&put, &[OCTETS, ("content-length", "0")], "")
            .await
            .check(201, "");
        head(&client, content, 200).await;
    }
    let put = client
        .put(
            "/v2/team/app/manifests/v1",
            media_type::DOCKER_MANIFEST,
            docker(),
        )
        .await;
    let digest = Digest::sha256(docker().as_bytes());
    assert_eq!(put.header("docker-content-digest"), digest.as_str());
    pull(&client, media_type::DOCKER_MANIFEST, &docker()).await;

    // A sibling mounts what is there already.
    let layer = Digest::sha256(LAYER.as_bytes());
    let mount = format!("POST /v2/team/other/blobs/uploads/?from=team%2Fapp&mount={layer}");
    let mounted = client.send(&mount, &[("content-length", "0")], "").await;
    mounted.check(201, "");
    assert_eq!(
        mounted.header("location"),
        format!("/v2/team/other/blobs/{layer}")
    );
}

async fn containerd_and_buildkit_try_a_mount_and_put(storage: Storage) {
    let client = storage.client();
    for content in [CONFIG, LAYER] {
        head(&client, content, 404).await;
        let digest = Digest::sha256(content.as_bytes());
        let post = format!("POST /v2/team/app/blobs/uploads/?from=library%2Fbase&mount={digest}");
        let post = client.send(&post, &[], "").await;
        post.check(202, "");
        let put = format!("PUT {}", with_digest(&location(&post), content));
        client.send(&put, &[OCTETS], content).await.check(201, "");
    }
    let line = "HEAD /v2/team/app/manifests/v1?ns=registry.example.com";
    client.send(line, &[ACCEPT], "").await.check(404, "");
    let headers = [("content-type", IMAGE)];
    let put = client
        .stream("PUT /v2/team/app/manifests/v1", &headers, oci())
        .await;
    put.check(201, "");
    pull(&client, IMAGE, &oci()).await;
}

async fn podman_and_skopeo_stream_what_is_not_there(storage: Storage) {
    let client = storage.client();
    client.blob("team/app", CONFIG).await;
    head(&client, CONFIG, 200).await;
    head(&client, LAYER, 404).await;
    let post = client
        .send("POST /v2/team/app/blobs/uploads/", &[], "")
        .await;
    let patch = format!("PATCH {}", location(&post));
    let patched = client.stream(&patch, &[OCTETS], LAYER).await;
    patched.check(202, "");
    let put = format!("PUT {}", with_digest(&location(&patched), LAYER));
    client.send(&put, &[OCTETS], "").await.check(201, "");
    client
        .put("/v2/team/app/manifests/v1", IMAGE, oci())
        .await
        .check(201, "");
    pull(&client, IMAGE, &oci()).await;
}

async fn crane_and_kaniko_mount_patch_and_put(storage: Storage) {
    let client = storage.client();
    for content in [LAYER, CONFIG] {
        let digest = Digest::sha256(content.as_bytes());
        let post = format!(
            "POST /v2/team/app/blobs/uploads/?from=library%2Fbase&mount={digest}&origin=other.example.com"
        );
        let post = client
            .send(&post, &[("content-type", "application/json")], "")
            .await;
        post.check(202, "");
        let patch = format!("PATCH {}", location(&post));
        let patched = client.stream(&patch, &[OCTETS], content).await;
        patched.check(202, "");
        let put = format!("PUT {}", with_digest(&location(&patched), content));
        client.send(&put, &[], "").await.check(201, "");
    }
    client
        .put("/v2/team/app/manifests/v1", IMAGE, oci())
        .await
        .check(201, "");
    // Once more, and everything is there: nothing is uploaded.
    for content in [LAYER, CONFIG] {
        head(&client, content, 200).await;
    }
    client
        .put("/v2/team/app/manifests/v1", IMAGE, oci())
        .await
        .check(201, "");
    pull(&client, IMAGE, &oci()).await;
}

async fn regctl_sends_chunks_and_asks_where_to_go_on(storage: Storage) {
    let client = storage.client();
    client.blob("team/app", CONFIG).await;
    let post = client
        .send(
            "POST /v2/team/app/blobs/uploads/",
            &[("content-length", "0")],
            "",
        )
        .await;
    let mut at = location(&post);
    let chunks = LAYER.as_bytes().chunks(10);
    for (index, chunk) in chunks.enumerate() {
        let first = index * 10;
        let range = format!("{first}-{}", first + chunk.len() - 1);
        let headers = [OCTETS, ("content-range", range.as_str())];
        let patched = client
            .send(&format!("PATCH {at}"), &headers, chunk.to_vec())
            .await;
        assert_eq!(
            patched.header("range"),
            format!("0-{}", first + chunk.len() - 1)
        );
        // The answer got lost, and the chunk is sent again.
        let again = client
            .send(&format!("PATCH {at}"), &headers, chunk.to_vec())
            .await;
        again.check(416, "BLOB_UPLOAD_INVALID");
        let status = client.get(&location(&again)).await;
        assert_eq!(status.header("range"), patched.header("range"));
        at = location(&status);
    }
    let put = format!("PUT {}", with_digest(&at, LAYER));
    client
        .send(&put, &[OCTETS, ("content-length", "0")], "")
        .await
        .check(201, "");
    client
        .put("/v2/team/app/manifests/v1", IMAGE, oci())
        .await
        .check(201, "");
    pull(&client, IMAGE, &oci()).await;
}

async fn oras_and_helm_put_and_then_tag(storage: Storage) {
    let client = storage.client();
    for content in [LAYER, CONFIG] {
        head(&client, content, 404).await;
        let post = client
            .send("POST /v2/team/app/blobs/uploads/", &[], "")
            .await;
        let put = format!("PUT {}", with_digest(&location(&post), content));
        client.send(&put, &[OCTETS], content).await.check(201, "");
    }
    let digest = Digest::sha256(oci().as_bytes());
    let line = format!("HEAD /v2/team/app/manifests/{digest}");
    client.send(&line, &[ACCEPT], "").await.check(404, "");
    client
        .put(&format!("/v2/team/app/manifests/{digest}"), IMAGE, oci())
        .await
        .check(201, "");
    client
        .put("/v2/team/app/manifests/v1", IMAGE, oci())
        .await
        .check(201, "");
    pull(&client, IMAGE, &oci()).await;
    // Are there referrers? A registry without them would say 404.
    let zeros = "0".repeat(64);
    let reply = client
        .get(&format!("/v2/team/app/referrers/sha256:{zeros}"))
        .await;
    reply.check(200, "");
    assert_eq!(reply.header("content-type"), media_type::IMAGE_INDEX);
    let untag = [("if-match", "*")];
    client
        .send("DELETE /v2/team/app/manifests/v1", &untag, "")
        .await
        .check(202, "");
    client
        .get(&format!("/v2/team/app/manifests/{digest}"))
        .await
        .check(200, "");
}

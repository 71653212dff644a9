//! What pages show of an artifact.

use bytes::Bytes;
use oras_registry::Registry;
use oras_registry::driver::{Condition, Entry, ManifestCommit, Manifests};
use oras_registry::memory::MemoryDriver;
use oras_spec::{Annotations, Digest};
use serde_json::{Value, json};

use crate::client::{Client, IMAGE, INDEX, image};
use crate::page::{between, look};

const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

fn layer(content: &str, title: &str) -> Value {
    json!({
        "mediaType": "application/octet-stream",
        "digest": Digest::sha256(content.as_bytes()).as_str(),
        "size": content.len(),
        "annotations": { "org.opencontainers.image.title": title },
    })
}

async fn put(
    client: &Client,
    name: &str,
    reference: &str,
    media_type: &str,
    manifest: &[u8],
) -> Digest {
    let path = format!("/v2/{name}/manifests/{reference}");
    client
        .put(&path, media_type, manifest.to_vec())
        .await
        .check(201, "");
    Digest::sha256(manifest)
}

/// Pushes something that refers to `subject`.
async fn attach(client: &Client, name: &str, subject: &Digest, kind: &str) -> Digest {
    let manifest = image(json!({
        "artifactType": kind,
        "subject": { "mediaType": IMAGE, "digest": subject.as_str(), "size": 1 },
    }));
    let digest = Digest::sha256(&manifest);
    put(client, name, digest.as_str(), IMAGE, &manifest).await
}

#[tokio::test]
async fn an_artifact_shows_its_files_and_what_is_said_about_it() {
    let client = Client::new();
    let big = "x".repeat(3 * 1024 * 1024 / 2);
    for content in ["{}", "hello", &big] {
        client.blob("team/app", content.to_owned()).await;
    }
    let manifest = image(json!({
        "artifactType": "application/vnd.example.release",
        "layers": [layer("hello", "docs/hello.txt"), layer(&big, "big.bin")],
        "annotations": {
            "org.opencontainers.image.created": "2026-01-02T03:04:05Z",
            "org.opencontainers.image.source": "https://git.example/a?b&c",
            "org.example.homepage": "https://home.example/",
            "org.example.text": "two\nlines",
        },
    }));
    let digest = put(&client, "team/app", "v1", IMAGE, &manifest).await;

    let page = look(&client, "/r/team/app:v1").await;
    page.has("<title>team/app:v1 · reg.example:5000</title>");
    page.has(digest.as_str());
    page.has("<bdi>application/vnd.example.release</bdi>");
    page.has("<b><bdi>docs/hello.txt</bdi></b>");
    page.has("download=\"hello.txt\"");
    page.has(">1.5 MiB<");
    page.has("<span class=\"minute\">03:04 UTC</span>");
    page.has("<bdi>two\nlines</bdi>");
    page.has("<code>oras pull reg.example:5000/team/app:v1</code>");
    page.has("<code>oras discover reg.example:5000/team/app:v1</code>");
    page.lacks("docker pull");
    // Only annotations that are meant to be addresses become links.
    page.has("<a href=\"https://git.example/a?b&amp;c\" rel=\"noopener noreferrer nofollow\">");
    page.lacks("href=\"https://home.example/");
    page.has("&quot;artifactType&quot;: &quot;application/vnd.example.release&quot;,\n");
    // Whatever it links to is there.
    for link in page
        .links()
        .iter()
        .filter(|link| link.starts_with('/') && *link != "/")
    {
        assert_eq!(client.get(link).await.status, 200, "{link}");
    }
    let blob = format!("/v2/team/app/blobs/{}", Digest::sha256(b"hello"));
    assert!(page.links().contains(&blob));

    let tags = look(&client, "/r/team/app").await;
    tags.has("href=\"/r/team/app:v1\"");
    tags.has(&format!("href=\"/r/team/app@{digest}\""));
    tags.has(&format!("<code>{}</code>", digest.short()));
    tags.has("<span class=\"type\"><bdi>application/vnd.example.release</bdi></span>");
    tags.has("2026-01-02 ");
    tags.has(">1.5 MiB<");
}

#[tokio::test]
async fn an_index_shows_its_platforms_and_images_can_be_pulled_by_engines() {
    let client = Client::new();
    client.blob("hello", "{}").await;
    let manifest = image(json!({ "config": {
        "mediaType": CONFIG, "digest": Digest::sha256(b"{}").as_str(), "size": 2,
    }}));
    let child = put(&client, "hello", "amd64", IMAGE, &manifest).await;
    let index = json!({
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [{
            "mediaType": IMAGE, "digest": child.as_str(), "size": manifest.len(),
            "platform": { "os": "linux", "architecture": "arm64", "variant": "v8" },
        }],
    });
    put(
        &client,
        "hello",
        "v1",
        INDEX,
        &serde_json::to_vec(&index).unwrap(),
    )
    .await;
    let page = look(&client, "/r/hello:v1").await;
    page.has("<p class=\"eyebrow\">Index</p>");
    page.has(&format!(
        "<a href=\"/r/hello@{child}\"><b><bdi>linux/arm64/v8</bdi></b></a>"
    ));
    page.has("<code>docker pull reg.example:5000/hello:v1</code>");
    let page = look(&client, &format!("/r/hello@{child}")).await;
    page.has("<p class=\"eyebrow\">Image</p>");
    page.has(&format!(
        "<code>docker pull reg.example:5000/hello@{child}</code>"
    ));
    let page = look(&client, "/r/hello").await;
    page.has(">Index</span>");
    page.has("1 manifest<");
}

#[tokio::test]
async fn referrers_are_a_tree_and_lead_back_to_their_subject() {
    let folder = tempfile::tempdir().unwrap();
    let on_disk = Registry::builder().folder(folder.path()).build().unwrap();
    for client in [Client::new(), Client::of(on_disk)] {
        tree(&client).await;
    }
}

async fn tree(client: &Client) {
    let subject = client.image("a", "v1").await;
    let sbom = attach(client, "a", &subject, "application/spdx+json").await;
    let signature = attach(client, "a", &sbom, "application/vnd.cncf.notary.signature").await;
    let page = look(client, "/r/a:v1").await;
    let tree = between(&page.html, "<ul class=\"tree\">", "</section>");
    let (outer, inner) = tree.split_once("<ul>").unwrap();
    assert!(
        outer.contains(&format!("/r/a@{sbom}\"><b>SBOM</b>")),
        "{outer}"
    );
    assert!(
        inner.contains(&format!("/r/a@{signature}\"><b>Signature</b>")),
        "{inner}"
    );
    let page = look(client, &format!("/r/a@{signature}")).await;
    page.has("Nothing refers to this.");
    page.has(&format!("<dd><a href=\"/r/a@{sbom}\">"));
}

#[tokio::test]
async fn the_tree_is_bounded_in_breadth_depth_and_number() {
    let client = Client::new();
    let subject = client.image("a", "v1").await;
    let mut first = Vec::new();
    for number in 0..45 {
        first.push(attach(&client, "a", &subject, &format!("first/{number}")).await);
    }
    first.sort();
    for (number, digest) in first[..15].iter().enumerate() {
        for more in 0..12 {
            attach(&client, "a", digest, &format!("second/{number}.{more}")).await;
        }
    }
    let mut deep = first[40].clone();
    for level in 0..10 {
        deep = attach(&client, "a", &deep, &format!("level/{level}")).await;
    }

    let (mut next, mut pages) = (Some("/r/a:v1".to_owned()), Vec::new());
    while let Some(path) = next {
        let page = look(&client, &path).await;
        next = page.next();
        pages.push(page);
    }
    let shown = |page: usize, what: &str| pages[page].html.matches(what).count();
    let firsts: Vec<usize> = (0..pages.len())
        .map(|page| shown(page, "<bdi>first/"))
        .collect();
    assert_eq!(firsts, [20, 20, 5]);
    // Ten below each of the first ten use up what one page shows.
    assert_eq!(shown(0, "<bdi>second/"), 100);
    assert_eq!(shown(0, "more referrers"), 15);
    assert_eq!(shown(2, "<bdi>level/"), 3);
    assert_eq!(shown(2, "more referrers"), 1);
}

/// Storage that was written by somebody else, who may be wrong.
async fn stored(
    driver: &MemoryDriver,
    name: &str,
    bytes: &'static str,
    digest: &Digest,
    subject: Option<&Digest>,
) {
    let commit = ManifestCommit {
        entry: Entry {
            media_type: IMAGE.to_owned(),
            digest: digest.clone(),
            size: bytes.len() as u64,
            artifact_type: None,
            annotations: Annotations::new(),
            subject: subject.cloned(),
        },
        bytes: Bytes::from_static(bytes.as_bytes()),
        tags: vec!["v1".to_owned()],
        condition: Condition::Always,
        required: Vec::new(),
    };
    driver.put_manifest(name, commit).await.unwrap();
}

#[tokio::test]
async fn a_circle_of_referrers_ends() {
    let driver = MemoryDriver::new();
    let (one, two) = (Digest::sha256(b"1"), Digest::sha256(b"2"));
    stored(&driver, "a", "{}", &one, Some(&two)).await;
    stored(&driver, "a", "{}", &two, Some(&one)).await;
    let own = Digest::sha256(b"3");
    stored(&driver, "a", "{}", &own, Some(&own)).await;
    let client = Client::of(Registry::builder().store(driver).build().unwrap());
    for digest in [one, own] {
        let page = look(&client, &format!("/r/a@{digest}")).await;
        assert_eq!(page.reply.status, 200);
        assert_eq!(page.html.matches("refers to itself").count(), 1);
    }
}

#[tokio::test]
async fn storage_that_is_wrong_is_shown_as_far_as_it_goes() {
    let driver = MemoryDriver::new();
    stored(&driver, "a", "<b>no JSON", &Digest::sha256(b"1"), None).await;
    stored(&driver, "<b>bad/name", "{}", &Digest::sha256(b"2"), None).await;
    let client = Client::of(Registry::builder().store(driver).build().unwrap());
    let page = look(&client, "/").await;
    page.has("&lt;b&gt;bad");
    page.lacks("<b>bad");
    page.lacks("/r/&lt;");
    let page = look(&client, "/r/a").await;
    assert_eq!(page.reply.status, 200);
    let page = look(&client, "/r/a:v1").await;
    page.has("can't be read");
    page.has("<bdi>&lt;b&gt;noJSON</bdi>");
}

//! Layouts that other programs have written, served as they are.

use std::path::Path;

use oras_spec::{Descriptor, Digest, ImageIndex, json, layout};
use serde_json::json;

use crate::both;
use crate::client::{Client, IMAGE, INDEX, image};
use crate::listings::{many_referrers, many_referrers_are_paged, many_tags, many_tags_are_paged};

fn tagged(descriptor: &Descriptor, tag: &str) -> Descriptor {
    let mut descriptor = descriptor.clone();
    let key = "org.opencontainers.image.ref.name".to_owned();
    descriptor.annotations.insert(key, tag.to_owned());
    descriptor
}

fn write_layout(root: &Path, index: &ImageIndex, contents: impl IntoIterator<Item = Vec<u8>>) {
    std::fs::create_dir_all(root.join("blobs/sha256")).unwrap();
    for content in contents {
        let path = layout::blob_path(&Digest::sha256(&content));
        std::fs::write(root.join(path), content).unwrap();
    }
    let version = r#"{"imageLayoutVersion":"1.0.0"}"#;
    std::fs::write(root.join("oci-layout"), version).unwrap();
    std::fs::write(root.join("index.json"), json::to_vec(index).unwrap()).unwrap();
}

#[tokio::test]
async fn more_tags_than_fit_into_a_page_are_all_found() {
    let folder = tempfile::tempdir().unwrap();
    let tags = many_tags();
    let manifest = image(json!({}));
    let described = Descriptor::of_bytes(IMAGE, &manifest);
    // Not in the order of their names.
    let entries = tags.iter().rev().map(|tag| tagged(&described, tag));
    let index = ImageIndex::new(entries.collect());
    write_layout(&folder.path().join("a"), &index, [manifest]);
    let client = Client::of(both::on(&folder).build().unwrap());
    many_tags_are_paged(&client).await;
}

#[tokio::test]
async fn thousands_of_referrers_come_in_pages() {
    let folder = tempfile::tempdir().unwrap();
    let subject = Digest::sha256(b"subject");
    let entries = many_referrers(&subject).map(|manifest| Descriptor::of_bytes(IMAGE, &manifest));
    let index = ImageIndex::new(entries.collect());
    write_layout(&folder.path().join("a"), &index, many_referrers(&subject));
    let client = Client::of(both::on(&folder).build().unwrap());
    many_referrers_are_paged(&client, &subject).await;
}

#[tokio::test]
async fn referrers_that_only_a_fallback_tag_lists_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("team/app");
    let subject = image(json!({ "annotations": { "subject": "" } }));
    let described = Descriptor::of_bytes(IMAGE, &subject);
    let refers =
        json!({ "mediaType": IMAGE, "digest": described.digest.as_str(), "size": subject.len() });
    let referrer = image(json!({ "subject": refers, "artifactType": "sig/x" }));
    // It is in the list, but refers to something else: whatever the tag says, its subject counts.
    let stray = image(json!({ "annotations": { "stray": "" } }));
    let listed = [&referrer, &stray].map(|manifest| Descriptor::of_bytes(IMAGE, manifest));
    let list = json::to_vec(&ImageIndex::new(listed.to_vec())).unwrap();
    let fallback = described.digest.as_str().replace(':', "-");
    let index = ImageIndex::new(vec![
        tagged(&described, "v1"),
        tagged(&Descriptor::of_bytes(INDEX, &list), &fallback),
    ]);
    let contents = [b"{}", &subject[..], &referrer, &stray, &list];
    write_layout(&root, &index, contents.map(<[u8]>::to_vec));

    let client = Client::of(both::on(&folder).build().unwrap());
    let path = format!("/v2/team/app/referrers/{}", described.digest);
    let found = client.get(&path).await.json()["manifests"].clone();
    let expected = json!([{
        "mediaType": IMAGE,
        "digest": Digest::sha256(&referrer).as_str(),
        "size": referrer.len(),
        "artifactType": "sig/x",
    }]);
    assert_eq!(found, expected);
    // The tag remains an ordinary one.
    let tags = client.get("/v2/team/app/tags/list").await.json();
    assert_eq!(tags["tags"], json!([fallback, "v1"]));
    let reply = client
        .get(&format!("/v2/team/app/manifests/{fallback}"))
        .await;
    assert_eq!(&reply.body[..], &list[..]);
}

#[cfg(unix)]
#[tokio::test]
async fn an_index_that_is_no_file_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    for (name, make) in [("a", "mkfifo"), ("b", "mkdir")] {
        let root = folder.path().join(name);
        write_layout(&root, &ImageIndex::new(Vec::new()), []);
        let index = root.join("index.json");
        std::fs::remove_file(&index).unwrap();
        let made = std::process::Command::new(make).arg(index).status();
        assert!(made.unwrap().success());
    }
    let root = folder.path().join("c");
    write_layout(&root, &ImageIndex::new(Vec::new()), []);
    std::fs::remove_file(root.join("index.json")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", root.join("index.json")).unwrap();
    let client = Client::of(both::on(&folder).build().unwrap());
    client.image("good", "v1").await;
    let catalog = client.get("/v2/_catalog").await.json();
    assert_eq!(catalog["repositories"], json!(["good"]));
}

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

#[tokio::test]
async fn a_folder_that_is_something_else_is_refused_and_left_as_it_is() {
    let refused = |folder: &tempfile::TempDir, reason: &str| {
        let before = std::fs::read_dir(folder.path()).unwrap().count();
        let mut error: &dyn std::error::Error = &both::on(folder).build().err().unwrap();
        while let Some(source) = error.source() {
            error = source;
        }
        assert!(error.to_string().contains(reason), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), before);
    };
    let itself = tempfile::tempdir().unwrap();
    write_layout(itself.path(), &ImageIndex::new(Vec::new()), []);
    refused(&itself, "image layout");

    let name = "docker/registry/v2/repositories";
    let other = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(other.path().join(name)).unwrap();
    refused(&other, "docker-registry");

    // Where this registry has been before, that is a name like any other.
    let ours = tempfile::tempdir().unwrap();
    let client = Client::of(both::on(&ours).build().unwrap());
    client.blob(name, "{}").await;
    client.image(name, "v1").await;
    assert!(both::on(&ours).build().is_ok());
}

#[tokio::test]
async fn a_folder_that_has_vanished_is_not_made_again() {
    let above = tempfile::tempdir().unwrap();
    let folder = above.path().join("volume");
    let registry = oras_registry::Registry::builder().folder(&folder);
    let client = Client::of(registry.build().unwrap());
    client.blob("a", "{}").await;
    let away = above.path().join("away");
    std::fs::rename(&folder, &away).unwrap();
    let uploads = "POST /v2/b/blobs/uploads/";
    assert_eq!(client.send(uploads, &[], "").await.status, 500);
    assert_eq!(client.get("/readyz").await.status, 503);
    assert!(!folder.exists());
    std::fs::rename(&away, &folder).unwrap();
    assert_eq!(client.send(uploads, &[], "").await.status, 202);
}

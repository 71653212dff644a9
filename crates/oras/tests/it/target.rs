//! Opening stores by name, and the example that does.

#[path = "../../examples/push_and_pull.rs"]
#[allow(dead_code)]
mod example;

use std::fs;

use oras::content::{ErrorKind, Payload};
use oras::remote::Client;
use oras::spec::Descriptor;
use oras::{TargetName, open, open_source};

#[track_caller]
fn check(text: &str, expected: &str) {
    let name: TargetName = text.parse().unwrap();
    let shown = match &name {
        TargetName::Registry(reference) => format!("registry {}", reference.name()),
        TargetName::Layout { path, .. } => format!("layout {}", path.display()),
        TargetName::Archive { path, .. } => format!("archive {}", path.display()),
        other => format!("{other:?}"),
    };
    assert_eq!(format!("{shown} {}", name.reference()), expected);
}

#[test]
fn names_say_what_kind_of_store_is_meant() {
    check("localhost:5000/app:v1", "registry localhost:5000/app v1");
    check("ghcr.io/org/app", "registry ghcr.io/org/app ");
    check("oci:some/folder:v1", "layout some/folder v1");
    check("oci:folder", "layout folder ");
    check("oci:a:b:v1", "layout a:b v1");
    check("oci:folder@sha256:abc", "layout folder sha256:abc");
    check("oci-archive:file.tar:v1", "archive file.tar v1");
    for text in [
        "oci::v1",
        "oci:",
        "/app",
        "app",
        "localhost:5000/app:bad+tag",
    ] {
        let error = text.parse::<TargetName>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidReference, "{text}");
    }
}

#[tokio::test]
async fn a_layout_is_made_by_writing_and_expected_for_reading() {
    let folder = tempfile::tempdir().unwrap();
    let name = format!("oci:{}:v1", folder.path().join("layout").display());
    let client = Client::builder().build().unwrap();
    assert!(open_source(&name, &client).await.is_err());
    assert!(!folder.path().join("layout").exists());

    let opened = open(&name, &client).await.unwrap();
    assert_eq!(opened.reference, "v1");
    let blob = Descriptor::of_bytes("application/octet-stream", b"blob");
    opened
        .store
        .push(&blob, Payload::bytes("blob"))
        .await
        .unwrap();
    assert_eq!(open_source(&name, &client).await.unwrap().reference, "v1");
    let archive = open("oci-archive:x.tar:v1", &client).await.err().unwrap();
    assert_eq!(archive.kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn the_example_works_with_a_layout() {
    let folder = tempfile::tempdir().unwrap();
    let name = format!("oci:{}:v1", folder.path().join("layout").display());
    let out = folder.path().join("out");
    let digests = example::push_and_pull(&name, out.to_str().unwrap()).await;
    let (pushed, pulled) = digests.unwrap();
    assert_eq!(pushed, pulled);
    assert_eq!(fs::read(out.join("my.thing")).unwrap(), b"my thing");
}

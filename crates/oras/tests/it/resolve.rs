//! From references to manifests, for a platform.

use oras::content::memory::MemoryStore;
use oras::content::{ErrorKind, Tag};
use oras::spec::{Descriptor, Platform, media_type};
use oras::{CopyOptions, copy, fetch_manifest, resolve};

use crate::support::*;

async fn image(store: &MemoryStore, platform: &Platform) -> Descriptor {
    let config = format!(
        r#"{{"architecture":"{}","os":"{}"}}"#,
        platform.architecture, platform.os
    );
    let config = put(store, media_type::IMAGE_CONFIG, config).await;
    let layer = blob(store, &platform.to_string()).await;
    let mut image = manifest_with(store, vec![layer], |manifest| {
        manifest.artifact_type = None;
        manifest.config = config;
    })
    .await;
    image.platform = Some(platform.clone());
    image
}

async fn images() -> (MemoryStore, Descriptor, Descriptor) {
    let store = MemoryStore::new();
    let amd = image(&store, &Platform::new("linux", "amd64")).await;
    let arm = image(&store, &Platform::new("linux", "arm64")).await;
    let root = index(&store, vec![amd.clone(), arm.clone()]).await;
    store.tag(&root, "multi").await.unwrap();
    store.tag(&arm.plain(), "arm").await.unwrap();
    let artifact = manifest(&store, vec![]).await;
    store.tag(&artifact, "artifact").await.unwrap();
    let text = blob(&store, "text").await;
    store.tag(&text, "text").await.unwrap();
    (store, root, arm)
}

#[tokio::test]
async fn a_platform_selects_the_entry_of_an_index_or_checks_a_manifest() {
    let (store, root, arm) = images().await;
    let store = source(store);
    let wanted = Platform::new("linux", "arm64");

    assert_eq!(
        resolve(&store, "multi", None).await.unwrap().digest,
        root.digest
    );
    assert_eq!(resolve(&store, "multi", Some(&wanted)).await.unwrap(), arm);
    assert_eq!(
        resolve(&store, "arm", Some(&wanted)).await.unwrap(),
        arm.plain()
    );
    let manifest = fetch_manifest(&store, "multi", Some(&wanted))
        .await
        .unwrap();
    assert_eq!(manifest.descriptor().digest, arm.digest);
}

#[tokio::test]
async fn a_platform_that_is_not_there_or_not_known_is_said() {
    let (store, root, arm) = images().await;
    let store = source(store);
    let wanted = Platform::new("plan9", "mips");
    let text_digest = resolve(&store, "text", None).await.unwrap().digest;
    let expected = [
        (
            "multi",
            ErrorKind::NotFound,
            format!("{}: not found: no matching manifest was found in the manifest list", root.digest),
        ),
        (
            "arm",
            ErrorKind::NotFound,
            format!("{}: not found: platform in manifest does not match target platform", arm.digest),
        ),
        (
            "artifact",
            ErrorKind::Unsupported,
            "fail to recognize platform from unknown config application/vnd.oci.empty.v1+json: expect application/vnd.oci.image.config.v1+json: unsupported".to_owned(),
        ),
        (
            "text",
            ErrorKind::Unsupported,
            format!("{text_digest}: application/octet-stream: unsupported"),
        ),
    ];
    for (reference, kind, text) in expected {
        let error = resolve(&store, reference, Some(&wanted)).await.unwrap_err();
        assert_eq!((error.kind(), error.chain()), (kind, text));
    }
}

#[tokio::test]
async fn a_copy_for_one_platform_leaves_the_index_behind() {
    let (store, root, arm) = images().await;
    let store = source(store);
    for target in [Probe::new(), Probe::registry("r", "to")] {
        for destination in ["v1", ""] {
            let mut options = CopyOptions::default();
            options.platform = Some(Platform::new("linux", "arm64"));
            let copied = copy(&store, "multi", &target.target(), destination, &options).await;
            assert_eq!(copied.unwrap().digest, arm.digest);
            complete(target.store(), &arm).await;
            assert!(!target.has(&root).await);
        }
    }
}

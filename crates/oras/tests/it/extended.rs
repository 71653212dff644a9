//! Copies with everything that refers to the artifact.

use std::sync::Arc;

use oras::content::memory::MemoryStore;
use oras::content::{Fetch, Resolve, Source, Tag};
use oras::spec::{Descriptor, media_type};
use oras::{ExtendedCopyOptions, extended_copy};

use crate::support::*;

/// An artifact `v1` with an SBOM, a signature of the SBOM and a signature of its own.
struct Family {
    store: MemoryStore,
    root: Descriptor,
    sbom: Descriptor,
    sbom_signature: Descriptor,
    signature: Descriptor,
}

async fn family() -> Family {
    let store = MemoryStore::new();
    let root = manifest(&store, vec![blob(&store, "app").await]).await;
    store.tag(&root, "v1").await.unwrap();
    let sbom = referrer(&store, &root, "application/sbom").await;
    let sbom_signature = referrer(&store, &sbom, "application/signature").await;
    let signature = referrer(&store, &root, "application/signature").await;
    Family {
        store,
        root,
        sbom,
        sbom_signature,
        signature,
    }
}

async fn copied(store: &Arc<dyn Source>, options: &ExtendedCopyOptions) -> Probe {
    let target = Probe::new();
    extended_copy(store, "v1", &target.target(), "v2", options)
        .await
        .unwrap();
    target
}

#[tokio::test]
async fn referrers_of_referrers_come_along() {
    let family = family().await;
    let target = copied(&source(family.store), &ExtendedCopyOptions::default()).await;
    for one in [
        &family.root,
        &family.sbom,
        &family.sbom_signature,
        &family.signature,
    ] {
        complete(target.store(), one).await;
    }
    assert_eq!(target.names(), ["tag v2"]);
    assert_eq!(
        target.store().resolve("v2").await.unwrap().digest,
        family.root.digest
    );
}

#[tokio::test]
async fn a_depth_ends_the_walk() {
    let family = family().await;
    let store = source(family.store);
    let mut options = ExtendedCopyOptions {
        depth: Some(1),
        ..ExtendedCopyOptions::default()
    };
    let target = copied(&store, &options).await;
    assert!(target.has(&family.sbom).await);
    assert!(target.has(&family.signature).await);
    assert!(!target.has(&family.sbom_signature).await);

    options.depth = Some(0);
    let target = copied(&store, &options).await;
    assert!(target.has(&family.root).await);
    assert!(!target.has(&family.sbom).await);
}

#[tokio::test]
async fn a_filter_sees_the_type_that_counts_on_every_level() {
    let family = family().await;
    let options = ExtendedCopyOptions {
        filter: Some(Arc::new(|referrer: &Descriptor| {
            referrer.artifact_type.as_deref() == Some("application/signature")
        })),
        ..ExtendedCopyOptions::default()
    };
    let target = copied(&source(family.store), &options).await;
    assert!(target.has(&family.signature).await);
    assert!(!target.has(&family.sbom).await);
    assert!(!target.has(&family.sbom_signature).await);
}

#[tokio::test]
async fn the_type_of_a_referrer_is_its_own_or_that_of_its_config_also_for_an_index() {
    // A plain store that can only tell predecessors.
    let store = Probe::new();
    let root = manifest(&store, vec![blob(&store, "app").await]).await;
    let by_config = manifest_with(&store, Vec::new(), |manifest| {
        manifest.artifact_type = None;
        manifest.config.media_type = "application/by.config".into();
        manifest.config.data = None;
        manifest.subject = Some(root.plain());
    })
    .await;
    let own = referrer(&store, &root, "application/own").await;
    let mut listing = oras::spec::ImageIndex::new(Vec::new());
    listing.artifact_type = Some("application/index".into());
    listing.subject = Some(root.plain());
    let bytes = oras::spec::json::to_vec(&listing).unwrap();
    let listing = put(&store, media_type::IMAGE_INDEX, bytes).await;
    // Lists the root, but does not refer to it.
    let parent = index(&store, vec![root.clone()]).await;

    let mut found = oras::referrers(&store.source(), &root, None).await.unwrap();
    found.sort_by_key(|referrer| referrer.artifact_type.clone());
    let types: Vec<_> = found
        .iter()
        .map(|r| r.artifact_type.as_deref().unwrap())
        .collect();
    assert_eq!(
        types,
        [
            "application/by.config",
            "application/index",
            "application/own"
        ]
    );
    assert!(
        !found
            .iter()
            .any(|referrer| referrer.digest == parent.digest)
    );
    assert_eq!(found[0].digest, by_config.digest);
    assert_eq!(found[1].digest, listing.digest);
    assert_eq!(found[2].digest, own.digest);

    let only = oras::referrers(&store.source(), &root, Some("application/index"))
        .await
        .unwrap();
    assert_eq!(only.len(), 1);
}

#[tokio::test]
async fn a_parent_index_stays_behind() {
    let family = family().await;
    let parent = index(&family.store, vec![family.root.clone()]).await;
    let target = copied(&source(family.store), &ExtendedCopyOptions::default()).await;
    assert!(!target.has(&parent).await);
}

#[tokio::test]
async fn what_refers_to_the_manifests_of_an_index_comes_along_also_when_nothing_refers_to_it() {
    let store = MemoryStore::new();
    let arm = manifest(&store, vec![blob(&store, "arm").await]).await;
    let amd = manifest(&store, vec![blob(&store, "amd").await]).await;
    let root = index(&store, vec![arm.clone(), amd]).await;
    store.tag(&root, "v1").await.unwrap();
    let signature = referrer(&store, &arm, "application/signature").await;
    let further = referrer(&store, &signature, "application/stamp").await;

    let target = copied(&source(store), &ExtendedCopyOptions::default()).await;
    for one in [&root, &signature, &further] {
        complete(target.store(), one).await;
    }
}

#[tokio::test]
async fn an_empty_index_can_be_copied() {
    let store = MemoryStore::new();
    let root = index(&store, Vec::new()).await;
    store.tag(&root, "v1").await.unwrap();
    let target = copied(&source(store), &ExtendedCopyOptions::default()).await;
    assert!(target.has(&root).await);
    assert_eq!(target.names(), ["tag v2"]);
}

#[tokio::test]
async fn a_copy_to_its_own_digest_is_not_named() {
    let family = family().await;
    let target = Probe::new();
    let digest = family.root.digest.to_string();
    let options = ExtendedCopyOptions::default();
    extended_copy(
        &source(family.store),
        "v1",
        &target.target(),
        &digest,
        &options,
    )
    .await
    .unwrap();
    assert_eq!(target.names(), Vec::<String>::new());
}

#[tokio::test]
async fn a_registry_is_asked_once_about_each_and_names_in_one_request() {
    let family = family().await;
    let from = Probe::registry("r", "from");
    let options = ExtendedCopyOptions::default();
    let memory = source(family.store);
    extended_copy(&memory, "v1", &from.target(), "v1", &options)
        .await
        .unwrap();
    from.forget_counts();

    let to = Probe::registry("elsewhere", "to");
    let (copy, events) = recorded();
    let options = ExtendedCopyOptions {
        copy,
        ..ExtendedCopyOptions::default()
    };
    extended_copy(&from.source(), "v1", &to.target(), "v1", &options)
        .await
        .unwrap();
    assert_eq!(from.count(Op::Fetch, &family.root), 1);
    assert_eq!(to.names(), ["push v1"]);
    complete(to.store(), &family.sbom_signature).await;

    let before = events.lines().len();
    extended_copy(&from.source(), "v1", &to.target(), "v1", &options)
        .await
        .unwrap();
    assert_eq!(events.lines()[before..], ["exists image", "exists image"]);
}

#[tokio::test]
async fn copying_a_referrer_brings_its_subject_and_the_siblings_stay() {
    let family = family().await;
    family.store.tag(&family.signature, "v1").await.unwrap();
    let target = copied(&source(family.store), &ExtendedCopyOptions::default()).await;
    assert!(target.store().exists(&family.root).await.unwrap());
    assert!(!target.has(&family.sbom).await);
}

//! Finding what is damaged, and only that.

use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::Path;

use futures_util::TryStreamExt;
use oras_registry::driver::{Blobs, Manifests, Uploads};
use oras_registry::layout::{CheckOptions, CheckReport, Damage, LayoutDriver};
use oras_spec::{Algorithm, Digest};
use serde_json::Value;

use super::folder::{Folder, files, index, open, push, push_image, put, tagged};

fn repairing() -> CheckOptions {
    let mut options = CheckOptions::default();
    options.repair = true;
    options
}

fn found(report: &CheckReport) -> Vec<(Option<&str>, Option<&Digest>, &Damage)> {
    let problems = report.problems.iter();
    let found = problems.map(|one| (one.repository.as_deref(), one.digest.as_ref(), &one.damage));
    found.collect()
}

/// Flips one bit, in place and without a trace in the length.
fn damage(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    let file = fs::File::options()
        .read(true)
        .write(true)
        .open(path)
        .unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, 2).unwrap();
    file.write_all_at(&[byte[0] ^ 1], 2).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o444)).unwrap();
}

async fn push_sha512(driver: &LayoutDriver, name: &str, content: &'static [u8]) -> Digest {
    let digest = Digest::of(Algorithm::Sha512, content);
    driver
        .start_upload(name, "long", Algorithm::Sha512)
        .await
        .unwrap();
    let mut writer = driver.write_upload(name, "long").await.unwrap().unwrap();
    writer.write(content.into()).await.unwrap();
    writer.commit(&digest).await.unwrap();
    digest
}

#[tokio::test]
async fn a_flipped_bit_is_found_set_aside_and_healed_by_pushing_again() {
    let folder = Folder::new();
    let driver = &folder.driver;
    let (image, layer) = push_image(driver, "a", b"the layer", &["v1"], None).await;
    push_image(driver, "b/c", b"the layer", &["v1"], None).await;
    let long = push_sha512(driver, "a", b"by its long name").await;
    let (other, _) = push_image(driver, "a", b"untouched", &["v2"], None).await;
    let clean = driver.check(CheckOptions::default()).await.unwrap();
    assert_eq!((found(&clean), clean.repositories), (Vec::new(), 2));
    let total: u64 = ["a", "b/c"]
        .iter()
        .map(|name| files(&folder.root().join(name).join("blobs")).len() as u64)
        .sum();
    assert!(clean.blobs < total, "what is shared is read once");

    damage(&folder.shared_path(&layer.digest));
    damage(&folder.blob_path("a", &long));
    damage(&folder.blob_path("a", &image.digest));
    let before = files(&folder.root());
    let report = driver.check(CheckOptions::default()).await.unwrap();
    assert_eq!(files(&folder.root()), before, "looking changes nothing");
    let mut expected = Vec::new();
    for digest in [&layer.digest, &image.digest] {
        expected.extend(["a", "b/c"].map(|name| (Some(name), Some(digest), &Damage::Content)));
    }
    expected.push((Some("a"), Some(&long), &Damage::Content));
    let sorted = |mut found: Vec<(Option<&str>, Option<&Digest>, &Damage)>| {
        found.sort_by_key(|one| (one.1.cloned(), one.0.map(str::to_owned)));
        found
            .iter()
            .map(|one| format!("{one:?}"))
            .collect::<Vec<_>>()
    };
    assert_eq!(sorted(found(&report)), sorted(expected));
    assert!(report.problems.iter().all(|problem| !problem.repaired));

    let report = driver.check(repairing()).await.unwrap();
    assert_eq!(
        report
            .problems
            .iter()
            .filter(|problem| problem.repaired)
            .count(),
        5
    );
    for name in ["a", "b/c"] {
        assert_eq!(driver.blob_size(name, &layer.digest).await.unwrap(), None);
        assert!(
            driver
                .manifest(name, &image.digest)
                .await
                .unwrap()
                .is_none()
        );
        assert!(!folder.has(name, &layer.digest));
    }
    assert!(driver.manifest("a", &other.digest).await.unwrap().is_some());
    let aside = fs::read_dir(folder.root().join(".oras/quarantine")).unwrap();
    assert_eq!(aside.count(), 3);
    let report = driver.check(CheckOptions::default()).await.unwrap();
    let missing = |one: &(_, _, &Damage)| *one.2 == Damage::Missing;
    assert!(
        found(&report).len() == 2 && found(&report).iter().all(missing),
        "{report:?}"
    );

    for name in ["a", "b/c"] {
        push_image(driver, name, b"the layer", &["v1"], None).await;
        let blob = driver
            .open_blob(name, &layer.digest)
            .await
            .unwrap()
            .unwrap();
        let bytes: Vec<_> = blob.read(0, layer.size).try_collect().await.unwrap();
        assert_eq!(bytes.concat(), b"the layer");
    }
    let healed = driver.check(repairing()).await.unwrap();
    assert_eq!(found(&healed), Vec::new());
}

#[tokio::test]
async fn pushing_a_damaged_manifest_again_heals_it_without_a_check() {
    let folder = Folder::new();
    let (image, _) = push_image(&folder.driver, "app", b"layer", &["v1"], None).await;
    let path = folder.blob_path("app", &image.digest);
    let bytes = fs::read(&path).unwrap();
    damage(&path);
    push_image(&folder.driver, "app", b"layer", &["v1"], None).await;
    for path in [path, folder.shared_path(&image.digest)] {
        assert!(fs::read(&path).unwrap() == bytes, "{path:?}");
    }
}

#[tokio::test]
async fn an_index_that_claims_what_is_not_so_is_told_entry_by_entry() {
    let folder = Folder::new();
    let driver = &folder.driver;
    let (size, _) = push_image(driver, "a", b"size", &["size"], None).await;
    let (kind, _) = push_image(driver, "a", b"kind", &["kind"], None).await;
    let (gone, _) = push_image(driver, "a", b"gone", &["gone"], None).await;
    let (child, layer) = push_image(driver, "a", b"layer", &[], None).await;
    let top = tagged(index(std::slice::from_ref(&child), None), &["top"]);
    put(driver, "a", top).await;
    fs::remove_file(folder.blob_path("a", &gone.digest)).unwrap();
    fs::remove_file(folder.blob_path("a", &layer.digest)).unwrap();
    let path = folder.root().join("a/index.json");
    let mut entries: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    for entry in entries["manifests"].as_array_mut().unwrap() {
        if entry["digest"] == size.digest.as_str() {
            entry["size"] = 7.into();
        }
        if entry["digest"] == kind.digest.as_str() {
            entry["mediaType"] = "application/vnd.oci.image.index.v1+json".into();
        }
    }
    fs::write(&path, entries.to_string()).unwrap();
    fs::create_dir_all(folder.root().join("b")).unwrap();
    fs::write(folder.root().join("b/oci-layout"), "{}").unwrap();
    fs::write(folder.root().join("b/index.json"), "no index").unwrap();

    let report = driver.check(repairing()).await.unwrap();
    let wrong_size = Damage::Size {
        listed: 7,
        found: size.size,
    };
    let incomplete = Damage::Incomplete(layer.digest);
    assert!(found(&report).contains(&(Some("a"), Some(&size.digest), &wrong_size)));
    assert!(found(&report).contains(&(Some("a"), Some(&gone.digest), &Damage::Missing)));
    assert!(found(&report).contains(&(Some("a"), Some(&child.digest), &incomplete)));
    let of_kind = report
        .problems
        .iter()
        .find(|one| one.digest.as_ref() == Some(&kind.digest));
    assert!(matches!(
        of_kind.unwrap().damage,
        Damage::MediaType { .. } | Damage::NoManifest
    ));
    let last = report.problems.last().unwrap();
    assert!(last.repository.as_deref() == Some("b") && matches!(last.damage, Damage::Index(_)));
    assert_eq!(report.problems.len(), 5, "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pushes_deletes_and_collections_during_a_check_raise_no_alarm() {
    let folder = Folder::new();
    let other = open(&folder.root());
    let work = async {
        for round in 0..40 {
            let name = format!("team/app-{}", round % 3);
            let content = format!("layer {}", round % 7);
            let (image, _) = push_image(&other, &name, content.as_bytes(), &["v1"], None).await;
            push(&other, &name, format!("unused {round}").as_bytes()).await;
            if round % 2 == 0 {
                other.delete_manifest(&name, &image.digest).await.unwrap();
            }
            folder.collect(folder.moment()).await;
        }
    };
    let checks = async {
        let mut count = 0;
        loop {
            let report = folder.driver.check(repairing()).await.unwrap();
            assert_eq!(found(&report), Vec::new());
            count += 1;
            tokio::task::yield_now().await;
            if count == 60 {
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! { () = work => {}, () = checks => {} }
    assert!(!folder.root().join(".oras/quarantine").exists());
}

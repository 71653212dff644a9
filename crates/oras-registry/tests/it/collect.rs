//! Removing what nothing needs, while others are at work.

use std::fs;
use std::time::{Duration, SystemTime};

use oras_registry::driver::{Blobs, DriverError, Listings, Manifests, Mounts, PutOutcome, Uploads};
use oras_registry::layout::{LayoutDriver, LayoutOptions, Referrers, Untagged};
use oras_spec::{Algorithm, Digest};

use super::folder::{Folder, files, image, index, open, options, push, push_image, put, tagged};

#[tokio::test]
async fn what_nothing_needs_goes_after_the_grace_and_all_else_stays() {
    let folder = Folder::new();
    let driver = &folder.driver;
    let name = "team/app";
    let (child, layer) = push_image(driver, name, b"layer", &[], None).await;
    let nested = put(driver, name, index(std::slice::from_ref(&child), None)).await;
    let top = tagged(index(std::slice::from_ref(&nested), None), &["v1"]);
    let top = put(driver, name, top).await;
    let (signature, _) = push_image(driver, name, b"signature", &[], Some(&child)).await;
    let (of_signature, _) = push_image(driver, name, b"sbom", &[], Some(&signature)).await;
    let (untagged, _) = push_image(driver, name, b"untagged", &[], None).await;
    let unused = push(driver, name, b"unused").await;
    push(driver, "team/other", b"unused").await;

    let young = folder.collect(SystemTime::UNIX_EPOCH).await;
    assert_eq!(young.blobs, 0);
    assert!(folder.has(name, &unused.digest));

    let report = folder.collect_all().await;
    assert_eq!((report.blobs, report.bytes, report.freed), (2, 12, 6));
    let names: Vec<&str> = report
        .repositories
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    assert_eq!(names, [name, "team/other"]);
    assert!(!folder.has(name, &unused.digest));
    assert!(!folder.shared_path(&unused.digest).exists());
    for kept in [
        &child,
        &layer,
        &nested,
        &top,
        &signature,
        &of_signature,
        &untagged,
    ] {
        assert!(folder.has(name, &kept.digest));
    }
    assert_eq!(folder.collect_all().await.blobs, 0);

    // A tag that is moved away leaves a manifest without one; a manifest that is deleted takes its content along.
    assert!(driver.delete_manifest(name, &top.digest).await.unwrap());
    assert!(driver.delete_manifest(name, &child.digest).await.unwrap());
    assert_eq!(
        folder.collect_all().await.blobs,
        0,
        "its index is still listed"
    );
    assert!(driver.delete_manifest(name, &nested.digest).await.unwrap());
    let report = folder.collect_all().await;
    assert_eq!(
        report.repositories[0].manifests, 2,
        "those that refer to it"
    );
    for gone in [&child, &layer, &nested, &top, &signature, &of_signature] {
        assert!(!folder.has(name, &gone.digest));
        assert!(!folder.shared_path(&gone.digest).exists());
    }
    assert!(folder.has(name, &untagged.digest));
    let listed = driver.referrers(name, &child.digest, None, None, 9).await;
    assert!(listed.unwrap().is_empty());
}

/// Whoever asks whether a blob is there and hears that it is may refer to it for the time of the grace.
#[tokio::test]
async fn a_blob_that_somebody_asked_for_stays_until_its_manifest_comes() {
    let folder = Folder::new();
    let driver = &folder.driver;
    let name = "app";
    push(driver, name, b"{}").await;
    let asked = push(driver, name, b"asked for").await;
    let pushed_again = push(driver, name, b"pushed again").await;
    let mounted = push(driver, name, b"mounted").await;
    let unused = push(driver, name, b"unused").await;
    let mounted_again = push(driver, name, b"mounted again").await;
    push(driver, "other", b"mounted again").await;
    let all = [&asked, &pushed_again, &mounted, &mounted_again];

    let before = folder.moment();
    let empty = Digest::sha256(b"{}");
    for digest in [&asked.digest, &empty] {
        assert!(driver.blob_size(name, digest).await.unwrap().is_some());
    }
    push(driver, name, b"pushed again").await;
    for digest in [&mounted.digest, &mounted_again.digest] {
        assert!(driver.link_blob(digest, name, "other").await.unwrap());
    }
    let report = folder.collect(before).await;
    assert_eq!((report.blobs, report.freed), (1, unused.size));
    assert!(!folder.has(name, &unused.digest));

    let layers: Vec<_> = all.into_iter().cloned().collect();
    put(driver, name, tagged(image(&layers, None), &["late"])).await;
    assert_eq!(
        folder.collect_all().await.blobs,
        2,
        "those mounted elsewhere"
    );
    for blob in all {
        assert!(folder.has(name, &blob.digest));
    }
    // And whoever hears that it is gone finds it gone.
    let size = driver.blob_size(name, &unused.digest).await.unwrap();
    assert_eq!(size, None);
    let put = driver
        .put_manifest(name, image(std::slice::from_ref(&unused), None))
        .await;
    assert_eq!(put.unwrap(), PutOutcome::Missing(vec![unused.digest]));
}

#[tokio::test]
async fn nothing_is_removed_from_a_repository_with_a_manifest_nobody_can_read() {
    let folder = Folder::new();
    let driver = &folder.driver;
    let (image, layer) = push_image(driver, "damaged", b"layer", &["v1"], None).await;
    let unused = push(driver, "damaged", b"unused").await;
    push(driver, "whole", b"unused, too").await;
    let path = folder.blob_path("damaged", &image.digest);
    let bytes = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    for content in [None, Some(vec![0; bytes.len()])] {
        if let Some(content) = &content {
            fs::write(&path, content).unwrap();
        }
        // Nothing of it in memory.
        let driver = open(&folder.root());
        let report = driver.collect(options(folder.moment())).await.unwrap();
        let told = report.repositories.iter().find(|one| one.name == "damaged");
        let told = told.unwrap().skipped.as_deref().unwrap();
        assert!(told.contains(image.digest.as_str()), "{told}");
        for kept in [&layer, &unused] {
            assert!(folder.has("damaged", &kept.digest));
        }
    }
    assert!(!folder.root().join("whole").exists());

    // Pushed again it is whole again.
    let (again, _) = push_image(driver, "damaged", b"layer", &["v1"], None).await;
    assert_eq!(again, image);
    assert_eq!(fs::read(&path).unwrap(), bytes);
    let report = folder.collect_all().await;
    assert_eq!(report.repositories[0].blobs, 1);
    assert!(!folder.has("damaged", &unused.digest));
}

#[tokio::test]
async fn manifests_without_a_tag_go_if_that_is_asked_for_and_not_what_others_list() {
    let folder = Folder::new();
    let driver = &folder.driver;
    let name = "app";
    let (child, _) = push_image(driver, name, b"child", &[], None).await;
    let top = tagged(index(std::slice::from_ref(&child), None), &["v1"]);
    put(driver, name, top).await;
    let (untagged, layer) = push_image(driver, name, b"untagged", &[], None).await;
    let (signature, _) = push_image(driver, name, b"signature", &[], Some(&untagged)).await;
    let (missing, _) =
        push_image(&open(&folder.temp.path().join("x")), name, b"-", &[], None).await;
    let (dangling, _) = push_image(driver, name, b"dangling", &[], Some(&missing)).await;
    let (tagged, _) = push_image(driver, name, b"tagged", &["sig"], Some(&missing)).await;

    let mut all = options(folder.moment());
    all.referrers = Referrers::Keep;
    assert_eq!(driver.collect(all.clone()).await.unwrap().blobs, 0);
    all.referrers = Referrers::Remove;
    all.untagged = Untagged::After(Duration::from_secs(60));
    let report = driver.collect(all.clone()).await.unwrap();
    assert_eq!(
        report.repositories[0].manifests, 1,
        "only the one without subject"
    );
    assert!(!folder.has(name, &dangling.digest));
    all.untagged = Untagged::After(Duration::ZERO);
    let report = driver.collect(all).await.unwrap();
    assert_eq!(report.repositories[0].manifests, 2);
    for gone in [&untagged, &layer, &signature] {
        assert!(!folder.has(name, &gone.digest));
    }
    for kept in [&child, &tagged] {
        assert!(driver.manifest(name, &kept.digest).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn what_was_left_behind_goes_and_what_is_alive_stays() {
    let folder = Folder::new();
    let driver = &folder.driver;
    let (image, _) = push_image(driver, "app", b"layer", &["v1"], None).await;
    for id in ["idle", "held"] {
        driver
            .start_upload("app", id, Algorithm::Sha256)
            .await
            .unwrap();
    }
    let other = open(&folder.root());
    let mut held = other.write_upload("app", "held").await.unwrap().unwrap();
    held.write("some ".into()).await.unwrap();
    held.flush().await.unwrap();
    let left: Vec<_> = [
        ".oras/new-1",
        "app/.oras/new-2",
        ".oras/uploads/app/idle.twin",
    ]
    .map(|name| folder.root().join(name))
    .into();
    left.iter()
        .for_each(|path| fs::write(path, "left").unwrap());
    // A run that was killed: one content is in use, the other not.
    let used = folder.shared_path(&image.digest);
    let trash = folder.root().join(".oras/trash/killed");
    fs::create_dir_all(&trash).unwrap();
    fs::rename(&used, trash.join(image.digest.as_str().replace(':', "-"))).unwrap();
    fs::write(trash.join(format!("sha256-{}", "a".repeat(64))), "unused").unwrap();

    let mut now = options(folder.moment());
    assert_eq!(
        driver.collect(now.clone()).await.unwrap().uploads,
        0,
        "a day has not passed"
    );
    now.uploads = Duration::ZERO;
    let report = driver.collect(now.clone()).await.unwrap();
    assert_eq!(report.uploads, 2);
    assert!(left.iter().all(|path| !path.exists()));
    assert!(used.exists() && !trash.exists());
    assert_eq!(driver.upload_offset("app", "idle").await.unwrap(), None);
    held.write("bytes".into()).await.unwrap();
    let digest = Digest::sha256(b"some bytes");
    held.commit(&digest).await.unwrap();
    assert!(folder.has("app", &digest));
}

#[tokio::test]
async fn empty_repositories_go_and_those_below_them_stay() {
    let folder = Folder::new();
    let driver = &folder.driver;
    let (top, _) = push_image(driver, "a/b", b"layer", &["v1"], None).await;
    push_image(driver, "a/b/c", b"layer", &["v1"], None).await;
    push(driver, "only/blobs", b"blob").await;
    push(driver, "arriving", b"blob").await;
    driver
        .start_upload("arriving", "id", Algorithm::Sha256)
        .await
        .unwrap();
    driver.delete_manifest("a/b", &top.digest).await.unwrap();

    let mut names: Vec<String> = Vec::new();
    for _ in 0..2 {
        let report = folder.collect_all().await;
        names.extend(
            report
                .repositories
                .into_iter()
                .filter(|one| one.removed)
                .map(|one| one.name),
        );
    }
    assert_eq!(names, ["a/b", "only/blobs"]);
    let root = folder.root();
    assert!(!root.join("only").exists());
    assert!(!root.join("a/b/index.json").exists() && !root.join("a/b/blobs").exists());
    assert!(root.join("a/b/c/index.json").exists() && root.join("arriving/index.json").exists());
    assert!(!driver.has_repository("a/b").await.unwrap());
    // As new.
    push_image(driver, "a/b", b"layer", &["v1"], None).await;
    assert!(driver.has_repository("a/b").await.unwrap());
}

#[tokio::test]
async fn only_one_collection_runs_at_a_time_and_none_in_a_folder_to_read() {
    let folder = Folder::new();
    push(&folder.driver, "app", b"unused").await;
    let lock = fs::File::create(folder.root().join(".oras/collect.lock")).unwrap();
    lock.lock().unwrap();
    let before = files(&folder.root());
    let now = folder.moment();
    let busy = folder.driver.collect(options(now)).await;
    assert!(matches!(busy, Err(DriverError::Busy(_))), "{busy:?}");

    let mut reading = LayoutOptions::default();
    reading.read_only = true;
    reading.grace = Duration::ZERO;
    let reading = LayoutDriver::open(folder.root(), reading).unwrap();
    assert!(reading.collect(options(now)).await.is_err());
    let mut dry = options(now);
    dry.dry_run = true;
    assert_eq!(reading.collect(dry).await.unwrap().blobs, 1);
    assert_eq!(files(&folder.root()), before);
    drop(lock);
    assert_eq!(folder.collect(now).await.blobs, 1);
}

#[tokio::test]
async fn a_server_puts_its_folder_in_order_for_as_long_as_it_lives() {
    let folder = Folder::new();
    let (image, _) = push_image(&folder.driver, "app", b"layer", &["v1"], None).await;
    let unused = push(&folder.driver, "app", b"unused").await;
    let server = oras_registry::Registry::builder()
        .store(folder.driver.clone())
        .maintenance(Duration::from_millis(1))
        .start()
        .await
        .unwrap();
    while folder.shared_path(&unused.digest).exists() {
        tokio::task::yield_now().await;
    }
    assert!(folder.has("app", &image.digest));
    server.shutdown().await;
}

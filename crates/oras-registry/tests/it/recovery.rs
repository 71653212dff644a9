//! After a crash: little to do, nothing wrong shown.

use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, SystemTime};

use oras_registry::driver::{Blobs, Maintenance, Manifests, Mounts, Tags};
use oras_registry::layout::{LayoutDriver, LayoutOptions};

use super::folder::{Folder, files, image, open, push, push_image, put, tagged};

/// What a file system may leave of a file that was not written when the power went: zeros.
fn lose(path: &Path) {
    let size = fs::metadata(path).unwrap().len();
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    let file = fs::File::options().write(true).open(path).unwrap();
    file.write_all_at(&vec![0; usize::try_from(size).unwrap()], 0)
        .unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o444)).unwrap();
}

/// Makes it look as if the folder was last used before this boot.
fn reboot(root: &Path) {
    let path = root.join(".oras/state");
    let state = fs::read_to_string(&path).unwrap();
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    assert!(state.contains(boot.trim()));
    fs::write(path, state.replace(boot.trim(), "another boot")).unwrap();
}

#[tokio::test]
async fn after_a_crash_of_the_machine_lost_content_is_not_found_and_can_be_pushed_again() {
    let folder = Folder::new();
    let root = folder.root();
    let lost = push(&folder.driver, "app", b"lost").await;
    let mounted = push(&folder.driver, "app", b"mounted").await;
    let needed = push(&folder.driver, "app", b"needed").await;
    let nobodys = push(&folder.driver, "app", b"nobody's").await;
    let (kept, layer) = push_image(&folder.driver, "app", b"kept", &["v1"], None).await;
    let gone = [&lost, &mounted, &needed, &nobodys];
    let path = |digest| folder.blob_path("app", digest);
    gone.iter().for_each(|blob| lose(&path(&blob.digest)));

    // The process alone has died: its bytes are where they were.
    let again = open(&root);
    assert!(
        again
            .blob_size("app", &lost.digest)
            .await
            .unwrap()
            .is_some()
    );
    drop(again);
    lose(&path(&lost.digest));

    reboot(&root);
    let driver = open(&root);
    assert_eq!(driver.blob_size("app", &lost.digest).await.unwrap(), None);
    assert!(
        driver
            .open_blob("app", &lost.digest)
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        !driver
            .link_blob(&mounted.digest, "app", "other")
            .await
            .unwrap()
    );
    let refused = driver
        .put_manifest("app", image(std::slice::from_ref(&needed), None))
        .await;
    assert_ne!(refused.unwrap(), oras_registry::driver::PutOutcome::Stored);
    assert_eq!(
        driver.blob_size("app", &layer.digest).await.unwrap(),
        Some(layer.size)
    );
    assert!(
        driver
            .manifest("app", &kept.digest)
            .await
            .unwrap()
            .is_some()
    );
    push(&driver, "elsewhere", b"needed").await;
    let healed = fs::read(folder.blob_path("elsewhere", &needed.digest)).unwrap();
    assert_eq!(healed, b"needed");
    push(&driver, "app", b"lost").await;
    assert_eq!(fs::read(path(&lost.digest)).unwrap(), b"lost");

    // Another process that comes later knows it, too, until everything was looked at.
    assert!(
        fs::read_to_string(root.join(".oras/state"))
            .unwrap()
            .contains("suspects")
    );
    driver.maintain().await.unwrap();
    assert!(!path(&nobodys.digest).exists());
    assert!(
        !fs::read_to_string(root.join(".oras/state"))
            .unwrap()
            .contains("suspects")
    );
    assert!(
        driver
            .manifest("app", &kept.digest)
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test]
async fn what_was_not_looked_at_before_the_next_crash_is_still_not_relied_on() {
    let folder = Folder::new();
    let root = folder.root();
    let lost = push(&folder.driver, "app", b"lost").await;
    lose(&folder.blob_path("app", &lost.digest));
    reboot(&root);
    push(&open(&root), "app", b"other").await;
    reboot(&root);
    // Long after the first one: what was written around this crash is something else.
    let later = SystemTime::now() + Duration::from_secs(60 * 60);
    let state = fs::File::open(root.join(".oras/state")).unwrap();
    state.set_modified(later).unwrap();
    let found = open(&root).blob_size("app", &lost.digest).await.unwrap();
    assert_eq!(found, None);
}

#[tokio::test]
async fn whoever_only_reads_after_a_crash_changes_nothing_and_shows_nothing_that_is_lost() {
    let folder = Folder::new();
    let lost = push(&folder.driver, "app", b"lost").await;
    let (_, layer) = push_image(&folder.driver, "app", b"kept", &["v1"], None).await;
    lose(&folder.blob_path("app", &lost.digest));
    reboot(&folder.root());
    let mut options = LayoutOptions::default();
    options.read_only = true;
    let before = files(&folder.root());
    let driver = LayoutDriver::open(folder.root(), options).unwrap();
    for _ in 0..2 {
        assert_eq!(driver.blob_size("app", &lost.digest).await.unwrap(), None);
        assert_eq!(
            driver.blob_size("app", &layer.digest).await.unwrap(),
            Some(layer.size)
        );
    }
    assert_eq!(files(&folder.root()), before);
}

#[tokio::test]
async fn a_folder_left_in_order_and_served_by_the_next_boot_is_not_looked_at_for_long() {
    let folder = Folder::new();
    let Folder { temp, driver } = folder;
    let root = temp.path().join("root");
    let state = || fs::read_to_string(root.join(".oras/state")).unwrap();
    let other = open(&root);
    push(&driver, "app", b"blob").await;
    assert!(state().contains("\"clean\":false"));
    drop(driver);
    assert!(
        state().contains("\"clean\":false"),
        "another one is at work"
    );
    push(&other, "app", b"blob").await;
    drop(other);
    assert!(state().contains("\"clean\":true"));
}

#[test]
fn a_folder_of_an_unknown_format_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let version = folder.path().join(".oras/version");
    assert_eq!(
        fs::read_to_string(&version).unwrap().trim(),
        r#"{"format":1}"#
    );
    for (text, refused) in [("", false), (r#"{"format":2}"#, true), ("what?", true)] {
        fs::write(&version, text).unwrap();
        let opened = LayoutDriver::open(folder.path(), LayoutOptions::default());
        assert_eq!(opened.is_err(), refused, "{text}");
    }
    fs::write(&version, r#"{"format":2}"#).unwrap();
    let error = LayoutDriver::open(folder.path(), LayoutOptions::default())
        .err()
        .unwrap();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("format 2"), "{cause}");
}

#[tokio::test]
async fn without_its_own_files_a_registry_has_everything_still() {
    let folder = Folder::new();
    let (kept, layer) = push_image(&folder.driver, "team/app", b"layer", &["v1"], None).await;
    let (signature, _) = push_image(&folder.driver, "team/app", b"sig", &[], Some(&kept)).await;
    let own = folder.root().join(".oras");
    for entry in fs::read_dir(&own).unwrap() {
        let path = entry.unwrap().path();
        match path.ends_with("blobs") {
            true => {}
            false if path.is_dir() => fs::remove_dir_all(path).unwrap(),
            false => fs::remove_file(path).unwrap(),
        }
    }
    fs::remove_dir_all(folder.root().join("team/app/.oras")).unwrap();
    // The one that runs goes on, and one that starts finds everything.
    for driver in [folder.driver.clone(), open(&folder.root())] {
        let found = driver.resolve_tag("team/app", "v1").await.unwrap();
        assert_eq!(found.as_ref(), Some(&kept.digest));
        assert!(
            driver
                .manifest("team/app", &signature.digest)
                .await
                .unwrap()
                .is_some()
        );
        assert!(
            driver
                .blob_size("team/app", &layer.digest)
                .await
                .unwrap()
                .is_some()
        );
        let more = push(&driver, "team/app", b"more").await;
        put(&driver, "team/app", tagged(image(&[more], None), &["v2"])).await;
        driver
            .collect(super::folder::options(folder.moment()))
            .await
            .unwrap();
        assert!(folder.has("team/app", &layer.digest));
    }
}

//! What others may have put into a registry's folder in place of what belongs there.

use std::fs;
use std::os::unix::fs::symlink;

use oras_registry::driver::{Blobs, Condition, Manifests, Mounts, Tags, Uploads};
use oras_spec::{Algorithm, Digest};

use super::folder::{Folder, files, image, push_image, put, tagged};

#[tokio::test]
async fn nothing_is_changed_in_a_repository_that_a_link_leads_to() {
    let folder = Folder::new();
    let driver = &folder.driver;
    let (first, layer) = push_image(driver, "good/app", b"layer", &["v1"], None).await;
    push_image(driver, "away/app", b"layer", &["v1"], None).await;
    let outside = folder.temp.path().join("outside");
    fs::rename(folder.root().join("away"), &outside).unwrap();
    symlink(outside.join("app"), folder.root().join("link")).unwrap();
    symlink(&outside, folder.root().join("above")).unwrap();
    let before = files(&outside);
    for name in ["link", "above/app", "above/new"] {
        assert!(
            !driver
                .link_blob(&Digest::sha256(b"none"), "good/app", name)
                .await
                .unwrap()
        );
        assert!(
            driver
                .link_blob(&layer.digest, "good/app", name)
                .await
                .is_err()
        );
        let commit = tagged(image(&[], None), &["v2"]);
        assert!(driver.put_manifest(name, commit).await.is_err());
        driver
            .start_upload(name, "id", Algorithm::Sha256)
            .await
            .unwrap();
        let mut writer = driver.write_upload(name, "id").await.unwrap().unwrap();
        writer.write("new".into()).await.unwrap();
        assert!(writer.commit(&Digest::sha256(b"new")).await.is_err());
        if name != "above/new" {
            let always = Condition::Always;
            assert!(driver.untag(name, "v1", &always).await.is_err());
            assert!(driver.delete_manifest(name, &first.digest).await.is_err());
            assert!(driver.delete_blob(name, &layer.digest).await.is_err());
        }
    }
    assert_eq!(files(&outside), before);

    // The folder of the registry itself may be reached through one.
    let link = folder.temp.path().join("to-root");
    symlink(folder.root(), &link).unwrap();
    push_image(
        &super::folder::open(&link),
        "good/app",
        b"more",
        &["v2"],
        None,
    )
    .await;
}

#[tokio::test]
async fn a_journal_that_is_no_file_holds_nobody_up() {
    let folder = Folder::new();
    let (first, layer) = push_image(&folder.driver, "app", b"layer", &["v1"], None).await;
    let journal = folder.repository("app").join(".oras/journal");
    let secret = folder.temp.path().join("secret");
    fs::write(&secret, "secret").unwrap();
    let pipe = || {
        let made = std::process::Command::new("mkfifo").arg(&journal).status();
        assert!(made.unwrap().success());
    };
    for (tag, make) in [
        ("pipe", &pipe as &dyn Fn()),
        ("link", &|| {
            symlink(&secret, &journal).unwrap();
        }),
    ] {
        fs::remove_file(&journal).unwrap();
        make();
        let driver = super::folder::open(&folder.root());
        assert_eq!(
            driver.resolve_tag("app", "v1").await.unwrap(),
            Some(first.digest.clone())
        );
        put(
            &driver,
            "app",
            tagged(image(std::slice::from_ref(&layer), None), &[tag]),
        )
        .await;
        // In its place is a journal that is of use.
        assert!(fs::symlink_metadata(&journal).unwrap().is_file());
        assert!(fs::read_to_string(&journal).unwrap().contains(tag));
    }
    assert_eq!(fs::read(&secret).unwrap(), b"secret");
}

#[tokio::test]
async fn what_was_overwritten_is_made_again_after_a_torn_line_and_out_of_a_long_one() {
    let folder = Folder::new();
    let (_, layer) = push_image(&folder.driver, "app", b"layer", &["v1"], None).await;
    let (journal, index) = (".oras/journal", "index.json");
    let [journal, index] = [journal, index].map(|name| folder.repository("app").join(name));
    let many: Vec<String> = (0..1000).map(|number| format!("{number:0>100}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for tags in [&["v2"][..], &many] {
        let mut torn = fs::read(&journal).unwrap();
        torn.extend(br#"{"generation":9,"at":"2"#);
        fs::write(&journal, torn).unwrap();
        let before = fs::read(&index).unwrap();
        let commit = tagged(image(std::slice::from_ref(&layer), None), tags);
        let put = put(&folder.driver, "app", commit).await;
        fs::write(&index, before).unwrap();
        // One who has seen neither.
        let driver = super::folder::open(&folder.root());
        for tag in tags {
            let found = driver.resolve_tag("app", tag).await.unwrap();
            assert_eq!(found.as_ref(), Some(&put.digest), "{tag}");
        }
    }
}

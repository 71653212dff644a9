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

//! Adding files and folders.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use oras_content::archive::Mtime;
use oras_content::{ErrorKind, Fetch, FetchExt, Resolve};
use oras_spec::annotation::{CONTENT_DIGEST, UNPACK};
use oras_spec::{Digest, media_type};
use oras_testkit::fixture::{Tree, noise};

use crate::support::{options, store};

#[tokio::test]
async fn a_file_is_described_by_its_content_and_named_by_its_title() {
    let root = tempfile::tempdir().unwrap();
    let bytes = noise(7, 300_000);
    fs::write(root.path().join("data.bin"), &bytes).unwrap();
    let store = store(root.path());
    let layer = store
        .add("title", Some("test/data"), Path::new("data.bin"))
        .await
        .unwrap();
    assert_eq!(layer.media_type, "test/data");
    assert_eq!(layer.digest, Digest::sha256(&bytes));
    assert_eq!(layer.title(), Some("title"));
    assert_eq!(layer.annotations.len(), 1);
    assert!(store.trusted(&layer));
    assert_eq!(store.fetch_bytes(&layer, layer.size).await.unwrap(), bytes);
    assert_eq!(
        store.fetch_bytes(&layer.plain(), layer.size).await.unwrap(),
        bytes
    );
    assert_eq!(store.resolve(layer.digest.as_str()).await.unwrap(), layer);

    let plain = store
        .add("data.bin", Some(""), Path::new(""))
        .await
        .unwrap();
    assert_eq!(plain.media_type, media_type::IMAGE_LAYER);
}

#[tokio::test]
async fn what_can_not_be_added_is_told() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("a"), "a").unwrap();
    let store = store(root.path());
    let add = async |name: &str, path: &str| store.add(name, None, Path::new(path)).await;

    let error = add("", "a").await.unwrap_err();
    assert_eq!(
        (error.kind(), error.chain().as_str()),
        (ErrorKind::MissingName, "missing name")
    );

    let missing = root.path().join("nope");
    let error = add("nope", "./x/../nope").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert_eq!(
        error.chain(),
        format!("stat {}: no such file or directory", missing.display())
    );
    let error = add("a/b", "a/b").await.unwrap_err();
    assert_eq!(
        error.chain(),
        format!(
            "stat {}: not a directory",
            root.path().join("a/b").display()
        )
    );

    add("a", "").await.unwrap();
    for name in ["a", "./a"] {
        let error = add(name, "a").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DuplicateName);
        assert_eq!(error.chain(), format!("{name}: duplicate name"));
    }

    let pipe = root.path().join("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let error = add("pipe", "").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    // A name that failed is free.
    add("pipe", "a").await.unwrap();
}

#[tokio::test]
async fn a_file_changed_after_it_was_added_is_not_served() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("a"), "one").unwrap();
    let store = store(root.path());
    let layer = store.add("a", None, Path::new("")).await.unwrap();
    fs::write(root.path().join("a"), "two").unwrap();
    let error = store.fetch_bytes(&layer, 9).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Changed);
    fs::remove_file(root.path().join("a")).unwrap();
    let error = store.fetch_bytes(&layer, 9).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
}

#[tokio::test]
async fn a_folder_is_packed_once_and_leaves_no_scratch_file() {
    let root = tempfile::tempdir().unwrap();
    Tree::default().write(&root.path().join("d"));
    let before = oras_testkit::fixture::snapshot(root.path());
    let store = store(root.path());
    let layer = store.add("d", None, Path::new("")).await.unwrap();
    assert_eq!(layer.media_type, media_type::IMAGE_LAYER_GZIP);
    assert_eq!(layer.annotations[UNPACK], "true");
    assert!(Digest::parse(&layer.annotations[CONTENT_DIGEST]).is_ok());
    assert_eq!(layer.title(), Some("d"));
    assert!(store.trusted(&layer));
    let bytes = store.fetch_bytes(&layer, layer.size).await.unwrap();
    assert_eq!(bytes.len() as u64, layer.size);
    assert_eq!(oras_testkit::fixture::snapshot(root.path()), before);
    let whole = store.add(".", None, Path::new(".")).await.unwrap();
    assert_eq!(oras_testkit::fixture::snapshot(root.path()), before);
    assert_ne!(whole.digest, layer.digest);
}

#[tokio::test]
async fn a_link_to_a_folder_is_packed_as_the_folder() {
    let root = tempfile::tempdir().unwrap();
    Tree::default().write(&root.path().join("real"));
    symlink("real", root.path().join("link")).unwrap();
    let store = store(root.path());
    let real = store.add("real", None, Path::new("")).await.unwrap();
    let link = store.add("link", None, Path::new("")).await.unwrap();
    // Only the names of the entries differ.
    assert!(
        link.size.abs_diff(real.size) < real.size / 10,
        "{} {}",
        link.size,
        real.size
    );
}

#[tokio::test]
async fn equal_trees_give_equal_archives_without_their_times() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("d");
    Tree::default().write(&folder);
    let pack = async |mtime: Mtime| {
        let store = options(root.path(), |options| options.mtime = mtime);
        store.add("d", None, Path::new("")).await.unwrap()
    };
    let (kept, epoch) = (pack(Mtime::Keep).await, pack(Mtime::Epoch).await);
    assert_eq!(pack(Mtime::Keep).await, kept);
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(5000);
    fs::File::open(folder.join("run.sh"))
        .unwrap()
        .set_modified(later)
        .unwrap();
    assert_ne!(pack(Mtime::Keep).await, kept);
    assert_eq!(pack(Mtime::Epoch).await, epoch);
}

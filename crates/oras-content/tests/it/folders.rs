//! Folders on their way through two stores.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use bytes::Bytes;
use oras_content::archive::Permissions;
use oras_content::file::{Existing, FileStore, Folders};
use oras_content::{ErrorKind, Fetch, FetchExt, Payload, Push};
use oras_spec::{Descriptor, Digest, annotation};
use oras_testkit::fixture::{Graph, TarEntry, Tree, assert_same_tree, snapshot, tar_of};

use crate::support::{assert_empty, layer, options, store, unpack};

/// Adds `name` in one folder and pushes it to `to`.
async fn transfer(from: &Path, name: &str, to: &FileStore) -> Descriptor {
    let from = store(from);
    let layer = from.add(name, None, Path::new("")).await.unwrap();
    let payload = Payload::from_source(std::sync::Arc::new(from), layer.clone());
    to.push(&layer, payload).await.unwrap();
    layer
}

#[tokio::test]
async fn a_folder_arrives_as_it_left() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    Tree::default().write(&here.path().join("a/d"));
    let to = store(there.path());
    let layer = transfer(here.path(), "a/d", &to).await;
    assert_same_tree(here.path(), there.path());
    assert!(to.exists(&layer).await.unwrap());
    // Its own bytes were not kept, and nobody claims otherwise.
    assert!(!to.exists(&layer.plain()).await.unwrap());
    assert!(!to.trusted(&layer));
    let error = to.fetch_bytes(&layer, layer.size).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    // Times too: packing what arrived gives the same tar.
    let again = store(there.path())
        .add("a/d", None, Path::new(""))
        .await
        .unwrap();
    assert_eq!(
        again.annotations[annotation::CONTENT_DIGEST],
        layer.annotations[annotation::CONTENT_DIGEST]
    );
}

#[tokio::test]
async fn the_working_folder_itself_can_travel() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    Tree::default().write(&here.path().join("d"));
    transfer(here.path(), ".", &store(there.path())).await;
    assert_same_tree(here.path(), there.path());
}

#[tokio::test]
async fn a_folder_that_is_there_is_merged_with() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("d");
    fs::create_dir_all(folder.join("sub")).unwrap();
    fs::write(folder.join("mine"), "mine").unwrap();
    fs::write(folder.join("sub/both"), "old").unwrap();
    symlink("mine", folder.join("link")).unwrap();
    let entries = [
        TarEntry::folder("d"),
        TarEntry::folder("d/sub"),
        TarEntry::file("d/sub/both", "new"),
        TarEntry::file("d/link", "no link any more"),
        TarEntry::folder("d/other"),
        TarEntry::file("d/other/file", "x"),
    ];
    let keep = options(root.path(), |options| options.existing = Existing::Keep);
    let error = unpack(&keep, "d", &entries).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OverwriteDenied);

    unpack(&store(root.path()), "d", &entries).await.unwrap();
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    assert_eq!(read("mine"), "mine");
    assert_eq!(read("sub/both"), "new");
    assert_eq!(read("link"), "no link any more");
    assert_eq!(read("other/file"), "x");
    assert_eq!(snapshot(root.path()).len(), 7);
}

#[tokio::test]
async fn a_symlink_where_the_folder_goes_is_replaced() {
    let outer = tempfile::tempdir().unwrap();
    let root = outer.path().join("root");
    fs::create_dir_all(outer.path().join("victim")).unwrap();
    fs::create_dir(&root).unwrap();
    symlink("../victim", root.join("d")).unwrap();
    unpack(&store(&root), "d", &[TarEntry::file("d/x", "x")])
        .await
        .unwrap();
    assert_empty(&outer.path().join("victim"));
    assert!(root.join("d/x").is_file());
}

#[tokio::test]
async fn plain_tar_and_zstd_are_unpacked_too() {
    let tar = tar_of(&[TarEntry::folder("d"), TarEntry::file("d/x", "x")]);
    for blob in [tar.clone(), zstd::encode_all(&tar[..], 3).unwrap()] {
        let root = tempfile::tempdir().unwrap();
        let descriptor = layer("d", &blob, Some(&Digest::sha256(&tar)));
        store(root.path())
            .push(&descriptor, Payload::bytes(blob))
            .await
            .unwrap();
        assert_eq!(fs::read(root.path().join("d/x")).unwrap(), b"x");
    }
}

#[tokio::test]
async fn a_packed_folder_can_stay_packed() {
    let root = tempfile::tempdir().unwrap();
    let mut graph = Graph::new();
    let packed = graph.folder("d", &[TarEntry::folder("d")]);
    let bytes: Bytes = graph.bytes(&packed.digest);
    let store = options(root.path(), |options| options.folders = Folders::KeepPacked);
    store
        .push(&packed, Payload::bytes(bytes.clone()))
        .await
        .unwrap();
    assert_eq!(fs::read(root.path().join("d")).unwrap(), bytes);
    assert_eq!(
        store.fetch_bytes(&packed, packed.size).await.unwrap(),
        bytes
    );
}

#[tokio::test]
async fn content_that_came_as_a_folder_and_is_wanted_as_a_file_is_not_lost_silently() {
    let root = tempfile::tempdir().unwrap();
    let mut graph = Graph::new();
    let folder = graph.folder("d", &[TarEntry::folder("d")]);
    let mut file = folder.plain();
    file.annotations
        .insert(annotation::TITLE.to_owned(), "d.tgz".to_owned());
    let manifest = graph.artifact("test/artifact", &[&folder, &file], None);
    let bytes = |descriptor: &Descriptor| Payload::bytes(graph.bytes(&descriptor.digest));

    let folder_first = store(root.path());
    folder_first.push(&folder, bytes(&folder)).await.unwrap();
    let error = folder_first
        .push(&manifest, bytes(&manifest))
        .await
        .unwrap_err();
    assert!(
        error
            .chain()
            .starts_with("failed to restore duplicated file: d.tgz: "),
        "{}",
        error.chain()
    );

    let other = tempfile::tempdir().unwrap();
    let file_first = store(other.path());
    file_first.push(&file, bytes(&file)).await.unwrap();
    file_first.push(&manifest, bytes(&manifest)).await.unwrap();
    assert!(other.path().join("d").is_dir());
}

#[tokio::test]
async fn modes_are_masked_or_preserved_as_asked() {
    let here = tempfile::tempdir().unwrap();
    let folder = here.path().join("d");
    fs::create_dir_all(folder.join("closed")).unwrap();
    fs::write(folder.join("closed/file"), "x").unwrap();
    fs::write(folder.join("suid"), "x").unwrap();
    let set = |name: &str, mode: u32| {
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    set("suid", 0o4777);
    set("closed/file", 0o400);
    set("closed", 0o555);
    let modes = async |permissions: Permissions| {
        let there = tempfile::tempdir().unwrap();
        let to = options(there.path(), |options| options.permissions = permissions);
        transfer(here.path(), "d", &to).await;
        ["suid", "closed/file", "closed"].map(|name| {
            fs::metadata(there.path().join("d").join(name))
                .unwrap()
                .mode()
                & 0o7777
        })
    };
    assert_eq!(modes(Permissions::Preserve).await, [0o4777, 0o400, 0o555]);
    let plain = fs::metadata(here.path().join("d")).unwrap().mode() & 0o777;
    assert_eq!(
        modes(Permissions::Masked).await,
        [plain, 0o400, 0o555 & plain]
    );
    set("closed", 0o755);
}

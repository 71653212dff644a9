use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::StreamExt;
use oras_spec::{Descriptor, media_type};

use super::*;
use crate::ability::{FetchExt, Push, Resolve, Tag};
use crate::layout::LayoutReader;
use crate::payload::Payload;

const INDEX: &[u8] = br#"{"schemaVersion":2,"manifests":[]}"#;

async fn filled(path: &Path, scratch: &Path) -> LayoutArchive {
    let archive = LayoutArchive::create(path, scratch).await.unwrap();
    let index = Descriptor::of_bytes(media_type::IMAGE_INDEX, INDEX);
    let store = archive.store();
    store.push(&index, Payload::bytes(INDEX)).await.unwrap();
    store.tag(&index, "v1").await.unwrap();
    for text in ["one", "two", "three"] {
        let blob = Descriptor::of_bytes("text/plain", text.as_bytes());
        store.push(&blob, Payload::bytes(text)).await.unwrap();
    }
    archive
}

fn entries(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn the_same_layout_gives_the_same_tar_and_nothing_else_stays() {
    let folder = tempfile::tempdir().unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let (a, b) = (folder.path().join("a.tar"), folder.path().join("b.tar"));
    fs::write(&b, "of another time").unwrap();
    for path in [&a, &b] {
        let archive = filled(path, scratch.path()).await;
        let size = archive.finish(|| false).await.unwrap();
        assert_eq!(size, fs::metadata(path).unwrap().len());
    }
    assert_eq!(fs::read(&a).unwrap(), fs::read(&b).unwrap());
    assert_eq!(entries(folder.path()), ["a.tar", "b.tar"]);
    assert!(entries(scratch.path()).is_empty());
    assert!(looks_like_tar(&a).await.unwrap());

    let mut tar = tar::Archive::new(File::open(&a).unwrap());
    let names: Vec<String> = tar
        .entries()
        .unwrap()
        .map(|entry| entry.unwrap().path().unwrap().display().to_string())
        .collect();
    assert_eq!(names[..2], ["blobs/", "blobs/sha256/"]);
    assert_eq!(names[6..], ["index.json", "oci-layout"]);
    assert!(names.is_sorted(), "{names:?}");

    let reader = LayoutReader::open(&a).await.unwrap();
    let found = reader.resolve("v1").await.unwrap();
    assert_eq!(reader.fetch_manifest(&found).await.unwrap().bytes(), INDEX);
}

#[tokio::test]
async fn one_that_is_dropped_or_stopped_leaves_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tar");
    fs::write(&path, "of another time").unwrap();
    drop(filled(&path, scratch.path()).await);
    let asked = AtomicUsize::new(0);
    let archive = filled(&path, scratch.path()).await;
    let stopped = move || asked.fetch_add(1, Ordering::Relaxed) == 2;
    let error = archive.finish(stopped).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert_eq!(fs::read(&path).unwrap(), b"of another time");
    assert_eq!(entries(folder.path()), ["a.tar"]);
    assert!(entries(scratch.path()).is_empty());
}

#[tokio::test]
async fn errors_name_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("no/x.tar");
    let Err(error) = LayoutArchive::create(&path, folder.path()).await else {
        panic!("there is no such folder");
    };
    let expected = format!("open {}: no such file or directory", path.display());
    assert_eq!(error.chain(), expected);
    assert!(entries(folder.path()).is_empty());
}

#[test]
fn whoever_still_writes_does_not_bring_the_folder_back() {
    let folder = tempfile::tempdir().unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tar");
    for _ in 0..20 {
        let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
        runtime.block_on(async {
            let archive = filled(&path, scratch.path()).await;
            let store = archive.store().clone();
            let blob = Descriptor::of_bytes("text/plain", b"never complete");
            let (sender, receiver) = tokio::sync::oneshot::channel();
            let start = async move {
                let _ = sender.send(());
                Ok("never".into())
            };
            let stream = futures_util::stream::once(start).chain(futures_util::stream::pending());
            let pushing =
                tokio::spawn(
                    async move { store.push(&blob, Payload::stream(stream.boxed())).await },
                );
            receiver.await.unwrap();
            pushing.abort();
            drop(archive);
        });
        // Waits for the thread that writes.
        drop(runtime);
        assert!(entries(scratch.path()).is_empty());
        assert!(entries(folder.path()).is_empty());
    }
}

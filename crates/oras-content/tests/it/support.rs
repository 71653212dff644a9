//! What the tests of file stores share.

use std::fs;
use std::path::Path;

use oras_content::file::{FileOptions, FileStore};
use oras_content::{Payload, Push, Result};
use oras_spec::{Descriptor, Digest, annotation, media_type};
use oras_testkit::fixture::{TarEntry, gzip, tar_of};

/// A store with the default options.
pub(crate) fn store(root: &Path) -> FileStore {
    options(root, |_| ())
}

/// A store with other options.
pub(crate) fn options(root: &Path, change: impl FnOnce(&mut FileOptions)) -> FileStore {
    let mut options = FileOptions::default();
    change(&mut options);
    FileStore::new(root, options).unwrap()
}

/// The descriptor of a text that wants to be a file.
pub(crate) fn titled(name: &str, text: &str) -> Descriptor {
    let mut descriptor = Descriptor::of_bytes("test/text", text.as_bytes());
    descriptor
        .annotations
        .insert(annotation::TITLE.to_owned(), name.to_owned());
    descriptor
}

/// Nothing is in the folder, not even something hidden.
pub(crate) fn assert_empty(folder: &Path) {
    let names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert!(names.is_empty(), "left behind: {names:?}");
}

/// A folder layer around any bytes.
pub(crate) fn layer(title: &str, blob: &[u8], content_digest: Option<&Digest>) -> Descriptor {
    let mut descriptor = Descriptor::of_bytes(media_type::IMAGE_LAYER_GZIP, blob);
    let mut annotate = |key: &str, value: &str| {
        descriptor
            .annotations
            .insert(key.to_owned(), value.to_owned())
    };
    annotate(annotation::TITLE, title);
    annotate(annotation::UNPACK, "true");
    if let Some(digest) = content_digest {
        annotate(annotation::CONTENT_DIGEST, digest.as_str());
    }
    descriptor
}

/// Pushes a packed folder of these entries.
pub(crate) async fn unpack(store: &FileStore, title: &str, entries: &[TarEntry]) -> Result<()> {
    let blob = gzip(&tar_of(entries));
    let descriptor = layer(title, &blob, None);
    store
        .push(&descriptor, Payload::bytes(blob))
        .await
        .map(drop)
}

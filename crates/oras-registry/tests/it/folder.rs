//! A registry's folder, and what other programs see in it and do to it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use oras_registry::driver::{
    Blobs, Commit, Condition, Entry, ManifestCommit, Manifests, PutOutcome, Required, Uploads,
};
use oras_registry::layout::{
    CollectOptions, CollectReport, Durability, LayoutDriver, LayoutOptions,
};
use oras_spec::layout::blob_path;
use oras_spec::{Algorithm, Descriptor, Digest, ImageIndex, ImageManifest, json, media_type};
use tempfile::TempDir;

/// A folder with a driver that does not wait for the disk and has no grace: what is old is decided by
/// [`moment`](Self::moment).
pub(crate) struct Folder {
    pub(crate) temp: TempDir,
    pub(crate) driver: LayoutDriver,
}

impl Folder {
    pub(crate) fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        let driver = open(&temp.path().join("root"));
        Self { temp, driver }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.temp.path().join("root")
    }

    pub(crate) fn blob_path(&self, name: &str, digest: &Digest) -> PathBuf {
        self.repository(name).join(blob_path(digest))
    }

    pub(crate) fn repository(&self, name: &str) -> PathBuf {
        // What files of a layout are called means something else there.
        self.root().join(name.replace("/blobs", "/_blobs"))
    }

    pub(crate) fn has(&self, name: &str, digest: &Digest) -> bool {
        self.blob_path(name, digest).exists()
    }

    /// Where repositories share content.
    pub(crate) fn shared_path(&self, digest: &Digest) -> PathBuf {
        let encoded = digest.encoded();
        let blobs = self.root().join(".oras/blobs");
        blobs
            .join(digest.algorithm())
            .join(&encoded[..2])
            .join(encoded)
    }

    /// A moment after everything that was done so far and before everything that is going to be done.
    pub(crate) fn moment(&self) -> SystemTime {
        moment(self.temp.path())
    }

    pub(crate) async fn collect(&self, now: SystemTime) -> CollectReport {
        self.driver.collect(options(now)).await.unwrap()
    }

    /// Collects everything that nothing needs at this moment. What it says is what a dry run has said before.
    pub(crate) async fn collect_all(&self) -> CollectReport {
        let now = self.moment();
        let mut dry = options(now);
        dry.dry_run = true;
        let before = files(&self.root());
        let promised = self.driver.collect(dry).await.unwrap();
        assert_eq!(files(&self.root()), before, "a dry run changes nothing");
        let report = self.collect(now).await;
        assert_eq!(report, promised);
        report
    }
}

pub(crate) fn open(root: &Path) -> LayoutDriver {
    let mut options = LayoutOptions::default();
    options.durability = Durability::None;
    options.grace = Duration::ZERO;
    LayoutDriver::open(root, options).unwrap()
}

pub(crate) fn options(now: SystemTime) -> CollectOptions {
    let mut options = CollectOptions::default();
    options.now = Some(now);
    options
}

/// File systems count time in steps of some milliseconds: this takes the next one.
pub(crate) fn moment(folder: &Path) -> SystemTime {
    let step = || {
        let probe = tempfile::NamedTempFile::new_in(folder).unwrap();
        probe.as_file().metadata().unwrap().modified().unwrap()
    };
    let first = step();
    let mut next = step();
    while next <= first {
        next = step();
    }
    let moment = next;
    while step() <= moment {}
    moment
}

/// All files below `folder` with size, inode and time of change.
pub(crate) fn files(folder: &Path) -> Vec<(PathBuf, u64, u64, (i64, i64))> {
    use std::os::unix::fs::MetadataExt;
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let of = entry.metadata().unwrap();
            if of.is_dir() {
                folders.push(entry.path());
            }
            let changed = (of.ctime(), of.ctime_nsec());
            found.push((entry.path(), of.len(), of.ino(), changed));
        }
    }
    found.sort();
    found
}

pub(crate) async fn push(driver: &LayoutDriver, name: &str, content: &[u8]) -> Descriptor {
    let descriptor = Descriptor::of_bytes(media_type::OCTET_STREAM, content);
    let id = format!("id-{}", descriptor.digest.short());
    driver
        .start_upload(name, &id, Algorithm::Sha256)
        .await
        .unwrap();
    let writer = driver.write_upload(name, &id).await.unwrap();
    let mut writer = writer.unwrap();
    writer.write(Bytes::copy_from_slice(content)).await.unwrap();
    let stored = writer.commit(&descriptor.digest).await.unwrap();
    assert_eq!(stored, Commit::Stored);
    descriptor
}

/// An image of `layers`, which are all there.
pub(crate) fn image(layers: &[Descriptor], subject: Option<&Descriptor>) -> ManifestCommit {
    let config = Descriptor::of_bytes(media_type::EMPTY_JSON, b"{}");
    let mut manifest = ImageManifest::new(config.clone(), layers.to_vec());
    manifest.subject = subject.cloned();
    manifest.artifact_type = Some("a/t".to_owned());
    let bytes: Bytes = json::to_vec(&manifest).unwrap().into();
    let blobs = layers.iter().chain([&config]).cloned();
    commit(
        media_type::IMAGE_MANIFEST,
        bytes,
        subject,
        blobs.map(Required::Blob).collect(),
    )
}

pub(crate) fn index(manifests: &[Descriptor], subject: Option<&Descriptor>) -> ManifestCommit {
    let mut index = ImageIndex::new(manifests.to_vec());
    index.subject = subject.cloned();
    let bytes: Bytes = json::to_vec(&index).unwrap().into();
    let required = manifests.iter().cloned().map(Required::Manifest);
    commit(media_type::IMAGE_INDEX, bytes, subject, required.collect())
}

fn commit(
    media_type: &str,
    bytes: Bytes,
    subject: Option<&Descriptor>,
    required: Vec<Required>,
) -> ManifestCommit {
    ManifestCommit {
        entry: Entry {
            media_type: media_type.to_owned(),
            digest: Digest::sha256(&bytes),
            size: bytes.len() as u64,
            artifact_type: None,
            annotations: Default::default(),
            subject: subject.map(|subject| subject.digest.clone()),
        },
        bytes,
        tags: Vec::new(),
        condition: Condition::Always,
        required,
    }
}

pub(crate) fn tagged(mut commit: ManifestCommit, tags: &[&str]) -> ManifestCommit {
    commit.tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
    commit
}

pub(crate) async fn put(driver: &LayoutDriver, name: &str, commit: ManifestCommit) -> Descriptor {
    let entry = &commit.entry;
    let descriptor = Descriptor::new(entry.media_type.clone(), entry.digest.clone(), entry.size);
    let put = driver.put_manifest(name, commit).await.unwrap();
    assert_eq!(put, PutOutcome::Stored);
    descriptor
}

/// Pushes an image with one layer of these bytes.
pub(crate) async fn push_image(
    driver: &LayoutDriver,
    name: &str,
    layer: &[u8],
    tags: &[&str],
    subject: Option<&Descriptor>,
) -> (Descriptor, Descriptor) {
    push(driver, name, b"{}").await;
    let layer = push(driver, name, layer).await;
    let commit = tagged(image(std::slice::from_ref(&layer), subject), tags);
    (put(driver, name, commit).await, layer)
}

#[tokio::test]
async fn one_content_is_one_file_in_a_hundred_repositories() {
    use std::os::unix::fs::MetadataExt;
    let folder = Folder::new();
    let mut inodes = std::collections::BTreeSet::new();
    for number in 0..100 {
        let name = format!("team/app-{number}");
        let blob = push(&folder.driver, &name, b"the same everywhere").await;
        let path = folder.blob_path(&name, &blob.digest);
        inodes.insert(fs::metadata(path).unwrap().ino());
        let size = folder.driver.blob_size(&name, &blob.digest).await.unwrap();
        assert_eq!(size, Some(blob.size));
    }
    assert_eq!(inodes.len(), 1);
}

//! A registry's folder, and what other programs see in it and do to it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use oras_registry::Registry;
use oras_registry::driver::{
    Blobs, Commit, Condition, Entry, Listings, ManifestCommit, Manifests, Mounts, PutOutcome,
    Required, Tags, Uploads,
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

#[tokio::test]
async fn components_that_are_names_of_files_of_a_layout_are_repositories_like_others() {
    let folder = Folder::new();
    let driver = &folder.driver;
    let names = [
        "a",
        "a/blobs",
        "a/blobs/sha256",
        "a/index.json",
        "a/ingest/x",
        "a/oci-layout",
        "blobs",
    ];
    for name in names {
        let (image, _) = push_image(driver, name, name.as_bytes(), &["v1"], None).await;
        assert_eq!(
            driver.resolve_tag(name, "v1").await.unwrap(),
            Some(image.digest)
        );
    }
    assert_eq!(driver.repositories(None, 99).await.unwrap(), names);
    assert_eq!(folder.collect_all().await.blobs, 0);
    let report = driver.check(Default::default()).await.unwrap();
    assert_eq!((report.problems, report.repositories), (Vec::new(), 7));
}

#[tokio::test]
async fn a_folder_to_be_read_only_is_served_without_a_byte_written() {
    let folder = Folder::new();
    let (image, layer) = push_image(&folder.driver, "app", b"layer", &["v1"], None).await;
    fs::remove_dir_all(folder.root().join(".oras")).unwrap();
    fs::remove_dir_all(folder.root().join("app/.oras")).unwrap();
    let before = files(&folder.root());
    let mut options = LayoutOptions::default();
    options.read_only = true;
    options.grace = Duration::ZERO;
    let registry = Registry::builder()
        .layouts(folder.root(), options)
        .build()
        .unwrap();
    let client = super::client::Client::of(registry);
    for path in [
        "manifests/v1".to_owned(),
        format!("manifests/{}", image.digest),
        format!("blobs/{}", layer.digest),
        format!("referrers/{}", image.digest),
        "tags/list".to_owned(),
    ] {
        for method in ["GET", "HEAD"] {
            let reply = client
                .send(&format!("{method} /v2/app/{path}"), &[], "")
                .await;
            assert!(reply.status.is_success() || method == "HEAD", "{path}");
        }
    }
    client.get("/v2/_catalog").await.check(200, "");
    for line in [
        "POST /v2/app/blobs/uploads/".to_owned(),
        "DELETE /v2/app/manifests/v1".to_owned(),
        format!("DELETE /v2/app/blobs/{}", layer.digest),
    ] {
        let reply = client.send(&line, &[], "").await;
        assert!(!reply.status.is_success(), "{line}");
    }
    assert_eq!(files(&folder.root()), before);
}

#[tokio::test]
async fn a_blob_that_is_a_link_leads_nowhere() {
    let folder = Folder::new();
    let (image, layer) = push_image(&folder.driver, "app", b"layer", &["v1"], None).await;
    let secret = folder.temp.path().join("secret");
    fs::write(&secret, "secret").unwrap();
    let digest = Digest::sha256(b"secret");
    let link = folder.blob_path("app", &digest);
    std::os::unix::fs::symlink(&secret, &link).unwrap();
    fs::remove_file(folder.blob_path("app", &layer.digest)).unwrap();
    std::os::unix::fs::symlink(&secret, folder.blob_path("app", &layer.digest)).unwrap();
    let driver = open(&folder.root());
    for digest in [&digest, &layer.digest] {
        assert_eq!(driver.blob_size("app", digest).await.unwrap(), None);
        assert!(driver.open_blob("app", digest).await.unwrap().is_none());
        assert!(!driver.link_blob(digest, "app", "other").await.unwrap());
    }
    // Nor does cleaning, checking or pushing follow it.
    folder.collect_all().await;
    let mut options = oras_registry::layout::CheckOptions::default();
    options.repair = true;
    driver.check(options).await.unwrap();
    assert!(link.is_symlink() && fs::read(&secret).unwrap() == b"secret");
    push(&driver, "app", b"layer").await;
    assert_eq!(
        driver.blob_size("app", &layer.digest).await.unwrap(),
        Some(layer.size)
    );
    assert_eq!(fs::read(&secret).unwrap(), b"secret");
    assert!(
        driver
            .manifest("app", &image.digest)
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_clients_at_once_need_fewer_writes_of_the_index() {
    let folder = Folder::new();
    push(&folder.driver, "app", b"{}").await;
    let mut layers = Vec::new();
    for number in 0..64 {
        layers.push(push(&folder.driver, "app", format!("layer {number}").as_bytes()).await);
    }
    let clients: Vec<_> = layers
        .into_iter()
        .enumerate()
        .map(|(number, layer)| {
            let driver = folder.driver.clone();
            let commit = tagged(image(&[layer], None), &[&format!("v{number}")]);
            tokio::spawn(async move { put(&driver, "app", commit).await })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    let tags = folder.driver.tags("app", None, 99).await.unwrap().unwrap();
    assert_eq!(tags.len(), 64);
    let index = fs::read(folder.root().join("app/index.json")).unwrap();
    let index: serde_json::Value = serde_json::from_slice(&index).unwrap();
    let writes = index["annotations"]["land.oras.serve.generation"]
        .as_str()
        .unwrap();
    assert!(writes.parse::<u64>().unwrap() < 64, "{writes}");
}

/// File systems have a limit of names for one file; ext4's is 65,000.
#[tokio::test]
async fn a_blob_with_as_many_names_as_a_file_can_have_is_stored_once_more() {
    let folder = Folder::new();
    let driver = &folder.driver;
    let blob = push(driver, "first", b"{}").await;
    let names = folder.temp.path().join("names");
    fs::create_dir(&names).unwrap();
    let full = (0..70_000).find_map(|number| {
        let linked = fs::hard_link(
            folder.shared_path(&blob.digest),
            names.join(number.to_string()),
        );
        linked.err()
    });
    if full.is_none() {
        return; // This file system has no such limit.
    }
    for name in ["second", "third"] {
        push(driver, name, b"{}").await;
        assert_eq!(driver.blob_size(name, &blob.digest).await.unwrap(), Some(2));
    }
    assert!(
        driver
            .link_blob(&blob.digest, "first", "fourth")
            .await
            .unwrap()
    );
    assert_eq!(
        fs::read(folder.blob_path("fourth", &blob.digest)).unwrap(),
        b"{}"
    );
    let inode = |name| {
        use std::os::unix::fs::MetadataExt;
        fs::metadata(folder.blob_path(name, &blob.digest))
            .unwrap()
            .ino()
    };
    assert_eq!(inode("second"), inode("third"));
    assert_ne!(inode("first"), inode("second"));
}

/// How long that server keeps what nobody refers to.
const SOON: Duration = Duration::from_millis(500);

/// A server on a disk of 2 MiB, in a mount namespace of its own. `None` where that is not allowed.
fn on_a_small_disk(folder: &Path) -> Option<super::processes::Served> {
    use std::ffi::OsStr;
    let unshare = oras_testkit::peer::Tool::find("unshare")?;
    let script = r#"mount -t tmpfs -o size=2m none "$1" || exit 99; shift; exec "$@""#;
    let wrapper = [
        unshare.path().as_os_str(),
        OsStr::new("--mount"),
        OsStr::new("sh"),
        OsStr::new("-c"),
        OsStr::new(script),
        OsStr::new("sh"),
        folder.as_os_str(),
    ];
    let mut probe = std::process::Command::new(wrapper[0]);
    let probe = probe.args(&wrapper[1..]).arg("true").output().ok()?;
    let served = || super::processes::Served::start_under(&wrapper, folder, SOON);
    probe.status.success().then(served)
}

#[test]
fn a_full_disk_refuses_what_does_not_fit_and_goes_on_when_there_is_space_again() {
    let temp = tempfile::tempdir().unwrap();
    let Some(served) = on_a_small_disk(temp.path()) else {
        return;
    };
    let client = served.client();
    let noise = |seed, size| oras_testkit::fixture::noise(seed, size);
    // Kept by its tag, whatever happens to the rest.
    let push = |tag: &str, layer: Vec<u8>| client.push("app", Some(tag), &[layer], None);
    let (kept, bytes) = push("kept", noise(1, 300_000)).unwrap();
    let whole = || {
        let reply = client.get("/v2/app/manifests/kept").unwrap();
        assert!(reply.0 == 200 && reply.1 == bytes);
        let listed = client.get("/v2/app/tags/list").unwrap();
        serde_json::from_slice::<serde_json::Value>(&listed.1).unwrap()["tags"].clone()
    };
    // One byte less of space at each try: the disk is full at another step each time.
    let mut refused = 0;
    for fill in 0..24u64 {
        let size = 1_650_000 - usize::try_from(fill).unwrap() * 2_000;
        let layer = noise(100 + fill, size);
        let digest = Digest::sha256(&layer);
        let line = format!("POST /v2/fill/blobs/uploads/?digest={digest}");
        let stored = client
            .send(&line, media_type::OCTET_STREAM, &layer)
            .unwrap()
            .0;
        assert!(matches!(stored, 201 | 507), "{stored}");
        let path = format!("/v2/fill/blobs/{digest}");
        let seen = client.get(&path).unwrap();
        assert!(match seen.0 {
            200 => stored == 201 && seen.1 == layer,
            status => status == 404,
        });
        let body = format!(
            r#"{{"schemaVersion":2,"manifests":[],"annotations":{{"n":"{fill}","x":"{}"}}}}"#,
            "x".repeat(5000)
        );
        let put = client
            .send(
                "PUT /v2/app/manifests/more",
                media_type::IMAGE_INDEX,
                body.as_bytes(),
            )
            .unwrap();
        assert!(
            matches!(put.0, 201 | 507),
            "{}: {}",
            put.0,
            String::from_utf8_lossy(&put.1)
        );
        refused += usize::from(stored == 507) + usize::from(put.0 == 507);
        let tags = whole();
        assert!(tags == serde_json::json!(["kept", "more"]) || tags == serde_json::json!(["kept"]));
        let more = client.get("/v2/app/manifests/more").unwrap();
        if put.0 == 201 {
            assert!(more.0 == 200 && more.1 == body.as_bytes());
        } else {
            assert!(more.0 == 404 || more.1 != body.as_bytes());
        }
    }
    assert!(refused > 0, "the disk was never full");
    // The server cleans all the time: what was refused is gone, and there is space again.
    let layer = noise(2, 900_000);
    let line = format!(
        "POST /v2/app/blobs/uploads/?digest={}",
        Digest::sha256(&layer)
    );
    let stored = (0..100_000).any(|_| {
        let reply = client
            .send(&line, media_type::OCTET_STREAM, &layer)
            .unwrap();
        reply.0 == 201
    });
    assert!(stored, "there is no space again");
    push("again", noise(3, 9_000)).unwrap();
    assert!(whole().as_array().unwrap().contains(&"again".into()));
    let reply = client
        .get(&format!("/v2/app/manifests/{}", kept.digest))
        .unwrap();
    assert_eq!(reply.0, 200);
}

//! What every driver must do, as functions over the traits.

use bytes::Bytes;
use futures_util::TryStreamExt;
use oras_registry::driver::{
    Commit, Condition, Driver, Entry, ManifestCommit, PutOutcome, Required, UntagOutcome,
};
use oras_registry::layout::{LayoutDriver, LayoutOptions};
use oras_registry::memory::MemoryDriver;
use oras_spec::{Algorithm, Descriptor, Digest, ImageIndex, json, media_type};

async fn push(driver: &dyn Driver, repository: &str, content: &'static [u8]) -> Digest {
    let digest = Digest::sha256(content);
    driver
        .start_upload(repository, "id", Algorithm::Sha256)
        .await
        .unwrap();
    let mut writer = driver
        .write_upload(repository, "id")
        .await
        .unwrap()
        .unwrap();
    writer.write(Bytes::from_static(content)).await.unwrap();
    assert_eq!(writer.commit(&digest).await.unwrap(), Commit::Stored);
    digest
}

async fn read(
    driver: &dyn Driver,
    repository: &str,
    digest: &Digest,
    start: u64,
    length: u64,
) -> Option<Vec<u8>> {
    let blob = driver.open_blob(repository, digest).await.unwrap()?;
    let pieces: Vec<Bytes> = blob.read(start, length).try_collect().await.unwrap();
    Some(pieces.concat())
}

/// A manifest that is told from others by `name`.
fn manifest(name: &str, subject: Option<&Digest>) -> Bytes {
    let subject = subject.map(|digest| Descriptor::new("a/b", digest.clone(), 7));
    let manifest = ImageIndex {
        artifact_type: Some("a/t".into()),
        subject,
        annotations: [("name".to_owned(), name.to_owned())].into(),
        ..ImageIndex::new(Vec::new())
    };
    json::to_vec(&manifest).unwrap().into()
}

fn digest_of(name: &str, subject: Option<&Digest>) -> Digest {
    Digest::sha256(&manifest(name, subject))
}

fn commit(name: &str, subject: Option<&Digest>, tags: &[&str]) -> ManifestCommit {
    let bytes = manifest(name, subject);
    ManifestCommit {
        entry: Entry {
            media_type: media_type::IMAGE_INDEX.into(),
            digest: Digest::sha256(&bytes),
            size: bytes.len() as u64,
            artifact_type: Some("a/t".into()),
            annotations: [("name".to_owned(), name.to_owned())].into(),
            subject: subject.cloned(),
        },
        bytes,
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        condition: Condition::Always,
        required: Vec::new(),
    }
}

async fn blobs(driver: &dyn Driver) {
    let digest = push(driver, "blobs/a", b"0123456789").await;
    assert_eq!(
        driver.blob_size("blobs/a", &digest).await.unwrap(),
        Some(10)
    );
    assert_eq!(
        read(driver, "blobs/a", &digest, 3, 4).await.unwrap(),
        b"3456"
    );
    assert_eq!(
        read(driver, "blobs/a", &digest, 0, 10).await.unwrap(),
        b"0123456789"
    );
    assert_eq!(driver.blob_size("blobs/b", &digest).await.unwrap(), None);
    assert_eq!(read(driver, "blobs/b", &digest, 0, 1).await, None);
    assert_eq!(driver.holders(&digest).await.unwrap(), ["blobs/a"]);
    assert!(
        !driver
            .link_blob(&digest, "blobs/c", "blobs/b")
            .await
            .unwrap()
    );
    assert!(
        driver
            .link_blob(&digest, "blobs/a", "blobs/b")
            .await
            .unwrap()
    );
    assert!(driver.delete_blob("blobs/a", &digest).await.unwrap());
    assert!(!driver.delete_blob("blobs/a", &digest).await.unwrap());
    assert_eq!(read(driver, "blobs/b", &digest, 9, 1).await.unwrap(), b"9");
    assert_eq!(driver.holders(&digest).await.unwrap(), ["blobs/b"]);
}

async fn uploads(driver: &dyn Driver) {
    assert_eq!(driver.upload_offset("up", "one").await.unwrap(), None);
    driver
        .start_upload("up", "one", Algorithm::Sha256)
        .await
        .unwrap();
    let mut writer = driver.write_upload("up", "one").await.unwrap().unwrap();
    writer.write("abc".into()).await.unwrap();
    assert_eq!(writer.offset(), 3);
    writer.flush().await.unwrap();
    drop(writer);
    assert_eq!(driver.upload_offset("up", "one").await.unwrap(), Some(3));
    assert_eq!(driver.upload_offset("other", "one").await.unwrap(), None);
    assert!(driver.write_upload("other", "one").await.unwrap().is_none());

    let mut writer = driver.write_upload("up", "one").await.unwrap().unwrap();
    writer.write("wrong".into()).await.unwrap();
    writer.roll_back().await.unwrap();
    assert_eq!(writer.offset(), 3);
    writer.write("def".into()).await.unwrap();
    // Not the algorithm it was started for.
    let digest = Digest::of(Algorithm::Sha512, b"abcdef");
    assert_eq!(writer.commit(&digest).await.unwrap(), Commit::Stored);
    assert_eq!(read(driver, "up", &digest, 0, 6).await.unwrap(), b"abcdef");
    assert_eq!(driver.upload_offset("up", "one").await.unwrap(), None);

    driver
        .start_upload("up", "two", Algorithm::Sha512)
        .await
        .unwrap();
    let writer = driver.write_upload("up", "two").await.unwrap().unwrap();
    let wrong = Digest::sha256(b"wrong");
    assert_eq!(writer.commit(&wrong).await.unwrap(), Commit::Mismatch);
    assert_eq!(driver.upload_offset("up", "two").await.unwrap(), None);
    assert_eq!(driver.blob_size("up", &wrong).await.unwrap(), None);

    driver
        .start_upload("up", "three", Algorithm::Sha256)
        .await
        .unwrap();
    assert!(driver.cancel_upload("up", "three").await.unwrap());
    assert!(!driver.cancel_upload("up", "three").await.unwrap());
}

async fn manifests(driver: &dyn Driver) {
    let name = "manifests";
    let digest = digest_of("one", None);
    let size = manifest("one", None).len() as u64;
    assert!(!driver.has_repository(name).await.unwrap());
    let put = driver
        .put_manifest(name, commit("one", None, &["b", "a"]))
        .await;
    assert_eq!(put.unwrap(), PutOutcome::Stored);
    assert!(driver.has_repository(name).await.unwrap());
    let stored = driver.manifest(name, &digest).await.unwrap().unwrap();
    assert_eq!(
        (stored.media_type.as_str(), &stored.bytes[..]),
        (media_type::IMAGE_INDEX, &manifest("one", None)[..])
    );
    assert_eq!(driver.blob_size(name, &digest).await.unwrap(), Some(size));
    assert_eq!(
        driver.resolve_tag(name, "a").await.unwrap(),
        Some(digest.clone())
    );
    assert_eq!(
        driver.tags(name, None, 9).await.unwrap().unwrap(),
        ["a", "b"]
    );
    assert_eq!(
        driver.tags(name, Some("a"), 9).await.unwrap().unwrap(),
        ["b"]
    );
    assert_eq!(driver.tags(name, None, 1).await.unwrap().unwrap(), ["a"]);
    assert_eq!(driver.tags("nowhere", None, 1).await.unwrap(), None);

    let mut refused = commit("two", None, &["a", "new"]);
    refused.condition = Condition::Absent;
    let put = driver.put_manifest(name, refused).await.unwrap();
    assert_eq!(put, PutOutcome::ConditionFailed);
    let mut moved = commit("two", None, &["a", "new"]);
    let unmoved = |tag: &str, digest: &Digest| Condition::Unmoved {
        tags: vec![tag.to_owned()],
        digest: digest.clone(),
    };
    moved.condition = unmoved("a", &moved.entry.digest);
    let put = driver.put_manifest(name, moved.clone()).await.unwrap();
    assert_eq!(put, PutOutcome::ConditionFailed);
    let mut same = commit("one", None, &["a"]);
    same.condition = unmoved("a", &digest);
    let put = driver.put_manifest(name, same).await.unwrap();
    assert_eq!(put, PutOutcome::Stored);
    moved.tags = vec!["b".to_owned(), "c".to_owned()];
    moved.condition = unmoved("c", &moved.entry.digest);
    let put = driver.put_manifest(name, moved.clone()).await.unwrap();
    assert_eq!(put, PutOutcome::Stored);
    assert!(
        driver
            .delete_manifest(name, &moved.entry.digest)
            .await
            .unwrap()
    );
    let put = driver.put_manifest(name, commit("one", None, &["b"])).await;
    assert_eq!(put.unwrap(), PutOutcome::Stored);
    let mut refused = commit("two", None, &["new"]);
    let missing = Descriptor::of_bytes("a/b", b"missing");
    let wrong = Descriptor::new("m/t", digest.clone(), size + 1);
    refused.required = vec![Required::Blob(missing.clone())];
    let put = driver.put_manifest(name, refused.clone()).await.unwrap();
    assert_eq!(put, PutOutcome::Missing(vec![missing.digest]));
    refused.required = vec![Required::Manifest(wrong)];
    let put = driver.put_manifest(name, refused).await.unwrap();
    assert_eq!(put, PutOutcome::WrongSize(vec![digest.clone()]));
    assert_eq!(driver.resolve_tag(name, "new").await.unwrap(), None);

    let condition = Condition::PointsTo(Vec::new());
    let untag = driver.untag(name, "a", &condition).await.unwrap();
    assert_eq!(untag, UntagOutcome::ConditionFailed);
    let untag = driver.untag(name, "a", &Condition::Always).await.unwrap();
    assert_eq!(untag, UntagOutcome::Removed);
    let untag = driver.untag(name, "a", &Condition::Always).await.unwrap();
    assert_eq!(untag, UntagOutcome::Missing);
    assert!(driver.delete_manifest(name, &digest).await.unwrap());
    assert!(!driver.delete_manifest(name, &digest).await.unwrap());
    assert_eq!(driver.resolve_tag(name, "b").await.unwrap(), None);
    assert_eq!(driver.blob_size(name, &digest).await.unwrap(), None);
}

async fn listings(driver: &dyn Driver) {
    let name = "listings/b";
    let subject = Digest::sha256(b"subject");
    for content in ["r1", "r2", "r3", "r2"] {
        let put = driver
            .put_manifest(name, commit(content, Some(&subject), &[]))
            .await;
        assert_eq!(put.unwrap(), PutOutcome::Stored);
    }
    let list = async |kind: Option<&str>, after: Option<&Digest>, limit| {
        let entries = driver
            .referrers(name, &subject, kind, after, limit)
            .await
            .unwrap();
        entries
            .into_iter()
            .map(|entry| entry.digest)
            .collect::<Vec<_>>()
    };
    let mut all: Vec<Digest> = ["r1", "r2", "r3"]
        .map(|name| digest_of(name, Some(&subject)))
        .into();
    all.sort();
    assert_eq!(list(None, None, 9).await, all);
    assert_eq!(list(Some("a/t"), Some(&all[0]), 1).await, [all[1].clone()]);
    assert!(list(Some("other"), None, 9).await.is_empty());
    assert!(driver.delete_manifest(name, &all[1]).await.unwrap());
    assert_eq!(list(None, None, 9).await, [all[0].clone(), all[2].clone()]);

    driver
        .put_manifest("listings-a", commit("x", None, &[]))
        .await
        .unwrap();
    push(driver, "listings/only-blobs", b"blob").await;
    let names = driver.repositories(Some("list"), 9).await.unwrap();
    assert_eq!(names, ["listings-a", name]);
    assert_eq!(
        driver.repositories(Some("listings-a"), 1).await.unwrap(),
        [name]
    );
}

async fn all(driver: &dyn Driver) {
    blobs(driver).await;
    uploads(driver).await;
    manifests(driver).await;
    listings(driver).await;
}

#[tokio::test]
async fn memory_passes_the_suite() {
    all(&MemoryDriver::new()).await;
}

#[tokio::test]
async fn layouts_pass_the_suite() {
    let folder = tempfile::tempdir().unwrap();
    all(&LayoutDriver::open(folder.path(), LayoutOptions::default()).unwrap()).await;
}

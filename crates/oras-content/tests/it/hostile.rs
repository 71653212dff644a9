//! Archives that mean harm, or look like it.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};

use oras_content::archive::Quotas;
use oras_content::{ErrorKind, Payload, Push};
use oras_spec::{Digest, annotation};
use oras_testkit::fixture::{TarEntry, gzip, snapshot, tar_of};

use crate::support::{assert_empty, layer, options, store, unpack};

#[tokio::test]
async fn a_conflict_stops_a_merge_before_it_begins() {
    let outer = tempfile::tempdir().unwrap();
    let root = outer.path().join("root");
    let folder = root.join("d");
    fs::create_dir_all(folder.join("file")).unwrap();
    fs::write(folder.join("sub"), "").unwrap();
    symlink(outer.path(), folder.join("away")).unwrap();
    let before = snapshot(outer.path());
    let check = async |last: &[TarEntry], why: &str| {
        let mut entries = vec![TarEntry::folder("d"), TarEntry::file("d/aaa", "x")];
        entries.extend_from_slice(last);
        let text = unpack(&store(&root), "d", &entries)
            .await
            .unwrap_err()
            .chain();
        assert!(
            text.starts_with(&format!("failed to extract tar to {}: ", folder.display())),
            "{text}"
        );
        assert!(text.contains(why), "{text}");
        assert_eq!(snapshot(outer.path()), before);
    };
    check(&[TarEntry::file("d/file", "x")], "is a directory").await;
    check(&[TarEntry::folder("d/sub")], "not a directory").await;
    let through = [TarEntry::folder("d/away"), TarEntry::file("d/away/x", "x")];
    check(
        &through,
        "no symbolic link allowed between \"d\" and \"d/away\"",
    )
    .await;
}

#[tokio::test]
async fn archives_that_lead_outside_are_refused_and_leave_nothing() {
    let outer = tempfile::tempdir().unwrap();
    let root = outer.path().join("root");
    fs::create_dir(&root).unwrap();
    fs::write(outer.path().join("secret"), "secret").unwrap();
    let target = root.join("d");
    let check = async |entries: &[TarEntry], why: &str| {
        let mut all = vec![TarEntry::folder("d")];
        all.extend_from_slice(entries);
        let error = unpack(&store(&root), "d", &all).await.unwrap_err();
        let expected = format!("failed to extract tar to {}: {why}", target.display());
        assert_eq!(error.chain(), expected);
        assert_eq!(error.kind(), ErrorKind::PathTraversal);
        assert_empty(&root);
        assert_eq!(fs::read(outer.path().join("secret")).unwrap(), b"secret");
    };
    let (file, folder, link, hard) = (
        |name| TarEntry::file(name, "evil"),
        TarEntry::folder,
        TarEntry::symlink,
        TarEntry::hardlink,
    );
    // By name.
    check(
        &[file("d/../../secret")],
        r#""d/../../secret" is outside of "d""#,
    )
    .await;
    check(&[file("../secret")], r#""../secret" is outside of "d""#).await;
    check(&[file("dd/x")], r#""dd/x" is outside of "d""#).await;
    check(&[file("/etc/evil")], r#""/etc/evil" is outside of "d""#).await;
    // By where a symbolic link leads.
    check(
        &[link("d/l", "../../secret")],
        r#""../../secret" is outside of "d""#,
    )
    .await;
    check(
        &[link("d/l", "/etc/passwd")],
        r#""/etc/passwd" is outside of "d""#,
    )
    .await;
    let sneaky = format!("{}/x/../../../secret", target.display());
    check(
        &[link("d/l", &sneaky)],
        &format!("\"{sneaky}\" is outside of \"d\""),
    )
    .await;
    // By writing through one.
    let between = r#"no symbolic link allowed between "d" and "d/l/x""#;
    check(&[folder("d/s"), link("d/l", "s"), file("d/l/x")], between).await;
    check(
        &[folder("d/s"), link("d/l", "s"), hard("d/l/x", "../s/y")],
        between,
    )
    .await;
    // By a chain: each text stays inside, the whole does not.
    let chain = [
        folder("d/a"),
        link("d/a/here", "."),
        link("d/l", "a/here/../../secret"),
    ];
    check(&chain, r#""l" is outside of "d""#).await;
    // The same with the trap set before the bait.
    let chain = [
        folder("d/a"),
        link("d/l", "a/here/../../secret"),
        link("d/a/here", "."),
    ];
    check(&chain, r#""l" is outside of "d""#).await;
    // By hard link.
    check(
        &[hard("d/h", "../secret")],
        r#""../secret" is outside of "d""#,
    )
    .await;
    check(
        &[hard("d/h", "/etc/passwd")],
        r#""/etc/passwd" is outside of "d""#,
    )
    .await;
    let through = [
        folder("d/s"),
        file("d/s/f"),
        link("d/l", "s"),
        hard("d/h", "l/f"),
    ];
    check(
        &through,
        r#"no symbolic link allowed between "d" and "d/l/f""#,
    )
    .await;
}

#[tokio::test]
async fn malformed_archives_are_refused_and_leave_nothing() {
    let root = tempfile::tempdir().unwrap();
    let check = async |blob: Vec<u8>, why: &str| {
        let descriptor = layer("d", &blob, None);
        let error = store(root.path())
            .push(&descriptor, Payload::bytes(blob))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArchive, "{error:?}");
        assert!(error.chain().contains(why), "{}", error.chain());
        assert_empty(root.path());
    };
    check(Vec::new(), "unexpected EOF").await;
    check(
        b"this is no archive at all, only text".to_vec(),
        "unexpected EOF",
    )
    .await;
    check(vec![b'x'; 2048], "invalid tar header").await;
    let tar = tar_of(&[TarEntry::file("d/x", vec![b'x'; 5000])]);
    check(tar[..3000].to_vec(), "unexpected EOF").await;
    let packed = gzip(&tar);
    check(packed[..packed.len() - 12].to_vec(), "").await;
    let mut broken = packed.clone();
    let sum = broken.len() - 6;
    broken[sum] ^= 1;
    check(broken, "").await;
    check(
        gzip(&tar_of(&[TarEntry::file("d", "a file")])),
        "\"d\" is not a directory",
    )
    .await;
    let link_to_link = [
        TarEntry::file("d/f", "f"),
        TarEntry::symlink("d/l", "f"),
        TarEntry::hardlink("d/h", "l"),
    ];
    check(gzip(&tar_of(&link_to_link)), "not a regular file").await;
    // A record that asks for more memory than any name needs.
    let mut record = tar_of(&[TarEntry::file("d/x", vec![b'x'; 2 << 20])]);
    record[156] = b'x';
    record[148..156].fill(b' ');
    let sum: u32 = record[..512].iter().map(|b| u32::from(*b)).sum();
    record[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    check(gzip(&record), "tar record is too large").await;
}

#[tokio::test]
async fn links_that_stay_inside_are_unpacked() {
    let root = tempfile::tempdir().unwrap();
    let absolute = root.path().join("d/s/f");
    let entries = [
        TarEntry::folder("d/"),
        TarEntry::file("./d/s/f", "content"),
        TarEntry::symlink("d/up", "s/../s/f"),
        TarEntry::symlink("d/s/back", "../up"),
        TarEntry::symlink("d/absolute", absolute.to_str().unwrap()),
        TarEntry::symlink("d/dangling", "nowhere"),
        TarEntry::hardlink("d/s/near", "f"),
        TarEntry::hardlink("d/s/parent", "../s/f"),
        // From the root of the archive, as tar means it.
        TarEntry::hardlink("d/root", "d/s/f"),
        TarEntry::hardlink("d/hard", absolute.to_str().unwrap()),
        // The last one under a name wins, and a link in its way is not followed.
        TarEntry::symlink("d/twice", "s/f"),
        TarEntry::file("d/twice", "twice"),
    ];
    unpack(&store(root.path()), "d", &entries).await.unwrap();
    let folder = root.path().join("d");
    for name in [
        "up", "s/back", "absolute", "s/near", "s/parent", "root", "hard",
    ] {
        assert_eq!(
            fs::read_to_string(folder.join(name)).unwrap(),
            "content",
            "{name}"
        );
    }
    assert_eq!(fs::metadata(folder.join("s/f")).unwrap().nlink(), 5);
    assert_eq!(fs::read_to_string(folder.join("twice")).unwrap(), "twice");
    assert_eq!(fs::read_to_string(folder.join("s/f")).unwrap(), "content");
}

#[tokio::test]
async fn bombs_stop_at_the_quotas() {
    let root = tempfile::tempdir().unwrap();
    let zeros = [TarEntry::file("d/zeros", vec![0; 8 << 20])];
    let many: Vec<_> = (0..20)
        .map(|n| TarEntry::folder(&format!("d/{n}")))
        .collect();
    let check = async |entries: &[TarEntry], set: fn(&mut Quotas), why: &str| {
        let store = options(root.path(), |options| set(&mut options.quotas));
        let error = unpack(&store, "d", entries).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::QuotaExceeded, "{error:?}");
        assert!(error.chain().ends_with(why), "{}", error.chain());
        assert_empty(root.path());
    };
    check(
        &zeros,
        |q| q.bytes = 1 << 20,
        "archive holds more than 1048576 bytes",
    )
    .await;
    check(
        &zeros,
        |q| q.ratio_from = 1 << 20,
        "archive is compressed more than 250 to 1",
    )
    .await;
    check(
        &many,
        |q| q.entries = 10,
        "archive has more than 10 entries",
    )
    .await;
    unpack(&store(root.path()), "d", &zeros).await.unwrap();
}

#[tokio::test]
async fn the_digest_of_the_tar_counts_with_or_without_padding() {
    let entries = [TarEntry::folder("d"), TarEntry::file("d/x", "x")];
    let tar = tar_of(&entries);
    let mut padded = tar.clone();
    padded.resize(10_240, 0);
    let blob = gzip(&padded);
    for digest in [Digest::sha256(&tar), Digest::sha256(&padded)] {
        let root = tempfile::tempdir().unwrap();
        let descriptor = layer("d", &blob, Some(&digest));
        store(root.path())
            .push(&descriptor, Payload::bytes(blob.clone()))
            .await
            .unwrap();
        assert!(root.path().join("d/x").is_file());
    }
    let root = tempfile::tempdir().unwrap();
    let descriptor = layer("d", &blob, Some(&Digest::sha256(b"another")));
    let error = store(root.path())
        .push(&descriptor, Payload::bytes(blob.clone()))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DigestMismatch);
    let folder = root.path().join("d");
    assert_eq!(
        error.chain(),
        format!(
            "failed to extract tar to {}: content digest mismatch",
            folder.display()
        )
    );
    assert_empty(root.path());
    // What is no digest can't be compared with.
    let mut descriptor = layer("d", &blob, None);
    descriptor
        .annotations
        .insert(annotation::CONTENT_DIGEST.to_owned(), "none".to_owned());
    store(root.path())
        .push(&descriptor, Payload::bytes(blob))
        .await
        .unwrap();
}

#[tokio::test]
async fn wrong_bytes_are_told_as_such_even_if_the_archive_is_bad_too() {
    let root = tempfile::tempdir().unwrap();
    let good = gzip(&tar_of(&[TarEntry::file("d/x", "x")]));
    let evil = gzip(&tar_of(&[TarEntry::file("../x", "x")]));
    let mut descriptor = layer("d", &good, None);
    descriptor.size = evil.len() as u64;
    let error = store(root.path())
        .push(&descriptor, Payload::bytes(evil))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DigestMismatch);
    assert!(
        error.chain().contains("mismatched digest"),
        "{}",
        error.chain()
    );
    assert_empty(root.path());
}

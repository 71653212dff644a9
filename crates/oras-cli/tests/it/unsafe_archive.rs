//! Archives that try to leave their folder, or to fill the disk.

use std::fs;
use std::path::Path;

use oras_testkit::fixture::{Graph, TarEntry, gzip, gzip_bomb, snapshot, tar_of};
use tempfile::TempDir;

use crate::bad_input::one_error;
use crate::oras_in;

/// Pulls a folder `app` with these entries into `work/out`; nothing may happen to anything else.
#[track_caller]
fn refused(entries: impl Fn(&Path) -> Vec<TarEntry>) {
    let dir = TempDir::new().unwrap();
    let root = dir.path().canonicalize().unwrap();
    fs::write(root.join("victim"), "untouched").unwrap();
    fs::create_dir(root.join("outside")).unwrap();
    let mut graph = Graph::new();
    let folder = graph.folder("app", &entries(&root));
    let artifact = graph.artifact("test/escape", &[&folder], None);
    graph.write_layout(&root.join("lay"), &[("v1", &artifact)]);
    fs::create_dir_all(root.join("work/out")).unwrap();

    let oras = oras_in(&root);
    let before = snapshot(&root);
    let out = one_error(oras.run(["pull", "--oci-layout", "lay:v1", "-o", "work/out"]));
    assert_eq!(
        snapshot(&root),
        before,
        "something got out or was left: {}",
        out.all()
    );
    assert_eq!(
        snapshot(&oras.temporary()).len(),
        0,
        "a temporary file was left: {}",
        out.all()
    );
    // The flag opens the way for names of artifacts, not for what is inside of archives.
    assert!(
        !out.stderr.contains("--allow-path-traversal"),
        "a hint that does not help: {}",
        out.all()
    );
    out.complains(["failed to extract tar to"]);
}

fn folder(name: &str) -> TarEntry {
    TarEntry::folder(name)
}

#[test]
fn by_dots() {
    refused(|_| vec![folder("app"), TarEntry::file("app/../../evil", "x")]);
    refused(|_| vec![folder("app"), TarEntry::file("../evil", "x")]);
    refused(|_| vec![folder("app"), folder("app/../../outside/new")]);
}

#[test]
fn by_an_absolute_path() {
    refused(|root| {
        vec![
            folder("app"),
            TarEntry::File(root.join("evil").display().to_string(), b"x".to_vec()),
        ]
    });
}

#[test]
fn by_the_name_of_a_neighbour() {
    refused(|_| vec![folder("app"), TarEntry::file("app2/evil", "x")]);
}

#[test]
fn by_a_symbolic_link_to_the_outside() {
    refused(|root| {
        vec![
            folder("app"),
            TarEntry::symlink("app/out", root.join("outside").to_str().unwrap()),
        ]
    });
    refused(|_| {
        vec![
            folder("app"),
            TarEntry::symlink("app/out", "../../../outside"),
        ]
    });
    refused(|_| {
        let link = TarEntry::symlink("app/out", "../../../outside");
        vec![folder("app"), link, TarEntry::file("app/out/evil", "x")]
    });
}

#[test]
fn by_a_chain_of_symbolic_links() {
    refused(|_| {
        vec![
            folder("app"),
            folder("app/deep"),
            TarEntry::symlink("app/here", "."),
            TarEntry::symlink("app/here/up", ".."),
            TarEntry::file("app/up/evil", "x"),
        ]
    });
    refused(|_| {
        vec![
            folder("app"),
            folder("app/deep"),
            TarEntry::symlink("app/one", "deep"),
            TarEntry::symlink("app/deep/two", "../one"),
            TarEntry::file("app/deep/two/../../../../evil", "x"),
        ]
    });
}

#[test]
fn by_a_hard_link() {
    refused(|_| {
        let link = TarEntry::hardlink("app/link", "../../../victim");
        vec![folder("app"), link, TarEntry::file("app/link", "changed")]
    });
    refused(|root| {
        let link = TarEntry::hardlink("app/link", root.join("victim").to_str().unwrap());
        vec![folder("app"), link, TarEntry::file("app/link", "changed")]
    });
}

#[test]
fn with_another_content_than_annotated() {
    let dir = TempDir::new().unwrap();
    let mut graph = Graph::new();
    let mut folder = graph.folder(
        "app",
        &[TarEntry::folder("app"), TarEntry::file("app/a", "a")],
    );
    let wrong = graph
        .blob("text/plain", "something else")
        .digest
        .to_string();
    folder
        .annotations
        .insert("io.deis.oras.content.digest".to_owned(), wrong);
    let artifact = graph.artifact("test/wrong", &[&folder], None);
    graph.write_layout(&dir.path().join("lay"), &[("v1", &artifact)]);
    let before = snapshot(dir.path());
    let out = one_error(oras_in(dir.path()).run(["pull", "--oci-layout", "lay:v1"]));
    out.complains(["content digest mismatch"]);
    assert_eq!(snapshot(dir.path()), before);
}

#[test]
fn with_a_bomb() {
    const MIB: u64 = 1 << 20;
    let dir = TempDir::new().unwrap();
    let mut graph = Graph::new();
    let mut folder = graph.file(
        "app",
        "application/vnd.oci.image.layer.v1.tar+gzip",
        gzip_bomb("app", 512 * MIB),
    );
    folder
        .annotations
        .insert("io.deis.oras.content.unpack".to_owned(), "true".to_owned());
    let artifact = graph.artifact("test/bomb", &[&folder], None);
    graph.write_layout(&dir.path().join("lay"), &[("v1", &artifact)]);
    let before = snapshot(dir.path());
    let oras = oras_in(dir.path());
    let out = one_error(oras.run(["pull", "--oci-layout", "lay:v1"]));
    let out = out.complains(["failed to extract tar to"]);
    assert_eq!(snapshot(dir.path()), before);
    assert_eq!(snapshot(&oras.temporary()).len(), 0);
    assert!(out.peak_kib < 32 * 1024, "{} KiB of memory", out.peak_kib);
}

#[test]
fn that_end_too_soon() {
    refused_bytes(|tar| tar.truncate(700));
    refused_bytes(|tar| tar[124..136].copy_from_slice(b"77777777777\0"));
}

/// Pulls a folder whose tar was damaged.
#[track_caller]
fn refused_bytes(damage: impl Fn(&mut Vec<u8>)) {
    let dir = TempDir::new().unwrap();
    let mut tar = tar_of(&[
        TarEntry::folder("app"),
        TarEntry::file("app/a", vec![1; 900]),
    ]);
    damage(&mut tar);
    let mut graph = Graph::new();
    let mut folder = graph.file(
        "app",
        "application/vnd.oci.image.layer.v1.tar+gzip",
        gzip(&tar),
    );
    folder
        .annotations
        .insert("io.deis.oras.content.unpack".to_owned(), "true".to_owned());
    let artifact = graph.artifact("test/damaged", &[&folder], None);
    graph.write_layout(&dir.path().join("lay"), &[("v1", &artifact)]);
    let before = snapshot(dir.path());
    let out = one_error(oras_in(dir.path()).run(["pull", "--oci-layout", "lay:v1"]));
    assert_eq!(snapshot(dir.path()), before);
    out.complains(["failed to extract tar to"]);
}

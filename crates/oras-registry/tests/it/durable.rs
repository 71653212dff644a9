//! What is on the disk before it is acknowledged, as the system calls of a server tell.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use oras_registry::layout::{Durability, LayoutDriver, LayoutOptions};
use oras_spec::layout::blob_path;
use oras_spec::{Digest, ImageIndex};
use oras_testkit::peer::Tool;
use tempfile::TempDir;

use super::folder::push_image;

const ROOT: &str = "ORAS_REGISTRY_TEST_DURABLE";
const BLOBS_TOO: &str = "ORAS_REGISTRY_TEST_DURABLE_BLOBS";

/// Not a test but what is traced: two pushes into a folder.
#[tokio::test]
async fn pushes() {
    let Ok(root) = std::env::var(ROOT) else {
        return;
    };
    let mut options = LayoutOptions::default();
    options.durability = match std::env::var(BLOBS_TOO).is_ok() {
        true => Durability::Blob,
        false => Durability::Manifest,
    };
    let driver = LayoutDriver::open(Path::new(&root).join("root"), options).unwrap();
    push_image(&driver, "team/app", b"first", &["v1"], None).await;
    push_image(&driver, "team/app", b"second", &["v2"], None).await;
}

/// Something that is done, in this order.
#[derive(Debug, PartialEq)]
enum Done {
    Synced(PathBuf),
    Renamed(PathBuf, PathBuf),
}

/// What the server does in a folder. `None` where nothing can be traced.
fn trace(blobs_too: bool) -> Option<(TempDir, Vec<Done>)> {
    let strace = Tool::find("strace")?;
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path().canonicalize().unwrap();
    let log = root.join("log");
    let mut traced = Command::new(strace.path());
    traced
        .args([
            "-f",
            "-y",
            "-s",
            "4096",
            "-e",
            "trace=fsync,?rename,?renameat,?renameat2",
            "-o",
        ])
        .arg(&log);
    let mut probe = Command::new(strace.path());
    let probe = probe.args(["-f", "-o", "/dev/null", "true"]).output();
    if !probe.is_ok_and(|probe| probe.status.success()) {
        return None;
    }
    traced.arg(std::env::current_exe().unwrap());
    traced.args(["durable::pushes", "--exact"]).env(ROOT, &root);
    if blobs_too {
        traced.env(BLOBS_TOO, "");
    }
    let status = traced.stdout(Stdio::null()).status().unwrap();
    assert!(status.success());
    let (mut done, mut begun) = (Vec::new(), HashMap::new());
    for line in fs::read_to_string(log).unwrap().lines() {
        let (thread, call) = line.split_once(' ').unwrap();
        let call = call.trim_start();
        // What another thread interrupts is done when it goes on.
        if let Some(call) = call.strip_suffix("<unfinished ...>") {
            begun.insert(thread.to_owned(), call.to_owned());
            continue;
        }
        let call = match call.starts_with("<... ") {
            true => begun.remove(thread).unwrap(),
            false => call.to_owned(),
        };
        if let Some(synced) = call.strip_prefix("fsync(") {
            let path = synced.split_once('<').unwrap().1.split_once('>').unwrap().0;
            done.push(Done::Synced(path.into()));
        } else if call.starts_with("rename") {
            let paths: Vec<&str> = call.split('"').collect();
            // A journal is of use only as long as the machine runs.
            if !paths[3].ends_with("/journal") {
                done.push(Done::Renamed(paths[1].into(), paths[3].into()));
            }
        }
    }
    Some((temp, done))
}

#[test]
fn a_manifest_and_what_it_needs_are_on_the_disk_before_its_index_and_that_before_the_answer() {
    let Some((temp, done)) = trace(false) else {
        eprintln!("skipped: strace is not there, or not allowed");
        return;
    };
    let root = temp.path().canonicalize().unwrap().join("root");
    let app = root.join("team/app");
    let is_index =
        |one: &Done| matches!(one, Done::Renamed(_, to) if *to == app.join("index.json"));
    let commits: Vec<usize> = (0..done.len()).filter(|at| is_index(&done[*at])).collect();
    assert_eq!(commits.len(), 2, "{done:?}");
    let index = fs::read(app.join("index.json")).unwrap();
    let index: ImageIndex = serde_json::from_slice(&index).unwrap();
    let blob = |digest: &Digest| app.join(blob_path(digest));
    let mut since = 0;
    for (at, (manifest, layer)) in commits
        .iter()
        .zip(index.manifests.iter().zip([b"first" as &[u8], b"second"]))
    {
        let before = &done[since..*at];
        let Done::Renamed(draft, _) = &done[*at] else {
            unreachable!()
        };
        let mut needed = vec![
            draft.clone(),
            blob(&manifest.digest),
            blob(&Digest::sha256(layer)),
            app.join("blobs/sha256"),
            app.join("blobs"),
        ];
        if since == 0 {
            needed.push(blob(&Digest::sha256(b"{}")));
            needed.extend([app.clone(), root.join("team"), root.clone()]);
        }
        for path in needed {
            assert!(
                before.contains(&Done::Synced(path.clone())),
                "{path:?} in {before:?}"
            );
        }
        since = at + 1;
        // The name of the index, before anything else.
        assert_eq!(done.get(since), Some(&Done::Synced(app.clone())));
    }
}

#[test]
fn if_that_is_asked_for_a_blob_is_on_the_disk_before_it_is_acknowledged() {
    let Some((temp, done)) = trace(true) else {
        eprintln!("skipped: strace is not there, or not allowed");
        return;
    };
    let root = temp.path().canonicalize().unwrap().join("root");
    let uploads = root.join(".oras/uploads");
    let blobs = Done::Synced(root.join("team/app/blobs/sha256"));
    let is_upload = |one: &Done| matches!(one, Done::Synced(path) if path.starts_with(&uploads));
    let uploads: Vec<usize> = (0..done.len()).filter(|at| is_upload(&done[*at])).collect();
    // The last one is the empty config a second time, which has its name already.
    assert_eq!(uploads.len(), 4, "{done:?}");
    for at in [uploads[0], uploads[1]] {
        assert_eq!(done.get(at + 1), Some(&blobs), "{done:?}");
    }
}

//! Several processes and one layout; processes that are killed.

use std::collections::HashSet;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use oras_content::layout::{LayoutReader, LayoutStore};
use oras_content::{Payload, Push, Resolve, Tag};
use oras_spec::{Descriptor, media_type};
use oras_testkit::fixture::{Graph, noise};
use serde_json::Value;
use tempfile::tempdir;

use super::{assert_complete, entries};

const WORKER: &str = "ORAS_LAYOUT_TEST_WORKER";
const WORKERS: usize = 8;
const ROUNDS: usize = 12;

/// Not a test but the other processes: this very program, told by the environment what to do.
#[tokio::test]
async fn worker() {
    let Ok(task) = std::env::var(WORKER) else {
        return;
    };
    let (name, root) = task.split_once('@').unwrap();
    println!("ready");
    let store = LayoutStore::open(root).await.unwrap();
    let rounds = if name == "endless" {
        usize::MAX
    } else {
        ROUNDS
    };
    for round in 0..rounds {
        work(&store, name, round).await;
    }
}

/// Pushes an image of its own, and one that all workers push, and tags the first.
async fn work(store: &LayoutStore, name: &str, round: usize) {
    let mut graph = Graph::new();
    let layer = graph.blob("x/y", noise(round as u64, 200_000));
    graph.artifact(&format!("application/common-{round}"), &[&layer], None);
    let own = graph.blob("x/y", format!("{name}-{round}"));
    let image = graph.artifact(
        &format!("application/{name}-{round}"),
        &[&layer, &own],
        None,
    );
    for node in &graph.nodes {
        store
            .push(&node.descriptor, Payload::bytes(node.bytes.clone()))
            .await
            .unwrap();
    }
    store.tag(&image, &format!("{name}-{round}")).await.unwrap();
    store.tag(&image, "latest").await.unwrap();
}

fn start(name: &str, root: &Path) -> Child {
    let program = std::env::current_exe().unwrap();
    Command::new(program)
        .args([
            "layout::processes::worker",
            "--exact",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(WORKER, format!("{name}@{}", root.display()))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn assert_valid_index(root: &Path) -> usize {
    let bytes = fs::read(root.join("index.json")).unwrap();
    let index: Value = serde_json::from_slice(&bytes).expect("valid JSON at every instant");
    let manifests = index["manifests"].as_array().unwrap();
    for entry in manifests {
        let digest = entry["digest"].as_str().unwrap().replace(':', "/");
        let size = fs::metadata(root.join("blobs").join(digest)).unwrap().len();
        assert_eq!(entry["size"].as_u64().unwrap(), size);
    }
    manifests.len()
}

#[tokio::test]
async fn eight_processes_push_and_tag_at_once_and_nothing_is_lost() {
    let root = tempdir().unwrap();
    let mut workers: Vec<_> = (0..WORKERS)
        .map(|n| start(&format!("w{n}"), root.path()))
        .collect();
    while !root.path().join("index.json").exists() {
        std::thread::yield_now();
    }
    let (mut looks, mut seen) = (0, HashSet::new());
    while workers
        .iter_mut()
        .any(|worker| worker.try_wait().unwrap().is_none())
    {
        seen.insert(assert_valid_index(root.path()));
        looks += 1;
    }
    for worker in workers {
        let output = worker.wait_with_output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    assert!(
        looks > 10 && seen.len() > 3,
        "{looks} looks, {} different",
        seen.len()
    );

    assert_complete(root.path());
    let listed = entries(root.path());
    let tags: HashSet<_> = listed.iter().filter_map(|(_, tag)| tag.clone()).collect();
    assert_eq!(tags.len(), WORKERS * ROUNDS + 1);
    let untagged = listed.iter().filter(|(_, tag)| tag.is_none()).count();
    assert_eq!(untagged, ROUNDS, "what all pushed is listed once");
    let store = LayoutStore::open(root.path()).await.unwrap();
    for n in 0..WORKERS {
        for round in 0..ROUNDS {
            store.resolve(&format!("w{n}-{round}")).await.unwrap();
        }
    }
    assert!(!root.path().join("ingest").exists());
}

#[tokio::test]
async fn a_writer_killed_at_any_moment_leaves_a_valid_layout() {
    let root = tempdir().unwrap();
    let store = LayoutStore::open(root.path()).await.unwrap();
    let blob = Descriptor::of_bytes(media_type::OCTET_STREAM, b"first");
    store.push(&blob, Payload::bytes("first")).await.unwrap();
    for round in 0..20 {
        let mut writer = start("endless", root.path());
        let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines();
        while !lines.next().unwrap().unwrap().ends_with("ready") {}
        // Some time passes, no two rounds the same.
        for _ in 0..round * round {
            assert_valid_index(root.path());
        }
        writer.kill().unwrap();
        writer.wait().unwrap();
        let mut stderr = String::new();
        writer
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut stderr)
            .unwrap();
        assert!(!stderr.contains("panicked"), "{stderr}");

        assert_complete(root.path());
        LayoutReader::open(root.path()).await.unwrap();
        let store = LayoutStore::open(root.path()).await.unwrap();
        let bytes = format!(r#"{{"schemaVersion":2,"manifests":[],"round":{round}}}"#);
        let next = Descriptor::of_bytes(media_type::IMAGE_INDEX, bytes.as_bytes());
        store.push(&next, Payload::bytes(bytes)).await.unwrap();
        store.tag(&next, &format!("after-{round}")).await.unwrap();
        assert_complete(root.path());
    }
}

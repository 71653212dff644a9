//! `ORAS_CACHE`: what was read once is not asked for again.

use std::fs;
use std::path::{Path, PathBuf};

use oras_spec::Descriptor;
use oras_testkit::command::Oras;
use oras_testkit::fault::{FakeRegistry, FaultServer};
use oras_testkit::fixture::{Graph, noise};
use oras_testkit::peer::DockerRegistry;
use serde_json::Value;
use tempfile::TempDir;

use crate::oras_in;

/// A registry with `app:v1` (config, two files of one content, one without a name), and a cache.
struct Cached {
    dir: TempDir,
    oras: Oras,
    registry: DockerRegistry,
    reference: String,
    graph: Graph,
    root: Descriptor,
    file: Descriptor,
    unnamed: Descriptor,
}

impl Cached {
    fn start() -> Self {
        let mut graph = Graph::new();
        let file = graph.file("a", "text/plain", "content");
        let twin = graph.file("b", "text/plain", "content");
        let unnamed = graph.blob("text/plain", "unnamed");
        let root = graph.image("linux/amd64", &[&file, &twin, &unnamed]);
        let dir = TempDir::new().unwrap();
        graph.write_layout(&dir.path().join("lay"), &[("v1", &root)]);
        let oras = oras_in(dir.path());
        let registry = DockerRegistry::start();
        let reference = registry.reference("app:v1");
        oras.run(["cp", "--from-oci-layout", "lay:v1", &reference])
            .ok();
        let oras = oras.env("ORAS_CACHE", dir.path().join("cache"));
        Self {
            dir,
            oras,
            registry,
            reference,
            graph,
            root,
            file,
            unnamed,
        }
    }

    /// The paths that were asked for while `work` ran.
    fn asked(&self, work: impl FnOnce()) -> Vec<String> {
        let before = self.registry.requests().len();
        work();
        let asked = self.registry.requests().split_off(before);
        asked
            .into_iter()
            .filter(|request| !request.ends_with("/v2/"))
            .map(|request| request.replace("/v2/app/", ""))
            .collect()
    }

    fn cached(&self, content: &Descriptor) -> bool {
        blob(&self.dir.path().join("cache"), content).exists()
    }

    /// The digests in `index.json` of the cache, none of which has a name.
    fn listed(&self) -> Vec<String> {
        let index = fs::read(self.dir.path().join("cache/index.json")).unwrap();
        let index: Value = serde_json::from_slice(&index).unwrap();
        let entries = index["manifests"].as_array().unwrap().iter();
        entries
            .map(|entry| {
                assert!(entry["annotations"].is_null(), "{entry}");
                entry["digest"].as_str().unwrap().to_owned()
            })
            .collect()
    }
}

fn blob(layout: &Path, content: &Descriptor) -> PathBuf {
    layout.join("blobs/sha256").join(content.digest.encoded())
}

#[test]
fn a_second_pull_asks_for_the_tag_only() {
    let it = Cached::start();
    let pull = |to: &str| {
        it.oras
            .run(["pull", it.reference.as_str(), "-o", to])
            .ok()
            .stdout
    };
    let mut first = String::new();
    it.asked(|| first = pull("one"));
    assert!(it.cached(&it.root) && it.cached(&it.file) && !it.cached(&it.unnamed));
    assert_eq!(it.listed(), [it.root.digest.as_str()]);
    assert!(!it.dir.path().join("cache/ingest").exists());

    let mut second = String::new();
    let asked = it.asked(|| second = pull("two"));
    assert_eq!(asked, ["GET manifests/v1"]);
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&first), sorted(&second));
    for name in ["a", "b"] {
        let read =
            |folder: &str| fs::read_to_string(it.dir.path().join(folder).join(name)).unwrap();
        assert_eq!(
            (read("one").as_str(), read("two").as_str()),
            ("content", "content")
        );
    }
    let without = Oras::new(env!("CARGO_BIN_EXE_oras")).in_dir(it.dir.path());
    let plain = without
        .run(["pull", it.reference.as_str(), "-o", "three"])
        .ok()
        .stdout;
    assert_eq!(sorted(&plain), sorted(&first));
}

#[test]
fn other_commands_that_read_share_it() {
    let it = Cached::start();
    let reference = it.reference.as_str();
    let run = |words: &[&str]| it.oras.run(words).ok().stdout;
    // What is only looked up is not kept.
    run(&["manifest", "fetch", "--descriptor", reference]);
    let by_digest = it.registry.reference(&format!("app@{}", it.file.digest));
    run(&["blob", "fetch", "--descriptor", &by_digest]);
    run(&["resolve", reference]);
    run(&["discover", reference]);
    assert!(!it.dir.path().join("cache").exists());

    let manifest = String::from_utf8(it.graph.bytes(&it.root.digest).to_vec()).unwrap();
    assert_eq!(run(&["manifest", "fetch", reference]), manifest);
    assert!(it.cached(&it.root));
    let config = run(&["manifest", "fetch-config", reference]);
    let asked = it.asked(|| assert_eq!(run(&["manifest", "fetch-config", reference]), config));
    assert_eq!(asked, ["GET manifests/v1"]);

    // By the digest that was typed it is asked for each time; afterwards it need not be.
    assert_eq!(run(&["blob", "fetch", "-o", "-", &by_digest]), "content");
    assert!(it.cached(&it.file));
    let asked = it.asked(|| assert_eq!(run(&["blob", "fetch", "-o", "-", &by_digest]), "content"));
    assert!(
        asked
            .iter()
            .any(|request| request.starts_with("GET blobs/")),
        "{asked:?}"
    );
    let asked = it.asked(|| drop(run(&["pull", reference])));
    assert_eq!(asked, ["GET manifests/v1"]);
    assert_eq!(it.listed(), [it.root.digest.as_str()]);
}

#[test]
fn layouts_are_read_through_it_and_not_changed() {
    let it = Cached::start();
    it.oras
        .run(["pull", "--oci-layout", "lay:v1", "-o", "one"])
        .ok();
    assert!(it.cached(&it.file) && it.cached(&it.root));
    // What is cached need not be there.
    fs::remove_file(blob(&it.dir.path().join("lay"), &it.file)).unwrap();
    it.oras
        .run(["pull", "--oci-layout", "lay:v1", "-o", "two"])
        .ok();
    assert_eq!(
        fs::read_to_string(it.dir.path().join("two/b")).unwrap(),
        "content"
    );
}

#[test]
fn a_folder_that_cannot_be_a_cache_is_an_error() {
    let it = Cached::start();
    let file = it.dir.path().join("file");
    fs::write(&file, "").unwrap();
    let oras = it.oras.clone().env("ORAS_CACHE", &file);
    let digest = it.registry.reference(&format!("app@{}", it.file.digest));
    for words in [
        &["pull", it.reference.as_str()][..],
        &["manifest", "fetch", &it.reference],
        &["manifest", "fetch-config", &it.reference],
        &["blob", "fetch", "-o", "-", &digest],
    ] {
        let out = oras.run(words).fails();
        let expected = format!("Error: mkdir {}: not a directory\n", file.display());
        assert_eq!(out.stderr, expected, "{}", out.line);
    }
    // An empty variable is none.
    let oras = it.oras.clone().env("ORAS_CACHE", "");
    oras.run(["pull", it.reference.as_str()]).ok();
}

#[test]
fn wrong_bytes_are_told_as_without_a_cache_and_not_kept() {
    let mut graph = Graph::new();
    let file = graph.file("a", "text/plain", noise(1, 100_000));
    let root = graph.artifact("t/a", &[&file], None);
    let registry = FakeRegistry::new(graph).tag("v1", &root);
    let digest = file.digest.clone();
    let server = FaultServer::start(move |request| {
        let answer = registry.answer(request);
        match request.is_blob(&digest) && request.method == "GET" {
            true => oras_testkit::fault::Answer::ok("text/plain", noise(2, 100_000)),
            false => answer,
        }
    });
    let dir = TempDir::new().unwrap();
    let reference = server.reference("app:v1");
    let plain = oras_in(dir.path())
        .run(["pull", reference.as_str()])
        .fails();
    let cache = dir.path().join("cache");
    let oras = oras_in(dir.path()).env("ORAS_CACHE", &cache);
    let cached = oras.run(["pull", reference.as_str()]).fails();
    assert_eq!(cached.stderr, plain.stderr);
    assert!(!blob(&cache, &file).exists() && !cache.join("ingest").exists());
}

#[test]
fn a_killed_pull_leaves_a_whole_cache() {
    let mut graph = Graph::new();
    let mut layers = Vec::new();
    for at in 0..6 {
        let name = format!("file{at}");
        layers.push(graph.file(&name, "text/plain", noise(2 * at + 1, 3_000_000)));
    }
    let root = graph.artifact("t/a", &layers.iter().collect::<Vec<_>>(), None);
    let registry = FakeRegistry::new(graph).tag("v1", &root).serve();
    let reference = registry.reference("app:v1");
    let dir = TempDir::new().unwrap();
    let cache = dir.path().join("cache");
    let oras = oras_in(dir.path()).env("ORAS_CACHE", &cache);
    let pull = |to: String| oras.args(["pull", reference.as_str(), "-o", &to]);
    let started = std::time::Instant::now();
    pull("whole".into()).env("ORAS_CACHE", "").run().ok();
    let whole = started.elapsed();
    for part in 1..8 {
        drop(
            pull(format!("killed{part}"))
                .spawn()
                .kill_after(whole * part / 8),
        );
        for layer in &layers {
            let path = blob(&cache, layer);
            if let Ok(bytes) = fs::read(&path) {
                let found = Descriptor::of_bytes("text/plain", &bytes);
                assert_eq!(found.digest, layer.digest);
            }
        }
    }
    pull("out".into()).run().ok();
    for at in 0..6u64 {
        let bytes = fs::read(dir.path().join(format!("out/file{at}"))).unwrap();
        assert_eq!(
            Descriptor::of_bytes("", &bytes).digest,
            layers[usize::try_from(at).unwrap()].digest
        );
    }
}

#[test]
fn processes_share_it() {
    let mut graph = Graph::new();
    let file = graph.file("big", "text/plain", noise(7, 8_000_000));
    let root = graph.artifact("t/a", &[&file], None);
    let registry = FakeRegistry::new(graph).tag("v1", &root).serve();
    let dir = TempDir::new().unwrap();
    let cache = dir.path().join("cache");
    let oras = oras_in(dir.path()).env("ORAS_CACHE", &cache);
    let reference = registry.reference("app:v1");
    let running: Vec<_> = (0..6)
        .map(|at| {
            oras.args(["pull", reference.as_str(), "-o", &format!("out{at}")])
                .spawn()
        })
        .collect();
    for run in running {
        drop(run.wait().ok());
    }
    let bytes = fs::read(blob(&cache, &file)).unwrap();
    assert_eq!(Descriptor::of_bytes("", &bytes).digest, file.digest);
    let checked = oras
        .args(["manifest", "fetch", "--oci-layout"])
        .arg(format!("{}@{}", cache.display(), root.digest));
    drop(checked.env("ORAS_CACHE", "").run().ok());
    assert!(!cache.join("ingest").exists());
}

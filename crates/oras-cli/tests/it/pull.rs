//! `pull`: what is written, what is said, and what is refused.

mod refused;

use std::fs;
use std::path::PathBuf;

use oras_spec::Descriptor;
use oras_testkit::command::{Family, Oras, Output};
use oras_testkit::fixture::{Graph, TarEntry};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::oras_in;
use crate::sample::{IMAGE, VERBOSE, image};
use crate::target::Target;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// Fills places with the same repositories and runs one check on each.
struct Place {
    place: Target,
    dir: TempDir,
    oras: Oras,
}

impl Place {
    fn pull(&self, name: &str, rest: &[&str]) -> Output {
        self.place.run(&self.oras, "pull", name, rest)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }
}

/// The graph under `app:v1` at each kind of place.
fn with(graph: &Graph, root: &Descriptor, check: impl Fn(&Place)) {
    for place in Target::each() {
        let dir = TempDir::new().unwrap();
        let oras = oras_in(dir.path());
        let source = dir.path().join("source");
        graph.write_layout(&source, &[("v1", root)]);
        let layout = place.is_layout().then_some("--to-oci-layout");
        let (from, to) = (format!("{}:v1", source.display()), place.word("app:v1"));
        let words = ["cp", "--from-oci-layout"].into_iter().chain(layout);
        oras.run(words.chain([from.as_str(), &to])).ok();
        check(&Place { place, dir, oras });
    }
}

#[test]
fn every_step_is_one_line() {
    let mut graph = Graph::new();
    let root = image(&mut graph);
    with(&graph, &root, |it| {
        let out = it.pull("app:v1", &["-o", "out"]).ok().reports(
            Family::Pull,
            [
                ("fd6ed2f36b54", MANIFEST),
                ("fcde2b2edba5", "bar"),
                ("2c26b46b68ff", "foo1"),
                ("2c26b46b68ff", "foo2"),
            ],
        );
        assert_eq!(out.stderr, "");
        assert_eq!(out.stdout.lines().count(), 10, "{}", out.all());
        let start =
            format!("Downloading fd6ed2f36b54 {MANIFEST}\nProcessing  fd6ed2f36b54 {MANIFEST}\n");
        assert!(out.stdout.starts_with(&start), "{}", out.all());
        let end = format!(
            "Downloaded  fd6ed2f36b54 {MANIFEST}\nPulled {}\nDigest: {IMAGE}\n",
            it.place.shown("app:v1")
        );
        assert!(out.stdout.ends_with(&end), "{}", out.all());
        let mut twins = [out.verbs("foo1"), out.verbs("foo2")];
        twins.sort();
        assert_eq!(twins, [vec!["Downloading", "Downloaded"], vec!["Restored"]]);
        for (name, content) in [("foo1", "foo"), ("foo2", "foo"), ("bar", "bar")] {
            assert_eq!(it.read(&format!("out/{name}")), content);
        }

        let out = it.pull(&format!("app@{IMAGE}"), &["--verbose=false"]).ok();
        assert_eq!(out.stderr, VERBOSE);
        assert!(!out.stdout.contains(MANIFEST));
        assert_eq!(out.verbs("bar"), ["Downloading", "Downloaded"]);
        let out = it.pull("app:v1", &["-v"]).ok();
        assert_eq!(out.stderr, VERBOSE);
        assert!(out.stdout.contains(MANIFEST));
    });
}

#[test]
fn the_config_is_written_when_it_is_asked_for() {
    let mut graph = Graph::new();
    let root = image(&mut graph);
    with(&graph, &root, |it| {
        let rest = ["--config", "test.config", "-o", "pulled"];
        let out = it.pull("app:v1", &rest).ok().reports(
            Family::Pull,
            [
                ("fd6ed2f36b54", MANIFEST),
                ("fcde2b2edba5", "bar"),
                ("2c26b46b68ff", "foo1"),
                ("2c26b46b68ff", "foo2"),
                ("44136fa355b3", "test.config"),
            ],
        );
        assert!(out.stdout.contains("\nPulled "));
        assert_eq!(it.read("pulled/test.config"), "{}");
        let old = it
            .pull("app:v1", &[&rest[..], &["--keep-old-files"]].concat())
            .fails();
        assert_eq!(
            old.stderr,
            "Error: failed to resolve path for writing: overwrite disallowed\n"
        );

        let out = it
            .pull("app:v1", &["--config", "c:???", "-o", "other"])
            .ok();
        assert!(!it.path("other/c").exists());
        assert!(!out.stdout.contains("44136fa355b3"), "{}", out.all());
        let typed = [
            "--config",
            "c:application/vnd.unknown.config.v1+json",
            "-o",
            "other",
        ];
        it.pull("app:v1", &typed).ok();
        assert_eq!(it.read("other/c"), "{}");
        it.pull("app:v1", &["--config", "c2:", "-o", "other"]).ok();
        assert_eq!(it.read("other/c2"), "{}");
        let out = it.pull("app:v1", &["--config", ":"]).fails();
        assert_eq!(out.stderr, "Error: found empty file path in \":\"\n");

        let json = ["--config", "c3", "--format", "json"];
        let out = it.pull("app:v1", &json).ok().json();
        let names = out["files"].as_array().unwrap().iter();
        let names: Vec<_> = names.map(|file| file["path"].as_str().unwrap()).collect();
        let expected = ["foo1", "foo2", "bar"].map(|name| it.path(name));
        assert_eq!(
            names,
            expected
                .iter()
                .map(|path| path.to_str().unwrap())
                .collect::<Vec<_>>()
        );
    });
}

#[test]
fn json_lists_files_in_the_order_of_the_manifest() {
    let mut graph = Graph::new();
    let entries = [TarEntry::folder("docs"), TarEntry::file("docs/a", "a")];
    let folder = graph.folder("docs", &entries);
    let file = graph.file("f", "text/plain", "f");
    let root = graph.artifact("t/a", &[&folder, &file], None);
    with(&graph, &root, |it| {
        let out = it
            .pull("app:v1", &["-o", "out/./x/..", "--format", "json"])
            .ok();
        let path = it.place.word("app");
        let digest = &folder.digest;
        let found = out.json();
        assert_eq!(found["reference"], format!("{path}@{}", root.digest));
        let start = format!(
            r#"{{
  "reference": "{path}@{}",
  "files": [
    {{
      "path": "{}/",
      "reference": "{path}@{digest}",
      "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
      "digest": "{digest}",
      "size": {},
      "annotations": {{
"#,
            root.digest,
            it.path("out/docs").display(),
            folder.size
        );
        assert!(out.stdout.starts_with(&start), "{}", out.all());
        let expected = json!({
            "path": it.path("out/f"),
            "reference": format!("{path}@{}", file.digest),
            "mediaType": "text/plain",
            "digest": file.digest.as_str(),
            "size": 1,
            "annotations": {"org.opencontainers.image.title": "f"},
        });
        assert_eq!(found["files"][1], expected);
        assert_eq!(it.read("out/docs/a"), "a");
    });
}

/// What is said instead of the summary when something has no name.
fn hint(raw: &str) -> String {
    format!(
        "Skipped pulling layers without file name in \"org.opencontainers.image.title\"\nUse 'oras copy {raw} --to-oci-layout <layout-dir>' to pull all layers.\n"
    )
}

#[test]
fn content_without_a_name_is_skipped_and_that_is_said() {
    let mut graph = Graph::new();
    let unnamed = graph.blob("application/vnd.oci.image.layer.v1.tar", "foo");
    let empty_name = graph.file("", "t/empty", "named by nothing");
    let named = graph.file("f", "text/plain", "f");
    let root = graph.artifact("t/a", &[&unnamed, &named, &unnamed, &empty_name], None);
    with(&graph, &root, |it| {
        let out = it.pull("app:v1", &[]).ok().reports(
            Family::Pull,
            [("2c26b46b68ff", "application/vnd.oci.image.layer.v1.tar")],
        );
        let hint = hint(&it.place.word("app:v1"));
        assert!(out.stdout.ends_with(&hint), "{}", out.all());
        assert!(!out.stdout.contains("Pulled ") && !out.stdout.contains("Digest:"));
        let line = format!("\nSkipped     {} \n", empty_name.digest.short());
        assert!(out.stdout.contains(&line), "{}", out.all());
        let out = it.pull("app:v1", &["--format", "json"]).ok();
        assert!(!out.stdout.contains("Skipped"));
        // Of those with an empty name there is a record.
        let files = out.json()["files"].as_array().unwrap().clone();
        assert_eq!(files.len(), 2);
        assert_eq!(
            files[1]["path"],
            it.dir.path().canonicalize().unwrap().to_str().unwrap()
        );
    });
}

#[test]
fn empty_configs_and_layers_are_nothing_to_speak_of() {
    let mut graph = Graph::new();
    let empty = graph.blob("application/vnd.oci.empty.v1+json", "{}");
    let root = graph.artifact("t/a", &[&empty], None);
    with(&graph, &root, |it| {
        let out = it.pull("app:v1", &[]).ok();
        assert!(out.stdout.contains("\nPulled "), "{}", out.all());
        assert_eq!(out.stdout.lines().count(), 5, "{}", out.all());
        let out = it.pull("app:v1", &["--format", "json"]).ok().json();
        assert_eq!(out["files"], Value::Null);
    });
}

#[test]
fn an_image_for_a_platform_has_a_config_that_is_skipped() {
    let mut graph = Graph::new();
    let layer = graph.file("tool", "text/plain", "amd");
    let amd = graph.image("linux/amd64", &[&layer]);
    let other = graph.file("tool", "text/plain", "arm");
    let arm = graph.image("linux/arm64", &[&other]);
    let index = graph.index(&[("linux/amd64", &amd), ("linux/arm64", &arm)]);
    let config: Value = serde_json::from_slice(&graph.bytes(&amd.digest)).unwrap();
    let config = config["config"]["digest"].as_str().unwrap()[7..19].to_owned();
    with(&graph, &index, |it| {
        let rest = ["--platform", "linux/amd64"];
        let out = it.pull("app:v1", &rest).ok().reports(
            Family::Pull,
            [
                (amd.digest.short(), MANIFEST),
                (&config, "application/vnd.oci.image.config.v1+json"),
                (layer.digest.short(), "tool"),
            ],
        );
        assert_eq!(
            out.verbs("application/vnd.oci.image.config.v1+json"),
            ["Skipped"]
        );
        assert!(out.stdout.ends_with(&hint(&it.place.word("app:v1"))));
        assert!(!out.stdout.contains(INDEX));
        let found = it.pull("app:v1", &[&rest[..], &["--format", "json"]].concat());
        let reference = format!("{}@{}", it.place.word("app"), amd.digest);
        assert_eq!(found.ok().json()["reference"], reference);
        let out = it.pull("app:v1", &["--platform", "plan9"]).fails();
        out.complains([&format!(
            "{}: not found: no matching manifest was found in the manifest list",
            index.digest
        )]);
        let one = format!("app@{}", arm.digest);
        let out = it.pull(&one, &rest).fails();
        out.complains([&format!(
            "{}: not found: platform in manifest does not match target platform",
            arm.digest
        )]);
        // Of a whole index, one file of a name is written.
        let out = it.pull("app:v1", &["-o", "all"]).fails();
        assert_eq!(out.stderr, "Error: tool: duplicate name\n");
    });
}

#[test]
fn subjects_are_pulled_when_they_are_asked_for() {
    let mut graph = Graph::new();
    let file = graph.file("foobar", "text/plain", "subject");
    let subject = graph.artifact("t/s", &[&file], None);
    let note = graph.file("note", "text/plain", "note");
    let referrer = graph.artifact("t/r", &[&note], Some(&subject));
    let second = graph.file("second", "text/plain", "second");
    let root = graph.artifact("t/r", &[&second], Some(&referrer));
    with(&graph, &root, |it| {
        let out = it.pull("app:v1", &["-o", "alone"]).ok();
        assert!(out.stdout.contains("\nPulled "));
        assert!(!it.path("alone/note").exists());
        let out = it.pull("app:v1", &["--include-subject"]).ok().reports(
            Family::Pull,
            [
                (root.digest.short(), MANIFEST),
                (referrer.digest.short(), MANIFEST),
                (subject.digest.short(), MANIFEST),
                (file.digest.short(), "foobar"),
                (note.digest.short(), "note"),
                (second.digest.short(), "second"),
            ],
        );
        assert!(
            out.stdout.ends_with(&hint(&it.place.word("app:v1"))),
            "{}",
            out.all()
        );
        assert_eq!(
            it.read("foobar") + &it.read("note") + &it.read("second"),
            "subjectnotesecond"
        );
        let out = it
            .pull("app:v1", &["--include-subject", "--format", "json"])
            .ok()
            .json();
        let files = out["files"].as_array().unwrap().iter();
        let names: Vec<_> = files
            .map(|file| &file["annotations"]["org.opencontainers.image.title"])
            .collect();
        assert_eq!(names, ["foobar", "note", "second"]);
    });
}

#[test]
fn what_was_pushed_from_below_is_pulled_below() {
    for place in [Target::docker_registry(), Target::layouts()] {
        let dir = TempDir::new().unwrap();
        let oras = oras_in(dir.path());
        fs::create_dir(dir.path().join("foobar")).unwrap();
        for (name, content) in [
            ("foo1", "foo"),
            ("foo2", "foo"),
            ("bar", "bar"),
            ("config.json", "{\"config\":{}}"),
        ] {
            fs::write(dir.path().join("foobar").join(name), content).unwrap();
        }
        let files = [
            "--config",
            "foobar/config.json",
            "foobar/foo1",
            "foobar/foo2",
            "foobar/bar",
        ];
        place.run(&oras, "push", "app:v1", &files).ok();
        let rest = ["--config", "foobar/config.json", "-o", "pulled"];
        place.run(&oras, "pull", "app:v1", &rest).ok().reports(
            Family::Pull,
            [
                ("2c26b46b68ff", "foobar/foo1"),
                ("2c26b46b68ff", "foobar/foo2"),
                ("fcde2b2edba5", "foobar/bar"),
                ("46b68ac1696c", "foobar/config.json"),
            ],
        );
        oras_testkit::fixture::assert_same_tree(
            &dir.path().join("foobar"),
            &dir.path().join("pulled/foobar"),
        );
    }
}

#[test]
fn a_layout_in_a_tar_is_read_like_a_folder() {
    let mut graph = Graph::new();
    let root = image(&mut graph);
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    graph.write_layout(&dir.path().join("lay"), &[("v1", &root)]);
    let tar = std::process::Command::new("tar")
        .args(["-cf", "../lay.tar", "."])
        .current_dir(dir.path().join("lay"))
        .status()
        .unwrap();
    assert!(tar.success());
    let out = oras
        .run(["pull", "--oci-layout", "lay.tar:v1", "-o", "out"])
        .ok();
    assert_eq!(out.digest(), IMAGE);
    assert_eq!(
        fs::read_to_string(dir.path().join("out/foo2")).unwrap(),
        "foo"
    );
    let found = oras
        .run(["discover", "--oci-layout-path", "lay.tar", "v1"])
        .ok();
    assert_eq!(found.stdout, format!("lay.tar@{IMAGE}\n"));
    oras.run([
        "cp",
        "--from-oci-layout",
        "lay.tar:v1",
        "--to-oci-layout",
        "copy:v1",
    ])
    .ok();
    oras.run(["pull", "--oci-layout", "copy:v1", "-k", "-o", "out2"])
        .ok();
}

#[test]
fn retired_manifests_are_pulled_like_others() {
    let mut graph = Graph::new();
    let file = graph.file("hello.tar", "application/tar", "hello");
    let kind = "application/vnd.oci.artifact.manifest.v1+json";
    let root = graph.legacy_artifact(kind, "t/old", &[&file], None);
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    graph.write_layout(&dir.path().join("lay"), &[("v1", &root)]);
    let out = oras.run(["pull", "--oci-layout", "lay:v1"]).ok().reports(
        Family::Pull,
        [
            (root.digest.short(), kind),
            (file.digest.short(), "hello.tar"),
        ],
    );
    assert!(out.stdout.contains("\nPulled "));
    assert_eq!(
        fs::read_to_string(dir.path().join("hello.tar")).unwrap(),
        "hello"
    );
}

#[test]
fn help_marks_what_may_change() {
    let dir = TempDir::new().unwrap();
    let out = oras_in(dir.path()).run(["pull", "--help"]).ok();
    let (_, rest) = out.stdout.split_once("--oci-layout-path string").unwrap();
    assert!(rest.trim_start().starts_with("[Experimental]"));
    let (_, rest) = out.stdout.split_once("--format").unwrap();
    assert!(rest.contains("(default \"text\")"));
    assert!(out.stdout.contains("\nExample - "));
    for hidden in ["--verbose", "--allow-all", "--media-type"] {
        assert!(!out.stdout.contains(hidden), "{hidden}");
    }
}

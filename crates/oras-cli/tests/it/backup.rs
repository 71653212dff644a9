//! `backup` and `restore`: what is carried, what is said about it, and what is left after a failure.

use std::fs;
use std::path::{Path, PathBuf};

use oras_spec::Descriptor;
use oras_testkit::command::{Family, Oras, Output};
use oras_testkit::fault::{Answer, FakeRegistry, FaultServer};
use oras_testkit::fixture::Graph;
use tempfile::TempDir;

use crate::oras_in;
use crate::target::Target;

/// A repository `app` with two plain tags, and an index; each of which something refers to.
struct Bench {
    dir: TempDir,
    oras: Oras,
    place: Target,
    v1: Descriptor,
    /// A referrer of `v1`, and one of that one.
    sbom: Descriptor,
    signature: Descriptor,
    /// Tagged `multi`: nothing refers to it, but something to one of its manifests.
    multi: Descriptor,
    of_child: Descriptor,
}

impl Bench {
    fn new(place: Target) -> Self {
        let dir = TempDir::new().unwrap();
        let oras = oras_in(dir.path());
        let mut graph = Graph::new();
        let foo1 = graph.file("foo1", "text/plain", "foo");
        let mut foo2 = foo1.clone();
        foo2.annotations
            .insert("org.opencontainers.image.title".into(), "foo2".into());
        let bar = graph.file("bar", "text/plain", "bar");
        let v1 = graph.artifact("test/v1", &[&foo1, &foo2, &bar], None);
        let v2 = graph.artifact("test/v2", &[&bar], None);
        let sbom = graph.artifact("test/sbom", &[&bar], Some(&v1));
        let signature = graph.artifact("test/signature", &[&foo1], Some(&sbom));
        let amd64 = graph.image("linux/amd64", &[&bar]);
        let arm64 = graph.image("linux/arm64", &[&foo1]);
        let multi = graph.index(&[("linux/amd64", &amd64), ("linux/arm64", &arm64)]);
        let of_child = graph.artifact("test/of-child", &[], Some(&arm64));
        let tags = [("v1", &v1), ("v2", &v2), ("multi", &multi)];
        graph.write_layout(&dir.path().join("fixture"), &tags);
        for (tag, _) in tags {
            let (from, to) = (format!("fixture:{tag}"), place.word(&format!("app:{tag}")));
            oras.run(["cp", "-r", "--from-oci-layout", &from, &to]).ok();
        }
        Self {
            v1: v1.clone(),
            sbom: sbom.clone(),
            signature: signature.clone(),
            multi: multi.clone(),
            of_child: of_child.clone(),
            dir,
            oras,
            place,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs `oras backup -o <output> <rest> <name>`.
    fn backup(&self, output: &str, name: &str, rest: &[&str]) -> Output {
        let word = self.place.word(name);
        let words = ["backup", "-o", output].into_iter();
        self.oras
            .run(words.chain(rest.iter().copied()).chain([word.as_str()]))
    }

    /// Runs `oras restore --input <input> <rest> <name>`.
    fn restore(&self, input: &str, name: &str, rest: &[&str]) -> Output {
        let word = self.place.word(name);
        let words = ["restore", "--input", input].into_iter();
        self.oras
            .run(words.chain(rest.iter().copied()).chain([word.as_str()]))
    }

    /// Whether the repository has the manifest.
    fn has(&self, repository: &str, manifest: &Descriptor) -> bool {
        let name = format!("{repository}@{}", manifest.digest);
        self.place.run(&self.oras, "resolve", &name, &[]).code == Some(0)
    }

    /// Whether the layout has the manifest.
    fn saved(&self, layout: &str, manifest: &Descriptor) -> bool {
        let name = format!("{layout}@{}", manifest.digest);
        let out = self.oras.run(["manifest", "fetch", "--oci-layout", &name]);
        out.code == Some(0)
    }

    /// Neither beside the outputs nor in the folder for temporary files anything was left.
    #[track_caller]
    fn is_tidy(&self, expected: &[&str]) {
        let mut expected: Vec<_> = expected.iter().copied().chain(["fixture"]).collect();
        expected.sort_unstable();
        assert_eq!(names(self.dir.path()), expected);
        assert_eq!(names(&self.oras.temporary()), Vec::<String>::new());
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn registries() -> [Target; 2] {
    [Target::docker_registry(), Target::oras_serve()]
}

fn short(descriptor: &Descriptor) -> &str {
    descriptor.digest.short()
}

#[test]
fn a_tag_is_saved_and_restored_by_folder_and_by_tar() {
    for place in registries() {
        let bench = Bench::new(place);
        let manifest = "application/vnd.oci.image.manifest.v1+json";
        let name = bench.place.word("app");
        for output in ["dir", "file.tar", "upper.tAr"] {
            let out = bench.backup(output, "app:v1", &[]).ok();
            let out = out.reports(
                Family::Backup,
                [("fcde2b2edba5", "bar"), (short(&bench.v1), manifest)],
            );
            assert!(
                out.stdout
                    .starts_with(&format!("Found 1 tag(s) in {name}: v1\n")),
                "{}",
                out.all()
            );
            // Two names for one content: one is transferred, the other is told of, whichever it is.
            assert_eq!(
                out.stdout.matches("2c26b46b68ff").count(),
                3,
                "{}",
                out.all()
            );
            assert_eq!(
                out.stdout.matches("\nSkipped   2c26b46b68ff foo").count(),
                1,
                "{}",
                out.all()
            );
            let last =
                format!("Successfully backed up 1 tag(s) from \"{name}\" to \"{output}\" in ");
            out.says(["\nPulled tag v1 with 0 referrer(s)\n", &last]);
            assert!(!bench.saved(output, &bench.sbom));

            let to = format!("back-{}", output.to_lowercase().replace('.', "-"));
            let out = bench.restore(output, &format!("{to}:v1"), &[]).ok();
            let out = out.reports(
                Family::Restore,
                [("fcde2b2edba5", "bar"), (short(&bench.v1), manifest)],
            );
            let back = bench.place.word(&to);
            let last = format!(
                "\nPushed tag v1 with 0 referrer(s)\nSuccessfully restored 1 tag(s) to \"{back}\" in "
            );
            let out = out.says(["Found 1 tag(s) in the backup: v1\n", &last]);
            assert_eq!(
                out.stdout.contains("Loaded backup archive: "),
                output != "dir",
                "{}",
                out.all()
            );
            let fetch = |name: &str| {
                bench
                    .place
                    .run(&bench.oras, "manifest fetch", name, &[])
                    .ok()
                    .stdout
            };
            assert_eq!(fetch(&format!("{to}:v1")), fetch("app:v1"));
        }
        let out = bench.backup("file.tar", "app:v1", &[]).ok();
        let size = fs::metadata(bench.path("file.tar")).unwrap().len() as f64 / 1024.0;
        assert!(
            out.stdout.contains(&format!(
                "\nExporting to file.tar\nExported to file.tar ({size} KB)\n"
            )),
            "{}",
            out.all()
        );
        assert_eq!(
            fs::read(bench.path("file.tar")).unwrap(),
            fs::read(bench.path("upper.tAr")).unwrap()
        );
        assert_eq!(
            names(&bench.path("dir")),
            ["blobs", "index.json", "oci-layout"]
        );
        bench.is_tidy(&["dir", "file.tar", "upper.tAr"]);
    }
}

#[test]
fn referrers_are_saved_and_restored_if_wanted() {
    for place in registries() {
        let bench = Bench::new(place);
        for output in ["dir", "file.tar"] {
            let kept = output.replace('.', "-");
            let out = bench
                .backup(output, "app:v1,multi", &["--include-referrers"])
                .ok();
            out.says([
                "Pulled tag v1 with 2 referrer(s)",
                "Pulled tag multi with 1 referrer(s)",
                "backed up 2 tag(s)",
            ]);
            for manifest in [&bench.sbom, &bench.signature, &bench.multi, &bench.of_child] {
                assert!(bench.saved(output, manifest));
            }
            let out = bench
                .restore(output, &format!("{kept}-dry"), &["--dry-run"])
                .ok();
            let name = bench.place.word(&format!("{kept}-dry"));
            let expected = format!(
                "Found 2 tag(s) in the backup: multi, v1\n\
                 Dry run: would push tag multi with 1 referrer(s)\n\
                 Dry run: would push tag v1 with 2 referrer(s)\n\
                 Dry run complete: 2 tag(s) would be restored to \"{name}\" (no data pushed)\n"
            );
            assert!(out.stdout.ends_with(&expected), "{}", out.all());
            assert!(!bench.has(&format!("{kept}-dry"), &bench.v1));

            let out = bench
                .restore(output, &format!("{kept}-without"), &["--exclude-referrers"])
                .ok();
            out.says([
                "Pushed tag v1 with 0 referrer(s)",
                "Pushed tag multi with 0 referrer(s)",
                "restored 2 tag(s)",
            ]);
            assert!(!bench.has(&format!("{kept}-without"), &bench.sbom));

            // What is there already is told of, and the referrers come after.
            for times in 0..2 {
                let out = bench
                    .restore(output, &format!("{kept}-with"), &["--concurrency", "1"])
                    .ok();
                let out = out.says([
                    "Pushed tag v1 with 2 referrer(s)",
                    "Pushed tag multi with 1 referrer(s)",
                ]);
                let verbs = out
                    .stdout
                    .lines()
                    .filter(|line| line.contains(short(&bench.signature)));
                let verbs: Vec<_> = verbs.filter_map(|line| line.split(' ').next()).collect();
                match times {
                    0 => assert_eq!(verbs, ["Pushing", "Pushed"], "{}", out.all()),
                    _ => assert_eq!(verbs, ["Exists"], "{}", out.all()),
                }
            }
            let tree = bench
                .place
                .run(&bench.oras, "discover", &format!("{kept}-with:v1"), &[])
                .ok();
            tree.says([bench.sbom.digest.as_str(), bench.signature.digest.as_str()]);
        }
        bench.is_tidy(&["dir", "file.tar"]);
    }
}

#[test]
fn all_tags_are_meant_without_any_and_runs_add_up() {
    let bench = Bench::new(Target::oras_serve());
    let name = bench.place.word("app");
    let out = bench.backup("dir", "app:v1", &[]).ok();
    out.says(["backed up 1 tag(s)"]);
    let foreign = bench.path("dir/notes.txt");
    fs::write(&foreign, "mine").unwrap();
    let out = bench.backup("dir", "app", &["--concurrency", "1"]).ok();
    let out = out.says([
        &format!("Found 3 tag(s) in {name}: multi, v1, v2\n"),
        "backed up 3 tag(s)",
    ]);
    let exists = format!(
        "Exists    {} application/vnd.oci.image.manifest.v1+json\nPulled tag v1 with 0 referrer(s)\n",
        short(&bench.v1)
    );
    assert!(out.stdout.contains(&exists), "{}", out.all());
    assert_eq!(fs::read(&foreign).unwrap(), b"mine");
    // A tag that comes twice is handled twice.
    let out = bench.backup("dir", "app:v2,v2", &[]).ok();
    assert_eq!(
        out.stdout.matches("Pulled tag v2 with").count(),
        2,
        "{}",
        out.all()
    );
    // Many tags are told one by one.
    let more = ["t1", "t2", "t3"];
    bench.place.run(&bench.oras, "tag", "app:v1", &more).ok();
    let out = bench.backup("all.tar", "app", &[]).ok();
    let listed = "multi\nt1\nt2\nt3\nv1\nv2\n";
    assert!(
        out.stdout
            .starts_with(&format!("Found 6 tag(s) in {name}:\n{listed}")),
        "{}",
        out.all()
    );
    let out = bench.restore("all.tar", "back", &[]).ok();
    let out = out.says([
        &format!("Found 6 tag(s) in the backup:\n{listed}"),
        "restored 6 tag(s)",
    ]);
    let order: Vec<_> = out
        .stdout
        .lines()
        .filter_map(|line| line.strip_prefix("Pushed tag "))
        .collect();
    assert_eq!(order.len(), 6);
    assert!(order.is_sorted(), "{order:?}");
    let tags = bench.place.run(&bench.oras, "repo tags", "back", &[]).ok();
    assert_eq!(tags.stdout, listed);
    let out = bench.restore("all.tar", "some:t2,v2", &[]).ok();
    out.says(["Found 2 tag(s) in the backup: t2, v2\n"]);
    bench.is_tidy(&["all.tar", "dir"]);
}

#[test]
fn both_ways_of_asking_for_referrers_can_be_chosen() {
    let api = Bench::new(Target::oras_serve());
    let tag = Bench::new(Target::docker_registry());
    for (bench, spec) in [(api, "v1.1-referrers-api"), (tag, "v1.1-referrers-tag")] {
        let flags = ["--include-referrers", "--distribution-spec", spec];
        bench
            .backup("dir", "app:v1", &flags)
            .ok()
            .says(["with 2 referrer(s)"]);
        let out = bench
            .restore("dir", "back:v1", &["--distribution-spec", spec])
            .ok();
        out.says(["with 2 referrer(s)"]);
        assert!(bench.has("back", &bench.signature));
    }
}

#[test]
fn a_backup_that_cannot_be_made_says_why_and_leaves_what_was_there() {
    let bench = Bench::new(Target::docker_registry());
    let (app, none) = (bench.place.word("app"), bench.place.word("no/such"));
    fs::write(bench.path("file"), "mine").unwrap();
    fs::create_dir(bench.path("d.tar")).unwrap();
    fs::write(bench.path("old.tar"), "old").unwrap();
    let absolute = bench
        .path("file")
        .canonicalize()
        .unwrap()
        .display()
        .to_string();
    let cases: [(&[&str], String); 17] = [
        (&[&app], "required flag(s) \"output\" not set".into()),
        (&["foo"], "invalid reference \"foo\": invalid reference: missing registry or repository".into()),
        (&["-o", "", &app], "the output path cannot be empty".into()),
        (&["-o", "x", ""], "artifact reference cannot be empty".into()),
        (&["-o", "x", "foo@sha256:1"], "digest references are not supported: \"foo@sha256:1\"".into()),
        (&["-o", "x", &format!("{app}:v1@x")], format!("digest references are not supported: \"{app}:v1@x\"")),
        (&["-o", "x", &format!("{app}:v1,")], format!("empty tag in reference \"{app}:v1,\"")),
        (&["-o", "x", &format!("{app},v1")], format!("empty tag in reference \"{app},v1\"")),
        (&["-o", "x", &format!("{app}:in+v")], format!("invalid reference \"{app}:in+v\": invalid reference: invalid tag \"in+v\"")),
        (&["-o", "x", &format!("{app}:v1,in+v")], format!("invalid tag \"in+v\" in reference \"{app}:v1,in+v\": invalid reference: invalid tag \"in+v\"")),
        (&["-o", "x", &format!("{app}:nosuch")], format!("failed to resolve tag \"nosuch\": {app}:nosuch: not found")),
        (&["-o", "x.tar", &format!("{app}:v1,nosuch")], format!("failed to resolve tag \"nosuch\": {app}:nosuch: not found")),
        (&["-o", "old.tar", &format!("{app}:nosuch")], format!("failed to resolve tag \"nosuch\": {app}:nosuch: not found")),
        (&["-o", "file", &app], format!("failed to prepare OCI store for backup: mkdir {absolute}: not a directory")),
        (&["-o", "d.tar", &app], "the output path \"d.tar\" already exists and is a directory\nTo back up to a tar archive, please specify a different output file name or remove the existing directory.".into()),
        (&["-o", "no/x.tar", &app], "unable to create output file no/x.tar: open no/x.tar: no such file or directory".into()),
        (&["-o", "x", "localhost:1/a"], "failed to find tags: Get \"http://localhost:1/v2/a/tags/list\": dial tcp 127.0.0.1:1: connect: connection refused".into()),
    ];
    for (rest, expected) in cases {
        let out = bench
            .oras
            .run(["backup"].into_iter().chain(rest.iter().copied()))
            .fails();
        assert_eq!(out.stderr, format!("Error: {expected}\n"), "{}", out.line);
        assert_eq!(out.stdout, "", "{}", out.line);
    }
    let out = bench.oras.run(["backup", "-o", "x", &none]).fails();
    assert!(
        out.stderr
            .starts_with("Error response from registry: name unknown: "),
        "{}",
        out.all()
    );
    bench
        .oras
        .run(["backup"])
        .fails()
        .complains(["\"oras backup\" requires exactly 1 argument but got 0"]);
    assert_eq!(fs::read(bench.path("old.tar")).unwrap(), b"old");
    bench.is_tidy(&["d.tar", "file", "old.tar"]);
}

#[test]
fn a_repository_without_tags_has_nothing_to_save() {
    let server = FaultServer::start(|request| match request.path().ends_with("/tags/list") {
        true => Answer::ok("application/json", r#"{"name":"app","tags":null}"#),
        false => Answer::status(404),
    });
    let dir = TempDir::new().unwrap();
    let name = server.reference("app");
    let out = oras_in(dir.path())
        .run(["backup", "-o", "x.tar", &name])
        .fails();
    let expected = format!(
        "Error: no tags found in repository \"{name}\"\n\
         If you want to list available tags in \"{name}\", use \"oras repo tags\"\n"
    );
    assert_eq!(out.stderr, expected);
    assert!(names(dir.path()).is_empty());
}

#[test]
fn a_backup_that_breaks_off_leaves_no_archive() {
    let mut graph = Graph::new();
    let layer = graph.file("bar", "text/plain", "bar");
    let v1 = graph.artifact("test/v1", &[&layer], None);
    let registry = FakeRegistry::new(graph).tag("v1", &v1);
    let lost = layer.digest.clone();
    let server = FaultServer::start(move |request| match request.is_blob(&lost) {
        true => Answer::error(404, "BLOB_UNKNOWN", "lost"),
        false => registry.answer(request),
    });
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    let name = server.reference("app");
    let out = oras
        .run(["backup", "-o", "x.tar", &format!("{name}:v1")])
        .fails();
    let context = format!("failed to back up tag \"v1\" from \"{name}\" to \"x.tar\": ");
    assert!(out.stderr.contains(&context), "{}", out.all());
    assert!(!out.stdout.contains("Pulled tag"), "{}", out.all());
    assert!(names(dir.path()).is_empty());
    assert!(names(&oras.temporary()).is_empty());
}

#[test]
fn a_restore_that_cannot_be_made_says_why_and_changes_nothing() {
    let bench = Bench::new(Target::docker_registry());
    let name = bench.place.word("back");
    let layout_error = "invalid OCI Image Layout: failed to open OCI layout file: open oci-layout: file does not exist";
    fs::write(bench.path("text.txt"), "not a tar").unwrap();
    fs::write(bench.path("bad.tar"), "not a tar").unwrap();
    fs::write(bench.path("empty.tar"), "").unwrap();
    fs::create_dir(bench.path("empty")).unwrap();
    fs::create_dir(bench.path("foreign")).unwrap();
    fs::write(bench.path("foreign/x"), "mine").unwrap();
    bench.backup("dir", "app:v1", &["--include-referrers"]).ok();
    bench
        .oras
        .run([
            "manifest",
            "fetch",
            "--oci-layout",
            "dir:v1",
            "-o",
            "m.json",
        ])
        .ok();
    bench
        .oras
        .run(["manifest", "push", "--oci-layout", "untagged", "m.json"])
        .ok();
    let no_tags = |path: &str| {
        format!(
            "no tags found in OCI layout \"{path}\"\nIf you want to list available tags in \"{path}\", use \"oras repo tags --oci-layout\""
        )
    };
    let cases: [(&[&str], String); 15] = [
        (&[&name], "required flag(s) \"input\" not set".into()),
        (&["foo"], "invalid reference \"foo\": invalid reference: missing registry or repository".into()),
        (&["--input", "", &name], "the input path cannot be empty".into()),
        (&["--input", "nope", &name], "failed to access input path \"nope\": stat nope: no such file or directory".into()),
        (&["--input", "dir", "foo@x"], "digest references are not supported: \"foo@x\"".into()),
        (&["--input", "dir", &format!("{name}:in+v")], format!("invalid reference \"{name}:in+v\": invalid reference: invalid tag \"in+v\"")),
        (&["--input", "text.txt", &name], "input path \"text.txt\" is not a tar archive".into()),
        (&["--input", "/dev/null", &name], "input path \"/dev/null\" must be a directory or a tar archive".into()),
        (&["--input", "empty.tar", &name], format!("failed to prepare OCI store from tar archive \"empty.tar\": {layout_error}")),
        (&["--input", "bad.tar", &name], "failed to prepare OCI store from tar archive \"bad.tar\": \"bad.tar\" does not look like a tar archive: unexpected EOF".into()),
        (&["--input", "empty", &name], no_tags("empty")),
        (&["--input", "foreign", &name], no_tags("foreign")),
        (&["--input", "untagged", &name], no_tags("untagged")),
        (&["--input", "dir", &format!("{name}:nosuch")], "failed to resolve tag \"nosuch\": not found".into()),
        (&["--input", "fixture/../nope.tar", &name], "failed to access input path \"fixture/../nope.tar\": stat fixture/../nope.tar: no such file or directory".into()),
    ];
    for (rest, expected) in cases {
        let out = bench
            .oras
            .run(["restore"].into_iter().chain(rest.iter().copied()))
            .fails();
        assert_eq!(out.stderr, format!("Error: {expected}\n"), "{}", out.line);
        assert_eq!(out.stdout, "", "{}", out.line);
    }
    assert!(names(&bench.path("empty")).is_empty());
    assert_eq!(names(&bench.path("foreign")), ["x"]);
    let out = bench
        .restore("dir", "back:v1", &["--dry-run", "--plain-http=false"])
        .ok();
    out.says(["would push tag v1 with 2 referrer(s)"]);
    let out = bench
        .oras
        .run(["restore", "--input", "dir", "localhost:1/r"])
        .fails();
    let start = "Error: failed to restore tag \"v1\" from \"dir\" to \"localhost:1/r\": Head \"http://localhost:1/v2/r/";
    assert!(out.stderr.starts_with(start), "{}", out.all());
    assert!(
        out.stderr
            .ends_with("dial tcp 127.0.0.1:1: connect: connection refused\n"),
        "{}",
        out.all()
    );
    // A tar needs no name that says so.
    bench.backup("renamed.tar", "app:v1", &[]).ok();
    fs::rename(bench.path("renamed.tar"), bench.path("renamed")).unwrap();
    bench
        .restore("renamed", "back:v1", &[])
        .ok()
        .says(["Loaded backup archive: renamed ("]);
}

#[test]
fn credentials_are_told_of_as_in_other_commands() {
    let registry = oras_testkit::peer::DockerRegistry::with_auth();
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    let mut graph = Graph::new();
    let v1 = graph.artifact("test/v1", &[], None);
    graph.write_layout(&dir.path().join("lay"), &[("v1", &v1)]);
    let name = registry.reference("app");
    let login = [
        "-u",
        oras_testkit::peer::USER,
        "-p",
        oras_testkit::peer::PASSWORD,
    ];
    let hint = "Please check whether the registry credential stored in the authentication file at ";
    let out = oras.run(["restore", "--input", "lay", &name]).fails();
    let expected = format!(
        "Error: failed to restore tag \"v1\" from \"lay\" to \"{name}\": basic credential not found\n{hint}"
    );
    assert!(out.stderr.starts_with(&expected), "{}", out.all());
    oras.run(
        ["restore", "--input", "lay", &name]
            .into_iter()
            .chain(login),
    )
    .ok();
    for (reference, context) in [
        (name.clone(), "failed to find tags"),
        (format!("{name}:v1"), "failed to resolve tag \"v1\""),
    ] {
        let out = oras.run(["backup", "-o", "x", &reference]).fails();
        let expected = format!("Error: {context}: basic credential not found\n{hint}");
        assert!(out.stderr.starts_with(&expected), "{}", out.all());
    }
    let out = oras
        .run([
            "backup",
            "-o",
            "x",
            "-u",
            "hello",
            "-p",
            "wrong",
            &format!("{name}:v1"),
        ])
        .fails();
    out.complains([
        "Error response from registry: HEAD \"http://",
        "response status code 401: Unauthorized",
    ]);
    oras.run(["backup", "-o", "x.tar", &name].into_iter().chain(login))
        .ok();
}

#[test]
fn tags_that_stand_in_for_referrers_are_carried_like_others() {
    let bench = Bench::new(Target::docker_registry());
    let tags = |name: &str| {
        bench
            .place
            .run(&bench.oras, "repo tags", name, &[])
            .ok()
            .stdout
    };
    let all = tags("app");
    assert_eq!(all.matches("sha256-").count(), 3, "{all}");
    let out = bench.backup("all.tar", "app", &["--include-referrers"]);
    out.ok().says(["backed up 6 tag(s)"]);
    let out = bench.restore("all.tar", "back", &[]).ok();
    out.says(["Pushed tag v1 with 2 referrer(s)", "restored 6 tag(s)"]);
    assert_eq!(tags("back"), all);
    let tree = |name: &str| {
        bench
            .place
            .run(&bench.oras, "discover", name, &["--format", "json"])
            .ok()
            .stdout
            .replace(&bench.place.word("back"), &bench.place.word("app"))
    };
    for name in ["v1", "multi"] {
        assert_eq!(tree(&format!("back:{name}")), tree(&format!("app:{name}")));
    }
}

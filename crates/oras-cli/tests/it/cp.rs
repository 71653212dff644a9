//! `cp`: what arrives, what is said, and who is blamed.

use std::fs;

use oras_spec::Descriptor;
use oras_testkit::command::{Family, Oras, Output};
use oras_testkit::fixture::Graph;
use oras_testkit::peer::{DockerRegistry, PASSWORD, USER};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::oras_in;
use crate::sample::{IMAGE, VERBOSE, image};
use crate::target::Target;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.unknown.config.v1+json";

/// A source and a destination of every kind; the source has a multi-platform index `multi` and an image `v1`, with
/// referrers.
struct Pair {
    from: Target,
    to: Target,
    oras: Oras,
    _dir: TempDir,
}

impl Pair {
    fn copy(&self, from: &str, to: &str, rest: &[&str]) -> Output {
        self.from.copy(&self.oras, from, &self.to, to, rest)
    }

    fn found(&self, name: &str) -> String {
        let out = self.to.run(&self.oras, "resolve", name, &[]).ok();
        out.stdout.trim().to_owned()
    }

    fn has(&self, name: &str) -> bool {
        let out = self.to.run(&self.oras, "resolve", name, &[]);
        out.code == Some(0)
    }

    fn tree(&self, name: &str) -> String {
        self.to.run(&self.oras, "discover", name, &[]).ok().stdout
    }
}

/// A new place with `graph`, its tags in one repository.
fn filled(place: Target, oras: &Oras, graph: &Graph, tags: &[(&str, &Descriptor)]) -> Target {
    let dir = TempDir::new().unwrap();
    let layout = dir.path().join("lay");
    graph.write_layout(&layout, tags);
    for (tag, _) in tags {
        let flag = place.is_layout().then_some("--to-oci-layout");
        let (from, to) = (
            format!("{}:{tag}", layout.display()),
            place.word(&format!("app:{tag}")),
        );
        let words = ["cp", "-r", "--from-oci-layout"].into_iter().chain(flag);
        oras.run(words.chain([from.as_str(), &to])).ok();
    }
    place
}

/// Every kind of source with every kind of destination.
fn pairs(graph: &Graph, tags: &[(&str, &Descriptor)], check: impl Fn(&Pair)) {
    let kinds: [fn() -> Target; 3] = [Target::layouts, Target::docker_registry, Target::oras_serve];
    for (at, from) in kinds.iter().enumerate() {
        // Each kind is a source and a destination twice: that of its own, and the next one.
        for to in [from, &kinds[(at + 1) % kinds.len()]] {
            let dir = TempDir::new().unwrap();
            let oras = oras_in(dir.path());
            let from = filled(from(), &oras, graph, tags);
            check(&Pair {
                from,
                to: to(),
                oras,
                _dir: dir,
            });
        }
    }
}

#[test]
fn every_step_is_one_line() {
    let mut graph = Graph::new();
    let root = image(&mut graph);
    pairs(&graph, &[("v1", &root)], |it| {
        let out = it.copy("app:v1", "new:copied", &[]).ok().reports(
            Family::Copy,
            [
                ("44136fa355b3", CONFIG),
                ("fcde2b2edba5", "bar"),
                ("2c26b46b68ff", "foo1"),
                ("2c26b46b68ff", "foo2"),
                ("fd6ed2f36b54", MANIFEST),
            ],
        );
        assert_eq!(out.stderr, "");
        let lines: Vec<&str> = out.stdout.lines().collect();
        assert_eq!(lines.len(), 11, "{}", out.all());
        assert_eq!(lines[6], format!("Copying fd6ed2f36b54 {MANIFEST}"));
        assert!(
            lines[7].starts_with("Skipped 2c26b46b68ff foo"),
            "{}",
            out.all()
        );
        assert_eq!(lines[8], format!("Copied  fd6ed2f36b54 {MANIFEST}"));
        let end = |from: &str, to: &str| {
            format!(
                "Copied {} => {}\nDigest: {IMAGE}\n",
                it.from.shown(from),
                it.to.shown(to)
            )
        };
        assert!(out.stdout.ends_with(&end("app:v1", "new:copied")));
        assert_eq!(it.found("new:copied"), IMAGE);

        // Once more, by tag and without: what is there is not copied again.
        let exists = format!("Exists  fd6ed2f36b54 {MANIFEST}\n");
        let again = it.copy("app:v1", "new:copied", &[]).ok();
        let line = if it.to.is_layout() {
            exists.as_str()
        } else {
            ""
        };
        assert_eq!(
            again.stdout,
            format!("{line}{}", end("app:v1", "new:copied"))
        );
        let digest = format!("app@{IMAGE}");
        let again = it.copy(&digest, "new", &[]).ok();
        assert_eq!(again.stdout, format!("{exists}{}", end(&digest, "new")));
        let to = format!("new@{IMAGE}");
        it.copy("app:v1", &to, &[]).ok();

        // To several tags.
        let out = it.copy("app:v1", "many:a,b,c", &[]).ok();
        let lines: Vec<&str> = out.stdout.lines().collect();
        let mut tagged = lines[lines.len() - 3..lines.len() - 1].to_vec();
        tagged.sort_unstable();
        assert_eq!(tagged, ["Tagged b", "Tagged c"], "{}", out.all());
        assert_eq!(
            lines[lines.len() - 4],
            end("app:v1", "many:a").lines().next().unwrap()
        );
        for tag in ["a", "b", "c"] {
            assert_eq!(it.found(&format!("many:{tag}")), IMAGE);
        }
    });
}

#[test]
fn lines_of_unnamed_content_can_be_hidden() {
    let mut graph = Graph::new();
    let root = image(&mut graph);
    pairs(&graph, &[("v1", &root)], |it| {
        let out = it.copy("app:v1", "new:v1", &["--verbose=false"]).ok();
        assert_eq!(out.stderr, VERBOSE);
        assert!(!out.stdout.contains("application/vnd"), "{}", out.all());
        assert_eq!(out.verbs("bar"), ["Copying", "Copied"]);
        let out = it.copy("app:v1", "other:v1", &["-v"]).ok();
        assert_eq!(out.stderr, VERBOSE);
        assert_eq!(out.verbs(MANIFEST), ["Copying", "Copied"]);
    });
}

/// An index of two images, of which the first has referrers that have referrers.
struct Multi {
    graph: Graph,
    amd: Descriptor,
    arm: Descriptor,
    index: Descriptor,
    signature: Descriptor,
    of_signature: Descriptor,
}

fn multi() -> Multi {
    let mut graph = Graph::new();
    let layer = graph.file("tool", "text/plain", "amd");
    let amd = graph.image("linux/amd64", &[&layer]);
    let arm = graph.image("linux/arm64", &[]);
    let index = graph.index(&[("linux/amd64", &amd), ("linux/arm64", &arm)]);
    let note = graph.file("signature", "text/plain", "signed");
    let signature = graph.artifact("test/signature", &[&note], Some(&amd));
    let of_signature = graph.artifact("test/counter", &[], Some(&signature));
    Multi {
        graph,
        amd,
        arm,
        index,
        signature,
        of_signature,
    }
}

#[test]
fn the_referrers_of_the_images_of_an_index_come_along() {
    let Multi {
        graph,
        amd,
        arm,
        index,
        signature,
        of_signature,
    } = multi();
    let tags = [("multi", &index)];
    pairs(&graph, &tags, |it| {
        let by_digest = format!("app@{}", index.digest);
        for (from, to, concurrency) in [("app:multi", "a:multi", "3"), (&by_digest, "b:multi", "0")]
        {
            let out = it
                .copy(from, to, &["-r", "--concurrency", concurrency])
                .ok()
                .reports(
                    Family::Copy,
                    [
                        (index.digest.short(), INDEX),
                        (amd.digest.short(), MANIFEST),
                        (arm.digest.short(), MANIFEST),
                        (signature.digest.short(), MANIFEST),
                        (of_signature.digest.short(), MANIFEST),
                    ],
                );
            assert_eq!(out.digest(), index.digest.as_str());
            assert_eq!(it.found(to), index.digest.as_str());
            let child = format!("{}@{}", &to[..1], amd.digest);
            let tree = it.tree(&child);
            assert!(tree.contains(signature.digest.as_str()), "{tree}");
            assert!(tree.contains(of_signature.digest.as_str()), "{tree}");
        }
        // Without -r they stay behind.
        it.copy("app:multi", "c:multi", &[]).ok();
        assert!(!it.has(&format!("c@{}", signature.digest)));
        // To a digest.
        it.copy("app:multi", &format!("d@{}", index.digest), &["-r"])
            .ok();
        assert!(it.has(&format!("d@{}", of_signature.digest)));
        // Again: one line for every end of the graph.
        let again = it.copy("app:multi", "a:multi", &["-r"]).ok();
        assert!(!again.stdout.contains("Copying"), "{}", again.all());
    });
}

#[test]
fn one_platform_is_copied_without_its_index() {
    let Multi {
        graph,
        amd,
        index,
        signature,
        ..
    } = multi();
    pairs(&graph, &[("multi", &index)], |it| {
        let platform = ["--platform", "linux/amd64"];
        let out = it.copy("app:multi", "a:one", &platform).ok();
        assert_eq!(out.digest(), amd.digest.as_str());
        assert_eq!(it.found("a:one"), amd.digest.as_str());
        assert!(!it.has(&format!("a@{}", index.digest)));
        assert!(!it.has(&format!("a@{}", signature.digest)));
        // By digest it is said what was selected; by tag it is not.
        let shown = format!("Copied {} => ", it.from.shown("app:multi"));
        assert!(out.stdout.contains(&shown), "{}", out.all());
        let out = it
            .copy(&format!("app@{}", index.digest), "b", &platform)
            .ok();
        let selected = format!("app@{}", amd.digest);
        let shown = format!(
            "Copied {} => {}\n",
            it.from.shown(&selected),
            it.to.shown("b")
        );
        assert!(out.stdout.contains(&shown), "{}", out.all());
        assert!(it.has(&format!("b@{}", amd.digest)));
        // With its referrers.
        let out = it
            .copy("app:multi", "c:one", &["-r", platform[0], platform[1]])
            .ok();
        assert_eq!(out.digest(), amd.digest.as_str());
        assert!(it.has(&format!("c@{}", signature.digest)));
        assert!(!it.has(&format!("c@{}", index.digest)));
        let out = it
            .copy("app:multi", "d:one", &["--platform", "plan9"])
            .fails();
        out.complains([&format!(
            "{}: not found: no matching manifest was found in the manifest list",
            index.digest
        )]);
    });
}

#[test]
fn subjects_and_siblings_come_along_from_a_referrer() {
    let Multi {
        graph,
        amd,
        signature,
        of_signature,
        index,
        ..
    } = multi();
    pairs(&graph, &[("multi", &index)], |it| {
        // A subject is part of what refers to it, also without -r.
        let out = it
            .copy(&format!("app@{}", signature.digest), "a:v1", &[])
            .ok();
        assert_eq!(out.digest(), signature.digest.as_str());
        let subject = format!("a@{}", amd.digest);
        assert!(it.tree(&subject).contains(signature.digest.as_str()));
        assert!(!it.has(&format!("a@{}", of_signature.digest)));
        it.copy(&format!("app@{}", signature.digest), "b", &["-r"])
            .ok();
        let tree = it.tree(&format!("b@{}", amd.digest));
        assert!(tree.contains(of_signature.digest.as_str()), "{tree}");
    });
}

#[test]
fn an_empty_index_and_retired_manifests_are_copied() {
    let mut graph = Graph::new();
    let empty = graph.blob(
        INDEX,
        json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": []}).to_string(),
    );
    pairs(&graph, &[("empty", &empty)], |it| {
        let out = it.copy("app:empty", "new:empty", &["-r"]).ok();
        assert_eq!(out.digest(), empty.digest.as_str());
        assert_eq!(it.found("new:empty"), empty.digest.as_str());
    });
}

#[test]
fn blobs_are_mounted_between_repositories_of_one_registry() {
    let mut graph = Graph::new();
    let root = image(&mut graph);
    for place in [Target::docker_registry(), Target::oras_serve()] {
        let dir = TempDir::new().unwrap();
        let oras = oras_in(dir.path());
        let place = filled(place, &oras, &graph, &[("v1", &root)]);
        let out = place
            .copy(&oras, "app:v1", &place, "new:v1", &[])
            .ok()
            .reports(
                Family::Copy,
                [
                    ("fcde2b2edba5", "bar"),
                    ("44136fa355b3", CONFIG),
                    ("fd6ed2f36b54", MANIFEST),
                ],
            );
        assert!(
            out.stdout.contains("Mounted fcde2b2edba5 bar\n"),
            "{}",
            out.all()
        );
        assert_eq!(out.verbs(MANIFEST), ["Copying", "Copied"]);
        place.run(&oras, "pull", "new:v1", &["-o", "out"]).ok();
        assert_eq!(
            fs::read_to_string(dir.path().join("out/bar")).unwrap(),
            "bar"
        );
    }
}

#[test]
fn layouts_can_be_given_by_their_path_alone() {
    let mut graph = Graph::new();
    let root = image(&mut graph);
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    graph.write_layout(&dir.path().join("lay"), &[("example.com/x:v1", &root)]);
    let copy = |from: &str, to: &str| {
        let words = [
            "cp",
            "--from-oci-layout-path",
            "lay",
            "--to-oci-layout-path",
            "new",
            from,
            to,
        ];
        oras.run(words).ok()
    };
    let out = copy("example.com/x:v1", "example.com/y:v2");
    let end = format!(
        "Copied [oci-layout] example.com/x:v1 => [oci-layout] example.com/y:v2\nDigest: {IMAGE}\n"
    );
    assert!(out.stdout.ends_with(&end), "{}", out.all());
    assert_eq!(
        oras.run(["repo", "tags", "--oci-layout", "new"])
            .ok()
            .stdout,
        "example.com/y:v2\n"
    );
    copy(IMAGE, "example.com/y:v3");
    let out = oras
        .run([
            "cp",
            "--from-oci-layout-path",
            "lay",
            IMAGE,
            "--to-oci-layout",
            "dir",
        ])
        .ok();
    assert!(
        out.stdout
            .ends_with(&format!("=> [oci-layout] dir\nDigest: {IMAGE}\n"))
    );
    let index = fs::read_to_string(dir.path().join("dir/index.json")).unwrap();
    assert!(
        index.contains(IMAGE) && !index.contains("ref.name"),
        "{index}"
    );
    assert!(!dir.path().join("new/ingest").exists());
}

#[test]
fn who_is_to_blame_is_said() {
    let mut graph = Graph::new();
    let root = image(&mut graph);
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    let open = filled(Target::docker_registry(), &oras, &graph, &[("v1", &root)]);
    let closed = DockerRegistry::with_auth();
    let layouts = filled(Target::layouts(), &oras, &graph, &[("v1", &root)]);
    let config = oras.home().join(".docker/config.json");
    let hint = format!(
        "\nPlease check whether the registry credential stored in the authentication file at \"{}\" is correct",
        config.display()
    );
    let (missing, secret) = (open.word("app:nosuch"), closed.reference("z:v1"));
    let refused = TempDir::new().unwrap();
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let dead = format!("localhost:{port}/z:v1");
    let app = open.word("app:v1");
    let (lay, no_lay) = (layouts.word("app:v1"), layouts.word("app:nosuch"));
    let new = refused.path().join("new").display().to_string();
    let manifest = format!("manifests/{IMAGE}");
    let cases: Vec<(Vec<&str>, String)> = vec![
        (vec![&missing, &new, "--to-oci-layout"], format!("Error response from registry: failed to resolve nosuch: {missing}: not found")),
        (vec![&missing, "-r", &app], format!("Error response from registry: failed to resolve nosuch: {missing}: not found")),
        (vec![&missing, "-r", "--platform", "a/b", &app], format!("Error response from registry: failed to resolve nosuch: {missing}: not found")),
        (vec![&dead, "-r", "--platform", "a/b", &app], format!("Error: failed to resolve v1: Get \"http://localhost:{port}/v2/z/manifests/v1\": dial tcp 127.0.0.1:{port}: connect: connection refused")),
        (vec![&missing, &app], format!("Error from source registry for \"{missing}\": {missing}: not found")),
        (vec![&no_lay, "--from-oci-layout", &app], format!("Error from source oci-layout for \"{no_lay}\": not found")),
        (vec![&no_lay, "--from-oci-layout", "-r", &app], "Error response from registry: failed to resolve nosuch: not found".to_owned()),
        (vec![&no_lay, "--from-oci-layout", "-r", &new, "--to-oci-layout"], "Error: failed to resolve nosuch: not found".to_owned()),
        (vec![&app, &secret], format!("Error from destination registry for \"{secret}\": basic credential not found{hint}")),
        (vec![&secret, &new, "--to-oci-layout"], format!("Error: failed to resolve v1: basic credential not found{hint}")),
        (vec![&app, &secret, "--to-username", USER, "--to-password", "wrong"], format!("Error from destination registry for \"{secret}\": HEAD \"http://{}/v2/z/{manifest}\": response status code 401: Unauthorized", closed.addr())),
        (vec![&secret, &new, "--to-oci-layout", "--from-username", USER, "--from-password", "wrong"], format!("Error response from registry: HEAD \"http://{}/v2/z/manifests/v1\": response status code 401: Unauthorized", closed.addr())),
        (vec![&app, &dead], format!("Error from destination registry for \"{dead}\": Head \"http://localhost:{port}/v2/z/{manifest}\": dial tcp 127.0.0.1:{port}: connect: connection refused")),
        (vec![&lay, "--from-oci-layout", "--from-username", "a", "--from-identity-token", "b", &dead], format!("Error from destination registry for \"{dead}\": Head \"http://localhost:{port}/v2/z/{manifest}\": dial tcp 127.0.0.1:{port}: connect: connection refused")),
        (vec![&app, &app, "--from-username", "a", "--from-identity-token", "b"], "Error: --from-username, --from-identity-token cannot be used at the same time".to_owned()),
        (vec![&app, &app, "--from-oci-layout", "--from-oci-layout-path", "x"], "Error: --from-oci-layout-path, --from-oci-layout cannot be used at the same time".to_owned()),
        (vec!["/a", "/b", "--platform", "a/"], "Error: invalid platform: Architecture cannot be empty".to_owned()),
        (vec!["/a", "/b"], "Error: \"/a\": invalid reference: invalid registry \"\"\nPlease make sure the provided reference is in the form of <registry>/<repo>[:tag|@digest]".to_owned()),
        (vec![&app, "/b"], "Error: \"/b\": invalid reference: invalid registry \"\"\nPlease make sure the provided reference is in the form of <registry>/<repo>[:tag|@digest]".to_owned()),
    ];
    for (words, stderr) in cases {
        let out = oras.run(["cp"].into_iter().chain(words)).fails();
        assert_eq!(out.stderr, format!("{stderr}\n"), "{}", out.line);
    }
    let wrong = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    let to = open.word(&format!("z@{wrong}"));
    let out = oras.run(["cp", &app, &to]).fails();
    let start = format!(
        "Error from destination registry for \"{to}\": digest invalid: provided digest did not match uploaded content"
    );
    assert!(out.stderr.starts_with(&start), "{}", out.stderr);
    // With the password it works.
    let words = [
        "cp",
        &app,
        &secret,
        "--to-username",
        USER,
        "--to-password",
        PASSWORD,
    ];
    assert_eq!(oras.run(words).ok().stderr, "");
}

#[test]
fn every_name_of_a_content_ends_once() {
    let mut graph = Graph::new();
    let (one, two) = (
        graph.file("one", "text/plain", "{}"),
        graph.file("two", "text/plain", "{}"),
    );
    // The config has the same bytes, too.
    let first = graph.artifact("t/a", &[&one, &two], None);
    let second = graph.artifact("t/b", &[&two, &one], None);
    let index = graph.index(&[("linux/amd64", &first), ("linux/arm64", &second)]);
    let dir = TempDir::new().unwrap();
    graph.write_layout(&dir.path().join("lay"), &[("v1", &index)]);
    let words = [
        "cp",
        "--from-oci-layout",
        "lay:v1",
        "--to-oci-layout",
        "new:v1",
    ];
    oras_in(dir.path()).run(words).ok().reports(
        Family::Copy,
        [
            ("44136fa355b3", "one"),
            ("44136fa355b3", "two"),
            ("44136fa355b3", "application/vnd.oci.empty.v1+json"),
            (index.digest.short(), INDEX),
        ],
    );
}

#[test]
fn tags_that_cannot_be_given_are_told_after_the_copy() {
    let mut graph = Graph::new();
    let root = image(&mut graph);
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    let place = filled(Target::docker_registry(), &oras, &graph, &[("v1", &root)]);
    for (to, stderr) in [
        (
            "new:v1,bad+tag",
            "invalid reference: invalid tag \"bad+tag\"",
        ),
        (
            "new:v1,bad+tag,bad+tag",
            "failed to tag bad+tag: invalid reference: invalid tag \"bad+tag\"",
        ),
        ("new,v1", "invalid reference"),
    ] {
        let out = place.copy(&oras, "app:v1", &place, to, &[]).fails();
        assert_eq!(out.stderr, format!("Error: {stderr}\n"), "{to}");
        assert!(out.stdout.contains(" => [registry] "), "{}", out.all());
        assert!(!out.stdout.contains("Digest:"), "{}", out.all());
    }
}

#[test]
fn what_is_wrong_on_the_line_takes_three_lines() {
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    let usage = "Usage: oras cp [flags] <from>{:<tag>|@<digest>} <to>[:<tag>[,<tag>][...]]\nPlease specify ";
    for (line, stderr) in [
        ("cp", "\"oras cp\" requires exactly 2 argument but got 0"),
        (
            "copy a",
            "\"oras cp\" requires exactly 2 argument but got 1",
        ),
        (
            "cp a b c",
            "\"oras cp\" requires exactly 2 argument but got 3",
        ),
        (
            "cp localhost:1/a localhost:1/b:v1",
            "\"localhost:1/a\": no tag or digest specified",
        ),
    ] {
        let out = oras.run(line.split(' ')).fails();
        let expected = format!("Error: {stderr}\n{usage}");
        assert!(out.stderr.starts_with(&expected), "{line}: {}", out.stderr);
        assert!(out.stderr.contains("Run \"oras cp -h\""));
    }
}

#[test]
fn requests_of_both_sides_are_counted_together() {
    let mut graph = Graph::new();
    let root = image(&mut graph);
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    let from = filled(Target::docker_registry(), &oras, &graph, &[("v1", &root)]);
    let to = Target::oras_serve();
    let out = from.copy(&oras, "app:v1", &to, "new:v1", &["-d"]).ok();
    let first = out.stderr.matches("Request #0").count();
    assert_eq!(first, 1, "{}", out.stderr);
    assert!(out.stderr.contains("Request #5"));
}

#[test]
fn layouts_hold_what_was_copied_under_its_name_only() {
    let mut graph = Graph::new();
    let root = image(&mut graph);
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    let from = filled(Target::docker_registry(), &oras, &graph, &[("v1", &root)]);
    let layouts = Target::layouts();
    from.copy(&oras, "app:v1", &layouts, "new:a,b", &["-r"])
        .ok();
    let Target::Layouts(folder) = &layouts else {
        unreachable!()
    };
    let index = fs::read(folder.path().join("new/index.json")).unwrap();
    let index: Value = serde_json::from_slice(&index).unwrap();
    let names = index["manifests"].as_array().unwrap().iter();
    let mut names: Vec<_> = names
        .map(|entry| {
            entry["annotations"]["org.opencontainers.image.ref.name"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    names.sort();
    assert_eq!(names, ["a", "b"]);
}

#[test]
fn help_lists_the_flags_of_both_sides_in_order() {
    let dir = TempDir::new().unwrap();
    let out = oras_in(dir.path()).run(["cp", "--help"]).ok();
    let mut rest = out.stdout.as_str();
    for (flag, mark) in [
        ("--from-distribution-spec string", "[Preview]"),
        ("--from-oci-layout-path string", "[Experimental]"),
        ("-r, --recursive", "[Preview]"),
        ("--to-distribution-spec string", "[Preview]"),
        ("--to-oci-layout-path string", "[Experimental]"),
    ] {
        (_, rest) = rest
            .split_once(flag)
            .unwrap_or_else(|| panic!("{flag}: {}", out.stdout));
        assert!(rest.trim_start().starts_with(mark), "{flag}");
    }
    assert!(!out.stdout.contains("--verbose") && out.stdout.contains("\nExample - "));
    assert!(!out.stdout.contains("-stdin"));
}

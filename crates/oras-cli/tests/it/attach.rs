//! `attach`: what refers to what, what is said, and what is refused.

use std::fs;

use oras_testkit::command::{Family, Oras};
use oras_testkit::fixture::Graph;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::oras_in;
use crate::sample::VERBOSE;
use crate::target::Target;

/// The subject: `foobar/bar`, pushed with a fixed time.
const SUBJECT: &str = "sha256:e824f49c26c0a41525a62dbd386d44498a4ab1d149a70583c14fdca41b3181a0";
const TIME: &str = "org.opencontainers.image.created=2020-01-01T00:00:00Z";
const EMPTY: &str = "application/vnd.oci.empty.v1+json";

fn files() -> (TempDir, Oras) {
    let dir = TempDir::new().unwrap();
    fs::create_dir(dir.path().join("foobar")).unwrap();
    for (name, content) in [
        ("bar", "bar"),
        ("attached", "to be attached"),
        ("config.json", "{\"config\":{}}"),
    ] {
        fs::write(dir.path().join("foobar").join(name), content).unwrap();
    }
    let oras = oras_in(dir.path());
    (dir, oras)
}

fn push_subject(place: &Target, oras: &Oras) {
    let rest = ["-a", TIME, "foobar/bar"];
    let out = place.run(oras, "push", "app:v1", &rest).ok();
    assert_eq!(out.digest(), SUBJECT);
}

fn manifest(place: &Target, oras: &Oras, digest: &str) -> Value {
    let name = format!("app@{digest}");
    place.run(oras, "manifest fetch", &name, &[]).ok().json()
}

/// The digests of the direct referrers of `name`.
fn referrers(place: &Target, oras: &Oras, name: &str, rest: &[&str]) -> Vec<String> {
    let rest = [&["--format", "json"], rest].concat();
    let found = place.run(oras, "discover", name, &rest).ok().json();
    let referrers = found["referrers"].as_array().unwrap().iter();
    referrers
        .map(|one| one["digest"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn every_step_is_one_line_and_the_subject_is_named_by_digest() {
    let (dir, oras) = files();
    for place in Target::each() {
        push_subject(&place, &oras);
        let rest = [
            "--artifact-type",
            "test/attach",
            "-a",
            TIME,
            "foobar/attached",
            "--export-manifest",
            "m.json",
        ];
        let subject = format!("app@{SUBJECT}");
        let by_tag = place
            .run(&oras, "attach", "app:v1", &rest)
            .ok()
            .reports(Family::Push, [("44136fa355b3", EMPTY)]);
        assert_eq!(by_tag.verbs(EMPTY), ["Exists"]);
        assert_eq!(by_tag.verbs("foobar/attached"), ["Uploading", "Uploaded"]);
        assert_eq!(by_tag.stderr, "");
        let kind = "application/vnd.oci.image.manifest.v1+json";
        assert_eq!(by_tag.verbs(kind), ["Uploading", "Uploaded"]);
        let end = format!(
            "Attached to {}\nDigest: {}\n",
            place.shown(&subject),
            by_tag.digest()
        );
        assert!(by_tag.stdout.ends_with(&end), "{}", by_tag.all());
        assert!(!by_tag.stdout.contains("ArtifactType"));
        let raw = fs::read_to_string(dir.path().join("m.json")).unwrap();
        let fetched = place.run(
            &oras,
            "manifest fetch",
            &format!("app@{}", by_tag.digest()),
            &[],
        );
        assert_eq!(fetched.ok().stdout, raw);

        let by_digest = place.run(&oras, "attach", &subject, &rest).ok();
        let end = format!(
            "Attached to {}\nDigest: {}\n",
            place.shown(&subject),
            by_digest.digest()
        );
        assert!(by_digest.stdout.ends_with(&end), "{}", by_digest.all());
        if place.is_layout() {
            // A layout knows more of what has a tag.
            let subject = &manifest(&place, &oras, &by_tag.digest())["subject"];
            assert_eq!(
                subject["annotations"]["org.opencontainers.image.ref.name"],
                "v1"
            );
            assert_eq!(
                subject["artifactType"],
                "application/vnd.unknown.artifact.v1"
            );
            assert_ne!(by_tag.digest(), by_digest.digest());
        } else {
            assert_eq!(by_digest.digest(), by_tag.digest());
            assert_eq!(by_digest.verbs(kind), ["Exists"]);
        }
        let found = manifest(&place, &oras, &by_digest.digest());
        let plain = json!({"mediaType": kind, "digest": SUBJECT, "size": found["subject"]["size"]});
        assert_eq!(found["subject"], plain);
        let mut expected = vec![by_tag.digest(), by_digest.digest()];
        expected.dedup();
        let mut listed = referrers(&place, &oras, "app:v1", &[]);
        listed.sort();
        expected.sort();
        assert_eq!(listed, expected);
    }
}

#[test]
fn json_is_about_what_was_attached() {
    let (_dir, oras) = files();
    for place in Target::each() {
        push_subject(&place, &oras);
        let rest = [
            "--artifact-type",
            "test/attach",
            "-a",
            TIME,
            "--format",
            "json",
        ];
        let out = place.run(&oras, "attach", "app:v1", &rest).ok();
        let found = out.json();
        let digest = found["digest"].as_str().unwrap();
        let expected = format!(
            r#"{{
  "reference": "{}@{digest}",
  "mediaType": "application/vnd.oci.image.manifest.v1+json",
  "digest": "{digest}",
  "size": {},
  "annotations": {{
    "org.opencontainers.image.created": "2020-01-01T00:00:00Z"
  }},
  "artifactType": "test/attach"
}}
"#,
            place.word("app"),
            found["size"]
        );
        assert_eq!(out.stdout, expected);
    }
}

#[test]
fn lines_of_unnamed_content_can_be_hidden() {
    let (_dir, oras) = files();
    let place = Target::layouts();
    push_subject(&place, &oras);
    let attach = |verbose: &str| {
        let note = format!("k={verbose}");
        let rest = [
            "--artifact-type",
            "t/a",
            "-a",
            &note,
            verbose,
            "foobar/attached",
        ];
        let out = place.run(&oras, "attach", "app:v1", &rest).ok();
        assert_eq!(out.stderr, VERBOSE);
        out
    };
    assert_eq!(attach("-v").verbs(EMPTY), ["Exists"]);
    let out = attach("--verbose=false");
    assert!(!out.stdout.contains(EMPTY), "{}", out.all());
    assert_eq!(out.verbs("foobar/attached"), ["Exists"]);
}

#[test]
fn a_config_is_kept_as_it_is() {
    let (_dir, oras) = files();
    for place in Target::each() {
        push_subject(&place, &oras);
        for (config, kind) in [
            (
                "foobar/config.json",
                "application/vnd.unknown.config.v1+json",
            ),
            ("foobar/config.json:my/config", "my/config"),
        ] {
            let rest = [
                "--artifact-type",
                "t/a",
                "--config",
                config,
                "foobar/attached",
            ];
            let out = place.run(&oras, "attach", "app:v1", &rest).ok();
            let found = manifest(&place, &oras, &out.digest());
            let digest = &found["config"]["digest"];
            assert!(digest.as_str().unwrap().starts_with("sha256:46b68ac1696c"));
            let expected = json!({"mediaType": kind, "digest": digest, "size": 13});
            assert_eq!(found["config"], expected);
            assert_eq!(found["artifactType"], "t/a");
        }
    }
}

#[test]
fn the_image_for_a_platform_is_a_subject() {
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    let mut graph = Graph::new();
    let layer = graph.file("tool", "text/plain", "tool");
    let (amd, arm) = (
        graph.image("linux/amd64", &[&layer]),
        graph.image("linux/arm64", &[]),
    );
    let index = graph.index(&[("linux/amd64", &amd), ("linux/arm64", &arm)]);
    let layouts = Target::layouts();
    let Target::Layouts(root) = &layouts else {
        unreachable!()
    };
    graph.write_layout(&root.path().join("source"), &[("multi", &index)]);
    for place in Target::each() {
        layouts
            .copy(&oras, "source:multi", &place, "app:multi", &[])
            .ok();
        let rest = [
            "--artifact-type",
            "t/a",
            "-a",
            "k=v",
            "--platform",
            "linux/amd64",
        ];
        let out = place.run(&oras, "attach", "app:multi", &rest).ok();
        let child = format!("app@{}", amd.digest);
        assert!(
            out.stdout
                .contains(&format!("Attached to {}\n", place.shown(&child)))
        );
        assert_eq!(referrers(&place, &oras, &child, &[]), [out.digest()]);
        assert_eq!(
            referrers(&place, &oras, "app:multi", &["--platform", "linux/amd64"]),
            [out.digest()]
        );
        assert!(referrers(&place, &oras, "app:multi", &[]).is_empty());
        let found = manifest(&place, &oras, &out.digest());
        let platform = json!({"architecture": "amd64", "os": "linux"});
        assert_eq!(found["subject"]["platform"], platform);

        let missing = [
            "--artifact-type",
            "t/a",
            "-a",
            "k=v",
            "--platform",
            "plan9/mips",
        ];
        let out = place.run(&oras, "attach", "app:multi", &missing).fails();
        out.complains([&format!("failed to resolve multi: {}: not found: no matching manifest was found in the manifest list", index.digest)]);
        place.run(&oras, "push", "app:v1", &[]).ok();
        let out = place.run(&oras, "attach", "app:v1", &missing).fails();
        assert_eq!(
            out.stderr,
            format!(
                "Error: failed to resolve v1: fail to recognize platform from unknown config {EMPTY}: expect application/vnd.oci.image.config.v1+json: unsupported\n"
            )
        );
    }
}

#[test]
fn the_tag_of_referrers_is_kept_when_it_is_asked_for() {
    let (_dir, oras) = files();
    let tag = format!("app:{}", SUBJECT.replace(':', "-"));
    let attach = ["--artifact-type", "t/a", "-a", "k=v"];
    let by_tag = ["--distribution-spec", "v1.1-referrers-tag"];
    let by_api = ["--distribution-spec", "v1.1-referrers-api"];

    // Whether the registry lists referrers or not.
    for place in [Target::docker_registry(), Target::oras_serve()] {
        push_subject(&place, &oras);
        let out = place
            .run(&oras, "attach", "app:v1", &[&attach[..], &by_tag].concat())
            .ok();
        let index = place.run(&oras, "manifest fetch", &tag, &[]).ok().json();
        assert_eq!(index["manifests"][0]["digest"], out.digest());
        assert_eq!(index["manifests"][0]["artifactType"], "t/a");
        assert_eq!(referrers(&place, &oras, "app:v1", &by_tag), [out.digest()]);
        assert_eq!(referrers(&place, &oras, "app:v1", &[]), [out.digest()]);
    }
    // Found out, where nothing is said.
    let place = Target::docker_registry();
    push_subject(&place, &oras);
    let out = place.run(&oras, "attach", "app:v1", &attach).ok();
    let index = place.run(&oras, "manifest fetch", &tag, &[]).ok().json();
    assert_eq!(index["manifests"][0]["digest"], out.digest());
    let refused = place.run(&oras, "discover", "app:v1", &by_api).fails();
    assert_eq!(
        refused.stderr,
        "Error: failed to query referrers API: unsupported\n"
    );
    let place = Target::oras_serve();
    push_subject(&place, &oras);
    for rest in [&attach[..], &[&attach[..], &by_api].concat()] {
        place.run(&oras, "attach", "app:v1", rest).ok();
    }
    place.run(&oras, "resolve", &tag, &[]).fails();
    assert!(referrers(&place, &oras, "app:v1", &by_tag).is_empty());
    assert!(!referrers(&place, &oras, "app:v1", &by_api).is_empty());
}

const NEITHER: &str = "neither file nor annotation provided in the command\nUsage: oras attach [flags] --artifact-type=<type> <name>{:<tag>|@<digest>} {<file>[:<layer_media_type>]|--annotation <key>=<value>} [...]\nTo attach to an existing artifact, please provide files via argument or annotations via flag \"--annotation\". Run \"oras attach -h\" for more options and examples";
const USAGE: &str = "Usage: oras attach [flags] --artifact-type=<type> <name>{:<tag>|@<digest>} {<file>[:<layer_media_type>]|--annotation <key>=<value>} [...]";

#[test]
fn what_is_wrong_on_the_line_is_said_before_anything_else() {
    let (dir, oras) = files();
    let no_tag = |raw: &str, lead: &str| {
        format!(
            "\"{raw}\": no tag or digest specified\n{USAGE}\n{lead}Please specify a reference in the form of \"<name>:<tag>\" or \"<name>@<digest>\". Run \"oras attach -h\" for more options and examples"
        )
    };
    let lead = "Are you missing an artifact reference to attach to? ";
    let form =
        "Please make sure the provided reference is in the form of <registry>/<repo>[:tag|@digest]";
    for (line, stderr) in [
        ("localhost:1/a -a x --format xml --platform a/ /abs", "absolute file path detected. If it's intentional, use --disable-path-validation flag to skip this check: /abs".to_owned()),
        ("/a -a x --format xml --platform a/ f", "annotation value doesn't match the required format\nPlease use the correct format in the flag: --annotation \"key=value\"".to_owned()),
        ("/a --format xml --platform a/ f", format!("\"/a\": invalid reference: invalid registry \"\"\n{form}")),
        ("file", format!("\"file\": invalid reference: missing registry or repository\n{lead}{form}")),
        ("localhost:1/a --format xml --platform a/ f", "invalid format type: \"xml\"\nsupported types: json, go-template, text".to_owned()),
        ("localhost:1/a --platform a/ --config c f", "invalid platform: Architecture cannot be empty".to_owned()),
        ("localhost:1/a --platform a --config c f", "--config, --platform cannot be used at the same time".to_owned()),
        ("localhost:1/a f", no_tag("localhost:1/a", "")),
        ("localhost:1/a", no_tag("localhost:1/a", lead)),
        ("--oci-layout lay", no_tag("lay", lead)),
        ("localhost:1/a:v1 f", "required flag(s) \"artifact-type\" not set".to_owned()),
        ("localhost:1/a:v1 --artifact-type t/a", NEITHER.to_owned()),
        ("--oci-layout lay:v1 --artifact-type t/a", NEITHER.to_owned()),
    ] {
        let out = oras.run(["attach"].into_iter().chain(line.split(' '))).fails();
        assert_eq!(out.stderr, format!("Error: {stderr}\n"), "{line}");
        assert_eq!(out.stdout, "");
    }
    assert!(!dir.path().join("lay").exists());

    let absolute = dir.path().join("foobar/bar").display().to_string();
    for place in Target::each() {
        push_subject(&place, &oras);
        let mut rest = vec!["--artifact-type", "t/a", absolute.as_str()];
        let out = place.run(&oras, "attach", "app:v1", &rest).fails();
        out.complains(["--disable-path-validation"]);
        rest.push("--disable-path-validation");
        place.run(&oras, "attach", "app:v1", &rest).ok();
        for (rest, stderr) in [
            (["--artifact-type=", "-ak=v"], "missing artifact type"),
            (
                ["--artifact-type=bad", "-ak=v"],
                "invalid artifactType format: bad: invalid media type",
            ),
        ] {
            let out = place.run(&oras, "attach", "app:v1", &rest).fails();
            assert_eq!(out.stderr, format!("Error: {stderr}\n"));
        }
        for config in [":", "no-such-file"] {
            let rest = ["--artifact-type", "t/a", "--config", config, "foobar/bar"];
            place.run(&oras, "attach", "app:v1", &rest).fails();
        }
        let rest = ["--artifact-type", "t/a", "-a", "k=v"];
        let out = place.run(&oras, "attach", "app:nosuch", &rest).fails();
        let stderr = match place.is_layout() {
            true => "Error: failed to resolve nosuch: not found\n".to_owned(),
            false => format!(
                "Error response from registry: failed to resolve nosuch: {}: not found\n",
                place.word("app:nosuch")
            ),
        };
        assert_eq!(out.stderr, stderr);
    }
}

#[test]
fn help_marks_what_may_change() {
    let (_dir, oras) = files();
    let out = oras
        .run(["attach", "--help"])
        .ok()
        .says(["disable progress bars", "\nExample - "]);
    assert!(!out.stdout.contains("disable colors") && !out.stdout.contains("--verbose"));
    let (_, rest) = out.stdout.split_once("--distribution-spec string").unwrap();
    assert!(rest.trim_start().starts_with("[Preview]"));
    let (_, rest) = out.stdout.split_once("--format").unwrap();
    assert!(rest.contains("(default \"text\")"));
}

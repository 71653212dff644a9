//! `push`: what is stored, what is said, and what is refused; the same on every kind of target.

mod refused;

use std::fs;

use oras_testkit::command::{Family, Oras, Output};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::oras_in;
use crate::sample::VERBOSE;
use crate::target::Target;

const EMPTY: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

/// A folder with the files of the reference tool's own tests.
fn files() -> (TempDir, Oras) {
    let dir = TempDir::new().unwrap();
    fs::create_dir(dir.path().join("foobar")).unwrap();
    for (name, content) in [
        ("foo1", "foo"),
        ("foo2", "foo"),
        ("bar", "bar"),
        ("config.json", "{\"config\":{}}"),
    ] {
        fs::write(dir.path().join("foobar").join(name), content).unwrap();
    }
    let oras = oras_in(dir.path());
    (dir, oras)
}

fn manifest(place: &Target, oras: &Oras, name: &str) -> Value {
    place.run(oras, "manifest fetch", name, &[]).ok().json()
}

fn created(at: &str) -> String {
    format!("org.opencontainers.image.created={at}")
}

#[test]
fn the_manifest_is_the_reference_tools_byte_for_byte() {
    let (_dir, oras) = files();
    for place in Target::each() {
        for (at, names, digest) in [
            (
                "2026-11-20T17:54:45Z",
                &["foobar/bar"][..],
                "sha256:ced5006e917326bee10c019d381ae52edd99bd4b76bbdd5893038f2880599d49",
            ),
            (
                "2020-01-01T00:00:00Z",
                &["foobar/bar"],
                "sha256:e824f49c26c0a41525a62dbd386d44498a4ab1d149a70583c14fdca41b3181a0",
            ),
        ] {
            let annotation = created(at);
            let rest = [&["-a", &annotation], names].concat();
            let out = place.run(&oras, "push", "t/q:v1", &rest).ok();
            assert_eq!(out.digest(), digest);
        }
        // Of the third, the documentation shows the short digest only.
        let annotation = created("2026-11-20T17:53:33Z");
        let rest = ["-a", &annotation, "foobar/foo1", "foobar/foo2"];
        let out = place.run(&oras, "push", "t/b:v1", &rest).ok();
        assert!(
            out.digest().starts_with("sha256:c911f860edb9"),
            "{}",
            out.all()
        );
    }
}

#[test]
fn every_step_is_one_line() {
    let (_dir, oras) = files();
    for place in Target::each() {
        let out = place
            .run(&oras, "push", "app:v1,v2,v3", &["foobar/bar"])
            .ok()
            .reports(
                Family::Push,
                [
                    ("fcde2b2edba5", "foobar/bar"),
                    ("44136fa355b3", "application/vnd.oci.empty.v1+json"),
                ],
            );
        let lines: Vec<&str> = out.stdout.lines().collect();
        assert_eq!(lines.len(), 12, "{}", out.all());
        assert_eq!(lines[0], "Preparing foobar/bar");
        assert!(lines[1].starts_with("Uploading "));
        assert!(
            lines[5].starts_with("Uploading ") && lines[5].ends_with("image.manifest.v1+json"),
            "children come first: {}",
            out.all()
        );
        assert!(lines[6].starts_with("Uploaded  ") && lines[6].ends_with("image.manifest.v1+json"));
        assert_eq!(lines[7], format!("Pushed {}", place.shown("app:v1")));
        let mut tagged = lines[8..10].to_vec();
        tagged.sort_unstable();
        assert_eq!(tagged, ["Tagged v2", "Tagged v3"]);
        assert_eq!(
            lines[10],
            "ArtifactType: application/vnd.unknown.artifact.v1"
        );
        assert!(lines[11].starts_with("Digest: sha256:"));
        assert_eq!(out.stderr, "");
        for tag in ["v1", "v2", "v3"] {
            let found = place.run(&oras, "resolve", &format!("app:{tag}"), &[]).ok();
            assert_eq!(found.stdout.trim(), out.digest());
        }

        // Two names of one content: it is uploaded once.
        let out = place
            .run(&oras, "push", "twins:v1", &["foobar/foo1", "foobar/foo2"])
            .ok();
        let mut verbs = [out.verbs("foobar/foo1"), out.verbs("foobar/foo2")];
        verbs.sort();
        assert_eq!(verbs, [vec!["Exists"], vec!["Uploading", "Uploaded"]]);
    }
}

#[test]
fn what_is_there_already_is_not_uploaded_again() {
    let (_dir, oras) = files();
    let annotation = created("2020-01-01T00:00:00Z");
    let rest = ["-a", annotation.as_str(), "foobar/bar"];
    let exists = "Exists    e824f49c26c0 application/vnd.oci.image.manifest.v1+json\n";
    for place in Target::each() {
        place.run(&oras, "push", "app:v1", &rest).ok();
        let tagged = place.run(&oras, "push", "app:v1", &rest).ok();
        let line = if place.is_layout() { exists } else { "" };
        let expected = format!(
            "Preparing foobar/bar\n{line}Pushed {}\nArtifactType: application/vnd.unknown.artifact.v1\nDigest: {}\n",
            place.shown("app:v1"),
            tagged.digest()
        );
        assert_eq!(tagged.stdout, expected);
        let untagged = place.run(&oras, "push", "app", &rest).ok();
        let expected = format!(
            "Preparing foobar/bar\n{exists}Pushed {}\nArtifactType: application/vnd.unknown.artifact.v1\nDigest: {}\n",
            place.shown("app"),
            untagged.digest()
        );
        assert_eq!(untagged.stdout, expected);
    }
}

#[test]
fn lines_of_unnamed_content_can_be_hidden() {
    let (_dir, oras) = files();
    for place in Target::each() {
        let out = place
            .run(&oras, "push", "app:v1", &["--verbose", "foobar/bar"])
            .ok();
        assert_eq!(out.stderr, VERBOSE);
        assert_eq!(
            out.verbs("application/vnd.oci.empty.v1+json"),
            ["Uploading", "Uploaded"]
        );
        let out = place
            .run(
                &oras,
                "push",
                "other:v1",
                &["--verbose=false", "foobar/bar"],
            )
            .ok();
        assert_eq!(out.stderr, VERBOSE);
        for hidden in ["Preparing", "application/vnd.oci"] {
            assert!(!out.stdout.contains(hidden), "{}", out.all());
        }
        assert_eq!(out.verbs("foobar/bar"), ["Uploading", "Uploaded"]);
        let out = place.run(&oras, "push", "none:v1", &["-v=false"]).ok();
        assert!(
            out.stdout.starts_with("Uploading empty artifact\nPushed "),
            "{}",
            out.all()
        );
    }
}

#[test]
fn json_names_the_artifact_by_digest_and_by_sorted_tags() {
    let (_dir, oras) = files();
    let annotation = created("2020-01-01T00:00:00Z");
    let rest = [
        "-a",
        annotation.as_str(),
        "--format",
        "json",
        "--artifact-type",
        "test/artifact+json",
    ];
    for place in Target::each() {
        let out = place.run(&oras, "push", "app:v3,v1,v2", &rest).ok();
        let path = place.word("app");
        let found = out.json();
        let digest = found["digest"].as_str().unwrap();
        let expected = format!(
            r#"{{
  "reference": "{path}@{digest}",
  "mediaType": "application/vnd.oci.image.manifest.v1+json",
  "digest": "{digest}",
  "size": {},
  "annotations": {{
    "org.opencontainers.image.created": "2020-01-01T00:00:00Z"
  }},
  "artifactType": "test/artifact+json",
  "referenceAsTags": [
    "{path}:v1",
    "{path}:v2",
    "{path}:v3"
  ]
}}
"#,
            found["size"]
        );
        assert_eq!(out.stdout, expected);
        let out = place.run(&oras, "push", "app", &rest).ok().json();
        assert_eq!(out["referenceAsTags"], json!([format!("{path}:")]));
        let out = place
            .run(&oras, "push", &format!("app@{digest}"), &rest)
            .ok()
            .json();
        assert_eq!(out["referenceAsTags"], Value::Null);
    }
}

/// Flags; the config, the type of the artifact, the layers; the type that is shown.
type Case<'a> = (&'a [&'a str], Value, Option<&'a str>, Value, &'a str);

#[test]
fn config_and_artifact_type_follow_the_version_of_the_manifest() {
    let (_dir, oras) = files();
    let empty = json!({"mediaType": "application/vnd.oci.empty.v1+json", "digest": EMPTY, "size": 2, "data": "e30="});
    let file = |kind: &str| json!({"mediaType": kind, "digest": "sha256:46b68ac1696c3870d537f376868d9402400e5c1f6f4a0c7cbd8b8a8f1b4a6a08", "size": 13});
    let platform = |size: u64| json!({"mediaType": "application/vnd.oci.image.config.v1+json", "digest": "sha256:e94c0ba80a11", "size": size});
    let unknown = "application/vnd.unknown.config.v1+json";
    let kind = "application/vnd.unknown.artifact.v1";
    let plain = |kind: &str| json!({"mediaType": kind, "digest": EMPTY, "size": 2});
    let cases: [Case<'_>; 11] = [
        (&[], empty.clone(), Some(kind), json!([empty]), kind),
        (
            &["--artifact-type", "a/b"],
            empty.clone(),
            Some("a/b"),
            json!([empty]),
            "a/b",
        ),
        (
            &["--config", "foobar/config.json", "--artifact-type", "a/b"],
            file(unknown),
            Some("a/b"),
            json!([empty]),
            "a/b",
        ),
        (
            &["--artifact-platform", "darwin/arm64"],
            platform(38),
            Some(kind),
            json!([empty]),
            kind,
        ),
        (
            &[
                "--artifact-platform",
                "darwin/arm64",
                "--artifact-type",
                "a/b",
            ],
            platform(38),
            Some("a/b"),
            json!([empty]),
            "a/b",
        ),
        (
            &["--image-spec", "v1.0"],
            plain(unknown),
            None,
            json!([]),
            unknown,
        ),
        (
            &["--image-spec", "v1.0", "--artifact-type", "a/b"],
            plain("a/b"),
            None,
            json!([]),
            "a/b",
        ),
        (
            &["--config", "foobar/config.json"],
            file(unknown),
            None,
            json!([]),
            unknown,
        ),
        (
            &["--config", "foobar/config.json:my/config+type"],
            file("my/config+type"),
            None,
            json!([]),
            "my/config+type",
        ),
        (
            &["--config", "foobar/config.json:"],
            file("application/vnd.oci.image.layer.v1.tar"),
            None,
            json!([]),
            "application/vnd.oci.image.layer.v1.tar",
        ),
        (
            &[
                "--image-spec",
                "v1.0",
                "--artifact-platform",
                "darwin/arm64",
            ],
            platform(38),
            None,
            json!([]),
            "application/vnd.oci.image.config.v1+json",
        ),
    ];
    for place in Target::each() {
        for (rest, config, artifact_type, layers, shown) in &cases {
            let out = place.run(&oras, "push", "app:v1", rest).ok();
            assert_eq!(out.field("ArtifactType: "), *shown, "{rest:?}");
            assert!(out.stdout.starts_with("Uploading empty artifact\n"));
            let mut found = manifest(&place, &oras, "app:v1");
            let short = config["digest"].as_str().unwrap();
            let digest = found["config"]["digest"].as_str().unwrap();
            assert!(digest.starts_with(&short[..19]), "{rest:?}: {found}");
            found["config"]["digest"] = config["digest"].clone();
            assert_eq!(found["config"], *config, "{rest:?}");
            assert_eq!(found["layers"], *layers, "{rest:?}");
            assert_eq!(found["artifactType"].as_str(), *artifact_type, "{rest:?}");
        }
        place
            .run(&oras, "pull", "app:v1", &["--platform", "darwin/arm64"])
            .ok();
    }
}

#[test]
fn layers_have_type_and_title() {
    let (dir, oras) = files();
    let absolute = dir.path().join("foobar/bar").display().to_string();
    let layers = |place: &Target, name: &str| {
        let found = manifest(place, &oras, name);
        let layers = found["layers"].as_array().unwrap().clone();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let pair = |layer: &Value| {
            (
                text(&layer["mediaType"]),
                text(&layer["annotations"]["org.opencontainers.image.title"]),
            )
        };
        layers.iter().map(pair).collect::<Vec<_>>()
    };
    let default = "application/vnd.oci.image.layer.v1.tar";
    for place in Target::each() {
        for (file, kind, title) in [
            ("foobar/bar", default, "foobar/bar"),
            ("./foobar/../foobar/bar:", default, "foobar/bar"),
            ("foobar/bar:layer/type", "layer/type", "foobar/bar"),
            ("foobar/bar:layer.type", "layer.type", "foobar/bar"),
        ] {
            // A registry may refuse what is no media type.
            if !place.is_layout() && kind == "layer.type" {
                continue;
            }
            place.run(&oras, "push", "app:v1", &[file]).ok();
            assert_eq!(layers(&place, "app:v1"), [(kind.into(), title.into())]);
        }
        place
            .run(
                &oras,
                "push",
                "abs:v1",
                &["--disable-path-validation", &absolute],
            )
            .ok();
        assert_eq!(
            layers(&place, "abs:v1"),
            [(default.to_owned(), absolute.clone())]
        );
        let out = place
            .run(&oras, "push", "abs:v1", &[&absolute, "foobar/bar", "/b:t"])
            .fails();
        assert_eq!(
            out.stderr,
            format!(
                "Error: absolute file path detected. If it's intentional, use --disable-path-validation flag to skip this check: {absolute}, /b\n"
            )
        );
        let below = oras.clone().in_dir(dir.path().join("foobar"));
        place
            .run(
                &below,
                "push",
                "up:v1",
                &["../foobar/bar", "--export-manifest", "../m.json"],
            )
            .ok();
        assert_eq!(
            layers(&place, "up:v1"),
            [(default.to_owned(), "../foobar/bar".to_owned())]
        );
        let fetched = place.run(&oras, "manifest fetch", "up:v1", &[]).ok();
        assert_eq!(
            fs::read_to_string(dir.path().join("m.json")).unwrap(),
            fetched.stdout
        );
    }
}

#[test]
fn annotations_go_where_the_file_says() {
    let (dir, oras) = files();
    let annotations = json!({
        "$manifest": {"m": "<a>&b", "org.opencontainers.image.created": "2000-01-01T00:00:00Z"},
        "$config": {"c": "1"},
        "foobar/bar": {"l": "2", "org.opencontainers.image.title": "foobar/baz"},
        "unused": {"x": "y"},
    });
    fs::write(dir.path().join("a.json"), annotations.to_string()).unwrap();
    for place in Target::each() {
        let rest = ["--annotation-file", "a.json", "foobar/bar"];
        let out = place.run(&oras, "push", "app:v1", &rest).ok();
        assert!(out.stdout.starts_with("Preparing foobar/baz\n"));
        assert_eq!(out.verbs("foobar/baz"), ["Uploading", "Uploaded"]);
        let raw = place.run(&oras, "manifest fetch", "app:v1", &[]).ok();
        assert!(raw.stdout.contains(r#""m":"\u003ca\u003e\u0026b""#));
        let found = raw.json();
        assert_eq!(found["annotations"], annotations["$manifest"]);
        assert_eq!(found["config"]["annotations"], json!({"c": "1"}));
        assert_eq!(found["layers"][0]["annotations"], annotations["foobar/bar"]);
        // With a config of its own, too: nothing of the file's name is kept.
        let rest = [&rest[..], &["--config", "foobar/config.json"]].concat();
        place.run(&oras, "push", "app:v2", &rest).ok();
        let found = manifest(&place, &oras, "app:v2");
        assert_eq!(found["config"]["annotations"], json!({"c": "1"}));
        let rest = ["-a", "k=v=w", "-a", "e=", "foobar/bar"];
        place.run(&oras, "push", "app:v3", &rest).ok();
        let found = manifest(&place, &oras, "app:v3");
        assert_eq!(found["annotations"]["k"], "v=w");
        assert_eq!(found["annotations"]["e"], "");
        assert!(found["annotations"]["org.opencontainers.image.created"].is_string());
    }
}

#[test]
fn help_marks_what_may_change() {
    let (_dir, oras) = files();
    let out: Output = oras.run(["push", "--help"]).ok();
    let marked = |flag: &str, mark: &str| {
        let line = out.stdout.lines().find(|line| line.contains(flag)).unwrap();
        let rest = line.split(flag).nth(1).unwrap().trim_start();
        assert!(rest.starts_with(mark), "{line}");
    };
    marked("--image-spec string", "[Preview]");
    marked("--oci-layout-path string", "[Experimental]");
    assert!(out.stdout.contains("\nExample - "));
    assert!(!out.stdout.contains("--verbose") && !out.stdout.contains("--manifest-config"));
    let format = out.stdout.split("--format").nth(1).unwrap();
    assert!(format.contains("(default \"text\")"), "{}", out.stdout);
}

#[test]
fn layouts_keep_what_is_known_of_the_manifest() {
    let (dir, oras) = files();
    let rest = ["-a", "k=v", "foobar/bar"];
    let out = oras
        .run([&["push", "--oci-layout", "lay:v1,v2"], &rest[..]].concat())
        .ok();
    assert!(!dir.path().join("lay/ingest").exists());
    let index: Value =
        serde_json::from_slice(&fs::read(dir.path().join("lay/index.json")).unwrap()).unwrap();
    let entries = index["manifests"].as_array().unwrap();
    let named = |tag: &str| {
        let is = |entry: &&Value| entry["annotations"]["org.opencontainers.image.ref.name"] == tag;
        entries.iter().find(is).unwrap()
    };
    assert_eq!(named("v1")["annotations"]["k"], "v");
    assert_eq!(
        named("v1")["artifactType"],
        "application/vnd.unknown.artifact.v1"
    );
    assert_eq!(
        named("v2")["annotations"],
        json!({"org.opencontainers.image.ref.name": "v2"})
    );
    assert!(named("v2")["artifactType"].is_null());
    assert_eq!(named("v2")["digest"], out.digest());
    let out = oras
        .run(
            [
                &[
                    "push",
                    "--oci-layout-path",
                    "lay2",
                    "example.com:v1",
                    "--format",
                    "json",
                ],
                &rest[..],
            ]
            .concat(),
        )
        .ok()
        .json();
    assert_eq!(out["referenceAsTags"], json!(["lay2:example.com:v1"]));
    fs::write(dir.path().join("file"), "").unwrap();
    let out = oras
        .run(["push", "--oci-layout", "file:v1", "foobar/bar"])
        .fails();
    let path = dir.path().join("file");
    assert_eq!(
        out.stderr,
        format!("Error: mkdir {}: not a directory\n", path.display())
    );
    oras.run(["push", "--oci-layout", "lay.tar:v1", "foobar/bar"])
        .ok();
    assert!(dir.path().join("lay.tar").is_dir());
}

//! `discover`: what refers to an artifact, as tree, table and JSON.

use std::fs;

use oras_testkit::command::Oras;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::oras_in;
use crate::sample::VERBOSE;
use crate::target::Target;

const SUBJECT: &str = "sha256:e824f49c26c0a41525a62dbd386d44498a4ab1d149a70583c14fdca41b3181a0";
const TIME: &str = "org.opencontainers.image.created=2020-01-01T00:00:00Z";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// `app:v1` with an SBOM, and a signature of the SBOM.
struct Tree {
    place: Target,
    oras: Oras,
    sbom: String,
    signature: String,
    _dir: TempDir,
}

impl Tree {
    fn grow(place: Target) -> Self {
        let dir = TempDir::new().unwrap();
        let oras = oras_in(dir.path());
        fs::create_dir(dir.path().join("foobar")).unwrap();
        fs::write(dir.path().join("foobar/bar"), "bar").unwrap();
        let rest = ["-a", TIME, "foobar/bar"];
        let subject = place.run(&oras, "push", "app:v1", &rest).ok().digest();
        assert_eq!(subject, SUBJECT);
        let attach = |to: &str, kind: &str| {
            let rest = ["--artifact-type", kind, "-a", TIME, "-a", "k=a: b"];
            place
                .run(&oras, "attach", &format!("app@{to}"), &rest)
                .ok()
                .digest()
        };
        let sbom = attach(SUBJECT, "test/sbom.file");
        let signature = attach(&sbom, "test/signature.file");
        Self {
            place,
            oras,
            sbom,
            signature,
            _dir: dir,
        }
    }

    fn discover(&self, rest: &[&str]) -> oras_testkit::command::Output {
        self.place.run(&self.oras, "discover", "app:v1", rest)
    }
}

fn everywhere(check: impl Fn(&Tree)) {
    for place in Target::each() {
        check(&Tree::grow(place));
    }
}

#[test]
fn the_tree_groups_by_type_and_shows_annotations() {
    everywhere(|it| {
        let (sbom, signature) = (&it.sbom, &it.signature);
        let root = it.place.word(&format!("app@{SUBJECT}"));
        let whole = format!(
            "{root}
└── test/sbom.file
    └── {sbom}
        ├── [annotations]
        │   ├── k: 'a: b'
        │   └── org.opencontainers.image.created: \"2020-01-01T00:00:00Z\"
        └── test/signature.file
            └── {signature}
                └── [annotations]
                    ├── k: 'a: b'
                    └── org.opencontainers.image.created: \"2020-01-01T00:00:00Z\"
"
        );
        for rest in [&[][..], &["--format", "tree"], &["--depth", "2"]] {
            let out = it.discover(rest).ok();
            assert_eq!(out.stdout, whole, "{rest:?}");
            assert_eq!(out.stderr, "");
        }
        let out = it.discover(&["-v"]).ok();
        assert_eq!((out.stdout, out.stderr.as_str()), (whole, VERBOSE));
        let short = format!(
            "{root}\n└── test/sbom.file\n    └── {sbom}\n        └── test/signature.file\n            └── {signature}\n"
        );
        let out = it.discover(&["--verbose=false"]).ok();
        assert_eq!((out.stdout, out.stderr.as_str()), (short, VERBOSE));
        let out = it.discover(&["--depth", "1"]).ok();
        assert!(out.stdout.contains(sbom.as_str()) && !out.stdout.contains(signature.as_str()));
        // The filter is for every level.
        let out = it
            .discover(&["--artifact-type", "test/signature.file"])
            .ok();
        assert_eq!(out.stdout, format!("{root}\n"));
        let out = it.discover(&["--artifact-type", "test/sbom.file"]).ok();
        assert!(out.stdout.contains(sbom.as_str()) && !out.stdout.contains(signature.as_str()));
        let leaf = format!("app@{signature}");
        let out = it.place.run(&it.oras, "discover", &leaf, &[]).ok();
        assert_eq!(out.stdout, format!("{}\n", it.place.word(&leaf)));
    });
}

#[test]
fn json_is_nested_to_the_depth_that_is_asked_for() {
    everywhere(|it| {
        let path = it.place.word("app");
        let node = |digest: &str, size: &Value, kind: &str, referrers: Value| {
            json!({
                "reference": format!("{path}@{digest}"),
                "mediaType": MANIFEST,
                "digest": digest,
                "size": size,
                "annotations": {"k": "a: b", "org.opencontainers.image.created": "2020-01-01T00:00:00Z"},
                "artifactType": kind,
                "referrers": referrers,
            })
        };
        let found = it.discover(&["--format", "json"]).ok().json();
        let sbom_size = &found["referrers"][0]["size"];
        let signature_size = &found["referrers"][0]["referrers"][0]["size"];
        let signature = node(
            &it.signature,
            signature_size,
            "test/signature.file",
            json!([]),
        );
        let mut whole = json!({
            "reference": format!("{path}@{SUBJECT}"),
            "mediaType": MANIFEST,
            "digest": SUBJECT,
            "size": found["size"],
            "referrers": [node(&it.sbom, sbom_size, "test/sbom.file", json!([signature]))],
        });
        if it.place.is_layout() {
            whole["annotations"] = json!({"org.opencontainers.image.created": "2020-01-01T00:00:00Z", "org.opencontainers.image.ref.name": "v1"});
            whole["artifactType"] = json!("application/vnd.unknown.artifact.v1");
        }
        assert_eq!(found, whole);
        let found = it
            .discover(&["--format", "json", "--depth", "1"])
            .ok()
            .json();
        whole["referrers"][0]["referrers"] = json!([]);
        assert_eq!(found, whole);
        let none = ["--format", "json", "--artifact-type", "no/such"];
        let out = it.discover(&none).ok();
        assert!(
            out.stdout.ends_with("\n  \"referrers\": []\n}\n"),
            "{}",
            out.all()
        );
    });
}

#[test]
fn the_table_lists_direct_referrers() {
    everywhere(|it| {
        let raw = it.place.word("app:v1");
        let notice = "Format \"table\" is deprecated and will be removed in a future release.\n";
        let out = it.discover(&["--format", "table", "--depth", "1"]).ok();
        assert_eq!(out.stderr, notice);
        let head = format!(
            "Discovered 1 artifact referencing {raw}\nDigest: {SUBJECT}\n\nArtifact Type    Digest\ntest/sbom.file   {}\n{{\n  \"mediaType\": \"{MANIFEST}\",\n  \"digest\": \"{}\",\n",
            it.sbom, it.sbom
        );
        assert!(out.stdout.starts_with(&head), "{}", out.all());
        assert!(!out.stdout.contains(&it.signature));
        assert!(!out.stdout.contains("\"reference\""));
        let out = it.discover(&["--format", "table", "--verbose=false"]).ok();
        let short = format!(
            "Discovered 1 artifact referencing {raw}\nDigest: {SUBJECT}\n\nArtifact Type    Digest\ntest/sbom.file   {}\n",
            it.sbom
        );
        assert_eq!(out.stdout, short);
        let none = ["--format", "table", "--artifact-type", "no/such"];
        let out = it.discover(&none).ok();
        let empty = format!("Discovered 0 artifacts referencing {raw}\nDigest: {SUBJECT}\n");
        assert_eq!(out.stdout, empty);

        // By the flag's old name.
        let old = "[DEPRECATED] --output is deprecated, try `--format ` instead\n";
        let out = it.discover(&["-o", "table", "--verbose=false"]).ok();
        assert_eq!(out.stdout, short);
        assert!(
            out.stderr.contains(notice) && out.stderr.contains(old),
            "{}",
            out.stderr
        );
        for format in ["tree", "json"] {
            let out = it.discover(&["--output", format]).ok();
            assert_eq!(out.stderr, old);
            assert_eq!(out.stdout, it.discover(&["--format", format]).ok().stdout);
        }
    });
}

#[test]
fn artifacts_without_a_type_are_shown_as_unknown() {
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    let mut graph = oras_testkit::fixture::Graph::new();
    let image = graph.image("linux/amd64", &[]);
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [],
        "subject": {"mediaType": MANIFEST, "digest": image.digest.as_str(), "size": image.size},
    });
    let index = graph.blob("application/vnd.oci.image.index.v1+json", index.to_string());
    graph.write_layout(&dir.path().join("lay"), &[("v1", &image)]);
    for place in Target::each() {
        let layout = place.is_layout().then_some("--to-oci-layout");
        let (from, to) = (format!("lay@{}", image.digest), place.word("app:v1"));
        let words = ["cp", "-r", "--from-oci-layout"].into_iter().chain(layout);
        oras.run(words.chain([from.as_str(), &to])).ok();
        let out = place.run(&oras, "discover", "app:v1", &[]).ok();
        let expected = format!(
            "{}\n└── <unknown>\n    └── {}\n",
            place.word(&format!("app@{}", image.digest)),
            index.digest
        );
        assert_eq!(out.stdout, expected);
    }
}

#[test]
fn the_subject_can_be_one_platform_of_an_index_and_how_is_the_users_choice() {
    let it = Tree::grow(Target::oras_serve());
    let out = it
        .discover(&["--distribution-spec", "v1.1-referrers-api"])
        .ok();
    assert!(out.stdout.contains(&it.signature));
    let it = Tree::grow(Target::docker_registry());
    for rest in [&["--distribution-spec", "v1.1-referrers-tag"][..], &[]] {
        let out = it.discover(&[rest, &["--format", "table"]].concat()).ok();
        assert!(out.stdout.contains(&it.sbom));
    }
    let out = it
        .discover(&["--distribution-spec", "v1.1-referrers-api"])
        .fails();
    assert_eq!(
        out.stderr,
        "Error: failed to query referrers API: unsupported\n"
    );
}

#[test]
fn what_is_wrong_on_the_line_is_said_before_anything_else() {
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    let usage = "Usage: oras discover [flags] <name>{:<tag>|@<digest>}\nPlease specify";
    let unknown = |text: &str| {
        format!(
            "invalid format type: \"{text}\"\nsupported types: table, json, go-template, tree\n"
        )
    };
    for (line, stderr) in [
        (
            "discover",
            format!("\"oras discover\" requires exactly 1 argument but got 0\n{usage}"),
        ),
        (
            "discover a b",
            format!("\"oras discover\" requires exactly 1 argument but got 2\n{usage}"),
        ),
        (
            "discover localhost:1/a",
            format!("\"localhost:1/a\": no tag or digest specified\n{usage}"),
        ),
        (
            "discover /a --format json --output tree --depth 0",
            "--format, --output cannot be used at the same time\n".to_owned(),
        ),
        (
            "discover /a --output tree --format json",
            "--format, --output cannot be used at the same time\n".to_owned(),
        ),
        (
            "discover /a --depth 0 --platform a/",
            "depth value should be at least 1\n".to_owned(),
        ),
        (
            "discover /a --depth -1 --format table",
            "depth value should be at least 1\n".to_owned(),
        ),
        (
            "discover /a --platform a/ --format xml",
            "invalid platform: Architecture cannot be empty\n".to_owned(),
        ),
        (
            "discover /a --format xml",
            "\"/a\": invalid reference: invalid registry \"\"\n".to_owned(),
        ),
        (
            "discover localhost:1/a:v1 --output ukpkmkk",
            unknown("ukpkmkk"),
        ),
        ("discover localhost:1/a:v1 --format Tree", unknown("Tree")),
        (
            "discover localhost:1/a:v1 -o go-template={{.}}",
            "output type can only be tree, table or json\n".to_owned(),
        ),
        (
            "discover localhost:1/a:v1 --template {{.}}",
            "--template must be used with --format go-template\n".to_owned(),
        ),
    ] {
        let out = oras.run(line.split(' ')).fails();
        let expected = format!("Error: {stderr}");
        assert!(out.stderr.starts_with(&expected), "{line}: {}", out.stderr);
        assert_eq!(out.stdout, "");
    }
    for place in [Target::docker_registry(), Target::layouts()] {
        place.run(&oras, "push", "app:v1", &[]).ok();
        let out = place
            .run(&oras, "discover", "app:v1", &["--format", "text"])
            .fails();
        assert_eq!(out.stderr, "Error: unsupported format type: text\n");
        let out = place.run(&oras, "discover", "app:nosuch", &[]).fails();
        let stderr = match place.is_layout() {
            true => "Error: not found\n".to_owned(),
            false => format!(
                "Error response from registry: {}: not found\n",
                place.word("app:nosuch")
            ),
        };
        assert_eq!(out.stderr, stderr);
    }
}

#[test]
fn help_marks_what_may_change() {
    let dir = TempDir::new().unwrap();
    let out = oras_in(dir.path()).run(["discover", "--help"]).ok();
    assert!(out.stdout.starts_with("[Preview] Discover"));
    let (_, rest) = out
        .stdout
        .split_once("** This command is in preview and under development. **")
        .unwrap();
    assert!(rest.contains("\nUsage:") && rest.contains("\nExample - "));
    let (_, rest) = rest.split_once("--distribution-spec string").unwrap();
    assert!(rest.trim_start().starts_with("[Preview]"));
    assert!(out.stdout.contains("disable colors"));
    assert!(!out.stdout.contains("disable progress bars") && !out.stdout.contains("--verbose"));
    let (_, rest) = out.stdout.split_once("--format").unwrap();
    assert!(rest.contains("(default \"tree\")"));
}

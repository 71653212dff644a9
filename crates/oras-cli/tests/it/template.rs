//! `--format go-template` on every command that has it.

use std::fs;

use tempfile::TempDir;

use crate::oras_in;
use crate::target::Target;

#[test]
fn templates_shape_every_output_on_docker_registry() {
    scenario(&Target::docker_registry());
}

#[test]
fn templates_shape_every_output_on_oras_serve() {
    scenario(&Target::oras_serve());
}

#[test]
fn templates_shape_every_output_in_layouts() {
    scenario(&Target::layouts());
}

fn scenario(target: &Target) {
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    fs::write(dir.path().join("hi.txt"), "hello").unwrap();
    let run = |command: &str, name: &str, rest: &[&str]| {
        let out = target.run(&oras, command, name, rest).ok();
        out.stdout.clone()
    };

    // Sorted, and nothing else on standard output.
    let tags = "--format=go-template={{range .referenceAsTags}}{{println .}}{{end}}";
    let words = ["v2", "v1"].map(|tag| target.word(&format!("app:{tag}")));
    assert_eq!(
        run("push", "app:v2,v1", &["hi.txt", tags]),
        format!("{}\n{}\n", words[1], words[0])
    );
    let path = target.word("app");
    assert_eq!(
        run(
            "push",
            "app:v1",
            &[
                "hi.txt",
                "-a",
                "moved=yes",
                "--format",
                "go-template",
                "--template",
                "{{.artifactType}}"
            ]
        ),
        "application/vnd.unknown.artifact.v1"
    );
    let digest_of = |name: &str| {
        run(
            "manifest fetch",
            name,
            &["--format", "go-template={{.digest}}"],
        )
    };
    let pushed = digest_of("app:v1");

    let attached = run(
        "attach",
        "app:v1",
        &[
            "--artifact-type",
            "a/b",
            "hi.txt",
            "--format",
            "go-template={{.reference}} {{.artifactType}}",
        ],
    );
    let (reference, kind) = attached.split_once(' ').unwrap();
    assert_eq!(kind, "a/b");
    assert!(
        reference.starts_with(&format!("{path}@sha256:")),
        "{reference}"
    );
    assert_eq!(
        run(
            "discover",
            "app:v1",
            &["--format", "go-template={{(first .referrers).reference}}"]
        ),
        reference
    );
    assert_eq!(
        run(
            "discover",
            "app:v2",
            &["--format", "go-template={{(first .referrers).reference}}"]
        ),
        "<no value>"
    );

    let pulled = run(
        "pull",
        "app:v1",
        &[
            "-o",
            "out",
            "--format",
            "go-template={{.reference}}{{range .files}} {{.path}} {{.size}}{{end}}",
        ],
    );
    let file = dir.path().join("out/hi.txt").canonicalize().unwrap();
    assert_eq!(pulled, format!("{path}@{pushed} {} 5", file.display()));

    let raw = run("manifest fetch", "app:v1", &[]);
    let content = run(
        "manifest fetch",
        "app:v1",
        &["--format", "go-template={{toJson .content}}"],
    );
    let parsed = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    assert_eq!(parsed(&content), parsed(&raw));
    assert_eq!(
        run(
            "manifest fetch",
            "app:v1",
            &["--format", "go-template={{(first .content.layers).digest}}"]
        ),
        "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    );
    assert_eq!(
        run(
            "repo tags",
            "app",
            &[
                "--exclude-digest-tags",
                "--format",
                "go-template={{join \",\" .tags}}"
            ]
        ),
        "v1,v2"
    );
    if !target.is_layout() {
        let host = path.strip_suffix("/app").unwrap();
        let template = "go-template={{.registry}} {{.repositories}}";
        let out = oras.run(["repo", "ls", host, "--format", template]).ok();
        assert_eq!(out.stdout, format!("{host} [app]"));
    }
}

#[test]
fn what_a_template_printed_before_it_failed_stays() {
    let target = Target::layouts();
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    fs::write(dir.path().join("hi.txt"), "hello").unwrap();
    target.run(&oras, "push", "app:v1", &["hi.txt"]).ok();
    let fetch = |template: &str| {
        let rest = ["--format", "go-template", "--template", template];
        let out = target.run(&oras, "manifest fetch", "app:v1", &rest);
        assert_eq!(out.code, Some(1), "{template}");
        (out.stdout.clone(), out.stderr.clone())
    };
    let table = [
        (
            "a{{.digest.x}}",
            "a",
            "1:10: executing \"format output\" at <.digest.x>: can't evaluate field x in type interface {}",
        ),
        (
            "{{index .content.layers 9}}",
            "",
            "1:2: executing \"format output\" at <index .content.layers 9>: error calling index: index out of range: 9",
        ),
        (
            "{{eq .size 1}}",
            "",
            "1:2: executing \"format output\" at <eq .size 1>: error calling eq: incompatible types for comparison: float64 and int",
        ),
        (
            "b\n{{template \"no\"}}",
            "b\n",
            "2:11: executing \"format output\" at <{{template \"no\"}}>: template \"no\" not defined",
        ),
    ];
    for (template, before, why) in table {
        let expected = format!("Error: template: format output:{why}\n");
        assert_eq!(fetch(template), (before.to_owned(), expected));
    }
}

#[test]
fn a_template_that_is_none_stops_a_push_before_it_begins() {
    let target = Target::layouts();
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    fs::write(dir.path().join("hi.txt"), "hello").unwrap();
    let out = target.run(
        &oras,
        "push",
        "app:v1",
        &["hi.txt", "--format", "go-template={{.x"],
    );
    assert_eq!(out.code, Some(1));
    assert_eq!(
        out.stderr,
        "Error: template: format output:1: unclosed action\n"
    );
    target.run(&oras, "resolve", "app:v1", &[]).fails();
}

#[test]
fn templates_read_variables_and_stay_within_their_memory() {
    let target = Target::layouts();
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path()).env("GREETING", "hi");
    fs::write(dir.path().join("hi.txt"), "hello").unwrap();
    target.run(&oras, "push", "app:v1", &["hi.txt"]).ok();
    let tags = |template: &str| target.run(&oras, "repo tags", "app", &["--format", template]);
    let out = tags("go-template={{env \"GREETING\"}} {{expandenv \"$GREETING!\"}}").ok();
    assert_eq!(out.stdout, "hi hi!");
    let out = tags(
        "go-template={{$l := list}}{{range until 5000}}{{$l = append $l (repeat 1000000 \"x\")}}{{end}}",
    );
    assert_eq!(out.code, Some(1));
    assert!(
        out.stderr.contains("need more than 256 MiB"),
        "{}",
        out.stderr
    );
    assert!(out.peak_kib < 500 * 1024, "{} KiB", out.peak_kib);
}

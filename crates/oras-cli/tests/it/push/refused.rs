//! What `push` refuses, and in which order.

use std::fs;

use oras_testkit::command::Oras;
use oras_testkit::peer::OurRegistry;

use super::{EMPTY, files};
use crate::target::Target;

/// Calls without any registry: the words on the line, and all of standard error.
fn refuses(oras: &Oras, line: &str, stderr: &str) {
    let out = oras.run(line.split(' ')).fails();
    assert_eq!(out.stderr, format!("{stderr}\n"), "{line}");
}

#[test]
fn what_is_wrong_on_the_line_is_said_before_anything_else() {
    let (dir, oras) = files();
    let missing = dir.path().canonicalize().unwrap().join("foobar/nope");
    // In the order of evaluation: each line has the mistakes of those below it, too.
    for (line, stderr) in [
        (
            "--oci-layout lay:v1 -a x -a k=v --annotation-file no.json --artifact-platform /b --format xml --image-spec v1.1 --config c /abs",
            "absolute file path detected. If it's intentional, use --disable-path-validation flag to skip this check: /abs",
        ),
        (
            "--oci-layout lay:v1 -a x -a k=v --annotation-file no.json --artifact-platform /b --format xml",
            "`--annotation` and `--annotation-file` cannot be both specified",
        ),
        (
            "--oci-layout lay:v1 --annotation-file no.json --artifact-platform /b --format xml",
            "invalid annotation json file: failed to load annotations from no.json\nAnnotation file doesn't match the required format. Please refer to the document at https://oras.land/docs/how_to_guides/manifest_annotations",
        ),
        (
            "--oci-layout lay:v1 -a x --artifact-platform /b --format xml",
            "annotation value doesn't match the required format\nPlease use the correct format in the flag: --annotation \"key=value\"",
        ),
        (
            "--oci-layout lay:v1 -a k=1 -a k=2 --artifact-platform /b --format xml",
            "duplicate annotation key: k, ",
        ),
        (
            "--oci-layout :v1 --artifact-platform /b --format xml",
            "invalid platform: OS cannot be empty",
        ),
        (
            "--oci-layout :v1 --artifact-platform a/ --format xml",
            "invalid platform: Architecture cannot be empty",
        ),
        (
            "--oci-layout :v1 --artifact-platform a/b/c/d --format xml",
            "failed to parse platform \"a/b/c/d\": expected format os[/arch[/variant]]",
        ),
        (
            "--oci-layout :v1 --format xml",
            "found empty file path in \":v1\"\ninvalid reference",
        ),
        (
            "/oras --format xml",
            "\"/oras\": invalid reference: invalid registry \"\"\nPlease make sure the provided reference is in the form of <registry>/<repo>[:tag|@digest]",
        ),
        (
            "localhost:1/a:v1 -u x --identity-token y --format xml",
            "--username, --identity-token cannot be used at the same time",
        ),
        (
            "--oci-layout lay:v1 --format xml --config c --image-spec v1.1",
            "invalid format type: \"xml\"\nsupported types: json, go-template, text",
        ),
        (
            "--oci-layout lay:v1 --config c --image-spec v1.1",
            "missing artifact type for OCI image-spec v1.1 artifacts\nset an artifact type via `--artifact-type` or consider image spec v1.0",
        ),
        (
            "--oci-layout lay:v1 --config c --artifact-platform a",
            "--config, --artifact-platform cannot be used at the same time",
        ),
        (
            "--oci-layout lay:v1 --config c --artifact-type t --image-spec v1.0",
            "--artifact-type and --config cannot both be provided for 1.0 OCI image",
        ),
        (
            "--oci-layout lay:v1 --artifact-platform a --artifact-type t --image-spec v1.0",
            "artifact type cannot be customized for OCI image-spec v1.0 when platform is specified\nconsider using image spec v1.1 or remove --artifact-type",
        ),
        (
            "--oci-layout lay:v1 --config :",
            "found empty file path in \":\"",
        ),
        (
            "--oci-layout lay:v1 --oci-layout-path x",
            "--oci-layout-path, --oci-layout cannot be used at the same time",
        ),
        (
            "--oci-layout lay:v1 -H a:b",
            "custom header flags cannot be used on an OCI image layout target",
        ),
    ] {
        refuses(&oras, &format!("push {line}"), &format!("Error: {stderr}"));
    }
    let out = oras.run(["push", "localhost:1/x", "foobar/nope"]).fails();
    assert_eq!(out.stdout, "Preparing foobar/nope\n");
    assert_eq!(
        out.stderr,
        format!(
            "Error: stat {}: no such file or directory\n",
            missing.display()
        )
    );
    let twice = [
        "push",
        "--oci-layout",
        "lay:v1",
        "foobar/bar",
        "./foobar/bar",
    ];
    let out = oras.run(twice).fails();
    assert_eq!(out.stderr, "Error: foobar/bar: duplicate name\n");
    for (rest, stderr) in [
        (
            ["--artifact-type", "badtype"],
            "invalid artifactType format: badtype: invalid media type",
        ),
        (
            ["--config", "foobar/config.json:badtype"],
            "invalid config mediaType format: badtype: invalid media type",
        ),
        (
            ["-a", "org.opencontainers.image.created=xx"],
            "invalid date and time format: parsing time \"xx\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"xx\" as \"2006\"",
        ),
    ] {
        let words = [&["push", "--oci-layout", "lay:v1", "foobar/bar"], &rest[..]].concat();
        let out = oras.run(words).fails();
        assert_eq!(out.stdout, "Preparing foobar/bar\n");
        assert_eq!(out.stderr, format!("Error: {stderr}\n"));
    }
    assert!(!dir.path().join("lay").exists());
}

#[test]
fn a_wrong_tag_or_digest_is_refused_by_registries() {
    let (_dir, oras) = files();
    let digest = EMPTY;
    for place in Target::each() {
        let by_digest = place.run(&oras, "push", &format!("app@{digest}"), &["foobar/bar"]);
        if place.is_layout() {
            // A layout takes any text for a tag.
            by_digest.ok();
            place
                .run(&oras, "push", "app:bad+tag,worse+tag", &["foobar/bar"])
                .ok();
            place.run(&oras, "resolve", "app:worse+tag", &[]).ok();
            continue;
        }
        by_digest
            .fails()
            .complains(["Error response from registry: digest invalid: "]);
        let out = place
            .run(&oras, "push", "app:bad+tag", &["foobar/bar"])
            .fails();
        assert_eq!(
            out.stderr,
            format!(
                "Error: \"{}\": invalid reference: invalid tag \"bad+tag\"\nPlease make sure the provided reference is in the form of <registry>/<repo>[:tag|@digest]\n",
                place.word("app:bad+tag")
            )
        );
        for (tag, stderr) in [
            (
                "bad+tag",
                "failed to tag bad+tag: invalid reference: invalid tag \"bad+tag\"",
            ),
            ("", "failed to tag : invalid reference"),
        ] {
            let out = place
                .run(&oras, "push", &format!("app:v1,{tag}"), &["foobar/bar"])
                .fails();
            assert_eq!(out.stderr, format!("Error: {stderr}\n"));
            assert!(out.stdout.contains("\nPushed [registry] "), "{}", out.all());
            assert!(!out.stdout.contains("Digest:"), "{}", out.all());
        }
        let out = place
            .run(
                &oras,
                "push",
                "app:v1",
                &["foobar/bar", "--export-manifest", "no/m.json"],
            )
            .fails();
        assert!(out.stdout.contains("\nDigest: "));
        assert_eq!(
            out.stderr,
            "Error: open no/m.json: no such file or directory\n"
        );
    }
}

#[test]
fn files_that_cannot_be_read_or_named_are_told() {
    let (dir, oras) = files();
    fs::write(
        dir.path().join("no-name.json"),
        r#"{"foobar/bar":{"org.opencontainers.image.title":""}}"#,
    )
    .unwrap();
    let path = |name: &str| dir.path().canonicalize().unwrap().join(name);
    for (rest, stderr) in [
        (
            &["foobar/bar/x"][..],
            format!("stat {}: not a directory", path("foobar/bar/x").display()),
        ),
        (
            &["--annotation-file", "no-name.json", "foobar/bar"],
            "missing name".to_owned(),
        ),
        (
            &["--config", "none", "foobar/bar"],
            format!("stat {}: no such file or directory", path("none").display()),
        ),
    ] {
        let words = [&["push", "--oci-layout", "lay:v1"], rest].concat();
        let out = oras.run(words).fails();
        assert_eq!(out.stderr, format!("Error: {stderr}\n"), "{rest:?}");
    }
    assert!(!dir.path().join("lay").exists());
}

#[test]
fn a_registry_that_does_not_answer_is_told_with_the_request() {
    let (_dir, oras) = files();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let plain = OurRegistry::start(env!("CARGO_BIN_EXE_oras"));
    let serving = plain.port();
    for (at, cause) in [
        (
            format!("http://localhost:{port}"),
            format!("dial tcp 127.0.0.1:{port}: connect: connection refused"),
        ),
        (
            format!("https://127.0.0.1:{serving}"),
            "http: server gave HTTP response to HTTPS client".to_owned(),
        ),
    ] {
        let host = at.split("//").nth(1).unwrap();
        let reference = format!("{host}/a:v1");
        let manifest = format!("{at}/v2/a/manifests/v1");
        for (words, stderr) in [
            (
                &["pull", &reference][..],
                format!("Get \"{manifest}\": {cause}"),
            ),
            (
                &["discover", &reference],
                format!("Head \"{manifest}\": {cause}"),
            ),
            (
                &["attach", "--artifact-type", "t/a", "-a", "k=v", &reference],
                format!("failed to resolve v1: Head \"{manifest}\": {cause}"),
            ),
            (
                &[
                    "push",
                    "-a",
                    "org.opencontainers.image.created=2020-01-01T00:00:00Z",
                    &reference,
                    "foobar/bar",
                ],
                format!(
                    "Head \"{at}/v2/a/manifests/sha256:e824f49c26c0a41525a62dbd386d44498a4ab1d149a70583c14fdca41b3181a0\": {cause}"
                ),
            ),
        ] {
            let out = oras.run(words).fails();
            assert_eq!(out.stderr, format!("Error: {stderr}\n"), "{}", out.line);
        }
    }
}

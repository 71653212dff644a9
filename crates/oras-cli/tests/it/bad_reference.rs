//! References that can't be read, or that lead nowhere.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};

use tempfile::TempDir;

use crate::bad_input::fails_cleanly;
use crate::oras_in;
use crate::target::Target;

#[test]
fn every_bad_reference_says_what_is_wrong_with_it() {
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    let hex = "0".repeat(64);
    for (reference, reason) in [
        ("ubuntu", "missing registry or repository"),
        ("/oras", r#"invalid registry """#),
        ("a b/c:v1", r#"invalid registry "a b""#),
        ("user@host/c:v1", "invalid registry"),
        ("localhost:port/c:v1", "invalid registry"),
        ("localhost:5000/B:v1", r#"invalid repository "B""#),
        ("localhost:5000/a//b:v1", r#"invalid repository "a//b""#),
        ("localhost:5000/m:bad!", r#"invalid tag "bad!""#),
        ("localhost:5000/m:-bad", r#"invalid tag "-bad""#),
        (
            "http://localhost:5000/m:v1",
            r#"invalid repository "/localhost""#,
        ),
        (
            "localhost:5000/m@sha256:00",
            r#"invalid digest "sha256:00": invalid checksum digest length"#,
        ),
        (
            "localhost:5000/m@md5:abc",
            r#"invalid digest "md5:abc": unsupported digest algorithm"#,
        ),
        (
            "localhost:5000/m@sha256",
            r#"invalid digest "sha256": invalid checksum digest format"#,
        ),
        (
            &format!("localhost:5000/m@sha256:{}", hex.replace('0', "A")),
            "invalid checksum digest format",
        ),
        (
            &format!("localhost:5000/m:{}", "t".repeat(129)),
            "invalid tag",
        ),
    ] {
        for command in [vec!["pull"], vec!["resolve"], vec!["discover"]] {
            let words: Vec<_> = command.into_iter().chain([reference]).collect();
            let out = fails_cleanly(&oras, dir.path(), &words);
            let quoted = format!("Error: \"{reference}\": invalid reference: ");
            let advice = "Please make sure the provided reference is in the form of <registry>/<repo>[:tag|@digest]";
            out.complains([&quoted, reason, advice]);
        }
    }
}

#[test]
fn a_missing_tag_is_asked_for() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("a.txt"), "a").unwrap();
    let oras = oras_in(dir.path());
    oras.run(["push", "--oci-layout", "lay:v1", "a.txt"]).ok();
    for words in [
        vec!["pull", "localhost:5000/repo"],
        vec!["discover", "localhost:5000/repo"],
        vec!["cp", "localhost:5000/repo", "localhost:5000/other:v1"],
        vec![
            "attach",
            "--artifact-type",
            "a/b",
            "localhost:5000/repo",
            "a.txt",
        ],
        vec!["manifest", "fetch", "localhost:5000/repo"],
        vec!["pull", "--oci-layout", "lay"],
    ] {
        let out = fails_cleanly(&oras, dir.path(), &words);
        out.complains([
            "no tag or digest specified",
            "Usage: oras ",
            "Please specify a reference in the form of",
        ]);
    }
}

#[test]
fn an_unknown_tag_is_not_found() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("a.txt"), "a").unwrap();
    let oras = oras_in(dir.path());
    let registry = Target::docker_registry();
    let layouts = Target::layouts();
    for place in [&registry, &layouts] {
        place.run(&oras, "push", "app:v1", &["a.txt"]).ok();
    }
    let known = |name: &str| registry.word(name);
    for (words, expected) in [
        (
            vec!["pull"],
            format!(
                "Error response from registry: {}: not found",
                known("app:nope")
            ),
        ),
        (vec!["discover"], "not found".to_owned()),
        (
            vec!["resolve"],
            "Error response from registry: failed to resolve digest: ".to_owned(),
        ),
        (
            vec!["manifest", "fetch"],
            "Error response from registry: failed to fetch the content of ".to_owned(),
        ),
    ] {
        let words: Vec<_> = words
            .into_iter()
            .map(str::to_owned)
            .chain([known("app:nope")])
            .collect();
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        fails_cleanly(&oras, dir.path(), &words).complains([&expected, "not found"]);
    }
    let word = layouts.word("app:nope");
    let out = fails_cleanly(&oras, dir.path(), &["pull", "--oci-layout", &word]);
    assert_eq!(out.stderr, "Error: not found\n");
    let source = known("app:nope");
    let words = ["cp", &source, "--to-oci-layout", "copy:v1"];
    let out = fails_cleanly(&oras, dir.path(), &words);
    out.complains(["Error from source registry for", "not found"]);
}

#[test]
fn an_unreachable_registry_is_named() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("a.txt"), "a").unwrap();
    let oras = oras_in(dir.path());
    // A port that was free a moment ago: nobody answers there.
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let host = format!("localhost:{port}");
    for words in [
        vec!["pull", "app:v1"],
        vec!["push", "app:v1", "a.txt"],
        vec!["discover", "app:v1"],
        vec!["repo", "tags", "app"],
    ] {
        let words: Vec<_> = words
            .iter()
            .map(|word| word.replacen("app", &format!("{host}/app"), 1))
            .collect();
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let out = fails_cleanly(&oras, dir.path(), &words);
        out.complains([&host, "connect: connection refused"]);
    }
}

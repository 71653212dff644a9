use super::*;
use crate::digest::Algorithm;
use proptest::prelude::*;

fn digest() -> Digest {
    Digest::sha256(b"")
}

fn check(text: &str, expected: (&str, &str, Option<&str>, bool)) {
    let reference = Reference::parse(text).unwrap();
    let (registry, repository, tag, has_digest) = expected;
    assert_eq!(
        (reference.registry(), reference.repository()),
        (registry, repository),
        "{text}"
    );
    assert_eq!(
        (reference.tag(), reference.digest().is_some()),
        (tag, has_digest),
        "{text}"
    );
}

fn refuse(text: &str, reason: &str) {
    let error = Reference::parse(text).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("invalid reference: {reason}"),
        "{text:?}"
    );
}

#[test]
fn reference_table() {
    let d = digest();
    check("localhost:5000/a", ("localhost:5000", "a", None, false));
    check(
        "localhost:5000/a:v1",
        ("localhost:5000", "a", Some("v1"), false),
    );
    check(
        "r.io/a/b-c/d__e:V_1.0-x",
        ("r.io", "a/b-c/d__e", Some("V_1.0-x"), false),
    );
    check(&format!("r/a@{d}"), ("r", "a", None, true));
    check(&format!("r/a:v1@{d}"), ("r", "a", Some("v1"), true));
    check(&format!("r/a:bad!@{d}"), ("r", "a", None, true));
    check(&format!("r/a:b:c@{d}"), ("r", "a", None, true));
    check(&format!("r/a:@{d}"), ("r", "a", None, true));
    check("library/ubuntu", ("library", "ubuntu", None, false));
    check("[::1]:5000/a", ("[::1]:5000", "a", None, false));
    check(":5000/x", (":5000", "x", None, false));
    check(
        &format!("r/a@{}", Digest::of(Algorithm::Sha512, b"")),
        ("r", "a", None, true),
    );
}

#[test]
fn refusal_table() {
    refuse("ubuntu:latest", "missing registry or repository");
    refuse("", "missing registry or repository");
    refuse("a b/c", "invalid registry \"a b\"");
    refuse("/c", "invalid registry \"\"");
    refuse("r/B", "invalid repository \"B\"");
    refuse("r/", "invalid repository \"\"");
    refuse("r/B:bad!", "invalid repository \"B\"");
    refuse("r/a:bad!", "invalid tag \"bad!\"");
    refuse("r/a:b:c", "invalid tag \"b:c\"");
    refuse("r/a:é1", "invalid tag \"é1\"");
    refuse(
        "r/a@sha256:00",
        "invalid digest \"sha256:00\": invalid checksum digest length",
    );
    refuse(
        "r/a@md5:abc",
        "invalid digest \"md5:abc\": unsupported digest algorithm",
    );
    refuse(
        "r/a@sha256",
        "invalid digest \"sha256\": invalid checksum digest format",
    );
    refuse(
        "r/a@SHA256:abc",
        "invalid digest \"SHA256:abc\": invalid checksum digest format",
    );
    refuse(
        "r/a@x@y",
        "invalid digest \"x@y\": invalid checksum digest format",
    );
    refuse(
        "http://localhost:5000/m:v1",
        "invalid repository \"/localhost\"",
    );
    refuse("r/a\tb", "invalid repository \"a\\tb\"");
}

#[test]
fn an_empty_tag_or_digest_is_refused_or_ignored() {
    refuse("r/a:", "invalid tag \"\"");
    refuse(
        "r/a@",
        "invalid digest \"\": invalid checksum digest format",
    );
    for text in ["r/a", "r/a:", "r/a@", "r/a:v1@", "r/a:@"] {
        assert_eq!(
            Reference::parse_lenient(text).unwrap().to_string(),
            "r/a",
            "{text}"
        );
    }
    assert_eq!(
        Reference::parse_lenient("r/a:v1").unwrap().tag(),
        Some("v1")
    );
    assert!(Reference::parse_lenient("r/a:bad!").is_err());
    assert!(Reference::parse_lenient("r:").is_err());
}

#[test]
fn registry_table() {
    for valid in [
        "localhost",
        "localhost:5000",
        "LOCAL_host.example",
        "127.0.0.1:5000",
        "[::1]",
        "[2001:db8::1]:443",
        "host:",
        ":5000",
        "bücher.example",
        "a~!$&'()*+,;=\"<>",
    ] {
        assert_eq!(validate_registry(valid), Ok(()), "{valid}");
    }
    for invalid in [
        "",
        "a b",
        "a%20b",
        "a?b",
        "a#b",
        "a\\b",
        "u@h",
        "host:port",
        "a:b:1",
        "::1",
        "[::1",
        "[x]",
        "[::1]5000",
        "[::1]:x",
        "[fe80::1%25eth0]",
        "a/b",
        "a\n",
        "a[b",
    ] {
        let expected = format!(
            "invalid reference: invalid registry {}",
            crate::go_quote(invalid)
        );
        assert_eq!(
            validate_registry(invalid).unwrap_err().to_string(),
            expected
        );
    }
}

#[test]
fn repository_table() {
    for valid in [
        "a",
        "0",
        "a/b",
        "a.b",
        "a_b",
        "a__b",
        "a-b",
        "a---b",
        "a.b_c__d-e/f0",
    ] {
        assert_eq!(validate_repository(valid), Ok(()), "{valid}");
    }
    for invalid in [
        "", "/", "a/", "/a", "a//b", "A", "a..b", "a___b", "a._b", "a_-b", "a-", "-a", ".a", "a/.",
        "..", "a b", "é",
    ] {
        assert!(validate_repository(invalid).is_err(), "{invalid}");
    }
    assert_eq!(
        validate_repository(&"a".repeat(5000)),
        Ok(()),
        "length is no matter of grammar"
    );
}

#[test]
fn tag_table() {
    let longest = "a".repeat(128);
    for valid in ["a", "_", "V1.0-x_", "0", &longest] {
        assert_eq!(validate_tag(valid), Ok(()), "{valid}");
    }
    let too_long = "a".repeat(129);
    for invalid in [
        "", ".a", "-a", "a:b", "a/b", "a@b", "a b", "é1", "1é", "a\n", &too_long,
    ] {
        assert!(validate_tag(invalid).is_err(), "{invalid}");
    }
}

#[test]
fn long_names_are_only_worth_a_warning() {
    let at_limit = Reference::new("r", &"a".repeat(253)).unwrap();
    assert!(!at_limit.is_name_too_long());
    assert!(
        Reference::new("r", &"a".repeat(254))
            .unwrap()
            .is_name_too_long()
    );
}

#[test]
fn printing_prefers_the_digest() {
    let d = digest();
    let both = Reference::parse(&format!("r/a:v1@{d}")).unwrap();
    assert_eq!(both.to_string(), format!("r/a@{d}"));
    assert_eq!(both.reference(), Some(d.to_string()));
    assert_eq!(both.name(), "r/a");
    assert_eq!(both.clone().with_tag("v2").unwrap().to_string(), "r/a:v2");
    assert_eq!(both.clone().without_reference().reference(), None);
    assert_eq!(
        both.without_reference().with_digest(d.clone()).to_string(),
        format!("r/a@{d}")
    );
}

#[test]
fn docker_io_is_served_elsewhere() {
    let reference = Reference::parse("docker.io/library/alpine:3").unwrap();
    assert_eq!(reference.host(), "registry-1.docker.io");
    assert_eq!(reference.to_string(), "docker.io/library/alpine:3");
    assert_eq!(host("ghcr.io"), "ghcr.io");
}

#[test]
fn relative_references() {
    let d = digest();
    let repository = Reference::new("r", "a").unwrap();
    let relative = |text: &str| {
        repository
            .relative(text)
            .map(|found| found.to_string())
            .map_err(|error| error.to_string())
    };
    assert_eq!(relative("v1").as_deref(), Ok("r/a:v1"));
    assert_eq!(relative("r/a:v1").as_deref(), Ok("r/a:v1"));
    assert_eq!(relative(d.as_str()), Ok(format!("r/a@{d}")));
    assert_eq!(relative(&format!("v1@{d}")), Ok(format!("r/a@{d}")));
    assert_eq!(relative("").unwrap_err(), "invalid reference");
    assert_eq!(
        relative("bad!").unwrap_err(),
        "invalid reference: invalid tag \"bad!\""
    );
    let digest_error = "invalid reference: invalid digest \"lid\": invalid checksum digest format";
    assert_eq!(relative("inv@lid").unwrap_err(), digest_error);
    let mismatch = "invalid reference: mismatch between received \"r/b:v1\" and expected \"r/a\"";
    assert_eq!(relative("r/b:v1").unwrap_err(), mismatch);
}

proptest! {
    #[test]
    fn a_canonical_form_is_its_own_canonical_form(
        text in "[a-z\\[\\]:.0-9]{1,8}/[a-z0-9._/-]{1,8}(:[A-Za-z0-9_.-]{1,8})?(@sha256:[0-9a-f]{64})?|\\PC*"
    ) {
        if let Ok(reference) = Reference::parse(&text) {
            let printed = reference.to_string();
            let again = Reference::parse(&printed).unwrap();
            prop_assert_eq!(again.to_string(), printed);
            prop_assert_eq!(again.name(), reference.name());
            prop_assert_eq!(Reference::parse_lenient(&text).unwrap(), reference);
        }
    }
}

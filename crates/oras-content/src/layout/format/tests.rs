use serde_json::Value;

use super::{check_manifest, decode, parse_index};

#[track_caller]
fn check(text: &str, expected: &str) {
    let error = decode::<Value>(text.as_bytes()).unwrap_err();
    assert_eq!(error.to_string(), expected, "{text}");
}

#[test]
fn malformed_json_is_told_in_gos_words() {
    check("", "EOF");
    check(" \n", "EOF");
    check("{", "unexpected EOF");
    check(r#"{"a":[1,"#, "unexpected EOF");
    check(
        "hello",
        "invalid character 'h' looking for beginning of value",
    );
    check(
        "\n\n  <html>",
        "invalid character '<' looking for beginning of value",
    );
    check(
        "{x}",
        "invalid character 'x' looking for beginning of object key string",
    );
    check(r#"{"a" 1}"#, "invalid character '1' after object key");
    check(
        r#"{"a":1 "b":2}"#,
        "invalid character '\"' after object key:value pair",
    );
    check(
        "nonsense",
        "invalid character 'o' in literal null (expecting 'u')",
    );
    check(
        "[tru]",
        "invalid character ']' in literal true (expecting 'e')",
    );
    check(
        "'",
        r"invalid character '\'' looking for beginning of value",
    );
    check("[1 2]", "invalid character '2' after array element");
}

#[test]
fn what_follows_the_first_value_is_not_looked_at() {
    assert_eq!(
        decode::<Value>(b"{} garbage").unwrap(),
        serde_json::json!({})
    );
}

#[test]
fn an_index_that_is_none_says_so() {
    let text = |bytes: &[u8]| parse_index(bytes).err().unwrap().chain();
    let prefix = "invalid OCI Image Index: failed to decode index file: ";
    assert_eq!(text(b"{\"manifests\":["), format!("{prefix}unexpected EOF"));
    assert!(text(b"[]").starts_with(prefix));
    assert!(text(br#"{"manifests":{}}"#).starts_with(prefix));
    assert!(text(br#"{"manifests":[{"digest":"nonsense"}]}"#).starts_with(prefix));
}

#[test]
fn a_manifest_is_one_json_object() {
    assert!(check_manifest(br#"{"mediaType":"x"} "#).is_ok());
    let text = |bytes: &[u8]| check_manifest(bytes).unwrap_err().to_string();
    assert_eq!(
        text(b"<html>"),
        "invalid character '<' looking for beginning of value"
    );
    assert_eq!(text(b"{} x"), "invalid character 'x' after top-level value");
    assert_eq!(text(b""), "unexpected end of JSON input");
    assert!(check_manifest(b"[]").is_err());
}

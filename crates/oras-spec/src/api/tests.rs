use super::*;

fn rendered(body: &str) -> String {
    ErrorBody::parse(body.as_bytes()).unwrap().to_string()
}

#[test]
fn rendering_table() {
    let mixed = r#"{"errors":[
        {"code":"DENIED","message":"no","detail":{"b":"1","a":[1,2.5,null,true,"x"],"n":12345678}},
        {"code":"TOO_MANY","detail":"lost without a message"},
        {"message":"m"}]}"#;
    assert_eq!(
        rendered(mixed),
        "denied: no: map[a:[1 2.5 <nil> true x] b:1 n:1.2345678e+07]; too many; : m"
    );
    for (error, text) in [
        (
            r#"{"code":"MANIFEST_UNKNOWN","message":"manifest unknown","detail":null}"#,
            "manifest unknown: manifest unknown",
        ),
        (r#"{"code":"X","message":"m","detail":"d"}"#, "x: m: d"),
        (r#"{"code":"X","message":"m","detail":[]}"#, "x: m: []"),
        (r#"{"code":null,"message":null}"#, ""),
        (r#"{"code":"VENDOR_SPECIFIC","else":1}"#, "vendor specific"),
        (
            r#"{"code":"X\u001b[1m","message":"a\r\nb\u0007","detail":"\u001b]0;t"}"#,
            "x\u{fffd}[1m: a\u{fffd}\nb\u{fffd}: \u{fffd}]0;t",
        ),
    ] {
        assert_eq!(rendered(&format!(r#"{{"errors":[{error}]}}"#)), text);
    }
}

#[test]
fn what_is_no_error_body_is_none() {
    for body in [
        "",
        "<html>502</html>",
        "null",
        "{}",
        r#"{"errors":null}"#,
        r#"{"errors":[]}"#,
        r#"{"errors":[{"code":"#,
    ] {
        assert_eq!(ErrorBody::parse(body.as_bytes()), None, "{body}");
    }
}

#[test]
fn a_body_that_is_not_utf8_is_still_read() {
    let body =
        ErrorBody::parse(b"{\"errors\":[{\"code\":\"DENIED\",\"message\":\"caf\xe9\"}]}").unwrap();
    assert_eq!(body.to_string(), "denied: caf\u{fffd}");
    assert!(body.has(ErrorCode::DENIED) && !body.has(ErrorCode::UNAUTHORIZED));
}

#[test]
fn errors_are_written_without_empty_fields() {
    let body = ErrorBody::one(RegistryError::new(
        ErrorCode::NAME_UNKNOWN,
        "no such repository",
    ));
    let expected = br#"{"errors":[{"code":"NAME_UNKNOWN","message":"no such repository"}]}"#;
    assert_eq!(crate::json::to_vec(&body).unwrap(), expected);
}

#[test]
fn null_lists_are_empty_lists() {
    let tags: TagList = serde_json::from_str(r#"{"name":"a","tags":null}"#).unwrap();
    assert_eq!((tags.name.as_str(), tags.tags.len()), ("a", 0));
    assert_eq!(
        crate::json::to_vec(&tags).unwrap(),
        br#"{"name":"a","tags":[]}"#
    );
    let catalog: Catalog = serde_json::from_str(r#"{"repositories":null}"#).unwrap();
    assert_eq!(catalog, Catalog::default());
}

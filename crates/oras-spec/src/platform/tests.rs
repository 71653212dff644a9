use super::*;
use crate::json;

fn parse(text: &str) -> Result<Platform, String> {
    Platform::parse(text, "amd64").map_err(|error| error.to_string())
}

#[test]
fn parse_table() {
    for (text, printed) in [
        ("linux", "linux/amd64"),
        ("linux/arm64", "linux/arm64"),
        ("linux/arm/v7", "linux/arm/v7"),
        ("windows/amd64:10.0.17763.1", "windows/amd64:10.0.17763.1"),
        ("windows:10", "windows/amd64:10"),
        ("linux/arm/v7:a:b/c", "linux/arm/v7:a:b/c"),
        ("linux/arm/", "linux/arm"),
        ("linux:", "linux/amd64"),
    ] {
        assert_eq!(parse(text).unwrap().to_string(), printed, "{text}");
    }
}

#[test]
fn parse_errors_are_those_of_the_reference_tool() {
    let format = "failed to parse platform \"a/b/c/d\": expected format os[/arch[/variant]]";
    for (text, message) in [
        ("a/b/c/d", format),
        ("", "invalid platform: OS cannot be empty"),
        ("/amd64", "invalid platform: OS cannot be empty"),
        (":1", "invalid platform: OS cannot be empty"),
        ("linux/", "invalid platform: Architecture cannot be empty"),
        (
            "linux//v7",
            "invalid platform: Architecture cannot be empty",
        ),
    ] {
        assert_eq!(parse(text).unwrap_err(), message, "{text}");
    }
}

#[test]
fn matching_table() {
    let full = Platform {
        os_features: vec!["win32k".into(), "extra".into()],
        ..parse("windows/arm/v7:10.0").unwrap()
    };
    let with_features = |features: &[&str]| Platform {
        os_features: features.iter().map(ToString::to_string).collect(),
        ..parse("windows/arm").unwrap()
    };
    for (wanted, expected) in [
        (parse("windows/arm").unwrap(), true),
        (parse("windows/arm/v7").unwrap(), true),
        (parse("windows/arm/v7:10.0").unwrap(), true),
        (with_features(&["extra"]), true),
        (with_features(&["win32k", "extra"]), true),
        (with_features(&["other"]), false),
        (parse("linux/arm").unwrap(), false),
        (parse("windows/arm64").unwrap(), false),
        (parse("windows/arm/v8").unwrap(), false),
        (parse("windows/arm:10").unwrap(), false),
        (parse("Windows/arm").unwrap(), false),
    ] {
        assert_eq!(full.matches(&wanted), expected, "{wanted:?}");
    }
    let bare = parse("linux/arm64").unwrap();
    assert!(
        !bare.matches(&parse("linux/arm64/v8").unwrap()),
        "no variant is implied"
    );
}

#[test]
fn dotted_keys_and_order_survive() {
    let text = r#"{"architecture":"amd64","os":"windows","os.version":"10.0","os.features":["win32k"],"variant":"v1","features":["sse4"],"x":1}"#;
    let platform: Platform = serde_json::from_str(text).unwrap();
    assert_eq!(platform.os_version.as_deref(), Some("10.0"));
    assert_eq!(platform.os_features, ["win32k"]);
    assert_eq!(json::to_vec(&platform).unwrap(), text.as_bytes());
}

#[test]
fn null_and_empty_count_as_absent() {
    let text = r#"{"architecture":"amd64","os":"linux","os.version":"","os.features":null,"variant":null,"features":[]}"#;
    let platform: Platform = serde_json::from_str(text).unwrap();
    assert_eq!(platform, Platform::new("linux", "amd64"));
    let required = br#"{"architecture":"","os":""}"#;
    assert_eq!(json::to_vec(&Platform::default()).unwrap(), required);
}

#[test]
fn the_host_has_go_names() {
    let host = Platform::host();
    assert!(!["x86_64", "aarch64", "x86"].contains(&host.architecture.as_str()));
    assert_ne!(host.os, "macos");
}

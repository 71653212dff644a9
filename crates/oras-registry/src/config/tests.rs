//! Where settings come from, and what is said about wrong ones.

use std::path::Path;

use super::*;

fn file(text: &str) -> Result<Layer, ConfigError> {
    Layer::file("serve.toml", text, Path::new("/etc/oras"))
}

fn flag(key: &str, text: &str) -> Layer {
    let mut layer = Layer::default();
    let setting = Setting::find(key).unwrap();
    layer.set(setting, key, text).unwrap();
    layer
}

#[test]
fn nothing_at_all_is_a_configuration() {
    let config = Config::merge([]).unwrap();
    assert_eq!(config.addr, ["127.0.0.1:5000"]);
    assert_eq!(config.folder, Path::new("./registry"));
}

#[test]
fn the_first_layer_that_has_a_setting_wins_and_the_others_fill_in() {
    let file = file("addr = [\"a:1\"]\n[limits]\nmanifest = \"1MiB\"\nblob = \"1GiB\"").unwrap();
    let variables = flag("limits.blob", "2GiB");
    let flags = flag("addr", "b:2,c:3");
    let config = Config::merge([flags, variables, file]).unwrap();
    assert_eq!(config.addr, ["b:2", "c:3"]);
    assert_eq!(config.limits.blob_bytes, 2 << 30);
    assert_eq!(config.limits.manifest_bytes, 1 << 20);
    assert_eq!(config.limits.tags_per_request, 64);
}

#[test]
fn a_path_in_a_file_is_relative_to_the_file_and_one_in_a_flag_is_not() {
    let config = Config::merge([file("folder = \"data\"").unwrap()]).unwrap();
    assert_eq!(config.folder, Path::new("/etc/oras/data"));
    let config = Config::merge([file("folder = \"/data\"").unwrap()]).unwrap();
    assert_eq!(config.folder, Path::new("/data"));
    let config = Config::merge([flag("folder", "data")]).unwrap();
    assert_eq!(config.folder, Path::new("data"));
}

#[test]
fn what_is_wrong_in_a_file_is_told_with_its_line_and_what_was_meant() {
    let check = |text: &str, expected: &str| {
        let error = file(text).unwrap_err().to_string();
        assert_eq!(error, expected, "{text}");
    };
    check(
        "\nadr = []",
        "serve.toml:2: unknown key `adr`, did you mean `addr`?",
    );
    check(
        "[limits]\nmanifest = 5\nuplods = 3",
        "serve.toml:3: unknown key `limits.uplods`, did you mean `limits.uploads`?",
    );
    check(
        "manifest = \"5MiB\"",
        "serve.toml:1: unknown key `manifest`, did you mean `limits.manifest`?",
    );
    check("colour = 1", "serve.toml:1: unknown key `colour`");
    check("[colour]\nred = 1", "serve.toml:1: unknown key `colour`");
    check(
        "[limits]\nmanifest = \"5 apples\"",
        "serve.toml:2: \"5 apples\" is not a size such as \"4MiB\" or \"100GB\"",
    );
    check(
        "memory = \"yes\"",
        "serve.toml:1: invalid type: string \"yes\", expected a boolean",
    );
    check(
        "addr = \"a:1\"",
        "serve.toml:1: invalid type: string \"a:1\", expected a list such as [\"one\", \"two\"]",
    );
    check(
        "[[rules]]\nrepositories = [\"a\"]\nallow = [\"pull\", \"fly\"]",
        "serve.toml:3: \"fly\" is none of pull, push, delete",
    );
    let syntax = file("addr = [").unwrap_err().to_string();
    assert!(syntax.starts_with("serve.toml:1: "), "{syntax}");
}

#[test]
fn a_rule_for_a_group_that_nobody_is_in_is_an_error() {
    let merge = |text: &str| Config::merge([file(text).unwrap()]).map(drop);
    let rule = |group: &str| format!("[[rules]]\nrepositories = [\"a\"]\nwho = [\"@{group}\"]\n");
    merge(&rule("users")).unwrap();
    merge(&format!("{}[groups]\nteam = []", rule("team"))).unwrap();
    let error = merge(&format!("{}[groups]\nteam = []", rule("taem"))).unwrap_err();
    assert!(matches!(error, ConfigError::Group(name) if name == "taem"));
    merge("admins = [\"@team\"]").unwrap_err();
    let tls = "[tls]\ncert = \"a\"\nkey = \"a\"\nclient_ca = \"a\"";
    merge(&format!("{}{tls}", rule("unit"))).unwrap();
}

#[test]
fn what_is_wrong_in_a_flag_is_told_with_its_name() {
    let check = |key: &str, text: &str, expected: &str| {
        let setting = Setting::find(key).unwrap();
        let error = Layer::default().set(setting, "--flag", text).unwrap_err();
        assert_eq!(error.to_string(), expected);
    };
    check("memory", "yes", "--flag: \"yes\" is neither true nor false");
    check(
        "limits.uploads",
        "many",
        "--flag: \"many\" is not a whole number",
    );
    check(
        "limits.upload_idle",
        "5",
        "--flag: \"5\" is not a duration such as \"30s\" or \"1h30m\"",
    );
    check(
        "durability",
        "some",
        "--flag: \"some\" is none of none, manifest, blob",
    );
    check(
        "limits.uploads",
        "-1",
        "--flag: \"-1\" is not a whole number",
    );
}

/// A setting that a file can hold but no flag could set would be a setting that somebody forgot.
#[test]
fn the_list_of_settings_is_complete_and_every_one_works() {
    fn check(prefix: &str) {
        // The error for a field that cannot be lists all that can.
        let table = match prefix {
            "" => "? = 0".replace('?', "zzz"),
            prefix => format!("[{prefix}]\nzzz = 0"),
        };
        let error = toml::from_str::<Config>(&table).unwrap_err();
        let fields = error.message().split('`').skip(3).step_by(2);
        for field in fields {
            let key = match prefix {
                "" => field.to_owned(),
                prefix => format!("{prefix}.{field}"),
            };
            if TABLES.contains(&key.as_str()) || Setting::find(&key).is_some() {
                continue;
            }
            let inner = format!("{key}.");
            assert!(
                SETTINGS.iter().any(|one| one.key.starts_with(&inner)),
                "`{key}` is not in the list of settings"
            );
            check(&key);
        }
    }
    check("");
    for setting in SETTINGS {
        let sample = match setting.kind {
            Kind::Text => continue,
            Kind::List if setting.key == "addr" => "a:1",
            Kind::List | Kind::Path => "a",
            Kind::Switch => "true",
            Kind::Number => "1",
            Kind::Size => "1KiB",
            Kind::Duration => "1s",
        };
        flag(setting.key, sample);
    }
}

//! Credentials out of Docker configuration files.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use oras_content::Error;
use oras_remote::{Credential, CredentialProvider, DockerConfig};
use tempfile::TempDir;

fn write(dir: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = dir.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

async fn lookup(text: &str, key: &str) -> Result<Credential, Error> {
    let dir = tempfile::tempdir().unwrap();
    DockerConfig::load(vec![write(&dir, "config.json", text)])?
        .credential(key)
        .await
}

fn auth(text: &str) -> String {
    STANDARD.encode(text)
}

#[tokio::test]
async fn every_shape_of_an_entry_is_read() {
    let me = Credential::basic("me", "pw:2");
    for (entry, expected) in [
        (format!(r#"{{"auth":"{}"}}"#, auth("me:pw:2")), me.clone()),
        (
            format!(
                r#"{{"auth":"{}","username":"x","password":"y"}}"#,
                auth("me:pw:2")
            ),
            me.clone(),
        ),
        (r#"{"username":"me","password":"pw:2"}"#.to_owned(), me),
        (
            format!(r#"{{"auth":"{}","identitytoken":"t"}}"#, auth("id:")),
            Credential::Identity { token: "t".into() },
        ),
        (
            r#"{"registrytoken":"t","identitytoken":"u"}"#.to_owned(),
            Credential::Access { token: "t".into() },
        ),
        (
            r#"{"auth":null,"email":"x"}"#.to_owned(),
            Credential::Anonymous,
        ),
        ("{}".to_owned(), Credential::Anonymous),
        ("null".to_owned(), Credential::Anonymous),
    ] {
        let text = format!(r#"{{"auths":{{"reg.test:5000":{entry}}},"other":[1]}}"#);
        assert_eq!(
            lookup(&text, "reg.test:5000").await.unwrap(),
            expected,
            "{entry}"
        );
        assert!(lookup(&text, "reg.test").await.unwrap().is_anonymous());
    }
}

#[tokio::test]
async fn old_keys_are_found_and_exact_ones_come_first() {
    let entry = |name: &str| format!(r#"{{"auth":"{}"}}"#, auth(&format!("{name}:pw")));
    let text = format!(
        r#"{{"auths":{{"https://a.test/v1/":{},"http://b.test":{},"https://b.test":{},"b.test":{},"https://index.docker.io/v1/":{}}}}}"#,
        entry("a"),
        entry("http"),
        entry("https"),
        entry("exact"),
        entry("hub")
    );
    for (key, user) in [
        ("a.test", "a"),
        ("b.test", "exact"),
        ("https://index.docker.io/v1/", "hub"),
    ] {
        assert_eq!(
            lookup(&text, key).await.unwrap(),
            Credential::basic(user, "pw")
        );
    }
    assert!(lookup(&text, "c.test").await.unwrap().is_anonymous());
}

#[tokio::test]
async fn files_are_asked_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, host: &str, user: &str| {
        write(
            &dir,
            name,
            &format!(
                r#"{{"auths":{{"{host}":{{"auth":"{}"}}}}}}"#,
                auth(&format!("{user}:pw"))
            ),
        )
    };
    let paths = vec![
        file("1.json", "a.test", "first"),
        dir.path().join("missing.json"),
        write(&dir, "empty.json", " \n"),
        file("2.json", "a.test", "second"),
        file("3.json", "b.test", "third"),
    ];
    let config = DockerConfig::load(paths).unwrap();
    assert_eq!(
        config.credential("a.test").await.unwrap(),
        Credential::basic("first", "pw")
    );
    assert_eq!(
        config.credential("b.test").await.unwrap(),
        Credential::basic("third", "pw")
    );
}

#[tokio::test]
async fn unusable_files_are_named() {
    let dir = tempfile::tempdir().unwrap();
    for (text, expected) in [
        ("{", "invalid config format: unexpected EOF"),
        (
            "[]",
            "invalid config format: json: cannot unmarshal array into Go value of type map[string]json.RawMessage",
        ),
    ] {
        let path = write(&dir, "bad.json", text);
        let error = DockerConfig::load(vec![path.clone()]).unwrap_err();
        assert_eq!(
            error.chain(),
            format!(
                "failed to decode config file {}: {expected}",
                path.display()
            )
        );
    }
    let path = dir.path().to_owned();
    let error = DockerConfig::load(vec![path.clone()]).unwrap_err();
    let path = path.display();
    let expected = format!(
        "failed to decode config file {path}: invalid config format: read {path}: is a directory"
    );
    assert_eq!(error.chain(), expected);
    for (text, field, types) in [
        (
            r#"{"auths":[]}"#,
            "auths",
            "array into Go value of type map[string]json.RawMessage",
        ),
        (
            r#"{"credsStore":1}"#,
            "creds store",
            "number into Go value of type string",
        ),
        (
            r#"{"credHelpers":"x"}"#,
            "cred helpers",
            "string into Go value of type map[string]string",
        ),
    ] {
        let expected = format!(
            "failed to unmarshal {field} field: invalid config format: json: cannot unmarshal {types}"
        );
        assert_eq!(lookup(text, "a").await.unwrap_err().chain(), expected);
    }
}

#[tokio::test]
async fn unusable_entries_are_named_without_their_secret() {
    for (entry, expected) in [
        (
            r#"{"auth":"!!"}"#.to_owned(),
            "failed to decode auth field: invalid config format: illegal base64 data at input byte 0",
        ),
        (
            format!(r#"{{"auth":"{}"}}"#, auth("hunter2")),
            "failed to decode auth field: invalid config format: \
             auth does not conform the base64(username:password) format",
        ),
        (
            "7".to_owned(),
            "failed to unmarshal auth field: invalid config format: \
             json: cannot unmarshal number into Go value of type config.AuthConfig",
        ),
    ] {
        let text = format!(r#"{{"auths":{{"a.test":{entry}}}}}"#);
        assert_eq!(lookup(&text, "a.test").await.unwrap_err().chain(), expected);
        assert!(lookup(&text, "b.test").await.unwrap().is_anonymous());
    }
}

#[tokio::test]
async fn a_missing_helper_is_named() {
    let text = r#"{"credHelpers":{"a.test":"oras-no-such-helper"},"auths":{"a.test":{"username":"x","password":"y"}}}"#;
    let expected =
        "exec: \"docker-credential-oras-no-such-helper\": executable file not found in $PATH";
    assert_eq!(lookup(text, "a.test").await.unwrap_err().chain(), expected);
    assert!(lookup(text, "b.test").await.unwrap().is_anonymous());
    let text = r#"{"credsStore":"desktop.exe"}"#;
    let expected =
        "credentials store is configured to `desktop.exe` but Docker Desktop seems not running";
    assert_eq!(lookup(text, "a.test").await.unwrap_err().chain(), expected);
}

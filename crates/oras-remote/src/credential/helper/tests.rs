#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::*;

/// A helper that is this shell script.
fn helper(dir: &TempDir, name: &str, script: &str, timeout: Duration) -> Helper {
    let path = dir.path().join(name);
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    Helper {
        program: path.display().to_string(),
        timeout,
    }
}

#[tokio::test]
async fn helpers_may_hang_talk_and_repeat_secrets() {
    let dir = tempfile::tempdir().unwrap();
    let long = Duration::from_secs(60);
    let (brief, token) = (Duration::from_millis(50), Secret::from("hunter2"));
    let hangs = helper(&dir, "hangs", "exec sleep 1000", brief);
    let deaf = helper(
        &dir,
        "deaf",
        r#"echo '{"Username":"<token>","Secret":"t"}'"#,
        long,
    );
    let talks = helper(&dir, "talks", "yes | head -c 3000000; exit 1", long);
    let repeats = helper(&dir, "repeats", "cat; exit 3", long);
    let silent = helper(&dir, "silent", "cat >/dev/null; exit 3", long);
    let garbage = helper(&dir, "garbage", "echo hunter2", long);
    let me = Credential::basic("me", "hunter2");

    let error = hangs.get("r.test").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.chain().ends_with("hangs did not answer in time"));
    assert!(hangs.store("r.test", &me).await.is_err());
    assert!(hangs.erase("r.test").await.is_err());

    let known = deaf.get("r.test").await.unwrap();
    assert_eq!(known, Credential::Identity { token: "t".into() });

    // More than a pipe holds in both directions.
    let large = Credential::basic("me", "x".repeat(1 << 20));
    let error = talks.store("r.test", &large).await.unwrap_err();
    assert!(error.chain().len() < 2 * LONGEST_ERROR, "{}", error.chain());

    let identity = Credential::Identity { token };
    for (credential, shown) in [
        (
            me,
            r#"{"ServerURL":"r.test","Username":"me","Secret":"*****"}"#,
        ),
        (
            identity,
            r#"{"ServerURL":"r.test","Username":"\u003ctoken\u003e","Secret":"*****"}"#,
        ),
    ] {
        let error = repeats.store("r.test", &credential).await.unwrap_err();
        assert_eq!(error.chain(), shown);
    }
    let error = repeats.erase("r.test").await.unwrap_err();
    assert_eq!(error.chain(), "r.test");
    let error = silent.get("r.test").await.unwrap_err();
    assert_eq!(error.chain(), "exit status 3");
    let error = garbage.get("r.test").await.unwrap_err();
    assert!(!error.chain().contains("hunter2"), "{}", error.chain());
    assert!(
        silent
            .store("r.test", &Credential::Anonymous)
            .await
            .is_err()
    );
}

//! Credentials that a credential helper keeps, as docker's do.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use oras_testkit::command::Oras;
use oras_testkit::peer::{DockerRegistry, PASSWORD, Tool, USER};
use serde_json::json;

use crate::credentials::{folder, login};
use crate::oras_in;

/// The command with `docker-credential-fake` in its `PATH`, which keeps secrets in `dir/kept`.
fn with_helper(dir: &Path) -> Option<Oras> {
    let Some(python) = Tool::find("python3") else {
        eprintln!("note: python3 is not installed, so credential helpers are not tested");
        return None;
    };
    // A wrapper of some version manager may need the home that the test hides.
    let python = python.run(["-c", "import sys; print(sys.executable)"]);
    let (bin, kept) = (dir.join("bin"), dir.join("kept"));
    fs::create_dir(&bin).unwrap();
    fs::create_dir(&kept).unwrap();
    let helper = bin.join("docker-credential-fake");
    let script = include_str!("docker-credential-fake.py");
    fs::write(&helper, format!("#!{} -IS\n{script}", python.trim())).unwrap();
    fs::set_permissions(&helper, fs::Permissions::from_mode(0o700)).unwrap();
    Some(oras_in(dir).env("PATH", &bin).env("FAKE_HELPER", &kept))
}

#[test]
fn a_helper_keeps_gives_and_forgets() {
    let registry = DockerRegistry::with_auth();
    let addr = registry.addr();
    for config in [
        json!({"credsStore": "fake"}),
        json!({"credHelpers": {(addr.clone()): "fake"}, "credsStore": "nosuch"}),
        json!({"credHelpers": {(addr.clone()): "", "other.test": "nosuch"}, "credsStore": "fake"}),
    ] {
        let dir = folder();
        let Some(oras) = with_helper(dir.path()) else {
            return;
        };
        let config = config.to_string();
        fs::write(dir.path().join("c.json"), &config).unwrap();
        let flags = ["--registry-config", "c.json"];
        let list = || oras.run(["repo", "ls", &addr].into_iter().chain(flags));
        list().fails().complains(["basic credential not found"]);
        let out = login(&oras, &addr, &flags).ok();
        assert_eq!(
            (out.stdout.as_str(), out.stderr.as_str()),
            ("Login Succeeded\n", "")
        );
        list().ok();
        oras.run(["logout", &addr].into_iter().chain(flags)).ok();
        list().fails();
        let out = oras.run(["logout", &addr].into_iter().chain(flags)).fails();
        let text = format!(
            "Error: failed to delete the credential for {addr}: credentials not found in native keychain\n"
        );
        assert_eq!(out.stderr, text);

        let log = fs::read_to_string(dir.path().join("kept/log")).unwrap();
        let store =
            format!(r#"store {{"ServerURL":"{addr}","Username":"{USER}","Secret":"{PASSWORD}"}}"#);
        let expected = [
            format!("get {addr}"),
            store,
            format!("get {addr}"),
            format!("erase {addr}"),
            format!("get {addr}"),
            format!("erase {addr}"),
        ];
        assert_eq!(log.lines().collect::<Vec<_>>(), expected);
        assert_eq!(
            fs::read_to_string(dir.path().join("c.json")).unwrap(),
            config
        );
    }
}

#[test]
fn a_failing_helper_says_why() {
    let registry = DockerRegistry::with_auth();
    let addr = registry.addr();
    let dir = folder();
    let Some(oras) = with_helper(dir.path()) else {
        return;
    };
    fs::write(dir.path().join("c.json"), r#"{"credsStore":"fake"}"#).unwrap();
    let flags = ["--registry-config", "c.json"];
    login(&oras, &addr, &flags).ok();
    let failing = |action: &str, says: &str| {
        oras.clone()
            .env("FAKE_HELPER_FAILS", action)
            .env("FAKE_HELPER_SAYS", says)
    };
    for (says, told) in [("  no bus \n", "no bus"), ("", "exit status 4")] {
        let out = failing("get", says)
            .run(["repo", "ls", &addr].into_iter().chain(flags))
            .fails();
        assert!(
            out.stderr
                .contains(&format!("failed to resolve credential: {told}\n")),
            "{}",
            out.all()
        );
        let out = login(&failing("store", says), &addr, &flags).fails();
        assert_eq!(
            out.stderr,
            format!("Error: failed to store the credentials for {addr}: {told}\n")
        );
        let out = failing("erase", says)
            .run(["logout", &addr].into_iter().chain(flags))
            .fails();
        assert_eq!(
            out.stderr,
            format!("Error: failed to delete the credential for {addr}: {told}\n")
        );
    }
    let out = login(&failing("store", PASSWORD), &addr, &flags).fails();
    assert!(!out.all().contains(PASSWORD), "{}", out.all());

    fs::write(dir.path().join("c.json"), r#"{"credsStore":"nosuch"}"#).unwrap();
    let missing = "exec: \"docker-credential-nosuch\": executable file not found in $PATH\n";
    let out = login(&oras, &addr, &flags).fails();
    assert_eq!(
        out.stderr,
        format!("Error: failed to store the credentials for {addr}: {missing}")
    );
    let out = oras.run(["logout", &addr].into_iter().chain(flags)).fails();
    assert_eq!(
        out.stderr,
        format!("Error: failed to delete the credential for {addr}: {missing}")
    );
    // A registry that asks for nothing asks no helper either.
    let open = DockerRegistry::start();
    oras.run(["repo", "ls", &open.addr()].into_iter().chain(flags))
        .ok();
}

//! The command with our own registry, which runs inside this test.

use std::fs;

use oras_registry::Registry;
use oras_registry::auth::{Action, Auth, Rule};
use tempfile::TempDir;

use crate::oras_in;

#[tokio::test(flavor = "multi_thread")]
async fn our_registry_serves_push_attach_discover_copy_and_pull() {
    let server = Registry::builder().memory().start().await.unwrap();
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("hello.txt"), "hello").unwrap();
    let oras = oras_in(dir.path());
    let registry = format!("localhost:{}", server.addr().port());
    let (image, copy) = (
        format!("{registry}/team/hello:v1"),
        format!("{registry}/team/copy:v1"),
    );

    oras.run(["push", &image, "hello.txt:text/plain"]).ok();
    oras.run(["attach", "--artifact-type", "sig/x", &image, "hello.txt"])
        .ok();
    oras.run(["cp", "-r", &image, &copy]).ok();
    for place in [&image, &copy] {
        let tree = oras.run(["discover", place.as_str()]).ok().stdout.clone();
        assert!(tree.contains("sig/x"), "{tree}");
        // Through the referrers API: no tag of the tag schema appears.
        let tags = oras
            .run(["repo", "tags", place.trim_end_matches(":v1")])
            .ok()
            .stdout
            .clone();
        assert_eq!(tags, "v1\n");
    }
    oras.run(["pull", &copy, "-o", "out"]).ok();
    assert_eq!(
        fs::read(dir.path().join("out/hello.txt")).unwrap(),
        b"hello"
    );
}

/// `hello` with the password `oras-test`, as `htpasswd -B` writes it.
const USERS: &str = "hello:$2y$04$/tX6LkKKE1X3NeW0bcSg1.3fJy4t5348JOoewChQSkJ5MsZel.EFC\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_of_the_configuration_file_gets_tokens_for_what_its_user_may_do() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("hello.txt"), "hello").unwrap();
    fs::write(dir.path().join("users"), USERS).unwrap();
    let rule = |repository: &str, who: &str, allow: &[Action]| Rule {
        repositories: vec![repository.to_owned()],
        who: vec![who.to_owned()],
        allow: allow.to_vec(),
        ..Rule::default()
    };
    let auth = Auth::new()
        .htpasswd(dir.path().join("users"))
        .unwrap()
        .rule(rule("team/**", "hello", &[Action::Pull, Action::Push]))
        .rule(rule("team/public", "*", &[Action::Pull]));
    let server = Registry::builder().auth(auth).start().await.unwrap();
    let registry = format!("localhost:{}", server.addr().port());
    let config = format!(r#"{{"auths":{{"{registry}":{{"auth":"aGVsbG86b3Jhcy10ZXN0"}}}}}}"#);
    fs::write(dir.path().join("config.json"), config).unwrap();
    let known = ["--registry-config", "config.json"];
    let oras = oras_in(dir.path());
    let [private, public, other] =
        ["team/private:v1", "team/public:v1", "other:v1"].map(|name| format!("{registry}/{name}"));

    let push = |image: &str| ["push", image, "hello.txt"].map(str::to_owned);
    oras.run(push(&private)).fails();
    oras.run(push(&private).iter().map(String::as_str).chain(known))
        .ok();
    let copy = ["cp", &private, &public];
    let configs = [
        "--from-registry-config",
        "config.json",
        "--to-registry-config",
        "config.json",
    ];
    oras.run(copy.into_iter().chain(configs)).ok();
    oras.run(["pull", &public, "-o", "out"]).ok();
    oras.run(["pull", &private, "-o", "out"]).fails();
    let denied = oras
        .run(push(&other).iter().map(String::as_str).chain(known))
        .fails();
    assert!(
        denied.stderr.contains("403: Forbidden"),
        "{}",
        denied.stderr
    );
    let list = oras
        .run(["repo", "ls", &registry].into_iter().chain(known))
        .ok()
        .stdout
        .clone();
    assert_eq!(list, "team/private\nteam/public\n");

    let wrong = ["pull", "-u", "hello", "-p", "guessed", &private];
    let refused = oras.run(wrong).fails();
    assert!(!refused.stderr.contains("guessed"), "{}", refused.stderr);
}

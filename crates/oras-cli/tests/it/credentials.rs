//! Where credentials come from and where they are kept: configuration files, ours and those of other tools.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use oras_testkit::command::{Oras, Output};
use oras_testkit::peer::{DockerRegistry, PASSWORD, Tool, USER, skopeo};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::oras_in;

/// `hello:oras-test`
const AUTH: &str = "aGVsbG86b3Jhcy10ZXN0";
const ABSENT: &str = "sha256:9d16f5505246424aed7116cb21216704ba8c919997d0f1f37e154c11d509e1d2";

/// Every command that reads from or writes to one registry.
fn commands(registry: &str) -> Vec<Vec<String>> {
    let tag = format!("{registry}/repo:tag");
    let blob = format!("{registry}/repo@{ABSENT}");
    let words = |line: &[&str]| line.iter().map(|word| (*word).to_owned()).collect();
    [
        &["attach", &tag, "hello.txt", "--artifact-type", "a/b"][..],
        &["discover", &tag],
        &["push", &tag, "hello.txt"],
        &["pull", &tag, "-o", "out"],
        &["manifest", "fetch", &tag],
        &["blob", "delete", &blob, "--force"],
        &["blob", "push", &format!("{registry}/repo"), "hello.txt"],
        &["tag", &tag, "other"],
        &["resolve", &tag],
        &["repo", "ls", registry],
        &["repo", "tags", &format!("{registry}/repo")],
        &["manifest", "fetch-config", &tag],
    ]
    .into_iter()
    .map(words)
    .collect()
}

pub(crate) fn folder() -> TempDir {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("hello.txt"), "hello").unwrap();
    dir
}

pub(crate) fn login<'a>(oras: &Oras, registry: &'a str, flags: &[&'a str]) -> Output {
    let call = oras.args(
        ["login", "-u", USER, "--password-stdin", registry]
            .iter()
            .chain(flags),
    );
    call.stdin(PASSWORD).run()
}

#[test]
fn who_is_not_logged_in_is_told_which_file_was_looked_at() {
    let registry = DockerRegistry::with_auth();
    let addr = registry.addr();
    let dir = folder();
    let oras = oras_in(dir.path());
    fs::write(dir.path().join("empty.registry.config"), "").unwrap();
    fs::write(dir.path().join("other.json"), "{}").unwrap();
    let hint = "Please check whether the registry credential stored in the authentication file";
    for command in commands(&addr) {
        for file in ["empty.registry.config", "missing.json"] {
            let out = oras
                .run(
                    command
                        .iter()
                        .map(String::as_str)
                        .chain(["--registry-config", file]),
                )
                .fails();
            let place = format!("{hint} at \"{file}\" is correct\n");
            assert!(
                out.stderr.contains("basic credential not found\n"),
                "{}",
                out.all()
            );
            assert!(
                out.stderr.starts_with("Error: ") && out.stderr.ends_with(&place),
                "{}",
                out.all()
            );
        }
        let two = [
            "--registry-config",
            "missing.json",
            "--registry-config",
            "other.json",
        ];
        let out = oras
            .run(command.iter().map(String::as_str).chain(two))
            .fails();
        assert!(
            out.stderr.ends_with(&format!("{hint} is correct\n")),
            "{}",
            out.all()
        );
        let out = oras.run(&command).fails();
        let default = oras.home().join(".docker/config.json");
        assert!(
            out.stderr
                .contains(&format!("{hint} at {default:?} is correct\n")),
            "{}",
            out.all()
        );
    }
    let source = format!("{addr}/repo:tag");
    let out = oras.run([
        "cp",
        &source,
        &format!("{addr}/copy:tag"),
        "--from-registry-config",
        "missing.json",
    ]);
    let prefix = format!("Error from source registry for \"{source}\"");
    out.fails()
        .complains([&prefix, "basic credential not found"]);
}

#[test]
fn a_wrong_password_is_the_registrys_error() {
    let registry = DockerRegistry::with_auth();
    let dir = folder();
    let oras = oras_in(dir.path());
    for command in commands(&registry.addr()) {
        let wrong = ["-u", USER, "-p", "oras-test1"];
        let out = oras
            .run(command.iter().map(String::as_str).chain(wrong))
            .fails();
        assert!(
            out.stderr.contains("\nError response from registry: "),
            "{}",
            out.all()
        );
        assert!(
            !out.all().replace(&out.line, "").contains("oras-test1"),
            "{}",
            out.all()
        );
    }
}

#[test]
fn unusable_files_are_named_before_anything_is_asked() {
    let dir = folder();
    let oras = oras_in(dir.path());
    fs::create_dir(dir.path().join("cdir")).unwrap();
    let file = |text: &str| fs::write(dir.path().join("bad.json"), text).unwrap();
    let base64 = "failed to decode auth field: invalid config format: ";
    let cases = [
        (
            "{",
            "failed to decode config file bad.json: invalid config format: unexpected EOF",
        ),
        (
            "[]",
            "failed to decode config file bad.json: invalid config format: json: cannot unmarshal array into Go value of type map[string]json.RawMessage",
        ),
        (
            r#"{"auths":7}"#,
            "failed to unmarshal auths field: invalid config format: ",
        ),
        (
            r#"{"credsStore":7}"#,
            "failed to unmarshal creds store field: invalid config format: ",
        ),
        (
            r#"{"credHelpers":7}"#,
            "failed to unmarshal cred helpers field: invalid config format: ",
        ),
    ];
    for (text, problem) in cases {
        file(text);
        for command in ["login", "logout", "repo ls"] {
            let words = command
                .split(' ')
                .chain(["localhost:1", "--registry-config", "bad.json"]);
            let out = oras.run(words).fails();
            assert!(
                out.stderr.starts_with(&format!("Error: {problem}")),
                "{}",
                out.all()
            );
            assert_eq!(out.stdout, "");
        }
        assert_eq!(
            fs::read_to_string(dir.path().join("bad.json")).unwrap(),
            text
        );
    }
    for command in ["login", "logout", "repo ls"] {
        let words = command
            .split(' ')
            .chain(["localhost:1", "--registry-config", "cdir"]);
        let out = oras.run(words).fails();
        let text = "Error: failed to decode config file cdir: invalid config format: read cdir: is a directory\n";
        assert_eq!(out.stderr, text);
    }

    // What never ends is not read for ever.
    let endless = oras.run([
        "repo",
        "ls",
        "localhost:1",
        "--registry-config",
        "/dev/zero",
    ]);
    endless
        .fails()
        .complains(["/dev/zero: invalid config format: more than"]);

    let registry = DockerRegistry::with_auth();
    let addr = registry.addr();
    for (entry, problem) in [
        (json!({"auth": "!!"}), format!("failed to resolve credential: {base64}illegal base64 data at input byte 0")),
        (json!({"auth": "aHVudGVyMg=="}), format!("failed to resolve credential: {base64}")),
        (json!(7), "failed to resolve credential: failed to unmarshal auth field: invalid config format: json: cannot unmarshal number into Go value of type config.AuthConfig".to_owned()),
        (json!({"auth": "aGVsbG86"}), "missing username or password for basic auth".to_owned()),
        (json!({"auth": "Onhz"}), "missing username or password for basic auth".to_owned()),
    ] {
        let mut config = json!({"auths": {}});
        config["auths"][&addr] = entry;
        file(&config.to_string());
        let out = oras.run(["repo", "ls", &addr, "--registry-config", "bad.json"]);
        let out = out.fails().complains([problem.as_str()]);
        assert!(!out.all().contains("hunter2"), "{}", out.all());
    }

    let unset = oras
        .args(["login", "localhost:1"])
        .under(["env", "-u", "HOME"])
        .run();
    assert_eq!(
        unset.stderr,
        "Error: failed to get user home directory: $HOME is not defined\n"
    );
}

#[test]
fn what_can_not_be_written_is_told() {
    let registry = DockerRegistry::with_auth();
    let addr = registry.addr();
    let dir = folder();
    let oras = oras_in(dir.path());
    let out = login(&oras, &addr, &["--registry-config", "/proc/no/config.json"]);
    let problem = format!(
        "Error: failed to store the credentials for {addr}: failed to make directory /proc/no: mkdir /proc/no: "
    );
    assert!(out.stderr.starts_with(&problem), "{}", out.all());
    assert_eq!(out.fails().stdout, "");
    let out = oras
        .args(["login", &addr, "--registry-config", "a.json"])
        .stdin("a:b\nc\n")
        .run();
    out.fails();
    assert!(!dir.path().join("a.json").exists());
}

#[test]
fn everything_else_in_a_file_stays() {
    let registry = DockerRegistry::with_auth();
    let addr = registry.addr();
    let dir = folder();
    let oras = oras_in(dir.path());
    let path = dir.path().join("c.json");
    let before = r#"{"psFormat":"a<b","auths":{"z.test":{"auth":"eDp5","email":"x"}},"HttpHeaders":{"B":1.50,"A":[]}}"#;
    fs::write(&path, before).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    std::os::unix::fs::symlink("c.json", dir.path().join("link.json")).unwrap();
    login(
        &oras,
        &addr,
        &[
            "--registry-config",
            "link.json",
            "--registry-config",
            "other.json",
        ],
    )
    .ok();
    let after = |mine: &str| {
        format!(
            "{{\n\t\"HttpHeaders\": {{\n\t\t\"B\": 1.50,\n\t\t\"A\": []\n\t}},\n\t\"auths\": {{{mine}\n\t\t\"z.test\": {{\n\t\t\t\"auth\": \"eDp5\",\n\t\t\t\"email\": \"x\"\n\t\t}}\n\t}},\n\t\"psFormat\": \"a\\u003cb\"\n}}"
        )
    };
    let mine = format!("\n\t\t\"{addr}\": {{\n\t\t\t\"auth\": \"{AUTH}\"\n\t\t}},");
    assert_eq!(fs::read_to_string(&path).unwrap(), after(&mine));
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert!(
        fs::symlink_metadata(dir.path().join("link.json"))
            .unwrap()
            .is_symlink()
    );
    assert!(!dir.path().join("other.json").exists());
    // The second file is asked, too.
    oras.run([
        "repo",
        "ls",
        &addr,
        "--registry-config",
        "other.json",
        "--registry-config",
        "link.json",
    ])
    .ok();
    oras.run(["logout", &addr, "--registry-config", "c.json"])
        .ok();
    assert_eq!(fs::read_to_string(&path).unwrap(), after(""));
}

#[test]
fn docker_hub_has_a_key_of_its_own() {
    let dir = folder();
    let oras = oras_in(dir.path());
    for name in ["docker.io", "registry-1.docker.io"] {
        let config = r#"{"auths":{"https://index.docker.io/v1/":{},"docker.io":{},"registry-1.docker.io":{},"index.docker.io":{}}}"#;
        fs::write(dir.path().join("c.json"), config).unwrap();
        oras.run(["logout", name, "--registry-config", "c.json"])
            .ok();
        let left = fs::read_to_string(dir.path().join("c.json")).unwrap();
        assert!(
            !left.contains("https://index") && left.contains("\"docker.io\""),
            "{left}"
        );
    }
}

#[test]
fn old_keys_work_on_both_sides_of_a_copy() {
    let registry = DockerRegistry::with_auth();
    let addr = registry.addr();
    let dir = folder();
    let oras = oras_in(dir.path());
    let config = json!({"auths": {(format!("http://{addr}/")): {"auth": AUTH}}});
    fs::write(dir.path().join("old.json"), config.to_string()).unwrap();
    let (from, to) = (format!("{addr}/a:v1"), format!("{addr}/b:v1"));
    oras.run(["push", &from, "hello.txt", "--registry-config", "old.json"])
        .ok();
    let configs = [
        "--from-registry-config",
        "old.json",
        "--to-registry-config",
        "old.json",
    ];
    oras.run(["cp", &from, &to].into_iter().chain(configs)).ok();
    oras.run(["resolve", &to, "--registry-config", "old.json"])
        .ok();
}

#[test]
fn logins_at_the_same_time_lose_no_entry() {
    let registry = DockerRegistry::with_auth();
    let dir = folder();
    let oras = oras_in(dir.path());
    let names: Vec<String> = (0..12)
        .map(|n| format!("r{n}.test:{}", registry.port()))
        .collect();
    let start = |command: &str, name: &str| {
        let rule = format!("{name}:127.0.0.1");
        let reached = [
            "--plain-http",
            "--resolve",
            &rule,
            "-u",
            USER,
            "--password-stdin",
        ];
        let flags = if command == "login" {
            &reached[..]
        } else {
            &[]
        };
        let words = [command, name, "--registry-config", "all.json"];
        oras.args(words.iter().chain(flags)).stdin(PASSWORD).spawn()
    };
    let auths = || {
        let text = fs::read_to_string(dir.path().join("all.json")).unwrap();
        let config: Value = serde_json::from_str(&text).unwrap();
        config["auths"].as_object().unwrap().len()
    };
    let running: Vec<_> = names.iter().map(|name| start("login", name)).collect();
    for one in running {
        drop(one.wait().ok());
    }
    assert_eq!(auths(), names.len());
    let running: Vec<_> = names[..6]
        .iter()
        .map(|name| start("logout", name))
        .collect();
    for one in running {
        drop(one.wait().ok());
    }
    assert_eq!(auths(), names.len() - 6);
}

#[test]
fn a_killed_login_leaves_a_valid_file() {
    let registry = DockerRegistry::with_auth();
    let addr = registry.addr();
    let dir = folder();
    let oras = oras_in(dir.path());
    let path = dir.path().join("c.json");
    let before = r#"{"auths":{"z.test":{"auth":"eDp5"}},"x":1}"#;
    let call = oras
        .args([
            "login",
            &addr,
            "-u",
            USER,
            "--password-stdin",
            "--registry-config",
            "c.json",
        ])
        .stdin(PASSWORD);
    fs::write(&path, before).unwrap();
    let whole = call.run().ok().took;
    let rounds = 24;
    for round in 0..rounds {
        fs::write(&path, before).unwrap();
        // From the start until a little after the usual end.
        let out = call
            .spawn()
            .kill_after(whole * round / (rounds - 4) + Duration::from_micros(100));
        let config: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert_eq!(
            (&config["auths"]["z.test"]["auth"], &config["x"]),
            (&json!("eDp5"), &json!(1))
        );
        if out.code == Some(0) {
            assert_eq!(config["auths"][&addr]["auth"], AUTH);
        }
    }
    call.run().ok();
}

#[test]
fn other_tools_use_our_logins_and_we_use_theirs() {
    let registry = DockerRegistry::with_auth();
    let addr = registry.addr();
    let dir = folder();
    let oras = oras_in(dir.path());
    let file = |name: &str| dir.path().join(name).display().to_string();
    let ours = file("ours.json");
    login(&oras, &addr, &["--registry-config", &ours]).ok();
    oras.run([
        "push",
        &format!("{addr}/repo:v1"),
        "hello.txt",
        "--registry-config",
        &ours,
    ])
    .ok();
    let podman = Tool::find("podman");
    if podman.is_none() {
        eprintln!("note: podman is not installed, so its logins are not tested");
    }
    for (name, tool) in [("skopeo", Some(skopeo())), ("podman", podman)] {
        let Some(tool) = tool else { continue };
        let authfile = format!("--authfile={ours}");
        let who = tool.run(["login", "--get-login", &authfile, &addr]);
        assert_eq!(who.trim(), USER, "{name}");
        let theirs = file(&format!("{name}.json"));
        let authfile = format!("--authfile={theirs}");
        tool.run([
            "login",
            "-u",
            USER,
            "-p",
            PASSWORD,
            "--tls-verify=false",
            &authfile,
            &addr,
        ]);
        oras.run([
            "repo",
            "tags",
            &format!("{addr}/repo"),
            "--registry-config",
            &theirs,
        ])
        .ok();
        // Ours beside theirs, in the same file, and back.
        login(&oras, &addr, &["--registry-config", &theirs]).ok();
        tool.run(["logout", &authfile, &addr]);
        oras.run(["repo", "ls", &addr, "--registry-config", &theirs])
            .fails();
        login(&oras, &addr, &["--registry-config", &theirs]).ok();
        oras.run(["logout", &addr, "--registry-config", &theirs])
            .ok();
        assert!(
            tool.attempt(["login", "--get-login", &authfile, &addr])
                .is_err(),
            "{name}"
        );
    }
    let tags = skopeo().run([
        "list-tags",
        "--tls-verify=false",
        &format!("--authfile={ours}"),
        &format!("docker://{addr}/repo"),
    ]);
    assert!(tags.contains("\"v1\""), "{tags}");

    let Some(docker) = Tool::find("docker") else {
        eprintln!("note: docker is not installed, so its logins are not tested");
        return;
    };
    let flags = ["-u", USER, "-p", PASSWORD, &addr];
    let config = file("docker");
    let login = ["--config", &config, "login"];
    match docker.attempt(login.iter().chain(&flags)) {
        Ok(_) => {
            let call = oras.args(["repo", "ls", &addr]);
            call.env("DOCKER_CONFIG", &config).run().ok();
        }
        // It leaves the work to its daemon where there is one.
        Err(problem) => {
            eprintln!("note: docker can't log in here, so that is not tested: {problem}");
        }
    }
}

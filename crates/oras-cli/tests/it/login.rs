//! `oras login` and `oras logout` against a registry with passwords, ours with tokens, and in a terminal.

use std::fs;
use std::path::Path;

use oras_testkit::command::{Oras, Output};
use oras_testkit::fault::{Answer, FaultServer};
use oras_testkit::peer::{DockerRegistry, OurRegistry, PASSWORD, Tool, USER};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::oras_in;

const BINARY: &str = env!("CARGO_BIN_EXE_oras");
/// `hello` with the password `oras-test`, as `htpasswd -B` writes it.
const USERS: &str = "hello:$2y$04$/tX6LkKKE1X3NeW0bcSg1.3fJy4t5348JOoewChQSkJ5MsZel.EFC\n";
/// `hello:oras-test`
const AUTH: &str = "aGVsbG86b3Jhcy10ZXN0";
const INSECURE: &str = "WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n";

fn ours() -> OurRegistry {
    OurRegistry::serve(BINARY)
        .file("users", USERS)
        .args(["--addr", "127.0.0.1:0", "--memory", "--htpasswd", "users"])
        .start()
}

fn entry(registry: &str, entry: &str) -> String {
    format!("{{\n\t\"auths\": {{\n\t\t\"{registry}\": {{\n\t\t\t{entry}\n\t\t}}\n\t}}\n}}")
}

fn default_config(oras: &Oras) -> String {
    fs::read_to_string(oras.home().join(".docker/config.json")).unwrap_or_default()
}

#[track_caller]
fn expect(out: &Output, code: i32, stdout: &str, stderr: &str) {
    assert_eq!(out.code, Some(code), "{}", out.all());
    assert_eq!(out.stdout, stdout, "{}", out.all());
    assert_eq!(out.stderr, stderr, "{}", out.all());
}

#[test]
fn a_good_password_is_kept_and_used_until_logout() {
    let (docker, ours) = (DockerRegistry::with_auth(), ours());
    let dir = TempDir::new().unwrap();
    for registry in [docker.addr(), ours.addr()] {
        let oras = oras_in(dir.path());
        let list = || oras.run(["repo", "ls", &registry]);
        list().fails();
        let out = oras.run(["login", &registry, "-u", USER, "-p", PASSWORD]);
        expect(&out, 0, "Login Succeeded\n", INSECURE);
        let kept = entry(&registry, &format!("\"auth\": \"{AUTH}\""));
        assert_eq!(default_config(&oras), kept);
        list().ok();

        // The password of the flags, not the one that is kept.
        let out = oras.run(["login", &registry, "-u", USER, "-p", "wrong"]);
        assert!(
            out.stderr.starts_with(&format!(
                "{INSECURE}Error response from registry: unauthorized"
            )),
            "{}",
            out.all()
        );
        assert_eq!(out.fails().stdout, "");
        assert_eq!(default_config(&oras), kept);

        for _ in 0..2 {
            expect(&oras.run(["logout", &registry]), 0, "", "");
            assert_eq!(default_config(&oras), "{\n\t\"auths\": {}\n}");
        }
        list().fails();
    }
}

#[test]
fn the_configuration_of_docker_is_where_docker_configures_it() {
    let registry = DockerRegistry::with_auth();
    let addr = registry.addr();
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    let elsewhere = dir.path().join("docker");
    let moved = oras.clone().env("DOCKER_CONFIG", &elsewhere);
    let list = ["repo", "ls", &addr];
    let call = moved.args(["login", &addr, "-u", USER, "--password-stdin"]);
    call.stdin(PASSWORD).run().ok();
    assert_eq!(default_config(&oras), "");
    moved.run(list).ok();
    oras.run(list).fails();
    // For one call.
    let file = elsewhere.join("config.json").display().to_string();
    oras.run(list.into_iter().chain(["--registry-config", &file]))
        .ok();
    oras.run(list.into_iter().chain(["-u", USER, "-p", PASSWORD]))
        .ok();
    assert_eq!(default_config(&oras), "");
    moved.run(["logout", &addr]).ok();
    moved.run(list).fails();
}

#[test]
fn the_trace_of_a_login_shows_no_secret() {
    let (docker, ours) = (DockerRegistry::with_auth(), ours());
    let dir = TempDir::new().unwrap();
    for registry in [docker.addr(), ours.addr()] {
        let oras = oras_in(dir.path());
        let flags = ["-u", USER, "--password-stdin", "-d", "-H", "Foo:bar"];
        let call = oras.args(["login", &registry].iter().chain(&flags));
        let out = call.stdin(PASSWORD).run().ok();
        assert_eq!(out.stdout, "Login Succeeded\n");
        let requests = out.stderr.matches("Request #").count();
        assert!(requests >= 2, "{}", out.all());
        assert_eq!(
            out.stderr.matches("\"Foo\": \"bar\"").count(),
            requests,
            "{}",
            out.all()
        );
        // The registry calls its realm like the password.
        let told = out.stderr.replace("realm=\\\"oras-test", "");
        for secret in [PASSWORD, AUTH, "eyJ"] {
            assert!(!told.contains(secret), "{}", out.all());
        }
    }
}

#[test]
fn what_is_missing_is_asked_for() {
    let registry = DockerRegistry::with_auth();
    let addr = registry.addr();
    let dir = TempDir::new().unwrap();
    let good = format!("{PASSWORD}\n");
    let refused = "Error response from registry: unauthorized: authentication required\n";
    let cases: [(&[&str], &str, i32, &str, &str); 13] = [
        (
            &[],
            &format!("{USER}\n{good}"),
            0,
            "Username: Password: Login Succeeded\n",
            "",
        ),
        (
            &[],
            &format!(" {USER}\t\r\n{PASSWORD}\r\n"),
            0,
            "Username: Password: Login Succeeded\n",
            "",
        ),
        (
            &[],
            &format!("{USER}\n{PASSWORD}"),
            0,
            "Username: Password: Login Succeeded\n",
            "",
        ),
        (&["-u", USER], &good, 0, "Password: Login Succeeded\n", ""),
        (
            &["-u", USER, "--password-stdin"],
            &good,
            0,
            "Login Succeeded\n",
            "",
        ),
        (
            &["-u", USER, "--password-stdin"],
            &format!("{PASSWORD}\r\n"),
            0,
            "Login Succeeded\n",
            "",
        ),
        (&[], "", 1, "Username: Token: ", "Error: token required\n"),
        (&[], "\n", 1, "Username: Token: ", "Error: token required\n"),
        (
            &[],
            "\n\n",
            1,
            "Username: Token: ",
            "Error: token required\n",
        ),
        (
            &[],
            &format!("{USER}\n"),
            1,
            "Username: Password: ",
            "Error: password required\n",
        ),
        (
            &[],
            &format!("{USER}\n\n"),
            1,
            "Username: Password: ",
            "Error: password required\n",
        ),
        (
            &["-u", USER, "--password-stdin"],
            "",
            1,
            "Password: ",
            "Error: password required\n",
        ),
        (
            &[],
            &format!("{USER}\nwrong\n"),
            1,
            "Username: Password: ",
            refused,
        ),
    ];
    for (flags, stdin, code, stdout, stderr) in cases {
        let oras = oras_in(dir.path());
        let call = oras.args(["login", &addr].iter().chain(flags));
        let out = call.stdin(stdin).run();
        assert!(!out.all().contains("wrong"), "{}", out.all());
        // The registry adds to its error what it wanted.
        let told = out.stderr.lines().next().unwrap_or_default();
        let told_as_expected = match stderr {
            "" => told.is_empty(),
            text => told.starts_with(text.trim_end()),
        };
        assert!(told_as_expected, "{}", out.all());
        assert_eq!(
            (out.code, out.stdout.as_str()),
            (Some(code), stdout),
            "{}",
            out.all()
        );
        assert_eq!(!default_config(&oras).is_empty(), code == 0);
    }
}

#[test]
fn flags_that_make_no_sense_together_are_refused() {
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    for (flags, text) in [
        (
            ["-u", "a", "--identity-token", "b"],
            "Error: --username, --identity-token cannot be used at the same time\n",
        ),
        (
            ["-p", "a", "--identity-token", "b"],
            "Error: --password, --identity-token cannot be used at the same time\n",
        ),
        (
            ["--cert-file", "test", "-u", "a"],
            "Error: --cert-file must be used in conjunction with --key-file\n",
        ),
    ] {
        let out = oras.run(["login", "localhost:1"].iter().chain(&flags));
        expect(&out, 1, "", text);
    }
    let out = oras.run(["login", "http://h", "-u", "a"]);
    let text = "Error: invalid reference: invalid registry \"http://h\"\n";
    expect(&out, 1, "", text);
    let out = oras.run(["login", "--verbose", "localhost:1", "-u", "a", "-p", "b"]);
    let words = [
        "--verbose has been deprecated",
        "failed to validate the credentials for localhost:1: Get \"http://localhost:1/v2/\": dial tcp",
    ];
    out.fails().complains(words);
    assert_eq!(default_config(&oras), "");
}

#[test]
fn one_registry_is_named_and_logout_has_few_flags() {
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    for (line, usage, what) in [
        ("login", "<registry>", "the registry to log in to"),
        ("login a b", "<registry>", "the registry to log in to"),
        ("logout", "<registry>", "the registry you want to log out"),
        (
            "logout a b",
            "<registry>",
            "the registry you want to log out",
        ),
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        let (path, got) = (format!("oras {}", words[0]), words.len() - 1);
        let text = format!(
            "Error: \"{path}\" requires exactly 1 argument but got {got}\nUsage: {path} [flags] {usage}\n\
             Please specify exactly 1 argument as {what}. Run \"{path} -h\" for more options and examples\n"
        );
        expect(&oras.run(words), 1, "", &text);
    }
    for (flag, text) in [
        ("--verbose", "Error: unknown flag: --verbose\n"),
        ("--plain-http", "Error: unknown flag: --plain-http\n"),
        ("-v", "Error: unknown shorthand flag: 'v' in -v\n"),
    ] {
        expect(&oras.run(["logout", flag, "localhost:1"]), 1, "", text);
    }
    // Nothing is known of any of them, and nobody is asked.
    for name in ["localhost:1", "not a registry", ""] {
        expect(&oras.run(["logout", "-d", name]), 0, "", "");
    }
    assert!(!oras.home().join(".docker").exists());
}

#[test]
fn identity_tokens_are_checked_and_kept() {
    let (docker, ours) = (DockerRegistry::with_auth(), ours());
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    let addr = docker.addr();
    let warning =
        "WARNING! Using --identity-token via the CLI is insecure. Use --identity-token-stdin.";
    let out = oras.run(["login", &addr, "--identity-token", "t0ken"]);
    let text = format!(
        "{warning}\nError: failed to validate the credentials for {addr}: \
         GET \"http://{addr}/v2/\": missing username or password for basic auth\n"
    );
    expect(&out, 1, "", &text);

    let addr = ours.addr();
    let out = oras.run(["login", &addr, "--identity-token", "t0ken"]);
    out.fails()
        .complains([warning, "Error response from registry: "]);
    assert_eq!(default_config(&oras), "");
    let Some(curl) = Tool::find("curl") else {
        eprintln!("note: curl is not installed, so good identity tokens are not tested");
        return;
    };
    let url = format!("http://{addr}/v2/token?offline_token=true&service={addr}");
    let issued = curl.run(["-s", "-u", &format!("{USER}:{PASSWORD}"), &url]);
    let issued: Value = serde_json::from_str(&issued).unwrap();
    let token = issued["refresh_token"].as_str().unwrap();
    for (flags, stdin, stdout) in [
        (&["--identity-token-stdin"][..], format!("{token}\n"), ""),
        (&["--password-stdin"], token.to_owned(), ""),
        (&[], format!("\n{token}\n"), "Username: Token: "),
    ] {
        let oras = oras_in(dir.path());
        let call = oras.args(["login", &addr].iter().chain(flags));
        let out = call.stdin(stdin).run();
        expect(&out, 0, &format!("{stdout}Login Succeeded\n"), "");
        let kept = entry(&addr, &format!("\"identitytoken\": \"{token}\""));
        assert_eq!(default_config(&oras), kept);
        oras.run(["repo", "ls", &addr]).ok();
    }
}

#[test]
fn servers_that_are_no_registries_are_told_apart() {
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    let flags = ["-u", "hello", "-p", "hunter2"];
    let missing = FaultServer::start(|_| Answer::status(404));
    let addr = missing.addr();
    let out = oras.run(["login", &addr].iter().chain(&flags));
    let text =
        format!("{INSECURE}Error: failed to validate the credentials for {addr}: not found\n");
    expect(&out, 1, "", &text);
    // Who lets everybody in takes everybody's password.
    let open = FaultServer::start(|_| Answer::ok("application/json", "{}"));
    let out = oras.run(["login", &open.addr()].iter().chain(&flags));
    expect(&out, 0, "Login Succeeded\n", INSECURE);
    assert!(!default_config(&oras).contains(&addr));
}

#[test]
fn the_old_name_of_registry_config_still_works() {
    let registry = DockerRegistry::with_auth();
    let addr = registry.addr();
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    let notice = "Flag -c has been deprecated, use --registry-config instead.\n";
    let flags = ["-u", USER, "--password-stdin", "-c", "old.json"];
    let call = oras.args(["login", &addr].iter().chain(&flags));
    let out = call.stdin(PASSWORD).run();
    expect(&out, 0, "Login Succeeded\n", notice);
    oras.run(["repo", "ls", &addr, "--registry-config", "old.json"])
        .ok();
    let out = oras.run(["logout", &addr, "-c", "old.json"]);
    expect(&out, 0, "", notice);
    let left = fs::read_to_string(dir.path().join("old.json")).unwrap();
    assert_eq!(left, "{\n\t\"auths\": {}\n}");
    assert_eq!(default_config(&oras), "");
    // Neither is shown.
    for command in ["login", "logout"] {
        let help = oras.run([command, "--help"]).ok().stdout.clone();
        assert!(
            !help.contains("-c,") && help.contains("--registry-config"),
            "{help}"
        );
    }
}

/// What happened in a terminal.
struct Seen {
    code: i64,
    screen: String,
    echo: Value,
    after: bool,
}

/// Runs the command in a terminal and answers its questions.
fn in_terminal(home: &Path, steps: &Value, args: &[&str]) -> Option<Seen> {
    let Some(python) = Tool::find("python3") else {
        eprintln!("note: python3 is not installed, so terminals are not tested");
        return None;
    };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/login.py");
    let input = home.join("steps.json");
    fs::write(&input, steps.to_string()).unwrap();
    let mut command = std::process::Command::new(python.path());
    let out = command
        .args([script, BINARY])
        .args(args)
        .env("DOCKER_CONFIG", home)
        .stdin(fs::File::open(&input).unwrap())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&out.stderr);
    let seen: Value =
        serde_json::from_slice(&out.stdout).unwrap_or_else(|_| panic!("no answer: {told}"));
    Some(Seen {
        code: seen["code"].as_i64().unwrap(),
        screen: seen["screen"].as_str().unwrap().to_owned(),
        echo: seen["echo"].clone(),
        after: seen["after"].as_bool().unwrap(),
    })
}

#[test]
fn a_terminal_shows_the_user_name_and_not_the_password() {
    let registry = DockerRegistry::with_auth();
    let addr = registry.addr();
    let home = TempDir::new().unwrap();
    let steps = json!([["Username: ", "hello\n"], ["Password: ", "oras-test\n"]]);
    let Some(seen) = in_terminal(home.path(), &steps, &["login", &addr]) else {
        return;
    };
    let config = home.path().join("config.json");
    let announced = format!(
        "The credential is kept unencrypted in {}. ",
        config.display()
    );
    let lines: Vec<&str> = seen.screen.split("\r\n").collect();
    let [user, password, announcement, end, ""] = lines[..] else {
        panic!("{}", seen.screen);
    };
    assert_eq!((user, password), ("Username: hello", "Password: "));
    assert!(announcement.starts_with(&announced), "{}", seen.screen);
    assert_eq!(end, "Login Succeeded");
    assert_eq!((seen.code, seen.after), (0, true));
    assert_eq!(seen.echo, json!([true, false]));
    assert!(fs::read_to_string(config).unwrap().contains(AUTH));

    let steps = json!([["Username: ", "\n"], ["Token: ", "\n"]]);
    let seen = in_terminal(home.path(), &steps, &["login", &addr]).unwrap();
    let screen = "Username: \r\nToken: \r\nError: token required\r\n";
    assert_eq!((seen.screen.as_str(), seen.code), (screen, 1));
    assert_eq!((seen.echo, seen.after), (json!([true, false]), true));
}

#[test]
fn ctrl_c_at_the_password_gives_the_terminal_back() {
    let registry = DockerRegistry::with_auth();
    let addr = registry.addr();
    let home = TempDir::new().unwrap();
    let ctrl_c = "\u{3}";
    for (steps, args) in [
        (json!([["Username: ", ctrl_c]]), &["login", &addr][..]),
        (
            json!([
                ["Username: ", "hello\n"],
                ["Password: ", format!("oras{ctrl_c}")]
            ]),
            &["login", &addr],
        ),
        (
            json!([["Password: ", ctrl_c]]),
            &["login", &addr, "-u", "hello"],
        ),
    ] {
        let Some(seen) = in_terminal(home.path(), &steps, args) else {
            return;
        };
        assert_eq!((seen.code, seen.after), (1, true), "{}", seen.screen);
        for (step, shown) in steps
            .as_array()
            .unwrap()
            .iter()
            .zip(seen.echo.as_array().unwrap())
        {
            assert_eq!(shown, &json!(step[0] == "Username: "), "{step}");
        }
        assert!(
            seen.screen.contains("Error: interrupt signal received"),
            "{}",
            seen.screen
        );
        assert!(!home.path().join("config.json").exists());
    }
}

//! What shells offer when somebody presses Tab.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use oras_registry::Registry;
use tempfile::TempDir;

use crate::oras_in;

/// The candidates for the last word, and what stands behind the colon.
#[track_caller]
fn ask(dir: &Path, words: &[&str]) -> (Vec<String>, String) {
    let call = [&["__completeNoDesc"], words].concat();
    let output = oras_in(dir).run(call).ok();
    let mut lines: Vec<String> = output.stdout.lines().map(str::to_owned).collect();
    let last = lines.pop().unwrap();
    (lines, last.strip_prefix(':').unwrap().to_owned())
}

#[test]
fn commands_and_flags_come_with_what_they_are_for() {
    let dir = TempDir::new().unwrap();
    let output = oras_in(dir.path()).run(["__complete", "repo", ""]).ok();
    let lines: Vec<&str> = output.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{}", output.all());
    assert!(lines[0].starts_with("ls\t") && lines[1].starts_with("tags\t"));
    assert_eq!(lines[2], ":4");
    assert_eq!(
        output.stderr,
        "Completion ended with directive: ShellCompDirectiveNoFileComp\n"
    );

    let (flags, directive) = ask(dir.path(), &["resolve", "--"]);
    for flag in ["--full-reference", "--platform", "--help", "--oci-layout"] {
        assert!(flags.iter().any(|found| found == flag), "{flag}: {flags:?}");
    }
    let hidden = |flag: &String| flag == "--verbose" || !flag.starts_with("--");
    assert!(!flags.iter().any(hidden), "{flags:?}");
    assert_eq!(directive, "4");

    let (names, _) = ask(dir.path(), &[""]);
    for name in ["push", "completion", "help", "version", "serve"] {
        assert!(names.iter().any(|found| found == name), "{name}: {names:?}");
    }
    assert_eq!(
        ask(dir.path(), &["push", "-u", ""]),
        (vec![], "0".to_owned())
    );
    oras_in(dir.path())
        .run(["__complete"])
        .fails()
        .complains(["requires at least 1 arg(s), only received 0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn repositories_and_tags_of_a_registry_are_offered() {
    let server = Registry::builder().memory().start().await.unwrap();
    let dir = TempDir::new().unwrap();
    let registry = format!("localhost:{}", server.addr().port());
    fs::write(dir.path().join("a.txt"), "a").unwrap();
    let oras = oras_in(dir.path());
    for name in ["team/app:v1,v2,w1", "team/tool:v1", "other:v1"] {
        oras.run(["push", &format!("{registry}/{name}"), "a.txt"])
            .ok();
    }
    let names = |names: &[&str]| -> Vec<String> {
        names
            .iter()
            .map(|name| format!("{registry}/{name}"))
            .collect()
    };
    let asked = |words: &[&str], word: &str| {
        let word = format!("{registry}/{word}");
        ask(dir.path(), &[words, &[&word]].concat())
    };

    let both = names(&["team/app", "team/tool"]);
    // The word goes on with a tag.
    assert_eq!(asked(&["pull"], "te"), (both, "6".to_owned()));
    let tags = names(&["team/app:v1", "team/app:v2"]);
    assert_eq!(
        asked(&["pull"], "team/app:v"),
        (tags.clone(), "4".to_owned())
    );
    assert_eq!(
        asked(&["pull", "--plain-http", "-o", "x"], "team/app:v").0,
        tags
    );
    assert_eq!(asked(&["cp", "somewhere"], "team/app:v").0, tags);
    // The files of a push are files.
    assert_eq!(asked(&["push", "x"], "te"), (vec![], "0".to_owned()));
    assert_eq!(asked(&["pull"], "nosuch:"), (vec![], "0".to_owned()));
    // What would wait for a secret is not asked.
    assert_eq!(asked(&["pull", "--password-stdin"], "te").1, "0");

    oras.run([
        "cp",
        &names(&["team/app:v1"])[0],
        "--to-oci-layout",
        "layout:x1",
    ])
    .ok();
    assert_eq!(
        ask(dir.path(), &["pull", "--oci-layout", "layout:"]),
        (vec!["layout:x1".to_owned()], "4".to_owned())
    );

    // Nobody answers, and the shell is told to offer files.
    drop(server);
    assert_eq!(asked(&["pull"], "te"), (vec![], "0".to_owned()));
}

#[test]
fn registries_that_somebody_signed_in_to_are_offered() {
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    let config = oras.home().join(".docker");
    fs::create_dir_all(&config).unwrap();
    let text =
        r#"{"auths":{"ghcr.io":{},"https://index.docker.io/v1/":{}},"credHelpers":{"gcr.io":"x"}}"#;
    fs::write(config.join("config.json"), text).unwrap();
    let output = oras.run(["__completeNoDesc", "pull", "g"]).ok();
    assert_eq!(output.stdout, "ghcr.io/\ngcr.io/\n:6\n");
}

/// Runs a script of a shell that may be missing, with our binary as `oras`.
fn shell(name: &str, arguments: &[&str], script: &str) -> Option<String> {
    let dir = TempDir::new().unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_oras"), dir.path().join("oras")).unwrap();
    let path = std::env::var("PATH").unwrap();
    let ran = Command::new(name)
        .args(arguments)
        .args(["-c", script])
        .env("PATH", format!("{}:{path}", dir.path().display()))
        .env("HOME", dir.path())
        .env("TERM", "dumb")
        .stdin(Stdio::null())
        .output();
    match ran {
        Ok(output) => {
            assert!(output.status.success(), "{name}: {output:?}");
            Some(String::from_utf8(output.stdout).unwrap())
        }
        Err(_) => {
            eprintln!("skipped: there is no {name}");
            None
        }
    }
}

#[test]
fn bash_completes_words_that_it_takes_apart_itself() {
    // As bash would call it: the line, and the words it made of it.
    let complete = |line: &str, words: &str| {
        let script = format!(
            "source <(oras completion bash) && complete -p oras >&2
             COMP_LINE='{line}' COMP_POINT={} COMP_WORDS=({words}) COMP_TYPE=9
             COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
             __oras_complete
             printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            line.len()
        );
        shell("bash", &["--norc"], &script).unwrap()
    };
    let found = complete("oras pul", "oras pul");
    assert_eq!(found, "pull\n");
    let found = complete("oras pu", "oras pu");
    assert!(found.contains("pull  (Pull"), "{found}");
    // A colon and an equals sign are words of their own to bash.
    let found = complete("oras pull --format=j", "oras pull --format = j");
    assert_eq!(found, "json\n");
    let found = complete("oras pull localhost:1/x:v", "oras pull localhost : 1/x : v");
    assert_eq!(found, "\n");
}

#[test]
fn fish_completes() {
    let script = "oras completion fish | source; complete -C 'oras pul'; complete -C 'oras blob '";
    if let Some(found) = shell("fish", &["--no-config"], script) {
        assert!(found.starts_with("pull\tPull"), "{found}");
        assert!(found.contains("\nfetch\tFetch"), "{found}");
    }
}

#[test]
fn zsh_completes() {
    // The functions of its completion system that the script calls, so that no terminal is needed.
    let script = r#"
        compdef() { print "compdef $*" }
        _describe() { print -l -- "$@" "${(@P)3}" }
        _files() { print files }
        source <(oras completion zsh)
        words=(oras pul) CURRENT=2
        _oras
        words=(oras push x '') CURRENT=4
        _oras
    "#;
    if let Some(found) = shell("zsh", &["-f"], script) {
        let lines: Vec<&str> = found.lines().collect();
        let expected = ["compdef _oras oras", "-V", "oras", "candidates"];
        assert_eq!(lines[..4], expected, "{found}");
        assert!(lines[4].starts_with("pull:Pull"), "{found}");
        assert_eq!(lines[5..], ["files"], "{found}");
    }
}

#[test]
fn every_shell_has_a_script() {
    let dir = TempDir::new().unwrap();
    for name in ["bash", "fish", "powershell", "zsh"] {
        let script = oras_in(dir.path()).run(["completion", name]).ok().stdout;
        assert!(script.contains("__complete "), "{name}");
        let plain = oras_in(dir.path()).run(["completion", name, "--no-descriptions"]);
        assert!(plain.ok().stdout.contains("__completeNoDesc "), "{name}");
    }
    oras_in(dir.path())
        .run(["completion", "bash", "extra"])
        .fails()
        .complains(["Error: unknown command \"extra\" for \"oras completion bash\"\n"]);
}

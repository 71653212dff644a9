//! Whole sessions, word for word: `tests/transcripts/*.txt` hold what is typed and everything that is printed.
//!
//! - `# text` says what must be true of the lines below
//! - `$ oras …` is typed; `$ printf 'text' | oras …` gives it standard input, `… | sort` sorts the lines of its output, and
//!   `$ cat file` shows a file
//! - standard output follows as it is; `! ` stands in front of a line of standard error, `(no line end)` behind a last line
//!   without one, and `exit 1` below if it failed
//! - `{reg}` is the address of the registry, `{zeros}` the digest of nothing, `{hi}` that of the file `hi.txt`, and so on;
//!   `{hi:12}` is what status lines show of it
//!
//! `cargo xtask docs` writes what the binary says now; the difference is to be reviewed as code is.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use oras_spec::Digest;
use oras_testkit::command::{Oras, Output};
use oras_testkit::fault::{Answer, FaultServer, Request};
use oras_testkit::peer::{DockerRegistry, OurRegistry};
use tempfile::TempDir;

use crate::{fresh, oras_in};

const CONFIG: &str = r#"{"architecture":"amd64","os":"linux"}"#;
const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";

/// A folder with files to push, and the names of what changes from run to run or is too long to read.
struct Stage {
    dir: TempDir,
    oras: Oras,
    names: Vec<(String, String)>,
}

impl Stage {
    fn new(registry: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let zeros = format!("sha256:{}", "0".repeat(64));
        let mut stage = Self {
            oras: oras_in(dir.path()),
            dir,
            names: vec![("{reg}".into(), registry.into()), ("{zeros}".into(), zeros)],
        };
        // The port of nobody is too short to be told from other numbers.
        let port = registry.trim_start_matches("localhost");
        if port.len() > 3 {
            stage.names.push((":{port}".into(), port.into()));
        }
        stage.file("hi", "hi.txt", "hi world\n");
        stage.file("hello", "hello", "hello");
        stage.file("empty", "empty.json", "{}");
        let config = stage.file("config", "config.json", CONFIG);
        let config = format!(
            r#"{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{config}","size":{}}}"#,
            CONFIG.len()
        );
        let image = |more: &str| {
            format!(
                r#"{{"schemaVersion":2,"mediaType":"{IMAGE}","config":{config},"layers":[]{more}}}"#
            )
        };
        let text = image("");
        let digest = stage.file("image", "image.json", &text);
        let descriptor = format!(
            r#""mediaType":"{IMAGE}","digest":"{digest}","size":{}"#,
            text.len()
        );
        let index = format!(
            r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{{{descriptor},"platform":{{"architecture":"amd64","os":"linux"}}}}]}}"#
        );
        stage.file("index", "index.json", &index);
        let referrer = image(&format!(r#","subject":{{{descriptor}}}"#));
        stage.file("referrer", "referrer.json", &referrer);
        stage
    }

    fn file(&mut self, name: &str, file: &str, text: &str) -> String {
        fs::write(self.dir.path().join(file), text).unwrap();
        let digest = Digest::sha256(text.as_bytes()).to_string();
        self.names.push((format!("{{{name}}}"), digest.clone()));
        digest
    }

    /// Plays what is typed in the transcript, and compares all of it.
    #[track_caller]
    fn plays(&self, transcript: &str) {
        let name = format!("crates/oras-cli/tests/transcripts/{transcript}.txt");
        let script = fs::read_to_string(fresh::workspace().join(&name)).unwrap();
        let mut played = String::new();
        let mut typed = 0;
        for line in script.lines() {
            if let Some(line) = line.strip_prefix("$ ") {
                typed += 1;
                let _ = write!(played, "$ {line}\n{}", self.shown(line));
            } else if line.starts_with("# ") {
                let gap = if played.is_empty() { "" } else { "\n" };
                let _ = writeln!(played, "{gap}{line}");
            }
        }
        assert!(typed > 0, "{name} types nothing");
        fresh::file(&name, &played);
    }

    fn shown(&self, line: &str) -> String {
        let mut typed = line.to_owned();
        for (name, value) in &self.names {
            let hex = value.trim_start_matches("sha256:");
            typed = typed
                .replace(name, value)
                .replace(&name.replace('}', ":hex}"), hex);
        }
        let mut shown = match typed.strip_prefix("cat ") {
            Some(file) => block(&fs::read_to_string(self.dir.path().join(file)).unwrap()),
            None => transcribe(&self.call(&typed), typed.ends_with(" | sort")),
        };
        for (name, value) in &self.names {
            shown = shown.replace(value, name);
            if let Some(hex) = value.strip_prefix("sha256:") {
                shown = shown.replace(hex, &name.replace('}', ":hex}"));
                shown = shown.replace(&hex[..12], &name.replace('}', ":12}"));
            }
        }
        shown
            .replace(&folder(self.dir.path()), "{dir}")
            .replace(&folder(self.oras.home()), "{home}")
    }

    fn call(&self, typed: &str) -> Output {
        let typed = typed.trim_end_matches(" | sort");
        let (stdin, typed) = match typed
            .strip_prefix("printf '")
            .and_then(|rest| rest.split_once("' | "))
        {
            Some((stdin, typed)) => (stdin.replace("\\n", "\n").replace("\\r", "\r"), typed),
            None => (String::new(), typed),
        };
        let words = words(typed);
        assert_eq!(words[0], "oras", "{typed}");
        self.oras.args(&words[1..]).stdin(stdin).run()
    }
}

fn folder(path: &Path) -> String {
    path.canonicalize().unwrap().display().to_string()
}

/// Words between spaces; single quotes keep spaces and make empty words.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            c => words.last_mut().unwrap().push(c),
        }
    }
    words
}

fn transcribe(output: &Output, sort: bool) -> String {
    let mut shown = block(&output.stdout);
    if sort {
        let mut lines: Vec<&str> = shown.lines().collect();
        lines.sort_unstable();
        shown = lines.iter().map(|line| format!("{line}\n")).collect();
    }
    for line in output.stderr.lines() {
        // Entries of the log begin with the time.
        let line = match line
            .strip_prefix('[')
            .and_then(|rest| rest.split_once("]["))
        {
            Some((_, rest)) => format!("[TIME][{rest}"),
            None => line.to_owned(),
        };
        let _ = writeln!(shown, "{}", format!("! {line}").trim_end());
    }
    match output.code {
        Some(0) => {}
        Some(code) => _ = writeln!(shown, "exit {code}"),
        None => shown.push_str("killed\n"),
    }
    shown
}

fn block(text: &str) -> String {
    match text {
        "" => String::new(),
        text if text.ends_with('\n') => text.to_owned(),
        text => format!("{text}(no line end)\n"),
    }
}

#[test]
fn sessions_with_a_registry_without_the_referrers_api() {
    let registry = DockerRegistry::start();
    for transcript in ["blob", "manifest", "names", "delete", "docker"] {
        Stage::new(&registry.addr()).plays(transcript);
    }
}

#[test]
fn sessions_with_a_registry_that_has_the_referrers_api() {
    let registry = OurRegistry::start(env!("CARGO_BIN_EXE_oras"));
    for transcript in ["blob", "manifest", "names", "delete"] {
        Stage::new(&registry.addr()).plays(transcript);
    }
}

#[test]
fn sessions_with_a_registry_that_wants_credentials() {
    let registry = DockerRegistry::with_auth();
    Stage::new(&registry.addr()).plays("credentials");
}

#[test]
fn sessions_with_layouts() {
    Stage::new("localhost:1").plays("layout");
}

#[test]
fn sessions_without_any_registry() {
    Stage::new("localhost:1").plays("offline");
}

#[test]
fn sessions_with_a_registry_that_answers_in_all_ways() {
    let server = FaultServer::start(answer);
    let port = server.addr().rsplit_once(':').unwrap().1.to_owned();
    Stage::new(&format!("localhost:{port}")).plays("answers");
}

/// The name of the repository says how.
fn answer(request: &Request) -> Answer {
    let json = |status, body: String| {
        Answer::status(status)
            .header("Content-Type", "application/json")
            .body(body)
    };
    let name = request.path().strip_prefix("/v2/").unwrap_or_default();
    let name = name.strip_prefix("team/").unwrap_or(name);
    match name.split('/').next().unwrap_or_default() {
        "errors" => json(
            400,
            r#"{"errors":[{"code":"DENIED","message":"no","detail":{"b":1,"a":[1,2.5,null,true,"x"],"n":12345678}},
                {"code":"TOO_MANY","detail":"nobody sees it"},{"code":"","message":"m"}]}"#
                .to_owned(),
        ),
        "long" => json(
            400,
            format!(r#"{{"errors":[{{"code":"DENIED","message":"{}"}}]}}"#, "x".repeat(9000)),
        ),
        "teapot" => Answer::status(418),
        "moved" => {
            let host = request.header("host").unwrap_or_default();
            let elsewhere = host.replace("localhost", "127.0.0.1");
            Answer::status(307).header("Location", format!("http://{elsewhere}/v2/forbidden/manifests/v1"))
        }
        "other" => Answer::ok(IMAGE, "{}").header(
            "Docker-Content-Digest",
            Digest::sha256(b"{}").to_string(),
        ),
        "paged" if request.target.contains("last=b") => json(200, r#"{"tags":["c"]}"#.to_owned()),
        "paged" => json(200, r#"{"tags":["a","b"]}"#.to_owned())
            .header("Link", r#"</v2/paged/tags/list?last=b>; rel="next""#),
        "away" => json(200, r#"{"tags":["a"]}"#.to_owned())
            .header("Link", r#"<http://elsewhere.test/v2/away/tags/list>; rel="next""#),
        "null" => json(200, r#"{"tags":null}"#.to_owned()),
        "warned" => json(200, r#"{"tags":["a"]}"#.to_owned()).header("Warning", r#"299 - "please upgrade""#),
        "hub" => json(401, r#"{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}"#.to_owned()),
        _ => Answer::status(403),
    }
}

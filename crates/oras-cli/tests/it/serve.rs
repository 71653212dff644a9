//! `oras serve`: what it says, how it ends, where its settings come from, and what it refuses.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use oras_spec::Digest;
use oras_testkit::command::Output;
use oras_testkit::peer::{OurRegistry, Serve};
use serde_json::Value;
use tempfile::TempDir;

use crate::oras_in;

const BINARY: &str = env!("CARGO_BIN_EXE_oras");

/// On a free port.
fn serve<const N: usize>(args: [&str; N]) -> Serve {
    let free = OurRegistry::serve(BINARY).args(["--addr", "127.0.0.1:0"]);
    free.args(args)
}

/// The line as JSON.
fn told(registry: &OurRegistry) -> Value {
    serde_json::from_str(registry.line()).unwrap()
}

#[test]
fn the_line_says_where_it_serves_what_with_a_push_that_works() {
    let registry = serve(["--memory"]).start();
    let url = format!("http://127.0.0.1:{}", registry.port());
    let (place, example) = registry.line().split_once(", try: oras ").unwrap();
    assert_eq!(place, format!("Serving from memory on {url}"));

    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("file"), "content").unwrap();
    let oras = oras_in(dir.path());
    oras.run(example.split(' ')).ok();
    let pushed = example
        .split(' ')
        .find(|word| word.contains(":v1"))
        .unwrap();
    oras.run(["pull", pushed, "-o", "out"]).ok();
    assert_eq!(fs::read(dir.path().join("out/file")).unwrap(), b"content");
    assert_eq!(registry.said(), "");
}

#[test]
fn the_line_is_one_json_object_for_programs() {
    let registry = serve(["--memory", "--addr", "[::1]:0", "--format", "json"]).start();
    let told = told(&registry);
    let port = registry.port();
    assert_eq!(told["addr"], format!("127.0.0.1:{port}"));
    assert_eq!(told["url"], format!("http://127.0.0.1:{port}"));
    assert_eq!(told["folder"], Value::Null);
    assert_eq!(
        told["example"],
        format!("oras push localhost:{port}/hello:v1 ./file")
    );
    let second = told["urls"][1].as_str().unwrap();
    assert!(second.starts_with("http://[::1]:"), "{second}");
}

#[test]
fn the_example_is_for_the_address_that_clients_use() {
    let registry = serve(["--memory", "--public-url", "https://registry.example.org/"]).start();
    let example = registry.line().split_once(", try: ").unwrap().1;
    assert_eq!(example, "oras push registry.example.org/hello:v1 ./file");
}

#[test]
fn ctrl_c_and_a_service_manager_end_it_with_success() {
    for end in [OurRegistry::interrupt, OurRegistry::terminate] {
        let mut registry = serve(["--memory"]).start();
        end(&registry);
        assert_eq!(registry.wait().code(), Some(0));
        assert_eq!(registry.said(), "");
    }
}

/// An upload of which one byte is missing.
fn unfinished_upload(registry: &OurRegistry) -> TcpStream {
    let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, registry.port())).unwrap();
    let digest = oras_spec::Digest::sha256(b"12");
    let head = format!(
        "POST /v2/a/blobs/uploads/?digest={digest} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).unwrap();
    // The answer to the expectation says that the body is being read.
    let mut answer = [0; 12];
    socket.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100");
    socket.write_all(b"1").unwrap();
    socket
}

/// Waits until nobody listens any more.
fn closed(registry: &OurRegistry) {
    while TcpStream::connect((Ipv4Addr::LOCALHOST, registry.port())).is_ok() {
        std::thread::yield_now();
    }
}

#[test]
fn an_upload_that_runs_may_finish() {
    let mut registry = serve(["--memory"]).start();
    let mut upload = unfinished_upload(&registry);
    registry.terminate();
    closed(&registry);
    assert!(registry.runs());
    upload.write_all(b"2").unwrap();
    let mut answer = String::new();
    upload.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("HTTP/1.1 201"), "{answer}");
    assert_eq!(registry.wait().code(), Some(0));
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut registry = serve(["--memory"]).start();
    let _upload = unfinished_upload(&registry);
    registry.interrupt();
    closed(&registry);
    assert!(registry.runs());
    registry.interrupt();
    assert_eq!(registry.wait().code(), Some(1));
    let said = registry.said();
    assert_eq!(
        said,
        "Error: told to stop twice: open requests were cut off\n"
    );
}

#[test]
fn flags_come_before_variables_and_variables_before_the_file() {
    let file = "memory = true\nfolder = \"from-file\"\naddr = [\"127.0.0.1:0\", \"127.0.0.1:0\"]\n";
    let base = || {
        let serve = OurRegistry::serve(BINARY).file("etc/serve.toml", file);
        serve.args(["--config", "etc/serve.toml", "--format", "json"])
    };
    let addresses = |registry: &OurRegistry| told(registry)["urls"].as_array().unwrap().len();

    let registry = base().start();
    assert_eq!(told(&registry)["folder"], Value::Null);
    assert_eq!(addresses(&registry), 2);

    // A path in the file is relative to the file.
    let registry = base().env("ORAS_SERVE_MEMORY", "false").start();
    assert_eq!(told(&registry)["folder"], "etc/from-file");

    let registry = base()
        .env("ORAS_SERVE_MEMORY", "false")
        .env("ORAS_SERVE_FOLDER", "from-variable")
        .env("ORAS_SERVE_ADDR", "127.0.0.1:0,127.0.0.1:0,127.0.0.1:0")
        .start();
    assert_eq!(told(&registry)["folder"], "from-variable");
    assert_eq!(addresses(&registry), 3);

    // A folder on the line is what is served, whatever else says memory.
    let registry = base()
        .env("ORAS_SERVE_FOLDER", "from-variable")
        .env("ORAS_SERVE_ADDR", "127.0.0.1:0,127.0.0.1:0,127.0.0.1:0")
        .args(["from-line", "--addr", "127.0.0.1:0"])
        .start();
    assert_eq!(told(&registry)["folder"], "from-line");
    assert_eq!(addresses(&registry), 1);
}

#[test]
fn a_limit_from_any_source_is_kept() {
    let registry = serve(["--memory"])
        .env("ORAS_SERVE_LIMITS_MANIFEST", "50B")
        .start();
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("file"), "content").unwrap();
    let pushed = oras_in(dir.path()).run(["push", &registry.reference("a:v1"), "file"]);
    pushed
        .fails()
        .complains(["larger than the limit of 50 bytes"]);
}

/// Fails with exactly this on standard error, nothing on standard output, and an empty folder.
#[track_caller]
fn refuses(run: impl FnOnce(&oras_testkit::command::Oras) -> Output, stderr: &str) {
    let dir = TempDir::new().unwrap();
    let out = run(&oras_in(dir.path())).fails();
    assert_eq!(out.stderr, format!("{stderr}\n"));
    assert_eq!(out.stdout, "");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn what_cannot_be_served_is_one_clear_error() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    refuses(
        |oras| oras.run(["serve", "--addr", &addr]),
        &format!("Error: cannot listen on {addr}: address already in use"),
    );
    refuses(
        |oras| oras.run(["serve", "--addr", "5000"]),
        "Error: --addr: \"5000\" is not an address such as \"127.0.0.1:5000\"",
    );
    refuses(
        |oras| oras.run(["serve", "--memory", "folder"]),
        "Error: a folder and --memory cannot be used at the same time",
    );
    refuses(
        |oras| oras.run(["serve", "--config", "none.toml"]),
        "Error: open none.toml: no such file or directory",
    );
    refuses(
        |oras| oras.run(["serve", "--limits-blob", "much"]),
        "Error: --limits-blob: \"much\" is not a size such as \"4MiB\" or \"100GB\"",
    );
    refuses(
        |oras| oras.clone().env("ORAS_SERVE_MEMROY", "true").run(["serve"]),
        "Error: unknown environment variable ORAS_SERVE_MEMROY, did you mean ORAS_SERVE_MEMORY?",
    );
}

#[test]
fn what_cannot_be_a_folder_is_left_alone() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("file"), "mine").unwrap();
    let oras = oras_in(dir.path());
    let out = oras.run(["serve", "file", "--addr", "127.0.0.1:0"]).fails();
    assert_eq!(out.stdout, "");
    assert_eq!(
        out.stderr,
        "Error: file: cannot open the storage: preparing the folder failed: not a directory\n"
    );
    let out = oras
        .run(["serve", "/proc/registry", "--addr", "127.0.0.1:0"])
        .fails();
    assert_eq!(out.stderr.lines().count(), 1, "{}", out.stderr);
    assert_eq!(fs::read(dir.path().join("file")).unwrap(), b"mine");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_folder_is_served_again_after_a_restart_and_read_by_others_meanwhile() {
    let dir = TempDir::new().unwrap();
    let folder = dir.path().join("data");
    let oras = oras_in(dir.path());
    fs::write(dir.path().join("file"), "content").unwrap();
    let mut registry = serve([folder.to_str().unwrap()]).start();
    oras.run(["push", &registry.reference("team/app:v1"), "file"])
        .ok();
    let layout = folder.join("team/app").display().to_string() + ":v1";
    oras.run(["pull", "--oci-layout", &layout, "-o", "beside"])
        .ok();
    registry.terminate();
    assert_eq!(registry.wait().code(), Some(0));

    // A server that may not write is enough to read.
    let registry = serve([folder.to_str().unwrap(), "--read-only"]).start();
    assert!(
        registry.line().contains("try: oras repo ls "),
        "{}",
        registry.line()
    );
    oras.run(["pull", &registry.reference("team/app:v1"), "-o", "again"])
        .ok();
    oras.run(["push", &registry.reference("team/app:v2"), "file"])
        .fails();
    for out in ["beside", "again"] {
        assert_eq!(
            fs::read(dir.path().join(out).join("file")).unwrap(),
            b"content"
        );
    }
}

#[test]
fn what_nothing_refers_to_is_removed_when_the_grace_is_over() {
    let registry = serve(["data"]).start();
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("file"), vec![7; 3000]).unwrap();
    let oras = oras_in(dir.path());
    let (kept, gone) = (
        registry.reference("team/app:v1"),
        registry.reference("team/app:v2"),
    );
    oras.run(["push", &kept, "file"]).ok();
    fs::write(dir.path().join("file"), vec![8; 3000]).unwrap();
    oras.run(["push", &gone, "file"]).ok();
    oras.run(["manifest", "delete", "--force", &gone]).ok();

    let folder = registry.folder().join("data");
    let gc = |flags: &[&str]| {
        let words = ["serve", "gc", folder.to_str().unwrap(), "--format", "json"];
        oras.run(words.into_iter().chain(flags.iter().copied()))
            .ok()
            .json()
    };
    assert_eq!(gc(&[])["bytes"], 0);
    let planned = gc(&["--dry-run", "--grace", "0"]);
    let name = &planned["repositories"][0]["name"];
    assert_eq!(name, "team/app", "{planned}");
    assert!(planned["bytes"].as_u64().unwrap() >= 3000, "{planned}");
    assert_eq!(planned["dryRun"], true);
    // While the server runs, and once only.
    assert_eq!(gc(&["--grace", "0"])["bytes"], planned["bytes"]);
    assert_eq!(gc(&["--grace", "0"])["bytes"], 0);
    oras.run(["pull", &kept, "-o", "out"]).ok();

    let words = oras
        .run(["serve", "gc", folder.to_str().unwrap()])
        .ok()
        .stdout;
    assert_eq!(
        words,
        "Removed 0 blobs of 0 B and 0 uploads, 0 B free again\n"
    );
    refuses(
        |oras| oras.run(["serve", "gc"]),
        "Error: open ./registry: no such file or directory",
    );
}

#[test]
fn a_check_finds_damage_and_sets_it_aside_so_that_it_can_be_pushed_again() {
    let registry = serve(["data"]).start();
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("file"), vec![7; 3000]).unwrap();
    let oras = oras_in(dir.path());
    let reference = registry.reference("team/app:v1");
    oras.run(["push", &reference, "file"]).ok();
    let folder = registry.folder().join("data");
    let check = |flags: &[&str]| {
        let words = ["serve", "check", folder.to_str().unwrap()];
        oras.run(words.into_iter().chain(flags.iter().copied()))
    };
    let fine = check(&["--rate", "1GiB"]).ok().stdout;
    assert!(fine.starts_with("Checked 3 blobs of "), "{fine}");

    let blob = format!(
        "blobs/{}",
        Digest::sha256(&[7; 3000]).as_str().replace(':', "/")
    );
    let blob = folder.join("team/app").join(blob);
    fs::remove_file(&blob).unwrap();
    fs::write(&blob, vec![0; 3000]).unwrap();
    let found = check(&["--format", "json"]).fails();
    let problems = &found.json()["problems"];
    assert_eq!(problems[0]["repository"], "team/app", "{problems}");
    assert_eq!(problems[0]["repaired"], false, "{problems}");
    assert!(blob.exists());
    check(&["--repair"]).fails();
    assert!(!blob.exists());
    oras.run(["push", &reference, "file"]).ok();
    check(&[]).ok();
    oras.run(["pull", &reference, "-o", "out"]).ok();
}

#[test]
fn the_access_log_is_text_or_json_and_complete_at_the_end() {
    for form in ["text", "json", "off"] {
        let mut registry = serve(["--memory", "--access-log", form]).start();
        oras_in(&registry.folder())
            .run(["repo", "ls", &registry.addr()])
            .ok();
        registry.terminate();
        assert_eq!(registry.wait().code(), Some(0));
        let said = registry.said();
        let catalog = said.lines().find(|line| line.contains("/v2/_catalog"));
        match (form, catalog) {
            ("off", None) => assert_eq!(said, ""),
            ("text", Some(line)) => assert!(line.contains("\"GET /v2/_catalog"), "{line}"),
            ("json", Some(line)) => {
                let entry: Value = serde_json::from_str(line).unwrap();
                assert_eq!(entry["status"], 200, "{line}");
            }
            _ => panic!("{form}: {said}"),
        }
    }
}

#[test]
fn settings_can_be_checked_without_serving() {
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    let file = dir.path().join("serve.toml");
    let check = |text: &str| {
        fs::write(&file, text).unwrap();
        oras.run(["serve", "--config", "serve.toml", "--check-config"])
    };
    let out = check("[limits]\nblob = \"1GiB\"\n").ok();
    assert_eq!(out.stdout, "The settings are valid\n");
    let out = check("htpasswd = \"none\"\n").fails();
    let missing = dir.path().join("none");
    assert!(
        out.stderr.starts_with("Error: cannot read "),
        "{}",
        out.stderr
    );
    assert!(!missing.exists());
    check("[tls]\ncert = \"none.pem\"\nkey = \"none.pem\"\n").fails();
    check("[tls]\ncert = \"none.pem\"\n")
        .fails()
        .complains(["belong together"]);
    check("[[rules]]\nrepositories = [\"a//b\"]\n").fails();
    let out = check("[limits]\nblobs = \"1GiB\"\n").fails();
    assert_eq!(
        out.stderr,
        "Error: serve.toml:2: unknown key `limits.blobs`, did you mean `limits.blob`?\n"
    );
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_password_is_set_in_a_file_that_others_read_too() {
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    let set = |user: &str, password: &str| {
        let call = oras.args(["serve", "passwd", "users", user]);
        call.stdin(format!("{password}\n")).run()
    };
    set("ann", "first").ok();
    set("bob", "second").ok();
    set("ann", "third").ok();
    let verify = |user: &str, password: &str| {
        let htpasswd = oras_testkit::peer::Tool::find("htpasswd").unwrap();
        let file = dir.path().join("users");
        let args = [
            "-vb".as_ref(),
            file.as_os_str(),
            user.as_ref(),
            password.as_ref(),
        ];
        htpasswd.attempt(args).is_ok()
    };
    assert!(verify("ann", "third"));
    assert!(verify("bob", "second"));
    assert!(!verify("ann", "first"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(dir.path().join("users"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    let before = fs::read(dir.path().join("users")).unwrap();
    let out = set("an:n", "x").fails();
    out.complains(["not a user name"]);
    set("ann", "").fails().complains(["the password is empty"]);
    assert_eq!(fs::read(dir.path().join("users")).unwrap(), before);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn users_and_rules_of_a_file_decide_and_new_users_are_taken_up() {
    let rules = "htpasswd = \"users\"
[groups]
team = [\"ann\"]
[[rules]]
repositories = [\"open/**\"]
who = [\"*\"]
allow = [\"pull\"]
[[rules]]
repositories = [\"open/**\"]
who = [\"@team\"]
allow = [\"pull\", \"push\"]
immutable_tags = [\"v*\"]
";
    let registry = serve(["--memory", "--config", "etc/serve.toml"])
        .file("etc/serve.toml", rules)
        .file("etc/users", "")
        .start();
    let example = registry.line().split_once(", try: ").unwrap().1;
    assert!(example.starts_with("oras push -u USER "), "{example}");
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("file"), "content").unwrap();
    let oras = oras_in(dir.path());
    let as_user = |user: &str, tag: &str| {
        let target = registry.reference(&format!("open/app:{tag}"));
        oras.run(["push", "-u", user, "-p", "secret", &target, "file"])
    };
    as_user("ann", "v1").fails();
    for user in ["ann", "eve"] {
        let file = registry.folder().join("etc/users");
        let set = oras.args(["serve", "passwd", file.to_str().unwrap(), user]);
        set.stdin("secret").run().ok();
    }
    // The file is looked at once a second at most.
    while as_user("ann", "v1").code != Some(0) {}
    as_user("ann", "v1").fails();
    as_user("ann", "other").ok();
    as_user("eve", "other").fails();
    oras.run(["pull", &registry.reference("open/app:v1"), "-o", "out"])
        .ok();
    assert_eq!(fs::read(dir.path().join("out/file")).unwrap(), b"content");
    assert_eq!(registry.said(), "");

    // A slip in the file locks nobody out, and is told.
    fs::write(registry.folder().join("etc/users"), "ann\n").unwrap();
    while registry.said().is_empty() {
        as_user("ann", "other").ok();
    }
    let said = registry.said();
    assert!(
        said.starts_with("Warning: the users stay as they were: etc/users, line 1: "),
        "{said}"
    );
}

#[test]
fn with_certificates_it_speaks_tls() {
    let key = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()])
        .unwrap();
    let start = serve(["--memory", "--tls-cert", "cert.pem", "--tls-key", "key.pem"])
        .file("cert.pem", key.cert.pem())
        .file("key.pem", key.signing_key.serialize_pem());
    let mut registry = start.start();
    let port = registry.port();
    let place = format!(
        "Serving from memory on https://127.0.0.1:{port}, try: oras push 127.0.0.1:{port}/"
    );
    assert!(registry.line().starts_with(&place), "{}", registry.line());
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("file"), "content").unwrap();
    let oras = oras_in(dir.path());
    let target = format!("127.0.0.1:{port}/app:v1");
    let trusted = registry.folder().join("cert.pem");
    let push = || {
        oras.run([
            "push",
            "--ca-file",
            trusted.to_str().unwrap(),
            &target,
            "file",
        ])
    };
    push().ok();

    // A hang-up tells what is wrong with new files, and does not end anything.
    fs::write(registry.folder().join("key.pem"), "no key").unwrap();
    registry.hang_up();
    while registry.said().is_empty() {
        assert!(registry.runs());
    }
    push().ok();
    let said = registry.said();
    assert!(said.contains("key.pem"), "{said}");
}

#[cfg(unix)]
#[test]
fn the_quickstart_runs_and_leaves_nothing() {
    let temporary = TempDir::new().unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/quickstart.sh");
    let out = std::process::Command::new("sh")
        .args([script, BINARY])
        .env("TMPDIR", temporary.path())
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&out.stdout);
    let stderr = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{stdout}\n{stderr}");
    assert!(stdout.contains("came back as they were"), "{stdout}");
    assert_eq!(stderr, "");
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0);
}

/// The page for operators has a row for each setting, and no other.
#[test]
fn every_setting_is_in_the_documentation() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/serve.md");
    let page = fs::read_to_string(path).unwrap();
    let rows = page
        .lines()
        .skip_while(|line| *line != "| key | default | what it does |");
    let rows = rows.skip(2).take_while(|line| line.starts_with('|'));
    let keys: Vec<&str> = rows.map(|row| row.split('`').nth(1).unwrap()).collect();
    let settings = oras_registry::config::SETTINGS
        .iter()
        .map(|setting| setting.key);
    let expected: Vec<&str> = settings.chain(["groups", "rules"]).collect();
    assert_eq!(keys, expected);
}

#[test]
fn being_open_to_others_is_said() {
    let registry = OurRegistry::serve(BINARY)
        .args(["--memory", "--addr", "0.0.0.0:0"])
        .start();
    let said = registry.said();
    let warnings: Vec<&str> = said.lines().collect();
    assert_eq!(warnings.len(), 2, "{said}");
    assert!(warnings[0].contains("may push and delete"), "{said}");
    assert!(warnings[1].contains("not encrypted"), "{said}");
}

#[test]
fn a_registry_that_nobody_can_sign_in_to_says_so() {
    let registry = serve(["--memory", "--anonymous-pull"]).start();
    let said = registry.said();
    assert!(said.starts_with("Warning: nobody can sign in; "), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

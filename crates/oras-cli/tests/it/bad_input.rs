//! Bad input from the person at the keyboard: one clear error, exit code 1, nothing left behind.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use oras_testkit::command::{Oras, Output};
use oras_testkit::fixture::{Graph, snapshot};
use oras_testkit::peer::{DockerRegistry, Tool};
use tempfile::TempDir;

use crate::{args, oras_in};

/// One error in a few lines, for a person: no panic, no name of a Rust type, no stack.
#[track_caller]
pub(crate) fn one_error(out: Output) -> Output {
    let out = out.fails();
    let errors = out
        .stderr
        .lines()
        .filter(|line| line.starts_with("Error"))
        .count();
    assert_eq!(errors, 1, "not exactly one error: {}", out.all());
    assert!(
        out.stderr.lines().count() <= 3,
        "too many words: {}",
        out.all()
    );
    for word in ["panicked", "backtrace", "Error {", "Err(", "Some(", "kind:"] {
        assert!(
            !out.stderr.contains(word),
            "{word} is nothing for users: {}",
            out.all()
        );
    }
    out
}

/// Asserts that a call fails with one error, and that it leaves its folder and the temporary folder as they were.
#[track_caller]
pub(crate) fn fails_cleanly(oras: &Oras, dir: &Path, args: &[&str]) -> Output {
    let before = snapshot(dir);
    let out = one_error(oras.run(args));
    assert_eq!(
        snapshot(dir),
        before,
        "something was left behind: {}",
        out.all()
    );
    assert_eq!(
        snapshot(&oras.temporary()).keys().next(),
        None,
        "a temporary file was left: {}",
        out.all()
    );
    out
}

#[test]
fn a_missing_file_is_named_with_its_full_path() {
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    let path = dir
        .path()
        .canonicalize()
        .unwrap()
        .join("nope.txt")
        .display()
        .to_string();
    let out = fails_cleanly(
        &oras,
        dir.path(),
        &["push", "--oci-layout", "lay:v1", "nope.txt"],
    );
    out.complains([&path, "no such file or directory"]);
    let registry = DockerRegistry::start();
    let out = fails_cleanly(
        &oras,
        dir.path(),
        &["push", &registry.reference("a:v1"), "nope.txt"],
    );
    out.complains([&path, "no such file or directory"]);
    assert_eq!(writes(&registry), Vec::<String>::new());
}

#[test]
fn an_unreadable_file_is_an_error() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("secret.txt");
    fs::write(&file, "secret").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
    let oras = oras_in(dir.path());
    let mut call = oras.args(["push", "--oci-layout", "lay:v1", "secret.txt"]);
    if fs::metadata(dir.path()).unwrap().uid() == 0 {
        // Root reads everything, so the command runs as nobody, from a copy that nobody may execute.
        let Some(setpriv) = Tool::find("setpriv") else {
            eprintln!("note: setpriv is not installed, so unreadable files are not tested as root");
            return;
        };
        let program = dir.path().join("oras");
        fs::copy(env!("CARGO_BIN_EXE_oras"), &program).unwrap();
        for path in [dir.path(), oras.home()] {
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let copy = Oras::new(&program).in_dir(dir.path());
        fs::set_permissions(copy.home(), fs::Permissions::from_mode(0o777)).unwrap();
        fs::set_permissions(copy.temporary(), fs::Permissions::from_mode(0o777)).unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
        call = copy.args(["push", "--oci-layout", "lay:v1", "secret.txt"]);
        call = call.under(args![
            setpriv.path(),
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups"
        ]);
    }
    let out = one_error(call.run());
    out.complains(["secret.txt", "permission denied"]);
    assert!(!dir.path().join("lay").exists());
}

#[test]
fn two_files_of_one_name_are_refused() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("n"), "one").unwrap();
    let oras = oras_in(dir.path());
    let out = fails_cleanly(
        &oras,
        dir.path(),
        &["push", "--oci-layout", "lay:v1", "n", "./n"],
    );
    out.complains(["n: duplicate name"]);
    // And the other way round: two contents that want one name.
    let mut graph = Graph::new();
    let (one, two) = (
        graph.file("n", "text/plain", "one"),
        graph.file("n", "text/plain", "two"),
    );
    let artifact = graph.artifact("test/twins", &[&one, &two], None);
    graph.write_layout(&dir.path().join("twins"), &[("v1", &artifact)]);
    let out = one_error(oras.run(["pull", "--oci-layout", "twins:v1", "-o", "out"]));
    out.complains(["n: duplicate name"]);
}

#[test]
fn absolute_paths_need_permission() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().canonicalize().unwrap().join("a.txt");
    fs::write(&file, "a").unwrap();
    let file = file.to_str().unwrap();
    let oras = oras_in(dir.path());
    let out = fails_cleanly(&oras, dir.path(), &["push", "--oci-layout", "lay:v1", file]);
    out.complains([file, "--disable-path-validation"]);
    oras.run([
        "push",
        "--disable-path-validation",
        "--oci-layout",
        "lay:v1",
        file,
    ])
    .ok();
}

#[test]
fn pull_writes_nothing_outside_its_folder() {
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    let outside = dir
        .path()
        .canonicalize()
        .unwrap()
        .join("outside.txt")
        .display()
        .to_string();
    for title in ["../outside.txt", "a/../../outside.txt", outside.as_str()] {
        let mut graph = Graph::new();
        let file = graph.file(title, "text/plain", "got out");
        let artifact = graph.artifact("test/escape", &[&file], None);
        graph.write_layout(&dir.path().join("lay"), &[("v1", &artifact)]);
        let out = fails_cleanly(
            &oras,
            dir.path(),
            &["pull", "--oci-layout", "lay:v1", "-o", "out"],
        );
        out.complains(["path traversal disallowed", "--allow-path-traversal"]);
        fs::remove_dir_all(dir.path().join("lay")).unwrap();
    }
}

#[test]
fn pull_says_which_file_cannot_have_its_name() {
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    for title in ["x".repeat(300), format!("a/{}", "y".repeat(300))] {
        let mut graph = Graph::new();
        let file = graph.file(&title, "text/plain", "too long a name");
        let artifact = graph.artifact("test/name", &[&file], None);
        graph.write_layout(&dir.path().join("lay"), &[("v1", &artifact)]);
        let out = fails_cleanly(
            &oras,
            dir.path(),
            &["pull", "--oci-layout", "lay:v1", "-o", "out"],
        );
        out.complains(["failed to create file", ": file name too long"]);
        fs::remove_dir_all(dir.path().join("lay")).unwrap();
    }
}

#[test]
fn pull_does_not_follow_a_link_out_of_its_folder() {
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    let mut graph = Graph::new();
    let file = graph.file("link/evil.txt", "text/plain", "got out");
    let artifact = graph.artifact("test/escape", &[&file], None);
    graph.write_layout(&dir.path().join("lay"), &[("v1", &artifact)]);
    fs::create_dir(dir.path().join("elsewhere")).unwrap();
    fs::create_dir(dir.path().join("out")).unwrap();
    std::os::unix::fs::symlink("../elsewhere", dir.path().join("out/link")).unwrap();
    let out = fails_cleanly(
        &oras,
        dir.path(),
        &["pull", "--oci-layout", "lay:v1", "-o", "out"],
    );
    out.complains(["path traversal disallowed"]);
}

#[test]
fn old_files_are_kept_when_asked() {
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    fs::write(dir.path().join("a.txt"), "new").unwrap();
    oras.run(["push", "--oci-layout", "lay:v1", "a.txt"]).ok();
    fs::write(dir.path().join("a.txt"), "old").unwrap();
    let out = fails_cleanly(&oras, dir.path(), &["pull", "-k", "--oci-layout", "lay:v1"]);
    out.complains(["overwrite disallowed"]);
    oras.run(["pull", "--oci-layout", "lay:v1"]).ok();
    assert_eq!(fs::read_to_string(dir.path().join("a.txt")).unwrap(), "new");
}

#[test]
fn a_full_disk_leaves_nothing_of_the_file() {
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    fs::write(dir.path().join("large.bin"), vec![7; 3 << 20]).unwrap();
    oras.run(["push", "--oci-layout", "lay:v1", "large.bin"])
        .ok();
    let Some(small_disk) = small_disk(dir.path()) else {
        eprintln!("note: no mount namespace here, so a full disk is not tested");
        return;
    };
    for call in [
        oras.args(["pull", "--oci-layout", "lay:v1", "-o", "disk/out"]),
        oras.args([
            "cp",
            "--from-oci-layout",
            "lay:v1",
            "--to-oci-layout",
            "disk/copy:v1",
        ]),
        oras.args(["push", "--oci-layout", "disk/pushed:v1", "large.bin"]),
    ] {
        let line = call.line();
        let out = one_error(call.under(&small_disk).run());
        out.complains(["no space left on device"]);
        // Small blobs that are complete may stay in a layout: `sha256sum` lists digest and path.
        let left = fs::read_to_string(dir.path().join("left")).unwrap();
        let is_whole = |line: &str| {
            let (digest, path) = line.split_once("  ").unwrap();
            path.ends_with(&format!("blobs/sha256/{digest}"))
                || path.ends_with("oci-layout")
                || path.ends_with("index.json")
        };
        let partial: Vec<_> = left.lines().filter(|line| !is_whole(line)).collect();
        assert_eq!(partial, Vec::<&str>::new(), "{line}");
    }
}

/// A wrapper that runs its arguments with a disk of 1 MiB at `disk`, then writes the files found there to `left`.
/// The disk is in a mount namespace of its own and goes away with it. `None` where that is not allowed.
fn small_disk(dir: &Path) -> Option<Vec<std::ffi::OsString>> {
    let disk = dir.join("disk");
    fs::create_dir_all(&disk).unwrap();
    let script = r#"mount -t tmpfs -o size=1m none "$1" || exit 99
        left="$2"; disk="$1"; shift 2; "$@"; code=$?
        find "$disk" -type f -exec sha256sum {} + > "$left"; exit $code"#;
    let unshare = Tool::find("unshare")?;
    let wrapper = args![
        unshare.path(),
        "--mount",
        "sh",
        "-c",
        script,
        "sh",
        disk,
        dir.join("left")
    ];
    let probe = std::process::Command::new(&wrapper[0])
        .args(&wrapper[1..])
        .arg("true")
        .output()
        .ok()?;
    probe.status.success().then(|| wrapper.to_vec())
}

fn writes(registry: &DockerRegistry) -> Vec<String> {
    registry
        .requests()
        .into_iter()
        .filter(|line| !line.starts_with("GET ") && !line.starts_with("HEAD "))
        .collect()
}

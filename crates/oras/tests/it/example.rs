//! The example as the program it is, with a real registry: about thirty lines push and pull.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use oras_testkit::peer::DockerRegistry;

/// Cargo builds the examples of a crate together with its tests, in the folder beside theirs.
fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test
        .ancestors()
        .nth(2)
        .unwrap()
        .join("examples/push_and_pull");
    assert!(
        program.exists(),
        "{} is missing: run `cargo build -p oras --examples`",
        program.display()
    );
    program
}

#[test]
fn the_example_pushes_and_pulls_and_prints_both_digests() {
    let folder = tempfile::tempdir().unwrap();
    let registry = DockerRegistry::start();
    let out = Command::new(program())
        .args([&registry.reference("things/mine:v1"), "folder"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(out.status.success(), "{out:?}");

    let stdout = String::from_utf8(out.stdout).unwrap();
    let words: Vec<_> = stdout.split_whitespace().collect();
    let ["pushed", pushed, "pulled", pulled] = words[..] else {
        panic!("{stdout}");
    };
    assert!(pushed.starts_with("sha256:"), "{stdout}");
    assert_eq!(pushed, pulled);
    let thing = fs::read(folder.path().join("folder/my.thing")).unwrap();
    assert_eq!(thing, b"my thing");
}

//! S6: a program over the SDK in about thirty lines.

use std::path::Path;
use std::process::Command;

use oras_testkit::fixture::snapshot;
use oras_testkit::peer::DockerRegistry;
use tempfile::TempDir;

#[test]
fn the_example_pushes_and_pulls_and_prints_both_digests() {
    // Cargo holds no lock while tests run, and has built the example already when all of the workspace is tested.
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let dir = TempDir::new().unwrap();
    let registry = DockerRegistry::start();
    let out = Command::new(cargo)
        .args([
            "run",
            "--quiet",
            "--package",
            "oras",
            "--example",
            "push_and_pull",
            "--manifest-path",
        ])
        .arg(workspace.join("Cargo.toml"))
        .args(["--", &registry.reference("things/mine:v1"), "folder"])
        .current_dir(dir.path())
        .output()
        .unwrap();
    let (stdout, stderr) = (
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr),
    );
    assert!(out.status.success(), "{stdout}\n{stderr}");
    let digests: Vec<_> = stdout
        .split_whitespace()
        .filter(|word| word.starts_with("sha256:"))
        .collect();
    assert_eq!(digests.len(), 2, "{stdout}");
    assert_eq!(digests[0], digests[1]);
    let files = snapshot(&dir.path().join("folder"));
    assert_eq!(files.len(), 1, "{files:?}");
}

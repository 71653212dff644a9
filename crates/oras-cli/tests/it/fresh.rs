//! Files in the tree that are made from the binary. A test fails when one is stale; `cargo xtask docs` writes them anew, and
//! the difference is for people to review.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Set by `cargo xtask docs`: files are written instead of compared.
const RENEW: &str = "ORAS_RENEW";

/// The folder of the workspace.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Asserts that `folder` of the workspace holds these files, by name, and no other.
#[track_caller]
pub(crate) fn folder(folder: &str, files: &BTreeMap<String, String>) {
    let path = workspace().join(folder);
    let renew = std::env::var_os(RENEW).is_some();
    if renew {
        fs::create_dir_all(&path).unwrap();
    }
    for entry in fs::read_dir(&path).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if !files.contains_key(&name) {
            assert!(
                renew,
                "{folder}/{name} is of no use: run `cargo xtask docs`"
            );
            fs::remove_file(entry.path()).unwrap();
        }
    }
    for (name, text) in files {
        file(&format!("{folder}/{name}"), text);
    }
}

/// Asserts that the file of the workspace is this text.
#[track_caller]
pub(crate) fn file(name: &str, text: &str) {
    let path = workspace().join(name);
    let there = fs::read_to_string(&path).unwrap_or_default();
    if there == text {
        return;
    }
    if std::env::var_os(RENEW).is_some() {
        fs::write(&path, text).unwrap();
        return;
    }
    let line = 1 + there
        .lines()
        .zip(text.lines())
        .take_while(|(a, b)| a == b)
        .count();
    let at = |text: &str| text.lines().nth(line - 1).unwrap_or("(nothing)").to_owned();
    panic!(
        "{name} is stale at line {line}: run `cargo xtask docs` and review the difference\n  there: {}\n  wanted: {}",
        at(&there),
        at(text)
    );
}

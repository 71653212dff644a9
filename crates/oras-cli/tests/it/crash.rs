//! `kill -9` at random moments: no wrong or partial file under its final name, layouts always valid, the next run succeeds.

use std::fs;
use std::path::Path;

use oras_testkit::command::Oras;
use oras_testkit::fixture::{Entry, Tree, noise, snapshot};
use oras_testkit::peer::DockerRegistry;
use tempfile::TempDir;

use crate::kill::{Killer, assert_valid_layout};
use crate::oras_in;

const FILES: [&str; 3] = ["small.txt", "medium.bin", "large.bin"];

/// Three files and a folder in `dir/source`.
fn make_source(dir: &Path) {
    let source = dir.join("source");
    fs::create_dir(&source).unwrap();
    for (name, size) in FILES.into_iter().zip([100, 200_000, 3_000_000]) {
        fs::write(source.join(name), noise(size, size as usize)).unwrap();
    }
    Tree {
        files: 40,
        folders: 6,
        largest: 40_000,
        seed: 7,
    }
    .write(&source.join("folder"));
}

fn push<'a>(layout: Option<&'a str>, target: &'a str) -> impl Iterator<Item = &'a str> {
    ["push"]
        .into_iter()
        .chain(layout)
        .chain([target])
        .chain(FILES)
        .chain(["folder"])
}

#[test]
fn a_killed_pull_leaves_no_wrong_file() {
    let dir = TempDir::new().unwrap();
    let root = dir.path();
    make_source(root);
    let registry = DockerRegistry::start();
    let reference = registry.reference("app:v1");
    let oras = oras_in(root);
    oras.args(push(None, &reference))
        .in_dir(root.join("source"))
        .run()
        .ok();
    let expected = snapshot(&root.join("source"));

    let pull = oras.args(["pull", &reference, "-o", "out"]);
    let mut killer = Killer::new(pull.run().ok().took);
    while killer.next_try().is_some() {
        fs::remove_dir_all(root.join("out")).unwrap();
        // Something older is in the way of one file: it stays whole until the new one is.
        fs::create_dir(root.join("out")).unwrap();
        fs::write(root.join("out").join(FILES[2]), "older").unwrap();
        let moment = killer.kill(&pull);
        for (path, entry) in snapshot(&root.join("out")) {
            let is_older = path == Path::new(FILES[2]) && matches!(entry, Entry::File(5, ..));
            if let Some(final_entry) = expected.get(&path).filter(|_| !is_older) {
                assert_eq!(&entry, final_entry, "{} after {moment:?}", path.display());
            }
        }
        pull.run().ok();
        let now = snapshot(&root.join("out"));
        for (path, entry) in &expected {
            assert_eq!(
                now.get(path),
                Some(entry),
                "{} after the next run",
                path.display()
            );
        }
    }
}

#[test]
fn a_killed_push_leaves_a_valid_layout() {
    let dir = TempDir::new().unwrap();
    let root = dir.path();
    make_source(root);
    let layout = root.join("layout");
    let oras = oras_in(&root.join("source"));
    killed_writer(root, &layout, &oras, |target| {
        push(Some("--oci-layout"), target)
            .map(str::to_owned)
            .collect()
    });
}

#[test]
fn a_killed_copy_leaves_a_valid_layout() {
    let dir = TempDir::new().unwrap();
    let root = dir.path();
    make_source(root);
    let layout = root.join("layout");
    let oras = oras_in(&root.join("source"));
    oras.args(push(Some("--oci-layout"), "../from:v1"))
        .run()
        .ok();
    killed_writer(root, &layout, &oras, |target| {
        [
            "cp",
            "--from-oci-layout",
            "../from:v1",
            "--to-oci-layout",
            target,
        ]
        .map(str::to_owned)
        .to_vec()
    });
}

/// Kills a command that writes the tag `v1` to a layout: to a new layout, and to one that holds something already.
fn killed_writer(root: &Path, layout: &Path, oras: &Oras, words: impl Fn(&str) -> Vec<String>) {
    let target = format!("{}:v1", layout.display());
    let call = oras.args(words(&target));
    let mut killer = Killer::new(call.run().ok().took);
    while let Some(number) = killer.next_try() {
        fs::remove_dir_all(layout).unwrap();
        let prepared = number % 2 == 0;
        if prepared {
            fs::write(root.join("source/other"), "other").unwrap();
            oras.args([
                "push",
                "--oci-layout",
                &format!("{}:other", layout.display()),
                "other",
            ])
            .run()
            .ok();
        }
        let moment = killer.kill(&call);
        // Before the marker is there nobody takes the folder for a layout.
        if prepared || layout.join("oci-layout").exists() {
            assert_valid_layout(layout);
        }
        call.run().ok();
        assert_valid_layout(layout);
        let tags = oras
            .args(["repo", "tags", "--oci-layout", layout.to_str().unwrap()])
            .run()
            .ok()
            .stdout;
        assert_eq!(
            tags,
            if prepared { "other\nv1\n" } else { "v1\n" },
            "after {moment:?}"
        );
    }
}

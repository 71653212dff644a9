//! S2: first steps with a fresh registry.

use std::fs;
use std::path::Path;

use oras_testkit::fixture::assert_same_tree;
use tempfile::TempDir;

use crate::oras_in;
use crate::target::Target;

#[test]
fn first_steps_work_on_docker_registry() {
    scenario(&Target::docker_registry());
}

#[test]
fn first_steps_work_on_oras_serve() {
    scenario(&Target::oras_serve());
}

#[test]
fn first_steps_work_in_layouts() {
    scenario(&Target::layouts());
}

#[test]
fn repositories_are_listed() {
    listing(&Target::docker_registry(), &Target::docker_registry());
}

#[test]
fn repositories_are_listed_by_oras_serve() {
    listing(&Target::oras_serve(), &Target::oras_serve());
}

fn listing(target: &Target, empty: &Target) {
    let dir = TempDir::new().unwrap();
    target.receive_image("testimage:v1", &["one"]);
    fs::write(dir.path().join("logo.svg"), "<svg/>").unwrap();
    let oras = oras_in(dir.path());
    assert_eq!(oras.run(["repo", "ls", &empty.word("")]).ok().stdout, "");
    for name in ["logo:0.1.0", "team/a:1", "team/b:1"] {
        target.run(&oras, "push", name, &["logo.svg"]).ok();
    }
    let listed = oras.run(["repo", "ls", &target.word("")]).ok().stdout;
    assert_eq!(
        listed.lines().collect::<Vec<_>>(),
        ["logo", "team/a", "team/b", "testimage"]
    );
    let listed = oras.run(["repo", "ls", &target.word("team/")]).ok().stdout;
    assert_eq!(listed.lines().collect::<Vec<_>>(), ["a", "b"]);
    let listed = oras
        .run(["repo", "ls", "--format", "json", &target.word("")])
        .ok()
        .json();
    assert_eq!(listed["repositories"][1], "team/a");
}

fn scenario(target: &Target) {
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    oras.run(["version"]).ok().says(["Version:", "OS/Arch:"]);

    fs::write(
        dir.path().join("logo.svg"),
        "<svg xmlns='http://www.w3.org/2000/svg'/>",
    )
    .unwrap();
    let out = target
        .run(
            &oras,
            "push",
            "logo:0.1.0",
            &["--artifact-type=image/svg+xml", "./logo.svg"],
        )
        .ok();
    assert_eq!(out.field("ArtifactType: "), "image/svg+xml");
    assert_eq!(
        target.run(&oras, "repo tags", "logo", &[]).ok().stdout,
        "0.1.0\n"
    );
    let elsewhere = fresh(dir.path(), "elsewhere");
    target
        .run(&oras.clone().in_dir(&elsewhere), "pull", "logo:0.1.0", &[])
        .ok();
    assert_eq!(
        fs::read(elsewhere.join("logo.svg")).unwrap(),
        fs::read(dir.path().join("logo.svg")).unwrap()
    );

    let work = fresh(dir.path(), "work");
    fs::write(work.join("README.md"), "# Assets\n").unwrap();
    fs::create_dir(work.join("images")).unwrap();
    fs::write(work.join("images/one.png"), [0x89, b'P', b'N', b'G', 1]).unwrap();
    fs::write(work.join("images/two.png"), [0x89, b'P', b'N', b'G', 2]).unwrap();
    let files = ["README.md:text/markdown", "./images/:application/x-tar"];
    target
        .run(&oras.clone().in_dir(&work), "push", "assets:0.1.0", &files)
        .ok();
    let manifest = target
        .run(&oras, "manifest fetch", "assets:0.1.0", &[])
        .ok()
        .json();
    let layers = manifest["layers"].as_array().unwrap();
    assert_eq!(layers.len(), 2);
    assert_eq!(layers[0]["mediaType"], "text/markdown");
    assert_eq!(layers[1]["mediaType"], "application/x-tar");
    assert_eq!(
        layers[1]["annotations"]["org.opencontainers.image.title"],
        "images"
    );
    assert_eq!(
        layers[1]["annotations"]["io.deis.oras.content.unpack"],
        "true"
    );
    let content = layers[1]["annotations"]["io.deis.oras.content.digest"]
        .as_str()
        .unwrap();
    assert!(content.starts_with("sha256:"), "{content}");
    let back = fresh(dir.path(), "back");
    target
        .run(&oras.clone().in_dir(&back), "pull", "assets:0.1.0", &[])
        .ok();
    assert_same_tree(&work, &back);
}

fn fresh(dir: &Path, name: &str) -> std::path::PathBuf {
    let path = dir.join(name);
    fs::create_dir(&path).unwrap();
    path
}

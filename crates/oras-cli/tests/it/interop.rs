//! Other clients read what we write, and we read what they write.

use std::fs;

use oras_testkit::fixture::{Tree, assert_same_tree};
use oras_testkit::peer::{DockerRegistry, PASSWORD, USER, skopeo, umoci};
use tempfile::TempDir;

use crate::oras_in;
use crate::target::Target;

#[test]
fn skopeo_reads_our_artifacts_in_a_registry() {
    skopeo_reads_our_artifacts(&Target::docker_registry());
}

#[test]
fn skopeo_reads_our_artifacts_in_a_layout() {
    skopeo_reads_our_artifacts(&Target::layouts());
}

fn skopeo_reads_our_artifacts(target: &Target) {
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    fs::write(dir.path().join("a.txt"), "a").unwrap();
    Tree::default().write(&dir.path().join("folder"));
    target
        .run(&oras, "push", "app:v1", &["a.txt", "folder"])
        .ok();
    let ours = target
        .run(&oras, "manifest fetch", "app:v1", &[])
        .ok()
        .stdout;
    assert_eq!(target.raw_by_skopeo("app:v1"), ours);
    target.pull_by_skopeo("app:v1");
}

#[test]
fn an_image_of_skopeo_goes_through_our_hands_unchanged() {
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    let (registry, layouts) = (Target::docker_registry(), Target::layouts());
    registry.receive_image("image:v1", &["one", "two", "three"]);
    let original = registry.raw_by_skopeo("image:v1");
    registry
        .copy(&oras, "image:v1", &registry, "mounted:v1", &[])
        .ok();
    registry
        .copy(&oras, "image:v1", &layouts, "image:v1", &[])
        .ok();
    layouts
        .copy(&oras, "image:v1", &registry, "back:v1", &[])
        .ok();
    for (place, name) in [
        (&registry, "mounted:v1"),
        (&layouts, "image:v1"),
        (&registry, "back:v1"),
    ] {
        assert_eq!(place.raw_by_skopeo(name), original);
        place.pull_by_skopeo(name);
    }
    layouts.receive_image("theirs:v1", &["one", "two"]);
    layouts
        .run(
            &oras,
            "attach",
            "theirs:v1",
            &["--artifact-type=a/b", "-a", "k=v"],
        )
        .ok();
    layouts.pull_by_skopeo("theirs:v1");
    let tags = layouts.run(&oras, "repo tags", "theirs", &[]).ok().stdout;
    assert_eq!(tags, "v1\n");
}

#[test]
fn umoci_reads_our_layout() {
    let Some(umoci) = umoci() else { return };
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    let (registry, layouts) = (Target::docker_registry(), Target::layouts());
    registry.receive_image("image:v1", &["one", "two"]);
    registry
        .copy(&oras, "image:v1", &layouts, "image:v1,v2", &[])
        .ok();
    let layout = layouts.word("image");
    let mut tags: Vec<_> = umoci
        .run(["ls", "--layout", &layout])
        .lines()
        .map(str::to_owned)
        .collect();
    tags.sort();
    assert_eq!(tags, ["v1", "v2"]);
    let bundle = dir.path().join("bundle");
    umoci.run([
        "unpack",
        "--rootless",
        "--image",
        &format!("{layout}:v2"),
        bundle.to_str().unwrap(),
    ]);
    assert_eq!(
        fs::read_to_string(bundle.join("rootfs/file-1.txt")).unwrap(),
        "two"
    );
}

#[test]
fn a_layout_in_a_tar_is_read() {
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    Tree::default().write(&dir.path().join("folder"));
    oras.run(["push", "--oci-layout", "lay:v1", "folder"]).ok();
    let tar = std::process::Command::new("tar")
        .args(["-cf", "lay.tar", "-C", "lay", "."])
        .current_dir(dir.path())
        .status();
    assert!(tar.unwrap().success());
    oras.run(["pull", "--oci-layout", "lay.tar:v1", "-o", "out"])
        .ok();
    assert_same_tree(&dir.path().join("folder"), &dir.path().join("out/folder"));
    let registry = DockerRegistry::start();
    oras.run([
        "cp",
        "--from-oci-layout",
        "lay.tar:v1",
        &registry.reference("a:v1"),
    ])
    .ok();
}

#[test]
fn a_login_of_skopeo_is_used() {
    let registry = DockerRegistry::with_auth();
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    fs::write(dir.path().join("a.txt"), "a").unwrap();
    let reference = registry.reference("app:v1");
    let out = oras.run(["push", &reference, "a.txt"]).fails();
    out.complains(["basic credential not found"]);
    let config = dir.path().join("docker");
    fs::create_dir(&config).unwrap();
    let file = config.join("config.json").display().to_string();
    skopeo().run([
        "login",
        "--tls-verify=false",
        "--authfile",
        &file,
        "-u",
        USER,
        "-p",
        PASSWORD,
        &registry.addr(),
    ]);
    let with_login = oras.clone().env("DOCKER_CONFIG", &config);
    with_login.run(["push", &reference, "a.txt"]).ok();
    with_login.run(["pull", &reference, "-o", "out"]).ok();
    oras.run(["pull", "--registry-config", &file, &reference, "-o", "out"])
        .ok();
    let out = oras
        .run(["pull", "-u", USER, "-p", "wrong", &reference])
        .fails();
    let out = out.complains(["Error response from registry: unauthorized"]);
    assert!(
        !out.stderr.contains("wrong"),
        "a password was told: {}",
        out.stderr
    );
    oras.run(["pull", "-u", USER, "-p", PASSWORD, &reference, "-o", "out"])
        .ok();
}

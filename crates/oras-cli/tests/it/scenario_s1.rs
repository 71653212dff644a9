//! S1: configuration next to the image.

use std::fs;

use oras_testkit::command::Family;
use tempfile::TempDir;

use crate::target::Target;
use crate::{oras_in, short};

const CONFIG: &str = r#"{"key":"value","n":12}"#;
const EMPTY: (&str, &str) = ("44136fa355b3", "application/vnd.oci.empty.v1+json");
const IMAGE_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

#[test]
fn configuration_travels_next_to_the_image_on_docker_registry() {
    scenario(&Target::docker_registry());
}

#[test]
fn configuration_travels_next_to_the_image_on_oras_serve() {
    scenario(&Target::oras_serve());
}

#[test]
fn configuration_travels_next_to_the_image_on_a_registry_with_the_referrers_api() {
    scenario(&Target::referrers_api());
}

#[test]
fn configuration_travels_next_to_the_image_in_layouts() {
    scenario(&Target::layouts());
}

fn scenario(target: &Target) {
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    assert_eq!(CONFIG.len(), 22);
    fs::write(dir.path().join("config.json"), CONFIG).unwrap();
    let file = oras_spec_short(CONFIG);

    // 1. Three objects, the reference, the type, the digest.
    let out = target
        .run(&oras, "push", "simpleconfig:v1", &["config.json"])
        .ok();
    let digest = out.digest();
    let out = out.reports(
        Family::Push,
        [
            (file.as_str(), "config.json"),
            EMPTY,
            (short(&digest), IMAGE_MANIFEST),
        ],
    );
    assert_eq!(out.field("Pushed "), target.shown("simpleconfig:v1"));
    assert_eq!(
        out.field("ArtifactType: "),
        "application/vnd.unknown.artifact.v1"
    );

    // 2. The manifest.
    let out = target
        .run(&oras, "manifest fetch", "simpleconfig:v1", &["--pretty"])
        .ok();
    assert!(
        out.stdout.starts_with("{\n  \"schemaVersion\": 2,\n"),
        "{}",
        out.stdout
    );
    let manifest = out.json();
    assert_eq!(manifest["mediaType"], IMAGE_MANIFEST);
    assert_eq!(
        manifest["artifactType"],
        "application/vnd.unknown.artifact.v1"
    );
    assert_eq!(manifest["config"]["mediaType"], EMPTY.1);
    assert_eq!(manifest["config"]["data"], "e30=");
    assert_eq!(manifest["layers"].as_array().unwrap().len(), 1);
    assert_eq!(
        manifest["layers"][0]["mediaType"],
        "application/vnd.oci.image.layer.v1.tar"
    );
    assert_eq!(manifest["layers"][0]["size"], 22);
    assert_eq!(
        manifest["layers"][0]["annotations"]["org.opencontainers.image.title"],
        "config.json"
    );
    assert!(
        manifest["annotations"]["org.opencontainers.image.created"]
            .as_str()
            .unwrap()
            .ends_with('Z')
    );

    // 3. Back again.
    let out = target
        .run(&oras, "pull", "simpleconfig:v1", &["-o", "output"])
        .ok();
    assert_eq!(out.digest(), digest);
    assert_eq!(out.field("Pulled "), target.shown("simpleconfig:v1"));
    assert_eq!(
        fs::read_to_string(dir.path().join("output/config.json")).unwrap(),
        CONFIG
    );

    // 4. and 5. An image of another client gets the file attached and stays as it was.
    let brings_images = !matches!(target, Target::Api(_));
    if brings_images {
        target.receive_image("testimage:v1", &["one", "two"]);
    } else {
        target
            .run(&oras, "push", "testimage:v1", &["config.json:text/plain"])
            .ok();
    }
    let before = target
        .run(&oras, "manifest fetch", "testimage:v1", &[])
        .ok()
        .stdout;
    let subject = target
        .run(&oras, "resolve", "testimage:v1", &[])
        .ok()
        .stdout
        .trim()
        .to_owned();
    let attach = ["--artifact-type=custom/config", "config.json"];
    let out = target.run(&oras, "attach", "testimage:v1", &attach).ok();
    let attached = out.digest();
    assert_eq!(
        out.field("Attached to "),
        target.shown(&format!("testimage@{subject}"))
    );
    assert_eq!(out.verbs(IMAGE_MANIFEST), ["Uploading", "Uploaded"]);
    let again = ["--artifact-type=custom/other", "config.json"];
    let out = target.run(&oras, "attach", "testimage:v1", &again).ok();
    assert_eq!(out.verbs("config.json"), ["Exists"]);
    assert_eq!(out.verbs(EMPTY.1), ["Exists"]);
    assert_eq!(out.verbs(IMAGE_MANIFEST), ["Uploading", "Uploaded"]);
    assert_eq!(
        target
            .run(&oras, "manifest fetch", "testimage:v1", &[])
            .ok()
            .stdout,
        before
    );
    if brings_images {
        assert_eq!(target.raw_by_skopeo("testimage:v1"), before);
        target.pull_by_skopeo("testimage:v1");
    }

    // 6. and 7. It is found, and comes back by its digest.
    let out = target.run(&oras, "discover", "testimage:v1", &[]).ok();
    out.says([
        "custom/config",
        &attached,
        &target.word(&format!("testimage@{subject}")),
    ]);
    target
        .run(
            &oras,
            "pull",
            &format!("testimage@{attached}"),
            &["-o", "restored"],
        )
        .ok();
    assert_eq!(
        fs::read_to_string(dir.path().join("restored/config.json")).unwrap(),
        CONFIG
    );
}

/// 8. Rollback at night: from the digest of an old image to exactly its configuration.
#[test]
fn an_old_image_leads_to_its_own_configuration_on_docker_registry() {
    rollback(&Target::docker_registry());
}

#[test]
fn an_old_image_leads_to_its_own_configuration_on_oras_serve() {
    rollback(&Target::oras_serve());
}

#[test]
fn an_old_image_leads_to_its_own_configuration_in_layouts() {
    rollback(&Target::layouts());
}

fn rollback(target: &Target) {
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    let mut images = Vec::new();
    for version in ["v1", "v2", "v3"] {
        target.receive_image(&format!("app:{version}"), &["base", version]);
        fs::write(
            dir.path().join("config.json"),
            format!("configuration of {version}"),
        )
        .unwrap();
        let name = format!("app:{version}");
        target
            .run(
                &oras,
                "attach",
                &name,
                &["--artifact-type=custom/config", "config.json"],
            )
            .ok();
        images.push(
            target
                .run(&oras, "resolve", &name, &[])
                .ok()
                .stdout
                .trim()
                .to_owned(),
        );
    }
    let v1 = format!("app@{}", images[0]);
    let found = target
        .run(
            &oras,
            "discover",
            &v1,
            &["--format", "json", "--artifact-type", "custom/config"],
        )
        .ok()
        .json();
    let referrers = found["referrers"].as_array().unwrap();
    assert_eq!(referrers.len(), 1, "{found}");
    let digest = referrers[0]["digest"].as_str().unwrap();
    target
        .run(&oras, "pull", &format!("app@{digest}"), &["-o", "night"])
        .ok();
    let config = fs::read_to_string(dir.path().join("night/config.json")).unwrap();
    assert_eq!(config, "configuration of v1");
}

fn oras_spec_short(text: &str) -> String {
    let digest = oras_testkit::fixture::Graph::new()
        .blob("text/plain", text.to_owned())
        .digest;
    digest.short().to_owned()
}

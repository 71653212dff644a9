//! S3: evidence in CI.

use std::fs;

use tempfile::TempDir;

use crate::oras_in;
use crate::target::Target;

#[test]
fn evidence_follows_the_image_without_the_referrers_api() {
    scenario(&Target::docker_registry());
}

#[test]
fn evidence_follows_the_image_by_the_referrers_api() {
    scenario(&Target::referrers_api());
}

#[test]
fn evidence_follows_the_image_on_oras_serve() {
    scenario(&Target::oras_serve());
}

#[test]
fn evidence_follows_the_image_in_layouts() {
    scenario(&Target::layouts());
}

fn scenario(target: &Target) {
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    let sbom_type = "application/vnd.cyclonedx+json";
    let attach = [
        "--artifact-type",
        sbom_type,
        "sbom.json:application/vnd.cyclonedx+json",
    ];
    let mut builds = Vec::new();
    for build in ["first build", "second build"] {
        // The same tag each time: CI rebuilds `latest`.
        fs::write(dir.path().join("hugo"), build).unwrap();
        target.run(&oras, "push", "hugo:latest", &["hugo"]).ok();
        fs::write(
            dir.path().join("sbom.json"),
            format!("{{\"of\":\"{build}\"}}"),
        )
        .unwrap();
        let sbom = target
            .run(&oras, "attach", "hugo:latest", &attach)
            .ok()
            .digest();
        let image = target
            .run(&oras, "resolve", "hugo:latest", &[])
            .ok()
            .stdout
            .trim()
            .to_owned();
        target
            .run(&oras, "discover", "hugo:latest", &[])
            .ok()
            .says([sbom_type, &sbom]);
        builds.push((build, image, sbom));
    }
    assert_ne!(builds[0].1, builds[1].1);
    for (build, image, sbom) in &builds {
        let out = target
            .run(
                &oras,
                "discover",
                &format!("hugo@{image}"),
                &["--format", "json"],
            )
            .ok()
            .json();
        let referrers = out["referrers"].as_array().unwrap();
        assert_eq!(referrers.len(), 1, "{out}");
        assert_eq!(referrers[0]["digest"], sbom.as_str());
        assert_eq!(referrers[0]["artifactType"], sbom_type);
        target
            .run(&oras, "pull", &format!("hugo@{sbom}"), &["-o", build])
            .ok();
        let content = fs::read_to_string(dir.path().join(build).join("sbom.json")).unwrap();
        assert_eq!(content, format!("{{\"of\":\"{build}\"}}"));
    }
}

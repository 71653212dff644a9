//! S5: the classic README, also with the flags of version 0.11.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oras_testkit::command::{Family, Oras};
use oras_testkit::peer::{DockerRegistry, PASSWORD, USER};
use tempfile::TempDir;

use crate::oras_in;
use crate::target::Target;

const ROCKET: &str = "application/vnd.acme.rocket.config";
const LAYER: &str = "sha256:a948904f2f0f479b8f8197694b30184b0d2ed1c1cd2a1ec0fb85d299a192a447";

fn files() -> (TempDir, Oras) {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("artifact.txt"), "hello world\n").unwrap();
    fs::write(dir.path().join("config.json"), "{\"a\":1}").unwrap();
    fs::create_dir(dir.path().join("docs")).unwrap();
    fs::write(dir.path().join("docs/readme.md"), "# docs").unwrap();
    let oras = oras_in(dir.path());
    (dir, oras)
}

#[test]
fn hello_world_with_a_config_out_of_nothing() {
    let (dir, oras) = files();
    let config = format!("/dev/null:{ROCKET}");
    for (flag, notice) in [
        ("--config", ""),
        (
            "--manifest-config",
            "Flag --manifest-config has been deprecated, use --config instead.\n",
        ),
    ] {
        for place in Target::each() {
            let rest = [flag, &config, "artifact.txt"];
            let out = place.run(&oras, "push", "hello-artifact:v1", &rest).ok();
            assert_eq!(out.stderr, notice);
            assert_eq!(out.field("ArtifactType: "), ROCKET);
            let found = place
                .run(&oras, "manifest fetch", "hello-artifact:v1", &[])
                .ok()
                .json();
            assert_eq!(found["config"]["mediaType"], ROCKET);
            assert_eq!(found["config"]["size"], 0);
            assert_eq!(found["layers"][0]["digest"], LAYER);
            assert_eq!(found["layers"][0]["size"], 12);
            let out = place
                .run(&oras, "pull", "hello-artifact:v1", &["-o", "out"])
                .ok()
                .reports(Family::Pull, [("a948904f2f0f", "artifact.txt")]);
            assert_eq!(out.stderr, "");
            let pulled = dir.path().join("out/artifact.txt");
            assert_eq!(fs::read_to_string(&pulled).unwrap(), "hello world\n");
            fs::remove_file(pulled).unwrap();
        }
    }
}

#[test]
fn a_config_a_typed_file_and_a_folder() {
    let (dir, oras) = files();
    for place in Target::each() {
        let rest = [
            "--config",
            "config.json:application/vnd.acme.rocket.config.v1+json",
            "artifact.txt:text/plain",
            "docs/",
        ];
        place.run(&oras, "push", "hello-artifact:v2", &rest).ok();
        let found = place
            .run(&oras, "manifest fetch", "hello-artifact:v2", &[])
            .ok()
            .json();
        assert_eq!(
            found["config"]["mediaType"],
            "application/vnd.acme.rocket.config.v1+json"
        );
        assert_eq!(found["config"]["size"], 7);
        assert_eq!(found["layers"][0]["mediaType"], "text/plain");
        assert_eq!(found["layers"][0]["digest"], LAYER);
        let folder = &found["layers"][1];
        assert_eq!(
            folder["mediaType"],
            "application/vnd.oci.image.layer.v1.tar+gzip"
        );
        let annotations = &folder["annotations"];
        assert_eq!(annotations["org.opencontainers.image.title"], "docs");
        assert_eq!(annotations["io.deis.oras.content.unpack"], "true");
        let digest = annotations["io.deis.oras.content.digest"].as_str().unwrap();
        assert!(digest.starts_with("sha256:"));
        place
            .run(&oras, "pull", "hello-artifact:v2", &["-o", "out"])
            .ok();
        oras_testkit::fixture::assert_same_tree(
            &dir.path().join("docs"),
            &dir.path().join("out/docs"),
        );
    }
}

#[test]
fn pull_still_takes_the_old_flags() {
    let (dir, oras) = files();
    for place in Target::each() {
        let rest = [
            "artifact.txt:text/plain",
            "config.json:application/json",
            "docs:t/docs",
        ];
        place.run(&oras, "push", "app:v1", &rest).ok();
        let all =
            "Flag --allow-all has been deprecated, and will be removed in a future release.\n";
        for flag in ["-a", "--allow-all"] {
            let out = place
                .run(&oras, "pull", "app:v1", &[flag, "-o", "all"])
                .ok();
            assert_eq!(out.stderr, all);
        }
        for name in ["artifact.txt", "config.json", "docs/readme.md"] {
            assert!(dir.path().join("all").join(name).exists(), "{name}");
        }
        let one =
            "Flag --media-type has been deprecated, and will be removed in a future release.\n";
        let rest = ["--media-type", "text/plain", "-o", "some"];
        let out = place.run(&oras, "pull", "app:v1", &rest).ok();
        assert_eq!(out.stderr, one);
        assert!(out.stdout.contains("\nPulled "), "{}", out.all());
        assert_eq!(out.verbs("config.json"), ["Skipped"]);
        let names = |folder: &str| {
            let entries = fs::read_dir(dir.path().join(folder)).unwrap();
            let mut names: Vec<_> = entries
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            names.sort();
            names
        };
        assert_eq!(names("some"), ["artifact.txt"]);
        let rest = [
            "--media-type",
            "application/json",
            "-t",
            "t/docs",
            "-o",
            "more",
            "--format",
            "json",
        ];
        let out = place.run(&oras, "pull", "app:v1", &rest).ok();
        assert_eq!(out.stderr, one.repeat(2));
        assert_eq!(out.json()["files"].as_array().unwrap().len(), 2);
        assert_eq!(names("more"), ["config.json", "docs"]);
        for folder in ["all", "some", "more"] {
            fs::remove_dir_all(dir.path().join(folder)).unwrap();
        }
    }
}

#[test]
fn credentials_come_from_flags_or_from_the_file_that_is_named() {
    let (dir, oras) = files();
    let registry = DockerRegistry::with_auth();
    let reference = registry.reference("hello-artifact:v1");
    let warning = "WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n";
    let out = oras
        .run([
            "push",
            "-u",
            USER,
            "-p",
            PASSWORD,
            &reference,
            "artifact.txt",
        ])
        .ok();
    assert_eq!(out.stderr, warning);
    let auth = STANDARD.encode(format!("{USER}:{PASSWORD}"));
    let config = format!(
        r#"{{"auths":{{"{}":{{"auth":"{auth}"}}}}}}"#,
        registry.addr()
    );
    fs::write(dir.path().join("auth.json"), &config).unwrap();
    let out = oras
        .run([
            "pull",
            "--registry-config",
            "auth.json",
            &reference,
            "-o",
            "one",
        ])
        .ok();
    assert_eq!(out.stderr, "");
    let notice = "Flag -c has been deprecated, use --registry-config instead.\n";
    for command in ["pull", "push", "attach", "discover"] {
        let mut words = vec![command, "-c", "auth.json", &reference];
        words.extend(match command {
            "push" => &["artifact.txt"][..],
            "attach" => &["--artifact-type", "t/a", "artifact.txt"],
            _ => &[],
        });
        assert_eq!(oras.run(words).ok().stderr, notice, "{command}");
    }
    // The file of docker, in its folder.
    let docker = dir.path().join("docker");
    fs::create_dir(&docker).unwrap();
    fs::write(docker.join("config.json"), &config).unwrap();
    let out = oras
        .clone()
        .env("DOCKER_CONFIG", &docker)
        .run(["pull", &reference, "-o", "two"])
        .ok();
    assert_eq!(out.stderr, "");
    // Without any.
    let path = oras.home().join(".docker/config.json");
    let hint = format!(
        "Please check whether the registry credential stored in the authentication file at \"{}\" is correct\n",
        path.display()
    );
    let resolving = "failed to resolve v1: ";
    for (words, context) in [
        (&["pull", &reference][..], ""),
        (&["push", &reference, "artifact.txt"], ""),
        (&["discover", &reference], ""),
        (
            &[
                "attach",
                "--artifact-type",
                "t/a",
                &reference,
                "artifact.txt",
            ],
            resolving,
        ),
    ] {
        let out = oras.run(words).fails();
        let expected = format!("Error: {context}basic credential not found\n{hint}");
        assert_eq!(out.stderr, expected, "{}", out.line);
    }
    // With the wrong one.
    let head = |at: &str| {
        format!(
            "HEAD \"http://{}/v2/hello-artifact/manifests/{at}\": response status code 401: Unauthorized",
            registry.addr()
        )
    };
    for (words, expected) in [
        (&["pull", &reference][..], "unauthorized: authentication required: [map[Action:pull Class: Name:hello-artifact Type:repository]]".to_owned()),
        (&["discover", &reference], head("v1")),
        (&["attach", "--artifact-type", "t/a", &reference, "artifact.txt"], head("v1")),
    ] {
        let words = words.iter().chain(&["-u", USER, "-p", "wrong"]);
        let out = oras.run(words).fails();
        assert_eq!(out.stderr, format!("{warning}Error response from registry: {expected}\n"), "{}", out.line);
    }
    let words = [
        "push",
        &reference,
        "artifact.txt",
        "-u",
        USER,
        "-p",
        "wrong",
    ];
    let out = oras.run(words).fails();
    assert!(
        out.stderr
            .contains("Error response from registry: HEAD \"http://"),
        "{}",
        out.stderr
    );
    assert!(
        out.stderr
            .ends_with("response status code 401: Unauthorized\n"),
        "{}",
        out.stderr
    );
    let words = [
        "attach",
        "--artifact-type",
        "t/a",
        &reference,
        "artifact.txt",
        "--identity-token",
        "x",
    ];
    let out = oras.run(words).fails();
    let url = format!("http://{}/v2/hello-artifact/manifests/v1", registry.addr());
    assert!(out.stderr.ends_with(&format!("Error: failed to resolve v1: HEAD \"{url}\": missing username or password for basic auth\n")), "{}", out.stderr);
}

#[test]
fn old_flags_are_not_shown() {
    let (_dir, oras) = files();
    for command in ["push", "pull", "attach", "discover"] {
        let help = oras.run([command, "--help"]).ok().stdout;
        for old in ["--manifest-config", "-c,", "--allow-all", "--media-type"] {
            assert!(!help.contains(old), "{command}: {old}");
        }
    }
    // They belong to push and pull.
    for line in [
        "attach --manifest-config x a",
        "push --allow-all a",
        "cp -c x a b",
    ] {
        oras.run(line.split(' ')).fails().complains(["unknown "]);
    }
}

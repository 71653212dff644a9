//! S4: relations of OCI 1.1, the retired manifest types, and platforms.

use std::fs;

use oras_testkit::command::Oras;
use oras_testkit::fixture::Graph;
use tempfile::TempDir;

use crate::oras_in;
use crate::target::Target;

const SIGNATURE: &str = "application/vnd.cncf.notary.signature";

#[test]
fn a_tree_of_referrers_is_shown_and_moves_as_a_whole_from_docker_registry() {
    let registry = Target::docker_registry();
    relations(&registry, &registry);
}

#[test]
fn a_tree_of_referrers_is_shown_and_moves_as_a_whole_by_the_referrers_api() {
    relations(&Target::referrers_api(), &Target::docker_registry());
}

#[test]
fn a_tree_of_referrers_is_shown_and_moves_as_a_whole_from_oras_serve() {
    let registry = Target::oras_serve();
    relations(&registry, &registry);
    relations(&Target::oras_serve(), &Target::docker_registry());
}

#[test]
fn a_tree_of_referrers_is_shown_and_moves_as_a_whole_between_layouts() {
    let layouts = Target::layouts();
    relations(&layouts, &layouts);
}

fn relations(from: &Target, to: &Target) {
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    for (name, content) in [
        ("rocket.txt", "rocket"),
        ("doc.md", "# doc"),
        ("sig.jws", "{\"s\":1}"),
        ("sbom.json", "{}\n"),
        ("sig2.jws", "{\"s\":2}"),
    ] {
        fs::write(dir.path().join(name), content).unwrap();
    }
    let push = [
        "--artifact-type",
        "application/vnd.acme.rocket.config",
        "rocket.txt",
    ];
    let image = from.run(&oras, "push", "rocket:v1", &push).ok().digest();
    let attach = |subject: &str, kind: &str, file: &str| {
        from.run(&oras, "attach", subject, &["--artifact-type", kind, file])
            .ok()
            .digest()
    };
    let doc = attach("rocket:v1", "doc/example", "doc.md");
    let signature = attach("rocket:v1", SIGNATURE, "sig.jws:application/jose+json");
    let sbom = attach("rocket:v1", "sbom/example", "sbom.json:application/json");
    let of_sbom = attach(
        &format!("rocket@{sbom}"),
        SIGNATURE,
        "sig2.jws:application/jose+json",
    );
    let all = [&doc, &signature, &sbom, &of_sbom];

    // The tree: the signature of the SBOM stands below the SBOM.
    let tree = from.run(&oras, "discover", "rocket:v1", &[]).ok().stdout;
    assert!(
        tree.starts_with(&from.word(&format!("rocket@{image}"))),
        "{tree}"
    );
    for digest in all {
        assert!(tree.contains(digest.as_str()), "{tree}");
    }
    let indent = |digest: &str| tree.lines().find_map(|line| line.find(digest)).unwrap();
    assert!(indent(&of_sbom) > indent(&sbom), "{tree}");
    let shallow = from
        .run(&oras, "discover", "rocket:v1", &["--depth", "1"])
        .ok()
        .stdout;
    assert!(
        shallow.contains(&sbom) && !shallow.contains(&of_sbom),
        "{shallow}"
    );
    assert_nested(from, &oras, "rocket:v1", &sbom, &of_sbom);

    // All of it moves: to another repository, to a layout, and from there back.
    let layouts = Target::layouts();
    let out = from.copy(&oras, "rocket:v1", to, "moved:v1", &["-r"]).ok();
    assert_eq!(out.digest(), image);
    assert_eq!(
        out.field("Copied ["),
        format!(
            "{} => {}",
            &from.shown("rocket:v1")[1..],
            to.shown("moved:v1")
        )
    );
    assert_nested(to, &oras, "moved:v1", &sbom, &of_sbom);
    from.copy(&oras, "rocket:v1", &layouts, "rocket:v1", &["-r"])
        .ok();
    assert_nested(&layouts, &oras, "rocket:v1", &sbom, &of_sbom);
    layouts
        .copy(&oras, "rocket:v1", to, "restored:v1", &["-r"])
        .ok();
    assert_nested(to, &oras, "restored:v1", &sbom, &of_sbom);
    to.run(&oras, "pull", "restored:v1", &["-o", "out"]).ok();
    assert_eq!(
        fs::read_to_string(dir.path().join("out/rocket.txt")).unwrap(),
        "rocket"
    );
    to.run(
        &oras,
        "pull",
        &format!("restored@{of_sbom}"),
        &["-o", "out"],
    )
    .ok();
    assert_eq!(
        fs::read_to_string(dir.path().join("out/sig2.jws")).unwrap(),
        "{\"s\":2}"
    );
}

/// `--format json` shows three referrers, and one of them has one of its own.
fn assert_nested(place: &Target, oras: &Oras, name: &str, sbom: &str, of_sbom: &str) {
    let found = place
        .run(oras, "discover", name, &["--format", "json"])
        .ok()
        .json();
    let referrers = found["referrers"].as_array().unwrap();
    assert_eq!(referrers.len(), 3, "{found:#}");
    for referrer in referrers {
        let nested: Vec<_> = referrer["referrers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| &one["digest"])
            .collect();
        let expected: &[&str] = if referrer["digest"] == sbom {
            &[of_sbom]
        } else {
            &[]
        };
        assert_eq!(nested, expected, "{found:#}");
    }
}

#[test]
fn retired_artifact_manifests_are_fetched_shown_discovered_and_copied() {
    for retired in [
        "application/vnd.oci.artifact.manifest.v1+json",
        "application/vnd.cncf.oras.artifact.manifest.v1+json",
    ] {
        let dir = TempDir::new().unwrap();
        let oras = oras_in(dir.path());
        let mut graph = Graph::new();
        let file = graph.file("hello.txt", "text/plain", "hello");
        let image = graph.artifact("test/image", &[&file], None);
        let note = graph.file("note.txt", "text/plain", "a note");
        let old = graph.legacy_artifact(retired, "test/old", &[&note], Some(&image));
        let layouts = Target::layouts();
        let Target::Layouts(root) = &layouts else {
            unreachable!()
        };
        graph.write_layout(&root.path().join("app"), &[("v1", &image)]);

        layouts
            .run(&oras, "discover", "app:v1", &[])
            .ok()
            .says(["test/old", old.digest.as_str()]);
        let out = layouts
            .run(&oras, "manifest fetch", &format!("app@{}", old.digest), &[])
            .ok();
        assert_eq!(out.stdout.as_bytes(), graph.bytes(&old.digest));
        // Debian's registry refuses these types, so the other one takes them.
        for place in [
            Target::layouts(),
            Target::referrers_api(),
            Target::oras_serve(),
        ] {
            layouts
                .copy(&oras, "app:v1", &place, "copied:v1", &["-r"])
                .ok();
            place
                .run(&oras, "discover", "copied:v1", &[])
                .ok()
                .says([old.digest.as_str()]);
            place
                .run(
                    &oras,
                    "pull",
                    &format!("copied@{}", old.digest),
                    &["-o", "out"],
                )
                .ok();
            assert_eq!(
                fs::read_to_string(dir.path().join("out/note.txt")).unwrap(),
                "a note"
            );
            fs::remove_dir_all(dir.path().join("out")).unwrap();
        }
    }
}

#[test]
fn an_index_keeps_its_platforms_and_one_can_be_selected() {
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    let mut graph = Graph::new();
    let amd = graph.file("tool", "application/octet-stream", "for amd64");
    let arm = graph.file("tool", "application/octet-stream", "for arm64");
    let (amd, arm) = (
        graph.image("linux/amd64", &[&amd]),
        graph.image("linux/arm64", &[&arm]),
    );
    let index = graph.index(&[("linux/amd64", &amd), ("linux/arm64", &arm)]);
    let layouts = Target::layouts();
    let Target::Layouts(root) = &layouts else {
        unreachable!()
    };
    graph.write_layout(&root.path().join("tool"), &[("multi", &index)]);

    let registry = Target::docker_registry();
    let copied = layouts
        .copy(&oras, "tool:multi", &registry, "tool:multi", &[])
        .ok();
    assert_eq!(copied.digest(), index.digest.as_str());
    let ours = Target::oras_serve();
    layouts
        .copy(&oras, "tool:multi", &ours, "tool:multi", &[])
        .ok();
    for place in [&registry, &ours, &layouts] {
        let raw = place
            .run(&oras, "manifest fetch", "tool:multi", &[])
            .ok()
            .stdout;
        assert_eq!(raw.as_bytes(), graph.bytes(&index.digest));
        let platform = ["--platform", "linux/arm64"];
        let out = place.run(&oras, "resolve", "tool:multi", &platform).ok();
        assert_eq!(out.stdout.trim(), arm.digest.as_str());
        let raw = place
            .run(&oras, "manifest fetch", "tool:multi", &platform)
            .ok()
            .stdout;
        assert_eq!(raw.as_bytes(), graph.bytes(&arm.digest));
        place
            .run(
                &oras,
                "pull",
                "tool:multi",
                &["--platform", "linux/arm64", "-o", "out"],
            )
            .ok();
        assert_eq!(
            fs::read_to_string(dir.path().join("out/tool")).unwrap(),
            "for arm64"
        );
        let missing = place
            .run(&oras, "pull", "tool:multi", &["--platform", "plan9/mips"])
            .fails();
        missing.complains(["no matching manifest was found in the manifest list"]);
        // One platform copied alone: the index stays where it is.
        let other = Target::layouts();
        let out = place
            .copy(&oras, "tool:multi", &other, "one:v1", &platform)
            .ok();
        assert_eq!(out.digest(), arm.digest.as_str());
        other
            .run(
                &oras,
                "manifest fetch",
                &format!("one@{}", index.digest),
                &[],
            )
            .fails();
    }
}

//! S7: a repository with everything that refers to it leaves for a machine without a network, as one file.

use std::fs;
use std::time::Duration;

use bytes::Bytes;
use oras_testkit::fault::{Answer, FakeRegistry, FaultServer};
use oras_testkit::fixture::Graph;
use oras_testkit::peer::{skopeo, umoci};
use tempfile::TempDir;

use crate::oras_in;
use crate::target::Target;

#[test]
fn an_image_with_its_evidence_is_carried_from_docker_registry() {
    carried(&Target::docker_registry(), &Target::oras_serve());
}

#[test]
fn an_image_with_its_evidence_is_carried_from_oras_serve() {
    carried(&Target::oras_serve(), &Target::docker_registry());
}

fn carried(from: &Target, to: &Target) {
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    fs::write(dir.path().join("sbom.json"), "{}\n").unwrap();
    from.receive_image("app:v1", &["one", "two"]);
    let attached = ["--artifact-type", "sbom/example", "sbom.json"];
    let sbom = from.run(&oras, "attach", "app:v1", &attached).ok().digest();
    let original = from.raw_by_skopeo("app:v1");

    let save = |output: &str| {
        let name = from.word("app:v1");
        let words = ["backup", "--include-referrers", "-o", output, &name];
        oras.run(words)
            .ok()
            .says(["Pulled tag v1 with 1 referrer(s)"]);
    };
    save("carry.tar");
    save("carry");

    // Others read it on the way.
    let in_dir = |name: &str| dir.path().join(name).display().to_string();
    for source in [
        format!("oci-archive:{}:v1", in_dir("carry.tar")),
        format!("oci:{}:v1", in_dir("carry")),
    ] {
        assert_eq!(skopeo().run(["inspect", "--raw", &source]), original);
        let copy = format!("dir:{}", in_dir("skopeo"));
        skopeo().run(["copy", "--quiet", &source, &copy]);
    }
    if let Some(umoci) = umoci() {
        let image = format!("{}:v1", in_dir("carry"));
        umoci.run(["unpack", "--rootless", "--image", &image, &in_dir("bundle")]);
        assert_eq!(
            fs::read_to_string(dir.path().join("bundle/rootfs/file-1.txt")).unwrap(),
            "two"
        );
    }
    // Every reading command takes the tar where it takes a layout.
    let evidence = format!("carry.tar@{sbom}");
    oras.run(["discover", "--oci-layout", "carry.tar:v1"])
        .ok()
        .says([&sbom]);
    oras.run(["pull", "--oci-layout", &evidence, "-o", "out"])
        .ok();
    assert_eq!(
        fs::read_to_string(dir.path().join("out/sbom.json")).unwrap(),
        "{}\n"
    );
    let raw = oras
        .run(["manifest", "fetch", "--oci-layout", "carry.tar:v1"])
        .ok();
    assert_eq!(raw.stdout, original);
    oras.run([
        "manifest",
        "fetch-config",
        "--oci-layout-path",
        "carry.tar",
        "v1",
    ])
    .ok();
    assert_eq!(
        oras.run(["repo", "tags", "--oci-layout", "carry.tar"])
            .ok()
            .stdout,
        "v1\n"
    );
    oras.run(["resolve", "--oci-layout", "carry.tar:v1"]).ok();

    // It arrives, either way.
    let word = to.word("app");
    oras.run(["restore", "--input", "carry.tar", &word])
        .ok()
        .says(["Pushed tag v1 with 1 referrer(s)"]);
    assert_eq!(to.raw_by_skopeo("app:v1"), original);
    to.pull_by_skopeo("app:v1");
    to.run(&oras, "discover", "app:v1", &[]).ok().says([&sbom]);
    let copied = to.word("copied:v1");
    oras.run(["cp", "-r", "--from-oci-layout", "carry.tar:v1", &copied])
        .ok();
    to.run(&oras, "discover", "copied:v1", &[])
        .ok()
        .says([&sbom]);

    // A layout that others wrote is restored as well.
    let theirs = format!("oci:{}:v9", in_dir("theirs"));
    skopeo().run([
        "copy",
        "--quiet",
        &format!("dir:{}", in_dir("skopeo")),
        &theirs,
    ]);
    oras.run(["restore", "--input", "theirs", &to.word("theirs")])
        .ok();
    to.pull_by_skopeo("theirs:v9");
}

#[test]
fn a_backup_that_is_interrupted_leaves_nothing_behind() {
    let mut graph = Graph::new();
    let layer = graph.file("big", "text/plain", vec![7; 1 << 20]);
    let v1 = graph.artifact("test/v1", &[&layer], None);
    let registry = FakeRegistry::new(graph).tag("v1", &v1);
    let blob = layer.digest.clone();
    let server = FaultServer::start(move |request| match request.is_blob(&blob) {
        true if request.method == "GET" => {
            let pieces = (0..16).map(|_| Bytes::from(vec![7; 1 << 16]));
            Answer::ok("application/octet-stream", "")
                .pieces(pieces)
                .pause(Duration::from_secs(2))
        }
        _ => registry.answer(request),
    });
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    fs::write(dir.path().join("x.tar"), "old").unwrap();
    let name = server.reference("app:v1");
    let running = oras.args(["backup", "-o", "x.tar", &name]).spawn();
    while !server
        .requests()
        .iter()
        .any(|request| request.is_blob(&layer.digest))
    {
        std::thread::yield_now();
    }
    let out = running.interrupt().fails();
    assert_eq!(out.stderr, "Error: interrupt signal received\n");
    assert_eq!(fs::read(dir.path().join("x.tar")).unwrap(), b"old");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    assert_eq!(fs::read_dir(oras.temporary()).unwrap().count(), 0);
}

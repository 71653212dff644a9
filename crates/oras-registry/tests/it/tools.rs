//! The programs people use.

use std::path::Path;
use std::process::Command;

use oras_testkit::peer::{Tool, skopeo};
use tempfile::TempDir;

use crate::both::{Storage, on_both};

on_both!(
    skopeo_copies_in_and_out_inspects_lists_and_deletes,
    buildah_pushes_what_it_builds_and_podman_goes_on,
);

pub(crate) async fn run(program: &Path, arguments: &[&str]) -> String {
    attempt(program, arguments)
        .await
        .unwrap_or_else(|problem| panic!("{program:?} {arguments:?}: {problem}"))
}

/// The output of a program, or what it says when it fails.
pub(crate) async fn attempt(program: &Path, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new(program);
    command.args(arguments);
    tokio::task::spawn_blocking(move || {
        let output = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match output.status.success() {
            true => Ok(text(&output.stdout)),
            false => Err(text(&output.stderr)),
        }
    })
    .await
    .unwrap()
}

/// A layout with an image of one layer under the tag `v1`.
pub(crate) async fn layout(folder: &Path) {
    use oras_spec::{Descriptor, Digest, ImageIndex, ImageManifest, json, layout, media_type};
    let write = |content: &[u8]| {
        let path = folder.join(layout::blob_path(&Digest::sha256(content)));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    };
    let config = br#"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"]},"config":{}}"#;
    let layer = vec![0; 1024];
    let manifest = ImageManifest::new(
        Descriptor::of_bytes(media_type::IMAGE_CONFIG, config),
        vec![Descriptor::of_bytes(media_type::IMAGE_LAYER, &layer)],
    );
    let manifest = json::to_vec(&manifest).unwrap();
    let mut entry = Descriptor::of_bytes(media_type::IMAGE_MANIFEST, &manifest);
    entry
        .annotations
        .insert("org.opencontainers.image.ref.name".into(), "v1".into());
    for content in [&config[..], &layer, &manifest] {
        write(content);
    }
    std::fs::write(
        folder.join("oci-layout"),
        r#"{"imageLayoutVersion":"1.0.0"}"#,
    )
    .unwrap();
    let index = json::to_vec(&ImageIndex::new(vec![entry])).unwrap();
    std::fs::write(folder.join("index.json"), index).unwrap();
}

/// Calls a program with settings that are the same each time.
struct Caller<'a> {
    program: &'a Path,
    settings: Vec<String>,
}

impl Caller<'_> {
    async fn attempt(&self, arguments: &[&str]) -> Result<String, String> {
        let settings = self.settings.iter().map(String::as_str);
        let arguments: Vec<&str> = settings.chain(arguments.iter().copied()).collect();
        attempt(self.program, &arguments).await
    }

    async fn run(&self, arguments: &[&str]) -> String {
        let output = self.attempt(arguments).await;
        output.unwrap_or_else(|problem| panic!("{:?} {arguments:?}: {problem}", self.program))
    }
}

fn digest_in(layout: &str) -> serde_json::Value {
    let folder = layout.strip_prefix("oci:").unwrap();
    let folder = folder.strip_suffix(":v1").unwrap();
    let index = std::fs::read(format!("{folder}/index.json")).unwrap();
    let index: serde_json::Value = serde_json::from_slice(&index).unwrap();
    index["manifests"][0]["digest"].clone()
}

async fn skopeo_copies_in_and_out_inspects_lists_and_deletes(storage: Storage) {
    let skopeo = skopeo();
    let skopeo = skopeo.path();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::create_dir(path("from")).unwrap();
    layout(Path::new(&path("from"))).await;
    let (builder, _kept) = storage.builder();
    let server = builder.start().await.unwrap();
    let image = format!("docker://{}/team/app:v1", server.addr());
    let other = format!("docker://{}/team/other:v1", server.addr());
    let from = format!("oci:{}:v1", path("from"));
    let out = format!("oci:{}:v1", path("to"));
    let copy = Caller {
        program: skopeo,
        settings: [
            "copy",
            "--all",
            "--preserve-digests",
            "--insecure-policy",
            "--src-tls-verify=false",
            "--dest-tls-verify=false",
        ]
        .map(str::to_owned)
        .into(),
    };
    for (source, target) in [(&from, &image), (&image, &other), (&other, &out)] {
        copy.run(&[source, target]).await;
    }
    assert_eq!(digest_in(&from), digest_in(&out));
    let inspected = run(skopeo, &["inspect", "--tls-verify=false", &image]).await;
    assert!(inspected.contains("\"v1\""), "{inspected}");
    let raw = run(skopeo, &["inspect", "--raw", "--tls-verify=false", &image]).await;
    let digest = oras_spec::Digest::sha256(raw.as_bytes());
    assert_eq!(digest_in(&from), digest.as_str());
    let repository = image.strip_suffix(":v1").unwrap();
    let tags = run(skopeo, &["list-tags", "--tls-verify=false", repository]).await;
    assert!(tags.contains("\"v1\""), "{tags}");
    let sync = [
        "sync",
        "--all",
        "--src=docker",
        "--dest=dir",
        "--src-tls-verify=false",
        "--insecure-policy",
        repository.strip_prefix("docker://").unwrap(),
        &path("synced"),
    ];
    run(skopeo, &sync).await;
    let synced = std::fs::read_to_string(path("synced/app:v1/manifest.json")).unwrap();
    assert_eq!(synced, raw);
    run(skopeo, &["delete", "--tls-verify=false", &image]).await;
    let tags = run(skopeo, &["list-tags", "--tls-verify=false", repository]).await;
    assert!(!tags.contains("\"v1\""), "{tags}");
}

/// Containers and images of their own, in `folder`.
fn containers<'a>(tool: &'a Tool, folder: &TempDir) -> Caller<'a> {
    let path = |name: &str| folder.path().join(name).display().to_string();
    Caller {
        program: tool.path(),
        settings: vec![
            format!("--root={}", path("root")),
            format!("--runroot={}", path("run")),
            "--storage-driver=vfs".to_owned(),
        ],
    }
}

const INSECURE: &str = "--tls-verify=false";

// Whoever runs the tests should know what was not tested.
#[allow(clippy::print_stderr)]
async fn buildah_pushes_what_it_builds_and_podman_goes_on(storage: Storage) {
    let (Some(buildah), Some(podman)) = (Tool::find("buildah"), Tool::find("podman")) else {
        eprintln!("note: without buildah and podman they are not tested");
        return;
    };
    let (built, pulled) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let buildah = containers(&buildah, &built);
    let podman = containers(&podman, &pulled);
    let Ok(container) = buildah.attempt(&["from", "scratch"]).await else {
        eprintln!("note: this user can't build containers, so buildah and podman are not tested");
        return;
    };
    let container = container.trim();
    let (builder, _kept) = storage.builder();
    let server = builder.start().await.unwrap();
    let app = format!("{}/team/app", server.addr());
    let file = built.path().join("file");
    std::fs::write(&file, "content").unwrap();
    let file = file.display().to_string();
    buildah.run(&["copy", container, &file, "/file"]).await;
    for format in ["oci", "docker"] {
        let image = format!("{app}:{format}");
        let kind = format!("--format={format}");
        buildah.run(&["commit", &kind, container, &image]).await;
        buildah.run(&["push", &kind, INSECURE, &image]).await;
        let id = podman.run(&["pull", "--quiet", INSECURE, &image]).await;
        let ids = buildah
            .run(&["images", "--quiet", "--no-trunc", &image])
            .await;
        assert!(ids.contains(id.trim()), "{ids} {id}");
    }
    // To a sibling: what is there already is mounted.
    let sibling = format!("{}/team/sibling:v1", server.addr());
    podman.run(&["tag", &format!("{app}:oci"), &sibling]).await;
    podman.run(&["push", INSECURE, &sibling]).await;
    let tags = ["search", "--list-tags", INSECURE, &app];
    let tags = podman.run(&tags).await;
    assert!(tags.contains("docker") && tags.contains("oci"), "{tags}");
    podman.run(&["manifest", "create", "list"]).await;
    let entry = format!("docker://{app}:oci");
    podman
        .run(&["manifest", "add", INSECURE, "list", &entry])
        .await;
    let list = format!("docker://{app}:list");
    podman
        .run(&["manifest", "push", "--all", INSECURE, "list", &list])
        .await;
    podman.run(&["rmi", "--all", "--force"]).await;
    podman
        .run(&["pull", INSECURE, &format!("{app}:list")])
        .await;
}

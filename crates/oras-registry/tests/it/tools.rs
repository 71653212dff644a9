//! The programs people use.

use std::path::Path;
use std::process::Command;

use oras_registry::Registry;
use oras_testkit::peer::skopeo;

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

#[tokio::test]
async fn skopeo_copies_in_and_out_inspects_lists_and_deletes() {
    let skopeo = skopeo();
    let skopeo = skopeo.path();
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    std::fs::create_dir(&from).unwrap();
    layout(&from).await;
    let server = Registry::builder().start().await.unwrap();
    let image = format!("docker://{}/team/app:v1", server.addr());
    let other = format!("docker://{}/team/other:v1", server.addr());
    let from = format!("oci:{}:v1", from.display());
    let out = format!("oci:{}:v1", to.display());
    let copy = [
        "copy",
        "--preserve-digests",
        "--insecure-policy",
        "--src-tls-verify=false",
        "--dest-tls-verify=false",
    ];
    for (source, target) in [(&from, &image), (&image, &other), (&other, &out)] {
        run(skopeo, &[&copy[..], &[source, target]].concat()).await;
    }
    let read = |folder: &str| std::fs::read_to_string(folder).unwrap();
    let index = |layout: &str| -> serde_json::Value {
        let folder = layout
            .strip_prefix("oci:")
            .unwrap()
            .strip_suffix(":v1")
            .unwrap();
        serde_json::from_str(&read(&format!("{folder}/index.json"))).unwrap()
    };
    assert_eq!(
        index(&from)["manifests"][0]["digest"],
        index(&out)["manifests"][0]["digest"]
    );
    let inspected = run(skopeo, &["inspect", "--tls-verify=false", &image]).await;
    assert!(
        inspected.contains("\"Tag\": \"v1\"") || inspected.contains("\"v1\""),
        "{inspected}"
    );
    let repository = image.strip_suffix(":v1").unwrap();
    let tags = run(skopeo, &["list-tags", "--tls-verify=false", repository]).await;
    assert!(tags.contains("\"v1\""), "{tags}");
    run(skopeo, &["delete", "--tls-verify=false", &image]).await;
    let tags = run(skopeo, &["list-tags", "--tls-verify=false", repository]).await;
    assert!(!tags.contains("\"v1\""), "{tags}");
}

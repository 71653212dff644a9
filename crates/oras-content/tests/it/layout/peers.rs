//! Other programs read what we wrote, and we read what they wrote.

use std::fs;

use oras_content::layout::{LayoutReader, LayoutStore};
use oras_content::{Delete, FetchExt, Resolve, Tag, Untag};
use oras_spec::media_type;
use oras_testkit::fixture::{Graph, TarEntry, docker_archive, gzip, tar_of};
use oras_testkit::peer::{skopeo, umoci};
use tempfile::tempdir;

use super::{assert_complete, push_all};

#[tokio::test]
async fn skopeo_writes_and_we_read_and_change_and_skopeo_reads_again() {
    let root = tempdir().unwrap();
    let path = |name: &str| root.path().join(name).to_str().unwrap().to_owned();
    docker_archive(
        &root.path().join("image.tar"),
        "example.com/app:v1",
        &["one", "two"],
    );
    let skopeo = skopeo();
    let archive = format!("docker-archive:{}", path("image.tar"));
    let image = format!("oci:{}:v1", path("layout"));
    skopeo.run(["--insecure-policy", "copy", "-q", &archive, &image]);

    for reader in [path("layout")] {
        let reader = LayoutReader::open(reader).await.unwrap();
        let descriptor = reader.resolve("v1").await.unwrap();
        let manifest = reader.fetch_manifest(&descriptor).await.unwrap();
        assert_eq!(manifest.layers().len(), 2);
        for layer in manifest.layers() {
            reader.fetch_bytes(layer, 1 << 20).await.unwrap();
        }
    }

    let store = LayoutStore::open(path("layout")).await.unwrap();
    let descriptor = store.resolve("v1").await.unwrap();
    store.tag(&descriptor, "v2").await.unwrap();
    let moved = format!("oci:{}:v2", path("layout"));
    let raw = skopeo.run(["inspect", "--raw", &moved]);
    assert_eq!(
        raw.as_bytes(),
        store.fetch_manifest(&descriptor).await.unwrap().bytes()
    );
    store.untag("v1").await.unwrap();
    assert!(skopeo.attempt(["inspect", "--raw", &image]).is_err());
    // And back: what skopeo adds beside ours, both see.
    let third = format!("oci:{}:v3", path("layout"));
    skopeo.run(["--insecure-policy", "copy", "-q", &archive, &third]);
    assert_eq!(store.resolve("v3").await.unwrap().digest, descriptor.digest);
    assert_eq!(store.resolve("v2").await.unwrap().digest, descriptor.digest);
    assert_complete(&root.path().join("layout"));
    store.delete(&descriptor).await.unwrap();
    assert_eq!(
        fs::read_dir(root.path().join("layout/blobs/sha256"))
            .unwrap()
            .count(),
        0
    );
}

/// An image that other programs take for one.
fn image(graph: &mut Graph) -> oras_spec::Descriptor {
    let layer = tar_of(&[TarEntry::file("hello.txt", "hello")]);
    let layer = graph.blob(media_type::IMAGE_LAYER_GZIP, gzip(&layer));
    graph.image("linux/amd64", &[&layer])
}

#[tokio::test]
async fn skopeo_reads_what_we_wrote() {
    let root = tempdir().unwrap();
    let store = LayoutStore::open(root.path().join("layout")).await.unwrap();
    let mut graph = Graph::new();
    let image = image(&mut graph);
    let index = graph.index(&[("linux/amd64", &image)]);
    push_all(&store, &graph).await;
    store.tag(&image, "v1").await.unwrap();
    store.tag(&index, "all").await.unwrap();
    let skopeo = skopeo();
    for tag in ["v1", "all"] {
        let from = format!("oci:{}:{tag}", store.path().display());
        let to = format!("dir:{}", root.path().join(tag).display());
        skopeo.run(["--insecure-policy", "copy", "-q", "--all", &from, &to]);
        let copied = fs::read(root.path().join(tag).join("manifest.json")).unwrap();
        let descriptor = store.resolve(tag).await.unwrap();
        assert_eq!(copied, graph.bytes(&descriptor.digest));
    }
}

#[tokio::test]
async fn umoci_and_we_share_a_layout() {
    let Some(umoci) = umoci() else { return };
    let root = tempdir().unwrap();
    let layout = root.path().join("layout");
    let layout = layout.to_str().unwrap();
    umoci.run(["init", "--layout", layout]);
    umoci.run(["new", "--image", &format!("{layout}:empty")]);
    let store = LayoutStore::open(layout).await.unwrap();
    let theirs = store.resolve("empty").await.unwrap();
    assert!(
        store
            .fetch_manifest(&theirs)
            .await
            .unwrap()
            .config()
            .is_some()
    );

    let mut graph = Graph::new();
    let image = image(&mut graph);
    push_all(&store, &graph).await;
    store.tag(&image, "v1").await.unwrap();
    let listed = umoci.run(["ls", "--layout", layout]);
    assert_eq!(
        listed.split_whitespace().collect::<Vec<_>>(),
        ["empty", "v1"]
    );
    umoci.run(["stat", "--image", &format!("{layout}:v1")]);

    umoci.run(["tag", "--image", &format!("{layout}:v1"), "v2"]);
    assert_eq!(store.resolve("v2").await.unwrap().digest, image.digest);
    umoci.run(["gc", "--layout", layout]);
    assert_complete(root.path().join("layout").as_path());
    assert_eq!(store.resolve("v1").await.unwrap().digest, image.digest);
}

//! The read-only layout.

use std::fs;
use std::path::Path;
use std::process::Command;

use futures_util::StreamExt;
use oras_content::layout::LayoutReader;
use oras_content::{ErrorKind, Fetch, FetchExt, ListTags, Predecessors, Referrers, Resolve};
use oras_spec::{Descriptor, media_type};
use oras_testkit::fixture::{Graph, TarEntry, snapshot, tar_of};
use tempfile::{TempDir, tempdir};

struct Sample {
    root: TempDir,
    layer: Descriptor,
    image: Descriptor,
    sbom: Descriptor,
}

/// A layout in the folder `layout` and in `layout.tar`.
fn sample(tar_options: &[&str]) -> Sample {
    let root = tempdir().unwrap();
    let mut graph = Graph::new();
    let layer = graph.file("hello.txt", "text/plain", "hello");
    let image = graph.artifact("application/x", &[&layer], None);
    let sbom = graph.artifact("application/sbom", &[], Some(&image));
    let folder = root.path().join("layout");
    graph.write_layout(&folder, &[("v1", &image)]);
    let tar = Command::new("tar")
        .args(tar_options)
        .args(["-C"])
        .arg(&folder)
        .arg("-cf")
        .arg(root.path().join("layout.tar"))
        .arg(".")
        .status()
        .unwrap();
    assert!(tar.success());
    Sample {
        root,
        layer,
        image,
        sbom,
    }
}

async fn check(path: &Path, sample: &Sample) {
    let reader = LayoutReader::open(path).await.unwrap();
    let tagged = reader.resolve("v1").await.unwrap();
    assert_eq!(tagged.digest, sample.image.digest);
    assert_eq!(
        tagged.annotations["org.opencontainers.image.ref.name"],
        "v1"
    );
    let plain = reader.resolve(sample.image.digest.as_str()).await.unwrap();
    assert_eq!(plain, sample.image.plain());
    let blob = reader.resolve(sample.layer.digest.as_str()).await.unwrap();
    assert_eq!(blob.media_type, media_type::OCTET_STREAM);
    assert_eq!(
        reader.resolve("nosuch").await.unwrap_err().chain(),
        "not found"
    );

    let layers = reader
        .fetch_manifest(&tagged)
        .await
        .unwrap()
        .layers()
        .to_vec();
    assert_eq!(layers, std::slice::from_ref(&sample.layer));
    assert_eq!(
        &reader.fetch_bytes(&sample.layer, 10).await.unwrap()[..],
        b"hello"
    );
    let rest: Vec<_> = reader
        .fetch_from(&sample.layer, 3)
        .await
        .unwrap()
        .collect()
        .await;
    assert_eq!(&rest[0].as_ref().unwrap()[..], b"lo");
    assert!(reader.exists(&sample.layer).await.unwrap());
    let missing = Descriptor::of_bytes("text/plain", b"missing");
    let error = reader.fetch(&missing).await.unwrap_err();
    assert_eq!(
        error.chain(),
        format!("{}: text/plain: not found", missing.digest)
    );

    assert_eq!(
        reader.predecessors(&sample.layer).await.unwrap(),
        [sample.image.plain()]
    );
    assert_eq!(
        reader.referrers(&sample.image, None).await.unwrap(),
        std::slice::from_ref(&sample.sbom)
    );
    let tags: Vec<_> = reader.tags(None).collect().await;
    assert_eq!(
        tags.into_iter().map(Result::unwrap).collect::<Vec<_>>(),
        [["v1"]]
    );
}

#[tokio::test]
async fn a_folder_and_a_tar_of_any_kind_read_the_same_and_stay_as_they_are() {
    for format in ["--format=gnu", "--format=pax", "--format=ustar"] {
        let sample = sample(&[format]);
        let before = snapshot(sample.root.path());
        check(&sample.root.path().join("layout"), &sample).await;
        check(&sample.root.path().join("layout.tar"), &sample).await;
        assert_eq!(before, snapshot(sample.root.path()), "{format}");
    }
}

#[tokio::test]
async fn long_names_in_a_tar_are_read() {
    let bytes = b"hello";
    let digest = oras_spec::Digest::of(oras_spec::Algorithm::Sha512, bytes);
    let blob = Descriptor::new("text/plain", digest.clone(), 5);
    let root = tempdir().unwrap();
    Graph::new().write_layout(root.path(), &[]);
    fs::create_dir_all(root.path().join("blobs/sha512")).unwrap();
    fs::write(
        root.path().join(oras_spec::layout::blob_path(&digest)),
        bytes,
    )
    .unwrap();
    for format in ["--format=gnu", "--format=pax"] {
        let tar = root.path().join("x.tar");
        let mut command = Command::new("tar");
        command
            .arg(format)
            .arg("-C")
            .arg(root.path())
            .arg("-cf")
            .arg(&tar);
        assert!(
            command
                .args(["oci-layout", "index.json", "blobs"])
                .status()
                .unwrap()
                .success()
        );
        let reader = LayoutReader::open(&tar).await.unwrap();
        assert_eq!(
            &reader.fetch_bytes(&blob, 10).await.unwrap()[..],
            bytes,
            "{format}"
        );
    }
}

/// Opening fails with this text, where PATH stands for the path.
async fn refused(path: &Path, kind: ErrorKind, text: &str) {
    let error = LayoutReader::open(path).await.err().unwrap();
    assert_eq!(error.chain(), text.replace("PATH", path.to_str().unwrap()));
    assert_eq!(error.kind(), kind, "{text}");
}

#[tokio::test]
async fn what_is_no_layout_is_told_in_the_reference_tools_words() {
    let root = tempdir().unwrap();
    let path = root.path().join("x");
    refused(&path, ErrorKind::Io, "stat PATH: no such file or directory").await;

    let folder = tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let layout = "invalid OCI Image Layout: ";
    let index = "invalid OCI Image Index: ";
    let open = "failed to open OCI layout file: open oci-layout: no such file or directory";
    refused(
        folder.path(),
        ErrorKind::NotFound,
        &format!("{layout}{open}"),
    )
    .await;
    write("oci-layout", "nonsense");
    let text =
        "failed to decode OCI layout file: invalid character 'o' in literal null (expecting 'u')";
    refused(
        folder.path(),
        ErrorKind::InvalidManifest,
        &format!("{layout}{text}"),
    )
    .await;
    write("oci-layout", r#"{"imageLayoutVersion":"1.1.0"}"#);
    refused(
        folder.path(),
        ErrorKind::UnsupportedVersion,
        &format!("{layout}unsupported version"),
    )
    .await;
    write("oci-layout", "{}");
    refused(
        folder.path(),
        ErrorKind::UnsupportedVersion,
        &format!("{layout}unsupported version"),
    )
    .await;
    write("oci-layout", r#"{"imageLayoutVersion":"1.0.0"}"#);
    let text = "failed to open index file: open index.json: no such file or directory";
    refused(
        folder.path(),
        ErrorKind::NotFound,
        &format!("{index}{text}"),
    )
    .await;
    write("index.json", r#"{"manifests":"#);
    let text = "failed to decode index file: unexpected EOF";
    refused(
        folder.path(),
        ErrorKind::InvalidManifest,
        &format!("{index}{text}"),
    )
    .await;
}

#[tokio::test]
async fn what_is_no_tar_of_a_layout_is_told_in_the_reference_tools_words() {
    let root = tempdir().unwrap();
    let path = root.path().join("x.bin");
    let write = |bytes: &[u8]| fs::write(&path, bytes).unwrap();
    let archive = ErrorKind::InvalidArchive;
    write(b"short");
    refused(
        &path,
        archive,
        r#""PATH" does not look like a tar archive: unexpected EOF"#,
    )
    .await;
    write(&[b'x'; 2048]);
    refused(&path, archive, "archive/tar: invalid tar header").await;
    write(b"");
    let empty = "invalid OCI Image Layout: failed to open OCI layout file: open oci-layout: file does not exist";
    refused(&path, ErrorKind::NotFound, empty).await;
    let layout = TarEntry::file("oci-layout", r#"{"imageLayoutVersion":"1.0.0"}"#);
    write(&tar_of(&[layout]));
    let index =
        "invalid OCI Image Index: failed to open index file: open index.json: file does not exist";
    refused(&path, ErrorKind::NotFound, index).await;
}

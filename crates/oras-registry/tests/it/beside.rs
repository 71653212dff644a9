//! Other programs that read and write the folder of a registry, without asking it.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use oras_content::layout::LayoutStore;
use oras_content::{Payload, Push, Tag};
use oras_registry::driver::{Blobs, Listings, Manifests, Tags};
use oras_registry::layout::CheckOptions;
use oras_spec::{Descriptor, media_type};
use oras_testkit::fixture::Graph;
use oras_testkit::peer::{skopeo, umoci};
use serde_json::Value;

use super::folder::{Folder, open, push_image};
use super::processes::{Client, Served};

/// How many copies another program makes, and one.
const COPIES: u8 = 12;
/// Long enough for the slowest of them.
const GRACE: Duration = Duration::from_secs(60);

/// Writes the layout of an image with one layer, told from others by `seed`, under the tag `v1`.
fn image_layout(folder: &Path, seed: u8) {
    use oras_spec::{Digest, ImageIndex, ImageManifest, json, layout};
    let layer = oras_testkit::fixture::tar_of(&[]);
    let layer = [layer, vec![0; 512 * usize::from(seed)]].concat();
    let diff = Digest::sha256(&layer);
    let config = format!(
        r#"{{"architecture":"amd64","os":"linux","rootfs":{{"type":"layers","diff_ids":["{diff}"]}},"config":{{}}}}"#
    );
    let manifest = ImageManifest::new(
        Descriptor::of_bytes(media_type::IMAGE_CONFIG, config.as_bytes()),
        vec![Descriptor::of_bytes(
            "application/vnd.oci.image.layer.v1.tar",
            &layer,
        )],
    );
    let manifest = json::to_vec(&manifest).unwrap();
    let mut entry = Descriptor::of_bytes(media_type::IMAGE_MANIFEST, &manifest);
    let name = "org.opencontainers.image.ref.name".to_owned();
    entry.annotations.insert(name, "v1".to_owned());
    for content in [config.as_bytes(), &layer, &manifest] {
        let path = folder.join(layout::blob_path(&Digest::sha256(content)));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    fs::write(
        folder.join("oci-layout"),
        r#"{"imageLayoutVersion":"1.0.0"}"#,
    )
    .unwrap();
    fs::write(
        folder.join("index.json"),
        json::to_vec(&ImageIndex::new(vec![entry])).unwrap(),
    )
    .unwrap();
}

fn skopeo_copy(from: &Path, to: &Path, tag: &str) {
    let (from, to) = (
        format!("oci:{}:v1", from.display()),
        format!("oci:{}:{tag}", to.display()),
    );
    let mut command = Command::new(skopeo().path());
    command.args([
        "--insecure-policy",
        "copy",
        "--preserve-digests",
        &from,
        &to,
    ]);
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn tags(client: &Client, name: &str) -> Vec<String> {
    let reply = client
        .get(&format!("/v2/{name}/tags/list?n=10000"))
        .unwrap();
    let listed: Value = serde_json::from_slice(&reply.1).unwrap();
    let tags = listed["tags"].as_array().unwrap().iter();
    tags.map(|tag| tag.as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_and_a_layout_store_lose_no_tag_and_no_referrer() {
    work_at_once(Beside::Store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_and_a_program_that_takes_no_lock_lose_no_tag_and_no_referrer() {
    work_at_once(Beside::Skopeo).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_beside_writers_of_both_kinds_lose_nothing_of_their_own() {
    work_at_once(Beside::Both).await;
}

/// Who works beside two servers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beside {
    /// A writer that takes the lock of the layout.
    Store,
    /// One that knows nothing of locks.
    Skopeo,
    Both,
}

async fn work_at_once(beside: Beside) {
    let folder = Folder::new();
    let root = folder.root();
    let repository = root.join("team/app");
    let servers = [(); 2].map(|()| Served::start(&root, GRACE));
    let (subject, _) = servers[0]
        .client()
        .push("team/app", Some("subject"), &[b"subject".to_vec()], None)
        .unwrap();
    let copied = AtomicBool::new(false);
    let (copied, subject, temp) = (&copied, &subject, folder.temp.path());
    let (mut pushed, mut stored, mut skopeos) = (Vec::new(), Vec::new(), Vec::new());
    std::thread::scope(|scope| {
        let work: Vec<_> = servers
            .iter()
            .enumerate()
            .map(|(at, server)| {
                let client = server.client();
                scope.spawn(move || {
                    let mut pushed = Vec::new();
                    while !copied.load(Ordering::Relaxed) {
                        let tag = format!("s{at}-{}", pushed.len());
                        let layer = tag.clone().into_bytes();
                        client
                            .push("team/app", Some(&tag), std::slice::from_ref(&layer), None)
                            .unwrap();
                        let (signature, _) = client
                            .push("team/app", None, &[layer], Some(subject))
                            .unwrap();
                        pushed.push((tag, signature));
                    }
                    pushed
                })
            })
            .collect();
        let store = scope.spawn(|| {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async {
                let store = LayoutStore::open(&repository).await.unwrap();
                let mut stored = Vec::new();
                while !copied.load(Ordering::Relaxed) && beside != Beside::Skopeo {
                    let tag = format!("store-{}", stored.len());
                    let mut graph = Graph::new();
                    let own = graph.blob("x/y", tag.clone());
                    let about = graph.artifact(&format!("a/{tag}"), &[&own], Some(subject));
                    for node in &graph.nodes {
                        let payload = Payload::bytes(node.bytes.clone());
                        store.push(&node.descriptor, payload).await.unwrap();
                    }
                    store.tag(&about, &tag).await.unwrap();
                    stored.push((tag, about));
                }
                stored
            })
        });
        let copies = scope.spawn(|| {
            let copies = (1..COPIES).map(|number| {
                let from = temp.join(format!("from-{number}"));
                fs::create_dir(&from).unwrap();
                image_layout(&from, number);
                let tag = format!("skopeo-{number}");
                match beside {
                    Beside::Store => skopeo_copy(&from, &temp.join("elsewhere"), &tag),
                    _ => skopeo_copy(&from, &repository, &tag),
                }
                tag
            });
            let copies: Vec<String> = copies.collect();
            copied.store(true, Ordering::Relaxed);
            copies
        });
        skopeos = copies.join().unwrap();
        pushed.extend(work.into_iter().flat_map(|work| work.join().unwrap()));
        stored = store.join().unwrap();
    });
    assert!(pushed.len() > 10 && (stored.len() > 3 || beside == Beside::Skopeo));
    match beside {
        Beside::Store => skopeos.clear(),
        Beside::Skopeo => {}
        // Between those two there is nobody who keeps what one of them overwrites.
        Beside::Both => {
            skopeos.clear();
            stored.clear();
        }
    }
    for server in &servers {
        let client = server.client();
        let tags = tags(&client, "team/app");
        let of_store = stored.iter().map(|(tag, _)| tag);
        let expected = pushed
            .iter()
            .map(|(tag, _)| tag)
            .chain(of_store)
            .chain(&skopeos);
        let lost: Vec<&String> = expected.filter(|tag| !tags.contains(tag)).collect();
        assert!(lost.is_empty(), "lost {lost:?}");
        let mut listed = Vec::new();
        let mut next = Some(format!("/v2/team/app/referrers/{}?n=10000", subject.digest));
        while let Some(path) = next.take() {
            let reply = client.get(&path).unwrap();
            let index: Value = serde_json::from_slice(&reply.1).unwrap();
            let manifests = index["manifests"].as_array().unwrap().clone();
            listed.extend(
                manifests
                    .iter()
                    .map(|one| one["digest"].as_str().unwrap().to_owned()),
            );
        }
        let expected = pushed
            .iter()
            .chain(&stored)
            .map(|(_, referrer)| referrer.digest.as_str());
        let lost: Vec<&str> = expected
            .filter(|one| !listed.iter().any(|listed| listed == one))
            .collect();
        assert!(lost.is_empty(), "lost {} of the referrers", lost.len());
    }
    drop(servers);
    let report = folder.driver.check(CheckOptions::default()).await.unwrap();
    assert!(report.problems.is_empty(), "{report:?}");
}

#[tokio::test]
async fn layouts_of_other_programs_are_served_at_once_and_ours_are_read_by_them() {
    let folder = Folder::new();
    let driver = &folder.driver;
    let from = folder.temp.path().join("from");
    fs::create_dir(&from).unwrap();
    image_layout(&from, 1);

    // By skopeo, into a repository that the registry has never seen, and into one it is serving.
    push_image(driver, "serving", b"layer", &["own"], None).await;
    for name in ["new/one", "serving"] {
        fs::create_dir_all(folder.root().join(name)).unwrap();
        skopeo_copy(&from, &folder.root().join(name), "copied");
        let digest = driver.resolve_tag(name, "copied").await.unwrap().unwrap();
        let manifest = driver.manifest(name, &digest).await.unwrap().unwrap();
        assert_eq!(manifest.media_type, media_type::IMAGE_MANIFEST);
        assert!(driver.blob_size(name, &digest).await.unwrap().is_some());
    }
    let own = driver.tags("serving", None, 9).await.unwrap().unwrap();
    assert_eq!(own, ["copied", "own"]);
    let names = driver.repositories(None, 9).await.unwrap();
    assert_eq!(names, ["new/one", "serving"]);

    // By a layout store: an index in an index, and what refers to a manifest in there.
    let root = folder.root().join("nested");
    let store = LayoutStore::open(&root).await.unwrap();
    let mut graph = Graph::new();
    let layer = graph.blob("x/y", "layer");
    let image = graph.artifact("a/image", &[&layer], None);
    let inner = graph.index(&[("linux/amd64", &image)]);
    let outer = graph.index(&[("linux/amd64", &inner)]);
    let about = graph.artifact("a/about", &[&layer], Some(&image));
    for node in &graph.nodes {
        let payload = Payload::bytes(node.bytes.clone());
        store.push(&node.descriptor, payload).await.unwrap();
    }
    store.tag(&outer, "v1").await.unwrap();
    for digest in [&image.digest, &inner.digest, &outer.digest, &about.digest] {
        assert!(driver.manifest("nested", digest).await.unwrap().is_some());
    }
    let listed = driver
        .referrers("nested", &image.digest, None, None, 9)
        .await
        .unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].digest, about.digest);
    assert_eq!(folder.collect_all().await.blobs, 0);

    // What we serve, read by them, while we serve it.
    let out = folder.temp.path().join("out");
    let copy = format!("oci:{}:own", folder.root().join("serving").display());
    let arguments = ["inspect", "--raw", &copy];
    assert!(skopeo().run(arguments).contains("schemaVersion"));
    if let Some(umoci) = umoci() {
        let layout = folder.root().join("new/one");
        let listed = umoci.run(["ls", "--layout", &layout.display().to_string()]);
        assert_eq!(listed.trim(), "copied");
        let image = format!("{}:copied", layout.display());
        umoci.run([
            "config", "--image", &image, "--tag", "changed", "--author", "somebody",
        ]);
        let tags = driver.tags("new/one", None, 9).await.unwrap().unwrap();
        assert_eq!(tags, ["changed", "copied"]);
        let changed = driver
            .resolve_tag("new/one", "changed")
            .await
            .unwrap()
            .unwrap();
        assert!(
            driver
                .manifest("new/one", &changed)
                .await
                .unwrap()
                .is_some()
        );
    }
    let store = LayoutStore::open(folder.root().join("serving"))
        .await
        .unwrap();
    let found = oras_content::Resolve::resolve(&store, "own").await.unwrap();
    assert_eq!(found.media_type, media_type::IMAGE_MANIFEST);
    assert!(!out.exists());
}

#[tokio::test]
async fn an_index_that_is_being_written_in_place_fails_no_request() {
    let folder = Folder::new();
    let (image, _) = push_image(&folder.driver, "app", b"layer", &["v1"], None).await;
    let path = folder.root().join("app/index.json");
    let whole = fs::read(&path).unwrap();
    let registry = oras_registry::Registry::builder()
        .store(folder.driver.clone())
        .build()
        .unwrap();
    let client = super::client::Client::of(registry);
    for length in [0, 1, whole.len() / 2, whole.len() - 1] {
        fs::write(&path, &whole[..length]).unwrap();
        for line in [
            "manifests/v1",
            "tags/list",
            &format!("referrers/{}", image.digest),
        ] {
            let reply = client.get(&format!("/v2/app/{line}")).await;
            assert_eq!(reply.status.as_u16(), 200, "{line} with {length} bytes");
        }
        // One who has never seen it waits until it is whole.
        let waiting = {
            let driver = open(&folder.root());
            tokio::spawn(async move { driver.resolve_tag("app", "v1").await })
        };
        tokio::task::yield_now().await;
        fs::write(&path, &whole).unwrap();
        assert_eq!(waiting.await.unwrap().unwrap(), Some(image.digest.clone()));
    }
}

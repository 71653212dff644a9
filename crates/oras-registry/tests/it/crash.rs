//! A server that is killed at any moment, again and again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::mpsc;
use std::time::Duration;

use oras_content::layout::LayoutReader;
use oras_registry::layout::CheckOptions;
use oras_spec::Digest;
use serde_json::Value;

use super::folder::Folder;
use super::model::Random;
use super::processes::{Client, Served};

const ROUNDS: u64 = 8;
const CLIENTS: usize = 4;
/// So short that collections find something to do all the time, and clients have to push again now and then.
const GRACE: Duration = Duration::from_millis(100);

/// An image that was pushed.
#[derive(Clone)]
struct Image {
    name: String,
    tag: String,
    digest: Digest,
    manifest: Vec<u8>,
    layers: Vec<Vec<u8>>,
}

/// What a client knows when its server has died.
#[derive(Default)]
struct Known {
    there: Vec<Image>,
    gone: Vec<Image>,
    /// What nobody has answered to: repository and tag.
    unsure: BTreeSet<(String, String)>,
}

/// Works until the server does not answer.
fn work(client: &Client, mut known: Known, seed: u64, done: &mpsc::Sender<()>) -> Known {
    let mut random = Random(seed * 104_729 + 13);
    for number in 0.. {
        let name = ["app", "app/sub", "team/x"][random.below(3)].to_owned();
        if random.below(3) == 0 && !known.there.is_empty() {
            let image = known.there.swap_remove(random.below(known.there.len()));
            let line = format!("DELETE /v2/{}/manifests/{}", image.name, image.digest);
            match client.send(&line, "", b"") {
                Ok(reply) => {
                    assert_eq!(reply.0, 202, "{}", String::from_utf8_lossy(&reply.1));
                    known.gone.push(image);
                }
                Err(_) => {
                    known.unsure.insert((image.name, image.tag));
                    return known;
                }
            }
        } else {
            let tag = format!("t-{seed}-{number}");
            let layers = vec![
                format!("{tag} of {name}").into_bytes(),
                format!("common {}", random.below(3))
                    .repeat(5000)
                    .into_bytes(),
            ];
            match client.push(&name, Some(&tag), &layers, None) {
                Ok((descriptor, manifest)) => known.there.push(Image {
                    name,
                    tag,
                    digest: descriptor.digest,
                    manifest,
                    layers,
                }),
                Err(_) => {
                    known.unsure.insert((name, tag));
                    return known;
                }
            }
        }
        let _ = done.send(());
    }
    known
}

fn verify(client: &Client, known: &[Known]) {
    let mut expected: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for image in known.iter().flat_map(|known| &known.there) {
        expected.entry(&image.name).or_default().insert(&image.tag);
        for reference in [image.tag.as_str(), image.digest.as_str()] {
            let path = format!("/v2/{}/manifests/{reference}", image.name);
            let reply = client.get(&path).unwrap();
            assert!(
                reply.0 == 200 && reply.1 == image.manifest,
                "{path}: {}",
                reply.0
            );
        }
        for layer in &image.layers {
            let path = format!("/v2/{}/blobs/{}", image.name, Digest::sha256(layer));
            let reply = client.get(&path).unwrap();
            assert!(reply.0 == 200 && reply.1 == *layer, "{path}: {}", reply.0);
        }
    }
    for image in known.iter().flat_map(|known| &known.gone) {
        let path = format!("/v2/{}/manifests/{}", image.name, image.digest);
        assert_eq!(client.get(&path).unwrap().0, 404, "{path}");
    }
    let unsure: BTreeSet<_> = known.iter().flat_map(|known| &known.unsure).collect();
    for (name, tags) in &expected {
        let listed = client.get(&format!("/v2/{name}/tags/list")).unwrap();
        let listed: Value = serde_json::from_slice(&listed.1).unwrap();
        for tag in listed["tags"].as_array().unwrap() {
            let tag = tag.as_str().unwrap();
            let known =
                tags.contains(tag) || unsure.contains(&((*name).to_owned(), tag.to_owned()));
            assert!(known, "nobody was told of {name}:{tag}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_at_any_moment_keeps_what_it_has_acknowledged_and_shows_nothing_else() {
    let folder = Folder::new();
    let root = folder.root();
    let mut random = Random(42);
    let mut known: Vec<Known> = (0..CLIENTS).map(|_| Known::default()).collect();
    for round in 0..ROUNDS {
        let served = Served::start(&root, GRACE);
        verify(&served.client(), &known);
        let (done, count) = mpsc::channel();
        let clients = known.into_iter().enumerate().map(|(at, known)| {
            let (client, done) = (served.client(), done.clone());
            let seed = round * 10 + u64::try_from(at).unwrap() + 1;
            std::thread::spawn(move || work(&client, known, seed, &done))
        });
        let clients: Vec<_> = clients.collect();
        drop(done);
        let enough = 10 + random.below(40);
        count.iter().take(enough).for_each(drop);
        served.kill();
        known = clients
            .into_iter()
            .map(|client| client.join().unwrap())
            .collect();
    }
    let served = Served::start(&root, GRACE);
    verify(&served.client(), &known);
    served.kill();

    // Every folder is a layout as it is, and complete.
    for name in ["app", "app/sub", "team/x"] {
        LayoutReader::open(root.join(name)).await.unwrap();
    }
    let report = folder.driver.check(CheckOptions::default()).await.unwrap();
    assert!(report.problems.is_empty(), "{report:?}");
    // And what nobody needs goes with the next collection: of the layers that only deleted images had, nothing is left.
    let mut now = super::folder::options(folder.moment());
    now.uploads = Duration::ZERO;
    let report = folder.driver.collect(now).await.unwrap();
    assert!(report.repositories.iter().all(|one| one.skipped.is_none()));
    for image in known.iter().flat_map(|known| &known.gone) {
        let layer = Digest::sha256(&image.layers[0]);
        assert!(!folder.shared_path(&layer).exists() && !folder.has(&image.name, &layer));
    }
    for uploads in fs::read_dir(root.join(".oras/uploads")).unwrap() {
        let left = fs::read_dir(uploads.unwrap().path()).unwrap();
        assert_eq!(left.count(), 0, "uploads");
    }
    for own in [".oras", "app/.oras", "app/sub/.oras", "team/x/.oras"] {
        for entry in fs::read_dir(root.join(own)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(!name.starts_with("new-"), "{own}/{name}");
        }
    }
    let served = Served::start(&root, GRACE);
    verify(&served.client(), &known);
}

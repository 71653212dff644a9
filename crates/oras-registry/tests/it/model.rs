//! Random work of many hands on one folder, against a model of what must be there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::SystemTime;

use oras_registry::driver::{
    Blobs, Condition, Listings, ManifestCommit, Manifests, Mounts, PutOutcome, Tags,
};
use oras_registry::layout::{CheckOptions, LayoutDriver};
use oras_spec::{Descriptor, Digest};

use super::folder::{Folder, image, index, open, options, push, tagged};

const REPOSITORIES: [&str; 3] = ["app", "app/blobs", "team/other"];
const TAGS: [&str; 3] = ["a", "b", "c"];
const STEPS: usize = 250;

/// Pseudo-random numbers, the same for the same seed.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap() % end
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

/// A manifest that is going to be pushed, by somebody who was told at `since` that its content is there.
struct Pending {
    name: &'static str,
    commit: ManifestCommit,
    since: usize,
}

#[derive(Default)]
struct Repository {
    manifests: BTreeMap<Digest, ManifestCommit>,
    tags: BTreeMap<String, Digest>,
}

struct Model {
    folder: Folder,
    drivers: [LayoutDriver; 2],
    random: Random,
    repositories: BTreeMap<&'static str, Repository>,
    pending: Vec<Pending>,
    /// Moments at which the next steps began.
    moments: Vec<(usize, SystemTime)>,
    /// The latest step before which a collection has taken things for old.
    collected: usize,
    step: usize,
}

impl Model {
    fn new(seed: u64) -> Self {
        let folder = Folder::new();
        Self {
            drivers: [folder.driver.clone(), open(&folder.root())],
            folder,
            random: Random(seed * 7919 + 1),
            repositories: REPOSITORIES
                .map(|name| (name, Repository::default()))
                .into(),
            pending: Vec::new(),
            moments: vec![(0, SystemTime::UNIX_EPOCH)],
            collected: 0,
            step: 0,
        }
    }

    fn driver(&mut self) -> LayoutDriver {
        self.drivers[self.random.below(2)].clone()
    }

    async fn step(&mut self) {
        self.step += 1;
        let name = self.random.of(&REPOSITORIES);
        match self.random.below(12) {
            0..3 => self.begin(name).await,
            3..6 => self.finish().await,
            6 => self.mount(name).await,
            7 => self.delete(name).await,
            8 => self.untag(name).await,
            9 => {
                let moment = self.folder.moment();
                self.moments.push((self.step, moment));
            }
            10 => self.collect().await,
            _ => self.verify().await,
        }
    }

    /// Brings what a manifest needs, if it is not there. The manifest comes later.
    async fn begin(&mut self, name: &'static str) {
        let driver = self.driver();
        let count = self.random.below(3);
        let mut layers = Vec::new();
        for content in std::iter::once("{}".to_owned())
            .chain((0..count).map(|_| format!("layer {}", self.random.below(6))))
            .collect::<Vec<_>>()
        {
            let blob = Descriptor::of_bytes("application/octet-stream", content.as_bytes());
            let there = driver.blob_size(name, &blob.digest).await.unwrap();
            if there.is_none() || self.random.below(8) == 0 {
                push(&driver, name, content.as_bytes()).await;
            }
            layers.push(blob);
        }
        let known = &self.repositories[name].manifests;
        let known: Vec<Descriptor> = known.values().map(describe).collect();
        let about = (!known.is_empty() && self.random.below(3) == 0)
            .then(|| known[self.random.below(known.len())].clone());
        let commit = match known.is_empty() || self.random.below(4) > 0 {
            true => image(&layers[1..], about.as_ref()),
            false => index(
                &[known[self.random.below(known.len())].clone()],
                about.as_ref(),
            ),
        };
        let tags: Vec<&str> = (0..self.random.below(3))
            .map(|_| self.random.of(&TAGS))
            .collect();
        self.pending.push(Pending {
            name,
            commit: tagged(commit, &tags),
            since: self.step,
        });
    }

    async fn finish(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let at = self.random.below(self.pending.len());
        let Pending {
            name,
            commit,
            since,
        } = self.pending.swap_remove(at);
        let put = self
            .driver()
            .put_manifest(name, commit.clone())
            .await
            .unwrap();
        let repository = self.repositories.get_mut(name).unwrap();
        let children = commit
            .required
            .iter()
            .filter_map(|required| match required {
                oras_registry::driver::Required::Manifest(child) => Some(&child.digest),
                _ => None,
            });
        let deleted = children
            .into_iter()
            .any(|child| !repository.manifests.contains_key(child));
        match put {
            PutOutcome::Stored => {
                assert!(!deleted, "an index of what was deleted");
                let digest = commit.entry.digest.clone();
                for tag in &commit.tags {
                    repository.tags.insert(tag.clone(), digest.clone());
                }
                repository.manifests.insert(digest, commit);
            }
            PutOutcome::Missing(missing) => assert!(
                deleted || since < self.collected,
                "{missing:?} was there at step {since}, the last cutoff is {}",
                self.collected
            ),
            other => panic!("{other:?}"),
        }
    }

    async fn mount(&mut self, to: &'static str) {
        let digest = Digest::sha256(format!("layer {}", self.random.below(6)).as_bytes());
        let from = self.random.of(&REPOSITORIES);
        let driver = self.driver();
        let there = driver.blob_size(from, &digest).await.unwrap().is_some();
        assert_eq!(driver.link_blob(&digest, from, to).await.unwrap(), there);
    }

    async fn delete(&mut self, name: &'static str) {
        let known: Vec<Digest> = self.repositories[name].manifests.keys().cloned().collect();
        if known.is_empty() {
            return;
        }
        let digest = known[self.random.below(known.len())].clone();
        // An index that lists it would be left with a hole, as whoever deletes it wants.
        let lists = |commit: &ManifestCommit| {
            commit
                .required
                .iter()
                .any(|required| required.descriptor().digest == digest)
        };
        if self.repositories[name].manifests.values().any(lists) {
            return;
        }
        assert!(self.driver().delete_manifest(name, &digest).await.unwrap());
        let repository = self.repositories.get_mut(name).unwrap();
        repository.manifests.remove(&digest);
        repository.tags.retain(|_, tagged| *tagged != digest);
    }

    async fn untag(&mut self, name: &'static str) {
        let tag = self.random.of(&TAGS);
        let untagged = self
            .driver()
            .untag(name, tag, &Condition::Always)
            .await
            .unwrap();
        let had = self.repositories.get_mut(name).unwrap().tags.remove(tag);
        let removed = untagged == oras_registry::driver::UntagOutcome::Removed;
        assert_eq!(had.is_some(), removed);
    }

    async fn collect(&mut self) {
        let (step, moment) = self.moments[self.random.below(self.moments.len())];
        let driver = self.driver();
        let report = driver.collect(options(moment)).await.unwrap();
        let skipped = report.repositories.iter().find(|one| one.skipped.is_some());
        assert_eq!(skipped, None);
        self.collected = self.collected.max(step);
        self.forget_dangling().await;
        self.verify().await;
    }

    /// Takes note of those that have gone because their subject has. Nothing else may.
    async fn forget_dangling(&mut self) {
        for (name, repository) in &mut self.repositories {
            let mut gone = BTreeSet::new();
            for digest in repository.manifests.keys() {
                if self.drivers[0]
                    .manifest(name, digest)
                    .await
                    .unwrap()
                    .is_none()
                {
                    gone.insert(digest.clone());
                }
            }
            for digest in &gone {
                let commit = &repository.manifests[digest];
                let subject = commit.entry.subject.as_ref();
                let subject = subject.unwrap_or_else(|| panic!("{digest} of {name} is gone"));
                let has_subject = repository.manifests.contains_key(subject);
                assert!(
                    !has_subject || gone.contains(subject),
                    "{digest} has its subject"
                );
                assert!(!repository.tags.values().any(|tagged| tagged == digest));
            }
            repository
                .manifests
                .retain(|digest, _| !gone.contains(digest));
        }
    }

    /// Everything that was acknowledged is there, for everybody, with all it needs; and no more.
    async fn verify(&self) {
        for driver in &self.drivers {
            for (name, repository) in &self.repositories {
                for (digest, commit) in &repository.manifests {
                    let found = driver.manifest(name, digest).await.unwrap();
                    assert_eq!(found.unwrap().bytes, commit.bytes);
                    for required in &commit.required {
                        let needed = required.descriptor();
                        let path = self.folder.blob_path(name, &needed.digest);
                        let bytes = fs::read(path).unwrap();
                        assert_eq!(Digest::sha256(&bytes), needed.digest);
                    }
                    if let Some(subject) = &commit.entry.subject {
                        let listed = driver.referrers(name, subject, None, None, 999).await;
                        assert!(listed.unwrap().iter().any(|entry| entry.digest == *digest));
                    }
                }
                let tags = driver
                    .tags(name, None, 99)
                    .await
                    .unwrap()
                    .unwrap_or_default();
                assert!(tags.iter().eq(repository.tags.keys()));
                for (tag, digest) in &repository.tags {
                    let found = driver.resolve_tag(name, tag).await.unwrap();
                    assert_eq!(found.as_ref(), Some(digest));
                }
            }
        }
    }

    /// In the end all garbage goes, and nothing else.
    async fn end(mut self) {
        self.verify().await;
        for _ in 0..3 {
            self.folder.collect_all().await;
            self.forget_dangling().await;
        }
        self.verify().await;
        let (mut all, mut expected) = (BTreeSet::new(), BTreeSet::new());
        for (name, repository) in &self.repositories {
            let needed = repository.manifests.values().flat_map(|commit| {
                let required = commit.required.iter();
                required.map(|required| required.descriptor().digest.clone())
            });
            let needed: BTreeSet<Digest> =
                needed.chain(repository.manifests.keys().cloned()).collect();
            assert_eq!(
                stored(&self.folder.repository(name).join("blobs/sha256")),
                needed
            );
            expected.extend(needed);
        }
        for shard in fs::read_dir(self.folder.root().join(".oras/blobs/sha256")).unwrap() {
            all.extend(stored(&shard.unwrap().path()));
        }
        assert_eq!(all, expected);
        let report = self.drivers[0]
            .check(CheckOptions::default())
            .await
            .unwrap();
        assert!(report.problems.is_empty(), "{report:?}");
    }
}

fn describe(commit: &ManifestCommit) -> Descriptor {
    let entry = &commit.entry;
    Descriptor::new(entry.media_type.clone(), entry.digest.clone(), entry.size)
}

fn stored(folder: &std::path::Path) -> BTreeSet<Digest> {
    let names = fs::read_dir(folder).into_iter().flatten();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names
        .map(|name| Digest::parse(&format!("sha256:{name}")).unwrap())
        .collect()
}

async fn run(seeds: std::ops::Range<u64>) {
    for seed in seeds {
        let mut model = Model::new(seed);
        for _ in 0..STEPS {
            model.step().await;
        }
        model.end().await;
    }
}

#[tokio::test]
async fn random_work_of_two_drivers_leaves_what_the_model_says() {
    run(0..6).await;
}

#[tokio::test]
async fn random_work_of_two_drivers_leaves_what_the_model_says_with_other_seeds() {
    run(6..12).await;
}

//! Looking whether everything is what it should be, while everybody goes on reading and writing.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use oras_spec::layout::BLOBS_DIR;
use oras_spec::{Descriptor, Digest, Manifest, RawManifest};

use super::damage::{Content, examine};
use super::foreign::read_verified;
use super::place::blob_in;
use super::repository::Repository;
use super::stat::Stat;
use super::walk::{content_in, sharded_content};
use super::{LayoutDriver, Shared, Stop, failed};
use crate::driver::Result;

/// How many problems are told in detail.
const MOST_TOLD: usize = 1000;
/// How long a check that is too fast sleeps at a time.
const STEP: Duration = Duration::from_millis(50);

/// How to check.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct CheckOptions {
    /// Sets damaged content aside, so that it is not found and can be pushed again: false unless told.
    pub repair: bool,
    /// How fast to read, in bytes a second: as fast as it goes unless told.
    pub bytes_per_second: Option<u64>,
}

/// What a check has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckReport {
    /// How many files of content were read. What repositories share is read once.
    pub blobs: u64,
    /// How many bytes.
    pub bytes: u64,
    /// How many repositories were looked at.
    pub repositories: u64,
    /// What is wrong: the first thousand problems.
    pub problems: Vec<Problem>,
    /// How many more there are.
    pub more: u64,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// Where; `None` for content that no repository has.
    pub repository: Option<String>,
    /// What it is about; `None` for the index itself.
    pub digest: Option<Digest>,
    /// What is wrong.
    pub damage: Damage,
    /// Whether the damaged content was set aside.
    pub repaired: bool,
}

/// What can be wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Damage {
    /// The content is not what its digest says.
    Content,
    /// The content can't be read: what the system says.
    Unreadable(String),
    /// The index lists it, and it is not there.
    Missing,
    /// The index says that it has another size.
    Size {
        /// What the index says, in bytes.
        listed: u64,
        /// What it has, in bytes.
        found: u64,
    },
    /// The index and the manifest name different types.
    MediaType {
        /// What the index says.
        listed: String,
        /// What the manifest says.
        found: String,
    },
    /// It is listed as a manifest, and is none.
    NoManifest,
    /// The manifest needs content that is not there, or not of the size it says.
    Incomplete(Digest),
    /// The index can't be read: why.
    Index(String),
}

impl std::fmt::Display for Damage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Content => f.write_str("the content is damaged"),
            Self::Unreadable(why) => write!(f, "the content can't be read: {why}"),
            Self::Missing => f.write_str("it is listed and not there"),
            Self::Size { listed, found } => {
                write!(f, "it is listed with {listed} bytes and has {found}")
            }
            Self::MediaType { listed, found } => {
                write!(f, "it is listed as {listed} and is {found}")
            }
            Self::NoManifest => f.write_str("it is listed as a manifest and is none"),
            Self::Incomplete(digest) => write!(f, "it needs {digest}, which is not there"),
            Self::Index(why) => write!(f, "the index can't be read: {why}"),
        }
    }
}

impl LayoutDriver {
    /// Reads everything and looks whether it is what it should be: content, sizes, what indexes list, what manifests need.
    /// Safe while this and other drivers work on the folder. Dropping the future stops it soon.
    ///
    /// # Errors
    /// [`DriverError::Io`](crate::driver::DriverError::Io) if the folder itself can't be read, or if something is to be
    /// set aside and can't be.
    pub async fn check(&self, options: CheckOptions) -> Result<CheckReport> {
        let stop = Stop::default();
        let stopped = Arc::clone(&stop.0);
        self.blocking(move |shared| {
            if options.repair {
                shared.may_change("repairing a read-only folder")?;
            }
            let mut run = Run {
                shared,
                options,
                stopped: &stopped,
                report: CheckReport::default(),
                pace: Pace::default(),
            };
            let names: Vec<String> = shared.all_names()?.keys().cloned().collect();
            run.everything(&names).map_err(failed("checking"))?;
            Ok(run.report)
        })
        .await
    }
}

impl Shared {
    /// Looks at everything that the machine may have lost when it crashed. Blocks.
    pub(super) fn look_at_suspects(&self, stopped: &AtomicBool) -> Result<()> {
        if !self.recovery.has_suspects() {
            return Ok(());
        }
        let io_failed = failed("looking at content after a crash");
        let look = |digest: &Digest, path: &Path| -> io::Result<()> {
            match stopped.load(Ordering::Relaxed) {
                true => Err(io::ErrorKind::Interrupted.into()),
                false => self.trust(path, digest).map(drop),
            }
        };
        for name in self.all_names()?.keys() {
            let blobs = self.places.repository(name).join(BLOBS_DIR);
            content_in(&blobs, look).map_err(&io_failed)?;
        }
        sharded_content(&self.places.all_blobs(), look).map_err(&io_failed)?;
        self.recovery.clear().map_err(&io_failed)
    }
}

/// One check.
struct Run<'a> {
    shared: &'a Shared,
    options: CheckOptions,
    stopped: &'a AtomicBool,
    report: CheckReport,
    pace: Pace,
}

impl Run<'_> {
    fn everything(&mut self, names: &[String]) -> io::Result<()> {
        let shared_blobs = self.shared.places.all_blobs();
        sharded_content(&shared_blobs, |digest, path| {
            let Some(damage) = self.content(digest, path)? else {
                return Ok(());
            };
            // Whoever has it has the same file.
            let damaged = Stat::at(path)?;
            let roots = names
                .iter()
                .map(|name| (name, self.shared.places.repository(name)));
            let holders: Vec<(&String, PathBuf)> = roots
                .filter(|(_, root)| {
                    let own = Stat::at(&blob_in(root, digest)).ok().flatten();
                    own.zip(damaged)
                        .is_some_and(|(own, damaged)| own.is(&damaged))
                })
                .collect();
            let roots = holders.iter().map(|(_, root)| root.as_path());
            let repaired = self.repair(digest, &damage, damaged, roots)?;
            if holders.is_empty() {
                self.tell(None, Some(digest), damage.clone(), repaired);
            }
            for (name, _) in &holders {
                self.tell(Some(name), Some(digest), damage.clone(), repaired);
            }
            Ok(())
        })?;
        for name in names {
            self.go_on()?;
            self.repository(name)?;
        }
        Ok(())
    }

    fn repository(&mut self, name: &str) -> io::Result<()> {
        self.report.repositories += 1;
        let root = self.shared.places.repository(name);
        content_in(&root.join(BLOBS_DIR), |digest, path| {
            let own = Stat::at(path)?;
            let shared = Stat::at(&self.shared.places.blob(digest))?;
            if own.zip(shared).is_some_and(|(own, shared)| own.is(&shared)) {
                return Ok(());
            }
            let Some(damage) = self.content(digest, path)? else {
                return Ok(());
            };
            let damaged = Stat::at(path)?;
            let repaired = self.repair(digest, &damage, damaged, [root.as_path()])?;
            self.tell(Some(name), Some(digest), damage, repaired);
            Ok(())
        })?;
        self.index(name, &root)
    }

    /// Reads content and says what is wrong with it.
    fn content(&mut self, digest: &Digest, path: &Path) -> io::Result<Option<Damage>> {
        self.go_on()?;
        self.report.blobs += 1;
        let (rate, pace, bytes) = (
            self.options.bytes_per_second,
            &mut self.pace,
            &mut self.report.bytes,
        );
        let stopped = self.stopped;
        let examined = examine(path, digest, |length| {
            *bytes += length as u64;
            pace.keep(length, rate, stopped);
            match stopped.load(Ordering::Relaxed) {
                true => Err(io::ErrorKind::Interrupted.into()),
                false => Ok(()),
            }
        });
        match examined {
            Ok(Content::Damaged(_)) => Ok(Some(Damage::Content)),
            Ok(Content::Intact | Content::Gone) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => Ok(Some(Damage::Unreadable(error.to_string()))),
        }
    }

    /// Sets damaged content aside, if that is asked for. What can't be read may be readable tomorrow.
    fn repair<'r>(
        &self,
        digest: &Digest,
        damage: &Damage,
        damaged: Option<Stat>,
        roots: impl IntoIterator<Item = &'r Path>,
    ) -> io::Result<bool> {
        match damaged {
            Some(damaged) if self.options.repair && *damage == Damage::Content => {
                self.shared.set_aside(digest, &damaged, roots)?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Looks at what the index of a repository lists, and what that needs.
    fn index(&mut self, name: &str, root: &Path) -> io::Result<()> {
        let repository = Repository::new(root.to_owned());
        let view = match repository.look() {
            Ok(Some(view)) => view,
            Ok(None) => return Ok(()),
            Err(error) => {
                self.tell(Some(name), None, Damage::Index(error.to_string()), false);
                return Ok(());
            }
        };
        let mut seen = HashSet::new();
        for entry in view.index().descriptors() {
            self.go_on()?;
            let mut found = Vec::new();
            self.entry(root, entry, &mut seen, &mut found);
            if found.is_empty() {
                continue;
            }
            // Perhaps it was deleted in the meantime.
            let now = repository.look().ok().flatten();
            if now.is_none_or(|now| now.index().find(&entry.digest).is_none()) {
                continue;
            }
            for (digest, damage) in found {
                self.tell(Some(name), Some(&digest), damage, false);
            }
        }
        Ok(())
    }

    fn entry(
        &self,
        root: &Path,
        entry: &Descriptor,
        seen: &mut HashSet<Digest>,
        found: &mut Vec<(Digest, Damage)>,
    ) {
        let size = |digest: &Digest| {
            let stat = Stat::at(&blob_in(root, digest)).ok().flatten();
            stat.map(|stat| stat.size)
        };
        match size(&entry.digest) {
            None => return found.push((entry.digest.clone(), Damage::Missing)),
            Some(size) if size != entry.size => {
                let (listed, size) = (entry.size, size);
                let damage = Damage::Size {
                    listed,
                    found: size,
                };
                return found.push((entry.digest.clone(), damage));
            }
            Some(_) => {}
        }
        let mut stack = vec![entry.clone()];
        while let Some(descriptor) = stack.pop() {
            if !descriptor.is_manifest() || !seen.insert(descriptor.digest.clone()) {
                continue;
            }
            // Damaged content is told already.
            let Some(bytes) = read_verified(root, &descriptor.digest) else {
                continue;
            };
            let digest = descriptor.digest.clone();
            let Ok(raw) = RawManifest::new(descriptor.plain(), bytes) else {
                found.push((digest, Damage::NoManifest));
                continue;
            };
            let claimed = raw.manifest().claimed_media_type();
            if let Some(claimed) = claimed.filter(|claimed| *claimed != descriptor.media_type) {
                let (listed, claimed) = (descriptor.media_type.clone(), claimed.to_owned());
                let damage = Damage::MediaType {
                    listed,
                    found: claimed,
                };
                found.push((digest.clone(), damage));
            }
            for below in needed(&raw) {
                if size(&below.digest) != Some(below.size) {
                    found.push((digest.clone(), Damage::Incomplete(below.digest.clone())));
                }
                stack.push(below);
            }
        }
    }

    fn tell(
        &mut self,
        name: Option<&str>,
        digest: Option<&Digest>,
        damage: Damage,
        repaired: bool,
    ) {
        if self.report.problems.len() >= MOST_TOLD {
            self.report.more += 1;
            return;
        }
        self.report.problems.push(Problem {
            repository: name.map(str::to_owned),
            digest: digest.cloned(),
            damage,
            repaired,
        });
    }

    fn go_on(&self) -> io::Result<()> {
        match self.stopped.load(Ordering::Relaxed) {
            true => Err(io::ErrorKind::Interrupted.into()),
            false => Ok(()),
        }
    }
}

/// What has to be there for a manifest to be complete.
fn needed(raw: &RawManifest) -> Vec<Descriptor> {
    let children = match raw.manifest() {
        Manifest::Index(index) | Manifest::DockerList(index) => index.manifests.as_slice(),
        _ => raw.layers(),
    };
    let all = raw.config().into_iter().chain(children);
    let here = all.filter(|below| below.urls.is_empty() && !below.is_foreign_layer());
    here.map(Descriptor::plain).collect()
}

/// Keeps reading from being faster than asked for.
#[derive(Default)]
struct Pace {
    started: Option<Instant>,
    bytes: u64,
}

impl Pace {
    fn keep(&mut self, length: usize, rate: Option<u64>, stopped: &AtomicBool) {
        let Some(rate) = rate.filter(|rate| *rate > 0) else {
            return;
        };
        let started = *self.started.get_or_insert_with(Instant::now);
        self.bytes += length as u64;
        let due = Duration::from_secs_f64(self.bytes as f64 / rate as f64);
        while let ahead = due.saturating_sub(started.elapsed())
            && !ahead.is_zero()
            && !stopped.load(Ordering::Relaxed)
        {
            std::thread::sleep(ahead.min(STEP));
        }
    }
}

//! Removing what nothing refers to, while everybody goes on reading and writing.
//!
//! Nobody waits for a collection: it finds out without any lock what each repository needs, and takes the lock of a
//! repository for a few milliseconds at a time to remove what is left over. If the index has changed since, what is new
//! is looked at first. What was pushed or asked for lately stays, because somebody may be about to refer to it: that is
//! what the grace is for, which begins anew whenever the inode of the file changes.

mod alive;
mod leftover;
mod store;
mod sweep;

use std::collections::HashMap;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use oras_spec::Digest;

use super::stat::{Identity, Stat};
use super::{LayoutDriver, Shared, Stop, failed};
use crate::driver::{DriverError, Result};
use crate::id;

/// How long an upload may be idle unless told otherwise.
const UPLOAD_IDLE: Duration = Duration::from_secs(24 * 60 * 60);
/// Of how many files with several names a run remembers their age. The others wait for another grace.
const MOST_AGED: usize = 100_000;

/// What becomes of manifests without a tag that refer to nothing and that nothing lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Untagged {
    /// They stay: somebody may know them by their digest.
    #[default]
    Keep,
    /// They go this long after they were pushed.
    After(Duration),
}

/// What becomes of manifests without a tag whose subject is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Referrers {
    /// They stay.
    Keep,
    /// They go after the grace.
    #[default]
    Remove,
}

/// How to collect.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CollectOptions {
    /// Changes nothing and tells what a collection would remove: false unless told.
    pub dry_run: bool,
    /// How long content that nothing refers to is kept for somebody who is about to: the grace of the driver unless told.
    pub grace: Option<Duration>,
    /// What becomes of manifests without a tag: they stay unless told.
    pub untagged: Untagged,
    /// What becomes of manifests whose subject is gone: they go unless told.
    pub referrers: Referrers,
    /// How long an upload may be idle: a day unless told.
    pub uploads: Duration,
    /// The moment from which ages are counted: the present unless told. In the future, with [`dry_run`](Self::dry_run),
    /// it tells what is going to be removed by then.
    pub now: Option<SystemTime>,
}

impl Default for CollectOptions {
    fn default() -> Self {
        Self {
            dry_run: false,
            grace: None,
            untagged: Untagged::default(),
            referrers: Referrers::default(),
            uploads: UPLOAD_IDLE,
            now: None,
        }
    }
}

/// What a collection has removed, or would remove.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CollectReport {
    /// The repositories about which there is something to tell, in the order of their names.
    pub repositories: Vec<RepositoryReport>,
    /// How many blobs were removed from repositories.
    pub blobs: u64,
    /// Their size, in bytes.
    pub bytes: u64,
    /// How many uploads were idle for too long.
    pub uploads: u64,
    /// How much space is free again, in bytes: content counts when the last repository has lost it.
    pub freed: u64,
}

/// What a collection has removed from a repository, or would remove.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RepositoryReport {
    /// Its name.
    pub name: String,
    /// How many manifests are no longer listed.
    pub manifests: u64,
    /// How many blobs were removed, manifests among them.
    pub blobs: u64,
    /// Their size, in bytes.
    pub bytes: u64,
    /// Whether the repository itself was removed because it was empty.
    pub removed: bool,
    /// Why nothing (more) was removed from it.
    pub skipped: Option<String>,
}

impl LayoutDriver {
    /// Removes what nothing refers to: blobs, uploads that nobody goes on with, empty repositories. Safe while this and
    /// other drivers work on the folder. Dropping the future stops it within a few milliseconds; what is left is found by
    /// the next collection.
    ///
    /// # Errors
    /// [`DriverError::Busy`] if a collection is under way already, in this or another process; [`DriverError::Io`].
    /// A repository that can't be cleaned is no error: the report tells.
    pub async fn collect(&self, options: CollectOptions) -> Result<CollectReport> {
        let stop = Stop::default();
        let stopped = Arc::clone(&stop.0);
        self.blocking(move |shared| {
            if options.dry_run {
                return Run::new(shared, options, &stopped).everything();
            }
            shared.may_change("cleaning a read-only folder")?;
            let _only = only_one(shared)?;
            let run = Run::new(shared, options, &stopped);
            run.recover_trash()?;
            run.everything()
        })
        .await
    }
}

/// The right to collect, which only one has at a time.
fn only_one(shared: &Shared) -> Result<File> {
    let io_failed = failed("starting a collection");
    let path = shared.places.collect_lock();
    let file = File::options().create(true).append(true).open(path);
    let file = file.map_err(&io_failed)?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(DriverError::Busy("a collection")),
        Err(TryLockError::Error(error)) if error.kind() != io::ErrorKind::Unsupported => {
            Err(io_failed(error))
        }
        _ => Ok(file),
    }
}

/// What decides whether something stays.
struct Rules {
    now: SystemTime,
    /// What changed before is old.
    cutoff: SystemTime,
    untagged: Untagged,
    referrers: Referrers,
    uploads: Duration,
    dry_run: bool,
}

/// One collection.
struct Run<'a> {
    shared: &'a Shared,
    rules: Rules,
    stopped: &'a AtomicBool,
    report: CollectReport,
    /// Where content of the shared store waits for a second look.
    trash: PathBuf,
    /// Content that was removed from the last repository that had it.
    released: Vec<Digest>,
    /// In a dry run, how many names files would have left, of those that have several.
    left: HashMap<Identity, u64>,
    /// Files that have lost a name by this run, and when they had changed before: that is how old they are.
    aged: HashMap<Identity, (Stat, SystemTime)>,
}

impl<'a> Run<'a> {
    fn new(shared: &'a Shared, options: CollectOptions, stopped: &'a AtomicBool) -> Self {
        let now = options.now.unwrap_or_else(SystemTime::now);
        let grace = options.grace.unwrap_or(shared.options.grace);
        Self {
            shared,
            rules: Rules {
                now,
                cutoff: now.checked_sub(grace).unwrap_or(SystemTime::UNIX_EPOCH),
                untagged: options.untagged,
                referrers: options.referrers,
                uploads: options.uploads,
                dry_run: options.dry_run,
            },
            stopped,
            report: CollectReport::default(),
            trash: shared.places.trash().join(id::random()),
            released: Vec::new(),
            left: HashMap::new(),
            aged: HashMap::new(),
        }
    }

    fn everything(mut self) -> Result<CollectReport> {
        let names = self.shared.all_names()?;
        for name in names.keys() {
            let mut report = RepositoryReport {
                name: name.clone(),
                ..RepositoryReport::default()
            };
            if let Err(why) = self.repository(name, &mut report) {
                report.skipped = Some(why);
            }
            self.report.blobs += report.blobs;
            self.report.bytes += report.bytes;
            let untouched = RepositoryReport {
                name: std::mem::take(&mut report.name),
                ..RepositoryReport::default()
            };
            report.name.clone_from(&untouched.name);
            if report != untouched {
                self.report.repositories.push(report);
            }
            self.go_on()?;
        }
        let io_failed = failed("cleaning up");
        self.shared_store().map_err(&io_failed)?;
        self.uploads().map_err(&io_failed)?;
        self.temporaries(&self.shared.places.own())
            .map_err(&io_failed)?;
        // Only there if something went through it.
        let _ = fs::remove_dir(&self.trash);
        Ok(self.report)
    }

    /// Whether to go on.
    fn go_on(&self) -> Result<()> {
        match self.stopped.load(Ordering::Relaxed) {
            true => Err(failed("collecting")(io::ErrorKind::Interrupted.into())),
            false => Ok(()),
        }
    }

    /// Whether nobody has shown an interest in a file since the cutoff.
    fn is_old(&self, stat: &Stat) -> bool {
        let aged = stat.identity.and_then(|identity| self.aged.get(&identity));
        let changed = match aged {
            // Exactly as this run has left it.
            Some((left, before)) if left == stat => *before,
            _ => stat.changed,
        };
        changed < self.rules.cutoff
    }

    /// Takes note that this run has taken a name away from the file that was `before`.
    fn has_aged(&mut self, before: &Stat, file: &File) -> io::Result<()> {
        let (Some(identity), Some(links)) = (before.identity, before.links) else {
            return Ok(());
        };
        let left = Stat::open(file)?;
        let alone = left.filter(|left| left.links == Some(links.saturating_sub(1)));
        if let Some(left) = alone
            && self.aged.len() < MOST_AGED
        {
            let changed = match self.aged.get(&identity) {
                Some((known, changed)) if known == before => *changed,
                _ => before.changed,
            };
            self.aged.insert(identity, (left, changed));
        }
        Ok(())
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }
}

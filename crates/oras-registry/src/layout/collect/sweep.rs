//! Cleaning one repository.

use std::fs::{self, TryLockError};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use oras_content::layout::LayoutLock;
use oras_spec::Digest;
use oras_spec::layout::BLOBS_DIR;

use super::super::Shared;
use super::super::change::{Change, Outcome};
use super::super::place::{OWN, blob_in};
use super::super::read::open_blocking;
use super::super::repository::Repository;
use super::super::stat::Stat;
use super::super::view::View;
use super::super::walk::content_in;
use super::alive::{Alive, Unreadable};
use super::{RepositoryReport, Run};

/// How long the lock of a repository is held at a time.
const SLICE: Duration = Duration::from_millis(2);
/// How long others have it to themselves in between.
const PAUSE: Duration = Duration::from_millis(1);
/// How many names of unused blobs are held at a time.
const BATCH: usize = 1024;
/// How often the index may change while it is being looked at, before others have to wait until it was.
const ATTEMPTS: usize = 4;

/// A repository that is being cleaned.
struct Cleaning<'a> {
    repository: &'a Repository,
    view: Arc<View>,
    alive: Alive<'a>,
}

impl Run<'_> {
    /// Cleans the repository `name`. The error is what to tell about it. Blocks.
    pub(super) fn repository(
        &mut self,
        name: &str,
        report: &mut RepositoryReport,
    ) -> Result<(), String> {
        let known = self.shared.repositories.get(name);
        // One that nobody asks for is not kept ready because of this.
        let repository =
            known.unwrap_or_else(|| Arc::new(Repository::new(self.shared.places.repository(name))));
        let Some(mut cleaning) = self.look(&repository, report)? else {
            return Ok(());
        };
        self.blobs(&mut cleaning, report)?;
        let io_failed = |error: io::Error| error.to_string();
        self.temporaries(&repository.root.join(OWN))
            .map_err(io_failed)?;
        self.remove_if_empty(name, &repository, report)
            .map_err(io_failed)
    }

    /// Finds out what the repository needs, and takes out of its index what the rules don't keep.
    fn look<'r>(
        &self,
        repository: &'r Repository,
        report: &mut RepositoryReport,
    ) -> Result<Option<Cleaning<'r>>, String>
    where
        Self: 'r,
    {
        let shared = self.shared;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let view = repository.view(shared).map_err(|error| told(&error))?;
            let Some(view) = view else {
                return Ok(None);
            };
            let mut alive = Alive::new(shared, &repository.root);
            let expired = match alive.enter(view.index(), &self.rules) {
                Ok(expired) => expired,
                // Perhaps it was deleted just now.
                Err(_) if attempt < ATTEMPTS && !view.snapshot().is_current() => continue,
                Err(unreadable) => return Err(unreadable.told()),
            };
            if expired.is_empty() || self.rules.dry_run {
                report.manifests += expired.len() as u64;
                return Ok(Some(Cleaning {
                    repository,
                    view,
                    alive,
                }));
            }
            let _turn = repository.turn.blocking_lock();
            let change = Change::Expire(Arc::clone(&view), expired);
            let outcomes = repository.make(shared, &[change]);
            let mut outcomes = outcomes.map_err(|error| told(&error))?;
            match outcomes.pop() {
                Some(Ok(Outcome::Expired(Some(count)))) => report.manifests += count,
                Some(Err(error)) => return Err(told(&error)),
                // Something has changed: decided anew.
                _ if attempt < ATTEMPTS => {}
                _ => return Err("it changes all the time".to_owned()),
            }
        }
    }

    fn blobs(
        &mut self,
        cleaning: &mut Cleaning<'_>,
        report: &mut RepositoryReport,
    ) -> Result<(), String> {
        let blobs = cleaning.repository.root.join(BLOBS_DIR);
        let mut batch = Vec::new();
        content_in(&blobs, |digest, path| {
            if cleaning.alive.keeps(digest)
                || !Stat::at(path)?.is_some_and(|stat| self.is_old(&stat))
            {
                return Ok(());
            }
            batch.push(digest.clone());
            match batch.len() >= BATCH {
                true => self
                    .sweep(cleaning, &mut batch, report)
                    .map_err(io::Error::other),
                false => Ok(()),
            }
        })
        .map_err(|error| error.to_string())?;
        self.sweep(cleaning, &mut batch, report)
    }

    /// Removes what of `batch` is still unused, in slices.
    fn sweep(
        &mut self,
        cleaning: &mut Cleaning<'_>,
        batch: &mut Vec<Digest>,
        report: &mut RepositoryReport,
    ) -> Result<(), String> {
        let io_failed = |error: io::Error| error.to_string();
        let root = &cleaning.repository.root;
        if self.rules.dry_run {
            for digest in batch.drain(..) {
                let path = blob_in(root, &digest);
                if let Some(stat) = Stat::at(&path).map_err(io_failed)? {
                    self.count(&digest, &stat, report).map_err(io_failed)?;
                }
            }
            return Ok(());
        }
        while !batch.is_empty() {
            if self.is_stopped() {
                return Err("the collection was stopped".to_owned());
            }
            if !cleaning.catch_up(self.shared)? {
                return Ok(());
            }
            let turn = cleaning.repository.turn.blocking_lock();
            let lock = match LayoutLock::acquire(root) {
                Err(_) if !root.exists() => return Ok(()),
                locked => locked.map_err(|error| error.to_string())?,
            };
            // What is new since is not much.
            if !cleaning.catch_up_locked()? {
                continue;
            }
            batch.retain(|digest| !cleaning.alive.keeps(digest));
            let started = Instant::now();
            while started.elapsed() < SLICE
                && let Some(digest) = batch.pop()
            {
                self.remove(root, &digest, report).map_err(io_failed)?;
            }
            drop((lock, turn));
            self.release_all().map_err(io_failed)?;
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// Removes an unused blob, unless somebody has asked for it in the meantime. Under the lock of the repository.
    fn remove(
        &mut self,
        root: &Path,
        digest: &Digest,
        report: &mut RepositoryReport,
    ) -> io::Result<()> {
        let path = blob_in(root, digest);
        let Some(found) = open_blocking(&path)? else {
            return Ok(());
        };
        // Whoever keeps it holds this lock, and has either done so before or is going to find that it is gone.
        match found.file.try_lock() {
            Err(TryLockError::WouldBlock) => return Ok(()),
            Err(TryLockError::Error(error)) if error.kind() != io::ErrorKind::Unsupported => {
                return Err(error);
            }
            _ => {}
        }
        let stat = Stat::open(&found.file)?;
        let Some(stat) = stat.filter(|stat| self.is_old(stat)) else {
            return Ok(());
        };
        let is_shared = self.is_shared(digest, &stat)?;
        fs::remove_file(&path)?;
        self.shared.manifests.remove(digest);
        report.blobs += 1;
        report.bytes += stat.size;
        match (stat.links, is_shared) {
            (Some(1), _) => self.report.freed += stat.size,
            (Some(2), true) => self.released.push(digest.clone()),
            _ => self.has_aged(&stat, &found.file)?,
        }
        Ok(())
    }

    /// Counts an unused blob that would be removed.
    fn count(
        &mut self,
        digest: &Digest,
        stat: &Stat,
        report: &mut RepositoryReport,
    ) -> io::Result<()> {
        report.blobs += 1;
        report.bytes += stat.size;
        let is_shared = self.is_shared(digest, stat)?;
        let (Some(links), Some(identity)) = (stat.links, stat.identity) else {
            return Ok(());
        };
        let left = self.left.entry(identity).or_insert(links);
        *left = left.saturating_sub(1);
        if *left == u64::from(is_shared) {
            self.left.remove(&identity);
            self.report.freed += stat.size;
        }
        Ok(())
    }

    /// Whether this very file is the one that repositories share.
    fn is_shared(&self, digest: &Digest, stat: &Stat) -> io::Result<bool> {
        let shared = Stat::at(&self.shared.places.blob(digest))?;
        Ok(shared.is_some_and(|shared| shared.is(stat)))
    }
}

impl Cleaning<'_> {
    /// Looks at what is new in the index. False if there is no such repository any more. Blocks.
    fn catch_up(&mut self, shared: &Shared) -> Result<bool, String> {
        if self.view.snapshot().is_current() {
            return Ok(true);
        }
        let view = self.repository.view(shared).map_err(|error| told(&error))?;
        let Some(view) = view else {
            return Ok(false);
        };
        self.enter(view)?;
        Ok(true)
    }

    /// The same under the lock. False if that does not do, because changes have to be made again first.
    fn catch_up_locked(&mut self) -> Result<bool, String> {
        if self.view.snapshot().is_current() {
            return Ok(true);
        }
        let last = self.repository.last();
        let view = match last.filter(|last| last.snapshot().is_current()) {
            Some(current) => current,
            None => match self.repository.read().map_err(|error| told(&error))? {
                Some(snapshot) => Arc::new(View::new(snapshot)),
                None => return Ok(false),
            },
        };
        if view.generation() < self.repository.known_generation() {
            return Ok(false);
        }
        self.enter(view)?;
        Ok(true)
    }

    fn enter(&mut self, view: Arc<View>) -> Result<(), String> {
        let entered = self.alive.enter_all(view.index());
        entered.map_err(|unreadable| unreadable.told())?;
        self.view = view;
        Ok(())
    }
}

impl Unreadable {
    fn told(&self) -> String {
        format!("the manifest {} can't be read", self.0)
    }
}

/// What an error says, with its causes.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

//! Making changes of a repository: all that wait at once, under the lock of the layout, with one index written.
//!
//! Order: content to the disk, then the new index beside the old one, then its name. Whatever happens in between, the
//! old index or the new one is there as a whole, and all it names.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use oras_content::layout::{Index, IndexSnapshot, LayoutLock, keep_blob, sync_path};
use oras_spec::Digest;
use oras_spec::layout::{BLOBS_DIR, INDEX_FILE, OCI_LAYOUT_FILE};
use tokio::sync::oneshot;

use super::change::{Change, Draft, Needed, Outcome};
use super::durable::sync_all;
use super::journal::{self, Step, Written};
use super::place::blob_in;
use super::repository::{PATIENCE, PAUSE, Repository};
use super::stat::identity_at;
use super::store::{own_temporary, remove};
use super::view::{GENERATION, View, generation};
use super::{Durability, LayoutDriver, Shared, blocking, failed};
use crate::driver::{DriverError, PutOutcome, Result, UntagOutcome};

/// How often another program may write the index while ours is being prepared.
const ATTEMPTS: usize = 32;

/// A change, and who waits for it.
pub(super) struct Waiting {
    change: Change,
    answer: oneshot::Sender<Result<Outcome>>,
}

impl LayoutDriver {
    /// Makes a change, together with all others that wait for the same repository.
    ///
    /// Once it has begun it is made, whether or not anybody still waits.
    pub(super) async fn change(&self, repository: &str, change: Change) -> Result<Outcome> {
        self.shared.may_change("changing a read-only folder")?;
        let repository = self.shared.repository(repository);
        let (answer, outcome) = oneshot::channel();
        repository.queue().push(Waiting { change, answer });
        let shared = Arc::clone(&self.shared);
        tokio::spawn(async move {
            let _turn = repository.turn.lock().await;
            let batch = std::mem::take(&mut *repository.queue());
            if batch.is_empty() {
                // Whoever had the turn before has made our change, too.
                return;
            }
            let repository = Arc::clone(&repository);
            // Everybody was told already.
            let _ = blocking(move || {
                commit(&shared, &repository, batch);
                Ok(())
            })
            .await;
        });
        outcome
            .await
            .unwrap_or_else(|_| Err(failed("changing")(io::ErrorKind::Interrupted.into())))
    }
}

fn commit(shared: &Shared, repository: &Repository, batch: Vec<Waiting>) {
    let (changes, answers): (Vec<Change>, Vec<_>) = batch
        .into_iter()
        .map(|waiting| (waiting.change, waiting.answer))
        .unzip();
    let outcomes = repository.make(shared, &changes);
    let outcomes = outcomes.unwrap_or_else(|error| {
        let all = changes.iter().map(|_| Err(again(&error)));
        all.collect()
    });
    for (answer, outcome) in answers.into_iter().zip(outcomes) {
        // Whoever left does not want to know.
        let _ = answer.send(outcome);
    }
}

/// The same error for somebody else.
fn again(error: &DriverError) -> DriverError {
    match error {
        DriverError::Io { operation, source } => DriverError::Io {
            operation,
            source: io::Error::new(source.kind(), source.to_string()),
        },
        DriverError::Full => DriverError::Full,
        DriverError::Busy(what) => DriverError::Busy(what),
        DriverError::Damaged(what) => DriverError::Damaged(what.clone()),
    }
}

impl Repository {
    /// Makes again what a program that takes no lock has overwritten. Blocks.
    pub(super) fn heal(&self, shared: &Shared) -> Result<()> {
        self.make(shared, &[]).map(|_| ())
    }

    pub(super) fn make(&self, shared: &Shared, changes: &[Change]) -> Result<Vec<Result<Outcome>>> {
        let io_failed = failed("changing a repository");
        let putting = changes.iter().find_map(|change| match change {
            Change::Put(commit) => Some(&commit.entry.digest),
            _ => None,
        });
        let absent = || changes.iter().map(|change| Ok(absent(change))).collect();
        if putting.is_none() && !self.root.join(INDEX_FILE).exists() {
            return Ok(absent());
        }
        shared.places.refuse_links(&self.root).map_err(&io_failed)?;
        shared.recovery.mark().map_err(&io_failed)?;
        let _lock = self.lock(shared, putting)?;
        if putting.is_none() && !self.root.join(INDEX_FILE).exists() {
            return Ok(absent());
        }

        for _ in 0..ATTEMPTS {
            let before = self.read()?;
            let mut draft = Draft {
                shared,
                root: &self.root,
                index: self.base(before.as_ref())?,
                steps: Vec::new(),
                needed: Vec::new(),
                doomed: Vec::new(),
                bereaved: Vec::new(),
            };
            let outcomes = changes.iter().map(|change| draft.apply(change)).collect();
            let Draft {
                index,
                steps,
                needed,
                doomed,
                bereaved,
                ..
            } = draft;
            if index.changed() {
                if !self.write(shared, before.as_ref(), index, steps, &needed)? {
                    continue;
                }
                if let Some(before) = &before {
                    self.adopt_late(shared, before)?;
                }
            } else if let Some(before) = before {
                self.take_note(before);
            }
            for digest in &bereaved {
                keep_blob(&blob_in(&self.root, digest)).map_err(&io_failed)?;
            }
            for digest in &doomed {
                shared.manifests.remove(digest);
                remove(&blob_in(&self.root, digest)).map_err(&io_failed)?;
            }
            return Ok(outcomes);
        }
        Err(busy())
    }

    /// The right to change the repository, which exists from then on with a place for `putting`. Blocks.
    fn lock(&self, shared: &Shared, putting: Option<&Digest>) -> Result<LayoutLock> {
        let io_failed = failed("changing a repository");
        for _ in 0..ATTEMPTS {
            // An empty repository may be removed at any of these moments.
            match shared.prepare(&self.root, putting) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                prepared => prepared.map_err(&io_failed)?,
            }
            match LayoutLock::acquire(&self.root) {
                Err(_) if !self.root.join(OCI_LAYOUT_FILE).exists() => {}
                locked => return locked.map_err(|error| io_failed(io::Error::other(error))),
            }
        }
        Err(busy())
    }

    /// The index to change: what the file says, with what of ours was overwritten.
    fn base(&self, before: Option<&IndexSnapshot>) -> Result<Index> {
        let Some(before) = before else {
            return Index::empty().map_err(|error| DriverError::Damaged(error.to_string()));
        };
        let mut index = Index::clone(before.index());
        let found = generation(&index);
        if found < self.known_generation() {
            self.replay(&mut index, found)?;
        }
        Ok(index)
    }

    fn replay(&self, index: &mut Index, since: Option<u64>) -> Result<()> {
        let missing = journal::since(&self.root, since).map_err(failed("reading the journal"))?;
        journal::replay(&self.root, index, &missing)
    }

    /// Takes over what another program has written into the old file while its name went to the new one.
    fn adopt_late(&self, shared: &Shared, before: &IndexSnapshot) -> Result<()> {
        for _ in 0..ATTEMPTS {
            let Some(mut index) = rewritten(before) else {
                return Ok(());
            };
            let found = generation(&index);
            self.replay(&mut index, found)?;
            let current = self.read()?;
            if self.write(shared, current.as_ref(), index, Vec::new(), &[])? {
                return Ok(());
            }
        }
        Err(busy())
    }

    /// Makes `index` the one that everybody sees, after all it needs is on the disk. False if another program has
    /// written another one since `before`.
    fn write(
        &self,
        shared: &Shared,
        before: Option<&IndexSnapshot>,
        mut index: Index,
        steps: Vec<Step>,
        needed: &[Needed],
    ) -> Result<bool> {
        let io_failed = failed("writing the index");
        let damaged = |error: oras_content::Error| DriverError::Damaged(error.to_string());
        let found = before.and_then(|before| generation(before.index()));
        let number = self.known_generation().max(found).unwrap_or_default() + 1;
        index
            .annotate(GENERATION, &number.to_string())
            .map_err(damaged)?;
        let bytes = index.to_json().map_err(damaged)?;
        let draft = own_temporary(&self.root).map_err(&io_failed)?;
        let prepared = File::create_new(&draft).and_then(|mut file| {
            file.write_all(&bytes)?;
            self.make_durable(shared, needed, &draft)?;
            Ok(file)
        });
        let current = match before {
            Some(before) => before.is_current(),
            None => !self.root.join(INDEX_FILE).exists(),
        };
        let file = match prepared {
            Ok(file) if current => file,
            prepared => {
                // Nothing has happened, and the next collection would find it.
                let _ = remove(&draft);
                return prepared.map(|_| false).map_err(&io_failed);
            }
        };
        fs::rename(&draft, self.root.join(INDEX_FILE)).map_err(&io_failed)?;
        let was_empty = before.is_none_or(|before| before.index().is_empty());
        if was_empty != index.is_empty() {
            shared.names.forget();
        }
        let snapshot = IndexSnapshot::written(&self.root, file, index).map_err(damaged)?;
        self.set(Arc::new(View::new(snapshot)));
        if !steps.is_empty() {
            let written = Written {
                generation: number,
                at: Timestamp::now(),
                steps,
            };
            journal::append(&self.root, &written).map_err(&io_failed)?;
        }
        if shared.options.durability != Durability::None {
            sync_path(&self.root).map_err(&io_failed)?;
        }
        Ok(true)
    }

    /// Waits until the new index, what it needs and the names of both are on the disk.
    fn make_durable(&self, shared: &Shared, needed: &[Needed], draft: &Path) -> io::Result<()> {
        if shared.options.durability == Durability::None {
            return Ok(());
        }
        let new = |needed: &&Needed| {
            let known = |file| shared.synced.has(&needed.digest, file);
            !needed.identity.is_some_and(known)
        };
        let new: Vec<&Needed> = needed.iter().filter(new).collect();
        let mut files: Vec<PathBuf> = new.iter().map(|needed| needed.path.clone()).collect();
        files.push(draft.to_owned());
        let mut folders: BTreeSet<PathBuf> = needed
            .iter()
            .filter_map(|needed| needed.path.parent().map(Path::to_owned))
            .collect();
        folders.insert(self.root.join(BLOBS_DIR));
        let root = identity_at(&self.root);
        if root.is_none() || *self.rooted() != root {
            let above = self.root.ancestors();
            let above = above.take_while(|folder| folder.starts_with(shared.places.root()));
            folders.extend(above.map(Path::to_owned));
        }
        let folders: Vec<PathBuf> = folders.into_iter().collect();
        sync_all(shared.places.root(), &files, &folders)?;
        *self.rooted() = root;
        for needed in new {
            if let Some(file) = needed.identity {
                shared.synced.add(needed.digest.clone(), file);
            }
        }
        Ok(())
    }

    /// Remembers what was read, unless it is known.
    fn take_note(&self, read: IndexSnapshot) {
        let known = self.last().is_some_and(|last| last.snapshot().is_current());
        if !known {
            self.set(Arc::new(View::new(read)));
        }
    }
}

/// What was written into a file that has lost its name. Half of it is waited for: whoever writes it has opened it before
/// and is going to be done soon. If that one never ends, there is nothing to take over.
fn rewritten(file: &IndexSnapshot) -> Option<Index> {
    let until = Instant::now() + PATIENCE;
    loop {
        match file.rewritten() {
            Ok(theirs) => return theirs,
            Err(_) if Instant::now() >= until => return None,
            Err(_) => std::thread::sleep(PAUSE),
        }
    }
}

fn busy() -> DriverError {
    let text = "another program writes the index all the time";
    failed("changing a repository")(io::Error::other(text))
}

/// What becomes of a change where there is no repository.
fn absent(change: &Change) -> Outcome {
    match change {
        Change::Put(_) => Outcome::Put(PutOutcome::ConditionFailed),
        Change::DeleteManifest(_) | Change::DeleteBlob(_) => Outcome::Deleted(false),
        Change::Untag(..) => Outcome::Untagged(UntagOutcome::Missing),
        Change::Expire(..) => Outcome::Expired(None),
    }
}

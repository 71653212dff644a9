//! Who writes to which upload session, and which sessions there are.
//!
//! One request writes to a session at a time. A new one takes over: the older one stops reading, what it received
//! stays. That way a client whose connection died without a word goes on at once.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use oras_spec::Digest;
use tokio::sync::{OwnedMutexGuard, watch};

/// How long the end of a session is remembered, for clients that never saw the answer.
const REMEMBERED: Duration = Duration::from_secs(15 * 60);
/// How many ends are remembered at most.
const MOST_REMEMBERED: usize = 10_000;

/// The sessions this process has seen.
#[derive(Default)]
pub(crate) struct Sessions {
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    open: HashMap<String, Open>,
    finished: VecDeque<Finished>,
}

struct Open {
    repository: String,
    /// Who started it; `None` if that was in another process.
    owner: Option<String>,
    active: Instant,
    gate: Arc<Gate>,
}

struct Finished {
    id: String,
    owner: Option<String>,
    repository: String,
    digest: Digest,
    at: Instant,
}

struct Gate {
    writer: Arc<tokio::sync::Mutex<()>>,
    newest: watch::Sender<u64>,
}

/// The right to write to a session, until another request wants it.
pub(crate) struct Turn {
    number: u64,
    newest: watch::Receiver<u64>,
    _writer: OwnedMutexGuard<()>,
}

impl Turn {
    /// Waits until another request takes over.
    pub(crate) async fn taken_over(&mut self) {
        let number = self.number;
        if self
            .newest
            .wait_for(|newest| *newest != number)
            .await
            .is_err()
        {
            // The session was forgotten: nobody else can come.
            std::future::pending::<()>().await;
        }
    }
}

impl Sessions {
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of a new session of `owner`, if there are not too many of them.
    pub(crate) fn admit(
        &self,
        repository: &str,
        id: &str,
        owner: String,
        (total, own): (usize, usize),
    ) -> bool {
        let mut table = self.lock();
        let of_repository = table.open.values();
        let of_repository = of_repository.filter(|open| open.repository == repository);
        if table.open.len() >= total || of_repository.count() >= own {
            return false;
        }
        let open = Open::new(repository, Some(owner));
        table.open.insert(id.to_owned(), open);
        true
    }

    /// Whether a session is not one that somebody else started.
    pub(crate) fn belongs_to(&self, id: &str, owner: &str) -> bool {
        let table = self.lock();
        let open = table.open.get(id).map(|open| &open.owner);
        let finished = || table.finished.iter().find(|finished| finished.id == id);
        let known = open.or_else(|| finished().map(|finished| &finished.owner));
        match known {
            Some(Some(known)) => known == owner,
            Some(None) | None => true,
        }
    }

    /// Takes over the writing to a session that exists.
    pub(crate) async fn take_turn(&self, repository: &str, id: &str) -> Turn {
        let gate = {
            let mut table = self.lock();
            let open = table.open.entry(id.to_owned());
            let open = open.or_insert_with(|| Open::new(repository, None));
            open.active = Instant::now();
            Arc::clone(&open.gate)
        };
        let newest = gate.newest.subscribe();
        let mut number = 0;
        gate.newest.send_modify(|newest| {
            *newest += 1;
            number = *newest;
        });
        let writer = Arc::clone(&gate.writer).lock_owned().await;
        Turn {
            number,
            newest,
            _writer: writer,
        }
    }

    /// How many sessions are open, as far as this process knows.
    pub(crate) fn open(&self) -> usize {
        self.lock().open.len()
    }

    /// Forgets a session that is gone.
    pub(crate) fn forget(&self, id: &str) {
        self.lock().open.remove(id);
    }

    /// Remembers what a session became.
    pub(crate) fn finish(&self, repository: &str, id: &str, digest: &Digest) {
        let mut table = self.lock();
        let owner = table.open.remove(id).and_then(|open| open.owner);
        if table.finished.len() >= MOST_REMEMBERED {
            table.finished.pop_front();
        }
        table.finished.push_back(Finished {
            id: id.to_owned(),
            owner,
            repository: repository.to_owned(),
            digest: digest.clone(),
            at: Instant::now(),
        });
    }

    /// Whether this session has just become the blob `digest`.
    pub(crate) fn has_become(&self, repository: &str, id: &str, digest: &Digest) -> bool {
        let mut table = self.lock();
        while table
            .finished
            .front()
            .is_some_and(|oldest| oldest.at.elapsed() > REMEMBERED)
        {
            table.finished.pop_front();
        }
        table.finished.iter().any(|finished| {
            finished.id == id && finished.repository == repository && finished.digest == *digest
        })
    }

    /// The sessions nobody wrote to for `idle`, as repository and id.
    pub(crate) fn idle(&self, idle: Duration) -> Vec<(String, String)> {
        let table = self.lock();
        let old = table.open.iter().filter(|(_, open)| {
            open.active.elapsed() > idle && open.gate.writer.try_lock().is_ok()
        });
        old.map(|(id, open)| (open.repository.clone(), id.clone()))
            .collect()
    }
}

impl Open {
    fn new(repository: &str, owner: Option<String>) -> Self {
        Self {
            repository: repository.to_owned(),
            owner,
            active: Instant::now(),
            gate: Arc::new(Gate {
                writer: Arc::default(),
                newest: watch::Sender::new(0),
            }),
        }
    }
}

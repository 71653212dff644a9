//! Checking passwords.
//!
//! bcrypt is slow by design, so what was right is remembered for a while, equal checks at the same time are one, and
//! only a few run at once. What is remembered is no password but a hash of it under a key that only this process has.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use aws_lc_rs::hmac;
use tokio::sync::{OnceCell, Semaphore};

use super::AuthError;
use super::htpasswd::{Htpasswd, NAME_BYTES, Table};
use super::throttle::Throttle;
use crate::observe::{self, Observer};
use crate::peer;

/// How long a right password is remembered.
const REMEMBERED: Duration = Duration::from_secs(5 * 60);
/// How many are.
const MOST_REMEMBERED: usize = 10_000;
/// How many checks wait or run at once.
const QUEUE: usize = 64;

/// What became of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Right,
    Wrong,
    /// Nobody looked: there are too many to look at.
    Busy,
}

/// What a check is about, hashed.
type Fingerprint = [u8; 32];

pub(super) struct Passwords {
    file: Htpasswd,
    observer: Option<Arc<dyn Observer>>,
    key: hmac::Key,
    right: Mutex<HashMap<Fingerprint, Instant>>,
    running: Mutex<HashMap<Fingerprint, Arc<OnceCell<Verdict>>>>,
    throttle: Throttle,
    queue: Arc<Semaphore>,
    workers: Arc<Semaphore>,
}

impl Passwords {
    pub(super) fn new(
        file: Htpasswd,
        observer: Option<Arc<dyn Observer>>,
    ) -> Result<Self, AuthError> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|_| AuthError::Random)?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            file,
            observer,
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
            right: Mutex::default(),
            running: Mutex::default(),
            throttle: Throttle::default(),
            queue: Arc::new(Semaphore::new(QUEUE)),
            workers: Arc::new(Semaphore::new((cores / 2).max(1))),
        })
    }

    /// The hash of a user's password as it is now, if there is such a user.
    pub(super) fn hash(&self, user: &str) -> Option<Arc<str>> {
        self.users().hash(user).cloned()
    }

    /// Whether it is the user's password. An answer may take some seconds for who has given wrong ones.
    pub(super) async fn check(
        &self,
        user: &str,
        password: &str,
        address: Option<IpAddr>,
    ) -> Verdict {
        if user.len() > NAME_BYTES {
            // Nobody is called so, and it would be kept to count attempts.
            return Verdict::Wrong;
        }
        let users = self.users();
        let known = users.hash(user);
        let hash = known.unwrap_or_else(|| users.dummy());
        let fingerprint = self.fingerprint(user, password, hash);
        if self.is_remembered(&fingerprint) {
            return Verdict::Right;
        }
        let check = Running::join(&self.running, fingerprint);
        let verify = async || {
            let key = (address.map(peer::network), user.to_owned());
            let Some(wait) = self.throttle.attempt(&key, Instant::now()) else {
                return Verdict::Busy;
            };
            if !wait.is_zero() {
                tokio::time::sleep(wait).await;
            }
            let verdict = self.verify(password, Arc::clone(hash)).await;
            // There is a password for every hash, but none for a user who is not there.
            let verdict = match verdict {
                Verdict::Right if known.is_none() => Verdict::Wrong,
                verdict => verdict,
            };
            if verdict == Verdict::Right {
                self.throttle.forget(&key);
                self.remember(fingerprint);
            }
            verdict
        };
        *check.cell.get_or_init(verify).await
    }

    fn users(&self) -> Arc<Table> {
        self.file.users(Instant::now(), |error| {
            if let Some(observer) = &self.observer {
                observer.trouble(&observe::told("the users stay as they were", &error));
            }
        })
    }

    async fn verify(&self, password: &str, hash: Arc<str>) -> Verdict {
        let Ok(place) = Arc::clone(&self.queue).try_acquire_owned() else {
            return Verdict::Busy;
        };
        let Ok(worker) = Arc::clone(&self.workers).acquire_owned().await else {
            return Verdict::Busy;
        };
        let password = password.to_owned();
        let checked = tokio::task::spawn_blocking(move || {
            // Held until the work is done, even if nobody waits for it any more.
            let _held = (place, worker);
            bcrypt::verify(password, &hash)
        });
        match checked.await {
            Ok(Ok(true)) => Verdict::Right,
            _ => Verdict::Wrong,
        }
    }

    fn fingerprint(&self, user: &str, password: &str, hash: &str) -> Fingerprint {
        let mut context = hmac::Context::with_key(&self.key);
        for part in [user, "\0", password, "\0", hash] {
            context.update(part.as_bytes());
        }
        let mut fingerprint = [0; 32];
        let tag = context.sign();
        for (to, from) in fingerprint.iter_mut().zip(tag.as_ref()) {
            *to = *from;
        }
        fingerprint
    }

    fn is_remembered(&self, fingerprint: &Fingerprint) -> bool {
        let right = lock(&self.right);
        right
            .get(fingerprint)
            .is_some_and(|since| since.elapsed() < REMEMBERED)
    }

    fn remember(&self, fingerprint: Fingerprint) {
        let mut right = lock(&self.right);
        if right.len() >= MOST_REMEMBERED {
            right.retain(|_, since| since.elapsed() < REMEMBERED);
        }
        if right.len() >= MOST_REMEMBERED {
            right.clear();
        }
        right.insert(fingerprint, Instant::now());
    }
}

/// A check that all who ask the same at the same time share.
struct Running<'a> {
    table: &'a Mutex<HashMap<Fingerprint, Arc<OnceCell<Verdict>>>>,
    fingerprint: Fingerprint,
    cell: Arc<OnceCell<Verdict>>,
}

impl<'a> Running<'a> {
    fn join(
        table: &'a Mutex<HashMap<Fingerprint, Arc<OnceCell<Verdict>>>>,
        fingerprint: Fingerprint,
    ) -> Self {
        let cell = Arc::clone(lock(table).entry(fingerprint).or_default());
        Self {
            table,
            fingerprint,
            cell,
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let mut table = lock(self.table);
        let own = table.get(&self.fingerprint);
        let own = own.is_some_and(|cell| Arc::ptr_eq(cell, &self.cell));
        // Done, or nobody is left to do it: the table and this one hold it.
        if own && (self.cell.initialized() || Arc::strong_count(&self.cell) <= 2) {
            table.remove(&self.fingerprint);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passwords() -> (Passwords, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users");
        let hash = bcrypt::hash("secret", 4).unwrap();
        std::fs::write(&path, format!("jo:{hash}\n")).unwrap();
        let passwords = Passwords::new(Htpasswd::open(path).unwrap(), None).unwrap();
        (passwords, folder)
    }

    #[tokio::test]
    async fn a_right_password_is_checked_once_however_many_ask() {
        let (passwords, _folder) = passwords();
        let checks = (0..500).map(|_| passwords.check("jo", "secret", None));
        let verdicts = futures_util::future::join_all(checks).await;
        assert!(verdicts.iter().all(|verdict| *verdict == Verdict::Right));
        assert_eq!(lock(&passwords.right).len(), 1);
        assert!(lock(&passwords.running).is_empty());
        // Nobody can look any more, and nobody has to.
        passwords.queue.close();
        assert_eq!(passwords.check("jo", "secret", None).await, Verdict::Right);
        assert_eq!(passwords.check("jo", "other", None).await, Verdict::Busy);
    }

    #[tokio::test]
    async fn wrong_passwords_and_unknown_users_are_refused() {
        let (passwords, _folder) = passwords();
        for (user, password) in [("jo", "Secret"), ("jo", ""), ("ann", "secret"), ("", "")] {
            let verdict = passwords.check(user, password, None).await;
            assert_eq!(verdict, Verdict::Wrong, "{user}");
        }
        let long = "x".repeat(60_000);
        for _ in 0..10 {
            let verdict = passwords.check(&long, "secret", None).await;
            assert_eq!(verdict, Verdict::Wrong);
        }
        assert!(lock(&passwords.right).is_empty() && lock(&passwords.running).is_empty());
    }

    #[tokio::test]
    async fn beyond_the_queue_nobody_looks() {
        let (passwords, _folder) = passwords();
        let all = Arc::clone(&passwords.queue).acquire_many_owned(64).await;
        assert_eq!(passwords.check("jo", "secret", None).await, Verdict::Busy);
        drop(all);
        assert_eq!(passwords.check("jo", "secret", None).await, Verdict::Right);
    }

    #[tokio::test]
    async fn a_right_password_makes_up_for_wrong_ones() {
        let (passwords, _folder) = passwords();
        let (key, now) = ((None, "jo".to_owned()), Instant::now());
        for _ in 0..4 {
            passwords.throttle.attempt(&key, now);
        }
        assert_eq!(passwords.check("jo", "secret", None).await, Verdict::Right);
        assert_eq!(passwords.throttle.attempt(&key, now), Some(Duration::ZERO));
    }

    #[tokio::test]
    async fn who_is_slowed_down_is_a_user_at_an_address() {
        let (passwords, _folder) = passwords();
        let (one, other) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        let key = (Some(one), "jo".to_owned());
        let now = Instant::now();
        while passwords.throttle.attempt(&key, now).is_some() {}
        let verdict = passwords.check("jo", "secret", Some(one)).await;
        assert_eq!(verdict, Verdict::Busy);
        let verdict = passwords.check("jo", "secret", Some(other)).await;
        assert_eq!(verdict, Verdict::Right);
    }
}

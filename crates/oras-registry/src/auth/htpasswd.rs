//! Users and the hashes of their passwords, in a file.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::AuthError;
use crate::stamp::Stamp;

/// How often the file is looked at, at most.
const PERIOD: Duration = Duration::from_secs(1);
/// How large it may be, in bytes.
const MOST_BYTES: u64 = 16 * 1024 * 1024;
/// How long the name of a user may be, in bytes: it goes into tokens and tables.
pub(super) const NAME_BYTES: usize = 255;

/// The users of a file, and the file.
pub(super) struct Htpasswd {
    path: PathBuf,
    state: Mutex<State>,
}

struct State {
    table: Arc<Table>,
    stamp: Option<Stamp>,
    looked: Instant,
}

/// The users of a file as it was at some time.
#[derive(Default)]
pub(super) struct Table {
    hashes: HashMap<String, Arc<str>>,
    /// For users there are not: to refuse them takes as long as to refuse others.
    dummy: Arc<str>,
}

impl Htpasswd {
    pub(super) fn open(path: PathBuf) -> Result<Self, AuthError> {
        let (table, stamp) = load(&path)?;
        let state = State {
            table: Arc::new(table),
            stamp: Some(stamp),
            looked: Instant::now(),
        };
        Ok(Self {
            path,
            state: Mutex::new(state),
        })
    }

    /// The users as they are `now`, give or take a second. A file that can't be used leaves them as they were, and
    /// `failed` learns about it once for each change.
    ///
    /// The file is read on the calling thread: it is small, and it seldom changes.
    pub(super) fn users(&self, now: Instant, failed: impl FnOnce(AuthError)) -> Arc<Table> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_duration_since(state.looked) < PERIOD {
            return Arc::clone(&state.table);
        }
        state.looked = now;
        let stamp = Stamp::at(&self.path);
        if stamp != state.stamp {
            match load(&self.path) {
                Ok((table, stamp)) => {
                    state.table = Arc::new(table);
                    state.stamp = Some(stamp);
                }
                Err(error) => {
                    // Not again until it changes once more.
                    state.stamp = stamp;
                    failed(error);
                }
            }
        }
        Arc::clone(&state.table)
    }
}

fn load(path: &Path) -> Result<(Table, Stamp), AuthError> {
    let (text, stamp) = read(path).map_err(|source| AuthError::Read {
        path: path.to_owned(),
        source,
    })?;
    let table = Table::parse(&text).map_err(|(line, problem)| AuthError::Htpasswd {
        path: path.to_owned(),
        line,
        problem,
    })?;
    Ok((table, stamp))
}

fn read(path: &Path) -> io::Result<(String, Stamp)> {
    let file = File::open(path)?;
    let stamp = Stamp::of(&file.metadata()?);
    let mut text = String::new();
    file.take(MOST_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MOST_BYTES {
        return Err(io::Error::from(io::ErrorKind::FileTooLarge));
    }
    Ok((text, stamp))
}

impl Table {
    /// The hash of a user's password.
    pub(super) fn hash(&self, user: &str) -> Option<&Arc<str>> {
        self.hashes.get(user)
    }

    /// A hash no password is known for, as costly as those of the users.
    pub(super) fn dummy(&self) -> &Arc<str> {
        &self.dummy
    }

    /// Reads the lines of a file. The error is a line, from 1, and what is wrong with it, without quoting it.
    fn parse(text: &str) -> Result<Self, (usize, &'static str)> {
        let mut hashes = HashMap::new();
        let mut highest = 4;
        for (at, line) in text.lines().enumerate() {
            let failed = |problem| (at + 1, problem);
            let line = line.trim_end();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (user, hash) = line
                .split_once(':')
                .ok_or_else(|| failed("there is no colon between user and hash"))?;
            if user.is_empty() {
                return Err(failed("the name of the user is empty"));
            }
            if user.len() > NAME_BYTES {
                return Err(failed("the name of the user is too long"));
            }
            let cost = cost(hash).map_err(failed)?;
            highest = cost.max(highest);
            if hashes.insert(user.to_owned(), Arc::from(hash)).is_some() {
                return Err(failed("this user has a line already"));
            }
        }
        let dummy = format!("$2b${highest:02}${}", ".".repeat(53));
        Ok(Self {
            hashes,
            dummy: dummy.into(),
        })
    }
}

/// How many times two is multiplied by itself for the rounds of a hash.
fn cost(hash: &str) -> Result<u32, &'static str> {
    if !["$2a$", "$2b$", "$2y$"]
        .iter()
        .any(|kind| hash.starts_with(kind))
    {
        return Err("the hash is not of bcrypt: make it with htpasswd -B");
    }
    let broken = "the hash is cut off or damaged";
    let parts: bcrypt::HashParts = hash.parse().map_err(|_| broken)?;
    match parts.get_cost() {
        cost @ 4..=31 => Ok(cost),
        _ => Err(broken),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::fs;

    use super::*;

    const HASH: &str = "$2y$05$Qh1I/pNDxrVcRtRUuxmKCu9y9kPLmmUz1gbV8VFoYDZfOmhHFm3jS";

    fn check(text: &str, expected: Result<usize, usize>) {
        let parsed = Table::parse(text);
        let got = parsed.as_ref().map(|table| table.hashes.len());
        assert_eq!(got.map_err(|(line, _)| *line), expected, "{text}");
        if let Ok(table) = parsed {
            assert!(!bcrypt::verify("x", &table.dummy).unwrap());
        }
    }

    #[test]
    fn only_bcrypt_is_taken_and_the_error_names_the_line() {
        check("", Ok(0));
        check(&format!("jo:{HASH}"), Ok(1));
        let others = HASH.replace("2y", "2a") + "\r\n\n# nobody\nc:" + &HASH.replace("2y", "2b");
        check(&format!("a:{HASH}\nb:{others}\n"), Ok(3));
        check(&format!("jo:{HASH}\njo:{HASH}"), Err(2));
        check(&format!("jo:{HASH}\n\nann:{{SHA}}abc"), Err(3));
        check("jo:$apr1$xyz$abc", Err(1));
        check("jo:plain", Err(1));
        check("jo", Err(1));
        check(&format!(":{HASH}"), Err(1));
        check(&format!("{}:{HASH}", "x".repeat(256)), Err(1));
        check(&format!("jo:{}", &HASH[..50]), Err(1));
        check(&format!("jo:{}", HASH.replace("$05$", "$99$")), Err(1));
        check(&format!("jo:{}", HASH.replace("$2y$", "$2x$")), Err(1));
    }

    #[test]
    fn a_changed_file_is_seen_after_a_second_and_a_broken_one_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users");
        fs::write(&path, format!("jo:{HASH}\n")).unwrap();
        let file = Htpasswd::open(path.clone()).unwrap();
        let start = Instant::now();
        let failures = Cell::new(0);
        let knows = |user: &str, seconds| {
            let now = start + Duration::from_secs(seconds);
            let users = file.users(now, |_| failures.set(failures.get() + 1));
            users.hash(user).is_some()
        };
        fs::write(&path, format!("ann:{HASH}\njo:{HASH}\n")).unwrap();
        assert!(!knows("ann", 0));
        assert!(knows("ann", 2) && knows("jo", 2));
        fs::write(&path, "nonsense").unwrap();
        assert!(knows("ann", 4) && knows("ann", 6));
        assert_eq!(failures.get(), 1);
        fs::remove_file(&path).unwrap();
        assert!(knows("ann", 8) && knows("ann", 10));
        assert_eq!(failures.get(), 2);
        fs::write(&path, format!("new:{HASH}\n")).unwrap();
        assert!(knows("new", 12) && !knows("ann", 12));
        assert_eq!(failures.get(), 2);
    }

    #[test]
    fn a_file_that_is_not_there_is_an_error() {
        let failed = Htpasswd::open("/nowhere/users".into()).err().unwrap();
        assert_eq!(failed.to_string(), "cannot read /nowhere/users");
    }
}

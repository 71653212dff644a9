//! Users and the hashes of their passwords, in a file.

use std::collections::HashMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::AuthError;

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

/// What changes if a file does.
#[derive(PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    size: u64,
    file: u64,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        let file = std::os::unix::fs::MetadataExt::ino(metadata);
        #[cfg(not(unix))]
        let file = 0;
        Self {
            modified: metadata.modified().ok(),
            size: metadata.len(),
            file,
        }
    }
}

impl Htpasswd {
    pub(super) fn open(path: PathBuf) -> Result<Self, AuthError> {
        let failed = |source| AuthError::Read {
            path: path.clone(),
            source,
        };
        let (text, stamp) = read(&path).map_err(failed)?;
        let table = Table::parse(&text).map_err(|(line, problem)| AuthError::Htpasswd {
            path: path.clone(),
            line,
            problem,
        })?;
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

    /// The users as they are `now`, give or take a second. A file that can't be read leaves them as they were.
    ///
    /// The file is read on the calling thread: it is small, and it seldom changes.
    pub(super) fn users(&self, now: Instant) -> Arc<Table> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_duration_since(state.looked) < PERIOD {
            return Arc::clone(&state.table);
        }
        state.looked = now;
        let stamp = fs::metadata(&self.path).ok().map(|file| Stamp::of(&file));
        if stamp.is_some() && stamp != state.stamp {
            let read = read(&self.path).ok();
            let new = read.and_then(|(text, stamp)| Some((Table::parse(&text).ok()?, stamp)));
            match new {
                Some((table, stamp)) => {
                    state.table = Arc::new(table);
                    state.stamp = Some(stamp);
                }
                // Not again until it changes once more.
                None => state.stamp = stamp,
            }
        }
        Arc::clone(&state.table)
    }
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
        let knows = |user: &str, seconds| {
            let users = file.users(start + Duration::from_secs(seconds));
            users.hash(user).is_some()
        };
        fs::write(&path, format!("ann:{HASH}\njo:{HASH}\n")).unwrap();
        assert!(!knows("ann", 0));
        assert!(knows("ann", 2) && knows("jo", 2));
        fs::write(&path, "nonsense").unwrap();
        assert!(knows("ann", 4));
        fs::remove_file(&path).unwrap();
        assert!(knows("ann", 6));
        fs::write(&path, format!("new:{HASH}\n")).unwrap();
        assert!(knows("new", 8) && !knows("ann", 8));
    }

    #[test]
    fn a_file_that_is_not_there_is_an_error() {
        let failed = Htpasswd::open("/nowhere/users".into()).err().unwrap();
        assert_eq!(failed.to_string(), "cannot read /nowhere/users");
    }
}

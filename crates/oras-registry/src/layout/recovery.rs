//! What a crash of the machine may have left, and how little has to be done about it.
//!
//! Content that was acknowledged with a manifest is on the disk. A blob that came alone need not be: after a crash of the
//! machine its file can be there with zeros in it. So what was written shortly before the last sign of life is hashed
//! once before anybody relies on it. That there was a crash is told by a file with the number of the boot and whether
//! the last one who worked on the folder has left it in order. Nothing is looked at when a driver starts.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;
use oras_content::layout::keep_blob;
use oras_spec::Digest;
use serde::{Deserialize, Serialize};

use super::cache::Cache;
use super::damage::{Content, examine};
use super::place::Places;
use super::stat::{Identity, Stat};
use super::{LayoutOptions, Shared};

/// The format of the folder that this program knows.
const FORMAT: u64 = 1;
/// How long before the last sign of life something may have been written and not have reached the disk.
const UNSAFE: Duration = Duration::from_secs(10 * 60);
/// The same after everybody had left: the system writes what is left within half a minute or so.
const UNSAFE_WHEN_CLEAN: Duration = Duration::from_secs(60);
/// How often there is a sign of life while something is changed.
const BEAT: Duration = Duration::from_secs(60);
/// Of how many contents is remembered that they were looked at.
const REMEMBERED: usize = 16_384;
/// The largest of these files, in bytes.
const MOST_BYTES: u64 = 4096;

#[derive(Serialize, Deserialize)]
struct Version {
    format: u64,
}

/// What the state file says. The time at which it was changed last is the last sign of life.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct State {
    /// Of the boot in which it was written.
    boot: String,
    /// Whether everybody had left.
    clean: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    suspects: Option<Window>,
}

/// A time in which content was written that has to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Window {
    from: Timestamp,
    until: Timestamp,
}

impl Window {
    fn has(&self, moment: SystemTime) -> bool {
        Timestamp::try_from(moment).is_ok_and(|moment| self.from <= moment && moment <= self.until)
    }
}

/// What is known about crashes, and what tells the next one about this boot.
pub(super) struct Recovery {
    /// The state file, with a lock that all hold who work on the folder.
    file: Option<File>,
    boot: String,
    suspects: RwLock<Option<Window>>,
    /// What was looked at and can't be marked.
    intact: Cache<Digest, Identity>,
    marked: AtomicBool,
    beaten: Mutex<Option<Instant>>,
}

/// How whoever writes the state file leaves the folder.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Left {
    InOrder,
    AtWork,
}

impl Recovery {
    /// Reads what the last boot has left. Blocks, but not for long.
    pub(super) fn begin(places: &Places, options: &LayoutOptions) -> io::Result<Self> {
        let mut recovery = Self {
            file: None,
            boot: boot().unwrap_or_default(),
            suspects: RwLock::default(),
            intact: Cache::new(REMEMBERED),
            marked: AtomicBool::new(false),
            beaten: Mutex::default(),
        };
        check_version(&places.version(), options.read_only)?;
        if recovery.boot.is_empty() {
            return Ok(recovery);
        }
        let path = places.state();
        if options.read_only {
            if let Ok(mut file) = File::open(path) {
                let before = read_state(&mut file)?;
                recovery.suspects = RwLock::new(recovery.after(before.as_ref(), &file)?);
            }
            return Ok(recovery);
        }
        let opened = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path);
        let mut file = opened?;
        let alone = file.try_lock().is_ok();
        if !alone {
            share(&file)?;
        }
        let before = read_state(&mut file)?;
        recovery.suspects = RwLock::new(recovery.after(before.as_ref(), &file)?);
        let known = before.is_some_and(|before| before.boot == recovery.boot);
        recovery.file = Some(file);
        if alone {
            if !known {
                // On a full disk the older state stays, and more than necessary is looked at another time.
                let _ = recovery.write(Left::InOrder);
            }
            recovery.file.as_ref().map_or(Ok(()), share)?;
        }
        Ok(recovery)
    }

    /// What has to be looked at, according to what the state file says.
    fn after(&self, state: Option<&State>, file: &File) -> io::Result<Option<Window>> {
        let Some(state) = state else {
            return Ok(None);
        };
        if state.boot == self.boot {
            return Ok(state.suspects);
        }
        let alive = Timestamp::try_from(file.metadata()?.modified()?).map_err(io::Error::other)?;
        let back = match state.clean {
            true => UNSAFE_WHEN_CLEAN,
            false => UNSAFE,
        };
        let back = jiff::SignedDuration::try_from(back).map_err(io::Error::other)?;
        let from = alive.checked_sub(back).unwrap_or(Timestamp::MIN);
        let before = state.suspects.map(|before| before.from);
        Ok(Some(Window {
            from: before.unwrap_or(from).min(from),
            until: Timestamp::now(),
        }))
    }

    /// Takes note that something is going to be changed. None of this has to reach the disk: whatever was written after
    /// the state that is found is looked at. Blocks the first time.
    pub(super) fn mark(&self) -> io::Result<()> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        if !self.marked.swap(true, Ordering::Relaxed) {
            self.write(Left::AtWork)?;
        }
        let mut beaten = self.beaten.lock().unwrap_or_else(PoisonError::into_inner);
        if beaten.is_none_or(|beaten| beaten.elapsed() > BEAT) {
            *beaten = Some(Instant::now());
            file.set_modified(SystemTime::now())?;
        }
        Ok(())
    }

    /// Written in place: whoever finds half of it takes it for the worst.
    fn write(&self, left: Left) -> io::Result<()> {
        let Some(mut file) = self.file.as_ref() else {
            return Ok(());
        };
        let state = State {
            boot: self.boot.clone(),
            clean: left == Left::InOrder,
            suspects: self.window(),
        };
        let mut text = serde_json::to_vec(&state)?;
        text.push(b'\n');
        file.rewind()?;
        file.write_all(&text)?;
        file.set_len(text.len() as u64)
    }

    fn window(&self) -> Option<Window> {
        *self.suspects.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether anything has to be looked at.
    pub(super) fn has_suspects(&self) -> bool {
        self.window().is_some()
    }

    /// Takes note that everything was looked at.
    pub(super) fn clear(&self) -> io::Result<()> {
        *self
            .suspects
            .write()
            .unwrap_or_else(PoisonError::into_inner) = None;
        self.write(Left::AtWork)
    }

    /// Whether a file was written when the machine may have lost it.
    pub(super) fn suspects(&self, stat: &Stat) -> bool {
        let Some(window) = self.window() else {
            return false;
        };
        window.has(stat.changed) || stat.modified.is_some_and(|modified| window.has(modified))
    }
}

impl Drop for Recovery {
    /// The last one says that everything is in order.
    fn drop(&mut self) {
        let alone = self
            .file
            .as_ref()
            .is_some_and(|file| file.try_lock().is_ok());
        if alone && self.marked.load(Ordering::Relaxed) {
            // If it can't be written, the next boot looks at more than it has to.
            let _ = self.write(Left::InOrder);
        }
    }
}

impl Shared {
    /// Whether the file `path`, which has the content `digest`, can be relied on. If not, it is set aside, and its content
    /// is not there. Costs nothing unless the machine has crashed. Blocks.
    pub(super) fn trust(&self, path: &Path, digest: &Digest) -> io::Result<bool> {
        if !self.recovery.has_suspects() {
            return Ok(true);
        }
        let Some(stat) = Stat::at(path)? else {
            return Ok(true);
        };
        let known = |identity| self.recovery.intact.get(digest) == Some(identity);
        if !self.recovery.suspects(&stat) || stat.identity.is_some_and(known) {
            return Ok(true);
        }
        match examine(path, digest, |_| Ok(()))? {
            Content::Intact => {
                if let Some(identity) = stat.identity {
                    self.recovery.intact.insert(digest.clone(), identity, 1);
                }
                // From now on it does not look like one of those.
                if !self.options.read_only {
                    keep_blob(path)?;
                }
                Ok(true)
            }
            Content::Damaged(damaged) if !self.options.read_only => {
                let root = path.ancestors().nth(3);
                self.set_aside(digest, &damaged, root)?;
                Ok(false)
            }
            Content::Damaged(_) | Content::Gone => Ok(false),
        }
    }
}

fn share(file: &File) -> io::Result<()> {
    match file.lock_shared() {
        // Without locks everybody takes the others into account by doing more than is needed.
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(()),
        locked => locked,
    }
}

/// What the state file says. If it can't be read, the last boot has ended badly.
fn read_state(file: &mut File) -> io::Result<Option<State>> {
    match read(file) {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(Some(State {
            boot: String::new(),
            clean: false,
            suspects: None,
        })),
        state => state,
    }
}

/// What a file says; `None` if it is empty.
fn read<T: serde::de::DeserializeOwned>(file: &mut File) -> io::Result<Option<T>> {
    let mut text = String::new();
    file.take(MOST_BYTES).read_to_string(&mut text)?;
    match text.trim() {
        "" => Ok(None),
        text => serde_json::from_str(text)
            .map(Some)
            .map_err(io::Error::from),
    }
}

/// Whether this program knows how everything in the folder is to be read.
fn check_version(path: &Path, read_only: bool) -> io::Result<()> {
    let version = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        opened => read::<Version>(&mut opened?)?,
    };
    match version {
        Some(version) if version.format == FORMAT => Ok(()),
        Some(version) => Err(io::Error::new(
            io::ErrorKind::Unsupported,
            format!(
                "the folder has format {}, this program knows {FORMAT}",
                version.format
            ),
        )),
        None if read_only => Ok(()),
        None => {
            let mut text = serde_json::to_vec(&Version { format: FORMAT })?;
            text.push(b'\n');
            std::fs::write(path, text)
        }
    }
}

/// The number of this boot, where the system has one.
fn boot() -> Option<String> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(boot.trim().to_owned())
}

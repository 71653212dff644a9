//! Runs the command in a terminal: a real one for the command, a picture of its screen for the test.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::{DEADLINE, Invocation};

/// Lines that are kept when they leave the screen at its top.
const SCROLLBACK: usize = 5000;

/// A command that runs in a terminal of its own: standard input, output and error, and the keyboard.
pub struct Terminal {
    child: Child,
    keyboard: File,
    shared: Arc<Shared>,
    line: String,
}

#[derive(Default)]
struct Shared {
    seen: Mutex<Seen>,
    changed: Condvar,
}

struct Seen {
    picture: vt100::Parser,
    raw: Vec<u8>,
    ended: bool,
}

impl Default for Seen {
    fn default() -> Self {
        Self {
            picture: vt100::Parser::new(1, 1, SCROLLBACK),
            raw: Vec::new(),
            ended: false,
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a command left on its terminal.
pub struct Ended {
    /// The exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// The screen, one line per row, without blanks at their ends.
    pub screen: String,
    /// Whether the cursor can be seen.
    pub cursor: bool,
    /// Everything the command wrote.
    pub raw: String,
}

impl Invocation {
    /// Starts the command in a terminal of `columns` and `rows`. `None`, and a note, where that is not possible.
    ///
    /// # Panics
    /// When the command can't be started.
    #[must_use]
    pub fn in_terminal(&self, columns: u16, rows: u16) -> Option<Terminal> {
        let Some((keyboard, tty)) = pair(columns, rows) else {
            eprintln!("skipped: there are no terminals here");
            return None;
        };
        // Makes the terminal the controlling one, so that Ctrl-C is a signal.
        let setsid = ["setsid", "--ctty"].map(OsString::from);
        let words = self.oras.binary.as_os_str().to_owned();
        let words = setsid
            .into_iter()
            .chain(self.wrapper.iter().cloned())
            .chain(std::iter::once(words))
            .chain(self.args.iter().cloned());
        let mut words = words.collect::<Vec<_>>().into_iter();
        let mut command = Command::new(words.next().expect("a program"));
        self.prepare(command.args(words)).env("TERM", "xterm");
        let clone = || Stdio::from(tty.try_clone().expect("the terminal"));
        command.stdin(clone()).stdout(clone()).stderr(clone());
        let child = match command.spawn() {
            Ok(child) => child,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                eprintln!("skipped: there is no setsid here");
                return None;
            }
            Err(error) => panic!("{} does not start: {error}", self.line()),
        };
        // From here on the child alone has it open, so that its end can be seen.
        drop((command, tty));
        let shared = Arc::<Shared>::default();
        shared.lock().picture = vt100::Parser::new(rows, columns, SCROLLBACK);
        let screen = keyboard.try_clone().expect("the terminal");
        let watched = Arc::clone(&shared);
        std::thread::spawn(move || watch(screen, &watched));
        Some(Terminal {
            child,
            keyboard,
            shared,
            line: self.line(),
        })
    }
}

impl Terminal {
    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the screen, as [`Ended::screen`] shows it, is as `is` wants it.
    ///
    /// # Panics
    /// When it never is.
    #[track_caller]
    pub fn wait_for(&self, is: impl Fn(&str) -> bool) -> String {
        let waited = self.shared.changed.wait_timeout_while(
            self.shared.lock(),
            Duration::from_secs(60),
            |seen| !seen.ended && !is(&contents(&seen.picture)),
        );
        let (seen, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let screen = contents(&seen.picture);
        assert!(
            is(&screen),
            "`{}` never showed what was waited for\n--- screen\n{screen}",
            self.line,
        );
        screen
    }

    /// Types on the keyboard; `\x03` is Ctrl-C.
    ///
    /// # Panics
    /// When the terminal is gone.
    pub fn keys(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("type");
    }

    /// Changes the size of the window.
    ///
    /// # Panics
    /// When the terminal is gone.
    pub fn resize(&self, columns: u16, rows: u16) {
        let mut seen = self.shared.lock();
        seen.picture.screen_mut().set_size(rows, columns);
        tcsetwinsize(&self.keyboard, size(columns, rows)).expect("resize");
    }

    /// Waits for the end.
    ///
    /// # Panics
    /// When it is not done after four minutes.
    #[must_use]
    pub fn wait(mut self) -> Ended {
        let waited = self
            .shared
            .changed
            .wait_timeout_while(self.shared.lock(), DEADLINE, |seen| !seen.ended);
        let (seen, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if !seen.ended {
            drop(self.child.kill());
            panic!("`{}` hangs\n{}", self.line, contents(&seen.picture));
        }
        let screen = contents(&seen.picture);
        let cursor = !seen.picture.screen().hide_cursor();
        let raw = String::from_utf8_lossy(&seen.raw).into_owned();
        drop(seen);
        let status = self.child.wait().expect("wait for the command");
        Ended {
            code: status.code(),
            signal: status.signal(),
            screen,
            cursor,
            raw,
        }
    }
}

fn contents(picture: &vt100::Parser) -> String {
    let screen = picture.screen();
    let (_, columns) = screen.size();
    let rows: Vec<String> = screen
        .rows(0, columns)
        .map(|row| row.trim_end().to_owned())
        .collect();
    rows.join("\n").trim_end().to_owned()
}

/// Both ends of a terminal: the side of the person, and the side of the programs.
fn pair(columns: u16, rows: u16) -> Option<(File, OwnedFd)> {
    let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).ok()?;
    grantpt(&person).ok()?;
    unlockpt(&person).ok()?;
    let name = ptsname(&person, Vec::new()).ok()?;
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let programs = rustix::fs::open(name, flags, Mode::empty()).ok()?;
    tcsetwinsize(&person, size(columns, rows)).ok()?;
    Some((person.into(), programs))
}

fn size(columns: u16, rows: u16) -> Winsize {
    Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    }
}

/// Keeps the picture up to date until no program has the terminal open.
fn watch(mut screen: File, shared: &Shared) {
    let mut chunk = [0; 4096];
    loop {
        let read = screen.read(&mut chunk).unwrap_or(0);
        let mut seen = shared.lock();
        match chunk.get(..read) {
            Some(bytes) if read > 0 => {
                seen.picture.process(bytes);
                seen.raw.extend_from_slice(bytes);
            }
            _ => seen.ended = true,
        }
        shared.changed.notify_all();
        if seen.ended {
            return;
        }
    }
}

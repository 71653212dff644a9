//! Runs the built `oras` binary: clean environment, everything it printed, its peak memory, and a kill at any moment.

mod output;
mod status;
#[cfg(unix)]
mod terminal;

use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

pub use output::Output;
pub use status::Family;
#[cfg(unix)]
pub use terminal::{Ended, Terminal};

/// How long a command may run before the test calls it hanging.
const DEADLINE: Duration = Duration::from_secs(240);

/// The binary under test with a home of its own: an empty `HOME`, an empty `TMPDIR`, no proxy, no docker configuration.
///
/// Cloning shares the home.
#[derive(Clone)]
pub struct Oras {
    binary: PathBuf,
    home: Arc<TempDir>,
    dir: PathBuf,
    env: Vec<(OsString, OsString)>,
}

impl Oras {
    /// The binary at `binary`, usually `env!("CARGO_BIN_EXE_oras")`.
    #[must_use]
    pub fn new(binary: impl Into<PathBuf>) -> Self {
        let home = TempDir::with_prefix("oras-home-").expect("a folder for HOME");
        std::fs::create_dir(home.path().join("tmp")).expect("a folder for TMPDIR");
        Self {
            binary: binary.into(),
            dir: home.path().to_owned(),
            home: Arc::new(home),
            env: Vec::new(),
        }
    }

    /// Runs in `dir` from now on.
    #[must_use]
    pub fn in_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = dir.into();
        self
    }

    /// Sets an environment variable from now on.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// The `HOME` of the command.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The `TMPDIR` of the command; empty whenever no command runs, or something was left behind.
    #[must_use]
    pub fn temporary(&self) -> PathBuf {
        self.home.path().join("tmp")
    }

    /// A call with these arguments.
    #[must_use]
    pub fn args<I>(&self, args: I) -> Invocation
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        Invocation {
            oras: self.clone(),
            args: args
                .into_iter()
                .map(|arg| arg.as_ref().to_owned())
                .collect(),
            stdin: Vec::new(),
            wrapper: Vec::new(),
        }
    }

    /// Short for `self.args(args).run()`.
    #[must_use]
    pub fn run<I>(&self, args: I) -> Output
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        self.args(args).run()
    }
}

/// One call of the command, not started yet.
#[derive(Clone)]
pub struct Invocation {
    oras: Oras,
    args: Vec<OsString>,
    stdin: Vec<u8>,
    wrapper: Vec<OsString>,
}

impl Invocation {
    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Runs this call in another folder.
    #[must_use]
    pub fn in_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.oras.dir = dir.into();
        self
    }

    /// Sets an environment variable for this call.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.oras.env.push((name.into(), value.into()));
        self
    }

    /// What the command reads from its standard input; nothing unless set.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Runs the command by another program, such as `prlimit --fsize=1000`, which must `exec` it.
    #[must_use]
    pub fn under<I>(mut self, program: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        self.wrapper = program
            .into_iter()
            .map(|arg| arg.as_ref().to_owned())
            .collect();
        self
    }

    /// Runs to the end.
    ///
    /// # Panics
    /// When the command can't be started or is not done after four minutes.
    #[must_use]
    pub fn run(&self) -> Output {
        self.spawn().wait()
    }

    /// Starts the command and returns at once.
    #[must_use]
    pub fn spawn(&self) -> Running {
        let binary = self.oras.binary.as_os_str().to_owned();
        let mut words = self
            .wrapper
            .iter()
            .chain(std::iter::once(&binary))
            .chain(&self.args);
        let mut command = Command::new(words.next().expect("a program"));
        self.prepare(command.args(words))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .unwrap_or_else(|e| panic!("{} does not start: {e}", self.line()));
        let mut input = child.stdin.take().expect("piped");
        let bytes = self.stdin.clone();
        // A command that does not read its input closes the pipe: that's its right.
        let stdin = std::thread::spawn(move || drop(input.write_all(&bytes)));
        Running {
            stdout: collect(child.stdout.take().expect("piped")),
            stderr: collect(child.stderr.take().expect("piped")),
            stdin,
            line: self.line(),
            started: Instant::now(),
            peak_kib: 0,
            child,
        }
    }

    /// Folder and environment.
    fn prepare<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .current_dir(&self.oras.dir)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.oras.home())
            .env("TMPDIR", self.oras.temporary())
            .envs(self.oras.env.iter().map(|(name, value)| (name, value)))
    }

    /// The call as a person would type it.
    #[must_use]
    pub fn line(&self) -> String {
        let args = self.args.iter().map(|arg| arg.to_string_lossy());
        std::iter::once("oras".into())
            .chain(args)
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// A command that runs.
pub struct Running {
    child: Child,
    stdin: JoinHandle<()>,
    stdout: JoinHandle<Vec<u8>>,
    stderr: JoinHandle<Vec<u8>>,
    line: String,
    started: Instant,
    peak_kib: u64,
}

impl Running {
    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the end.
    ///
    /// # Panics
    /// When it is not done after four minutes.
    #[must_use]
    pub fn wait(mut self) -> Output {
        if self.ended_within(DEADLINE) {
            return self.finish();
        }
        drop(self.child.kill());
        let line = self.line.clone();
        let out = self.finish();
        panic!(
            "`{line}` hangs\n--- stdout\n{}\n--- stderr\n{}",
            out.stdout, out.stderr
        );
    }

    /// Ends it with SIGKILL, `after` its start at the latest. The code of a killed command is `None`.
    #[must_use]
    pub fn kill_after(mut self, after: Duration) -> Output {
        if !self.ended_within(after) {
            drop(self.child.kill());
        }
        self.finish()
    }

    /// Presses Ctrl-C, and waits for the end.
    ///
    /// # Panics
    /// When it is not done after four minutes.
    #[must_use]
    pub fn interrupt(self) -> Output {
        if let Some(pid) = i32::try_from(self.id()).ok().and_then(Pid::from_raw) {
            // It may have ended by itself.
            let _ = kill_process(pid, Signal::INT);
        }
        self.wait()
    }

    fn ended_within(&mut self, limit: Duration) -> bool {
        loop {
            self.sample_memory();
            if self
                .child
                .try_wait()
                .expect("wait for the command")
                .is_some()
            {
                return true;
            }
            let elapsed = self.started.elapsed();
            if elapsed >= limit {
                return false;
            }
            // Fine steps first: most commands of a test take milliseconds.
            let step = (elapsed / 20).clamp(Duration::from_micros(300), Duration::from_millis(5));
            std::thread::sleep(step.min(limit - elapsed));
        }
    }

    /// The high-water mark of this program alone. `ru_maxrss` would not do: it starts at the size of the process that
    /// forked the child, which is this test.
    fn sample_memory(&mut self) {
        let Ok(status) = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))
        else {
            return;
        };
        let mark = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        if let Some(kib) = mark.and_then(|mark| mark.trim().trim_end_matches(" kB").parse().ok()) {
            self.peak_kib = self.peak_kib.max(kib);
        }
    }

    fn finish(mut self) -> Output {
        let status = self.child.wait().expect("wait for the command");
        drop(self.stdin.join());
        Output {
            code: status.code(),
            stdout: text(self.stdout),
            stderr: text(self.stderr),
            line: self.line,
            took: self.started.elapsed(),
            peak_kib: self.peak_kib,
        }
    }
}

fn collect(mut pipe: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        drop(pipe.read_to_end(&mut bytes));
        bytes
    })
}

fn text(pipe: JoinHandle<Vec<u8>>) -> String {
    String::from_utf8_lossy(&pipe.join().unwrap_or_default()).into_owned()
}

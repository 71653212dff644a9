//! Our own registry as its users start it: `oras serve`.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

const DEADLINE: Duration = Duration::from_secs(60);

/// An `oras serve` process, ended and removed on drop.
pub struct OurRegistry {
    child: Child,
    home: TempDir,
    line: String,
    port: u16,
}

/// How to start it.
pub struct Serve {
    binary: PathBuf,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    home: TempDir,
}

impl OurRegistry {
    /// The registry of the binary at `binary`, on a free port, with a folder of its own.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start(binary: impl Into<PathBuf>) -> Self {
        Self::serve(binary).args(["--addr", "127.0.0.1:0"]).start()
    }

    /// The same with arguments and an environment of its own. It works in a folder of its own, which holds nothing.
    ///
    /// # Panics
    /// When there can be no such folder.
    #[must_use]
    pub fn serve(binary: impl Into<PathBuf>) -> Serve {
        let home = TempDir::with_prefix("oras-serve-").expect("a folder for the registry");
        fs::create_dir(home.path().join("work")).expect("a folder to work in");
        Serve {
            binary: binary.into(),
            args: Vec::new(),
            env: Vec::new(),
            home,
        }
    }

    /// `localhost:PORT`. The name matters: only `localhost` is spoken to without TLS unless a flag says so.
    #[must_use]
    pub fn addr(&self) -> String {
        format!("localhost:{}", self.port)
    }

    /// `localhost:PORT/name`.
    #[must_use]
    pub fn reference(&self, name: &str) -> String {
        format!("{}/{name}", self.addr())
    }

    /// The TCP port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The line that it printed when it listened.
    #[must_use]
    pub fn line(&self) -> &str {
        &self.line
    }

    /// The folder that it works in. What it stores is below, in `registry`, unless it was told otherwise.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.home.path().join("work")
    }

    /// What it said on standard error so far.
    #[must_use]
    pub fn said(&self) -> String {
        said(self.home.path())
    }

    /// What Ctrl-C does.
    pub fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// What a service manager does.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// What makes a service take up new settings.
    pub fn hang_up(&self) {
        self.signal(Signal::HUP);
    }

    /// Whether it is still there.
    ///
    /// # Panics
    /// When the system can't tell.
    #[must_use]
    pub fn runs(&mut self) -> bool {
        self.child
            .try_wait()
            .expect("wait for the registry")
            .is_none()
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When the system can't tell.
    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().expect("wait for the registry")
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.expect("a process id"), signal).expect("send the signal");
    }
}

impl Drop for OurRegistry {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Serve {
    /// Adds arguments.
    #[must_use]
    pub fn args<I>(mut self, args: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        let args = args.into_iter().map(|arg| arg.as_ref().to_owned());
        self.args.extend(args);
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Puts a file into the folder that it works in.
    ///
    /// # Panics
    /// When it can't be written.
    #[must_use]
    pub fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.home.path().join("work").join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder for the file");
        fs::write(path, content).expect("write the file");
        self
    }

    /// Starts it and returns when it listens.
    ///
    /// # Panics
    /// When it doesn't, with what it said.
    #[must_use]
    pub fn start(self) -> OurRegistry {
        let Self {
            binary,
            args,
            env,
            home,
        } = self;
        let stderr = File::create(home.path().join("stderr")).expect("a log file");
        let mut child = Command::new(binary)
            .arg("serve")
            .args(args)
            .current_dir(home.path().join("work"))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", home.path())
            .envs(env)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .unwrap_or_else(|e| panic!("oras serve does not start: {e}"));
        let stdout = child.stdout.take().expect("piped");
        let (told, line) = mpsc::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            drop(BufReader::new(stdout).read_line(&mut line));
            drop(told.send(line));
        });
        let line = line.recv_timeout(DEADLINE).unwrap_or_default();
        let Some(port) = port(&line) else {
            drop(child.kill());
            drop(child.wait());
            panic!("oras serve does not listen: {line}\n{}", said(home.path()));
        };
        OurRegistry {
            child,
            home,
            line: line.trim_end().to_owned(),
            port,
        }
    }
}

fn said(home: &Path) -> String {
    fs::read_to_string(home.join("stderr")).expect("the log file")
}

/// The port in the first URL.
fn port(line: &str) -> Option<u16> {
    let (_, url) = line.split_once("://")?;
    let addr = url.split([',', '"', ' ']).next()?;
    addr.rsplit_once(':')?.1.parse().ok()
}

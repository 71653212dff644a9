//! Real programs to talk to: a registry, and other clients that must read what we write.

mod ours;
mod registry;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

pub use ours::{OurRegistry, Serve};
pub use registry::DockerRegistry;

/// The user of [`DockerRegistry::with_auth`].
pub const USER: &str = "hello";
/// The password of [`USER`].
pub const PASSWORD: &str = "oras-test";

/// `skopeo`, which the tests can't do without.
///
/// # Panics
/// When it is not installed.
#[must_use]
pub fn skopeo() -> Tool {
    Tool::find("skopeo").unwrap_or_else(|| {
        panic!("skopeo is not installed: run `make test`, or `apt-get install skopeo`")
    })
}

/// `umoci`, where it is installed; says so on stderr where it isn't.
#[must_use]
pub fn umoci() -> Option<Tool> {
    let found = Tool::find("umoci");
    if found.is_none() {
        eprintln!("note: umoci is not installed, so what depends on it is not tested");
    }
    found
}

/// A program found in `PATH`.
pub struct Tool {
    path: PathBuf,
}

impl Tool {
    /// The program `name`, if there is one.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        let path = std::env::var_os("PATH")?;
        let found = std::env::split_paths(&path)
            .map(|dir| dir.join(name))
            .find(|file| file.is_file());
        // Debian keeps daemons where users don't look.
        let found =
            found.or_else(|| Some(Path::new("/usr/sbin").join(name)).filter(|file| file.is_file()));
        found.map(|path| Self { path })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs it and returns its standard output.
    ///
    /// # Panics
    /// When it fails, with what it printed.
    #[track_caller]
    pub fn run<I>(&self, args: I) -> String
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        self.attempt(args)
            .unwrap_or_else(|problem| panic!("{problem}"))
    }

    /// Runs it; the error is what it printed.
    ///
    /// # Errors
    /// When its exit code is not zero.
    pub fn attempt<I>(&self, args: I) -> Result<String, String>
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        let mut command = Command::new(&self.path);
        command.args(args);
        let out = command
            .output()
            .unwrap_or_else(|e| panic!("{command:?} does not start: {e}"));
        let stdout = String::from_utf8_lossy(&out.stdout).into_owned();
        if out.status.success() {
            return Ok(stdout);
        }
        Err(format!(
            "{command:?}: {}\n{stdout}\n{}",
            out.status,
            String::from_utf8_lossy(&out.stderr)
        ))
    }
}

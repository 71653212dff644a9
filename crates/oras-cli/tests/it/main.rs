//! Black-box tests: the built binary against real registries, other clients and folders. They were written from the scenarios
//! and the command specifications, not from the code: what they say must be true.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

mod attach;
mod backup;
mod bad_input;
mod bad_reference;
mod bad_registry;
mod big;
mod cache;
mod completion;
mod concurrency;
mod cp;
mod crash;
mod credential_helper;
mod credentials;
mod discover;
mod fresh;
mod help;
mod index;
mod interop;
mod kill;
mod login;
mod own_registry;
#[cfg(unix)]
mod progress;
mod pull;
mod push;
mod sample;
mod scenario_s1;
mod scenario_s2;
mod scenario_s3;
mod scenario_s4;
mod scenario_s5;
mod scenario_s7;
mod serve;
mod single_objects;
mod target;
mod template;
mod trace;
mod transcript;
mod unsafe_archive;
mod usage;

use std::path::Path;

use oras_testkit::command::Oras;

/// The command, working in `dir`.
fn oras_in(dir: &Path) -> Oras {
    Oras::new(env!("CARGO_BIN_EXE_oras")).in_dir(dir)
}

/// What a status line shows of a digest: 12 hexadecimal digits.
fn short(digest: &str) -> &str {
    &digest["sha256:".len()..][..12]
}

/// Turns paths and texts into the arguments of one call.
macro_rules! args {
    ($($arg:expr),* $(,)?) => { [$(std::ffi::OsString::from(&$arg)),*] };
}
use args;

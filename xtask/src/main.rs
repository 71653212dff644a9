//! Chores of the workspace, run as `cargo xtask <chore>`.
//!
//! - `tidy`: the layout rules of ARCHITECTURE.md, also checked by `cargo test -p xtask`.
//! - `docs`: writes what is made from the binary: help snapshots, reference pages, manual pages, transcripts. Tests fail when
//!   they are stale.
//! - `bench-serve`: measures our server beside another one. Linux only, as it reads `/proc`.

#![allow(clippy::print_stdout, clippy::print_stderr)]

#[cfg(target_os = "linux")]
mod bench_serve;
mod docs;
mod tidy;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("tidy") => report(&tidy::problems(workspace())),
        Some("docs") => match docs::run(workspace()) {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        },
        #[cfg(target_os = "linux")]
        Some("bench-serve") => match bench_serve::run(workspace(), arguments) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("bench-serve: {error}");
                ExitCode::FAILURE
            }
        },
        _ => {
            eprintln!("usage: cargo xtask tidy | docs | bench-serve");
            ExitCode::FAILURE
        }
    }
}

fn report(problems: &[String]) -> ExitCode {
    if problems.is_empty() {
        println!("tidy");
        return ExitCode::SUCCESS;
    }
    for problem in problems {
        eprintln!("{problem}");
    }
    ExitCode::FAILURE
}

/// The folder of the workspace: this crate stands directly in it.
fn workspace() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

//! Chores of the workspace, run as `cargo xtask <chore>`.
//!
//! - `tidy`: the layout rules of ARCHITECTURE.md, also checked by `cargo test -p xtask`.

#![allow(clippy::print_stdout, clippy::print_stderr)]

mod tidy;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let chore = std::env::args().nth(1);
    match chore.as_deref() {
        Some("tidy") => report(&tidy::problems(workspace())),
        _ => {
            eprintln!("usage: cargo xtask tidy");
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

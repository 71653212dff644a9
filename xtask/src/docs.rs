//! Files that are made from the `oras` binary. The tests that compare them write them, too, so that there is one idea of what
//! they should be.

use std::path::Path;
use std::process::Command;

/// Runs those tests in the mode in which they write. True if all went well.
pub(crate) fn run(workspace: &Path) -> bool {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["test", "--package", "oras-cli", "--test", "it", "--"])
        .args(["help::", "transcript::"])
        .env("ORAS_RENEW", "1")
        .current_dir(workspace)
        .status();
    match status {
        Ok(status) => status.success(),
        Err(error) => {
            eprintln!("docs: {error}");
            false
        }
    }
}

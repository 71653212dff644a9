//! `oras version`

use crate::error::Error;
use crate::output;
use crate::session::VERSION;

/// Show the version of oras
#[derive(Debug, clap::Parser)]
#[command(
    name = "version",
    override_usage = "version",
    after_help = "Example - Show the version:
  oras version"
)]
pub(crate) struct Version {}

/// Prints the version. Arguments are told to be useless.
///
/// # Errors
/// If nothing can be printed.
pub(super) fn run(args: &[String]) -> Result<(), Error> {
    if !args.is_empty() {
        let args = args.join(",");
        output::tell(&format!(
            "warning: `oras version` requires no argument, \"{args}\" will be ignored"
        ));
    }
    let rust = concat!("oras-rs ", env!("CARGO_PKG_VERSION"));
    let (os, arch) = (go_os(), oras::spec::Platform::host_arch());
    for (label, value) in [
        ("Version:", VERSION),
        ("Rust build:", rust),
        ("OS/Arch:", &format!("{os}/{arch}")),
    ] {
        output::line(&format!("{label:11} {value}"))?;
    }
    Ok(())
}

fn go_os() -> &'static str {
    match std::env::consts::OS {
        "macos" => "darwin",
        os => os,
    }
}

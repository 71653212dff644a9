//! `-c`, as `oras` 0.11 called `--registry-config`.

use crate::output;

/// The old name of `--registry-config` on commands where it means nothing else by now.
#[derive(Debug, clap::Args)]
pub(crate) struct OldConfigArgs {
    /// files with registry credentials
    #[arg(short, long, hide = true)]
    config: Vec<String>,
}

impl OldConfigArgs {
    /// Adds the files given by the old name to those given by the new one; tells that the name is old.
    pub(crate) fn add_to(self, registry_config: &mut Vec<String>) {
        if !self.config.is_empty() {
            output::tell("Flag -c has been deprecated, use --registry-config instead.");
            registry_config.extend(self.config);
        }
    }
}

//! `--force`, and the question asked without it.

use crate::error::Error;
use crate::option::common::DescriptorArgs;
use crate::option::stdin;
use crate::output;

/// `--force`
#[derive(Debug, clap::Args)]
pub(crate) struct ConfirmArgs {
    /// do not ask for confirmation, and ignore content that does not exist
    #[arg(short, long)]
    pub(crate) force: bool,
}

impl ConfirmArgs {
    /// # Errors
    /// If the descriptor is to be printed and there may be a question: they would mix on standard output.
    pub(crate) fn check_descriptor(&self, descriptor: &DescriptorArgs) -> Result<(), Error> {
        if descriptor.descriptor && !self.force {
            return Err(Error::told(
                "must apply --force to confirm the deletion if the descriptor is outputted",
            ));
        }
        Ok(())
    }

    /// Whether to go on: asks unless forced.
    ///
    /// # Errors
    /// If the question cannot be printed or the answer cannot be read.
    pub(crate) fn ask(&self, question: &str) -> Result<bool, Error> {
        if self.force {
            return Ok(true);
        }
        output::text(&format!("{question} [y/N] "))?;
        let answer = stdin::line()?;
        if matches!(answer.to_lowercase().as_str(), "y" | "yes") {
            return Ok(true);
        }
        output::line("Operation cancelled.")?;
        Ok(false)
    }
}

//! Deleting one content: what `blob delete` and `manifest delete` have in common.

use std::sync::Arc;

use oras::content::Target;
use oras::spec::Descriptor;

use crate::display::json::{self, Layout};
use crate::error::Error;
use crate::option::common::{DescriptorArgs, PrettyArgs};
use crate::option::confirm::ConfirmArgs;
use crate::option::target::Place;
use crate::output;

/// `--force`, `--descriptor` and `--pretty`
#[derive(Debug, clap::Args)]
pub(crate) struct DeletionArgs {
    #[command(flatten)]
    pretty: PrettyArgs,
    #[command(flatten)]
    descriptor: DescriptorArgs,
    #[command(flatten)]
    confirm: ConfirmArgs,
}

/// What is to be deleted, in words.
#[derive(Clone, Copy)]
pub(crate) struct Doomed<'a> {
    pub(crate) place: &'a Place,
    /// `blob` or `manifest`
    pub(crate) kind: &'a str,
    /// What goes with it: the end of the question.
    pub(crate) beside: &'a str,
}

impl DeletionArgs {
    /// # Errors
    /// See [`ConfirmArgs::check_descriptor`].
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.confirm.check_descriptor(&self.descriptor)
    }

    /// Deletes what was `found`, if it is there and the user agrees, and tells so.
    pub(crate) async fn delete(
        &self,
        doomed: Doomed<'_>,
        target: &Arc<dyn Target>,
        found: Result<Descriptor, Error>,
    ) -> Result<(), Error> {
        let Doomed {
            place,
            kind,
            beside,
        } = doomed;
        let raw = &place.raw;
        let content = match found {
            Err(Error::Sdk(error)) if error.is_not_found() => {
                if self.confirm.force && !self.descriptor.descriptor {
                    return output::line(&format!("Missing {raw}"));
                }
                return Err(Error::told(format!(
                    "{raw}: the specified {kind} does not exist"
                )));
            }
            found => found?,
        };
        let question = format!(
            "Are you sure you want to delete the {kind} \"{}\"{beside}?",
            content.digest
        );
        if !self.confirm.ask(&question)? {
            return Ok(());
        }
        let Some(deleter) = target.as_delete() else {
            return Err(Error::told("deleting is not supported here"));
        };
        let deleted = deleter.delete(&content).await;
        deleted.map_err(|error| error.context(format!("failed to delete {raw}")))?;
        if self.descriptor.descriptor {
            let layout = Layout::of(self.pretty.pretty);
            return output::content(&json::descriptor(&content, layout)?);
        }
        output::line(&format!("Deleted {}", place.display()))
    }
}

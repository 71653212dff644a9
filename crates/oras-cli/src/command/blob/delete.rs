//! `oras blob delete`

use crate::command::Run;
use crate::display::json::{self, Layout};
use crate::error::Error;
use crate::option::common::{CommonArgs, DescriptorArgs, PrettyArgs};
use crate::option::confirm::ConfirmArgs;
use crate::option::target::{Place, TargetArgs};
use crate::output;
use crate::session::Session;
use crate::usage::Arity;

/// Delete a blob from a registry or an OCI image layout
#[derive(Debug, clap::Parser)]
#[command(
    name = "delete",
    visible_aliases = ["remove", "rm"],
    override_usage = "delete [flags] <name>@<digest>",
    after_help = "Example - Delete a blob:
  oras blob delete localhost:5000/hello@sha256:9a201d228ebd966211f7d1131be19f152be428bd373a92071c71d8deaf83b3e5

Example - Delete a blob without being asked:
  oras blob delete --force localhost:5000/hello@sha256:9a201d228ebd966211f7d1131be19f152be428bd373a92071c71d8deaf83b3e5

Example - Delete a blob and print its descriptor:
  oras blob delete --descriptor --force localhost:5000/hello@sha256:9a201d228ebd966211f7d1131be19f152be428bd373a92071c71d8deaf83b3e5"
)]
pub(crate) struct Delete {
    #[command(flatten)]
    common: CommonArgs,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    pretty: PrettyArgs,
    #[command(flatten)]
    descriptor: DescriptorArgs,
    #[command(flatten)]
    confirm: ConfirmArgs,
}

impl Run for Delete {
    const ARITY: Arity = Arity::exactly(1, "the target blob to delete");

    async fn run(self, session: &Session, args: &[String]) -> Result<(), Error> {
        self.confirm.check_descriptor(&self.descriptor)?;
        let place = self.target.place(&args[0], session.flags())?;
        let done = self.delete(session, &place).await;
        done.map_err(|error| error.tell(&place.audience(session)))
    }
}

impl Delete {
    async fn delete(&self, session: &Session, place: &Place) -> Result<(), Error> {
        let target = place.target(session, None).await?;
        let blobs = place.blobs_of(session, &target).await?;
        let reference = place.need_digest(&session.used)?;
        let raw = &place.raw;
        let blob = match blobs.resolve(&reference).await {
            Err(Error::Sdk(error)) if error.is_not_found() => {
                if self.confirm.force && !self.descriptor.descriptor {
                    return output::line(&format!("Missing {raw}"));
                }
                return Err(Error::told(format!(
                    "{raw}: the specified blob does not exist"
                )));
            }
            resolved => resolved?,
        };
        let question = format!(
            "Are you sure you want to delete the blob \"{}\"?",
            blob.digest
        );
        if !self.confirm.ask(&question)? {
            return Ok(());
        }
        let Some(deleter) = target.as_delete() else {
            return Err(Error::told("deleting is not supported here"));
        };
        let deleted = deleter.delete(&blob).await;
        deleted.map_err(|error| error.context(format!("failed to delete {raw}")))?;
        if self.descriptor.descriptor {
            return output::content(&json::descriptor(&blob, Layout::of(self.pretty.pretty))?);
        }
        output::line(&format!("Deleted {}", place.display()))
    }
}

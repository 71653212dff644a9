//! `oras manifest delete`

use crate::command::Run;
use crate::display::json::{self, Layout};
use crate::error::Error;
use crate::option::common::{CommonArgs, DescriptorArgs, PrettyArgs};
use crate::option::confirm::ConfirmArgs;
use crate::option::referrers::DistributionSpecArgs;
use crate::option::target::{Place, TargetArgs};
use crate::output;
use crate::session::Session;
use crate::usage::Arity;

/// Delete a manifest from a registry or an OCI image layout
#[derive(Debug, clap::Parser)]
#[command(
    name = "delete",
    visible_aliases = ["remove", "rm"],
    override_usage = "delete [flags] <name>{:<tag>|@<digest>}",
    after_help = "Example - Delete the manifest that a tag stands for, and all its tags:
  oras manifest delete localhost:5000/hello:v1

Example - Delete a manifest without being asked:
  oras manifest delete --force localhost:5000/hello:v1

Example - Delete a manifest and print its descriptor:
  oras manifest delete --descriptor --force localhost:5000/hello:v1

Example - Delete from the OCI image layout folder 'layout-dir':
  oras manifest delete --oci-layout layout-dir:v1"
)]
pub(crate) struct Delete {
    #[command(flatten)]
    common: CommonArgs,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    spec: DistributionSpecArgs,
    #[command(flatten)]
    pretty: PrettyArgs,
    #[command(flatten)]
    descriptor: DescriptorArgs,
    #[command(flatten)]
    confirm: ConfirmArgs,
}

impl Run for Delete {
    const ARITY: Arity = Arity::exactly(1, "the manifest to delete");

    async fn run(self, session: &Session, args: &[String]) -> Result<(), Error> {
        self.confirm.check_descriptor(&self.descriptor)?;
        let place = self.target.place(&args[0], session.flags())?;
        let done = self.delete(session, &place).await;
        done.map_err(|error| error.tell(&place.audience(session)))
    }
}

impl Delete {
    async fn delete(&self, session: &Session, place: &Place) -> Result<(), Error> {
        let target = place.target(session, self.spec.distribution_spec).await?;
        let reference = place.need_reference(&session.used)?;
        let raw = &place.raw;
        let manifest = match target.resolve(&reference).await {
            Err(error) if error.is_not_found() => {
                if self.confirm.force && !self.descriptor.descriptor {
                    return output::line(&format!("Missing {raw}"));
                }
                return Err(Error::told(format!(
                    "{raw}: the specified manifest does not exist"
                )));
            }
            resolved => resolved?,
        };
        let question = format!(
            "Are you sure you want to delete the manifest \"{}\" and all tags associated with it?",
            manifest.digest
        );
        if !self.confirm.ask(&question)? {
            return Ok(());
        }
        let Some(deleter) = target.as_delete() else {
            return Err(Error::told("deleting is not supported here"));
        };
        let deleted = deleter.delete(&manifest).await;
        deleted.map_err(|error| error.context(format!("failed to delete {raw}")))?;
        if self.descriptor.descriptor {
            return output::content(&json::descriptor(
                &manifest,
                Layout::of(self.pretty.pretty),
            )?);
        }
        output::line(&format!("Deleted {}", place.display()))
    }
}

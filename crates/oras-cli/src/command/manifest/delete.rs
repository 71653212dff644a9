//! `oras manifest delete`

use crate::command::Run;
use crate::error::Error;
use crate::option::common::CommonArgs;
use crate::option::deletion::{DeletionArgs, Doomed};
use crate::option::referrers::DistributionSpecArgs;
use crate::option::target::{Place, TargetArgs};
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
    deletion: DeletionArgs,
}

impl Run for Delete {
    const ARITY: Arity = Arity::exactly(1, "the manifest to delete");

    async fn run(self, session: &Session, args: &[String]) -> Result<(), Error> {
        self.deletion.check()?;
        let place = self.target.place(&args[0], session.flags())?;
        let done = self.delete(session, &place).await;
        done.map_err(|error| error.tell(&place.audience(session)))
    }
}

impl Delete {
    async fn delete(&self, session: &Session, place: &Place) -> Result<(), Error> {
        let target = place.target(session, self.spec.distribution_spec).await?;
        let reference = place.need_reference(&session.used)?;
        let found = target.resolve(&reference).await.map_err(Error::from);
        let doomed = Doomed {
            place,
            kind: "manifest",
            beside: " and all tags associated with it",
        };
        self.deletion.delete(doomed, &target, found).await
    }
}

//! `oras blob delete`

use crate::command::Run;
use crate::error::Error;
use crate::option::common::CommonArgs;
use crate::option::deletion::{DeletionArgs, Doomed};
use crate::option::target::{Place, TargetArgs};
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
    deletion: DeletionArgs,
}

impl Run for Delete {
    const ARITY: Arity = Arity::exactly(1, "the target blob to delete");

    async fn run(self, session: &Session, args: &[String]) -> Result<(), Error> {
        self.deletion.check()?;
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
        let found = blobs.resolve(&reference).await;
        let doomed = Doomed {
            place,
            kind: "blob",
            beside: "",
        };
        self.deletion.delete(doomed, &target, found).await
    }
}

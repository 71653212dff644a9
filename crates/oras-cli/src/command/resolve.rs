//! `oras resolve`

use oras::spec::Platform;

use crate::command::Run;
use crate::error::Error;
use crate::option::common::CommonArgs;
use crate::option::platform::PlatformArgs;
use crate::option::target::{Place, TargetArgs};
use crate::output;
use crate::session::Session;
use crate::usage::Arity;

/// [Preview] Resolve the digest of an artifact
#[derive(Debug, clap::Parser)]
#[command(
    name = "resolve",
    alias = "digest",
    override_usage = "resolve [flags] <name>{:<tag>|@<digest>}",
    after_help = "Example - Find out which digest a tag stands for now:
  oras resolve localhost:5000/hello:v1

Example - Find out the digest of the manifest for one platform:
  oras resolve --platform linux/arm64 localhost:5000/hello:v1

Example - Print a reference that always means the same content:
  oras resolve -l localhost:5000/hello:v1

Example - Resolve a tag in the OCI image layout folder 'layout-dir':
  oras resolve --oci-layout layout-dir:v1"
)]
pub(crate) struct Resolve {
    #[command(flatten)]
    common: CommonArgs,
    #[command(flatten)]
    platform: PlatformArgs,
    #[command(flatten)]
    target: TargetArgs,
    /// print the full reference with the digest
    #[arg(short = 'l', long)]
    full_reference: bool,
}

impl Run for Resolve {
    const ARITY: Arity = Arity::exactly(1, "the target artifact reference to resolve");

    async fn run(self, session: &Session, args: &[String]) -> Result<(), Error> {
        let platform = self.platform.check()?;
        let place = self.target.place(&args[0], session.flags())?;
        let done = self.resolve(session, &place, platform).await;
        done.map_err(|error| error.tell(&place.audience(session)))
    }
}

impl Resolve {
    async fn resolve(
        &self,
        session: &Session,
        place: &Place,
        platform: Option<Platform>,
    ) -> Result<(), Error> {
        let source = place.source(session, None).await?;
        let reference = place.need_reference(&session.used)?;
        let resolved = oras::resolve(&source, &reference, platform.as_ref()).await;
        let digest = resolved
            .map_err(|error| error.context("failed to resolve digest"))?
            .digest;
        match self.full_reference {
            true => output::line(&format!("{}@{digest}", place.path())),
            false => output::line(digest.as_str()),
        }
    }
}

//! `oras blob fetch`

use oras::content::{Event, EventSink as _};

use crate::command::Run;
use crate::display::json::{self, Layout};
use crate::display::status::{Detail, Verbs};
use crate::error::Error;
use crate::option::common::{CommonArgs, DescriptorArgs, PrettyArgs, TerminalArgs};
use crate::option::open;
use crate::option::save;
use crate::option::target::{Place, TargetArgs};
use crate::output;
use crate::session::Session;
use crate::usage::Arity;

/// Fetch a blob from a registry or an OCI image layout
#[derive(Debug, clap::Parser)]
#[command(
    name = "fetch",
    alias = "get",
    override_usage = "fetch [flags] {--output <file> | --descriptor} <name>@<digest>",
    after_help = "Example - Save a blob to the file 'blob.tar.gz':
  oras blob fetch --output blob.tar.gz localhost:5000/hello@sha256:9a201d228ebd966211f7d1131be19f152be428bd373a92071c71d8deaf83b3e5

Example - Print a blob:
  oras blob fetch --output - localhost:5000/hello@sha256:9a201d228ebd966211f7d1131be19f152be428bd373a92071c71d8deaf83b3e5

Example - Print the descriptor of a blob:
  oras blob fetch --descriptor localhost:5000/hello@sha256:9a201d228ebd966211f7d1131be19f152be428bd373a92071c71d8deaf83b3e5

Example - Fetch out of the OCI image layout folder 'layout-dir':
  oras blob fetch --oci-layout --output blob layout-dir@sha256:9a201d228ebd966211f7d1131be19f152be428bd373a92071c71d8deaf83b3e5"
)]
pub(crate) struct Fetch {
    #[command(flatten)]
    common: CommonArgs,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    terminal: TerminalArgs,
    #[command(flatten)]
    pretty: PrettyArgs,
    #[command(flatten)]
    descriptor: DescriptorArgs,
    /// file to write the blob to; - for standard output
    #[arg(short, long, value_name = "path", default_value = "")]
    output: String,
}

impl Run for Fetch {
    const ARITY: Arity = Arity::exactly(1, "the target blob to fetch");

    async fn run(self, session: &Session, args: &[String]) -> Result<(), Error> {
        let descriptor = self.descriptor.descriptor;
        if self.output.is_empty() && !descriptor {
            return Err(Error::told(
                "either `--output` or `--descriptor` must be provided",
            ));
        }
        if self.output == "-" && descriptor {
            return Err(Error::told(
                "`--output -` cannot be used with `--descriptor` at the same time",
            ));
        }
        let place = self.target.place(&args[0], session.flags())?;
        let done = self.fetch(session, &place).await;
        done.map_err(|error| error.tell(&place.audience(session)))
    }
}

impl Fetch {
    async fn fetch(&self, session: &Session, place: &Place) -> Result<(), Error> {
        let blobs = place.blobs(session).await?;
        let reference = place.need_digest(&session.used)?;
        let cache = open::cache().await?;
        let descriptor = if self.output.is_empty() {
            blobs.resolve(&reference).await?
        } else {
            let content = blobs.fetch(&reference).await?;
            let content = match cache {
                Some(cache) => cache.through(content).await?,
                None => content,
            };
            let descriptor = content.descriptor().clone();
            let lines = session.status(Verbs::FETCH, Detail::Nothing);
            lines.on_event(&Event::Started(&descriptor));
            let stream = lines.watch_stream(&descriptor, content.verified()?);
            save::stream(&self.output, stream).await?;
            lines.on_event(&Event::Finished(&descriptor));
            lines.check()?;
            descriptor
        };
        if !self.descriptor.descriptor {
            return Ok(());
        }
        output::content(&json::descriptor(
            &descriptor,
            Layout::of(self.pretty.pretty),
        )?)
    }
}

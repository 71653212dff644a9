//! `oras manifest fetch-config`

use oras::content::{FetchExt as _, MAX_MANIFEST_BYTES};
use oras::fetch_manifest;
use oras::spec::{Manifest, Platform};

use crate::command::Run;
use crate::display::json::{self, Layout};
use crate::error::Error;
use crate::option::common::{CommonArgs, DescriptorArgs, PrettyArgs};
use crate::option::platform::PlatformArgs;
use crate::option::save;
use crate::option::target::{Place, TargetArgs};
use crate::output;
use crate::session::Session;
use crate::usage::Arity;

/// Fetch the config of a manifest from a registry or an OCI image layout
#[derive(Debug, clap::Parser)]
#[command(
    name = "fetch-config",
    alias = "get-config",
    override_usage = "fetch-config [flags] <name>{:<tag>|@<digest>}",
    after_help = "Example - Print the config:
  oras manifest fetch-config localhost:5000/hello:v1

Example - Print the config of the image for one platform:
  oras manifest fetch-config --platform linux/arm/v5 localhost:5000/hello:v1

Example - Save the config to a file and print its descriptor:
  oras manifest fetch-config --output config.json --descriptor localhost:5000/hello:v1

Example - Fetch out of the OCI image layout folder 'layout-dir':
  oras manifest fetch-config --oci-layout layout-dir:v1"
)]
pub(crate) struct FetchConfig {
    #[command(flatten)]
    common: CommonArgs,
    #[command(flatten)]
    platform: PlatformArgs,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    pretty: PrettyArgs,
    #[command(flatten)]
    descriptor: DescriptorArgs,
    /// file to write the config to; - for standard output
    #[arg(short, long, value_name = "path", default_value = "")]
    output: String,
}

impl Run for FetchConfig {
    const ARITY: Arity = Arity::exactly(1, "the manifest config to fetch");

    async fn run(self, session: &Session, args: &[String]) -> Result<(), Error> {
        if self.output == "-" && self.descriptor.descriptor {
            return Err(Error::told(
                "`--output -` cannot be used with `--descriptor` at the same time",
            ));
        }
        let platform = self.platform.check()?;
        let place = self.target.place(&args[0], session.flags())?;
        let done = self.fetch(session, &place, platform).await;
        done.map_err(|error| error.tell(&place.audience(session)))
    }
}

impl FetchConfig {
    async fn fetch(
        &self,
        session: &Session,
        place: &Place,
        platform: Option<Platform>,
    ) -> Result<(), Error> {
        let source = place.cached_source(session).await?;
        let reference = place.need_reference(&session.used)?;
        let manifest = fetch_manifest(&source, &reference, platform.as_ref()).await?;
        let config = match manifest.manifest() {
            Manifest::Image(image) | Manifest::DockerImage(image) => &image.config,
            _ => {
                let digest = &manifest.descriptor().digest;
                return Err(Error::told(format!(
                    "\"{digest}\" is not an image manifest and does not have a config"
                )));
            }
        };
        let layout = Layout::of(self.pretty.pretty);
        let to_file = !matches!(self.output.as_str(), "" | "-");
        if to_file || !self.descriptor.descriptor {
            if to_file || !self.pretty.pretty {
                let path = if to_file { self.output.as_str() } else { "-" };
                save::stream(path, source.fetch(config).await?.verified()?).await?;
            } else {
                let bytes = source.fetch_bytes(config, MAX_MANIFEST_BYTES).await?;
                output::content(&json::content(&bytes, layout)?)?;
            }
        }
        match self.descriptor.descriptor {
            true => output::content(&json::descriptor(config, layout)?),
            false => Ok(()),
        }
    }
}

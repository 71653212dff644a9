//! `oras manifest fetch`

use std::sync::Arc;

use bytes::Bytes;
use oras::content::{FetchExt as _, MAX_MANIFEST_BYTES, Source};
use oras::resolve;
use oras::spec::{Descriptor, Platform, go_quote};
use serde::Serialize;
use serde_json::Value;

use crate::command::Run;
use crate::display::json::{self, DescriptorModel, Layout, generic};
use crate::error::Error;
use crate::option::common::{CommonArgs, DescriptorArgs, PrettyArgs};
use crate::option::csv;
use crate::option::format::{Format, FormatArgs};
use crate::option::platform::PlatformArgs;
use crate::option::save;
use crate::option::target::{Place, TargetArgs};
use crate::output;
use crate::session::Session;
use crate::usage::Arity;

/// Fetch a manifest from a registry or an OCI image layout
#[derive(Debug, clap::Parser)]
#[command(
    name = "fetch",
    visible_aliases = ["get", "show"],
    override_usage = "fetch [flags] <name>{:<tag>|@<digest>}",
    after_help = "Example - Print the manifest as it is:
  oras manifest fetch localhost:5000/hello:v1

Example - Print the manifest indented:
  oras manifest fetch --pretty localhost:5000/hello:v1

Example - Print the descriptor of the manifest:
  oras manifest fetch --descriptor localhost:5000/hello:v1

Example - Save the manifest for one platform:
  oras manifest fetch --platform linux/arm/v5 --output manifest.json localhost:5000/hello:v1

Example - Print descriptor and content together:
  oras manifest fetch --format json localhost:5000/hello:v1

Example - Fetch out of the OCI image layout folder 'layout-dir':
  oras manifest fetch --oci-layout layout-dir:v1"
)]
pub(crate) struct Fetch {
    #[command(flatten)]
    common: CommonArgs,
    #[command(flatten)]
    platform: PlatformArgs,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    pretty: PrettyArgs,
    #[command(flatten)]
    descriptor: DescriptorArgs,
    /// media types of manifests to accept
    #[arg(long, value_name = "strings", value_parser = csv::parse, action = clap::ArgAction::Append)]
    media_type: Vec<csv::Row>,
    /// file to write the manifest to; - for standard output
    #[arg(short, long, value_name = "path", default_value = "")]
    output: String,
}

impl Run for Fetch {
    const ARITY: Arity = Arity::exactly(1, "the manifest to fetch");

    async fn run(self, session: &Session, args: &[String]) -> Result<(), Error> {
        self.check(session)?;
        let platform = self.platform.check()?;
        let place = self.target.place(&args[0], session.flags())?;
        let format = self.format.check()?;
        let done = self.fetch(session, &place, platform, format).await;
        done.map_err(|error| error.tell(&place.audience(session)))
    }
}

impl Fetch {
    fn check(&self, session: &Session) -> Result<(), Error> {
        if self.output == "-" && self.format.format != "text" {
            // The reference tool names the template here, not the format.
            let template = &self.format.template.template;
            return Err(Error::told(format!(
                "`--output -` cannot be used with `--format {template}` at the same time"
            )));
        }
        if self.output == "-" && self.descriptor.descriptor {
            return Err(Error::told(
                "`--descriptor` cannot be used with `--output -` at the same time",
            ));
        }
        session.flags().exclusive(&["format", "pretty"])?;
        session.flags().exclusive(&["format", "descriptor"])
    }

    async fn fetch(
        &self,
        session: &Session,
        place: &Place,
        platform: Option<Platform>,
        format: Format,
    ) -> Result<(), Error> {
        let media_types = self
            .media_type
            .iter()
            .flat_map(|row| row.0.iter().cloned())
            .collect();
        let source = place.source_accepting(session, media_types).await?;
        let reference = place.need_reference(&session.used)?;
        let layout = Layout::of(self.pretty.pretty);
        let raw = go_quote(&place.raw);

        if self.descriptor.descriptor && self.output.is_empty() {
            let found = resolve(&source, &reference, platform.as_ref()).await;
            let found = found.map_err(|error| error.context(format!("failed to find {raw}")))?;
            return output::content(&json::descriptor(&found, layout)?);
        }
        let fetched = content(&source, &reference, platform.as_ref()).await;
        let (descriptor, bytes) = fetched
            .map_err(|error| error.context(format!("failed to fetch the content of {raw}")))?;
        let to_file = !matches!(self.output.as_str(), "" | "-");
        if to_file {
            self.save(&bytes)?;
        }
        match (&format, self.descriptor.descriptor) {
            (Format::Json | Format::Template(_), _) => {
                let model = Model {
                    descriptor: DescriptorModel::new(&place.path(), &descriptor),
                    content: serde_json::from_slice(&bytes)
                        .ok()
                        .filter(Value::is_object)
                        .map(generic),
                };
                format.show(&model)
            }
            (_, true) => output::content(&json::descriptor(&descriptor, layout)?),
            (_, false) if to_file => Ok(()),
            (_, false) => output::content(&json::content(&bytes, layout)?),
        }
    }

    fn save(&self, bytes: &[u8]) -> Result<(), Error> {
        let path = go_quote(&self.output);
        save::bytes(&self.output, bytes)
            .map_err(|error| error.inside(&format!("failed to open {path}")))
    }
}

/// The manifest that `reference` stands for, whatever its media type is.
async fn content(
    source: &Arc<dyn Source>,
    reference: &str,
    platform: Option<&Platform>,
) -> oras::content::Result<(Descriptor, Bytes)> {
    if platform.is_none()
        && let Some(fetcher) = source.as_fetch_reference()
    {
        let content = fetcher.fetch_reference(reference).await?;
        let descriptor = content.descriptor().clone();
        return Ok((descriptor, content.bytes(MAX_MANIFEST_BYTES).await?));
    }
    let descriptor = resolve(source, reference, platform).await?;
    let bytes = source.fetch_bytes(&descriptor, MAX_MANIFEST_BYTES).await?;
    Ok((descriptor, bytes))
}

/// `--format json`
#[derive(Debug, Serialize)]
struct Model {
    #[serde(flatten)]
    descriptor: DescriptorModel,
    /// `null` if the manifest is not a JSON object.
    content: Option<Value>,
}

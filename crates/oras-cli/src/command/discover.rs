//! `oras discover`

use oras::spec::{Descriptor, Platform};
use oras::{DiscoverOptions, ReferrerNode, discover, resolve};
use serde::Serialize;

use crate::command::Run;
use crate::display::json::DescriptorModel;
use crate::display::paint::Paint;
use crate::display::table::{self, Rows};
use crate::display::tree::{self, Annotations, Referrer};
use crate::env;
use crate::error::Error;
use crate::option::common::CommonArgs;
use crate::option::format::{self, Format, TemplateArgs};
use crate::option::platform::PlatformArgs;
use crate::option::referrers::DistributionSpecArgs;
use crate::option::target::{Place, TargetArgs};
use crate::output;
use crate::pflag::parse_int;
use crate::session::Session;
use crate::usage::Arity;

/// [Preview] Discover the referrers of an artifact
#[derive(Debug, clap::Parser)]
#[command(
    name = "discover",
    long_about = "[Preview] Discover the referrers of an artifact

** This command is in preview and under development. **",
    override_usage = "discover [flags] <name>{:<tag>|@<digest>}",
    after_help = "Example - Show what refers to the artifact 'hello:v1', and what refers to that, as a tree:
  oras discover localhost:5000/hello:v1

Example - Show direct referrers only:
  oras discover localhost:5000/hello:v1 --depth 1

Example - Show referrers of one type only:
  oras discover --artifact-type test-artifact localhost:5000/hello:v1

Example - Print JSON for programs:
  oras discover localhost:5000/hello:v1 --format json

Example - Discover in the OCI image layout folder 'layout-dir':
  oras discover --oci-layout layout-dir:v1"
)]
pub(crate) struct Discover {
    #[command(flatten)]
    common: CommonArgs,
    #[command(flatten)]
    platform: PlatformArgs,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    spec: DistributionSpecArgs,
    /// [Preview] disable colors
    #[arg(long)]
    no_tty: bool,
    /// show referrers of this type only, on every level
    #[arg(long, default_value = "")]
    artifact_type: String,
    /// [Experimental] how many levels of referrers are shown
    #[arg(long, default_value = "0", value_parser = parse_int)]
    depth: i64,
    /// [Experimental] format of the output:
    /// 'tree':        a tree for people
    /// 'table':       [Deprecated] the direct referrers in a table
    /// 'json':        one JSON object
    /// 'go-template': what the given Go template makes of the JSON object
    #[arg(long, default_value = "tree", verbatim_doc_comment)]
    format: String,
    /// [Deprecated] the same as --format
    #[arg(short, long, default_value = "tree")]
    output: String,
    #[command(flatten)]
    template: TemplateArgs,
}

impl Run for Discover {
    const ARITY: Arity = Arity::exactly(1, "the target artifact to discover referrers from");

    async fn run(self, session: &Session, args: &[String]) -> Result<(), Error> {
        let flags = session.flags();
        flags.exclusive(&["format", "output"])?;
        if session.given.has("depth") && self.depth < 1 {
            return Err(Error::told("depth value should be at least 1"));
        }
        let platform = self.platform.check()?;
        let place = self.target.place(&args[0], flags)?;
        let format = self.format(session)?;
        let done = self.discover(session, &place, platform, format).await;
        done.map_err(|error| error.tell(&place.audience(session)))
    }
}

impl Discover {
    fn format(&self, session: &Session) -> Result<Format, Error> {
        let by_output = session.given.has("output");
        let value = if by_output {
            &self.output
        } else {
            &self.format
        };
        if by_output && value.starts_with("go-template") {
            return Err(Error::told("output type can only be tree, table or json"));
        }
        let format = format::check(
            value,
            &self.template.template,
            "table, json, go-template, tree",
        )?;
        if by_output {
            output::tell("[DEPRECATED] --output is deprecated, try `--format ` instead");
        }
        Ok(format)
    }

    async fn discover(
        &self,
        session: &Session,
        place: &Place,
        platform: Option<Platform>,
        format: Format,
    ) -> Result<(), Error> {
        let source = place.source(session, self.spec.distribution_spec).await?;
        let reference = place.need_reference(&session.used)?;
        let subject = resolve(&source, &reference, platform.as_ref()).await?;
        if format == Format::Text {
            return Err(Error::told("unsupported format type: text"));
        }
        let depth = match (&format, self.depth) {
            (Format::Table, _) => Some(1),
            (_, depth) if depth > 0 => Some(u32::try_from(depth).unwrap_or(u32::MAX)),
            _ => None,
        };
        let options = DiscoverOptions {
            artifact_type: Some(self.artifact_type.clone()).filter(|kind| !kind.is_empty()),
            depth,
            ..DiscoverOptions::default()
        };
        let root = discover(&source, &subject, &options).await?;
        self.show(place, &root, &format, self.paint())
    }

    /// Colours are for people who look at the tree itself.
    fn paint(&self) -> Paint {
        match !self.no_tty && !self.common.debug && output::stdout_is_terminal() {
            true => env::paint(),
            false => Paint::Plain,
        }
    }

    fn show(
        &self,
        place: &Place,
        root: &ReferrerNode,
        format: &Format,
        paint: Paint,
    ) -> Result<(), Error> {
        let path = place.path();
        let verbose = self.common.verbose;
        match format {
            Format::Json | Format::Template(_) => format.show(&Model::new(&path, root)),
            Format::Table => {
                let referrers: Vec<&Descriptor> =
                    root.referrers.iter().map(|node| &node.descriptor).collect();
                let rows = if verbose {
                    Rows::WithDescriptor
                } else {
                    Rows::Short
                };
                output::text(&table::render(
                    &place.raw,
                    &root.descriptor,
                    &referrers,
                    rows,
                ))
            }
            _ => {
                let annotations = if verbose {
                    Annotations::Shown
                } else {
                    Annotations::Hidden
                };
                output::text(&tree::render(&path, &referrer(root), annotations, paint))
            }
        }
    }
}

fn referrer(node: &ReferrerNode) -> Referrer<'_> {
    Referrer {
        descriptor: &node.descriptor,
        referrers: node.referrers.iter().map(referrer).collect(),
    }
}

/// `--format json`
#[derive(Debug, Serialize)]
struct Model {
    #[serde(flatten)]
    descriptor: DescriptorModel,
    referrers: Vec<Self>,
}

impl Model {
    fn new(path: &str, node: &ReferrerNode) -> Self {
        Self {
            descriptor: DescriptorModel::new(path, &node.descriptor),
            referrers: node
                .referrers
                .iter()
                .map(|node| Self::new(path, node))
                .collect(),
        }
    }
}

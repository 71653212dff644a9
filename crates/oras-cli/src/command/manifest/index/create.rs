//! `oras manifest index create`

use std::sync::Arc;

use oras::{NewIndex, create_index};

use super::{Made, OutputArgs, Progress, tag_of};
use crate::command::Run;
use crate::display::status;
use crate::error::Error;
use crate::option::common::{DebugArgs, PrettyArgs};
use crate::option::packer::AnnotationArgs;
use crate::option::target::{Place, TargetArgs, split_tags};
use crate::session::Session;
use crate::usage::Arity;

/// [Experimental] Make an index that lists manifests, and push it
#[derive(Debug, clap::Parser)]
#[command(
    name = "create",
    alias = "pack",
    override_usage = "create [flags] <target>[:<tag[,<tag>][...]] <sources>[{<tag>|<digest>}...]",
    after_help = "Example - List two manifests by their tags and push the index under 'v1':
  oras manifest index create localhost:5000/hello:v1 linux-amd64 linux-arm64

Example - Push the index without a tag:
  oras manifest index create localhost:5000/hello linux-amd64 linux-arm64

Example - Push the index and give several tags:
  oras manifest index create localhost:5000/hello:tag1,tag2,tag3 linux-amd64 linux-arm64

Example - List manifests by tag and by digest:
  oras manifest index create localhost:5000/hello:v1 linux-amd64 sha256:99e4703fbf30916f549cd6bfa9cdbab614b5392fbe64fdee971359a77073cdf9

Example - Annotate the index, and say what kind of artifact it is:
  oras manifest index create localhost:5000/hello:v1 linux-amd64 --annotation \"key=value\" --artifact-type application/vnd.example.bundle

Example - Work in the OCI image layout folder 'layout-dir':
  oras manifest index create --oci-layout layout-dir:v1 linux-amd64 linux-arm64

Example - Write the index to a file, or to standard output, instead of pushing it:
  oras manifest index create --output index.json localhost:5000/hello linux-amd64 linux-arm64
  oras manifest index create --output - --pretty localhost:5000/hello linux-amd64 linux-arm64"
)]
pub(crate) struct Create {
    #[command(flatten)]
    debug: DebugArgs,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    pretty: PrettyArgs,
    #[command(flatten)]
    annotation: AnnotationArgs,
    #[command(flatten)]
    output: OutputArgs,
    /// type of the index as an artifact
    #[arg(long, default_value = "")]
    artifact_type: String,
}

impl Run for Create {
    const ARITY: Arity = Arity::at_least(1, "the destination index to create.");

    async fn run(self, session: &Session, args: &[String]) -> Result<(), Error> {
        let annotations = self.annotation.parse()?;
        let (raw, tags) = split_tags(&args[0]);
        let place = self.target.place(&raw, session.flags())?;
        let new = NewIndex {
            manifests: args[1..].to_vec(),
            artifact_type: self.artifact_type.clone(),
            annotations,
        };
        let done = self.create(session, &place, &new, &tags).await;
        done.map_err(|error| error.tell(&place.audience(session)))
    }
}

impl Create {
    async fn create(
        &self,
        session: &Session,
        place: &Place,
        new: &NewIndex,
        tags: &[String],
    ) -> Result<(), Error> {
        let target = place.target(session, None).await?;
        let progress = Progress::new(session, &self.output);
        let source = Arc::clone(&target) as _;
        let made = create_index(&source, new, &progress.options()).await;
        let index = progress.check(made)?;
        progress.line(&status::line("Packed   ", &index.descriptor().plain()))?;
        let made = Made {
            index,
            target,
            progress,
            output: &self.output,
            pretty: &self.pretty,
            shown: place.display(),
            tag: tag_of(place),
            tags,
        };
        made.deliver(session).await
    }
}

//! `oras manifest index update`

use std::sync::Arc;

use oras::spec::Digest;
use oras::{IndexChanges, update_index};

use super::{Made, OutputArgs, Progress, tag_of};
use crate::command::Run;
use crate::error::Error;
use crate::option::common::{DebugArgs, PrettyArgs};
use crate::option::target::{Place, TargetArgs, parse_digest};
use crate::output;
use crate::session::Session;
use crate::usage::Arity;

/// [Experimental] Change what an index lists, and push the result
#[derive(Debug, clap::Parser)]
#[command(
    name = "update",
    override_usage = "update <index>{:<tag>|@<digest>} [{--add|--merge|--remove} <manifest>{<tag>|<digest>}] [...]",
    after_help = "Example - Remove one manifest from the index tagged 'v1' and list two others, then move the tag:
  oras manifest index update localhost:5000/hello:v1 --add linux-amd64 --add linux-arm64 --remove sha256:99e4703fbf30916f549cd6bfa9cdbab614b5392fbe64fdee971359a77073cdf9

Example - Make a new index out of one given by its digest:
  oras manifest index update localhost:5000/hello@sha256:99e4703fbf30916f549cd6bfa9cdbab614b5392fbe64fdee971359a77073cdf9 --add linux-amd64

Example - List everything that another index lists, too:
  oras manifest index update localhost:5000/hello:v1 --merge v2

Example - Change the artifact type of the index:
  oras manifest index update localhost:5000/hello:v1 --artifact-type application/vnd.example.bundle

Example - Change an index and give more tags to the result:
  oras manifest index update localhost:5000/hello:v1 --add linux-amd64 --tag 'v2' --tag 'latest'

Example - Work in the OCI image layout folder 'layout-dir':
  oras manifest index update --oci-layout layout-dir:v1 --add linux-amd64

Example - Write the new index to a file, or to standard output, instead of pushing it:
  oras manifest index update --output index.json localhost:5000/hello:v1 --add linux-amd64
  oras manifest index update --output - --pretty localhost:5000/hello:v1 --add linux-amd64"
)]
pub(crate) struct Update {
    #[command(flatten)]
    debug: DebugArgs,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    pretty: PrettyArgs,
    #[command(flatten)]
    output: OutputArgs,
    /// manifests to list in the index
    #[arg(long)]
    add: Vec<String>,
    /// indexes whose manifests are to be listed in the index
    #[arg(long)]
    merge: Vec<String>,
    /// digests of manifests that the index is not to list any more
    #[arg(long)]
    remove: Vec<String>,
    /// tags for the updated index
    #[arg(long)]
    tag: Vec<String>,
    /// new type of the index as an artifact; an empty one takes it away
    #[arg(long, default_value = "")]
    artifact_type: String,
}

impl Run for Update {
    const ARITY: Arity = Arity::exactly(1, "the target index to update");

    async fn run(self, session: &Session, args: &[String]) -> Result<(), Error> {
        session.flags().exclusive(&["tag", "output"])?;
        let changes = self.changes(session)?;
        let place = self.target.place(&args[0], session.flags())?;
        if changes.is_empty() {
            return output::line("Nothing to update as no change is requested");
        }
        let reference = place.need_reference(&session.used)?;
        let done = self.update(session, &place, &reference, &changes).await;
        done.map_err(|error| error.tell(&place.audience(session)))
    }
}

impl Update {
    fn changes(&self, session: &Session) -> Result<IndexChanges, Error> {
        let digest = |text: &String| {
            parse_digest(text).map_err(|_| Error::told(format!("remove: {text} is not a digest")))
        };
        Ok(IndexChanges {
            artifact_type: session
                .given
                .has("artifact-type")
                .then(|| self.artifact_type.clone()),
            remove: self
                .remove
                .iter()
                .map(digest)
                .collect::<Result<Vec<Digest>, _>>()?,
            add: self.add.clone(),
            merge: self.merge.clone(),
        })
    }

    async fn update(
        &self,
        session: &Session,
        place: &Place,
        reference: &str,
        changes: &IndexChanges,
    ) -> Result<(), Error> {
        let target = place.target(session, None).await?;
        let progress = Progress::new(session, &self.output);
        let source = Arc::clone(&target) as _;
        let made = update_index(&source, reference, changes, &progress.options()).await;
        let index = progress.check(made)?;
        progress.line(&format!("Updated   {}", index.descriptor().digest))?;
        let tag = tag_of(place);
        let shown = match tag.is_empty() {
            true => format!("[{}] {}", place.type_name(), place.path()),
            false => place.display(),
        };
        let made = Made {
            index,
            target,
            progress,
            output: &self.output,
            pretty: &self.pretty,
            shown,
            tag,
            tags: &self.tag,
        };
        made.deliver(session).await
    }
}

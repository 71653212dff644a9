//! `oras tag`

use std::sync::Arc;

use oras::content::{Event, EventSink};
use oras::{TagOptions, tag_many};

use crate::command::Run;
use crate::display::status::{Detail, StatusLines, Verbs};
use crate::error::{Error, Failure};
use crate::option::common::CommonArgs;
use crate::option::target::{Place, REFERENCE_HINT, TargetArgs};
use crate::pflag::parse_int;
use crate::session::Session;
use crate::usage::Arity;

/// Tag a manifest in a registry or an OCI image layout
#[derive(Debug, clap::Parser)]
#[command(
    name = "tag",
    override_usage = "tag [flags] <name>{:<tag>|@<digest>} <new_tag> [...]",
    after_help = "Example - Give the manifest 'v1.0.1' the name 'v1.0.2', too:
  oras tag localhost:5000/hello:v1.0.1 v1.0.2

Example - Give a manifest several names at once:
  oras tag localhost:5000/hello:v1.0.1 v1.0.2 latest

Example - Name a manifest by its digest:
  oras tag localhost:5000/hello@sha256:99e4703fbf30916f549cd6bfa9cdbab614b5392fbe64fdee971359a77073cdf9 v1.0.1

Example - Tag in the OCI image layout folder 'layout-dir':
  oras tag --oci-layout layout-dir:v1.0.1 v1.0.2"
)]
pub(crate) struct Tag {
    #[command(flatten)]
    common: CommonArgs,
    #[command(flatten)]
    target: TargetArgs,
    /// how many tags are given at a time
    #[arg(long, default_value = "5", value_parser = parse_int)]
    concurrency: i64,
}

impl Run for Tag {
    const ARITY: Arity = Arity::at_least(1, "the artifact to be retagged and the tags to be added");

    async fn run(self, session: &Session, args: &[String]) -> Result<(), Error> {
        let (raw, tags) = (&args[0], &args[1..]);
        self.refuse_listing(session, raw)?;
        let place = self
            .target
            .place(raw, session.flags())
            .map_err(|error| unable(raw, error))?;
        let done = self.tag(session, &place, tags).await;
        done.map_err(|error| error.tell(&place.audience(session)))
    }
}

impl Tag {
    /// `oras tag list` is what users of other tools type for `oras repo tags`.
    fn refuse_listing(&self, session: &Session, raw: &str) -> Result<(), Error> {
        if !matches!(raw, "list" | "ls") {
            return Ok(());
        }
        let place = if self.target.is_layout() {
            "an OCI image layout"
        } else {
            "a repository"
        };
        Err(Failure::new(format!(
            "there is no \"{raw}\" sub-command for \"oras tag\" command"
        ))
        .with_usage(&session.used.usage)
        .with_hint(format!(
            "If you want to list available tags in {place}, use \"oras repo tags\""
        ))
        .into())
    }

    async fn tag(&self, session: &Session, place: &Place, tags: &[String]) -> Result<(), Error> {
        let target = place.target(session, None).await?;
        let reference = place.need_reference(&session.used)?;
        let lines = Arc::new(Lines {
            tagging: format!("Tagging [{}] {}", place.type_name(), place.path()),
            tagged: StatusLines::new(Verbs::UPLOAD, Detail::All, &session.cancel),
        });
        let options = TagOptions {
            concurrency: usize::try_from(self.concurrency).unwrap_or(0),
            events: Arc::clone(&lines) as _,
        };
        tag_many(&target, &reference, tags, &options).await?;
        lines.tagged.check()
    }
}

fn unable(raw: &str, error: Error) -> Error {
    let text = error.into_failure().text();
    let text = text.trim_start_matches("Error: ");
    match text.strip_suffix(&format!("\n{REFERENCE_HINT}")) {
        Some(text) => Failure::new(format!("unable to add tag for '{raw}': {text}"))
            .with_hint(REFERENCE_HINT)
            .into(),
        None => Error::told(text),
    }
}

/// `Tagging …` before the first tag, then one line per tag.
#[derive(Debug)]
struct Lines {
    tagging: String,
    tagged: StatusLines,
}

impl EventSink for Lines {
    fn on_event(&self, event: &Event<'_>) {
        match event {
            Event::Started(descriptor) => self
                .tagged
                .print(&format!("{}@{}", self.tagging, descriptor.digest)),
            event => self.tagged.on_event(event),
        }
    }
}

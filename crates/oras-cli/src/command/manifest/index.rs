//! `oras manifest index`: what its commands share.

pub(super) mod create;
pub(super) mod update;

use std::sync::{Arc, Mutex};

use oras::content::Target;
use oras::spec::{Digest, RawManifest};
use oras::{IndexEvent, IndexOptions, TagOptions, push_index, tag_manifest};

use crate::display::json::{self, Layout};
use crate::display::status::{Detail, StatusLines, Verbs};
use crate::error::Error;
use crate::option::common::PrettyArgs;
use crate::option::save;
use crate::option::target::{Place, parse_digest};
use crate::output;
use crate::session::Session;

pub(crate) use create::Create;
pub(crate) use update::Update;

/// Where the index goes.
#[derive(Debug, clap::Args)]
struct OutputArgs {
    /// write the index to this file instead of pushing it; - for standard output
    #[arg(short, long, value_name = "path", default_value = "")]
    output: String,
}

impl OutputArgs {
    fn is_stdout(&self) -> bool {
        self.output == "-"
    }
}

/// Shows how an index is made, line by line.
struct Progress {
    shown: bool,
    cancel: oras::CancellationToken,
    /// The first line that could not be printed.
    failed: Mutex<Option<Error>>,
}

impl Progress {
    /// Shows nothing if standard output is for the index.
    fn new(session: &Session, output: &OutputArgs) -> Arc<Self> {
        Arc::new(Self {
            shown: !output.is_stdout(),
            cancel: session.cancel.clone(),
            failed: Mutex::new(None),
        })
    }

    fn options(self: &Arc<Self>) -> IndexOptions {
        let progress = Arc::clone(self);
        IndexOptions {
            events: Arc::new(move |event| progress.show(event)),
            cancel: self.cancel.clone(),
        }
    }

    fn show(&self, event: &IndexEvent<'_>) {
        let text = match event {
            IndexEvent::Fetching(reference) => format!("Fetching  {reference}"),
            IndexEvent::Fetched(reference, digest) => named("Fetched  ", reference, digest),
            IndexEvent::Removed(digest) => format!("Removed   {digest}"),
            IndexEvent::Added(reference, digest) => named("Added    ", reference, digest),
            IndexEvent::Merged(reference, digest) => named("Merged   ", reference, digest),
            _ => return,
        };
        if let Err(error) = self.line(&text)
            && let Ok(mut failed) = self.failed.lock()
        {
            failed.get_or_insert(error);
            self.cancel.cancel();
        }
    }

    fn line(&self, text: &str) -> Result<(), Error> {
        match self.shown {
            true => output::line(text),
            false => Ok(()),
        }
    }

    /// # Errors
    /// If a line could not be printed; else that of `made`.
    fn check<T>(&self, made: oras::content::Result<T>) -> Result<T, Error> {
        match self.failed.lock().ok().and_then(|mut failed| failed.take()) {
            Some(failed) => Err(failed),
            None => Ok(made?),
        }
    }
}

/// A digest is told once.
fn named(verb: &str, reference: &str, digest: &Digest) -> String {
    match parse_digest(reference) {
        Ok(_) => format!("{verb} {reference}"),
        Err(_) => format!("{verb} {digest} {reference}"),
    }
}

/// An index that is made, and what is to become of it.
struct Made<'a> {
    index: RawManifest,
    target: Arc<dyn Target>,
    progress: Arc<Progress>,
    output: &'a OutputArgs,
    pretty: &'a PrettyArgs,
    /// What was pushed, as it is told.
    shown: String,
    /// The tag that the index gets; empty for none.
    tag: String,
    /// More tags.
    tags: &'a [String],
}

impl Made<'_> {
    /// Writes the index to the output, or pushes and tags it.
    async fn deliver(self, session: &Session) -> Result<(), Error> {
        let bytes = self.index.bytes();
        if self.output.is_stdout() {
            return output::content(&json::content(bytes, Layout::of(self.pretty.pretty))?);
        }
        match self.output.output.as_str() {
            "" => self.push(session).await?,
            path => save::bytes(path, bytes)?,
        }
        let digest = &self.index.descriptor().digest;
        self.progress.line(&format!("Digest: {digest}"))
    }

    async fn push(&self, session: &Session) -> Result<(), Error> {
        push_index(&self.target, &self.index, &self.tag).await?;
        self.progress.line(&format!("Pushed    {}", self.shown))?;
        let lines = Arc::new(StatusLines::new(
            Verbs::UPLOAD,
            Detail::All,
            &session.cancel,
        ));
        let options = TagOptions {
            events: Arc::clone(&lines) as _,
            ..TagOptions::default()
        };
        let tagged = tag_manifest(&self.target, &self.index, self.tags, &options).await;
        lines.check()?;
        Ok(tagged?)
    }
}

/// The tag of a target. A digest is none: the new index has its own.
fn tag_of(place: &Place) -> String {
    let tag = place.reference().filter(|text| parse_digest(text).is_err());
    tag.unwrap_or_default()
}

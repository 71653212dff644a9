//! What `backup` and `restore` share.

use std::fmt::Write as _;
use std::sync::Arc;

use oras::spec::go_quote;
use oras::{CopyOptions, Scope, TaggedContent};

use crate::display::status::StatusLines;
use crate::error::{Error, Failure};
use crate::session::Session;

/// So many tags are told in one line.
const ONE_LINE: usize = 5;

pub(crate) fn copy_options(
    lines: &Arc<StatusLines>,
    concurrency: i64,
    session: &Session,
) -> CopyOptions {
    let mut options = CopyOptions::default();
    options.concurrency = usize::try_from(concurrency).unwrap_or(0);
    options.events = Arc::clone(lines) as _;
    options.cancel = session.cancel.clone();
    options
}

pub(crate) fn scope(referrers: bool) -> Scope {
    match referrers {
        true => Scope::Referrers,
        false => Scope::Artifact,
    }
}

/// Which tags were found where; one line each if they are many.
pub(crate) fn found(tags: &[TaggedContent], place: &str) -> String {
    let names: Vec<&str> = tags.iter().map(|tagged| tagged.tag.as_str()).collect();
    let mut text = format!("Found {} tag(s) in {place}:", names.len());
    match names.len() {
        ..=ONE_LINE => {
            let _ = writeln!(text, " {}", names.join(", "));
        }
        _ => {
            let _ = writeln!(text, "\n{}", names.join("\n"));
        }
    }
    text
}

/// The error for a `kind` of place without tags.
pub(crate) fn no_tags(kind: &str, place: &str, command: &str) -> Error {
    let place = go_quote(place);
    Failure::new(format!("no tags found in {kind} {place}"))
        .with_hint(format!(
            "If you want to list available tags in {place}, use {}",
            go_quote(command)
        ))
        .into()
}

//! What `backup` and `restore` share.

use std::fmt::Write as _;
use std::sync::Arc;

use oras::spec::go_quote;
use oras::{BackupOptions, CopyOptions, Scope, TaggedContent};

use crate::display::status::{Detail, StatusLines, Verbs};
use crate::error::{Error, Failure};
use crate::session::Session;

/// So many tags are told in one line.
const ONE_LINE: usize = 5;

/// How all tags are copied.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Copying {
    pub(crate) verbs: Verbs,
    pub(crate) concurrency: i64,
    pub(crate) scope: Scope,
}

impl Copying {
    /// How the next tag is copied, and where it is shown.
    pub(crate) fn next(&self, session: &Session) -> (Arc<StatusLines>, BackupOptions) {
        let lines = session.status(self.verbs, Detail::All);
        let mut copy = CopyOptions::default();
        copy.concurrency = usize::try_from(self.concurrency).unwrap_or(0);
        copy.events = Arc::clone(&lines) as _;
        copy.cancel = session.cancel.clone();
        let scope = self.scope;
        (lines, BackupOptions { copy, scope })
    }
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

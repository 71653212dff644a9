//! Status lines: one per thing that happens to one content.

use std::sync::Mutex;

use oras::content::{Event, EventSink};
use oras::spec::Descriptor;
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::output;

/// The words of one command, padded to its column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Verbs {
    started: &'static str,
    finished: &'static str,
    exists: &'static str,
    twin: &'static str,
    processing: &'static str,
    skipped: &'static str,
    restored: &'static str,
    mounted: &'static str,
}

impl Verbs {
    /// `push`, `attach`, `blob push`, `manifest push`
    pub(crate) const UPLOAD: Self = Self {
        started: "Uploading",
        finished: "Uploaded ",
        exists: "Exists   ",
        twin: "Exists   ",
        processing: "",
        skipped: "Skipped  ",
        restored: "",
        mounted: "Mounted  ",
    };

    /// `pull`
    pub(crate) const DOWNLOAD: Self = Self {
        started: "Downloading",
        finished: "Downloaded ",
        exists: "",
        twin: "",
        processing: "Processing ",
        skipped: "Skipped    ",
        restored: "Restored   ",
        mounted: "",
    };

    /// `cp`
    pub(crate) const COPY: Self = Self {
        started: "Copying",
        finished: "Copied ",
        exists: "Exists ",
        twin: "Skipped",
        processing: "",
        skipped: "Skipped",
        restored: "",
        mounted: "Mounted",
    };
}

/// What is shown of the events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Everything.
    All,
    /// What has a file name.
    Named,
    /// Nothing: the output is for programs.
    Nothing,
}

impl Detail {
    /// For text output.
    pub(crate) fn of_text(verbose: bool) -> Self {
        if verbose { Self::All } else { Self::Named }
    }
}

/// Prints events as lines.
#[derive(Debug)]
pub(crate) struct StatusLines {
    verbs: Verbs,
    detail: Detail,
    /// Ends the operation when nobody can be told about it.
    cancel: CancellationToken,
    /// The first line that could not be printed; the rest is not tried.
    failed: Mutex<Option<Error>>,
}

impl StatusLines {
    /// Cancels `cancel` when a line cannot be printed.
    pub(crate) fn new(verbs: Verbs, detail: Detail, cancel: &CancellationToken) -> Self {
        Self {
            verbs,
            detail,
            cancel: cancel.clone(),
            failed: Mutex::new(None),
        }
    }

    /// # Errors
    /// If a line could not be printed.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let failed = self.failed.lock().ok().and_then(|mut failed| failed.take());
        failed.map_or(Ok(()), Err)
    }

    /// Prints a line, unless an earlier one failed.
    pub(crate) fn print(&self, text: &str) {
        let Ok(mut failed) = self.failed.lock() else {
            return;
        };
        if failed.is_none() {
            *failed = output::line(text).err();
            if failed.is_some() {
                self.cancel.cancel();
            }
        }
    }

    fn content(&self, verb: &str, descriptor: &Descriptor) {
        let shown = match self.detail {
            Detail::All => true,
            Detail::Named => descriptor.title().is_some(),
            Detail::Nothing => false,
        };
        if shown && !verb.is_empty() {
            self.print(&line(verb, descriptor));
        }
    }
}

/// `<verb> <short digest> <name>`
pub(crate) fn line(verb: &str, descriptor: &Descriptor) -> String {
    let name = descriptor.title().unwrap_or(&descriptor.media_type);
    format!("{verb} {} {name}", descriptor.digest.short())
}

impl EventSink for StatusLines {
    fn on_event(&self, event: &Event<'_>) {
        let verbs = &self.verbs;
        match event {
            Event::Started(descriptor) => self.content(verbs.started, descriptor),
            Event::Finished(descriptor) => self.content(verbs.finished, descriptor),
            Event::Exists(descriptor) => self.content(verbs.exists, descriptor),
            Event::Twin(descriptor) => self.content(verbs.twin, descriptor),
            Event::Processing(descriptor) => self.content(verbs.processing, descriptor),
            Event::Skipped(descriptor) => self.content(verbs.skipped, descriptor),
            Event::Restored(descriptor) => self.content(verbs.restored, descriptor),
            Event::Mounted(descriptor) => self.content(verbs.mounted, descriptor),
            Event::Tagged(tag) if self.detail != Detail::Nothing => {
                self.print(&format!("Tagged {tag}"));
            }
            Event::Warning(text) => output::tell(&crate::trace::entry("WARNING", text, &[])),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_content_by_title_or_else_by_type() {
        let mut descriptor = Descriptor::of_bytes("text/plain", b"foo");
        assert_eq!(
            line("Uploaded ", &descriptor),
            "Uploaded  2c26b46b68ff text/plain"
        );
        descriptor
            .annotations
            .insert(oras::spec::annotation::TITLE.into(), String::new());
        assert_eq!(
            line("Skipped    ", &descriptor),
            "Skipped     2c26b46b68ff "
        );
    }
}

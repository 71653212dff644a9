//! Status lines: one per thing that happens to one content.

use std::sync::{Arc, Mutex};

use oras::content::{ByteStream, Event, EventSink, Payload, counted};
use oras::spec::Descriptor;
use tokio_util::sync::CancellationToken;

use crate::display::progress::Progress;
use crate::error::Error;
use crate::output;

/// The words of one command, padded to its column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Verbs {
    pub(super) started: &'static str,
    pub(super) finished: &'static str,
    /// `finished` in live lines.
    pub(super) complete: &'static str,
    pub(super) exists: &'static str,
    pub(super) twin: &'static str,
    pub(super) processing: &'static str,
    pub(super) skipped: &'static str,
    pub(super) restored: &'static str,
    pub(super) mounted: &'static str,
}

impl Verbs {
    /// `push`, `attach`, `blob push`, `manifest push`
    pub(crate) const UPLOAD: Self = Self {
        started: "Uploading",
        finished: "Uploaded ",
        complete: "Uploaded ",
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
        complete: "Pulled     ",
        exists: "",
        twin: "",
        processing: "Processing ",
        skipped: "Skipped    ",
        restored: "Restored   ",
        mounted: "",
    };

    /// `blob fetch`
    pub(crate) const FETCH: Self = Self {
        complete: "Downloaded ",
        ..Self::DOWNLOAD
    };

    /// `cp`
    pub(crate) const COPY: Self = Self {
        started: "Copying",
        finished: "Copied ",
        complete: "Copied ",
        exists: "Exists ",
        twin: "Skipped",
        processing: "",
        skipped: "Skipped",
        restored: "",
        mounted: "Mounted",
    };

    /// `backup`
    pub(crate) const BACKUP: Self = Self {
        started: "Pulling  ",
        finished: "Pulled   ",
        complete: "Pulled   ",
        exists: "Exists   ",
        twin: "Skipped  ",
        processing: "",
        skipped: "Skipped  ",
        restored: "",
        mounted: "",
    };

    /// `restore`
    pub(crate) const RESTORE: Self = Self {
        started: "Pushing  ",
        finished: "Pushed   ",
        complete: "Pushed   ",
        exists: "Exists   ",
        twin: "Skipped  ",
        processing: "",
        skipped: "Skipped  ",
        restored: "",
        mounted: "",
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

/// Shows events: as lines, or live in a terminal. `Session::status` makes it.
#[derive(Debug)]
pub(crate) struct StatusLines {
    verbs: Verbs,
    detail: Detail,
    /// Ends the operation when nobody can be told about it.
    cancel: CancellationToken,
    /// The first line that could not be printed; the rest is not tried.
    failed: Mutex<Option<Error>>,
    /// What is told while content moves.
    progress: Option<Arc<Progress>>,
}

impl StatusLines {
    /// Cancels `cancel` when a line cannot be printed.
    pub(crate) fn new(verbs: Verbs, detail: Detail, cancel: &CancellationToken) -> Self {
        Self {
            verbs,
            detail,
            cancel: cancel.clone(),
            failed: Mutex::new(None),
            progress: None,
        }
    }

    /// Tells what is on its way, too, or instead if that is live.
    pub(crate) fn with_progress(mut self, progress: Arc<Progress>) -> Self {
        self.progress = Some(progress);
        self
    }

    /// The payload of a content whose progress is shown.
    pub(crate) fn watch(self: &Arc<Self>, content: &Descriptor, payload: Payload) -> Payload {
        payload.counted(content.size, self.meter(content))
    }

    /// A stream of a content whose progress is shown.
    pub(crate) fn watch_stream(
        self: &Arc<Self>,
        content: &Descriptor,
        stream: ByteStream,
    ) -> ByteStream {
        counted(stream, 0, content.size, self.meter(content))
    }

    fn meter(self: &Arc<Self>, content: &Descriptor) -> Arc<dyn Fn(u64) + Send + Sync> {
        let (lines, descriptor) = (Arc::clone(self), content.clone());
        Arc::new(move |bytes| {
            let descriptor = &descriptor;
            lines.on_event(&Event::Progress { descriptor, bytes });
        })
    }

    /// The work is over, well or not: nothing is live after this.
    ///
    /// # Errors
    /// If a line could not be printed.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if let Some(progress) = &self.progress {
            progress.end();
        }
        let failed = self.failed.lock().ok().and_then(|mut failed| failed.take());
        failed.map_or(Ok(()), Err)
    }

    /// Prints a line, unless an earlier one failed.
    pub(crate) fn print(&self, text: &str) {
        let Ok(mut failed) = self.failed.lock() else {
            return;
        };
        if failed.is_none() {
            *failed = self.aside(|| output::line(text)).err();
            if failed.is_some() {
                self.cancel.cancel();
            }
        }
    }

    /// Prints something else than progress.
    fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.progress {
            Some(progress) => progress.aside(print),
            None => print(),
        }
    }

    fn content(&self, verb: &str, descriptor: &Descriptor) {
        let shown = match self.detail {
            Detail::All => true,
            Detail::Named => descriptor.title().is_some(),
            Detail::Nothing => false,
        };
        let live = self.progress.as_ref().is_some_and(|live| live.is_live());
        if shown && !live && !verb.is_empty() {
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
        if let Some(progress) = &self.progress {
            progress.on_event(event);
        }
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
            Event::Warning(text) => {
                let entry = crate::trace::entry("WARNING", text, &[]);
                self.aside(|| output::tell(&entry));
            }
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

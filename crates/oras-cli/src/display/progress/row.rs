//! What is on its way: one row per content, in order of appearance.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use oras::content::Event;
use oras::spec::Descriptor;

use crate::display::status::Verbs;

/// Samples that a speed is the mean of.
const SAMPLES: usize = 5;

/// One content.
#[derive(Debug)]
pub(super) struct Row {
    /// What is done to it, padded to the column of the command.
    pub(super) verb: &'static str,
    /// Title, or else media type; safe to print.
    pub(super) name: String,
    pub(super) total: u64,
    pub(super) stage: Stage,
    content: Descriptor,
    began: Instant,
    samples: VecDeque<(Instant, u64)>,
}

/// How far a content is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// No byte was moved so far.
    Waiting,
    /// So many bytes were.
    Moving(u64),
    Done(Duration),
    Failed(u64),
}

impl Row {
    fn new(verb: &'static str, content: &Descriptor, stage: Stage, now: Instant) -> Self {
        let title = content.title().filter(|title| !title.is_empty());
        Self {
            verb,
            name: printable(title.unwrap_or(&content.media_type)),
            total: content.size,
            stage,
            content: content.plain(),
            began: now,
            samples: VecDeque::with_capacity(SAMPLES + 1),
        }
    }

    pub(super) fn digest(&self) -> &str {
        self.content.digest.as_str()
    }

    /// Bytes moved so far.
    pub(super) fn bytes(&self) -> u64 {
        match self.stage {
            Stage::Waiting => 0,
            Stage::Moving(bytes) | Stage::Failed(bytes) => bytes,
            Stage::Done(_) => self.total,
        }
    }

    pub(super) fn elapsed(&self, now: Instant) -> Duration {
        match self.stage {
            Stage::Done(took) => took,
            Stage::Waiting => Duration::ZERO,
            _ => now.saturating_duration_since(self.began),
        }
    }

    /// Bytes per second, over the last samples.
    pub(super) fn speed(&self) -> u64 {
        let (Some((start, first)), Some((end, last))) = (self.samples.front(), self.samples.back())
        else {
            return 0;
        };
        let millis = end.saturating_duration_since(*start).as_millis();
        let bytes = u128::from(last.saturating_sub(*first)) * 1000;
        u64::try_from(bytes.checked_div(millis).unwrap_or(0)).unwrap_or(u64::MAX)
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Waiting | Stage::Moving(_))
    }

    fn sample(&mut self, now: Instant) {
        if self.is_open() {
            self.samples.push_back((now, self.bytes()));
            if self.samples.len() > SAMPLES + 1 {
                self.samples.pop_front();
            }
        }
    }
}

/// The rows that may still change or be shown.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) rows: Vec<Row>,
    /// When something was done the last time, or else when all began.
    pub(super) settled: Instant,
    verbs: Verbs,
}

impl Rows {
    pub(super) fn new(verbs: Verbs, now: Instant) -> Self {
        Self {
            rows: Vec::new(),
            settled: now,
            verbs,
        }
    }

    /// Takes one event.
    pub(super) fn take(&mut self, event: &Event<'_>, now: Instant) {
        let verbs = self.verbs;
        match event {
            Event::Started(content) => {
                let row = Row::new(verbs.started, content, Stage::Waiting, now);
                self.rows.push(row);
            }
            Event::Progress { descriptor, bytes } => {
                if let Some(row) = self.open(descriptor) {
                    if row.stage == Stage::Waiting {
                        row.began = now;
                    }
                    row.stage = Stage::Moving(*bytes);
                }
            }
            Event::Processing(manifest) => {
                if let Some(row) = self.open(manifest) {
                    row.stage = Stage::Moving(row.total);
                }
            }
            Event::Finished(content) => self.done(verbs.complete, content, now),
            Event::Exists(content) => self.done(verbs.exists, content, now),
            Event::Mounted(content) => self.done(verbs.mounted, content, now),
            Event::Skipped(content) | Event::Twin(content) => {
                self.instant(verbs.skipped, content, now);
            }
            Event::Restored(content) => self.instant(verbs.restored, content, now),
            _ => {}
        }
    }

    fn done(&mut self, verb: &'static str, content: &Descriptor, now: Instant) {
        let Some(row) = self.open(content) else {
            return self.instant(verb, content, now);
        };
        row.verb = verb;
        row.stage = Stage::Done(row.elapsed(now));
        self.settled = now;
    }

    /// A row for what needed no transfer, unless the command has no word for it.
    fn instant(&mut self, verb: &'static str, content: &Descriptor, now: Instant) {
        if !verb.is_empty() {
            let row = Row::new(verb, content, Stage::Done(Duration::ZERO), now);
            self.rows.push(row);
            self.settled = now;
        }
    }

    /// The row of a content that is on its way; most likely one of the last.
    fn open(&mut self, content: &Descriptor) -> Option<&mut Row> {
        let mut open = self.rows.iter_mut().rev().filter(|row| row.is_open());
        open.find(|row| row.content.same_content(content))
    }

    /// Looks at how far each row is.
    pub(super) fn sample(&mut self, now: Instant) {
        self.rows.iter_mut().for_each(|row| row.sample(now));
    }

    /// Takes out what is done: all in front, and more until at most `capacity` rows are left.
    pub(super) fn settle(&mut self, capacity: usize) -> Vec<Row> {
        let mut excess = self.rows.len().saturating_sub(capacity);
        let mut in_front = true;
        let settled = self.rows.extract_if(.., |row| {
            in_front &= !row.is_open();
            let leaves = !row.is_open() && (in_front || excess > 0);
            excess -= usize::from(leaves && excess > 0);
            leaves
        });
        settled.collect()
    }

    /// What is not done never will be.
    pub(super) fn fail(&mut self) {
        for row in self.rows.iter_mut().filter(|row| row.is_open()) {
            row.stage = Stage::Failed(row.bytes());
        }
    }
}

/// A name of somebody's choosing must not drive the terminal.
fn printable(name: &str) -> String {
    let tame = |c: char| match c {
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '?',
        c if c.is_control() => '?',
        c => c,
    };
    name.chars().map(tame).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(name: &str) -> Descriptor {
        Descriptor::of_bytes("text/plain", name.as_bytes())
    }

    fn names(rows: &[Row]) -> String {
        let word = |row: &Row| format!("{} {}", row.verb.trim_end(), row.total);
        rows.iter().map(word).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn what_is_done_leaves_from_the_front_and_when_there_is_no_room() {
        let now = Instant::now();
        let mut rows = Rows::new(Verbs::UPLOAD, now);
        let contents = ["a", "bb", "ccc", "dddd"].map(content);
        for content in &contents {
            rows.take(&Event::Started(content), now);
        }
        rows.take(&Event::Finished(&contents[0]), now);
        rows.take(&Event::Finished(&contents[2]), now);
        assert_eq!(names(&rows.settle(10)), "Uploaded 1");
        assert_eq!(names(&rows.rows), "Uploading 2, Uploaded 3, Uploading 4");
        assert_eq!(names(&rows.settle(2)), "Uploaded 3");
        assert_eq!(names(&rows.settle(1)), "");
        rows.fail();
        assert!(rows.rows.iter().all(|row| row.stage == Stage::Failed(0)));
    }

    #[test]
    fn a_speed_is_the_mean_of_the_last_samples() {
        let start = Instant::now();
        let mut rows = Rows::new(Verbs::UPLOAD, start);
        let content = content(&"x".repeat(10_000));
        rows.take(&Event::Started(&content), start);
        for step in 0..9u32 {
            let now = start + Duration::from_millis(200) * step;
            let bytes = u64::from(step) * 1000;
            let descriptor = &content;
            rows.take(&Event::Progress { descriptor, bytes }, now);
            rows.sample(now);
        }
        assert_eq!(rows.rows[0].speed(), 5000);
        let descriptor = &content;
        rows.take(
            &Event::Progress {
                descriptor,
                bytes: 0,
            },
            start,
        );
        rows.sample(start + Duration::from_secs(2));
        assert_eq!(rows.rows[0].speed(), 0, "it began again");
    }

    #[test]
    fn names_cannot_drive_the_terminal() {
        assert_eq!(printable("a\u{1b}[2J\nb\u{202e}c\u{9b}é"), "a?[2J?b?c?é");
    }
}

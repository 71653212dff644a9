//! A sign of life for logs, when nothing was done for a while.

use std::time::{Duration, Instant};

use super::row::{Row, Rows};
use crate::display::units::{percent, share, size};

/// How long it may be silent.
const SILENCE: Duration = Duration::from_secs(10);

/// Says now and then what is on its way.
#[derive(Debug, Default)]
pub(super) struct Heartbeat {
    last: Option<Instant>,
}

impl Heartbeat {
    /// The next line, if it is time for one.
    pub(super) fn beat(&mut self, rows: &Rows, now: Instant) -> Option<String> {
        let since = self
            .last
            .map_or(rows.settled, |last| last.max(rows.settled));
        if now.saturating_duration_since(since) < SILENCE {
            return None;
        }
        let open = || rows.rows.iter().filter(|row| row.is_open());
        let mut told: Vec<&Row> = open().filter(|row| row.bytes() < row.total).collect();
        if told.is_empty() {
            // All bytes are there, and the other side has not said so yet.
            told.extend(open());
        }
        let text = describe(&told)?;
        self.last = Some(now);
        Some(text)
    }
}

/// `Uploading big.bin and 2 more: 0.22/1.4 GB, 15.60%, 22 MB/s`
fn describe(open: &[&Row]) -> Option<String> {
    let (first, more) = open.split_first()?;
    let others = match more.len() {
        0 => String::new(),
        count => format!(" and {count} more"),
    };
    let done = open.iter().map(|row| row.bytes()).sum();
    let total = open.iter().map(|row| row.total).sum();
    let speed = open.iter().map(|row| row.speed()).sum();
    Some(format!(
        "{} {}{others}: {}, {:.2}%, {}/s",
        first.verb.trim_end(),
        first.name,
        share(Some(done), total),
        percent(done, total),
        size(speed)
    ))
}

#[cfg(test)]
mod tests {
    use oras::content::Event;
    use oras::spec::{Descriptor, annotation};

    use super::*;
    use crate::display::status::Verbs;

    fn content(name: &str, size: u64) -> Descriptor {
        let mut content = Descriptor::of_bytes("test/type", name.as_bytes());
        content.size = size;
        let title = annotation::TITLE.to_owned();
        content.annotations.insert(title, name.to_owned());
        content
    }

    #[test]
    fn it_speaks_after_ten_seconds_of_silence_and_then_every_ten() {
        let start = Instant::now();
        let (big, small) = (content("big.bin", 3 << 30), content("small.bin", 1 << 30));
        let mut rows = Rows::new(Verbs::UPLOAD, start);
        rows.take(&Event::Started(&big), start);
        rows.take(&Event::Started(&small), start);
        let mut heartbeat = Heartbeat::default();
        let mut told = Vec::new();
        for second in 1..=36u64 {
            let now = start + Duration::from_secs(second);
            let progress = Event::Progress {
                descriptor: &big,
                bytes: second * (10 << 20),
            };
            rows.take(&progress, now);
            rows.sample(now);
            if second == 25 {
                rows.take(&Event::Finished(&small), now);
            }
            if let Some(line) = heartbeat.beat(&rows, now) {
                told.push(format!("{second} {line}"));
            }
        }
        assert_eq!(
            told,
            [
                "10 Uploading big.bin and 1 more: 0.10/4 GB, 2.44%, 10 MB/s",
                "20 Uploading big.bin and 1 more: 0.20/4 GB, 4.88%, 10 MB/s",
                "35 Uploading big.bin: 0.34/3 GB, 11.39%, 10 MB/s",
            ]
        );
    }

    #[test]
    fn what_waits_for_others_is_told_of_when_there_is_nothing_else() {
        let start = Instant::now();
        let (manifest, big) = (content("manifest", 448), content("big.bin", 3 << 30));
        let mut rows = Rows::new(Verbs::DOWNLOAD, start);
        for content in [&manifest, &big] {
            rows.take(&Event::Started(content), start);
        }
        rows.take(&Event::Processing(&manifest), start);
        let beat = |rows: &Rows| Heartbeat::default().beat(rows, start + SILENCE);
        let expected = "Downloading big.bin: 0.00/3 GB, 0.00%, 0  B/s";
        assert_eq!(beat(&rows).as_deref(), Some(expected));
        rows.take(&Event::Finished(&big), start);
        let expected = "Downloading manifest: 448/448  B, 100.00%, 0  B/s";
        assert_eq!(beat(&rows).as_deref(), Some(expected));
    }

    #[test]
    fn it_is_silent_when_nothing_is_on_its_way() {
        let start = Instant::now();
        let rows = Rows::new(Verbs::UPLOAD, start);
        let later = start + Duration::from_secs(60);
        assert_eq!(Heartbeat::default().beat(&rows, later), None);
    }
}

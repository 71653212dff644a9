//! The last changes that servers made to an index, to make them again if a program that takes no lock overwrites them.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use oras_content::layout::Index;
use oras_spec::{Descriptor, Digest};
use serde::{Deserialize, Serialize};

use super::place::{OWN, blob_in};
use super::read::open_blocking;
use super::stat::Stat;
use super::store::own_temporary;
use crate::driver::{DriverError, Result};

/// How many changes are kept.
const KEPT: usize = 256;
/// How large the file may become before the oldest changes are taken out, in bytes.
const MOST_BYTES: u64 = 1024 * 1024;
/// How much of the file is ever read, in bytes: more than one change can make it longer.
const MOST_READ: u64 = 16 * 1024 * 1024;
/// How old a change may be that is made again although nobody can tell what it was overwritten with.
const RECENT: Duration = Duration::from_secs(60);

/// How old the last change may be to be missed by somebody who has never seen it.
const REMEMBERED: Duration = Duration::from_secs(60 * 60);
/// How much of the end of the file is searched for the last change, in bytes.
const LAST: u64 = 64 * 1024;

/// One step of a change of an index.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Step {
    /// Lists a manifest.
    Add(Descriptor),
    /// Gives a manifest a tag.
    Tag(Descriptor, String),
    /// Takes a tag away.
    Untag(String),
    /// Removes a manifest with its tags.
    Remove(Digest),
}

impl Step {
    pub(super) fn apply(&self, index: &mut Index) -> Result<()> {
        let done = match self {
            Self::Add(descriptor) => index.add(descriptor),
            Self::Tag(descriptor, tag) => index.tag(descriptor, tag),
            Self::Untag(tag) => index.untag(tag).map(|_| ()),
            Self::Remove(digest) => {
                index.remove(digest);
                Ok(())
            }
        };
        done.map_err(|error| DriverError::Damaged(error.to_string()))
    }

    /// Whether the content is still there.
    fn is_possible(&self, root: &Path) -> bool {
        match self {
            Self::Add(descriptor) | Self::Tag(descriptor, _) => {
                blob_in(root, &descriptor.digest).exists()
            }
            Self::Untag(_) | Self::Remove(_) => true,
        }
    }
}

/// The changes that were written at once.
#[derive(Serialize, Deserialize)]
pub(super) struct Written {
    pub(super) generation: u64,
    pub(super) at: Timestamp,
    pub(super) steps: Vec<Step>,
}

/// Adds a line. It is of use only while programs run beside each other: it need not survive a power cut.
pub(super) fn append(root: &Path, written: &Written) -> io::Result<()> {
    let path = path(root);
    if Stat::at(&path)?.is_none_or(|found| found.size > MOST_BYTES) {
        // Not there, too long, or no file at all, and writing to a pipe might wait for ever.
        let all = read(root, MOST_READ)?;
        let lines: Vec<&[u8]> = lines(&all).collect();
        let kept = &lines[lines.len().saturating_sub(KEPT)..];
        let shorter = own_temporary(root)?;
        fs::write(&shorter, kept.join(&b'\n'))?;
        fs::rename(shorter, &path)?;
    }
    // The end of the line before: that one may have been cut off by the death of its writer.
    let mut line = vec![b'\n'];
    serde_json::to_writer(&mut line, written)?;
    let mut file = OpenOptions::new().append(true).open(path)?;
    file.write_all(&line)
}

/// The changes made since `generation`; without one, those of the last minute.
pub(super) fn since(root: &Path, generation: Option<u64>) -> io::Result<Vec<Written>> {
    let all = read(root, MOST_READ)?;
    // A line that was cut off was never acknowledged.
    let written = lines(&all).filter_map(|line| serde_json::from_slice::<Written>(line).ok());
    let now = Timestamp::now();
    let missing = |written: &Written| match generation {
        Some(generation) => written.generation > generation,
        None => now.duration_since(written.at) < RECENT.try_into().unwrap_or_default(),
    };
    Ok(written.filter(missing).collect())
}

/// The number of the last change, if it was made lately. Older than that, a file that does not have it was put there on
/// purpose.
pub(super) fn latest(root: &Path) -> Option<u64> {
    // A long line does not end where the search begins.
    let written = [LAST, MOST_READ].into_iter().find_map(|most| {
        let end = read(root, most).ok()?;
        let mut lines = end.rsplit(|byte| *byte == b'\n');
        lines.find_map(|line| serde_json::from_slice::<Written>(line).ok())
    })?;
    let age = Timestamp::now().duration_since(written.at);
    (age < REMEMBERED.try_into().unwrap_or_default()).then_some(written.generation)
}

/// The last bytes of the journal, at most `most`; none if it is no regular file.
fn read(root: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut end = Vec::new();
    if let Some(mut found) = open_blocking(&path(root))? {
        let start = found.stat.size.saturating_sub(most);
        found.file.seek(SeekFrom::Start(start))?;
        found.file.take(most).read_to_end(&mut end)?;
    }
    Ok(end)
}

fn lines(journal: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = journal.split(|byte| *byte == b'\n');
    lines.filter(|line| !line.is_empty())
}

/// Makes changes again that are still possible.
pub(super) fn replay(root: &Path, index: &mut Index, missing: &[Written]) -> Result<()> {
    let steps = missing.iter().flat_map(|written| &written.steps);
    for step in steps.filter(|step| step.is_possible(root)) {
        step.apply(index)?;
    }
    Ok(())
}

/// Where the journal of the repository in `root` is.
pub(super) fn path(root: &Path) -> PathBuf {
    root.join(OWN).join("journal")
}

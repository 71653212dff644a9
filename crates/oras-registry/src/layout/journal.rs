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
use super::store::own_temporary;
use crate::driver::{DriverError, Result};

/// How many changes are kept.
const KEPT: usize = 256;
/// How large the file may become before the oldest changes are taken out, in bytes.
const MOST_BYTES: u64 = 1024 * 1024;
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
    if fs::metadata(&path).is_ok_and(|metadata| metadata.len() > MOST_BYTES) {
        let text = fs::read_to_string(&path).unwrap_or_default();
        let skipped = text.lines().count().saturating_sub(KEPT);
        let kept: Vec<&str> = text.lines().skip(skipped).collect();
        let shorter = own_temporary(root)?;
        fs::write(&shorter, kept.join("\n") + "\n")?;
        fs::rename(shorter, &path)?;
    }
    let mut line = serde_json::to_vec(written)?;
    line.push(b'\n');
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(&line)
}

/// The changes made since `generation`; without one, those of the last minute.
pub(super) fn since(root: &Path, generation: Option<u64>) -> io::Result<Vec<Written>> {
    let text = match fs::read_to_string(path(root)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read?,
    };
    let lines = text.lines();
    // A line that was cut off by the death of its writer was never acknowledged.
    let written = lines.filter_map(|line| serde_json::from_str::<Written>(line).ok());
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
    let mut file = fs::File::open(path(root)).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LAST)))
        .ok()?;
    let mut tail = Vec::new();
    file.take(LAST).read_to_end(&mut tail).ok()?;
    let mut lines = tail.rsplit(|byte| *byte == b'\n');
    let written = lines.find_map(|line| serde_json::from_slice::<Written>(line).ok())?;
    let age = Timestamp::now().duration_since(written.at);
    (age < REMEMBERED.try_into().unwrap_or_default()).then_some(written.generation)
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

//! Content that is asked for again and again, in memory.
//!
//! Only what is asked for a second time gets in, so that whoever reads a whole registry once changes nothing here.

use std::path::Path;

use bytes::Bytes;
use oras_spec::Digest;

use super::cache::Cache;
use super::read::{Found, read_cached};
use super::stat::Stat;

/// How much memory is spent, in bytes.
const BUDGET: usize = 16 * 1024 * 1024;
/// The largest content that is held, in bytes.
const LARGEST: u64 = 1024 * 1024;
/// What it costs about to know that something was asked for.
const NOTE: usize = 256;

#[derive(Clone)]
enum Known {
    /// It was asked for once.
    Asked,
    Content(Stat, Bytes),
}

/// What is held.
pub(super) struct Hot(Cache<Digest, Known>);

impl Default for Hot {
    fn default() -> Self {
        Self(Cache::new(BUDGET))
    }
}

impl Hot {
    /// The content of the file at `path`, if it is held and still what the file has. Costs one look at the file.
    pub(super) fn get(&self, digest: &Digest, path: &Path) -> Option<Bytes> {
        let Some(Known::Content(stat, bytes)) = self.0.get(digest) else {
            return None;
        };
        let now = Stat::at(path).ok()??;
        (now == stat).then_some(bytes)
    }

    /// Takes note that a file was asked for. Its content, if it is held from now on.
    pub(super) fn asked(&self, digest: &Digest, found: &Found) -> Option<Bytes> {
        if found.stat.size > LARGEST {
            return None;
        }
        if self.0.get(digest).is_none() {
            self.0.insert(digest.clone(), Known::Asked, NOTE);
            return None;
        }
        let bytes = read_cached(found)?;
        let content = Known::Content(found.stat, bytes.clone());
        self.0.insert(digest.clone(), content, NOTE + bytes.len());
        Some(bytes)
    }
}

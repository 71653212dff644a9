//! Which repositories there are, and what refers to what.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::ops::Bound;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use oras_content::layout::Index;
use oras_spec::Digest;
use oras_spec::layout::{INDEX_FILE, OCI_LAYOUT_FILE};

use super::place::Places;
use super::{LayoutDriver, Shared, failed};
use crate::driver::{Entry, Listings, Result};

/// The longest name of a repository, in bytes.
const LONGEST: usize = 255;
/// An index beyond this size lists something, in bytes.
const SURELY_LISTS: u64 = 1024;
/// The share of time that is spent on looking for repositories is at most one in so many.
const SHARE: u32 = 10;

/// The names of the repositories, and whether they have manifests.
type Found = BTreeMap<String, bool>;

/// The names that were found when somebody asked for them last.
#[derive(Default)]
pub(super) struct Names(Mutex<Option<Walk>>);

struct Walk {
    ended: Instant,
    took: Duration,
    found: Arc<Found>,
}

impl Names {
    fn lock(&self) -> MutexGuard<'_, Option<Walk>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note that other names are there now.
    pub(super) fn forget(&self) {
        *self.lock() = None;
    }
}

impl Shared {
    /// All repositories. Other programs make some, too: so they are looked for again and again, but not all the time.
    /// Blocks.
    pub(super) fn all_names(&self) -> Result<Arc<Found>> {
        // Held while looking: who comes meanwhile needs the same.
        let mut names = self.names.lock();
        if let Some(walk) = &*names
            && walk.ended.elapsed() < walk.took * SHARE
        {
            return Ok(Arc::clone(&walk.found));
        }
        let started = Instant::now();
        let mut found = Found::new();
        walk(self.places.root(), "", &mut found).map_err(failed("looking for repositories"))?;
        let found = Arc::new(found);
        *names = Some(Walk {
            ended: Instant::now(),
            took: started.elapsed(),
            found: Arc::clone(&found),
        });
        Ok(found)
    }
}

/// Finds the repositories in `folder` and below, whose names begin with `prefix`. Symbolic links are not followed.
fn walk(folder: &Path, prefix: &str, found: &mut Found) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        // Removed in the meantime.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let file_name = entry.file_name();
        let Some(file_name) = file_name.to_str() else {
            continue;
        };
        if file_name == OCI_LAYOUT_FILE && !prefix.is_empty() {
            found.insert(prefix.to_owned(), lists_something(folder));
            continue;
        }
        let Some(component) = Places::component(file_name) else {
            continue;
        };
        if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        let name = match prefix {
            "" => component.to_owned(),
            _ => format!("{prefix}/{component}"),
        };
        if name.len() <= LONGEST && oras_spec::validate_repository(&name).is_ok() {
            walk(&entry.path(), &name, found)?;
        }
    }
    Ok(())
}

fn lists_something(root: &Path) -> bool {
    let path = root.join(INDEX_FILE);
    match fs::metadata(&path) {
        // Reading a pipe or a device might never end.
        Ok(metadata) if !metadata.is_file() => false,
        Ok(metadata) if metadata.len() > SURELY_LISTS => true,
        Ok(_) => {
            let index = fs::read(path).ok().map(|bytes| Index::parse(&bytes));
            index.is_some_and(|index| index.is_ok_and(|index| !index.is_empty()))
        }
        Err(_) => false,
    }
}

#[async_trait]
impl Listings for LayoutDriver {
    async fn referrers(
        &self,
        repository: &str,
        subject: &Digest,
        artifact_type: Option<&str>,
        after: Option<&Digest>,
        limit: usize,
    ) -> Result<Vec<Entry>> {
        let repository = self.shared.repository(repository);
        let Some(view) = self.view(&repository).await? else {
            return Ok(Vec::new());
        };
        let (subject, after) = (subject.clone(), after.cloned());
        let artifact_type = artifact_type.map(str::to_owned);
        self.blocking(move |shared| {
            let root = &repository.root;
            let digests = view.referrers(shared, root, &subject);
            let start = after.map_or(Bound::Unbounded, Bound::Excluded);
            let entries = digests
                .range((start, Bound::Unbounded))
                .filter_map(|digest| {
                    let descriptor = view.find(shared, root, digest)?;
                    let facts = shared.facts(root, &descriptor)?;
                    Some(facts.entry(&descriptor))
                })
                .filter(|entry| {
                    let own = entry.artifact_type.as_deref().unwrap_or_default();
                    artifact_type.as_deref().is_none_or(|wanted| wanted == own)
                });
            Ok(entries.take(limit).collect())
        })
        .await
    }

    async fn repositories(&self, after: Option<&str>, limit: usize) -> Result<Vec<String>> {
        let after = after.map(str::to_owned);
        self.blocking(move |shared| {
            let found = shared.all_names()?;
            let start = after.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
            let names = found
                .range::<str, _>((start, Bound::Unbounded))
                .filter(|(_, has_manifests)| **has_manifests)
                .map(|(name, _)| name.clone());
            Ok(names.take(limit).collect())
        })
        .await
    }

    async fn has_repository(&self, repository: &str) -> Result<bool> {
        let view = self.view(&self.shared.repository(repository)).await?;
        Ok(view.is_some())
    }
}

//! A driver that keeps each repository as a standard OCI image layout in a folder.
//!
//! ```text
//! <root>/
//!   .oras/                          the registry's own; no repository can be called that
//!     blobs/<algorithm>/<2>/<hex>   every content once, read-only
//!     uploads/<repository>/<id>     what is still arriving
//!     trash/, quarantine/           what is being removed; what a check has found to be damaged
//!     version, state                the format of all this; what tells that the machine has crashed
//!     token.key                     what signs tokens, if users are known
//!   team/app/                       a repository: an image layout (image-spec, image-layout.md)
//!     oci-layout
//!     index.json                    tags, manifests without tag, and what each refers to
//!     blobs/<algorithm>/<hex>       links to the content above
//!     .oras/journal                 the last changes of the index
//! ```
//!
//! Nothing else is truth: whatever is held in memory can be read again from these files. Other programs can read a
//! repository at any time and write to it, too. Those that take the lock of [`LayoutLock`](oras_content::layout::LayoutLock)
//! wait for each other; a change that one without a lock has overwritten is made again from the journal.
//!
//! # What survives
//! An acknowledged manifest and everything it refers to survive a power cut: they are made durable together, when the
//! manifest is committed. A blob alone survives the death of the process. [`Durability`] moves this line.
//!
//! # What goes
//! [`LayoutDriver::collect`] removes what nothing refers to, [`LayoutDriver::check`] finds what is damaged. Both run
//! beside everything else, and a server collects from time to time.

mod append;
mod blob;
mod cache;
mod catalog;
mod change;
mod check;
mod collect;
mod commit;
mod damage;
mod durable;
mod foreign;
mod hot;
mod journal;
mod lane;
mod manifest;
mod place;
mod read;
mod recovery;
mod repository;
mod stat;
mod store;
mod upload;
mod view;
mod walk;

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use oras_spec::{Digest, Hasher};
use tokio::sync::Semaphore;

pub use self::check::{CheckOptions, CheckReport, Damage, Problem};
pub use self::collect::{CollectOptions, CollectReport, Referrers, RepositoryReport, Untagged};

use self::cache::Cache;
use self::catalog::Names;
use self::durable::Synced;
use self::foreign::Facts;
use self::hot::Hot;
use self::place::Places;
use self::read::Buffers;
use self::recovery::Recovery;
use self::repository::Repository;
use crate::driver::{DriverError, Result};

pub(crate) use self::place::OWN;

/// How many repositories are held ready. Each costs an open file.
const REPOSITORIES: usize = 256;
/// How much memory is spent on manifests, in bytes.
const MANIFEST_BYTES: usize = 16 * 1024 * 1024;
/// How much memory is spent on what listings say about manifests, in bytes.
const FACTS_BYTES: usize = 8 * 1024 * 1024;
/// A large read of a file, in bytes: more does not stay in the cache of a core until it is sent.
const READ_BYTES: usize = 256 * 1024;
/// How many large reads there are at once.
const READS: usize = 32;
/// How many large manifests are read at once.
const LARGE_READS: usize = 4;
/// What is gathered of an upload before it is hashed and written, in bytes: of less a disk does not get as much at once as
/// it could.
const UPLOAD_BYTES: usize = 2 * 1024 * 1024;
/// How many such pieces there are at once, of all uploads.
const UPLOADS: usize = 12;

/// When content is made durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// Never: a power cut can lose what was acknowledged. For tests.
    None,
    /// When a manifest is committed: with everything it refers to.
    #[default]
    Manifest,
    /// Each blob when it is committed, too.
    Blob,
}

/// How a [`LayoutDriver`] works.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LayoutOptions {
    /// When content is made durable: with its manifest unless told.
    pub durability: Durability,
    /// How long content that nothing refers to is kept for somebody who is about to refer to it: an hour unless told.
    pub grace: Duration,
    /// Whether nothing in the folder is ever changed, not even what the driver needs for itself: false unless told.
    pub read_only: bool,
    /// How a registry that serves the folder collects from time to time.
    pub collect: CollectOptions,
}

impl Default for LayoutOptions {
    fn default() -> Self {
        Self {
            durability: Durability::Manifest,
            grace: Duration::from_secs(60 * 60),
            read_only: false,
            collect: CollectOptions::default(),
        }
    }
}

/// Keeps each repository as an image layout in a folder. Cheap to clone.
///
/// Any number of drivers, in this and in other processes, can work on one folder at once.
#[derive(Clone)]
pub struct LayoutDriver {
    shared: Arc<Shared>,
}

/// What the clones of a driver share.
struct Shared {
    places: Places,
    options: LayoutOptions,
    repositories: Cache<String, Arc<Repository>>,
    manifests: Cache<Digest, Bytes>,
    facts: Cache<Digest, Arc<Facts>>,
    synced: Synced,
    names: Names,
    hot: Hot,
    reading: Arc<Buffers>,
    /// The right to read a large manifest.
    large: Semaphore,
    uploading: Arc<Buffers>,
    recovery: Recovery,
    /// How far the bytes of uploads were hashed, by the id of the session.
    hashed: Mutex<HashMap<String, Hashed>>,
}

/// The hash of the first bytes of an upload.
struct Hashed {
    offset: u64,
    hasher: Hasher,
}

impl LayoutDriver {
    /// Opens the folder `root`, which is created if it is not there. Nothing in it is read before it is asked for. Blocks
    /// for the time of a few system calls.
    ///
    /// # Errors
    /// [`DriverError::Io`] if it is not a folder, if it is an image layout or the storage of another registry, or if it
    /// can't be written to.
    pub fn open(root: impl AsRef<Path>, options: LayoutOptions) -> Result<Self> {
        let root = std::path::absolute(root).map_err(failed("opening the folder"))?;
        let places = Places::new(root);
        places
            .recognize()
            .map_err(failed("recognizing the folder"))?;
        if options.read_only {
            std::fs::read_dir(places.root()).map_err(failed("opening the folder"))?;
        } else {
            places.prepare().map_err(failed("preparing the folder"))?;
        }
        let recovery = Recovery::begin(&places, &options).map_err(failed("opening the folder"))?;
        Ok(Self {
            shared: Arc::new(Shared {
                places,
                options,
                repositories: Cache::new(REPOSITORIES),
                manifests: Cache::new(MANIFEST_BYTES),
                facts: Cache::new(FACTS_BYTES),
                synced: Synced::default(),
                names: Names::default(),
                hot: Hot::default(),
                large: Semaphore::new(LARGE_READS),
                reading: Arc::new(Buffers::new(READ_BYTES, READS)),
                uploading: Arc::new(Buffers::new(UPLOAD_BYTES, UPLOADS)),
                recovery,
                hashed: Mutex::default(),
            }),
        })
    }

    /// Runs `work` on what the clones share, on a thread that may block.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shared) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let shared = Arc::clone(&self.shared);
        blocking(move || work(&shared)).await
    }
}

impl Shared {
    /// Fails where nothing may be changed.
    fn may_change(&self, operation: &'static str) -> Result<()> {
        match self.options.read_only {
            true => Err(failed(operation)(io::ErrorKind::ReadOnlyFilesystem.into())),
            false => Ok(()),
        }
    }

    fn hashed(&self) -> MutexGuard<'_, HashMap<String, Hashed>> {
        self.hashed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The repository `name`, whether there is one or not.
    fn repository(&self, name: &str) -> Arc<Repository> {
        if let Some(repository) = self.repositories.get(name) {
            return repository;
        }
        let repository = Arc::new(Repository::new(self.places.repository(name)));
        self.repositories
            .insert(name.to_owned(), Arc::clone(&repository), 1);
        repository
    }
}

/// Stops work in the background when nobody waits for it any more.
#[derive(Default)]
struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs `work`, which waits for the disk or for a lock, where it holds nobody up.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(failed) => match failed.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(DriverError::Io {
                operation: "working while the runtime shuts down",
                source: io::ErrorKind::Interrupted.into(),
            }),
        },
    }
}

/// Turns what the system says into an error of `operation`.
fn failed(operation: &'static str) -> impl Fn(io::Error) -> DriverError {
    move |source| match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => DriverError::Full,
        _ => DriverError::Io { operation, source },
    }
}

/// Whether what is looked for is simply not there.
fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

//! A store over a working folder: named content is files and folders, the rest stays in memory.

mod add;
mod draft;
mod feed;
mod folder;
mod name;
mod options;
mod push;
mod restore;
mod stored;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use oras_spec::{Descriptor, Digest};

use crate::ability::{
    Fetch, FetchExt, MAX_MANIFEST_BYTES, Predecessors, Referrers, Resolve, Source, Tag, Target,
};
use crate::content::{ByteStream, Content};
use crate::error::{Error, ErrorKind, Result};
use crate::graph;
use crate::lexical::clean;
use crate::memory::{MemoryStore, missing, require_reference, unknown};
use crate::payload::io_error;
use crate::sync::lock;

use name::Names;
pub use options::{Duplicates, Existing, FileOptions, Folders, Traversal, Unnamed};
use stored::Stored;

/// Content with a title is a file (or an unpacked folder) under the working folder; content without one, such as
/// manifests, stays in memory, at most 4 MiB each (library semantics 5.2). Clones share one store.
///
/// Nothing is visible under its final name before size and digest are right: files are written beside their target
/// and renamed, folders unpacked beside theirs and moved. What fails or is cancelled leaves nothing behind.
///
/// The store knows what was added and pushed through it and nothing else: files that were there before are not its
/// content, and a new store over the same folder is empty.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use oras_content::file::{FileOptions, FileStore};
///
/// let folder = tempfile::tempdir()?;
/// std::fs::write(folder.path().join("hello.txt"), "hello")?;
/// let store = FileStore::new(folder.path(), FileOptions::default())?;
/// let layer = store.add("hello.txt", None, "".as_ref()).await?;
/// assert_eq!(layer.size, 5);
/// assert_eq!(layer.title(), Some("hello.txt"));
/// # Ok(()) })}
/// ```
#[derive(Clone)]
pub struct FileStore(Arc<Inner>);

struct Inner {
    /// Absolute and cleaned.
    root: PathBuf,
    options: FileOptions,
    names: Arc<Names>,
    contents: Mutex<HashMap<Digest, Stored>>,
    /// Content without a name.
    unnamed: MemoryStore,
    tags: Mutex<BTreeMap<String, Descriptor>>,
    on_restored: Mutex<Option<OnRestored>>,
}

type OnRestored = Arc<dyn Fn(&Descriptor) + Send + Sync>;

impl FileStore {
    /// A store over the folder `root`, which is made when the first file is written.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if `root` is relative and the current folder is gone.
    pub fn new(root: impl AsRef<Path>, options: FileOptions) -> Result<Self> {
        let given = root.as_ref();
        // An empty path is the current folder.
        let absolute = match given.as_os_str().is_empty() {
            true => std::path::absolute("."),
            false => std::path::absolute(given),
        };
        let root = clean(&absolute.map_err(|e| io_error("open", given, &e))?);
        Ok(Self(Arc::new(Inner {
            root,
            options,
            names: Arc::default(),
            contents: Mutex::default(),
            unnamed: MemoryStore::with_limit(MAX_MANIFEST_BYTES),
            tags: Mutex::default(),
            on_restored: Mutex::default(),
        })))
    }

    /// The working folder: absolute.
    pub fn root(&self) -> &Path {
        &self.0.root
    }

    /// Where content titled `name` is written: absolute and cleaned, but not checked. An absolute name is its own path.
    pub fn path_for_name(&self, name: &str) -> PathBuf {
        clean(&self.0.root.join(name))
    }

    /// Calls `f` for every file that is made again from content that arrived under another name. Replaces what was
    /// called before.
    pub fn on_restored(&self, f: impl Fn(&Descriptor) + Send + Sync + 'static) {
        *lock(&self.0.on_restored) = Some(Arc::new(f));
    }

    /// What the store has for `descriptor`: under its name, if it has one.
    fn stored(&self, descriptor: &Descriptor) -> Option<Stored> {
        if let Some(name) = title(descriptor)
            && !self
                .0
                .names
                .holds(&self.path_for_name(name), &descriptor.digest)
        {
            return None;
        }
        self.content(&descriptor.digest)
    }

    fn content(&self, digest: &Digest) -> Option<Stored> {
        lock(&self.0.contents).get(digest).cloned()
    }

    /// Notes where the bytes of a digest are. Bytes that can be read are never forgotten for some that can't.
    fn remember(&self, descriptor: &Descriptor, stored: Stored) {
        let mut contents = lock(&self.0.contents);
        if matches!(stored, Stored::Unpacked { .. }) && contents.contains_key(&descriptor.digest) {
            return;
        }
        contents.insert(descriptor.digest.clone(), stored);
    }

    /// Puts a manifest into the graph of predecessors; anything else has no place in it.
    async fn index(&self, descriptor: &Descriptor) -> Result<Vec<Descriptor>> {
        if !descriptor.is_manifest() {
            return Ok(Vec::new());
        }
        let successors = self.fetch_manifest(descriptor).await?.successors();
        self.0.unnamed.graph().index(descriptor, &successors);
        Ok(successors)
    }
}

#[async_trait]
impl Fetch for FileStore {
    async fn fetch(&self, descriptor: &Descriptor) -> Result<Content> {
        let stream = self.fetch_from(descriptor, 0).await?;
        Ok(Content::new(descriptor.clone(), stream))
    }

    async fn fetch_from(&self, descriptor: &Descriptor, offset: u64) -> Result<ByteStream> {
        if let Some(stored) = self.stored(descriptor) {
            return stored.payload()?.open(offset).await;
        }
        match title(descriptor) {
            Some(_) => Err(missing(descriptor, "fetch")),
            None => self.0.unnamed.fetch_from(descriptor, offset).await,
        }
    }

    async fn exists(&self, descriptor: &Descriptor) -> Result<bool> {
        match (self.stored(descriptor), title(descriptor)) {
            (Some(_), Some(_)) => Ok(true),
            // Without a name it is the bytes that are asked for, and those of an unpacked folder are gone.
            (Some(stored), None) => Ok(stored.readable()),
            (None, Some(_)) => Ok(false),
            (None, None) => self.0.unnamed.exists(descriptor).await,
        }
    }

    /// Files were hashed when they were added or pushed, and reading them fails if they were touched since.
    fn trusted(&self, descriptor: &Descriptor) -> bool {
        match (self.stored(descriptor), title(descriptor)) {
            (Some(stored), _) => stored.readable() && stored.size() == descriptor.size,
            (None, Some(_)) => false,
            (None, None) => self.0.unnamed.trusted(descriptor),
        }
    }
}

#[async_trait]
impl Resolve for FileStore {
    async fn resolve(&self, reference: &str) -> Result<Descriptor> {
        require_reference(reference)?;
        if let Some(descriptor) = lock(&self.0.tags).get(reference) {
            return Ok(descriptor.clone());
        }
        if let Some(stored) = lock(&self.0.contents).get(reference) {
            return Ok(stored.descriptor().clone());
        }
        let unnamed = self.0.unnamed.resolve(reference).await;
        unnamed.map_err(|_| unknown(reference, "resolve"))
    }
}

#[async_trait]
impl Tag for FileStore {
    async fn tag(&self, descriptor: &Descriptor, reference: &str) -> Result<()> {
        require_reference(reference)?;
        if !self.exists(descriptor).await? {
            return Err(missing(descriptor, "tag").with_reference(reference));
        }
        lock(&self.0.tags).insert(reference.to_owned(), descriptor.clone());
        Ok(())
    }
}

#[async_trait]
impl Predecessors for FileStore {
    async fn predecessors(&self, descriptor: &Descriptor) -> Result<Vec<Descriptor>> {
        Ok(self.0.unnamed.graph().predecessors(descriptor))
    }
}

#[async_trait]
impl Referrers for FileStore {
    async fn referrers(
        &self,
        subject: &Descriptor,
        artifact_type: Option<&str>,
    ) -> Result<Vec<Descriptor>> {
        let predecessors = self.0.unnamed.graph().predecessors(subject);
        graph::referrers(self, predecessors, subject, artifact_type).await
    }
}

impl Source for FileStore {
    fn as_predecessors(&self) -> Option<&dyn Predecessors> {
        Some(self)
    }
    fn as_referrers(&self) -> Option<&dyn Referrers> {
        Some(self)
    }
}

impl Target for FileStore {}

/// The title of a descriptor; an empty one is none.
fn title(descriptor: &Descriptor) -> Option<&str> {
    descriptor.title().filter(|title| !title.is_empty())
}

/// `<name>: duplicate name`.
fn duplicate(name: &str) -> Error {
    Error::new(ErrorKind::DuplicateName, format!("{name}: duplicate name"))
}

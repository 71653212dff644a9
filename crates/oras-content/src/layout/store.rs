//! The store in a folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt, StreamExt};
use oras_spec::layout::{BLOBS_DIR, INDEX_FILE, OCI_LAYOUT_FILE, blob_path};
use oras_spec::{Descriptor, Digest, OciLayout, json};
use tempfile::TempDir;

use super::blobs::Blobs;
use super::format::check_layout;
use super::index::Index;
use super::ingest::Ingest;
use super::keep::keep_blob;
use super::reach::{Graph, GraphCache};
use super::state::State;
use super::sync::sync_path;
use super::transaction::Transaction;
use super::{blocking, read};
use crate::ability::{
    Delete, Fetch, ListTags, Predecessors, Referrers, Resolve, Source, Tag, Target, Untag,
};
use crate::content::{ByteStream, Content};
use crate::error::{Error, ErrorKind, Result};
use crate::payload::io_error;

/// A blob that was written or asked for within this time need not be kept anew.
const KEPT: Duration = Duration::from_secs(10 * 60);

/// A layout in a folder, to be read and written. Cheap to clone.
///
/// Any number of stores, in this and in other processes, can use one folder at once.
#[derive(Clone)]
pub struct LayoutStore {
    pub(super) shared: Arc<Shared>,
}

/// What the clones of a store share.
pub(super) struct Shared {
    pub(super) root: PathBuf,
    pub(super) blobs: Blobs,
    pub(super) ingest: Arc<Ingest>,
    /// Held while the index is changed. Taken before everything else.
    pub(super) saving: Mutex<()>,
    state: Mutex<State>,
    pub(super) graph: GraphCache,
    /// Whether everything that a layout needs is known to be there.
    prepared: Mutex<bool>,
}

impl LayoutStore {
    /// Opens the layout in the folder `path`. What a layout needs and is missing is created when something is written
    /// for the first time, the folder too: a failed operation leaves no empty layout.
    ///
    /// # Errors
    /// [`ErrorKind::UnsupportedVersion`] or [`ErrorKind::InvalidManifest`] if something else is in the folder, with
    /// the words of the reference tool; [`ErrorKind::Io`] (`mkdir <path>: not a directory` for a file).
    pub async fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_owned();
        blocking(move || {
            let root =
                std::path::absolute(&path).map_err(|error| io_error("open", &path, &error))?;
            Self::open_blocking(Ingest::new(&root), root)
        })
        .await
    }

    /// A new layout in `folder`, which is removed when the last clone is gone. Blocks.
    pub(super) fn temporary(folder: TempDir) -> Result<Self> {
        let root = folder.path().to_owned();
        Self::open_blocking(Ingest::temporary(folder), root)
    }

    fn open_blocking(ingest: Ingest, root: PathBuf) -> Result<Self> {
        let store = Self {
            shared: Arc::new(Shared {
                blobs: Blobs::Folder(root.clone()),
                ingest: Arc::new(ingest),
                saving: Mutex::new(()),
                state: Mutex::default(),
                graph: GraphCache::default(),
                prepared: Mutex::new(false),
                root,
            }),
        };
        let shared = &store.shared;
        can_be_folder(&shared.root)?;
        if shared.root.join(OCI_LAYOUT_FILE).exists() {
            check_layout(&shared.blobs)?;
        }
        shared.view()?;
        shared.ingest.sweep();
        Ok(store)
    }

    /// The folder, as an absolute path.
    pub fn path(&self) -> &Path {
        &self.shared.root
    }

    /// Runs `work` on what the clones share, on a thread that may block.
    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Arc<Shared>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let shared = Arc::clone(&self.shared);
        blocking(move || work(&shared)).await
    }
}

impl Shared {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Creates what a layout needs and is missing. Before anything else is written. Blocks.
    pub(super) fn prepare(&self) -> Result<()> {
        let mut prepared = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        if *prepared {
            return Ok(());
        }
        make_folder(&self.root.join(BLOBS_DIR))?;
        if !self.root.join(INDEX_FILE).exists() {
            // Needs no lock: whoever comes second changes nothing.
            let empty = Index::empty()?.to_json()?;
            self.create(INDEX_FILE, || Ok(empty))?;
        }
        // The marker comes last: whoever sees it finds a whole layout, even if this process is killed.
        self.create(OCI_LAYOUT_FILE, || json::to_vec(&OciLayout::default()))?;
        check_layout(&self.blobs)?;
        *prepared = true;
        Ok(())
    }

    /// Whether a blob is there, of this size. If so, somebody may be about to refer to it instead of bringing it: whoever
    /// cleans up the layout leaves it for a while. Blocks.
    pub(super) fn has(&self, digest: &Digest, size: u64) -> Result<bool> {
        if self.blobs.size(digest)? != Some(size) {
            return Ok(false);
        }
        let path = self.root.join(blob_path(digest));
        let modified = fs::metadata(&path).and_then(|metadata| metadata.modified());
        let age = modified.ok().and_then(|modified| modified.elapsed().ok());
        if age.is_some_and(|age| age < KEPT) {
            return Ok(true);
        }
        // It is there, even if it can't be kept.
        Ok(keep_blob(&path).unwrap_or(true))
    }

    /// The same for a layout that was prepared and is gone. Blocks.
    pub(super) fn prepare_again(&self) -> Result<()> {
        *self.prepared.lock().unwrap_or_else(PoisonError::into_inner) = false;
        self.prepare()
    }

    fn view(&self) -> Result<Arc<Index>> {
        Ok(self.state().view(&self.root)?.1)
    }

    fn graph(&self) -> Result<Arc<Graph>> {
        self.graph
            .get(|| self.state().view(&self.root), &self.blobs)
    }

    /// Creates the file `name` as a whole, unless it is there.
    fn create(
        &self,
        name: &str,
        content: impl FnOnce() -> serde_json::Result<Vec<u8>>,
    ) -> Result<()> {
        let target = self.root.join(name);
        if target.exists() {
            return Ok(());
        }
        let content = content().map_err(|error| Error::new(ErrorKind::Other, error.to_string()))?;
        let mut draft = self.ingest.draft()?;
        draft.write(&content)?;
        draft.sync()?;
        draft.publish_new(&target)?;
        sync_path(&self.root).map_err(|error| io_error("sync", &self.root, &error))
    }
}

/// `mkdir -p`; an error names the path that is in the way.
fn make_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).or_else(|error| {
        can_be_folder(path)?;
        Err(io_error("mkdir", path, &error))
    })
}

/// Whether `path` is a folder or can become one; an error names the path that is in the way.
fn can_be_folder(path: &Path) -> Result<()> {
    let there = path
        .ancestors()
        .find(|path| path.symlink_metadata().is_ok());
    match there {
        Some(file) if !file.is_dir() => {
            let cause = io::Error::from(rustix::io::Errno::NOTDIR);
            Err(io_error("mkdir", file, &cause))
        }
        _ => Ok(()),
    }
}

#[async_trait]
impl Fetch for LayoutStore {
    async fn fetch(&self, descriptor: &Descriptor) -> Result<Content> {
        let stream = self.shared.blobs.stream(descriptor, 0).await?;
        Ok(Content::new(descriptor.clone(), stream))
    }

    async fn fetch_from(&self, descriptor: &Descriptor, offset: u64) -> Result<ByteStream> {
        self.shared.blobs.stream(descriptor, offset).await
    }

    /// True only if the blob has the right size: a shorter one is not what was meant.
    async fn exists(&self, descriptor: &Descriptor) -> Result<bool> {
        let (digest, size) = (descriptor.digest.clone(), descriptor.size);
        self.blocking(move |shared| shared.has(&digest, size)).await
    }
}

#[async_trait]
impl Resolve for LayoutStore {
    async fn resolve(&self, reference: &str) -> Result<Descriptor> {
        let reference = reference.to_owned();
        self.blocking(move |shared| read::resolve(&reference, || shared.view(), &shared.blobs))
            .await
    }
}

#[async_trait]
impl Predecessors for LayoutStore {
    /// The first call after a change reads the manifests that were not read before.
    async fn predecessors(&self, descriptor: &Descriptor) -> Result<Vec<Descriptor>> {
        let digest = descriptor.digest.clone();
        self.blocking(move |shared| Ok(shared.graph()?.predecessors(&digest)))
            .await
    }
}

#[async_trait]
impl Referrers for LayoutStore {
    async fn referrers(
        &self,
        subject: &Descriptor,
        artifact_type: Option<&str>,
    ) -> Result<Vec<Descriptor>> {
        let subject = subject.digest.clone();
        let artifact_type = artifact_type.map(str::to_owned);
        self.blocking(move |shared| {
            let graph = shared.graph()?;
            read::referrers(&graph, &shared.blobs, &subject, artifact_type.as_deref())
        })
        .await
    }
}

impl ListTags for LayoutStore {
    /// One page, in the order of bytes.
    fn tags<'a>(&'a self, last: Option<&str>) -> BoxStream<'a, Result<Vec<String>>> {
        let last = last.map(str::to_owned);
        let page = self.blocking(move |shared| {
            let view = shared.view()?;
            let page = view.tags_after(last.as_deref());
            Ok(page.map(str::to_owned).collect())
        });
        stream::once(page.boxed()).boxed()
    }
}

#[async_trait]
impl Tag for LayoutStore {
    /// Also writes out what earlier pushes left. Any text can be a tag.
    async fn tag(&self, descriptor: &Descriptor, reference: &str) -> Result<()> {
        if reference.is_empty() {
            return Err(read::missing_reference());
        }
        let (descriptor, reference) = (descriptor.clone(), reference.to_owned());
        self.blocking(move |shared| {
            let mut change = Transaction::begin(shared)?;
            if shared.blobs.size(&descriptor.digest)?.is_none() {
                return Err(read::missing_blob(&descriptor).with_operation("tag"));
            }
            change.index.tag(&descriptor, &reference)?;
            change.commit()
        })
        .await
    }
}

#[async_trait]
impl Untag for LayoutStore {
    /// What had the tag stays listed.
    async fn untag(&self, reference: &str) -> Result<()> {
        if reference.is_empty() {
            return Err(read::missing_reference());
        }
        let reference = reference.to_owned();
        self.blocking(move |shared| {
            let mut change = Transaction::begin(shared)?;
            if change.index.untag(&reference)? {
                return change.commit();
            }
            let quoted = oras_spec::go_quote(&reference);
            let digest = Digest::parse(&reference).ok();
            Err(
                match digest.and_then(|digest| change.index.find(&digest).cloned()) {
                    Some(_) => Error::new(
                        ErrorKind::InvalidReference,
                        format!("cannot untag {quoted}: it is a digest, not a tag"),
                    ),
                    None => Error::not_found(&reference)
                        .context(format!("resolving reference {quoted}")),
                }
                .with_reference(reference.clone())
                .with_operation("untag"),
            )
        })
        .await
    }
}

impl Source for LayoutStore {
    fn as_predecessors(&self) -> Option<&dyn Predecessors> {
        Some(self)
    }

    fn as_referrers(&self) -> Option<&dyn Referrers> {
        Some(self)
    }

    fn as_list_tags(&self) -> Option<&dyn ListTags> {
        Some(self)
    }
}

impl Target for LayoutStore {
    fn as_delete(&self) -> Option<&dyn Delete> {
        Some(self)
    }

    fn as_untag(&self) -> Option<&dyn Untag> {
        Some(self)
    }
}

//! OCI image layouts: a store in a folder that other programs read and write too.
//!
//! [`LayoutStore`] reads and writes a folder, beside other processes that do the same: every change of `index.json` is
//! made under a file lock, to what the file says at that moment, and appears all at once. [`LayoutReader`] reads a
//! folder or an uncompressed tar and never changes anything. [`LayoutArchive`] makes such a tar.
//!
//! Blobs are stored when they are pushed; that a manifest exists is written down later, many manifests at a time: by
//! [`flush`](crate::Push::flush), or by the next change of a tag. Whoever pushes and then goes away without either
//! leaves a valid layout in which those manifests are not listed.
//!
//! ```
//! use oras_content::layout::LayoutStore;
//! use oras_content::{FetchExt, Payload, Push, Resolve, Tag};
//! use oras_spec::{Descriptor, media_type};
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! # let folder = tempfile::tempdir()?;
//! let store = LayoutStore::open(folder.path()).await?;
//! let manifest = br#"{"schemaVersion":2,"manifests":[]}"#;
//! let descriptor = Descriptor::of_bytes(media_type::IMAGE_INDEX, manifest);
//! store.push(&descriptor, Payload::bytes(&manifest[..])).await?;
//! store.tag(&descriptor, "v1").await?;
//!
//! let found = store.resolve("v1").await?;
//! assert_eq!(store.fetch_manifest(&found).await?.bytes(), &manifest[..]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```

mod archive;
mod blobs;
mod delete;
mod format;
mod index;
mod ingest;
mod keep;
mod lock;
mod push;
mod reach;
mod read;
mod reader;
mod snapshot;
mod state;
mod store;
mod sync;
mod tar;
mod transaction;

pub use archive::{LayoutArchive, looks_like_tar};
pub use index::Index;
pub use keep::keep_blob;
pub use lock::LayoutLock;
pub use reader::LayoutReader;
pub use snapshot::IndexSnapshot;
pub use store::LayoutStore;
pub use sync::{sync_file_system, sync_path};

use crate::error::{Error, ErrorKind, Result};

/// Runs `work`, which waits for the disk or for a lock, where it holds nobody up.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(failed) => match failed.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(Error::new(
                ErrorKind::Cancelled,
                "the runtime is shutting down",
            )),
        },
    }
}

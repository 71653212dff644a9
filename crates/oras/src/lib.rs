//! Push, pull, attach, discover and copy any file in any OCI registry: the SDK of ORAS.
//!
//! Everything here is a copy over a graph. A *store* holds content; some content is a manifest, which lists other
//! content and may have a *subject* that it refers to. The operations move such graphs between stores of any kind: in
//! memory, over a folder of files, in an OCI layout, on a registry.
//!
//! | to | use |
//! |---|---|
//! | copy an artifact, or it and all that refers to it | [`copy()`], [`extended_copy`] |
//! | make an artifact of local content and send it off | [`push()`], [`attach`]; step by step [`pack()`], [`push_packed`] |
//! | write an artifact into a folder | [`pull()`] |
//! | carry tags into a layout and back | [`find_tags`], [`backup()`], [`restore`] |
//! | list manifests in an index | [`create_index`], [`update_index`], [`push_index`] |
//! | see what refers to an artifact | [`discover()`], [`referrers()`] |
//! | look at one manifest | [`resolve()`], [`fetch_manifest`], [`select_platform`] |
//! | give names | [`tag_many`], [`tag_manifest`] |
//! | open a store by its name | [`open`], [`open_source`] |
//! | keep what was read for the next time | [`Cache`] |
//!
//! It is no HTTP client and knows no file format: that is the business of the crates below, which come along as
//! [`spec`], [`content`], [`remote`] and [`http`]. It never prints and never reads the environment.
//!
//! # Example
//! Bytes in memory become an artifact, the artifact becomes a file:
//! ```
//! use std::sync::Arc;
//!
//! use oras::content::file::{FileOptions, FileStore};
//! use oras::content::memory::MemoryStore;
//! use oras::content::{Payload, Push, Target};
//! use oras::spec::{Descriptor, annotation};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let here: Arc<dyn Target> = Arc::new(MemoryStore::new());
//! let mut layer = Descriptor::of_bytes("text/x-greeting", b"hello");
//! layer.annotations.insert(annotation::TITLE.into(), "hello.txt".into());
//! here.push(&layer, Payload::bytes("hello")).await?;
//!
//! let mut pushing = oras::PushOptions::default();
//! pushing.pack.artifact_type = Some("application/vnd.example.greeting".into());
//! pushing.pack.layers = vec![layer];
//! let there: Arc<dyn Target> = Arc::new(MemoryStore::new());
//! let pushed = oras::push(&here, &there, "v1", &pushing).await?;
//!
//! let folder = tempfile::tempdir()?;
//! let files = FileStore::new(folder.path(), FileOptions::default())?;
//! let pulled = oras::pull(&(there as _), "v1", &files, &oras::PullOptions::default()).await?;
//! assert_eq!(pulled.root.digest, pushed.descriptor().digest);
//! assert_eq!(std::fs::read(folder.path().join("hello.txt"))?, b"hello");
//! # Ok(())
//! # }
//! ```

#![deny(missing_docs)]

mod backup;
mod cache;
mod copy;
mod discover;
mod engine;
mod extended;
mod index;
mod options;
mod pack;
mod pull;
mod push;
mod referrers;
mod resolve;
mod sync;
mod tag;
pub mod target;

/// The stores and what is said about them: traits, content, payloads, errors, events.
pub use oras_content as content;
/// The HTTP client below registries: proxies, TLS, retries.
pub use oras_http as http;
/// Registries.
pub use oras_remote as remote;
/// The data model: descriptors, manifests, references.
pub use oras_spec as spec;
/// Ends operations early: see [`CopyOptions::cancel`].
pub use tokio_util::sync::CancellationToken;

pub use backup::{
    BackupOptions, Scope, TaggedContent, backup, find_tags, referrers_to_restore, restore,
};
pub use cache::Cache;
pub use copy::{copy, copy_graph, copy_node};
pub use discover::{DiscoverOptions, ReferrerNode, discover};
pub use extended::{ExtendedCopyOptions, ReferrerFilter, extended_copy};
pub use index::{
    IndexChanges, IndexEvent, IndexOptions, NewIndex, create_index, push_index, update_index,
};
pub use options::{CopyOptions, DEFAULT_CONCURRENCY, Existing, MountPolicy, Successors};
pub use oras_content::{Error, ErrorKind, Result, Side};
pub use pack::{Created, PackOptions, PackVersion, pack, pack_manifest};
pub use pull::{ConfigFile, PullOptions, Pulled, PulledFile, Subject, pull};
pub use push::{AttachOptions, PushOptions, attach, push, push_packed};
pub use referrers::referrers;
pub use resolve::{fetch_manifest, resolve, select_platform};
pub use tag::{DEFAULT_TAG_CONCURRENCY, TagOptions, tag_manifest, tag_many};
pub use target::{Opened, TargetName, open, open_source};

/// The Rust code in the README compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

//! Writing what an artifact holds into a file store.

mod plan;

use std::path::PathBuf;
use std::sync::Arc;

use oras_content::file::FileStore;
use oras_content::{Result, Source, Target};
use oras_spec::Descriptor;

use self::plan::Plan;
use crate::copy::run;
use crate::engine::Engine;
use crate::options::{CopyOptions, Existing};
use crate::resolve::fetch_root;
use crate::sync::unless_cancelled;

/// How an artifact is pulled.
#[derive(Clone, Default)]
pub struct PullOptions {
    /// How each content is copied. `existing` and `successors` have no meaning here.
    pub copy: CopyOptions,
    /// Whether to go on to what a manifest refers to.
    pub subject: Subject,
    /// Also write the config.
    pub config: Option<ConfigFile>,
    /// Write only content of these types; of any type if empty. Manifests are followed all the same.
    pub media_types: Vec<String>,
}

/// Whether to go on to what a manifest refers to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Subject {
    /// No.
    #[default]
    Ignore,
    /// Yes, and to the subject of that.
    Follow,
}

/// Which config to write, and where to. Only the first manifest that has a config is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFile {
    /// The name in the file store.
    pub name: String,
    /// Only a config of this type.
    pub media_type: Option<String>,
}

/// What was pulled.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Pulled {
    /// What the reference stands for, after platform selection.
    pub root: Descriptor,
    /// The files, manifest by manifest as they were completed, each in its order. Not the one of [`PullOptions::config`].
    pub files: Vec<PulledFile>,
    /// Whether something was left out, or may hold something that was left out, because it has no name.
    pub skipped_unnamed: bool,
}

/// A file or folder that was pulled.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PulledFile {
    /// The title.
    pub name: String,
    /// Where it is: absolute, without `.` and `..`.
    pub path: PathBuf,
    /// The content, as the manifest lists it.
    pub descriptor: Descriptor,
    /// Whether it was unpacked into a folder.
    pub is_folder: bool,
}

/// Writes what `reference` stands for into the file store `store`, which should be a fresh one.
///
/// Content with a title becomes a file or folder. Content without one is left out, unless it is a manifest, which is
/// followed. Events: [`Started`](oras_content::Event::Started) when a content is fetched,
/// [`Processing`](oras_content::Event::Processing) when a manifest is looked into,
/// [`Finished`](oras_content::Event::Finished), [`Skipped`](oras_content::Event::Skipped) for what is left out and
/// [`Restored`](oras_content::Event::Restored) for further names of a content.
///
/// # Errors
/// As [`copy`](crate::copy()), and those of the store for names it must not write to.
pub async fn pull(
    source: &Arc<dyn Source>,
    reference: &str,
    store: &FileStore,
    options: &PullOptions,
) -> Result<Pulled> {
    let platform = options.copy.platform.as_ref();
    let limit = options.copy.max_manifest_bytes;
    let root = fetch_root(source, reference, platform, limit);
    let root = unless_cancelled(&options.copy.cancel, root).await?;

    let plan = Arc::new(Plan::new(store, options));
    let mut copy = options.copy.clone();
    copy.existing = Existing::Trust;
    copy.successors = Some(Arc::clone(&plan) as _);
    let target: Arc<dyn Target> = Arc::new(store.clone());
    let engine = Engine::new(source, &target, &copy)
        .seeded(&root.descriptor, root.bytes)
        .reporting(Arc::clone(&plan) as _);
    run(engine, &target, vec![root.descriptor.clone()]).await?;
    Ok(plan.pulled(root.descriptor))
}

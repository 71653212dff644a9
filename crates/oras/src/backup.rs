//! Carrying tags, with all that is below and above them, into a layout and back.

use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use oras_content::{Error, ErrorKind, Result, Side, Source, Target};
use oras_spec::Descriptor;
use tokio_util::sync::CancellationToken;

use crate::copy::copy_node;
use crate::extended::{ExtendedCopyOptions, count_referrers, extended_copy_node};
use crate::options::CopyOptions;
use crate::resolve::resolve;
use crate::sync::{At, METADATA_CONCURRENCY, unless_cancelled};

/// A tag, and what it stood for when it was looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaggedContent {
    /// The tag.
    pub tag: String,
    /// What it stands for.
    pub content: Descriptor,
}

/// What is carried along with a tag.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// What the tag stands for, and everything below it.
    #[default]
    Artifact,
    /// Also everything that refers to it, at any distance; for an index, what refers to its manifests, too.
    Referrers,
}

/// How tags are carried.
#[derive(Clone, Default)]
pub struct BackupOptions {
    /// How each content is copied; [`CopyOptions::platform`] has no meaning here.
    pub copy: CopyOptions,
    /// What is carried along.
    pub scope: Scope,
}

/// Looks up `tags`, in their order; without any, all tags of the source in its own order.
///
/// # Errors
/// `failed to resolve tag "<tag>"` and the cause; `failed to find tags` in front of it if they were not asked for by
/// name.
pub async fn find_tags(
    source: &Arc<dyn Source>,
    tags: &[String],
    cancel: &CancellationToken,
) -> Result<Vec<TaggedContent>> {
    let found = async {
        if !tags.is_empty() {
            return resolve_all(source, tags.to_vec()).await;
        }
        let listed = match list(source).await {
            Ok(tags) => resolve_all(source, tags).await,
            Err(error) => Err(error),
        };
        listed.map_err(|error| error.context("failed to find tags"))
    };
    unless_cancelled(cancel, found).await
}

/// Copies a tag from `source` into `layout`. Returns how many referrers the layout has of it, at any distance: none unless
/// [`Scope::Referrers`] are carried along.
///
/// # Errors
/// As [`copy`](crate::copy()). What was copied completely stays, so that the next run need not copy it again.
pub async fn backup(
    source: &Arc<dyn Source>,
    tagged: &TaggedContent,
    layout: &Arc<dyn Target>,
    options: &BackupOptions,
) -> Result<usize> {
    carry(source, tagged, layout, options).await?;
    let layout = Arc::clone(layout) as _;
    referrers_to_restore(&layout, tagged, options).await
}

/// Copies a tag from `layout` to `target`. Returns what [`referrers_to_restore`] does.
///
/// # Errors
/// As [`backup`].
pub async fn restore(
    layout: &Arc<dyn Source>,
    tagged: &TaggedContent,
    target: &Arc<dyn Target>,
    options: &BackupOptions,
) -> Result<usize> {
    let referrers = referrers_to_restore(layout, tagged, options).await?;
    carry(layout, tagged, target, options).await?;
    Ok(referrers)
}

/// How many referrers [`restore`] would carry along.
///
/// # Errors
/// What reading the layout fails with.
pub async fn referrers_to_restore(
    layout: &Arc<dyn Source>,
    tagged: &TaggedContent,
    options: &BackupOptions,
) -> Result<usize> {
    match options.scope {
        Scope::Artifact => Ok(0),
        Scope::Referrers => {
            let count = count_referrers(layout, &tagged.content, &options.copy);
            unless_cancelled(&options.copy.cancel, count).await
        }
    }
}

async fn carry(
    source: &Arc<dyn Source>,
    tagged: &TaggedContent,
    target: &Arc<dyn Target>,
    options: &BackupOptions,
) -> Result<()> {
    let TaggedContent { tag, content } = tagged;
    match options.scope {
        Scope::Artifact => copy_node(source, content, target, tag, &options.copy).await,
        Scope::Referrers => {
            let options = ExtendedCopyOptions {
                copy: options.copy.clone(),
                ..ExtendedCopyOptions::default()
            };
            extended_copy_node(source, content, target, tag, &options).await
        }
    }
}

async fn list(source: &Arc<dyn Source>) -> Result<Vec<String>> {
    let Some(lister) = source.as_list_tags() else {
        return Err(Error::new(
            ErrorKind::Unsupported,
            "the source can't list its tags: unsupported",
        ))
        .at(Side::Source, "tags");
    };
    let pages: Vec<Vec<String>> = lister
        .tags(None)
        .try_collect()
        .await
        .at(Side::Source, "tags")?;
    Ok(pages.concat())
}

async fn resolve_all(source: &Arc<dyn Source>, tags: Vec<String>) -> Result<Vec<TaggedContent>> {
    let resolved = tags.into_iter().map(|tag| async move {
        match resolve(source, &tag, None).await {
            Ok(content) => Ok(TaggedContent { tag, content }),
            Err(error) => {
                let context = format!("failed to resolve tag {}", oras_spec::go_quote(&tag));
                Err(error.context(context))
            }
        }
    });
    let resolved: Vec<_> = resolved.collect();
    stream::iter(resolved)
        .buffered(METADATA_CONCURRENCY)
        .try_collect()
        .await
}

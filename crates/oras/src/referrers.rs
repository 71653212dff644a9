//! What refers to a manifest, asked of any kind of source.

use std::sync::Arc;

use oras_content::{Error, ErrorKind, FetchExt, Result, Side, Source};
use oras_spec::Descriptor;

use crate::sync::At;

/// Referrers of referrers are followed this far. Nobody builds such a chain on purpose, but a registry could go on forever.
pub(crate) const MAX_DEPTH: usize = 1000;

/// So many referrers are found in one walk. They are kept in memory, and the levels below could grow without end.
pub(crate) const MAX_FOUND: usize = 200_000;

/// The manifests whose `subject` is `subject`, with artifact type and annotations filled in.
///
/// A source that can't list referrers is asked for predecessors; those that merely list the manifest, as an index does,
/// don't count. With `artifact_type`, only those of that type.
///
/// # Errors
/// [`ErrorKind::Unsupported`] if the source can't tell either.
pub async fn referrers(
    source: &Arc<dyn Source>,
    subject: &Descriptor,
    artifact_type: Option<&str>,
) -> Result<Vec<Descriptor>> {
    let found = match source.as_referrers() {
        Some(lister) => lister.referrers(subject, artifact_type).await,
        None => among_predecessors(source, subject, artifact_type).await,
    };
    found
        .map_err(|error| error.with_descriptor(subject))
        .at(Side::Source, "referrers")
}

async fn among_predecessors(
    source: &Arc<dyn Source>,
    subject: &Descriptor,
    artifact_type: Option<&str>,
) -> Result<Vec<Descriptor>> {
    let Some(predecessors) = source.as_predecessors() else {
        return Err(Error::new(
            ErrorKind::Unsupported,
            "the source can't tell what refers to a manifest: unsupported",
        ));
    };
    let mut referrers = Vec::new();
    for candidate in predecessors.predecessors(subject).await? {
        if !candidate.is_manifest() {
            continue;
        }
        let manifest = source.fetch_manifest(&candidate).await?;
        let refers = manifest
            .subject()
            .is_some_and(|s| s.digest == subject.digest);
        let wanted = artifact_type.is_none_or(|wanted| manifest.artifact_type() == Some(wanted));
        if refers && wanted {
            let mut referrer = candidate.plain();
            referrer.artifact_type = manifest.artifact_type().map(str::to_owned);
            referrer.annotations = manifest.annotations().clone();
            referrers.push(referrer);
        }
    }
    Ok(referrers)
}

/// The error for a chain longer than [`MAX_DEPTH`].
pub(crate) fn too_deep(at: &Descriptor) -> Error {
    let text = format!("referrers are nested more than {MAX_DEPTH} levels deep");
    beyond_limit(at, text)
}

/// Counts what a walk has found.
///
/// # Errors
/// [`ErrorKind::SizeLimit`] for more than [`MAX_FOUND`].
pub(crate) fn count(found: &mut usize, more: usize, at: &Descriptor) -> Result<()> {
    *found += more;
    if *found <= MAX_FOUND {
        return Ok(());
    }
    Err(beyond_limit(at, format!("more than {MAX_FOUND} referrers")))
}

fn beyond_limit(at: &Descriptor, text: String) -> Error {
    Error::new(ErrorKind::SizeLimit, text)
        .with_descriptor(at)
        .with_side(Side::Source)
        .with_operation("referrers")
}

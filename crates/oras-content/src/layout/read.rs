//! What a layout answers, however it is stored.

use std::sync::Arc;

use oras_spec::{Descriptor, Digest, media_type};

use super::blobs::Blobs;
use super::index::Index;
use super::reach::Graph;
use crate::error::{Error, ErrorKind, Result};

/// The descriptor of a tag, as it is in the index; or the plain one of a listed digest; or one of
/// `application/octet-stream` for the digest of any other blob. Blocks.
pub(super) fn resolve(
    reference: &str,
    index: impl FnOnce() -> Result<Arc<Index>>,
    blobs: &Blobs,
) -> Result<Descriptor> {
    if reference.is_empty() {
        return Err(missing_reference());
    }
    let index = index()?;
    if let Some(tagged) = index.tagged(reference) {
        return Ok(tagged.clone());
    }
    if let Ok(digest) = Digest::parse(reference) {
        if let Some(listed) = index.find(&digest) {
            return Ok(listed.plain());
        }
        if let Some(size) = blobs.size(&digest)? {
            return Ok(Descriptor::new(media_type::OCTET_STREAM, digest, size));
        }
    }
    Err(Error::new(ErrorKind::NotFound, "not found")
        .with_operation("resolve")
        .with_reference(reference))
}

/// The referrers of `subject`, told by what their manifests say. Blocks.
pub(super) fn referrers(
    graph: &Graph,
    blobs: &Blobs,
    subject: &Digest,
    artifact_type: Option<&str>,
) -> Result<Vec<Descriptor>> {
    let mut found = Vec::new();
    for mut referrer in graph.referrers(subject) {
        // Not kept in memory, since few are ever asked for.
        let Some(manifest) = blobs.manifest(&referrer)? else {
            continue;
        };
        if artifact_type.is_some_and(|wanted| manifest.artifact_type() != Some(wanted)) {
            continue;
        }
        referrer.artifact_type = manifest.artifact_type().map(str::to_owned);
        referrer.annotations = manifest.annotations().clone();
        found.push(referrer);
    }
    Ok(found)
}

/// Neither a tag nor a digest was given.
pub(super) fn missing_reference() -> Error {
    Error::new(ErrorKind::MissingReference, "missing reference")
}

/// The content is not there: `<digest>: <media type>: not found`.
pub(super) fn missing_blob(descriptor: &Descriptor) -> Error {
    let what = format_args!("{}: {}", descriptor.digest, descriptor.media_type);
    Error::not_found(what).with_descriptor(descriptor)
}

//! `/v2/<name>/referrers/<digest>` (distribution-spec, end-12).

use http::header::{ETAG, HeaderName, LINK};
use oras_spec::{Descriptor, Digest, ImageIndex, media_type};
use url::form_urlencoded;

use super::reply::{self, With as _};
use super::{Answer, paging};
use crate::call::{Call, supported_digest};
use crate::driver::Entry;
use crate::failure::Failure;
use crate::registry::Shared;

const FILTERS_APPLIED: HeaderName = HeaderName::from_static("oci-filters-applied");
const LARGEST_PAGE: usize = 1_000;
/// A page ends once it is this large, in bytes.
const PAGE_BYTES: usize = 4 * 1024 * 1024;
/// The same while many ask for large ones: slow clients must not fill the memory with them.
const CROWDED_BYTES: usize = 128 * 1024;
/// How many entries are asked for at once: each may be as large as a manifest.
const BATCH: usize = 16;

pub(super) async fn list(shared: &Shared, call: &mut Call, name: &str, subject: &str) -> Answer {
    let subject = supported_digest(subject)?;
    let size = paging::size(call, LARGEST_PAGE, LARGEST_PAGE)?;
    let after = call.parameter("last").map(Digest::parse).transpose();
    let after = after.map_err(Failure::invalid_digest)?;
    let filter = call.parameter("artifactType");
    let permit = shared.room.listing();
    let most = match permit {
        Some(_) => PAGE_BYTES,
        None => CROWDED_BYTES,
    };
    let (entries, more) = page(shared, name, &subject, filter, after, (size, most)).await?;

    let last = entries.last().map(|entry| entry.digest.clone());
    let index = ImageIndex::new(entries);
    let body = reply::encode(&index)?;
    let body = match permit.filter(|_| body.len() > CROWDED_BYTES) {
        Some(permit) => permit.kept_by(body),
        None => body.into(),
    };
    let etag = format!("\"{}\"", Digest::sha256(&body));
    let mut response = match reply::not_modified(call, &etag) {
        Some(response) => response,
        None => reply::bytes(media_type::IMAGE_INDEX, body).with(ETAG, etag),
    };
    if filter.is_some() {
        response = response.with(FILTERS_APPLIED, "artifactType");
    }
    if let Some(last) = last.filter(|_| more) {
        response = response.with(LINK, link(name, &subject, filter, size, &last));
    }
    Ok(response)
}

/// The descriptors of one page of so many entries and bytes, and whether there are more.
async fn page(
    shared: &Shared,
    name: &str,
    subject: &Digest,
    filter: Option<&str>,
    mut after: Option<Digest>,
    (size, most): (usize, usize),
) -> Result<(Vec<Descriptor>, bool), Failure> {
    let mut found = Vec::new();
    let mut bytes = 0;
    loop {
        let driver = &shared.driver;
        let batch = driver
            .referrers(name, subject, filter, after.as_ref(), BATCH)
            .await?;
        let last = batch.len() < BATCH;
        for entry in batch {
            let descriptor = descriptor(entry);
            bytes += reply::encode(&descriptor)?.len();
            if found.len() == size || (bytes > most && !found.is_empty()) {
                return Ok((found, size > 0));
            }
            after = Some(descriptor.digest.clone());
            found.push(descriptor);
        }
        if last {
            return Ok((found, false));
        }
    }
}

fn descriptor(entry: Entry) -> Descriptor {
    let mut descriptor = Descriptor::new(entry.media_type, entry.digest, entry.size);
    descriptor.artifact_type = entry.artifact_type;
    descriptor.annotations = entry.annotations;
    descriptor
}

fn link(name: &str, subject: &Digest, filter: Option<&str>, size: usize, last: &Digest) -> String {
    let filter = filter.map(|filter| {
        // Here a plus sign means itself.
        let encoded: String = form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        format!("artifactType={}&", encoded.replace('+', "%20"))
    });
    let filter = filter.unwrap_or_default();
    format!("</v2/{name}/referrers/{subject}?{filter}n={size}&last={last}>; rel=\"next\"")
}

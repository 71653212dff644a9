//! `/v2/<name>/blobs/<digest>` (distribution-spec, end-2 and end-10).

use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE,
    ETAG, IF_RANGE, RANGE,
};
use http::{Method, Response, StatusCode};
use oras_spec::{Digest, ErrorCode, media_type};

use super::range::{Selection, select};
use super::reply::With as _;
use super::{Answer, CONTENT_DIGEST, reply};
use crate::body::Body;
use crate::call::{Call, supported_digest};
use crate::failure::Failure;
use crate::registry::Shared;

/// What a digest names never changes.
pub(super) const FOREVER: &str = "max-age=31536000, immutable";

pub(super) async fn handle(shared: &Shared, call: &mut Call, name: &str, digest: &str) -> Answer {
    let digest = supported_digest(digest)?;
    if call.method == Method::DELETE {
        let deleted = shared.driver.delete_blob(name, &digest).await?;
        return match deleted {
            true => Ok(reply::empty(StatusCode::ACCEPTED)),
            false => Err(Failure::blob_unknown()),
        };
    }
    get(shared, call, name, &digest).await
}

async fn get(shared: &Shared, call: &mut Call, name: &str, digest: &Digest) -> Answer {
    let etag = format!("\"{digest}\"");
    let headers = |response: Response<Body>, length: u64| {
        response
            .with(CONTENT_TYPE, media_type::OCTET_STREAM)
            .with(CONTENT_LENGTH, length.to_string())
            .with(CONTENT_DIGEST, digest)
            .with(ACCEPT_RANGES, "bytes")
            .with(ETAG, &etag)
            .with(CACHE_CONTROL, FOREVER)
    };
    let not_modified = reply::not_modified(call, &etag);
    let not_modified = not_modified.map(|response| response.with(CONTENT_DIGEST, digest));
    if call.method == Method::HEAD {
        // Ranges are for GET only.
        let size = shared.driver.blob_size(name, digest).await?;
        let size = size.ok_or_else(Failure::blob_unknown)?;
        return Ok(not_modified.unwrap_or_else(|| headers(reply::empty(StatusCode::OK), size)));
    }
    let blob = shared.driver.open_blob(name, digest).await?;
    let blob = blob.ok_or_else(Failure::blob_unknown)?;
    if let Some(response) = not_modified {
        return Ok(response);
    }
    let size = blob.size();
    let (status, start, length) = match selection(call, &etag, size) {
        Selection::Whole => (StatusCode::OK, 0, size),
        Selection::Part { start, length } => (StatusCode::PARTIAL_CONTENT, start, length),
        Selection::Unsatisfiable => {
            let failure = Failure::new(
                StatusCode::RANGE_NOT_SATISFIABLE,
                ErrorCode::SIZE_INVALID,
                "no byte of the blob is in this range",
            );
            return Err(failure.with_header(CONTENT_RANGE, format!("bytes */{size}")));
        }
    };
    let mut response = Response::new(Body::blob(blob.read(start, length), length));
    *response.status_mut() = status;
    // Whoever opens the address in a browser gets a file, not a page from this origin.
    let response = headers(response, length).with(CONTENT_DISPOSITION, "attachment");
    Ok(match status {
        StatusCode::PARTIAL_CONTENT => {
            let last = start + length - 1;
            response.with(CONTENT_RANGE, format!("bytes {start}-{last}/{size}"))
        }
        _ => response,
    })
}

fn selection(call: &Call, etag: &str, size: u64) -> Selection {
    let changed = call.header(IF_RANGE).is_some_and(|known| known != etag);
    match call.header(RANGE) {
        Some(range) if !changed => select(range, size),
        _ => Selection::Whole,
    }
}

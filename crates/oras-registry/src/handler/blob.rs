//! `/v2/<name>/blobs/<digest>` (distribution-spec, end-2 and end-10).

use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE,
    ETAG, IF_RANGE, RANGE,
};
use http::{Method, Response, StatusCode};
use oras_spec::{Digest, ErrorCode, media_type};

use super::multipart::Multipart;
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
    let headers = |response: Response<Body>, media_type: &str, length: u64| {
        response
            .with(CONTENT_TYPE, media_type)
            .with(CONTENT_LENGTH, length.to_string())
            .with(CONTENT_DIGEST, digest)
            .with_static(ACCEPT_RANGES, "bytes")
            .with(ETAG, &etag)
            .with_static(CACHE_CONTROL, FOREVER)
    };
    let not_modified = reply::not_modified(call, &etag);
    let not_modified = not_modified.map(|response| response.with(CONTENT_DIGEST, digest));
    if call.method == Method::HEAD {
        // Ranges are for GET only.
        let size = shared.driver.blob_size(name, digest).await?;
        let size = size.ok_or_else(Failure::blob_unknown)?;
        let found = || headers(reply::empty(StatusCode::OK), media_type::OCTET_STREAM, size);
        return Ok(not_modified.unwrap_or_else(found));
    }
    let blob = shared.driver.open_blob(name, digest).await?;
    let blob = blob.ok_or_else(Failure::blob_unknown)?;
    if let Some(response) = not_modified {
        return Ok(response);
    }
    let size = blob.size();
    // Whoever opens the address in a browser gets a file, not a page from this origin.
    let answer = |status, body, media_type: &str, length| {
        let response = headers(reply::with_body(status, body), media_type, length);
        response.with_static(CONTENT_DISPOSITION, "attachment")
    };
    match selection(call, &etag, size) {
        Selection::Whole => {
            let body = Body::blob(blob.read(0, size), size);
            Ok(answer(StatusCode::OK, body, media_type::OCTET_STREAM, size))
        }
        Selection::One(part) => {
            let body = Body::blob(blob.read(part.start, part.length), part.length);
            let (status, length) = (StatusCode::PARTIAL_CONTENT, part.length);
            let response = answer(status, body, media_type::OCTET_STREAM, length);
            Ok(response.with(CONTENT_RANGE, part.of(size)))
        }
        Selection::Several(parts) => {
            let mut readers = vec![blob];
            while readers.len() < parts.len() {
                let next = shared.driver.open_blob(name, digest).await?;
                readers.push(next.ok_or_else(Failure::blob_unknown)?);
            }
            let multipart = Multipart::new(&parts, size);
            let length = multipart.length();
            let media_type = multipart.media_type();
            let body = Body::blob(multipart.read(readers), length);
            Ok(answer(
                StatusCode::PARTIAL_CONTENT,
                body,
                &media_type,
                length,
            ))
        }
        Selection::Unsatisfiable => {
            let failure = Failure::new(
                StatusCode::RANGE_NOT_SATISFIABLE,
                ErrorCode::SIZE_INVALID,
                "no byte of the blob is in this range",
            );
            Err(failure.with_header(CONTENT_RANGE, format!("bytes */{size}")))
        }
    }
}

fn selection(call: &Call, etag: &str, size: u64) -> Selection {
    let changed = call.header(IF_RANGE).is_some_and(|known| known != etag);
    match call.header(RANGE) {
        Some(range) if !changed => select(range, size),
        _ => Selection::Whole,
    }
}

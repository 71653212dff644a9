//! `/v2/<name>/manifests/<reference>` (distribution-spec, end-3, end-7 and end-9).

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderName, IF_MATCH, IF_NONE_MATCH, LOCATION,
};
use http::{Method, StatusCode};
use oras_spec::{Algorithm, Digest, ErrorCode, validate_tag};

use super::blob::FOREVER;
use super::manifest_body::{self, invalid};
use super::reply::With as _;
use super::room::SMALL;
use super::{Answer, CONTENT_DIGEST, reply};
use crate::body::Body;
use crate::call::{Call, supported_digest};
use crate::driver::{Condition, Entry, ManifestCommit, PutOutcome, Required, UntagOutcome};
use crate::failure::Failure;
use crate::registry::Shared;

const SUBJECT: HeaderName = HeaderName::from_static("oci-subject");
const TAG: HeaderName = HeaderName::from_static("oci-tag");

/// What a manifest is asked for by.
enum Reference {
    Digest(Digest),
    Tag(String),
}

pub(super) async fn handle(
    shared: &Shared,
    call: &mut Call,
    name: &str,
    reference: &str,
) -> Answer {
    let reference = match reference.contains(':') {
        true => Reference::Digest(supported_digest(reference)?),
        false => Reference::Tag(reference.to_owned()),
    };
    match call.method {
        Method::PUT => put(shared, call, name, reference).await,
        Method::DELETE => delete(shared, call, name, reference).await,
        _ => get(shared, call, name, reference).await,
    }
}

async fn get(shared: &Shared, call: &mut Call, name: &str, reference: Reference) -> Answer {
    let (digest, caching) = match reference {
        Reference::Digest(digest) => (Some(digest), FOREVER),
        Reference::Tag(tag) if validate_tag(&tag).is_err() => (None, ""),
        Reference::Tag(tag) => (shared.driver.resolve_tag(name, &tag).await?, "no-cache"),
    };
    let found = match digest {
        Some(digest) => {
            let manifest = shared.driver.manifest(name, &digest).await?;
            manifest.map(|manifest| (digest, manifest))
        }
        None => None,
    };
    let Some((digest, manifest)) = found else {
        return Err(unknown(shared, name).await);
    };
    let etag = format!("\"{digest}\"");
    if let Some(response) = reply::not_modified(call, &etag) {
        return Ok(response.with(CONTENT_DIGEST, &digest));
    }
    let body = body(shared, name, &digest, manifest.bytes).await?;
    Ok(reply::with_body(StatusCode::OK, body)
        .with(CONTENT_TYPE, &manifest.media_type)
        .with(CONTENT_DIGEST, &digest)
        .with(ETAG, etag)
        .with_static(CACHE_CONTROL, caching))
}

async fn put(shared: &Shared, call: &mut Call, name: &str, reference: Reference) -> Answer {
    let limits = &shared.limits;
    let mut tags: Vec<String> = call.parameters("tag").map(str::to_owned).collect();
    let mut condition = Condition::Always;
    let mut named = None;
    match reference {
        Reference::Digest(digest) => named = Some(digest),
        Reference::Tag(_) if !tags.is_empty() => {
            return Err(invalid("a tag in the path and others in parameters"));
        }
        Reference::Tag(tag) => {
            tags.push(tag);
            condition = condition_of(call);
        }
    }
    if tags.len() > limits.tags_per_request {
        let text = format!("more than {} tags at once", limits.tags_per_request);
        return Err(Failure::new(
            StatusCode::URI_TOO_LONG,
            ErrorCode::MANIFEST_INVALID,
            text,
        ));
    }
    if let Some(bad) = tags.iter().find(|tag| validate_tag(tag).is_err()) {
        let failure = invalid("invalid tag");
        return Err(failure.with_detail(serde_json::json!({ "tag": bad })));
    }

    let received = shared.room.receive(call, limits.manifest_bytes).await?;
    let bytes = received.bytes.clone();
    let algorithm = named.as_ref().and_then(|digest| digest.verifier().ok());
    let digest = Digest::of(algorithm.unwrap_or(Algorithm::Sha256), &bytes);
    if named.is_some_and(|named| named != digest) {
        return Err(Failure::digest_mismatch());
    }
    let condition = match immutable(call, name, &tags) {
        unmoved if unmoved.is_empty() => condition,
        unmoved => keeping(condition, unmoved, &digest),
    };
    let _turn = shared.room.work(bytes.len()).await;
    let (entry, required) = understand(call.header(CONTENT_TYPE), &digest, &bytes).await?;
    let subject = entry.subject.clone();
    let commit = ManifestCommit {
        entry,
        bytes,
        tags: tags.clone(),
        condition: condition.clone(),
        required,
    };
    match shared.driver.put_manifest(name, commit).await? {
        PutOutcome::Stored => shared.metrics.manifests.count(),
        PutOutcome::ConditionFailed => {
            return Err(match condition {
                Condition::Unmoved { tags, .. } => {
                    let pattern = |tag: &String| call.caller.finds_immutable(name, tag);
                    Failure::immutable_tag(tags.iter().filter_map(pattern))
                }
                _ => Failure::condition_failed(),
            });
        }
        PutOutcome::Missing(digests) => {
            let text = "the manifest refers to content that this repository does not have";
            let code = ErrorCode::MANIFEST_BLOB_UNKNOWN;
            return Err(Failure::of_digests(code, text, &digests));
        }
        PutOutcome::WrongSize(digests) => {
            let text = "the manifest gives a wrong size";
            let code = ErrorCode::MANIFEST_INVALID;
            return Err(Failure::of_digests(code, text, &digests));
        }
    }
    let mut response = reply::empty(StatusCode::CREATED)
        .with(LOCATION, format!("/v2/{name}/manifests/{digest}"))
        .with(CONTENT_DIGEST, &digest);
    if let Some(subject) = subject {
        response = response.with(SUBJECT, subject);
    }
    Ok(tags
        .iter()
        .fold(response, |response, tag| response.with(TAG, tag)))
}

/// What a manifest says. Finding out takes long for a large one, during which others want to be served.
async fn understand(
    content_type: Option<&str>,
    digest: &Digest,
    bytes: &Bytes,
) -> Result<(Entry, Vec<Required>), Failure> {
    if bytes.len() <= SMALL {
        return manifest_body::read(content_type, digest, bytes);
    }
    let content_type = content_type.map(str::to_owned);
    let (digest, bytes) = (digest.clone(), bytes.clone());
    let read = move || manifest_body::read(content_type.as_deref(), &digest, &bytes);
    let read = tokio::task::spawn_blocking(read).await;
    read.unwrap_or_else(|_| Err(invalid("reading the manifest was interrupted")))
}

/// The bytes of a manifest. Of large ones a slow client must not keep a copy in memory.
async fn body(shared: &Shared, name: &str, digest: &Digest, bytes: Bytes) -> Result<Body, Failure> {
    if bytes.len() <= SMALL {
        return Ok(bytes.into());
    }
    let size = bytes.len() as u64;
    match shared.driver.open_blob(name, digest).await? {
        Some(blob) if blob.size() == size => Ok(Body::blob(blob.read(0, size), size)),
        _ => Ok(bytes.into()),
    }
}

async fn delete(shared: &Shared, call: &mut Call, name: &str, reference: Reference) -> Answer {
    let outcome = match reference {
        Reference::Digest(digest) => match shared.driver.delete_manifest(name, &digest).await? {
            true => UntagOutcome::Removed,
            false => UntagOutcome::Missing,
        },
        Reference::Tag(tag) if validate_tag(&tag).is_err() => UntagOutcome::Missing,
        Reference::Tag(tag) => {
            let condition = condition_of(call);
            shared.driver.untag(name, &tag, &condition).await?
        }
    };
    match outcome {
        UntagOutcome::Removed => Ok(reply::empty(StatusCode::ACCEPTED)),
        UntagOutcome::Missing => Err(unknown(shared, name).await),
        UntagOutcome::ConditionFailed => Err(Failure::condition_failed()),
    }
}

/// What the headers demand of the tag. An entity tag that no digest is in never matches.
fn condition_of(call: &Call) -> Condition {
    if let Some(header) = call.header(IF_MATCH) {
        if header.trim() == "*" {
            return Condition::Exists;
        }
        let digest = |tag: &str| Digest::parse(tag.strip_prefix('"')?.strip_suffix('"')?).ok();
        return Condition::PointsTo(reply::tags(header).filter_map(digest).collect());
    }
    match call.header(IF_NONE_MATCH).map(str::trim) {
        Some("*") => Condition::Absent,
        _ => Condition::Always,
    }
}

/// The tags among `tags` that can't be made to point to something else.
fn immutable(call: &Call, name: &str, tags: &[String]) -> Vec<String> {
    let immutable = |tag: &&String| call.caller.finds_immutable(name, tag).is_some();
    tags.iter().filter(immutable).cloned().collect()
}

/// Adds to the condition of a request that the tags `unmoved` may come to point to `digest`, but not move to it.
fn keeping(condition: Condition, unmoved: Vec<String>, digest: &Digest) -> Condition {
    let unmoved = || Condition::Unmoved {
        tags: unmoved.clone(),
        digest: digest.clone(),
    };
    match condition {
        // Nothing moves if it was not there.
        Condition::Absent => Condition::Absent,
        // Of what the tag may point to, only the same manifest is left.
        Condition::PointsTo(digests) if digests.contains(digest) => {
            Condition::PointsTo(vec![digest.clone()])
        }
        _ => unmoved(),
    }
}

async fn unknown(shared: &Shared, name: &str) -> Failure {
    match shared.driver.has_repository(name).await {
        Ok(true) => {
            let text = "this repository has no such manifest";
            Failure::new(StatusCode::NOT_FOUND, ErrorCode::MANIFEST_UNKNOWN, text)
        }
        Ok(false) => Failure::name_unknown(),
        Err(error) => error.into(),
    }
}

//! `/v2/<name>/blobs/uploads/`: sessions (distribution-spec, end-4, end-5, end-6, end-11, end-13 and end-14).

use std::str::FromStr;

use http::header::{HeaderName, LOCATION, RANGE, RETRY_AFTER};
use http::{Method, Response, StatusCode};
use oras_spec::{Algorithm, Digest, DigestError, ErrorCode};

use super::chunk::{Announced, announced, receive};
use super::mount::mount;
use super::reply::With as _;
use super::{Answer, CONTENT_DIGEST, reply};
use crate::body::Body;
use crate::call::Call;
use crate::driver::{Commit, UploadWriter};
use crate::failure::Failure;
use crate::id;
use crate::registry::Shared;
use crate::session::Turn;

const UPLOAD_ID: HeaderName = HeaderName::from_static("docker-upload-uuid");
/// Tells zero bytes from one, which `Range` can't.
const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("oci-upload-offset");

/// `POST` on the collection: mounts, takes a whole blob, or opens a session.
pub(super) async fn start(shared: &Shared, call: &mut Call, name: &str) -> Answer {
    let digest = call.digest_parameter("digest")?;
    let mounted = call.digest_parameter("mount")?;
    let algorithm = match call.parameter("digest-algorithm").map(Algorithm::from_str) {
        Some(Ok(algorithm)) if algorithm.creatable() => Some(algorithm),
        Some(_) => return Err(Failure::invalid_digest(DigestError::Unsupported)),
        None => None,
    };
    if let Some(mounted) = &mounted
        && mount(shared, &call.caller, name, mounted, call.parameter("from")).await?
    {
        return Ok(created(name, mounted));
    }

    let named = digest.as_ref().or(mounted.as_ref());
    let algorithm = algorithm.or_else(|| named.and_then(|digest| digest.verifier().ok()));
    // Some clients announce the digest and send the content later.
    let whole = digest.filter(|digest| !call.has_no_body() || is_of_nothing(digest));
    let algorithm = algorithm.unwrap_or(Algorithm::Sha256);
    let id = open(shared, name, algorithm, call.caller.key()).await?;
    let Some(digest) = whole else {
        return Ok(state(reply::empty(StatusCode::ACCEPTED), name, &id, 0));
    };
    let stored = put(shared, call, name, &id, &digest).await;
    if stored.is_err() {
        // Nobody knows this session.
        cancel(shared, name, &id).await?;
    }
    stored
}

/// Any method on a session.
pub(super) async fn handle(shared: &Shared, call: &mut Call, name: &str, id: &str) -> Answer {
    if !shared.sessions.belongs_to(id, &call.caller.key()) {
        return Err(Failure::upload_unknown());
    }
    match call.method {
        Method::PATCH => patch(shared, call, name, id).await,
        Method::PUT => {
            let Some(digest) = call.digest_parameter("digest")? else {
                return Err(Failure::new(
                    StatusCode::BAD_REQUEST,
                    ErrorCode::DIGEST_INVALID,
                    "the parameter digest is missing",
                ));
            };
            put(shared, call, name, id, &digest).await
        }
        Method::DELETE => {
            // Cuts whoever is writing.
            let (_turn, _) = write(shared, name, id).await?;
            match cancel(shared, name, id).await? {
                true => Ok(reply::empty(StatusCode::NO_CONTENT)),
                false => Err(Failure::upload_unknown()),
            }
        }
        _ => {
            let offset = shared.driver.upload_offset(name, id).await?;
            let offset = offset.ok_or_else(Failure::upload_unknown)?;
            Ok(state(
                reply::empty(StatusCode::NO_CONTENT),
                name,
                id,
                offset,
            ))
        }
    }
}

async fn patch(shared: &Shared, call: &mut Call, name: &str, id: &str) -> Answer {
    let announced = announced(call)?;
    let (mut turn, mut writer) = write(shared, name, id).await?;
    fits(announced, name, id, writer.offset())?;
    let received = receive(call, &mut writer, &mut turn, announced, &shared.limits).await;
    // Also what came before the connection broke: the client goes on from there.
    writer.flush().await?;
    received?;
    let accepted = reply::empty(StatusCode::ACCEPTED);
    Ok(state(accepted, name, id, writer.offset()))
}

/// Receives the rest of a blob and makes it one.
async fn put(shared: &Shared, call: &mut Call, name: &str, id: &str, digest: &Digest) -> Answer {
    let announced = announced(call)?;
    let (mut turn, mut writer) = match write(shared, name, id).await {
        // The answer to an earlier attempt got lost.
        Err(_) if shared.sessions.has_become(name, id, digest) => {
            return Ok(created(name, digest));
        }
        writing => writing?,
    };
    fits(announced, name, id, writer.offset())?;
    let received = receive(call, &mut writer, &mut turn, announced, &shared.limits).await;
    if received.is_err() {
        writer.flush().await?;
    }
    received?;
    match writer.commit(digest).await? {
        Commit::Stored => {
            shared.sessions.finish(name, id, digest);
            Ok(created(name, digest))
        }
        Commit::Mismatch => {
            shared.sessions.forget(id);
            Err(Failure::digest_mismatch())
        }
    }
}

/// The right to write to a session that exists.
async fn write(
    shared: &Shared,
    name: &str,
    id: &str,
) -> Result<(Turn, Box<dyn UploadWriter>), Failure> {
    // First, so that no one can fill the table with names of nothing.
    let known = shared.driver.upload_offset(name, id).await?;
    known.ok_or_else(Failure::upload_unknown)?;
    let turn = shared.sessions.take_turn(name, id).await;
    match shared.driver.write_upload(name, id).await? {
        Some(writer) => Ok((turn, writer)),
        None => {
            // Whoever had the turn before ended the session.
            shared.sessions.forget(id);
            Err(Failure::upload_unknown())
        }
    }
}

/// Whether the bytes of a request belong where the session is.
fn fits(announced: Announced, name: &str, id: &str, offset: u64) -> Result<(), Failure> {
    match announced {
        Announced::Next => return Ok(()),
        Announced::At(chunk) if chunk.start == offset => return Ok(()),
        _ => {}
    }
    let failure = Failure::new(
        StatusCode::RANGE_NOT_SATISFIABLE,
        ErrorCode::BLOB_UPLOAD_INVALID,
        format!("the upload goes on at byte {offset}"),
    );
    Err(failure
        .with_header(LOCATION, location(name, id))
        .with_header(RANGE, held(offset))
        .with_header(UPLOAD_OFFSET, offset.to_string()))
}

/// Opens a session, if there are not too many.
async fn open(
    shared: &Shared,
    name: &str,
    algorithm: Algorithm,
    owner: String,
) -> Result<String, Failure> {
    let limits = &shared.limits;
    for (repository, id) in shared.sessions.idle(limits.upload_idle) {
        cancel(shared, &repository, &id).await?;
    }
    let id = id::random();
    let most = (limits.uploads, limits.uploads_per_repository);
    if !shared.sessions.admit(name, &id, owner, most) {
        let failure = Failure::new(
            StatusCode::TOO_MANY_REQUESTS,
            ErrorCode::TOOMANYREQUESTS,
            "too many uploads are open",
        );
        return Err(failure.with_header(RETRY_AFTER, "60"));
    }
    let started = shared.driver.start_upload(name, &id, algorithm).await;
    if started.is_err() {
        shared.sessions.forget(&id);
    }
    started?;
    Ok(id)
}

async fn cancel(shared: &Shared, name: &str, id: &str) -> Result<bool, Failure> {
    let cancelled = shared.driver.cancel_upload(name, id).await?;
    shared.sessions.forget(id);
    Ok(cancelled)
}

fn is_of_nothing(digest: &Digest) -> bool {
    let algorithm = digest.verifier();
    algorithm.is_ok_and(|algorithm| Digest::of(algorithm, b"") == *digest)
}

fn created(name: &str, digest: &Digest) -> Response<Body> {
    reply::empty(StatusCode::CREATED)
        .with(LOCATION, format!("/v2/{name}/blobs/{digest}"))
        .with(CONTENT_DIGEST, digest)
}

/// Adds what a client needs to go on.
fn state(response: Response<Body>, name: &str, id: &str, offset: u64) -> Response<Body> {
    response
        .with(LOCATION, location(name, id))
        .with(RANGE, held(offset))
        .with(UPLOAD_OFFSET, offset.to_string())
        .with(UPLOAD_ID, id)
}

/// Relative, so that it is right behind any proxy.
fn location(name: &str, id: &str) -> String {
    format!("/v2/{name}/blobs/uploads/{id}")
}

fn held(offset: u64) -> String {
    format!("0-{}", offset.saturating_sub(1))
}

//! From a request to the answer: one file for each group of endpoints.

mod base;
mod blob;
mod catalog;
mod chunk;
mod health;
mod manifest;
mod manifest_body;
mod mount;
mod multipart;
mod paging;
mod range;
mod referrer;
mod reply;
mod room;
mod tag;
mod token;
mod upload;

use std::sync::Arc;

use http::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, HOST, HeaderName, HeaderValue, ORIGIN,
    RETRY_AFTER, WARNING,
};
use http::{Method, Request, Response, StatusCode, Version};
use http_body::Body as _;
use oras_spec::ErrorCode;

use self::reply::With as _;
use crate::auth::Refusal;
use crate::body::{Body, RequestBody};
use crate::call::Call;
use crate::failure::Failure;
use crate::metrics::{AuthMethod, AuthResult, Endpoint};
use crate::registry::Shared;
use crate::route::{self, Route, RouteError};

pub(crate) use self::health::{Probe, Readiness};
pub(crate) use self::room::Room;

/// What a handler returns.
type Answer = Result<Response<Body>, Failure>;

const API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const CONTENT_TYPE_OPTIONS: HeaderName = HeaderName::from_static("x-content-type-options");

/// Answers a request.
pub(crate) async fn respond(
    shared: &Arc<Shared>,
    request: Request<RequestBody>,
    readiness: Readiness,
) -> Response<Body> {
    let closable = request.version() <= Version::HTTP_11;
    let (path, mut call) = Call::new(shared, request);
    let answer = dispatch(shared, &path, &mut call, readiness).await;
    let mut response = answer.unwrap_or_else(Failure::into_response);
    finish(shared, &call, &mut response);
    if !call.drain().await && closable {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, close);
    }
    let id = response.headers().get(REQUEST_ID);
    let id = id.and_then(|id| id.to_str().ok());
    call.exchange.answered(call.caller.user(), id);
    let status = response.status();
    response.map(|body| body.ends(status, call.exchange))
}

async fn dispatch(shared: &Shared, path: &str, call: &mut Call, readiness: Readiness) -> Answer {
    let reading = matches!(call.method, Method::GET | Method::HEAD);
    if let Some(endpoint) = health::endpoint(shared, path).filter(|_| reading) {
        call.exchange.is_for(endpoint);
        return health::get(shared, call, path, readiness).await;
    }
    bounded(shared, call)?;
    if let Some(page) = &shared.page
        && let Some(response) = page.answer(shared, path, call).await
    {
        call.exchange.is_for(Endpoint::Page);
        return Ok(response);
    }
    if path == "/" && reading {
        call.exchange.is_for(Endpoint::Page);
        return Ok(base::root());
    }
    let route = route::parse(path).map_err(|error| match error {
        RouteError::Unknown => unknown_endpoint(),
        RouteError::InvalidName => Failure::new(
            StatusCode::BAD_REQUEST,
            ErrorCode::NAME_INVALID,
            error.to_string(),
        ),
    })?;
    call.exchange.is_for_route(&route);
    let allowed = match shared.read_only {
        true => allowed_to_read(&route),
        false => allowed(&route),
    };
    if call.method == Method::OPTIONS {
        return Ok(reply::empty(StatusCode::NO_CONTENT).with(ALLOW, allowed));
    }
    if !allowed.split(", ").any(|name| name == call.method.as_str()) {
        let text = match shared.read_only {
            true => "this registry is read-only",
            false => "this endpoint does not have this method",
        };
        let failure = Failure::new(StatusCode::METHOD_NOT_ALLOWED, ErrorCode::UNSUPPORTED, text);
        let failure = failure.with_header(ALLOW, allowed);
        return Err(match shared.read_only {
            true => failure.with_header(WARNING, "299 - \"this registry is read-only\""),
            false => failure,
        });
    }
    not_from_elsewhere(call)?;
    if let Some(gate) = &shared.gate
        && route != Route::Token
    {
        let visitor = gate.visitor(call);
        let (method, client) = (visitor.method(), visitor.client());
        let identified = gate.identify(&visitor).await;
        let refused = identified.as_ref().err().copied();
        let known = identified.as_ref().map_err(|refusal| *refusal);
        let admitted = gate.admit(call, &route, &visitor.origin, known);
        let result = match (refused, &admitted) {
            (None, Ok(_)) => AuthResult::Accepted,
            (None, Err(_)) => AuthResult::Denied,
            (Some(Refusal::Busy), _) => AuthResult::Throttled,
            (Some(_), _) => AuthResult::Rejected,
        };
        shared.metrics.authenticated(method, result);
        call.exchange.is_from(client);
        // Also who is not admitted is named in the access log.
        call.caller = identified.unwrap_or_default();
        admitted?;
    }
    let answer = serve(shared, call, &route).await;
    answer.map_err(|failure| failure.about(&route))
}

/// Answers who may ask for it.
async fn serve(shared: &Shared, call: &mut Call, route: &Route) -> Answer {
    match route {
        Route::Base => Ok(base::ping()),
        Route::Token => {
            let answer = token::handle(shared, call).await;
            let status = match &answer {
                Ok(response) => response.status(),
                Err(failure) => failure.status(),
            };
            let result = match status {
                StatusCode::OK => AuthResult::Accepted,
                StatusCode::TOO_MANY_REQUESTS => AuthResult::Throttled,
                _ => AuthResult::Rejected,
            };
            shared.metrics.authenticated(AuthMethod::Token, result);
            answer
        }
        Route::Catalog => catalog::list(shared, call).await,
        Route::Tags { name } => tag::list(shared, call, name).await,
        Route::Referrers { name, digest } => referrer::list(shared, call, name, digest).await,
        Route::Blob { name, digest } => blob::handle(shared, call, name, digest).await,
        Route::Uploads { name } => upload::start(shared, call, name).await,
        Route::Upload { name, session } => upload::handle(shared, call, name, session).await,
        Route::Manifest { name, reference } => {
            manifest::handle(shared, call, name, reference).await
        }
    }
}

fn unknown_endpoint() -> Failure {
    let text = RouteError::Unknown.to_string();
    Failure::new(StatusCode::NOT_FOUND, ErrorCode::UNSUPPORTED, text)
}

/// Whether there is room for one more request, and for one like this.
fn bounded(shared: &Shared, call: &Call) -> Result<(), Failure> {
    if call.exchange.in_flight() > shared.limits.requests {
        let code = ErrorCode::TOOMANYREQUESTS;
        let text = "too many requests at once";
        let failure = Failure::new(StatusCode::SERVICE_UNAVAILABLE, code, text);
        return Err(failure.with_header(RETRY_AFTER, "1"));
    }
    if call.headers.get_all(HOST).iter().nth(1).is_some() {
        // A proxy may have looked at the other one (RFC 9112, section 3.2).
        let text = "more than one Host";
        let code = ErrorCode::UNSUPPORTED;
        return Err(Failure::new(StatusCode::BAD_REQUEST, code, text));
    }
    if call.uri_bytes > shared.limits.uri_bytes {
        let code = ErrorCode::UNSUPPORTED;
        let text = "the path with its query is too long";
        return Err(Failure::new(StatusCode::URI_TOO_LONG, code, text));
    }
    Ok(())
}

fn allowed_to_read(route: &Route) -> &'static str {
    match route {
        Route::Uploads { .. } => "",
        // Nothing is stored for a token.
        Route::Token => allowed(route),
        _ => "GET, HEAD",
    }
}

/// Refuses changes that a page of another site makes a browser ask for, with the rights of whoever sits before it.
///
/// Only browsers say where a request comes from.
fn not_from_elsewhere(call: &Call) -> Result<(), Failure> {
    let Some(origin) = call.headers.get(ORIGIN) else {
        return Ok(());
    };
    let authority = origin
        .to_str()
        .ok()
        .and_then(|origin| origin.split_once("://"));
    let same = authority.is_some_and(|(_, authority)| call.host.as_deref() == Some(authority));
    if same || call.method.is_safe() {
        return Ok(());
    }
    let text = "pages of other sites can't change anything here";
    Err(Failure::new(StatusCode::FORBIDDEN, ErrorCode::DENIED, text))
}

fn allowed(route: &Route) -> &'static str {
    match route {
        Route::Base | Route::Catalog | Route::Tags { .. } | Route::Referrers { .. } => "GET, HEAD",
        Route::Token => "GET, POST",
        Route::Blob { .. } => "GET, HEAD, DELETE",
        Route::Uploads { .. } => "POST",
        Route::Upload { .. } => "GET, HEAD, PATCH, PUT, DELETE",
        Route::Manifest { .. } => "GET, HEAD, PUT, DELETE",
    }
}

/// What all answers have in common.
fn finish(shared: &Shared, call: &Call, response: &mut Response<Body>) {
    let bodiless = matches!(
        response.status(),
        StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
    );
    if !bodiless && !response.headers().contains_key(CONTENT_LENGTH) {
        let length = response.body().size_hint().exact().unwrap_or_default();
        let value = HeaderValue::from(length);
        response.headers_mut().insert(CONTENT_LENGTH, value);
    }
    if call.method == Method::HEAD || bodiless {
        *response.body_mut() = Body::empty();
    }
    let headers = response.headers_mut();
    let public = headers.get(CACHE_CONTROL).map(HeaderValue::as_bytes);
    let kept = |caching: &&[u8]| shared.gate.is_some() && *caching != b"no-store";
    if let Some(public) = public.filter(kept) {
        // A shared cache must not give it to somebody else.
        let private = [b"private, ", public].concat();
        if let Ok(private) = HeaderValue::from_bytes(&private) {
            headers.insert(CACHE_CONTROL, private);
        }
    }
    headers.insert(API_VERSION, HeaderValue::from_static("registry/2.0"));
    headers.insert(CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let sane = |id: &&HeaderValue| {
        let bytes = id.as_bytes();
        bytes.len() <= 128 && bytes.iter().all(u8::is_ascii_graphic)
    };
    let id = call.headers.get(REQUEST_ID).filter(sane).cloned();
    let id = id.or_else(|| HeaderValue::try_from(shared.request_ids.next()).ok());
    if let Some(id) = id {
        headers.insert(REQUEST_ID, id);
    }
}

//! From a request to the answer: one file for each group of endpoints.

mod base;
mod blob;
mod catalog;
mod chunk;
mod manifest;
mod manifest_body;
mod mount;
mod paging;
mod range;
mod referrer;
mod reply;
mod tag;
mod token;
mod upload;

use http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body::Body as _;
use oras_spec::ErrorCode;

use self::reply::With as _;
use crate::body::{Body, RequestBody};
use crate::call::Call;
use crate::failure::Failure;
use crate::id;
use crate::registry::Shared;
use crate::route::{self, Route, RouteError};

/// What a handler returns.
type Answer = Result<Response<Body>, Failure>;

const API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const CONTENT_TYPE_OPTIONS: HeaderName = HeaderName::from_static("x-content-type-options");

/// Answers a request.
pub(crate) async fn respond(shared: &Shared, request: Request<RequestBody>) -> Response<Body> {
    let (path, mut call) = Call::new(request);
    let answer = dispatch(shared, &path, &mut call).await;
    let mut response = answer.unwrap_or_else(Failure::into_response);
    finish(shared, &call, &mut response);
    call.drain().await;
    response
}

async fn dispatch(shared: &Shared, path: &str, call: &mut Call) -> Answer {
    if let Some(page) = &shared.page
        && let Some(response) = page.answer(shared, path, call).await
    {
        return Ok(response);
    }
    if path == "/" && matches!(call.method, Method::GET | Method::HEAD) {
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
    let allowed = allowed(&route);
    if call.method == Method::OPTIONS {
        return Ok(reply::empty(StatusCode::NO_CONTENT).with(ALLOW, allowed));
    }
    if !allowed.split(", ").any(|name| name == call.method.as_str()) {
        let text = "this endpoint does not have this method";
        let failure = Failure::new(StatusCode::METHOD_NOT_ALLOWED, ErrorCode::UNSUPPORTED, text);
        return Err(failure.with_header(ALLOW, allowed));
    }
    if let Some(gate) = &shared.gate
        && route != Route::Token
    {
        let visitor = gate.visitor(call);
        let identified = gate.identify(&visitor).await;
        call.caller = gate.admit(call, &route, &visitor.origin, identified)?;
    }
    match route {
        Route::Base => Ok(base::ping()),
        Route::Token => token::handle(shared, call).await,
        Route::Catalog => catalog::list(shared, call).await,
        Route::Tags { name } => tag::list(shared, call, &name).await,
        Route::Referrers { name, digest } => referrer::list(shared, call, &name, &digest).await,
        Route::Blob { name, digest } => blob::handle(shared, call, &name, &digest).await,
        Route::Uploads { name } => upload::start(shared, call, &name).await,
        Route::Upload { name, session } => upload::handle(shared, call, &name, &session).await,
        Route::Manifest { name, reference } => {
            manifest::handle(shared, call, &name, &reference).await
        }
    }
}

fn unknown_endpoint() -> Failure {
    let text = RouteError::Unknown.to_string();
    Failure::new(StatusCode::NOT_FOUND, ErrorCode::UNSUPPORTED, text)
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
    let id = id.or_else(|| HeaderValue::from_str(&id::random()).ok());
    if let Some(id) = id {
        headers.insert(REQUEST_ID, id);
    }
}

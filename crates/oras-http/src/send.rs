//! A request on its way: redirects around exchanges around attempts.

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::header::{CONTENT_LENGTH, PROXY_AUTHORIZATION};
use http::{HeaderMap, Method, StatusCode, Uri};
use hyper::body::Incoming;
use tokio::time::Instant;
use url::Url;

use crate::body::ByteStream;
use crate::cause;
use crate::client::Inner;
use crate::error::{Error, ErrorKind};
use crate::hop::{Heads, Hop};
use crate::origin::Origin;
use crate::redact;
use crate::request::{Redirect, Request};
use crate::response::{Download, Response};
use crate::retry::RetryNotice;
use crate::trace::{self, RequestHead, ResponseHead, Trace, TracedBody};
use crate::upload;

const MAX_REDIRECTS: u32 = 10;

type Answer = http::Response<Incoming>;

impl Inner {
    pub(crate) async fn send(&self, request: Request) -> Result<Response, Error> {
        let follows = request.redirect == Redirect::Follow;
        let requested = check(&request).map_err(|error| error.at(&request.method, &request.url))?;
        let mut hop = Hop::first(request);
        let mut redirects = 0;
        loop {
            let failed = |error: Error| error.at(&hop.method, &hop.url);
            let response = self.exchange(&hop, &requested).await.map_err(failed)?;
            if !follows {
                return Ok(response);
            }
            let Some(next) = hop
                .redirected(response.status, &response.headers)
                .map_err(failed)?
            else {
                return Ok(response);
            };
            redirects += 1;
            if redirects > MAX_REDIRECTS {
                let words = format!("stopped after {MAX_REDIRECTS} redirects");
                return Err(Error::new(ErrorKind::Redirect, words).at(&next.method, &next.url));
            }
            response.drain().await;
            hop = next;
        }
    }

    /// One hop, as an observer sees it: whatever it takes to get one answer.
    async fn exchange(&self, hop: &Hop, requested: &Origin) -> Result<Response, Error> {
        let Heads { mut wire, shown } = hop.heads(self)?;
        let uri = uri_of(&hop.url)?;
        if let Some(authorization) = self.proxies.authorization(&uri) {
            wire.insert(PROXY_AUTHORIZATION, authorization);
        }
        let observer = self.trace.as_deref().map(|trace| {
            let url = redact::url(&hop.url);
            (
                trace,
                trace.request(&RequestHead {
                    method: &hop.method,
                    url: &url,
                    headers: &shown,
                }),
            )
        });
        let answer = match self.attempts(hop, &uri, &wire).await {
            Ok(answer) => answer,
            Err(error) => {
                if let Some((trace, id)) = observer {
                    trace.failure(id, error.cause());
                }
                return Err(error);
            }
        };
        let (head, body) = answer.into_parts();
        let mut body = Download::new(body, self.timeouts.idle).boxed();
        if let Some((trace, id)) = observer {
            body = report(trace, id, &hop.method, head.status, &head.headers, body).await;
        }
        Ok(Response {
            status: head.status,
            headers: head.headers,
            url: hop.url.clone(),
            requested: requested.clone(),
            method: hop.method.clone(),
            body,
        })
    }

    /// Sends until an answer is final or the retries are used up.
    async fn attempts(&self, hop: &Hop, uri: &Uri, headers: &HeaderMap) -> Result<Answer, Error> {
        let started = Instant::now();
        let mut retries = 0;
        loop {
            let outcome = self.attempt(hop, uri, headers).await;
            let (wait, cause) = match &outcome {
                Ok(answer) => (
                    self.retry
                        .wait_for(answer.status(), answer.headers(), retries),
                    answer.status().to_string(),
                ),
                Err(error) if error.is_retryable() => {
                    (Some(self.retry.backoff(retries)), error.cause().to_owned())
                }
                Err(_) => return outcome,
            };
            let Some(wait) = wait else { return outcome };
            let too_late = started.elapsed().saturating_add(wait) > self.retry.budget;
            if retries >= self.retry.max_retries || too_late || !hop.body.replayable() {
                return outcome;
            }
            // Closes the connection of a refused upload instead of pushing the rest of it through.
            drop(outcome);
            retries += 1;
            let request = format!("{} {}", hop.method, redact::url(&hop.url));
            let notice = RetryNotice {
                attempt: retries,
                wait,
                cause,
                request,
            };
            tracing::debug!(?notice, "the request failed and is sent again");
            if let Some(hook) = &self.on_retry {
                (hook.0)(&notice);
            }
            tokio::time::sleep(wait).await;
        }
    }

    async fn attempt(&self, hop: &Hop, uri: &Uri, headers: &HeaderMap) -> Result<Answer, Error> {
        let (body, mut watch) = upload::start(&hop.body).await.map_err(Error::body)?;
        let mut request = http::Request::new(body);
        *request.method_mut() = hop.method.clone();
        *request.uri_mut() = uri.clone();
        *request.headers_mut() = headers.clone();
        let outcome = tokio::select! {
            outcome = self.pool.request(request) => outcome,
            words = watch.stalled(&self.timeouts) => return Err(Error::new(ErrorKind::Timeout, words)),
        };
        outcome.map_err(|error| match watch.take_failure() {
            Some(failure) => Error::body(failure),
            None => cause::of_exchange(error),
        })
    }
}

/// Shows a response to the observer; gives back a body that still delivers all of it.
async fn report(
    trace: &dyn Trace,
    id: u64,
    method: &Method,
    status: StatusCode,
    headers: &HeaderMap,
    body: ByteStream,
) -> ByteStream {
    let shown = redact::headers(headers);
    if !trace.wants_body() {
        trace.response(
            id,
            &ResponseHead {
                status,
                headers: &shown,
                body: TracedBody::NotCaptured,
            },
        );
        return body;
    }
    let is_bodiless = *method == Method::HEAD
        || matches!(status.as_u16(), 204 | 304)
        || headers
            .get(CONTENT_LENGTH)
            .is_some_and(|length| length == "0");
    let (captured, body) = trace::capture(headers, !is_bodiless, body).await;
    trace.response(
        id,
        &ResponseHead {
            status,
            headers: &shown,
            body: captured.as_traced(),
        },
    );
    body
}

/// What can be said about a request before it is sent.
fn check(request: &Request) -> Result<Origin, Error> {
    if let Some(defect) = &request.defect {
        return Err(Error::new(ErrorKind::InvalidRequest, defect.as_str()));
    }
    let scheme = request.url.scheme();
    if !matches!(scheme, "http" | "https") {
        let words = format!("unsupported protocol scheme {scheme:?}");
        return Err(Error::new(ErrorKind::InvalidRequest, words));
    }
    Origin::of(&request.url)
        .ok_or_else(|| Error::new(ErrorKind::InvalidRequest, "http: no Host in request URL"))
}

fn uri_of(url: &Url) -> Result<Uri, Error> {
    Uri::from_maybe_shared(Bytes::copy_from_slice(url.as_str().as_bytes())).map_err(|error| {
        Error::new(ErrorKind::InvalidRequest, error.to_string()).with_source(error)
    })
}

//! `/livez`, `/healthz`, `/readyz` and `/metrics`: for whoever runs the registry, not for its clients.

use std::time::{Duration, Instant};

use http::header::{CACHE_CONTROL, RETRY_AFTER};
use http::{Response, StatusCode};
use serde::Serialize;
use tokio::sync::Mutex;

use super::reply::With as _;
use super::{Answer, reply};
use crate::body::Body;
use crate::call::Call;
use crate::driver::DriverError;
use crate::metrics::{Endpoint, Format, Gauges};
use crate::registry::Shared;

/// How long an answer of the storage holds.
const PROBE_HOLDS: Duration = Duration::from_secs(5);
/// How long the storage may take to answer.
const PROBE_TIME: Duration = Duration::from_secs(5);

/// Whether the server a request came through wants more of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readiness {
    Serving,
    /// It is about to stop.
    Draining,
}

/// What the storage said when it was asked last: what is wrong with it, if anything.
#[derive(Default)]
pub(crate) struct Probe(Mutex<Option<(Instant, Option<String>)>>);

impl Probe {
    async fn problem(&self, shared: &Shared) -> Option<String> {
        let mut last = self.0.lock().await;
        if let Some((at, problem)) = &*last
            && at.elapsed() < PROBE_HOLDS
        {
            return problem.clone();
        }
        let problem = match tokio::time::timeout(PROBE_TIME, probe(shared)).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(format!("storage: {error}")),
            Err(_) => Some("storage: no answer".to_owned()),
        };
        *last = Some((Instant::now(), problem.clone()));
        problem
    }
}

async fn probe(shared: &Shared) -> Result<(), DriverError> {
    match shared.read_only {
        true => shared.driver.has_repository("readyz").await.map(drop),
        false => shared.driver.can_upload().await,
    }
}

#[derive(Serialize)]
struct Ready {
    ready: bool,
    reasons: Vec<String>,
}

/// The endpoint at `path`, if it is one of these.
pub(super) fn endpoint(shared: &Shared, path: &str) -> Option<Endpoint> {
    match path {
        "/livez" | "/healthz" | "/readyz" => Some(Endpoint::Health),
        "/metrics" if !shared.metrics_hidden => Some(Endpoint::Metrics),
        _ => None,
    }
}

/// Answers `GET` on one of these.
pub(super) async fn get(
    shared: &Shared,
    call: &mut Call,
    path: &str,
    readiness: Readiness,
) -> Answer {
    let response = match path {
        "/readyz" => ready(shared, readiness).await?,
        "/metrics" => metrics(shared, call),
        _ => reply::bytes("text/plain; charset=utf-8", "ok\n"),
    };
    Ok(response.with(CACHE_CONTROL, "no-store"))
}

async fn ready(shared: &Shared, readiness: Readiness) -> Answer {
    let mut reasons: Vec<String> = shared.probe.problem(shared).await.into_iter().collect();
    if readiness == Readiness::Draining {
        reasons.push("draining".to_owned());
    }
    let ready = reasons.is_empty();
    let mut response = reply::json("application/json", &Ready { ready, reasons })?;
    if !ready {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        response = response.with(RETRY_AFTER, "5");
    }
    Ok(response)
}

fn metrics(shared: &Shared, call: &Call) -> Response<Body> {
    let format = Format::accepted(call.header(http::header::ACCEPT));
    let gauges = Gauges {
        uploads: shared.sessions.open(),
        connections: shared.slots.open(),
    };
    reply::bytes(format.content_type(), shared.metrics.text(format, &gauges))
}

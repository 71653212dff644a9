//! Numbers about what the registry does, for monitoring.
//!
//! Everything is an atomic counter in a table of fixed size: no label is ever made of what a client sends.

mod label;
mod text;

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use http::{Method, StatusCode};

pub(crate) use label::{AuthMethod, AuthResult, Endpoint};
pub(crate) use text::{Format, Gauges};

/// Upper bounds of the classes of durations, in microseconds.
const BOUNDS: [u64; 12] = [
    100,
    500,
    1_000,
    5_000,
    10_000,
    50_000,
    100_000,
    500_000,
    1_000_000,
    10_000_000,
    60_000_000,
    600_000_000,
];

const METHODS: usize = label::METHODS.len();
const ENDPOINTS: usize = Endpoint::ALL.len();
/// One more for all others.
const CODES: usize = label::CODES.len() + 1;
const AUTH: usize = AuthMethod::ALL.len() * AuthResult::ALL.len();

/// All counters of one registry.
pub(crate) struct Metrics {
    requests: Box<[AtomicU64]>,
    endpoints: [OfEndpoint; ENDPOINTS],
    in_flight: AtomicI64,
    auth: [AtomicU64; AUTH],
    /// Manifests that were stored.
    pub(crate) manifests: Counter,
    /// Connections that were turned away because there were too many.
    pub(crate) refused_connections: Counter,
    /// Handshakes that failed or took too long.
    pub(crate) failed_handshakes: Counter,
    /// Certificates that were to be loaded again and could not be.
    pub(crate) failed_reloads: Counter,
}

/// A number that only grows.
#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn count(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

#[derive(Default)]
struct OfEndpoint {
    first_byte: Durations,
    whole: Durations,
    received: AtomicU64,
    sent: AtomicU64,
}

#[derive(Default)]
struct Durations {
    classes: [AtomicU64; BOUNDS.len() + 1],
    micros: AtomicU64,
}

impl Durations {
    fn add(&self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let class = BOUNDS.partition_point(|bound| *bound < micros);
        self.classes[class].fetch_add(1, Relaxed);
        self.micros.fetch_add(micros, Relaxed);
    }
}

/// What is known about a request when it is over.
pub(crate) struct Finished<'a> {
    pub(crate) method: &'a Method,
    pub(crate) endpoint: Endpoint,
    pub(crate) status: StatusCode,
    /// Time to the head of the answer, if there was one.
    pub(crate) first_byte: Option<Duration>,
    pub(crate) whole: Duration,
    /// Bytes of the bodies.
    pub(crate) received: u64,
    pub(crate) sent: u64,
}

impl Default for Metrics {
    fn default() -> Self {
        let zeros = || AtomicU64::new(0);
        Self {
            requests: (0..METHODS * ENDPOINTS * CODES).map(|_| zeros()).collect(),
            endpoints: Default::default(),
            in_flight: AtomicI64::new(0),
            auth: Default::default(),
            manifests: Counter::default(),
            refused_connections: Counter::default(),
            failed_handshakes: Counter::default(),
            failed_reloads: Counter::default(),
        }
    }
}

impl Metrics {
    /// Takes note of a request that begins, and says how many there are with it.
    pub(crate) fn begin(&self) -> usize {
        let before = self.in_flight.fetch_add(1, Relaxed);
        usize::try_from(before.saturating_add(1)).unwrap_or_default()
    }

    /// Takes note of a request that is over.
    pub(crate) fn finish(&self, finished: &Finished<'_>) {
        self.in_flight.fetch_sub(1, Relaxed);
        let method = label::method(finished.method);
        let at = position(method, finished.endpoint, label::code(finished.status));
        self.requests[at].fetch_add(1, Relaxed);
        let endpoint = &self.endpoints[finished.endpoint as usize];
        if let Some(first_byte) = finished.first_byte {
            endpoint.first_byte.add(first_byte);
        }
        endpoint.whole.add(finished.whole);
        endpoint.received.fetch_add(finished.received, Relaxed);
        endpoint.sent.fetch_add(finished.sent, Relaxed);
    }

    /// Takes note of somebody who said who they are, or did not.
    pub(crate) fn authenticated(&self, method: AuthMethod, result: AuthResult) {
        self.auth[method as usize * AuthResult::ALL.len() + result as usize].fetch_add(1, Relaxed);
    }
}

/// Where in the table of requests.
fn position(method: usize, endpoint: Endpoint, code: usize) -> usize {
    (method * ENDPOINTS + endpoint as usize) * CODES + code
}

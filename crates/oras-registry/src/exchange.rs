//! One request and its answer, from the first byte to the last: what metrics and access log need to know.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use http::{Method, StatusCode, Version, request};

use crate::metrics::{Endpoint, Finished};
use crate::observe::{self, Access};
use crate::peer::Peer;
use crate::registry::Shared;
use crate::route::Route;

/// Travels with the request, then with the body of its answer. When it is dropped, the exchange is over, however that
/// came about: so nothing is ever forgotten.
pub(crate) struct Exchange {
    shared: Arc<Shared>,
    method: Method,
    started: Instant,
    endpoint: Endpoint,
    received: u64,
    sent: u64,
    outcome: Outcome,
    first_byte: Option<Duration>,
    /// How many requests are being answered, with this one.
    in_flight: usize,
    /// Only if somebody wants to see it.
    entry: Option<Box<Access>>,
}

enum Outcome {
    /// No answer yet, or not all of it.
    Open,
    Answered(StatusCode),
    Failed,
}

impl Exchange {
    pub(crate) fn begin(shared: &Arc<Shared>, request: &request::Parts) -> Self {
        let entry = shared.observer.as_ref().map(|_| Box::new(entry(request)));
        Self {
            shared: Arc::clone(shared),
            method: request.method.clone(),
            started: Instant::now(),
            endpoint: Endpoint::Other,
            received: 0,
            sent: 0,
            outcome: Outcome::Open,
            first_byte: None,
            in_flight: shared.metrics.begin(),
            entry,
        }
    }

    /// How many requests are being answered, with this one.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// What it is for.
    pub(crate) fn is_for(&mut self, endpoint: Endpoint) {
        self.endpoint = endpoint;
    }

    /// What it is for, and the repository and what of it the path names.
    pub(crate) fn is_for_route(&mut self, route: &Route) {
        self.endpoint = Endpoint::from(route);
        let Some(entry) = &mut self.entry else { return };
        let (repository, reference) = match route {
            Route::Base | Route::Token | Route::Catalog => return,
            Route::Tags { name } | Route::Uploads { name } => (name, None),
            Route::Manifest { name, reference } => (name, Some(reference)),
            Route::Blob { name, digest } | Route::Referrers { name, digest } => {
                (name, Some(digest))
            }
            Route::Upload { name, session } => (name, Some(session)),
        };
        entry.repository = Some(repository.clone());
        entry.reference = reference.map(|text| observe::cut(text.clone()));
    }

    /// The client behind a proxy that is believed.
    pub(crate) fn is_from(&mut self, client: Option<IpAddr>) {
        if let (Some(entry), Some(client)) = (&mut self.entry, client) {
            entry.remote = Some(client);
        }
    }

    pub(crate) fn received(&mut self, bytes: usize) {
        self.received += bytes as u64;
    }

    pub(crate) fn sent(&mut self, bytes: usize) {
        self.sent += bytes as u64;
    }

    /// The head of the answer is there.
    pub(crate) fn answered(&mut self, user: Option<&str>, request_id: Option<&str>) {
        self.first_byte = Some(self.started.elapsed());
        if let Some(entry) = &mut self.entry {
            entry.user = user.map(str::to_owned);
            entry.request_id = request_id.unwrap_or_default().to_owned();
        }
    }

    /// All of the answer has been taken.
    pub(crate) fn complete(&mut self, status: StatusCode) {
        self.outcome = Outcome::Answered(status);
    }

    /// The answer broke off, and that is our fault.
    pub(crate) fn fail(&mut self) {
        self.outcome = Outcome::Failed;
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let duration = self.started.elapsed();
        // What nobody ever sees on the wire; a status for logs only.
        let gone = StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST);
        let status = match self.outcome {
            Outcome::Open => gone,
            Outcome::Answered(status) => status,
            Outcome::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        };
        self.shared.metrics.finish(&Finished {
            method: &self.method,
            endpoint: self.endpoint,
            status,
            first_byte: self.first_byte,
            whole: duration,
            received: self.received,
            sent: self.sent,
        });
        if let (Some(mut entry), Some(observer)) = (self.entry.take(), &self.shared.observer) {
            entry.route = self.endpoint.name();
            entry.status = status.as_u16();
            entry.bytes_in = self.received;
            entry.bytes_out = self.sent;
            entry.first_byte = self.first_byte;
            entry.duration = duration;
            observer.access(&entry);
        }
    }
}

/// What is known of a request at its begin.
fn entry(request: &request::Parts) -> Access {
    let peer = request.extensions.get::<Peer>();
    let user_agent = request.headers.get(http::header::USER_AGENT);
    let user_agent = user_agent.map(|text| String::from_utf8_lossy(text.as_bytes()).into_owned());
    Access {
        time: SystemTime::now(),
        request_id: String::new(),
        remote: peer.and_then(|peer| peer.addr).map(|addr| addr.ip()),
        user: None,
        method: request.method.as_str().to_owned(),
        path: observe::path(&request.uri),
        route: Endpoint::Other.name(),
        repository: None,
        reference: None,
        status: 0,
        bytes_in: 0,
        bytes_out: 0,
        first_byte: None,
        duration: Duration::ZERO,
        user_agent: user_agent.map(observe::cut),
        protocol: match request.version {
            Version::HTTP_10 => "HTTP/1.0",
            Version::HTTP_2 => "HTTP/2.0",
            _ => "HTTP/1.1",
        },
        tls: peer.is_some_and(|peer| peer.tls),
    }
}

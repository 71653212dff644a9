//! What a registry refuses to take.

use std::time::Duration;

use serde::Deserialize;

use crate::pace::Pace;
use crate::quantity;

/// What a registry refuses to take.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Limits {
    /// Size of a manifest, in bytes: 4 MiB unless told.
    #[serde(rename = "manifest", deserialize_with = "quantity::size")]
    pub manifest_bytes: u64,
    /// Size of a blob, in bytes: no limit unless told.
    #[serde(rename = "blob", deserialize_with = "quantity::size")]
    pub blob_bytes: u64,
    /// Tags that one request can set: 64 unless told.
    #[serde(deserialize_with = "quantity::count")]
    pub tags_per_request: usize,
    /// Upload sessions that are open at once: 10,000 unless told.
    #[serde(deserialize_with = "quantity::count")]
    pub uploads: usize,
    /// Upload sessions of one repository that are open at once: 1,000 unless told.
    #[serde(deserialize_with = "quantity::count")]
    pub uploads_per_repository: usize,
    /// How long an upload session lives when nobody writes to it: a day unless told.
    #[serde(deserialize_with = "quantity::duration")]
    pub upload_idle: Duration,
    /// How long a request may be silent before its body has ended, and a client before it takes more of an answer: a
    /// minute unless told.
    #[serde(deserialize_with = "quantity::duration")]
    pub body_idle: Duration,
    /// How fast a body has to come and an answer has to be taken on average, in bytes a second: 1 KiB unless told.
    #[serde(deserialize_with = "quantity::size")]
    pub least_rate: u64,
    /// Over how much waiting that average is taken: a minute unless told.
    #[serde(deserialize_with = "quantity::duration")]
    pub rate_window: Duration,
    /// How long the head of a request may take, and a TLS handshake: 10 seconds unless told.
    #[serde(deserialize_with = "quantity::duration")]
    pub head_time: Duration,
    /// How long a connection may wait for its next request: two minutes unless told, which is longer than common load
    /// balancers keep theirs.
    #[serde(deserialize_with = "quantity::duration")]
    pub keep_alive: Duration,
    /// Length of a request's path with its query, in bytes: 16 KiB unless told.
    #[serde(rename = "uri", deserialize_with = "quantity::length")]
    pub uri_bytes: usize,
    /// Requests that are being answered at once: 4,096 unless told.
    #[serde(deserialize_with = "quantity::count")]
    pub requests: usize,
    /// Connections that are open at once: 4,096 unless told.
    #[serde(deserialize_with = "quantity::count")]
    pub connections: usize,
    /// Connections of one client address (of IPv6 the first 64 bits) that are open at once: 1,024 unless told. Behind a
    /// proxy all come from the proxy's.
    #[serde(deserialize_with = "quantity::count")]
    pub connections_per_address: usize,
}

impl Limits {
    /// What bodies and answers have to keep up with.
    pub(crate) fn pace(&self) -> Pace {
        Pace::new(self.body_idle, self.least_rate, self.rate_window)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            manifest_bytes: 4 * 1024 * 1024,
            blob_bytes: u64::MAX,
            tags_per_request: 64,
            uploads: 10_000,
            uploads_per_repository: 1_000,
            upload_idle: Duration::from_secs(24 * 60 * 60),
            body_idle: Duration::from_secs(60),
            least_rate: 1024,
            rate_window: Duration::from_secs(60),
            head_time: Duration::from_secs(10),
            keep_alive: Duration::from_secs(120),
            uri_bytes: 16 * 1024,
            requests: 4096,
            connections: 4096,
            connections_per_address: 1_024,
        }
    }
}

//! The transport against servers that are written for one test each, in this process, on loopback.

// clippy.toml allows this in test functions only, not in what they share.
#![allow(clippy::unwrap_used)]

mod bodies;
mod failures;
mod proxies;
mod redirects;
mod resolve;
mod retries;
mod server;
mod timeouts;
mod tls;
mod traces;

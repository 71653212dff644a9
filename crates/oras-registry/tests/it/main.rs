//! The registry from outside: its API, its storage, and the programs that talk to it.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod auth;
mod beside;
mod blobs;
mod both;
mod broken;
mod check;
mod client;
mod collect;
mod crash;
mod driver_suite;
#[cfg(target_os = "linux")]
mod durable;
mod folder;
mod foreign;
mod frames;
mod full_store;
mod hostile;
mod hostile_folder;
mod limits;
mod listings;
mod manifests;
mod methods;
mod metrics;
mod model;
mod names;
mod page;
mod page_browser;
mod page_content;
mod page_hostile;
mod processes;
mod ranges;
mod recovery;
mod sequences;
mod server;
mod shared;
mod shutdown;
mod tls;
mod tools;
mod uploads;
mod wire;

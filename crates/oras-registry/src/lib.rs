//! An OCI distribution registry to embed in any program.
//!
//! A [`Registry`] is the distribution API before a storage driver. It listens where it is told to, or answers requests
//! that come through another server. Any number of them fit into a process: nothing is global, nothing reads the
//! environment, nothing prints.
//!
//! This crate does not know the registry client, so that either can be embedded without the other.
//!
//! ```
//! use oras_registry::Registry;
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let server = Registry::builder().memory().start().await?;
//! let reference = format!("{}/hello:v1", server.addr());
//! drop(server); // stops it and frees the port
//! # assert!(reference.starts_with("127.0.0.1:"));
//! # Ok::<(), oras_registry::ServerError>(())
//! # }).unwrap();
//! ```
//!
//! With users, TLS and a folder, until somebody interrupts it:
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use oras_registry::Registry;
//! use oras_registry::auth::Auth;
//! use oras_registry::server::Tls;
//!
//! # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
//! let auth = Auth::new().htpasswd("users")?.anonymous_pull(true);
//! let registry = Registry::builder().folder("/srv/registry").auth(auth).build()?;
//! let tls = Tls::from_files("cert.pem", "key.pem");
//! let server = registry.bind_tls("0.0.0.0:5000", tls).await?;
//! tokio::signal::ctrl_c().await?;
//! server.shutdown_within(Duration::from_secs(30)).await;
//! # Ok(())
//! # }
//! ```
//!
//! Inside of another HTTP server, [`Registry::respond`] answers one request; a [`Peer`](peer::Peer) among its extensions
//! says who is connected.
//!
//! # Modules
//! - [`route`]: which endpoint a path means
//! - [`auth`]: who may do what
//! - [`config`]: all settings of a server, from TOML, the environment and flags
//! - [`driver`]: what storage can do
//! - [`layout`]: storage in a folder, an OCI image layout for each repository
//! - [`memory`]: storage in memory
//! - [`observe`]: access log entries
//! - [`peer`]: where a request comes from
//! - [`server`]: listening, TLS, shutting down
//! - [`users`]: the text of a file of users

#![deny(missing_docs)]

pub mod auth;
pub mod config;
pub mod driver;
pub mod layout;
pub mod memory;
pub mod observe;
pub mod peer;
pub mod route;
pub mod server;
pub mod users;

mod body;
mod call;
mod clock;
mod error;
mod exchange;
mod failure;
mod handler;
mod host;
mod id;
mod limits;
mod metrics;
mod pace;
mod page;
mod quantity;
mod registry;
mod session;
mod stamp;
mod upkeep;

pub use body::{Body, BoxError};
pub use error::ServerError;
pub use limits::Limits;
pub use registry::{Builder, Registry};
pub use server::Server;

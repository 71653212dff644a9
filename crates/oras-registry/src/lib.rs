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
mod exchange;
mod failure;
mod handler;
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
pub use limits::Limits;
pub use registry::{Builder, Registry};
pub use server::{Server, ServerError};

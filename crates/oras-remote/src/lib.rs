//! The registry client: repositories, blobs, manifests, tags, referrers, authentication.
//!
//! A [`Client`] is one identity: it owns the credentials, the tokens they were exchanged for, and what was learned
//! about each registry. From it come [`Registry`] and [`Repository`] handles, which are cheap to clone. A repository
//! implements the abilities of `oras-content`, so everything that copies content works on it.
//!
//! ```no_run
//! use oras_content::{FetchExt, Resolve};
//! use oras_remote::Client;
//!
//! # async fn example() -> oras_content::Result<()> {
//! let client = Client::builder().build()?;
//! let repository = client.repository("localhost:5000/team/app")?;
//! let descriptor = repository.resolve("v1").await?;
//! let manifest = repository.fetch_manifest(&descriptor).await?;
//! println!("{} layers", manifest.layers().len());
//! # Ok(())
//! # }
//! ```
//!
//! What it promises:
//!
//! - **One function sends requests** (`send`), one file builds URLs (`url`).
//! - **A credential goes to the registry it is for and to the token service that registry names**, never elsewhere: not
//!   after a redirect, not to a foreign upload location, not to the next page of a listing on another host.
//! - **A manifest is never believed**: bodies are bounded and hashed before anybody sees them. Blobs stream unverified;
//!   whoever reads them verifies (`oras_content::Content`).
//! - It never prints, reads no environment and keeps no state outside the client.
//!
//! # Modules
//!
//! - `client`, `registry`, `repository`, `ability`: the handles and the traits they implement
//! - `blob`: stat, download with resume, upload, mount; `manifest`: read, write, delete; `page`: listings
//! - `referrers`: through the API, and through the tag schema where there is none
//! - `send`, `failure`, `url`, `warning`: requests, error responses, addresses, registry warnings
//! - `auth`: challenges, scopes, tokens and their cache; `credential`: where credentials come from and are kept;
//!   `login`: from the one to the other

#![deny(missing_docs)]

mod ability;
mod auth;
mod blob;
mod client;
mod credential;
mod endpoint;
mod failure;
mod login;
mod manifest;
mod page;
mod referrers;
mod registry;
mod repository;
mod send;
mod url;
mod warning;

pub use client::{Client, ClientBuilder, ReferrersMode, Scheme};
pub use credential::{
    Anonymous, Credential, CredentialProvider, CredentialStore, DockerConfig, Secret,
    StaticCredential, credential_key,
};
pub use referrers::Capability;
pub use registry::Registry;
pub use repository::{Access, Repository, RepositoryName};
pub use warning::Warning;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks; a panic elsewhere does not make our maps unusable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

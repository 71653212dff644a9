//! An OCI distribution registry to embed in any program.
//!
//! What stands so far is the first room of the house, [`route`]: which endpoint a path under `/v2/` means. Handlers
//! and storage drivers move in with `oras serve`.
//!
//! This crate does not know the registry client, so that either can be embedded without the other.
//!
//! ```
//! use oras_registry::route::{Route, parse};
//!
//! let route = parse("/v2/library/tags/manifests/v1").unwrap();
//! assert_eq!(route, Route::Manifest { name: "library/tags".into(), reference: "v1".into() });
//! ```

#![deny(missing_docs)]

pub mod route;

//! Everything the tests of this workspace share. Development only, never published, never a normal dependency.
//!
//! The helpers fail by panicking with a message for the person who runs the tests: that is what a test helper is for, and it
//! keeps every test a straight line.
//!
//! ```no_run
//! use oras_testkit::command::Oras;
//! use oras_testkit::peer::DockerRegistry;
//!
//! let registry = DockerRegistry::start();
//! let folder = tempfile::tempdir().unwrap();
//! std::fs::write(folder.path().join("hi.txt"), "hi").unwrap();
//! let oras = Oras::new("target/debug/oras").in_dir(folder.path());
//! let out = oras.args(["push", &registry.reference("app:v1"), "hi.txt"]).run().ok();
//! assert!(out.stdout.contains("Pushed [registry]"));
//! ```
//!
//! - [`command`]: runs the built binary in a clean environment and looks at what it printed.
//! - [`peer`]: real programs to talk to: Debian's `docker-registry`, `oras serve`, `skopeo`, `umoci`.
//! - [`fault`]: an HTTP server that answers wrongly on purpose, and a small fake registry to build faults on.
//! - [`fixture`]: artifact graphs, layouts and archives made by hand, random trees of files.
//! - [`store_suite`]: the conformance suite that every store must pass.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

pub mod command;
pub mod fault;
pub mod fixture;
pub mod peer;
pub mod store_suite;

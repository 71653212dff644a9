//! Content stores and the graph over them.
//!
//! Everything that ORAS does is a copy of a graph of content from one store to another. This crate says what a
//! store can do ([`Source`], [`Target`] and the small traits they are made of), what travels between stores
//! ([`Content`] out of one, [`Payload`] into the next), what goes wrong ([`Error`]) and what is told meanwhile
//! ([`Event`]); and it has the stores that need no network: [`memory`], [`file`](mod@file) and [`layout`].
//!
//! It knows no registry and no HTTP, never prints and never reads the environment.

#![deny(missing_docs)]

mod ability;
pub mod archive;
mod content;
mod error;
mod event;
pub mod file;
pub mod graph;
pub mod layout;
mod lexical;
pub mod memory;
mod payload;
mod sync;
mod verify;

pub use ability::*;
pub use content::{ByteStream, Content, SizeExceedsLimit, once};
pub use error::{Error, ErrorKind, ResponseInfo, Result, Side, io_text};
pub use event::{Event, EventSink, NoEvents};
pub use payload::{FILE_CHUNK, Open, Payload, Snapshot, counted};
pub use verify::{Verifier, verifying};

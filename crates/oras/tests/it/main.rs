//! Black-box tests of the SDK's operations over stores in memory and in folders.

#![allow(clippy::unwrap_used)]

mod backup;
mod cache;
mod copy;
mod copy_faults;
mod copy_registry;
mod discover;
mod example;
mod extended;
mod index;
mod pack;
mod pull;
mod push;
mod resolve;
mod support;
mod tag;
mod target;

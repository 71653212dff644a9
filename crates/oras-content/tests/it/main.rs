//! The stores of `oras-content`, seen from outside.

// Helpers of tests fail by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod file_add;
mod file_push;
mod folders;
mod hostile;
mod layout;
mod memory;
mod packing;
mod stores;
mod support;

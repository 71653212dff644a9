//! `oras blob`

pub(super) mod delete;
pub(super) mod fetch;
pub(super) mod push;

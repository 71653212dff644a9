//! `oras repo`

pub(super) mod ls;
pub(super) mod tags;

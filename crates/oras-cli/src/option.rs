//! Groups of flags that commands share. A group knows its flags, checks them, and gives a command what they mean.

pub(crate) mod backup;
pub(crate) mod common;
pub(crate) mod confirm;
pub(crate) mod csv;
pub(crate) mod deletion;
pub(crate) mod file;
pub(crate) mod files;
pub(crate) mod format;
pub(crate) mod layout;
pub(crate) mod open;
pub(crate) mod packer;
pub(crate) mod pair;
pub(crate) mod platform;
pub(crate) mod referrers;
pub(crate) mod remote;
pub(crate) mod repository;
pub(crate) mod save;
pub(crate) mod settings;
pub(crate) mod stdin;
pub(crate) mod target;

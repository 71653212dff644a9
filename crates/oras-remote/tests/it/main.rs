//! The registry client against a real registry, and against servers that misbehave.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod auth;
mod auth_flow;
mod blobs;
mod credential_store;
mod docker_config;
mod listing;
mod manifests;
mod real;
mod referrers;
mod referrers_race;
mod support;
mod uploads;

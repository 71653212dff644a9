//! The grammar of the parts of a reference.

use std::net::Ipv6Addr;

use super::ReferenceError;
use crate::digest::{Digest, DigestError};

/// Longest tag (distribution-spec, "Pulling manifests").
const TAG_LEN: usize = 128;

/// Checks a registry name: anything that is a host, with or without port, to a URL.
///
/// # Errors
/// [`ReferenceError::Registry`]
pub fn validate_registry(registry: &str) -> Result<(), ReferenceError> {
    if is_authority(registry) {
        Ok(())
    } else {
        Err(ReferenceError::Registry(registry.to_owned()))
    }
}

/// Checks a repository name (distribution-spec, "Pulling manifests", `<name>`).
///
/// # Errors
/// [`ReferenceError::Repository`]
pub fn validate_repository(repository: &str) -> Result<(), ReferenceError> {
    if repository.split('/').all(is_path_component) {
        Ok(())
    } else {
        Err(ReferenceError::Repository(repository.to_owned()))
    }
}

/// Checks a tag (distribution-spec, "Pulling manifests", `<reference>` as a tag). ASCII only.
///
/// # Errors
/// [`ReferenceError::Tag`]
pub fn validate_tag(tag: &str) -> Result<(), ReferenceError> {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let starts_well = tag.bytes().next().is_some_and(word);
    if starts_well && tag.len() <= TAG_LEN && tag.bytes().all(|b| word(b) || b == b'.' || b == b'-')
    {
        Ok(())
    } else {
        Err(ReferenceError::Tag(tag.to_owned()))
    }
}

/// A reference is there to be resolved, so unlike a descriptor it takes no digest that nobody could check.
pub(super) fn verifiable_digest(text: &str) -> Result<Digest, ReferenceError> {
    let verifiable = || -> Result<Digest, DigestError> {
        let digest = Digest::parse(text)?;
        digest.verifier()?;
        Ok(digest)
    };
    verifiable().map_err(|cause| ReferenceError::Digest {
        text: text.to_owned(),
        cause,
    })
}

fn is_authority(registry: &str) -> bool {
    if registry.is_empty() {
        return false;
    }
    if let Some(bracketed) = registry.strip_prefix('[') {
        let Some((address, port)) = bracketed.split_once(']') else {
            return false;
        };
        return address.parse::<Ipv6Addr>().is_ok()
            && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port));
    }
    let (host, port) = registry.split_once(':').unwrap_or((registry, ""));
    let host_char =
        |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=\"<>".contains(c) || !c.is_ascii();
    host.chars().all(host_char) && is_port(port)
}

fn is_port(port: &str) -> bool {
    port.bytes().all(|b| b.is_ascii_digit())
}

/// Runs of `[a-z0-9]` joined by `.`, `_`, `__` or any number of `-`.
fn is_path_component(component: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if !component.starts_with(alphanumeric) || !component.ends_with(alphanumeric) {
        return false;
    }
    let mut separators = component.split(alphanumeric).filter(|run| !run.is_empty());
    separators.all(|run| matches!(run, "." | "_" | "__") || run.bytes().all(|b| b == b'-'))
}

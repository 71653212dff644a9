//! Where pages are: `/`, `/r/<name>`, `/r/<name>:<tag>` and `/r/<name>@<digest>`.
//!
//! Names contain slashes, but neither colon nor at sign, so that no name can be mistaken for something else.

use oras_spec::{Digest, validate_tag};

use crate::call::supported_digest;
use crate::route;

/// What a page is about.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// The repositories.
    Home,
    /// The tags of a repository.
    Repository { name: String },
    /// A manifest and what belongs to it.
    Artifact { name: String, reference: Reference },
    /// Looks like a page, but there can't be one.
    Nowhere,
}

/// What an artifact is called.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reference {
    Tag(String),
    Digest(Digest),
}

impl Address {
    /// The path of a page that is about something.
    pub(super) fn path(&self) -> Option<String> {
        match self {
            Self::Repository { name } => Some(repository(name)),
            Self::Artifact { name, reference } => Some(match reference {
                Reference::Tag(tag) => self::tag(name, tag),
                Reference::Digest(digest) => self::digest(name, digest),
            }),
            Self::Home | Self::Nowhere => None,
        }
    }
}

/// The page that a path means, `None` if none of the pages can be there.
pub(super) fn parse(path: &str) -> Option<Address> {
    match path {
        "/" => Some(Address::Home),
        _ => Some(below(path.strip_prefix("/r/")?).unwrap_or(Address::Nowhere)),
    }
}

fn below(rest: &str) -> Option<Address> {
    let rest = route::decode(rest).ok()?;
    if let Some((name, digest)) = rest.rsplit_once('@') {
        let reference = Reference::Digest(supported_digest(digest).ok()?);
        let name = route::valid_name(name).ok()?;
        return Some(Address::Artifact { name, reference });
    }
    if let Some((name, tag)) = rest.rsplit_once(':') {
        validate_tag(tag).ok()?;
        let reference = Reference::Tag(tag.to_owned());
        let name = route::valid_name(name).ok()?;
        return Some(Address::Artifact { name, reference });
    }
    let name = route::valid_name(rest.strip_suffix('/').unwrap_or(&rest)).ok()?;
    Some(Address::Repository { name })
}

/// The page of a repository.
pub(super) fn repository(name: &str) -> String {
    format!("/r/{name}")
}

/// The page of what a tag points to.
pub(super) fn tag(name: &str, tag: &str) -> String {
    format!("/r/{name}:{tag}")
}

/// The page of a manifest.
pub(super) fn digest(name: &str, digest: &Digest) -> String {
    format!("/r/{name}@{digest}")
}

/// Where the bytes of a blob are.
pub(super) fn blob(name: &str, digest: &Digest) -> String {
    format!("/v2/{name}/blobs/{digest}")
}

/// Where the bytes of a manifest are.
pub(super) fn manifest(name: &str, digest: &Digest) -> String {
    format!("/v2/{name}/manifests/{digest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: &str) {
        let got = match parse(path) {
            None => "none".to_owned(),
            Some(Address::Home) => "home".to_owned(),
            Some(Address::Nowhere) => "nowhere".to_owned(),
            Some(Address::Repository { name }) => format!("repository {name}"),
            Some(Address::Artifact { name, reference }) => match reference {
                Reference::Tag(tag) => format!("tag {tag} of {name}"),
                Reference::Digest(digest) => format!("{} of {name}", digest.short()),
            },
        };
        assert_eq!(got, expected, "{path}");
    }

    #[test]
    fn pages_are_told_apart_whatever_the_components_of_names_are_called() {
        let digest = Digest::sha256(b"{}");
        check("/", "home");
        check("/r/a/b", "repository a/b");
        check("/r/a/b/", "repository a/b");
        check("/r/r/v2/manifests", "repository r/v2/manifests");
        check("/r/a/b:v1", "tag v1 of a/b");
        check("/r/a%3Av1", "tag v1 of a");
        check(&format!("/r/a/b@{digest}"), "44136fa355b3 of a/b");
    }

    #[test]
    fn what_can_be_no_page_is_nowhere_and_the_api_is_none_of_them() {
        for path in [
            "/r/", "/r/A", "/r/a//b", "/r/../b", "/r/a%2Fb", "/r/a:", "/r/a:.x", "/r/a@b", "/r/%zz",
        ] {
            check(path, "nowhere");
        }
        check(&format!("/r/a@md5:{}", "0".repeat(32)), "nowhere");
        for path in ["/v2/", "/v2/r/tags/list", "/r", "/metrics", "//r/a"] {
            check(path, "none");
        }
    }
}

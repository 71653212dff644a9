//! References such as `localhost:5000/team/app:v1` (distribution-spec, "Pulling manifests"; the grammar of the reference tool).
//!
//! Nothing is added to what was typed: no default registry, no `library/`, no `latest`.

mod error;
mod grammar;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use crate::digest::Digest;

pub use error::ReferenceError;
pub use grammar::{validate_registry, validate_repository, validate_tag};

/// Above this length of `registry/repository` some clients give up (distribution-spec, "Pulling manifests").
pub const NAME_LENGTH_LIMIT: usize = 255;

/// A repository in a registry, and what in it is meant: a tag, a digest, or nothing yet.
///
/// ```
/// use oras_spec::Reference;
///
/// let reference = Reference::parse("localhost:5000/team/app:v1")?;
/// assert_eq!(reference.registry(), "localhost:5000");
/// assert_eq!(reference.repository(), "team/app");
/// assert_eq!(reference.tag(), Some("v1"));
/// assert_eq!(reference.to_string(), "localhost:5000/team/app:v1");
/// # Ok::<(), oras_spec::ReferenceError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

impl Reference {
    /// A repository, without tag or digest.
    ///
    /// # Errors
    /// [`ReferenceError::Registry`] or [`ReferenceError::Repository`]
    pub fn new(registry: &str, repository: &str) -> Result<Self, ReferenceError> {
        validate_registry(registry)?;
        validate_repository(repository)?;
        Ok(Self {
            registry: registry.to_owned(),
            repository: repository.to_owned(),
            tag: None,
            digest: None,
        })
    }

    /// Reads `registry/repository[:tag][@digest]`.
    ///
    /// In front of a digest a tag is decoration: it is kept if it is one, and dropped without complaint if not.
    ///
    /// # Errors
    /// [`ReferenceError`], also for an empty tag (`host/app:`) or digest (`host/app@`).
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        Parts::split(text)?.check()
    }

    /// Like [`Reference::parse`], but an empty tag or digest counts as none, as it does on the reference tool's command line.
    ///
    /// # Errors
    /// [`ReferenceError`]
    pub fn parse_lenient(text: &str) -> Result<Self, ReferenceError> {
        let mut parts = Parts::split(text)?;
        match (parts.tag, parts.digest) {
            (_, Some("")) => (parts.tag, parts.digest) = (None, None),
            (Some(""), None) => parts.tag = None,
            _ => {}
        }
        parts.check()
    }

    /// What `text` means to somebody who works in this repository: a full reference to it, or just a tag, a digest, or
    /// `tag@digest`.
    ///
    /// # Errors
    /// [`ReferenceError`]; [`ReferenceError::Mismatch`] for a full reference to another repository.
    pub fn relative(&self, text: &str) -> Result<Self, ReferenceError> {
        if let Ok(full) = Self::parse(text) {
            if full.registry != self.registry || full.repository != self.repository {
                return Err(ReferenceError::Mismatch {
                    received: full.to_string(),
                    expected: self.to_string(),
                });
            }
            return Ok(full);
        }
        let (tag, digest) = match text.split_once('@') {
            Some((tag, digest)) => (Some(tag), Some(digest)),
            None if text.contains(':') => (None, Some(text)),
            None => (Some(text), None),
        };
        if text.is_empty() {
            return Err(ReferenceError::Empty);
        }
        let parts = Parts {
            registry: &self.registry,
            repository: &self.repository,
            tag,
            digest,
        };
        parts.check()
    }

    /// The registry as written, such as `docker.io` or `localhost:5000`.
    #[must_use]
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The repository within the registry.
    #[must_use]
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag, if one was given.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, if one was given.
    #[must_use]
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// What names the content: the digest, else the tag.
    #[must_use]
    pub fn reference(&self) -> Option<String> {
        match &self.digest {
            Some(digest) => Some(digest.to_string()),
            None => self.tag.clone(),
        }
    }

    /// `registry/repository`
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    /// The host to talk to, see [`host`].
    #[must_use]
    pub fn host(&self) -> &str {
        host(&self.registry)
    }

    /// Whether the name is longer than some clients take. Worth a warning, not an error.
    #[must_use]
    pub fn is_name_too_long(&self) -> bool {
        self.registry.len() + 1 + self.repository.len() > NAME_LENGTH_LIMIT
    }

    /// This repository at a tag, and at no digest.
    ///
    /// # Errors
    /// [`ReferenceError::Tag`]
    pub fn with_tag(mut self, tag: &str) -> Result<Self, ReferenceError> {
        validate_tag(tag)?;
        self.tag = Some(tag.to_owned());
        self.digest = None;
        Ok(self)
    }

    /// This repository at a digest, and at no tag.
    #[must_use]
    pub fn with_digest(mut self, digest: Digest) -> Self {
        self.tag = None;
        self.digest = Some(digest);
        self
    }

    /// This repository, at nothing in particular.
    #[must_use]
    pub fn without_reference(mut self) -> Self {
        self.tag = None;
        self.digest = None;
        self
    }
}

/// `registry/repository@digest` if there is a digest, else `registry/repository:tag`.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        match (&self.digest, &self.tag) {
            (Some(digest), _) => write!(f, "@{digest}"),
            (None, Some(tag)) => write!(f, ":{tag}"),
            (None, None) => Ok(()),
        }
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// The host behind a registry name: `docker.io` is served by `registry-1.docker.io`, every other registry by itself.
#[must_use]
pub fn host(registry: &str) -> &str {
    match registry {
        "docker.io" => "registry-1.docker.io",
        other => other,
    }
}

/// A reference cut into pieces that are still to be checked.
struct Parts<'a> {
    registry: &'a str,
    repository: &'a str,
    tag: Option<&'a str>,
    digest: Option<&'a str>,
}

impl<'a> Parts<'a> {
    fn split(text: &'a str) -> Result<Self, ReferenceError> {
        let (registry, path) = text
            .split_once('/')
            .ok_or(ReferenceError::MissingRepository)?;
        let (path, digest) = match path.split_once('@') {
            Some((path, digest)) => (path, Some(digest)),
            None => (path, None),
        };
        let (repository, tag) = match path.split_once(':') {
            Some((repository, tag)) => (repository, Some(tag)),
            None => (path, None),
        };
        Ok(Self {
            registry,
            repository,
            tag,
            digest,
        })
    }

    fn check(self) -> Result<Reference, ReferenceError> {
        let reference = Reference::new(self.registry, self.repository)?;
        let Some(digest) = self.digest else {
            return match self.tag {
                Some(tag) => reference.with_tag(tag),
                None => Ok(reference),
            };
        };
        Ok(Reference {
            tag: self
                .tag
                .filter(|tag| validate_tag(tag).is_ok())
                .map(str::to_owned),
            digest: Some(grammar::verifiable_digest(digest)?),
            ..reference
        })
    }
}

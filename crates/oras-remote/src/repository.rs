//! A repository handle: what it is made of, and how it reads references.

use std::fmt;
use std::sync::Arc;

use oras_content::{Error, ErrorKind, Location, Result};
use oras_http::Response;
use oras_spec::{Reference, ReferenceError, media_type};

use crate::auth::Scopes;
use crate::client::Client;
use crate::endpoint::Endpoint;
use crate::failure;
use crate::referrers::Capability;
use crate::registry::Registry;
use crate::send::Call;
use crate::url::Urls;

/// The manifests that are asked for, in the order in which they are asked for.
const MANIFEST_TYPES: [&str; 5] = [
    media_type::DOCKER_MANIFEST,
    media_type::DOCKER_MANIFEST_LIST,
    media_type::IMAGE_MANIFEST,
    media_type::IMAGE_INDEX,
    media_type::OCI_ARTIFACT_MANIFEST,
];

/// What a handle asks to be allowed from its first request on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Each operation asks for what it needs.
    #[default]
    AsNeeded,
    /// Reading and writing at once: one token instead of two where something is looked up and then pushed.
    ReadWrite,
}

/// A repository of a registry. Cheap to clone.
///
/// Its abilities are the traits of `oras-content`. Descriptors with the media type of a manifest are looked up among
/// the manifests, all others among the blobs. Predecessors are referrers: registries know no others.
#[derive(Clone)]
pub struct Repository {
    pub(crate) client: Client,
    pub(crate) endpoint: Arc<Endpoint>,
    name: Arc<Reference>,
    /// As it was opened, maybe with a tag or digest: errors show this.
    opened: Arc<Reference>,
    accept: Option<Arc<[String]>>,
    access: Access,
    pub(crate) page_size: Option<u32>,
    pub(crate) capability: Option<Capability>,
}

impl Repository {
    pub(crate) fn new(client: Client, endpoint: Arc<Endpoint>, opened: Reference) -> Self {
        Self {
            client,
            endpoint,
            name: Arc::new(opened.clone().without_reference()),
            opened: Arc::new(opened),
            accept: None,
            access: Access::default(),
            page_size: None,
            capability: None,
        }
    }

    /// The registry it is in.
    #[must_use]
    pub fn registry(&self) -> Registry {
        Registry::new(self.client.clone(), Arc::clone(&self.endpoint))
    }

    /// Registry and repository, without tag or digest.
    #[must_use]
    pub fn reference(&self) -> &Reference {
        &self.name
    }

    /// The name within the registry.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.repository()
    }

    /// Asks for manifests of these media types instead of the usual ones. They also count as manifests when content is
    /// fetched by descriptor.
    #[must_use]
    pub fn with_accept(mut self, media_types: Vec<String>) -> Self {
        self.accept = Some(media_types.into());
        self
    }

    /// Sets what is asked for in authentication.
    #[must_use]
    pub fn with_access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// Asks for so many entries per page of a listing; the registry may give fewer.
    #[must_use]
    pub fn with_page_size(mut self, entries: u32) -> Self {
        self.page_size = Some(entries);
        self
    }

    /// Where this is, for [`Source::location`](oras_content::Source::location).
    #[must_use]
    pub fn location(&self) -> Location {
        Location::Repository {
            registry: self.name.registry().to_owned(),
            repository: self.name().to_owned(),
            identity: self.client.0.credentials.identity(),
        }
    }

    /// What `text` means here: a tag, a digest, or a full reference to this repository.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidReference`]; [`ErrorKind::MissingReference`] if there is no tag and no digest.
    pub fn parse(&self, text: &str) -> Result<Reference> {
        let parsed = self.opened.relative(text).map_err(|error| {
            let kind = match error {
                ReferenceError::Empty => ErrorKind::MissingReference,
                _ => ErrorKind::InvalidReference,
            };
            Error::new(kind, error.to_string()).with_reference(text)
        })?;
        if parsed.reference().is_none() {
            return Err(
                Error::new(ErrorKind::MissingReference, "invalid reference").with_reference(text)
            );
        }
        Ok(parsed)
    }

    pub(crate) fn urls(&self) -> Urls<'_> {
        Urls {
            endpoint: &self.endpoint,
            repository: self.name(),
        }
    }

    pub(crate) fn is_manifest(&self, media_type: &str) -> bool {
        let custom = || {
            self.accept
                .iter()
                .flat_map(|types| types.iter())
                .any(|known| known == media_type)
        };
        media_type::is_manifest(media_type) || custom()
    }

    /// The value of the `Accept` header.
    pub(crate) fn accept(&self) -> String {
        match &self.accept {
            Some(types) => types.join(", "),
            None => MANIFEST_TYPES.join(", "),
        }
    }

    /// What to ask for, for requests that need `actions`.
    pub(crate) fn scopes(&self, actions: &[&str]) -> Scopes {
        let scopes = Scopes::repository(self.name(), actions);
        match self.access {
            Access::AsNeeded => scopes,
            Access::ReadWrite => scopes.union(&Scopes::repository(self.name(), &["pull", "push"])),
        }
    }

    pub(crate) async fn send(&self, call: Call) -> Result<Response> {
        self.client.0.send(&self.endpoint, call).await
    }

    /// Sends a call about `reference`: a 404 means that this is what is missing.
    pub(crate) async fn send_for(&self, reference: &Reference, call: Call) -> Result<Response> {
        let sent = self.send(call).await;
        sent.map_err(|error| {
            failure::missing(error, reference).with_reference(reference.to_string())
        })
    }
}

impl fmt::Debug for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Repository")
            .field(&self.name.name())
            .finish()
    }
}

/// What names a repository: a parsed reference, or text such as `localhost:5000/team/app`.
pub trait RepositoryName {
    /// The reference.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidReference`]
    fn to_reference(&self) -> Result<Reference>;
}

impl RepositoryName for Reference {
    fn to_reference(&self) -> Result<Reference> {
        Ok(self.clone())
    }
}

impl RepositoryName for str {
    fn to_reference(&self) -> Result<Reference> {
        Reference::parse(self)
            .map_err(|error| Error::new(ErrorKind::InvalidReference, error.to_string()))
    }
}

impl RepositoryName for String {
    fn to_reference(&self) -> Result<Reference> {
        self.as_str().to_reference()
    }
}

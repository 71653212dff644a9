//! The client: one identity and everything that is learned with it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use oras_content::{Error, ErrorKind, Result};
use oras_http::Origin;

use crate::auth::Tokens;
use crate::credential::{Anonymous, CredentialProvider};
use crate::endpoint::Endpoint;
use crate::referrers::{Capability, IndexUpdates};
use crate::registry::Registry;
use crate::repository::{Repository, RepositoryName};
use crate::warning::{Warning, Warnings};

/// How registries are spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scheme {
    /// Plain HTTP for exactly `localhost` and `localhost:<port>`, HTTPS for everything else.
    #[default]
    Auto,
    /// Plain HTTP.
    Http,
    /// HTTPS.
    Https,
}

/// How referrers are listed and recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReferrersMode {
    /// Find out for each registry.
    #[default]
    Auto,
    /// The referrers API; its failure is an error.
    Api,
    /// The referrers tag schema.
    TagSchema,
}

/// One identity towards any number of registries. Cheap to clone; clones share tokens and what was learned.
#[derive(Clone)]
pub struct Client(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) http: oras_http::Client,
    pub(crate) credentials: Arc<dyn CredentialProvider>,
    pub(crate) client_id: String,
    pub(crate) scheme: Scheme,
    pub(crate) referrers: ReferrersMode,
    pub(crate) tokens: Tokens,
    pub(crate) warnings: Warnings,
    pub(crate) capabilities: Mutex<HashMap<Origin, Capability>>,
    pub(crate) index_updates: IndexUpdates,
}

impl Client {
    /// Starts the configuration of a client. Nothing is needed.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// The same connections and settings for another identity, which begins without any token.
    #[must_use]
    pub fn with_credentials(&self, credentials: Arc<dyn CredentialProvider>) -> Self {
        let inner = &self.0;
        Self(Arc::new(Inner {
            http: inner.http.clone(),
            credentials,
            client_id: inner.client_id.clone(),
            scheme: inner.scheme,
            referrers: inner.referrers,
            tokens: Tokens::default(),
            warnings: inner.warnings.clone(),
            capabilities: Mutex::default(),
            index_updates: IndexUpdates::default(),
        }))
    }

    /// The registry `host[:port]`. Nothing is sent.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidReference`]
    pub fn registry(&self, registry: &str) -> Result<Registry> {
        oras_spec::validate_registry(registry)
            .map_err(|error| Error::new(ErrorKind::InvalidReference, error.to_string()))?;
        let endpoint = Endpoint::new(registry, self.0.scheme)?;
        Ok(Registry::new(self.clone(), Arc::new(endpoint)))
    }

    /// A repository, from a parsed reference or from `registry/repository`. A tag or digest in it is ignored, and
    /// nothing is sent.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidReference`]
    pub fn repository<N: RepositoryName + ?Sized>(&self, name: &N) -> Result<Repository> {
        let reference = name.to_reference()?;
        let endpoint = Endpoint::new(reference.registry(), self.0.scheme)?;
        Ok(Repository::new(self.clone(), Arc::new(endpoint), reference))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("scheme", &self.0.scheme)
            .field("referrers", &self.0.referrers)
            .finish_non_exhaustive()
    }
}

/// Configures a [`Client`].
#[must_use]
pub struct ClientBuilder {
    http: Option<oras_http::Client>,
    credentials: Arc<dyn CredentialProvider>,
    client_id: String,
    scheme: Scheme,
    referrers: ReferrersMode,
    warnings: Warnings,
}

impl Default for ClientBuilder {
    fn default() -> Self {
        Self {
            http: None,
            credentials: Arc::new(Anonymous),
            client_id: "oras".to_owned(),
            scheme: Scheme::default(),
            referrers: ReferrersMode::default(),
            warnings: Warnings::default(),
        }
    }
}

impl ClientBuilder {
    /// Sets the transport; otherwise one with defaults.
    pub fn http(mut self, http: oras_http::Client) -> Self {
        self.http = Some(http);
        self
    }

    /// Sets where credentials come from; otherwise there are none.
    pub fn credentials(mut self, credentials: Arc<dyn CredentialProvider>) -> Self {
        self.credentials = credentials;
        self
    }

    /// Sets how registries are spoken to.
    pub fn scheme(mut self, scheme: Scheme) -> Self {
        self.scheme = scheme;
        self
    }

    /// Sets how referrers are listed and recorded.
    pub fn referrers(mut self, mode: ReferrersMode) -> Self {
        self.referrers = mode;
        self
    }

    /// Sets who hears the warnings that registries send: each distinct text once per registry.
    pub fn on_warning(mut self, sink: Arc<dyn Fn(&Warning) + Send + Sync>) -> Self {
        self.warnings = Warnings::new(sink);
        self
    }

    /// Sets the name of this program towards OAuth2 token services; `oras` by default.
    pub fn client_id(mut self, client_id: impl Into<String>) -> Self {
        self.client_id = client_id.into();
        self
    }

    /// Builds the client. Nothing is sent.
    ///
    /// # Errors
    /// If the default transport can't be built.
    pub fn build(self) -> Result<Client> {
        let http = match self.http {
            Some(http) => http,
            None => oras_http::Client::builder()
                .user_agent(concat!("oras/", env!("CARGO_PKG_VERSION")))
                .build()
                .map_err(|error| Error::new(ErrorKind::Other, error.to_string()))?,
        };
        Ok(Client(Arc::new(Inner {
            http,
            credentials: self.credentials,
            client_id: self.client_id,
            scheme: self.scheme,
            referrers: self.referrers,
            tokens: Tokens::default(),
            warnings: self.warnings,
            capabilities: Mutex::default(),
            index_updates: IndexUpdates::default(),
        })))
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("scheme", &self.scheme)
            .field("referrers", &self.referrers)
            .finish_non_exhaustive()
    }
}

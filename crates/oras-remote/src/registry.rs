//! A registry as a whole.

use std::fmt;
use std::sync::Arc;

use futures_util::stream::BoxStream;
use http::Method;
use oras_content::{Error, ErrorKind, Result};
use oras_http::Response;
use oras_spec::{Catalog, Reference};

use crate::auth::Scopes;
use crate::client::Client;
use crate::credential::CredentialProvider;
use crate::endpoint::Endpoint;
use crate::page::{self, Listing};
use crate::repository::Repository;
use crate::send::Call;
use crate::url;

/// A registry. Cheap to clone.
#[derive(Clone)]
pub struct Registry {
    client: Client,
    endpoint: Arc<Endpoint>,
    page_size: Option<u32>,
}

impl Registry {
    pub(crate) fn new(client: Client, endpoint: Arc<Endpoint>) -> Self {
        Self {
            client,
            endpoint,
            page_size: None,
        }
    }

    /// The registry as it was named, such as `docker.io` or `localhost:5000`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.endpoint.registry
    }

    /// The `host[:port]` that is talked to, such as `registry-1.docker.io`.
    #[must_use]
    pub fn host(&self) -> &str {
        oras_spec::reference::host(&self.endpoint.registry)
    }

    /// The same registry as somebody else: no token of this client is used.
    #[must_use]
    pub(crate) fn with_credentials(&self, credentials: Arc<dyn CredentialProvider>) -> Self {
        Self {
            client: self.client.with_credentials(credentials),
            ..self.clone()
        }
    }

    /// Asks for so many names per page; the registry may give fewer.
    #[must_use]
    pub fn with_page_size(mut self, names: u32) -> Self {
        self.page_size = Some(names);
        self
    }

    /// A repository of this registry.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidReference`]
    pub fn repository(&self, name: &str) -> Result<Repository> {
        let reference = Reference::new(&self.endpoint.registry, name)
            .map_err(|error| Error::new(ErrorKind::InvalidReference, error.to_string()))?;
        Ok(Repository::new(
            self.client.clone(),
            Arc::clone(&self.endpoint),
            reference,
        ))
    }

    /// Finds out whether this is a registry that lets us in (distribution-spec, end-1).
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if it does not speak the protocol; failed authentication.
    pub async fn ping(&self) -> Result<()> {
        let call = Call::new(Method::GET, url::ping(&self.endpoint));
        match self.send(call).await {
            Ok(response) => {
                response.drain().await;
                Ok(())
            }
            Err(error) => Err(match error.response() {
                Some(response) if response.status == 404 => {
                    Error::new(ErrorKind::NotFound, "not found").with_response(response.clone())
                }
                _ => error,
            }
            .with_operation("ping")),
        }
    }

    /// The repositories after `last`, page by page, in the registry's order.
    pub fn repositories(&self, last: Option<&str>) -> BoxStream<'_, Result<Vec<String>>> {
        let first = url::catalog(&self.endpoint, self.page_size, last);
        page::names::<Catalog>(Listing {
            client: &self.client.0,
            endpoint: &self.endpoint,
            scopes: Scopes::catalog(),
            page_size: self.page_size,
            first,
            operation: "list repositories",
        })
    }

    async fn send(&self, call: Call) -> Result<Response> {
        self.client.0.send(&self.endpoint, call).await
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Registry").field(&self.name()).finish()
    }
}

use std::fmt;
use std::sync::Arc;

use http::HeaderValue;
use hyper_util::client::legacy::Client as Pool;

use crate::builder::{ClientBuilder, ExtraHeader};
use crate::connector::Connector;
use crate::error::Error;
use crate::origin::Origin;
use crate::proxy::Proxies;
use crate::request::Request;
use crate::response::Response;
use crate::retry::{RetryHook, RetryPolicy};
use crate::timeouts::Timeouts;
use crate::trace::Trace;
use crate::upload::Upload;

/// Sends requests over a pool of connections. Clones share the pool.
#[derive(Clone)]
pub struct Client(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) pool: Pool<Connector, Upload>,
    pub(crate) user_agent: Option<HeaderValue>,
    /// Whom the extra headers are for.
    pub(crate) origin: Option<Origin>,
    pub(crate) extra_headers: Vec<ExtraHeader>,
    pub(crate) proxies: Arc<Proxies>,
    pub(crate) retry: RetryPolicy,
    pub(crate) on_retry: Option<RetryHook>,
    pub(crate) timeouts: Timeouts,
    pub(crate) trace: Option<Arc<dyn Trace>>,
}

impl Client {
    /// Starts the configuration of a client.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// Sends one request, follows its redirects and retries what may pass.
    ///
    /// Any status that is not retried away is `Ok`, and so is a retryable one when the retries are used up. Custom
    /// headers, `Authorization` and `Cookie` are dropped for good at the first redirect to another origin. Dropping the
    /// future closes the connection.
    ///
    /// # Errors
    /// When no response head arrived: the request was invalid, the server not reachable or not trusted, the connection
    /// lost, a [`Timeouts`](crate::Timeouts) limit passed, the body not readable, or there were too many redirects.
    pub async fn send(&self, request: Request) -> Result<Response, Error> {
        self.0.send(request).await
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("origin", &self.0.origin)
            .field("retry", &self.0.retry)
            .field("timeouts", &self.0.timeouts)
            .finish_non_exhaustive()
    }
}

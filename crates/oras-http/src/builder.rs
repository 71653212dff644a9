use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use hyper_util::client::legacy::Client as Pool;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::client::{Client, Inner};
use crate::connector::{Connector, Settings};
use crate::error::Error;
use crate::origin::Origin;
use crate::proxy::{Proxies, ProxyOptions};
use crate::resolve::{ResolveMap, ResolveRule};
use crate::retry::{RetryHook, RetryNotice, RetryPolicy};
use crate::timeouts::Timeouts;
use crate::tls::{Tls, TlsOptions};
use crate::trace::Trace;

const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(90);
const POOL_IDLE_PER_HOST: usize = 64;

/// A header as somebody typed it.
#[derive(Clone, Debug)]
pub(crate) struct ExtraHeader {
    pub(crate) name: String,
    pub(crate) value: String,
}

/// Configures a [`Client`]. Nothing is needed: the default is a client with system roots, no proxy and retries.
#[derive(Default)]
#[must_use]
pub struct ClientBuilder {
    user_agent: Option<String>,
    origin: Option<Origin>,
    extra_headers: Vec<ExtraHeader>,
    rules: ResolveMap,
    tls: TlsOptions,
    proxy: ProxyOptions,
    retry: RetryPolicy,
    on_retry: Option<RetryHook>,
    timeouts: Timeouts,
    trace: Option<Arc<dyn Trace>>,
}

impl ClientBuilder {
    /// Sets the `User-Agent` of every request, whatever the request itself says.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = Some(user_agent.into());
        self
    }

    /// Sets the origin that custom headers and the client certificate are for. No other origin ever gets them.
    pub fn origin(mut self, origin: Origin) -> Self {
        self.origin = Some(origin);
        self
    }

    /// Adds a header to each request to the [`origin`](Self::origin), beside the ones that the request has.
    ///
    /// The name is shown to the [`Trace`] as it is written here. `User-Agent` gives way to the client's own, `Host` and
    /// `Content-Length` are ignored. An invalid name makes requests fail, not the builder.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.extra_headers.push(ExtraHeader {
            name: name.to_owned(),
            value: value.to_owned(),
        });
        self
    }

    /// Adds a DNS rule. The last rule for the same host and port wins.
    pub fn resolve(mut self, rule: ResolveRule) -> Self {
        self.rules.insert(rule);
        self
    }

    /// Sets trust and identity.
    pub fn tls(mut self, options: TlsOptions) -> Self {
        self.tls = options;
        self
    }

    /// Sets the proxies.
    pub fn proxy(mut self, options: ProxyOptions) -> Self {
        self.proxy = options;
        self
    }

    /// Sets when and how often requests are sent again.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Sets what is called before each wait for a retry.
    pub fn on_retry(mut self, hook: Arc<dyn Fn(&RetryNotice) + Send + Sync>) -> Self {
        self.on_retry = Some(RetryHook(hook));
        self
    }

    /// Sets how long each step may take.
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Sets the observer of all exchanges.
    pub fn trace(mut self, trace: Arc<dyn Trace>) -> Self {
        self.trace = Some(trace);
        self
    }

    /// Builds the client. Does no I/O and needs no trust roots.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if certificates or keys are unusable, if custom headers or a
    /// client certificate are given without an origin to give them to, or if the user agent is not a header value.
    pub fn build(self) -> Result<Client, Error> {
        let has_secrets = !self.extra_headers.is_empty() || self.tls.identity.is_some();
        if has_secrets && self.origin.is_none() {
            return Err(Error::config(
                "custom headers and client certificates need an origin to be sent to",
            ));
        }
        let user_agent = match &self.user_agent {
            Some(text) => {
                Some(HeaderValue::from_str(text).map_err(|_| Error::config("invalid user agent"))?)
            }
            None => None,
        };
        let proxies = Arc::new(Proxies::new(&self.proxy));
        let connector = Connector::new(Settings {
            rules: self.rules,
            proxies: Arc::clone(&proxies),
            tls: Tls::new(&self.tls)?,
            origin: self.origin.clone(),
            timeout: self.timeouts.connect,
        });
        let pool = Pool::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE_TIMEOUT)
            .pool_max_idle_per_host(POOL_IDLE_PER_HOST)
            .http1_title_case_headers(true)
            .build(connector);
        Ok(Client(Arc::new(Inner {
            pool,
            user_agent,
            origin: self.origin,
            extra_headers: self.extra_headers,
            proxies,
            retry: self.retry,
            on_retry: self.on_retry,
            timeouts: self.timeouts,
            trace: self.trace,
        })))
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("origin", &self.origin)
            .field("tls", &self.tls)
            .field("proxy", &self.proxy)
            .field("retry", &self.retry)
            .field("timeouts", &self.timeouts)
            .finish_non_exhaustive()
    }
}

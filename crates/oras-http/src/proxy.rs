use std::fmt;

use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};

use crate::cause::ConnectError;
use crate::error::ErrorKind;
use crate::no_proxy::NoProxy;

/// Which proxies to use. This crate never reads the environment; see [`ProxyOptions::from_vars`].
///
/// A proxy is a URL, `http://[user:password@]host:port` (also `https` and `socks5`), or `host:port`. `localhost` and
/// loopback addresses are always reached directly.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ProxyOptions {
    /// Proxy for `http` URLs.
    pub http: Option<String>,
    /// Proxy for `https` URLs.
    pub https: Option<String>,
    /// Comma-separated hosts reached without a proxy: `name`, `.subdomains.of`, address, network, each optionally with
    /// `:port` (except networks), or `*`.
    pub no_proxy: Option<String>,
}

impl ProxyOptions {
    /// The options that a lookup of the usual variables gives: `HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY`, or their
    /// lower-case forms. In a CGI program (`REQUEST_METHOD` is set) `HTTP_PROXY` comes from the client and is ignored.
    ///
    /// ```
    /// use oras_http::ProxyOptions;
    ///
    /// let options = ProxyOptions::from_vars(|name| (name == "https_proxy").then(|| "proxy.test:3128".to_owned()));
    /// assert_eq!(options.https.as_deref(), Some("proxy.test:3128"));
    /// ```
    #[must_use]
    pub fn from_vars(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let first = |upper: &str, lower: &str| {
            let filled = |name: &str| lookup(name).filter(|value| !value.is_empty());
            filled(upper).or_else(|| filled(lower))
        };
        let is_cgi = lookup("REQUEST_METHOD").is_some_and(|value| !value.is_empty());
        Self {
            http: if is_cgi {
                None
            } else {
                first("HTTP_PROXY", "http_proxy")
            },
            https: first("HTTPS_PROXY", "https_proxy"),
            no_proxy: first("NO_PROXY", "no_proxy"),
        }
    }
}

/// Proxy URLs may hold a password.
impl fmt::Debug for ProxyOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyOptions")
            .field("http", &self.http.is_some())
            .field("https", &self.https.is_some())
            .field("no_proxy", &self.no_proxy)
            .finish()
    }
}

/// The proxies of a client, ready to be asked.
#[derive(Debug)]
pub(crate) struct Proxies {
    matcher: Matcher,
    no_proxy: NoProxy,
    /// The schemes whose proxy is configured, so that an unusable one is an error and not a way around it.
    configured: [bool; 2],
}

impl Proxies {
    pub(crate) fn new(options: &ProxyOptions) -> Self {
        let http = options.http.clone().unwrap_or_default();
        let https = options.https.clone().unwrap_or_default();
        Self {
            configured: [!http.is_empty(), !https.is_empty()],
            matcher: Matcher::builder().http(http).https(https).build(),
            no_proxy: NoProxy::parse(options.no_proxy.as_deref().unwrap_or_default()),
        }
    }

    /// The proxy for a destination.
    ///
    /// # Errors
    /// If the configured proxy is not a proxy URL.
    pub(crate) fn intercept(&self, uri: &Uri) -> Result<Option<Intercept>, ConnectError> {
        let is_https = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        if !self.configured[usize::from(is_https)]
            || self.no_proxy.covers(uri.host().unwrap_or_default(), port)
        {
            return Ok(None);
        }
        match self.matcher.intercept(uri) {
            Some(intercept) => Ok(Some(intercept)),
            None => Err(ConnectError::new(ErrorKind::Proxy, "invalid proxy address")),
        }
    }

    /// What a request in clear text must say to its HTTP proxy. Tunnels say it when they are opened.
    pub(crate) fn authorization(&self, uri: &Uri) -> Option<HeaderValue> {
        if uri.scheme_str() != Some("http") {
            return None;
        }
        self.intercept(uri).ok()??.basic_auth().cloned()
    }
}

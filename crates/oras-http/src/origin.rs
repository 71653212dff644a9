use std::fmt;

use url::Url;

/// Scheme, host and port: what decides whether two URLs lead to the same server.
///
/// The port is the effective one, so `https://a/` and `https://a:443/` have the same origin. Scheme and host are in
/// lower case, an IPv6 host has its brackets. Prints as `https://host[:port]`, without a default port.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Origin {
    scheme: String,
    host: String,
    port: u16,
}

impl Origin {
    /// The origin of a URL; `None` for a URL without a host, or without a port where the scheme has no default.
    #[must_use]
    pub fn of(url: &Url) -> Option<Self> {
        Some(Self {
            scheme: url.scheme().to_owned(),
            host: url.host_str()?.to_ascii_lowercase(),
            port: url.port_or_known_default()?,
        })
    }

    /// `http` or `https`.
    #[must_use]
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// The host name or address literal.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The effective port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// True if connections to this origin use TLS.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.scheme == "https"
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        match (self.scheme.as_str(), self.port) {
            ("http", 80) | ("https", 443) => Ok(()),
            (_, port) => write!(f, ":{port}"),
        }
    }
}

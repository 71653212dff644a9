//! Where a registry is and what its credentials are filed under.

use oras_content::{Error, ErrorKind, Result};
use oras_http::Origin;
use oras_spec::go_quote;
use url::Url;

use crate::client::Scheme;
use crate::credential::credential_key;

/// One registry as this process talks to it.
#[derive(Debug)]
pub(crate) struct Endpoint {
    /// The name as the user wrote it, such as `docker.io`.
    pub(crate) registry: String,
    /// `https://registry-1.docker.io/`
    pub(crate) base: Url,
    /// The only origin that gets this registry's credentials.
    pub(crate) origin: Origin,
    /// What its credentials are looked up by.
    pub(crate) credential_key: String,
}

impl Endpoint {
    pub(crate) fn new(registry: &str, scheme: Scheme) -> Result<Self> {
        let host = oras_spec::reference::host(registry);
        let scheme = if is_plain(host, scheme) {
            "http"
        } else {
            "https"
        };
        let invalid = || {
            Error::new(
                ErrorKind::InvalidReference,
                format!("invalid reference: invalid registry {}", go_quote(registry)),
            )
        };
        let base = Url::parse(&format!("{scheme}://{host}/")).map_err(|_| invalid())?;
        let origin = Origin::of(&base).ok_or_else(invalid)?;
        Ok(Self {
            registry: registry.to_owned(),
            origin,
            credential_key: credential_key(host),
            base,
        })
    }
}

/// Only the exact spelling `localhost` is taken for a machine without TLS, as users of the reference tool expect.
fn is_plain(host: &str, scheme: Scheme) -> bool {
    match scheme {
        Scheme::Http => true,
        Scheme::Https => false,
        Scheme::Auto => host == "localhost" || host.starts_with("localhost:"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_localhost_only() {
        #[track_caller]
        fn check(registry: &str, expected: &str) {
            let endpoint = Endpoint::new(registry, Scheme::Auto).unwrap();
            assert_eq!(endpoint.base.as_str(), expected);
        }
        check("localhost", "http://localhost/");
        check("localhost:5000", "http://localhost:5000/");
        check("127.0.0.1:5000", "https://127.0.0.1:5000/");
        check("[::1]:5000", "https://[::1]:5000/");
        check("localhost.example", "https://localhost.example/");
        check("docker.io", "https://registry-1.docker.io/");
    }

    #[test]
    fn docker_hub_credentials_have_their_old_key() {
        let endpoint = Endpoint::new("docker.io", Scheme::Auto).unwrap();
        assert_eq!(endpoint.credential_key, "https://index.docker.io/v1/");
        let endpoint = Endpoint::new("localhost:5000", Scheme::Auto).unwrap();
        assert_eq!(endpoint.credential_key, "localhost:5000");
    }
}

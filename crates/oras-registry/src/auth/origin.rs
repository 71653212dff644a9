//! Where a request comes from, and which address it was sent to.

use std::net::IpAddr;

use http::HeaderMap;
use http::header::HeaderName;
use ipnet::IpNet;
use url::Url;

use super::{Auth, AuthError};
use crate::host::is_host;
use crate::peer::Peer;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// What a registry is called by a client that does not say.
const NAMELESS: &str = "localhost";

/// Finds out origins.
pub(super) struct Origins {
    /// The address clients use, without the slash at its end, and its host.
    public: Option<(String, String)>,
    proxies: Vec<IpNet>,
}

/// Where a request comes from, and which address it was sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The address of the registry, without a slash at its end.
    pub(super) base: String,
    /// The host of the registry, with its port: what tokens are for.
    pub(crate) service: String,
    /// The client's address, as far as it is known.
    pub(super) client: Option<IpAddr>,
}

impl Origins {
    pub(super) fn new(auth: &Auth) -> Result<Self, AuthError> {
        let public = auth.public_url.as_deref().map(public).transpose()?;
        let proxies = auth.trusted_proxies.iter().map(|text| network(text));
        Ok(Self {
            public,
            proxies: proxies.collect::<Result<_, _>>()?,
        })
    }

    /// `host` is what the client called the registry.
    pub(super) fn of(&self, peer: &Peer, host: Option<&str>, headers: &HeaderMap) -> Origin {
        let direct = peer.addr.map(|addr| addr.ip().to_canonical());
        let forwarded = direct.is_some_and(|addr| self.trusts(addr));
        // Proxies add what they know at the end; what a client invented stands before.
        let last = |name| {
            let value = headers.get_all(name).iter().next_back();
            let text = value.filter(|_| forwarded)?.to_str().ok()?;
            Some(text.rsplit(',').next()?.trim())
        };
        let client = match forwarded {
            true => self.client(headers).or(direct),
            false => direct,
        };
        if let Some((base, service)) = &self.public {
            return Origin {
                base: base.clone(),
                service: service.clone(),
                client,
            };
        }
        let scheme = match (last(FORWARDED_PROTO), peer.tls) {
            (Some("https"), _) => "https",
            (Some("http"), _) | (_, false) => "http",
            (_, true) => "https",
        };
        let forwarded = last(FORWARDED_HOST).filter(|host| is_host(host));
        let service = forwarded.or(host.filter(|host| is_host(host)));
        let service = service.unwrap_or(NAMELESS).to_owned();
        Origin {
            base: format!("{scheme}://{service}"),
            service,
            client,
        }
    }

    /// The last address in the list of those a request came through that is no trusted proxy.
    fn client(&self, headers: &HeaderMap) -> Option<IpAddr> {
        let values = headers.get_all(FORWARDED_FOR).iter().rev();
        let lists = values.filter_map(|value| value.to_str().ok());
        let mut seen = None;
        for text in lists.flat_map(|list| list.rsplit(',')) {
            let address: IpAddr = text.trim().parse().ok()?;
            seen = Some(address.to_canonical());
            if !self.trusts(address.to_canonical()) {
                break;
            }
        }
        seen
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.proxies
            .iter()
            .any(|network| network.contains(&address))
    }
}

fn public(text: &str) -> Result<(String, String), AuthError> {
    let url = Url::parse(text).ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https"));
    let host = url.as_ref().and_then(Url::host_str);
    let (Some(url), Some(host)) = (&url, host) else {
        return Err(AuthError::PublicUrl {
            url: text.to_owned(),
        });
    };
    let service = match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    let base = format!("{}://{service}{}", url.scheme(), url.path());
    Ok((base.trim_end_matches('/').to_owned(), service))
}

fn network(text: &str) -> Result<IpNet, AuthError> {
    let single = || text.parse::<IpAddr>().ok().map(IpNet::from);
    let network = text.parse().ok().or_else(single);
    network.ok_or_else(|| AuthError::Network {
        network: text.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(auth: &Auth, peer: &str, tls: bool, host: &str, headers: &[(&str, &str)]) -> Origin {
        let peer = Peer {
            addr: peer.parse().ok(),
            tls,
            certificate: None,
        };
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            map.append(name, value.parse().unwrap());
        }
        Origins::new(auth).unwrap().of(&peer, Some(host), &map)
    }

    fn check(origin: &Origin, base: &str, client: &str) {
        assert_eq!(origin.base, base);
        assert_eq!(origin.client, client.parse().ok());
        if !base.ends_with("/path") {
            assert!(base.ends_with(&origin.service), "{origin:?}");
        }
    }

    #[test]
    fn the_address_is_the_one_the_client_used() {
        let auth = Auth::new();
        let of = |tls, host| origin(&auth, "10.0.0.1:9", tls, host, &[]);
        check(
            &of(false, "r.example:5000"),
            "http://r.example:5000",
            "10.0.0.1",
        );
        check(&of(true, "r.example"), "https://r.example", "10.0.0.1");
        check(&of(false, "[::1]:5000"), "http://[::1]:5000", "10.0.0.1");
        for hostile in ["", "a\"b", "user@a", "a b", "a,b=\"", "a/b", "\\"] {
            check(&of(false, hostile), "http://localhost", "10.0.0.1");
        }
    }

    #[test]
    fn proxies_are_believed_if_they_are_trusted() {
        let auth = Auth::new().trusted_proxies(["10.0.0.0/8", "fd00::1"]);
        let headers = [
            ("x-forwarded-for", "6.6.6.6, 1.2.3.4"),
            ("x-forwarded-for", "10.9.9.9"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "invented, r.example"),
        ];
        let of = |peer| origin(&auth, peer, false, "inner:5000", &headers);
        check(&of("10.0.0.1:9"), "https://r.example", "1.2.3.4");
        check(&of("[fd00::1]:9"), "https://r.example", "1.2.3.4");
        check(&of("[::ffff:10.0.0.1]:9"), "https://r.example", "1.2.3.4");
        check(&of("11.0.0.1:9"), "http://inner:5000", "11.0.0.1");
        check(&of("nobody"), "http://inner:5000", "");
        let nonsense = [("x-forwarded-for", "?"), ("x-forwarded-host", "\"")];
        let origin = origin(&auth, "10.0.0.1:9", false, "inner", &nonsense);
        check(&origin, "http://inner", "10.0.0.1");
    }

    #[test]
    fn a_public_address_overrides_everything() {
        let auth = Auth::new().public_url("https://r.example:8443/path/");
        let origin = origin(&auth, "10.0.0.1:9", false, "inner", &[]);
        check(&origin, "https://r.example:8443/path", "10.0.0.1");
        assert_eq!(origin.service, "r.example:8443");
        for bad in ["", "r.example", "ftp://r.example", "https://"] {
            assert!(Origins::new(&Auth::new().public_url(bad)).is_err(), "{bad}");
        }
        for bad in ["", "10.0.0.0/33", "example.org"] {
            let auth = Auth::new().trusted_proxies([bad]);
            assert!(Origins::new(&auth).is_err(), "{bad}");
        }
    }
}

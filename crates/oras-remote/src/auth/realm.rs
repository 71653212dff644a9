//! Which token services are trusted with a registry's credentials.

use std::net::{IpAddr, Ipv6Addr};

use oras_content::{Error, ErrorKind, Result};
use oras_spec::go_quote;
use url::{Host, Url};

/// Checks the realm that the registry at `registry` named.
///
/// # Errors
/// [`ErrorKind::Credential`] for plain HTTP behind a registry with TLS, and for an address inside of our own network
/// that is not the registry's: a registry must not make us talk to whoever it likes.
pub(super) fn check(realm: &str, registry: &Url) -> Result<Url> {
    let quoted = go_quote(realm);
    let refuse = |why: String| Error::new(ErrorKind::Credential, format!("bearer realm {why}"));
    let url = Url::parse(realm).map_err(|_| refuse(format!("{quoted} is not a URL")))?;
    match (url.scheme(), registry.scheme()) {
        ("https", _) | ("http", "http") => {}
        ("http", _) => {
            return Err(refuse(format!(
                "{quoted} uses http but registry was contacted over https"
            )));
        }
        (other, _) => {
            return Err(refuse(format!(
                "{quoted} uses unsupported scheme {}",
                go_quote(other)
            )));
        }
    }
    let address = match url.host() {
        Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
        _ => None,
    };
    if address.is_some_and(is_internal) && url.host() != registry.host() {
        let host = go_quote(url.host_str().unwrap_or_default());
        return Err(refuse(format!(
            "host {host} is a loopback, link-local, private, or unspecified address"
        )));
    }
    Ok(url)
}

fn is_internal(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let multicast_link_local = v4.octets()[..3] == [224, 0, 0];
            v4.is_loopback()
                || v4.is_link_local()
                || v4.is_private()
                || v4.is_unspecified()
                || multicast_link_local
        }
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => is_internal(IpAddr::V4(v4)),
            None => is_internal_v6(v6),
        },
    }
}

fn is_internal_v6(address: Ipv6Addr) -> bool {
    let multicast_link_local = address.segments()[0] & 0xff0f == 0xff02;
    address.is_loopback()
        || address.is_unspecified()
        || address.is_unicast_link_local()
        || address.is_unique_local()
        || multicast_link_local
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_realm_matrix() {
        #[track_caller]
        fn check_realm(registry: &str, realm: &str, expected: Result<(), &str>) {
            let outcome = check(realm, &Url::parse(registry).unwrap());
            let got = outcome.map(drop).map_err(|error| error.to_string());
            assert_eq!(got, expected.map_err(str::to_owned));
        }
        check_realm("https://reg.test", "https://auth.test/token", Ok(()));
        check_realm("http://reg.test", "http://auth.test/token", Ok(()));
        check_realm(
            "https://reg.test",
            "http://auth.test/token",
            Err(
                r#"bearer realm "http://auth.test/token" uses http but registry was contacted over https"#,
            ),
        );
        check_realm(
            "https://reg.test",
            "file:///etc/passwd",
            Err(r#"bearer realm "file:///etc/passwd" uses unsupported scheme "file""#),
        );
        for host in [
            "127.0.0.1",
            "10.1.2.3",
            "169.254.169.254",
            "0.0.0.0",
            "[::1]",
            "[fe80::1]",
            "[::ffff:10.0.0.1]",
        ] {
            let outcome = check(
                &format!("https://{host}/t"),
                &Url::parse("https://reg.test").unwrap(),
            );
            let text = outcome.unwrap_err().to_string();
            assert!(
                text.ends_with("is a loopback, link-local, private, or unspecified address"),
                "{text}"
            );
        }
        check_realm("http://10.0.0.1:5000", "http://10.0.0.1:5001/t", Ok(()));
        check_realm("https://reg.test", "https://8.8.8.8/t", Ok(()));
    }
}

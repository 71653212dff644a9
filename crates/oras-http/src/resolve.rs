use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use thiserror::Error;

/// Says which address is dialled for one host and port, in place of DNS.
///
/// The `Host` header, the TLS server name and the proxy rules keep the original host. Written as
/// `host:port:address[:address_port]`; an IPv6 address cannot be written that way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolveRule {
    /// The host as dialled, compared whole and without regard to case.
    pub host: String,
    /// The port as dialled; the default ports 80 and 443 included.
    pub port: u16,
    /// The address to dial.
    pub address: IpAddr,
    /// The port to dial at that address.
    pub address_port: u16,
}

/// Why a text is not a [`ResolveRule`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("failed to parse resolve flag {rule:?}: {reason}")]
pub struct ParseResolveRuleError {
    rule: String,
    reason: &'static str,
}

impl FromStr for ResolveRule {
    type Err = ParseResolveRuleError;

    fn from_str(rule: &str) -> Result<Self, Self::Err> {
        let fail = |reason| ParseResolveRuleError {
            rule: rule.to_owned(),
            reason,
        };
        let mut parts = rule.splitn(4, ':');
        let (Some(host), Some(port), Some(address)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(fail("expecting host:port:address[:address_port]"));
        };
        let port = port
            .parse()
            .map_err(|_| fail("expecting uint64 host port"))?;
        let address = address.parse().map_err(|_| fail("invalid IP address"))?;
        let address_port = match parts.next() {
            Some(text) => text
                .parse()
                .map_err(|_| fail("expecting uint64 address port"))?,
            None => port,
        };
        Ok(Self {
            host: host.to_owned(),
            port,
            address,
            address_port,
        })
    }
}

/// The rules of a client, keyed by what is dialled.
#[derive(Clone, Debug, Default)]
pub(crate) struct ResolveMap(HashMap<(String, u16), SocketAddr>);

impl ResolveMap {
    pub(crate) fn insert(&mut self, rule: ResolveRule) {
        let address = SocketAddr::new(rule.address, rule.address_port);
        self.0
            .insert((rule.host.to_ascii_lowercase(), rule.port), address);
    }

    pub(crate) fn get(&self, host: &str, port: u16) -> Option<SocketAddr> {
        self.0.get(&(host.to_ascii_lowercase(), port)).copied()
    }
}

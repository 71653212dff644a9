//! Which hosts are reached without the proxy, by the rules that Go programs share.

use std::net::IpAddr;

/// The parsed form of a `NO_PROXY` list.
#[derive(Clone, Debug, Default)]
pub(crate) struct NoProxy {
    everything: bool,
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
enum Rule {
    Network {
        address: IpAddr,
        prefix: u32,
    },
    Address {
        address: IpAddr,
        port: Option<u16>,
    },
    /// `name` itself (unless only its sub-domains are meant) and everything below it.
    Domain {
        name: String,
        itself: bool,
        port: Option<u16>,
    },
}

impl NoProxy {
    pub(crate) fn parse(list: &str) -> Self {
        let mut parsed = Self::default();
        for entry in list
            .split(',')
            .map(|entry| entry.trim().to_ascii_lowercase())
        {
            match entry.as_str() {
                "" => {}
                "*" => parsed.everything = true,
                entry => parsed.rules.push(Rule::parse(entry)),
            }
        }
        parsed
    }

    /// True if `host` is reached directly. Loopback always is.
    pub(crate) fn covers(&self, host: &str, port: u16) -> bool {
        let host = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_ascii_lowercase();
        let address: Option<IpAddr> = host.parse().ok();
        if host == "localhost"
            || address.is_some_and(|address| address.is_loopback())
            || self.everything
        {
            return true;
        }
        self.rules
            .iter()
            .any(|rule| rule.matches(&host, address, port))
    }
}

impl Rule {
    fn parse(entry: &str) -> Self {
        if let Some((address, prefix)) = entry.split_once('/')
            && let (Ok(address), Ok(prefix)) = (address.parse::<IpAddr>(), prefix.parse())
        {
            return Self::Network { address, prefix };
        }
        let (host, port) = split_port(entry);
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = host.parse() {
            return Self::Address { address, port };
        }
        let below = host.strip_prefix("*.").or_else(|| host.strip_prefix('.'));
        Self::Domain {
            name: below.unwrap_or(host).to_owned(),
            itself: below.is_none(),
            port,
        }
    }

    fn matches(&self, host: &str, address: Option<IpAddr>, port: u16) -> bool {
        let port_fits = |wanted: &Option<u16>| wanted.is_none_or(|wanted| wanted == port);
        match self {
            Self::Network {
                address: network,
                prefix,
            } => address.is_some_and(|address| same_network(address, *network, *prefix)),
            Self::Address {
                address: wanted,
                port: wanted_port,
            } => address == Some(*wanted) && port_fits(wanted_port),
            Self::Domain {
                name,
                itself,
                port: wanted_port,
            } => {
                let below = host
                    .strip_suffix(name.as_str())
                    .is_some_and(|rest| rest.ends_with('.'));
                (below || (*itself && host == name)) && port_fits(wanted_port)
            }
        }
    }
}

fn split_port(entry: &str) -> (&str, Option<u16>) {
    let is_bare_v6 = entry.matches(':').count() > 1 && !entry.starts_with('[');
    match entry.rsplit_once(':') {
        Some((host, port)) if !is_bare_v6 => match port.parse() {
            Ok(port) => (host, Some(port)),
            Err(_) => (entry, None),
        },
        _ => (entry, None),
    }
}

fn same_network(address: IpAddr, network: IpAddr, prefix: u32) -> bool {
    match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(n)) => {
            leading_bits_agree(a.to_bits().into(), n.to_bits().into(), prefix, 32)
        }
        (IpAddr::V6(a), IpAddr::V6(n)) => leading_bits_agree(a.to_bits(), n.to_bits(), prefix, 128),
        _ => false,
    }
}

fn leading_bits_agree(a: u128, b: u128, prefix: u32, width: u32) -> bool {
    match width.checked_sub(prefix) {
        Some(128) => true,
        Some(shift) => a >> shift == b >> shift,
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules() {
        for (list, host, port, covered) in [
            ("", "registry.test", 443, false),
            ("", "localhost", 80, true),
            ("", "127.1.2.3", 80, true),
            ("", "[::1]", 80, true),
            ("*", "registry.test", 443, true),
            ("registry.test", "registry.test", 443, true),
            ("registry.test", "eu.registry.test", 443, true),
            ("registry.test", "notregistry.test", 443, false),
            (".registry.test", "registry.test", 443, false),
            ("*.registry.test", "eu.registry.test", 443, true),
            ("registry.test:5000", "registry.test", 443, false),
            (" a.test , registry.test:5000", "registry.test", 5000, true),
            ("10.0.0.0/8", "10.200.0.1", 443, true),
            ("10.0.0.0/8", "11.0.0.1", 443, false),
            ("0.0.0.0/0", "11.0.0.1", 443, true),
            ("10.0.0.0/99", "10.0.0.1", 443, false),
            ("fd00::/8", "[fd12::1]", 443, true),
            ("::/0", "[fd12::1]", 443, true),
            ("192.0.2.1", "192.0.2.1", 443, true),
            ("192.0.2.1:80", "192.0.2.1", 443, false),
            ("[2001:db8::1]:443", "[2001:db8::1]", 443, true),
        ] {
            assert_eq!(
                NoProxy::parse(list).covers(host, port),
                covered,
                "{list:?} {host} {port}"
            );
        }
    }
}

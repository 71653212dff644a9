//! Where a request comes from.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// The other end of the connection a request came through.
///
/// [`Server`](crate::Server) puts one into the extensions of every request; a program that brings its own server and calls
/// [`Registry::respond`](crate::Registry::respond) does the same if it wants addresses and certificates to count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// The address of whoever is connected: the client, or the last proxy before this server.
    pub addr: Option<SocketAddr>,
    /// Whether the connection is encrypted.
    pub tls: bool,
    /// The client certificate. Only one that was verified is ever here.
    pub certificate: Option<Certificate>,
}

/// Whom a verified client certificate names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certificate {
    /// The common name (CN) of the subject, empty if it has none.
    pub common_name: String,
    /// The organizational units (OU) of the subject.
    pub organizational_units: Vec<String>,
}

/// What counts as one client: of IPv6 the network of 64 bits, because each has more addresses than any table has room
/// for.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = u128::from(address) >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from(network))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_ipv6_counts_as_one() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::2"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:10.0.0.1"), of("10.0.0.1"));
        assert_ne!(of("10.0.0.2"), of("10.0.0.1"));
    }
}

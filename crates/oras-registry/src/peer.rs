//! Where a request comes from.

use std::net::SocketAddr;

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

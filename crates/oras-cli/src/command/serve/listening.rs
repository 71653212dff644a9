//! What is said about a server that listens.

use std::net::SocketAddr;

use oras_registry::Server;
use oras_registry::config::Config;
use serde::Serialize;

use crate::error::Error;

/// A server that listens, as its user sees it.
pub(super) struct Listening<'a> {
    config: &'a Config,
    /// Whether everybody may do everything.
    open: bool,
    addrs: Vec<SocketAddr>,
}

/// `--format json`
#[derive(Serialize)]
struct Model<'a> {
    addr: String,
    url: String,
    /// More than one if it listens in several places.
    urls: Vec<String>,
    /// None if everything is in memory.
    folder: Option<&'a str>,
    example: String,
}

impl<'a> Listening<'a> {
    pub(super) fn new(config: &'a Config, open: bool, servers: &[Server]) -> Self {
        Self {
            config,
            open,
            addrs: servers.iter().map(Server::addr).collect(),
        }
    }

    /// One line for people.
    pub(super) fn text(&self) -> String {
        let what = match self.config.memory {
            true => "from memory".to_owned(),
            false => self.config.folder.display().to_string(),
        };
        let urls = self.urls().join(" and ");
        format!("Serving {what} on {urls}, try: {}", self.example())
    }

    /// One line for programs.
    ///
    /// # Errors
    /// None that can happen; encoding is fallible in general.
    pub(super) fn json(&self) -> Result<String, Error> {
        let urls = self.urls();
        let model = Model {
            addr: self
                .addrs
                .first()
                .map(ToString::to_string)
                .unwrap_or_default(),
            url: urls.first().cloned().unwrap_or_default(),
            urls,
            folder: self.config.folder.to_str().filter(|_| !self.config.memory),
            example: self.example(),
        };
        serde_json::to_string(&model).map_err(|error| Error::caused(&error))
    }

    /// What the user should know before others find out, a line each.
    pub(super) fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let known = self.config.htpasswd.is_some() || self.config.tls.client_ca.is_some();
        if !self.open && !known {
            warnings.push(
                "Warning: nobody can sign in; give --htpasswd with a file of users, or --tls-client-ca".to_owned(),
            );
        }
        let exposed = self.addrs.iter().find(|addr| !addr.ip().is_loopback());
        let Some(addr) = exposed else {
            return warnings;
        };
        if self.open && !self.config.read_only {
            warnings.push(format!(
                "Warning: whoever reaches {addr} may push and delete; give --htpasswd with a file of users, or listen on 127.0.0.1 only"
            ));
        }
        if self.config.tls().is_none() {
            warnings.push(format!(
                "Warning: what is sent to {addr} is not encrypted; give --tls-cert and --tls-key, or put a proxy with TLS in front"
            ));
        }
        warnings
    }

    fn urls(&self) -> Vec<String> {
        let addrs = self.addrs.iter();
        let scheme = self.scheme();
        addrs.map(|addr| format!("{scheme}://{addr}")).collect()
    }

    fn scheme(&self) -> &'static str {
        match self.config.tls() {
            Some(_) => "https",
            None => "http",
        }
    }

    /// A command to paste.
    fn example(&self) -> String {
        let (flags, host) = self.reached();
        let reads_only = self.config.read_only && self.config.anonymous_pull;
        let user = match self.config.htpasswd.is_some() && !reads_only {
            true => "-u USER ",
            false => "",
        };
        match self.config.read_only {
            true => format!("oras repo ls {user}{flags}{host}"),
            false => format!("oras push {user}{flags}{host}/hello:v1 ./file"),
        }
    }

    /// How our own client reaches it: flags, and what it calls the host.
    fn reached(&self) -> (&'static str, String) {
        if let Some(url) = &self.config.public_url {
            let (scheme, host) = url.split_once("://").unwrap_or(("https", url));
            let flag = match scheme {
                "http" => "--plain-http ",
                _ => "",
            };
            return (flag, host.trim_end_matches('/').to_owned());
        }
        let plain = self.config.tls().is_none();
        match self.addrs.first() {
            None => ("", String::new()),
            // The one name that is spoken to without TLS unasked.
            Some(addr) if plain && reached_as_localhost(addr) => {
                ("", format!("localhost:{}", addr.port()))
            }
            Some(addr) if plain => ("--plain-http ", addr.to_string()),
            Some(addr) if addr.ip().is_unspecified() => ("", format!("127.0.0.1:{}", addr.port())),
            Some(addr) => ("", addr.to_string()),
        }
    }
}

fn reached_as_localhost(addr: &SocketAddr) -> bool {
    use std::net::{Ipv4Addr, Ipv6Addr};
    let ip = addr.ip();
    ip.is_unspecified() || ip == Ipv4Addr::LOCALHOST || ip == Ipv6Addr::LOCALHOST
}

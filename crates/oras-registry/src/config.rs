//! All settings of a server, and where they come from.
//!
//! A setting stands in a file, in an environment variable or in a flag. Each of these is a [`Layer`]; merged, the first
//! that says something wins. Nothing here reads files or variables: text comes in, a [`Config`] comes out.
//!
//! ```
//! use oras_registry::config::{Config, Layer, Setting};
//!
//! let file = Layer::file("serve.toml", "[limits]\nmanifest = \"8MiB\"", "/etc".as_ref())?;
//! let mut flags = Layer::default();
//! let setting = Setting::find("addr").unwrap();
//! flags.set(setting, "--addr", "127.0.0.1:0")?;
//! let config = Config::merge([flags, file])?;
//! assert_eq!(config.addr, ["127.0.0.1:0"]);
//! assert_eq!(config.limits.manifest_bytes, 8 * 1024 * 1024);
//! # Ok::<(), oras_registry::config::ConfigError>(())
//! ```

mod build;
mod error;
mod layer;
mod setting;
mod value;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::auth::{self, Rule};
use crate::layout::{Durability, LayoutOptions, Referrers, Untagged};
use crate::limits::Limits;
use crate::quantity;
use crate::server::ClientAuth;

pub use crate::quantity::parse_size;
pub use error::ConfigError;
pub use layer::Layer;
pub use setting::{Kind, SETTINGS, Setting};

/// Keys below which the user chooses the names, or which hold several tables.
const TABLES: &[&str] = &["groups", "rules"];

/// All settings of a server. Whatever is not set has its default.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Config {
    /// Where to listen: host and port.
    #[serde(deserialize_with = "value::addresses")]
    pub addr: Vec<String>,
    /// Where everything is stored, unless in memory.
    pub folder: PathBuf,
    /// Whether everything is stored in memory.
    pub memory: bool,
    /// What survives a power cut.
    #[serde(deserialize_with = "value::durability")]
    pub durability: Durability,
    /// Whether everything that would change something is refused.
    pub read_only: bool,
    /// Whether browsers are shown what is there.
    pub page: bool,
    /// Which line is written for each request.
    #[serde(deserialize_with = "value::access_log")]
    pub access_log: AccessLog,
    /// How long a server that is about to stop says so before it does.
    #[serde(deserialize_with = "quantity::duration")]
    pub drain_delay: Duration,
    /// How long requests may take to finish when it stops.
    #[serde(deserialize_with = "quantity::duration")]
    pub drain_timeout: Duration,
    /// A file with the passwords of users.
    pub htpasswd: Option<PathBuf>,
    /// Whether everybody may read everything.
    pub anonymous_pull: bool,
    /// Who may do everything everywhere.
    #[serde(deserialize_with = "value::list")]
    pub admins: Vec<String>,
    /// Patterns of repositories that nobody may touch.
    #[serde(deserialize_with = "value::list")]
    pub deny: Vec<String>,
    /// The members of each group.
    pub groups: BTreeMap<String, Vec<String>>,
    /// Who may do what where.
    #[serde(deserialize_with = "value::rules")]
    pub rules: Vec<Rule>,
    /// The address that clients use.
    pub public_url: Option<String>,
    /// Networks of proxies that are believed.
    #[serde(deserialize_with = "value::list")]
    pub trusted_proxies: Vec<String>,
    /// A file with the key of the token service.
    pub token_key_file: Option<PathBuf>,
    /// Certificates.
    pub tls: TlsConfig,
    /// Cleaning.
    pub gc: GcConfig,
    /// What is refused.
    pub limits: Limits,
}

/// Which line is written for each request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AccessLog {
    /// None.
    #[default]
    Off,
    /// One for people.
    Text,
    /// One for programs.
    Json,
}

/// Certificates. All files are in PEM format.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct TlsConfig {
    /// The chain of certificates of the server, its own first.
    pub cert: Option<PathBuf>,
    /// The private key of the server.
    pub key: Option<PathBuf>,
    /// Certificates of who signs those of clients.
    pub client_ca: Option<PathBuf>,
    /// Whether clients have to show one.
    #[serde(deserialize_with = "value::client_auth")]
    pub client_auth: Option<ClientAuth>,
}

/// Cleaning: content that nothing refers to goes.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct GcConfig {
    /// How long a server waits between two collections; zero is for ever.
    #[serde(deserialize_with = "quantity::duration")]
    pub interval: Duration,
    /// How long content that nothing refers to is kept.
    #[serde(deserialize_with = "quantity::duration")]
    pub grace: Duration,
    /// What becomes of manifests without a tag.
    #[serde(deserialize_with = "value::untagged")]
    pub untagged: Untagged,
    /// What becomes of manifests without a tag whose subject is gone.
    #[serde(deserialize_with = "value::referrers")]
    pub referrers: Referrers,
}

impl Default for GcConfig {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(60 * 60),
            grace: LayoutOptions::default().grace,
            untagged: Untagged::default(),
            referrers: Referrers::default(),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            addr: vec!["127.0.0.1:5000".to_owned()],
            folder: "./registry".into(),
            memory: false,
            durability: Durability::default(),
            read_only: false,
            page: true,
            access_log: AccessLog::default(),
            drain_delay: Duration::ZERO,
            drain_timeout: Duration::from_secs(30),
            htpasswd: None,
            anonymous_pull: false,
            admins: Vec::new(),
            deny: Vec::new(),
            groups: BTreeMap::new(),
            rules: Vec::new(),
            public_url: None,
            trusted_proxies: Vec::new(),
            token_key_file: None,
            tls: TlsConfig::default(),
            gc: GcConfig::default(),
            limits: Limits::default(),
        }
    }
}

impl Config {
    /// Puts layers together; for each setting the first layer that has it counts.
    ///
    /// # Errors
    /// [`ConfigError::Together`] and [`ConfigError::Group`] if settings contradict each other.
    pub fn merge(layers: impl IntoIterator<Item = Layer>) -> Result<Self, ConfigError> {
        let config = Layer::merge(layers)?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        if self.addr.is_empty() {
            return Err(ConfigError::Together("`addr` names no address"));
        }
        let TlsConfig {
            cert,
            key,
            client_ca,
            client_auth,
        } = &self.tls;
        if cert.is_some() != key.is_some() {
            return Err(ConfigError::Together(
                "`tls.cert` and `tls.key` belong together",
            ));
        }
        if client_ca.is_some() && cert.is_none() {
            return Err(ConfigError::Together(
                "`tls.client_ca` needs `tls.cert` and `tls.key`",
            ));
        }
        if client_auth.is_some() && client_ca.is_none() {
            return Err(ConfigError::Together(
                "`tls.client_auth` needs `tls.client_ca`",
            ));
        }
        self.check_groups()
    }

    /// A rule whose group is misspelt would give nobody anything, silently.
    fn check_groups(&self) -> Result<(), ConfigError> {
        // Then the organizational units of certificates are groups, which nobody has to name here.
        if self.tls.client_ca.is_some() {
            return Ok(());
        }
        let who = self.rules.iter().flat_map(|rule| &rule.who);
        let mut groups = who
            .chain(&self.admins)
            .filter_map(|who| who.strip_prefix('@'));
        let unknown = groups.find(|name| *name != auth::USERS && !self.groups.contains_key(*name));
        match unknown {
            Some(name) => Err(ConfigError::Group(name.to_owned())),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;

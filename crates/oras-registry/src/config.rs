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

mod error;
mod layer;
mod setting;
pub(crate) mod value;

use std::path::PathBuf;

use serde::Deserialize;

use crate::registry::{Builder, Limits, Registry};

pub use error::ConfigError;
pub use layer::Layer;
pub use setting::{Kind, SETTINGS, Setting};
pub use value::{parse_duration, parse_size};

/// Keys below which the user chooses the names, or which hold several tables.
const TABLES: &[&str] = &[];

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
    /// What is refused.
    pub limits: Limits,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            addr: vec!["127.0.0.1:5000".to_owned()],
            folder: "./registry".into(),
            memory: false,
            limits: Limits::default(),
        }
    }
}

impl Config {
    /// Puts layers together; for each setting the first layer that has it counts.
    ///
    /// # Errors
    /// [`ConfigError::Together`] if settings contradict each other.
    pub fn merge(layers: impl IntoIterator<Item = Layer>) -> Result<Self, ConfigError> {
        let config = Layer::merge(layers)?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        if self.addr.is_empty() {
            return Err(ConfigError::Together("`addr` names no address"));
        }
        Ok(())
    }

    /// A builder with these settings.
    pub fn builder(&self) -> Builder {
        Registry::builder().memory().limits(self.limits.clone())
    }
}

#[cfg(test)]
mod tests;

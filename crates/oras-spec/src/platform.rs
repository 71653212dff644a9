//! Platforms (image-spec, image-index.md, property `platform`).

#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::go::go_quote;
use crate::tolerant;

/// The machine some content is made for (image-spec, image-index.md, property `platform`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Platform {
    /// CPU architecture in Go naming, such as `amd64`.
    #[serde(default, deserialize_with = "tolerant::null_as_default")]
    pub architecture: String,
    /// Operating system in Go naming, such as `linux`.
    #[serde(default, deserialize_with = "tolerant::null_as_default")]
    pub os: String,
    /// Version of the operating system.
    #[serde(
        rename = "os.version",
        default,
        deserialize_with = "tolerant::empty_as_none",
        skip_serializing_if = "tolerant::is_empty"
    )]
    pub os_version: Option<String>,
    /// Features the operating system must have.
    #[serde(
        rename = "os.features",
        default,
        deserialize_with = "tolerant::null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub os_features: Vec<String>,
    /// Variant of the CPU, such as `v8`.
    #[serde(
        default,
        deserialize_with = "tolerant::empty_as_none",
        skip_serializing_if = "tolerant::is_empty"
    )]
    pub variant: Option<String>,
    /// Reserved by the image-spec; Docker manifest lists put CPU features here.
    #[serde(
        default,
        deserialize_with = "tolerant::null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub features: Vec<String>,
    /// Fields unknown to this crate.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Platform {
    /// A platform with its two required fields.
    #[must_use]
    pub fn new(os: impl Into<String>, architecture: impl Into<String>) -> Self {
        Self {
            architecture: architecture.into(),
            os: os.into(),
            ..Self::default()
        }
    }

    /// The platform this program runs on, in Go naming.
    #[must_use]
    pub fn host() -> Self {
        Self::new(host_os(), Self::host_arch())
    }

    /// The architecture this program runs on, in Go naming.
    #[must_use]
    pub fn host_arch() -> &'static str {
        match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "x86" => "386",
            "aarch64" => "arm64",
            "loongarch64" => "loong64",
            "powerpc64" if cfg!(target_endian = "little") => "ppc64le",
            "powerpc64" => "ppc64",
            "mips" if cfg!(target_endian = "little") => "mipsle",
            "mips64" if cfg!(target_endian = "little") => "mips64le",
            "wasm32" => "wasm",
            other => other,
        }
    }

    /// Reads `os[/arch[/variant]][:os_version]`; without an architecture it is `host_arch`.
    ///
    /// # Errors
    /// [`PlatformError`]
    pub fn parse(text: &str, host_arch: &str) -> Result<Self, PlatformError> {
        let (names, os_version) = match text.split_once(':') {
            Some((names, version)) => (names, Some(version)),
            None => (text, None),
        };
        let parts: Vec<&str> = names.split('/').collect();
        let (os, architecture, variant) = match parts[..] {
            [os] => (os, host_arch, None),
            [os, architecture] => (os, architecture, None),
            [os, architecture, variant] => (os, architecture, Some(variant)),
            _ => return Err(PlatformError::Format(text.to_owned())),
        };
        if os.is_empty() {
            return Err(PlatformError::EmptyOs);
        }
        if architecture.is_empty() {
            return Err(PlatformError::EmptyArchitecture);
        }
        let present = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Ok(Self {
            os_version: os_version.and_then(present),
            variant: variant.and_then(present),
            ..Self::new(os, architecture)
        })
    }

    /// Whether content for this platform is what `wanted` asks for.
    ///
    /// Names must be equal as written. Version, variant and features count only where `wanted` has them.
    #[must_use]
    pub fn matches(&self, wanted: &Self) -> bool {
        let agrees = |wanted: &Option<String>, own: &Option<String>| {
            tolerant::is_empty(wanted) || wanted == own
        };
        self.architecture == wanted.architecture
            && self.os == wanted.os
            && agrees(&wanted.os_version, &self.os_version)
            && agrees(&wanted.variant, &self.variant)
            && wanted
                .os_features
                .iter()
                .all(|feature| self.os_features.contains(feature))
    }
}

/// Prints the form that [`Platform::parse`] reads.
impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        if let Some(variant) = &self.variant {
            write!(f, "/{variant}")?;
        }
        if let Some(version) = &self.os_version {
            write!(f, ":{version}")?;
        }
        Ok(())
    }
}

fn host_os() -> &'static str {
    match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    }
}

/// Why a text names no platform.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlatformError {
    /// More than three parts; holds the whole text.
    Format(String),
    /// Nothing before the first slash.
    EmptyOs,
    /// Nothing after the first slash.
    EmptyArchitecture,
}

impl fmt::Display for PlatformError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format(text) => {
                let text = go_quote(text);
                write!(
                    f,
                    "failed to parse platform {text}: expected format os[/arch[/variant]]"
                )
            }
            Self::EmptyOs => f.write_str("invalid platform: OS cannot be empty"),
            Self::EmptyArchitecture => {
                f.write_str("invalid platform: Architecture cannot be empty")
            }
        }
    }
}

impl std::error::Error for PlatformError {}

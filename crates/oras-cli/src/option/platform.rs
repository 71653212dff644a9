//! `--platform`.

use oras::spec::Platform;

use crate::error::Error;

/// Selection from an index.
#[derive(Debug, clap::Args)]
pub(crate) struct PlatformArgs {
    /// use the manifest for this platform
    #[arg(
        long,
        value_name = "os[/arch][/variant][:os_version]",
        default_value = ""
    )]
    pub(crate) platform: String,
}

impl PlatformArgs {
    /// # Errors
    /// If the value names no platform.
    pub(crate) fn check(&self) -> Result<Option<Platform>, Error> {
        parse(&self.platform)
    }
}

/// The platform that `text` names; none for an empty one.
///
/// # Errors
/// If it names none.
pub(crate) fn parse(text: &str) -> Result<Option<Platform>, Error> {
    if text.is_empty() {
        return Ok(None);
    }
    let platform = Platform::parse(text, Platform::host_arch());
    platform
        .map(Some)
        .map_err(|error| Error::told(error.to_string()))
}

//! `--distribution-spec`: how a registry is asked for referrers.

use std::fmt;

/// How referrers are read and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DistributionSpec {
    /// Through an index under a tag, never through the API.
    ReferrersTag,
    /// Through the API, always.
    ReferrersApi,
}

/// `--distribution-spec`
#[derive(Debug, clap::Args)]
pub(crate) struct DistributionSpecArgs {
    /// [Preview] how the registry keeps referrers: v1.1-referrers-api or v1.1-referrers-tag (default "unknown")
    #[arg(long, value_parser = parse)]
    pub(crate) distribution_spec: Option<DistributionSpec>,
}

fn parse(text: &str) -> Result<DistributionSpec, UnknownOption> {
    match text {
        "v1.1-referrers-tag" => Ok(DistributionSpec::ReferrersTag),
        "v1.1-referrers-api" => Ok(DistributionSpec::ReferrersApi),
        _ => Err(UnknownOption {
            what: "distribution specification",
            text: text.to_owned(),
            options: "v1.1-referrers-tag, v1.1-referrers-api",
        }),
    }
}

/// A word that is not among the options of a flag.
#[derive(Clone, Debug)]
pub(crate) struct UnknownOption {
    pub(crate) what: &'static str,
    pub(crate) text: String,
    pub(crate) options: &'static str,
}

impl fmt::Display for UnknownOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            what,
            text,
            options,
        } = self;
        write!(
            f,
            "unknown {what} flag: {text}\nAvailable options: {options}"
        )
    }
}

impl std::error::Error for UnknownOption {}

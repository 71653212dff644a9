//! `oras logout`

use oras::remote::{CredentialStore as _, credential_key};

use crate::command::Run;
use crate::error::Error;
use crate::session::{self, Session};
use crate::usage::Arity;

/// Log out from a registry
///
/// The credential is removed from where 'oras login' keeps it. The registry is not told.
#[derive(Debug, clap::Parser)]
#[command(
    name = "logout",
    verbatim_doc_comment,
    override_usage = "logout [flags] <registry>",
    after_help = "Example - Log out:
  oras logout localhost:5000"
)]
pub(crate) struct Logout {
    /// print debug logs to standard error
    #[arg(short, long)]
    debug: bool,
    /// files with registry credentials
    #[arg(long, alias = "config", short_alias = 'c')]
    registry_config: Vec<String>,
}

impl Run for Logout {
    const ARITY: Arity = Arity::exactly(1, "the registry you want to log out");

    async fn run(self, _: &Session, args: &[String]) -> Result<(), Error> {
        let registry = &args[0];
        let store = session::store(&self.registry_config)?;
        let erased = store.erase(&credential_key(registry)).await;
        Ok(erased.map_err(|error| {
            error.context(format!("failed to delete the credential for {registry}"))
        })?)
    }
}

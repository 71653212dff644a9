//! `oras login`

use std::io::{self, IsTerminal as _};

use oras::remote::{DockerConfig, credential_key};

use crate::command::Run;
use crate::error::{Audience, Error, Registry};
use crate::option::common::CommonArgs;
use crate::option::remote::{Access, RemoteArgs, Secret};
use crate::option::stdin::{self, Quiet};
use crate::output;
use crate::session::{self, Session};
use crate::usage::Arity;

/// Log in to a registry
///
/// The credential is checked with the registry, then kept in the docker configuration file or by the credential helper
/// that the file names. What is not given by flags is asked for.
#[derive(Debug, clap::Parser)]
#[command(
    name = "login",
    mut_arg("registry_config", |arg| arg.alias("config")),
    verbatim_doc_comment,
    override_usage = "login [flags] <registry>",
    after_help = "Example - Be asked for username and password:
  oras login localhost:5000

Example - Take the password from a pipe:
  printf %s \"$PASSWORD\" | oras login -u hello --password-stdin localhost:5000

Example - Take an identity token from a pipe:
  printf %s \"$TOKEN\" | oras login --identity-token-stdin localhost:5000

Example - Be asked for an identity token (leave the username empty):
  oras login localhost:5000

Example - Keep the credential in another file:
  oras login --registry-config auth.json localhost:5000

Example - Log in over plain HTTP:
  oras login --plain-http registry.example:5000

Example - Log in without checking the certificate:
  oras login --insecure localhost:5000"
)]
pub(crate) struct Login {
    #[command(flatten)]
    remote: RemoteArgs,
    #[command(flatten)]
    common: CommonArgs,
}

impl Run for Login {
    const ARITY: Arity = Arity::exactly(1, "the registry to log in to");

    async fn run(self, session: &Session, args: &[String]) -> Result<(), Error> {
        let registry = &args[0];
        let mut access = self.remote.check(session.flags())?;
        oras::spec::validate_registry(registry).map_err(|error| Error::told(error.to_string()))?;
        // Nobody should type a password that can't be kept.
        let store = session::store(&access.registry_config)?;
        if access.secret.0.is_empty() {
            ask(session, &mut access).await?;
        }
        let audience = Audience::Registry(Registry {
            host: oras::spec::reference::host(registry).to_owned(),
            config: session.config_path(&access),
            namespaced: None,
        });
        let work = async {
            let client = session.client(&access, registry, None)?;
            let registry = client.registry(registry)?;
            Ok(registry.login(access.credential(), &store).await?)
        };
        work.await.map_err(|error: Error| error.tell(&audience))?;
        announce(&store, registry);
        output::line("Login Succeeded")
    }
}

/// Tells a person, and no script, that the credential is not in a keychain.
fn announce(store: &DockerConfig, registry: &str) {
    let plain = store.plain_text_file(&credential_key(registry));
    if let Some(path) = plain.filter(|_| io::stderr().is_terminal()) {
        let path = path.display();
        output::tell(&format!(
            "The credential is kept unencrypted in {path}. To keep it in a keychain, name a credential helper there as \"credsStore\"."
        ));
    }
}

/// Asks for what is missing. Without a user name the secret is an identity token.
async fn ask(session: &Session, access: &mut Access) -> Result<(), Error> {
    if access.username.is_empty() {
        output::text("Username: ")?;
        access.username = stdin::typed(session).await?.trim().to_owned();
    }
    let (question, problem) = match access.username.is_empty() {
        true => ("Token: ", "token required"),
        false => ("Password: ", "password required"),
    };
    access.secret = secret(session, question).await?;
    match access.secret.0.is_empty() {
        true => Err(Error::told(problem)),
        false => Ok(()),
    }
}

/// An answer that a terminal does not show.
async fn secret(session: &Session, question: &str) -> Result<Secret, Error> {
    let quiet = match io::stdin().is_terminal() {
        true => Some(Quiet::new()?),
        false => None,
    };
    output::text(question)?;
    let secret = stdin::typed(session).await;
    if quiet.is_some() {
        // The line end that was typed was not shown either.
        output::line("")?;
    }
    secret.map(Secret)
}

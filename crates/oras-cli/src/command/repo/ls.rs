//! `oras repo ls`

use futures_util::TryStreamExt;
use oras::spec::{ReferenceError, validate_registry, validate_repository};
use serde::Serialize;

use crate::command::Run;
use crate::error::{Audience, Error, Failure, Registry};
use crate::option::common::CommonArgs;
use crate::option::format::{Format, FormatArgs};
use crate::option::remote::{Access, RemoteArgs};
use crate::output;
use crate::session::Session;
use crate::usage::Arity;

/// List the repositories of a registry
#[derive(Debug, clap::Parser)]
#[command(
    name = "ls",
    alias = "list",
    override_usage = "ls [flags] <registry>",
    after_help = "Example - List the repositories of a registry:
  oras repo ls localhost:5000

Example - List the repositories below a namespace:
  oras repo ls localhost:5000/team

Example - List what comes after a name:
  oras repo ls --last \"hello\" localhost:5000

Example - Print JSON for programs:
  oras repo ls localhost:5000 --format json

Example - Print what a template makes of it:
  oras repo ls localhost:5000 --format go-template --template \"{{.registry}}\""
)]
pub(crate) struct List {
    #[command(flatten)]
    remote: RemoteArgs,
    #[command(flatten)]
    common: CommonArgs,
    #[command(flatten)]
    format: FormatArgs,
    /// list repositories after this one
    #[arg(long, value_name = "last", default_value = "")]
    last: String,
}

impl Run for List {
    const ARITY: Arity = Arity::exactly(1, "the target registry to list repositories from");

    async fn run(self, session: &Session, args: &[String]) -> Result<(), Error> {
        let access = self.remote.check(session.flags())?;
        let format = self.format.check()?;
        let (registry, namespace) = split(&args[0])?;
        let audience = Audience::Registry(Registry {
            host: oras::spec::reference::host(&registry).to_owned(),
            config: session.config_path(&access),
            namespaced: None,
        });
        let done = self
            .list(session, &access, &registry, &namespace, format)
            .await;
        done.map_err(|error| listing(error, &registry, &namespace).tell(&audience))
    }
}

impl List {
    async fn list(
        &self,
        session: &Session,
        access: &Access,
        registry: &str,
        namespace: &str,
        format: Format,
    ) -> Result<(), Error> {
        let client = session.client(access, registry, None)?;
        let listed = client.registry(registry)?;
        let mut names = Vec::new();
        let mut pages =
            listed.repositories(Some(self.last.as_str()).filter(|last| !last.is_empty()));
        while let Some(page) = pages.try_next().await? {
            for name in page {
                let Some(rest) = name.strip_prefix(namespace) else {
                    continue;
                };
                match &format {
                    Format::Text => output::line(rest)?,
                    _ => names.push(name),
                }
            }
        }
        format.show(&Model {
            registry: registry.to_owned(),
            repositories: names,
        })
    }
}

/// Registry and namespace; the latter is empty or ends with a slash.
fn split(text: &str) -> Result<(String, String), Error> {
    let text = text.strip_suffix('/').unwrap_or(text);
    let told = |error: ReferenceError| Error::told(error.to_string());
    let unusable = |why: &str| Error::told(format!("could not parse repository path: {why}"));
    let Some((registry, namespace)) = text.split_once('/') else {
        validate_registry(text).map_err(told)?;
        return Ok((text.to_owned(), String::new()));
    };
    if namespace.contains([':', '@']) {
        return Err(unusable("tags or digests should not be provided"));
    }
    validate_registry(registry).map_err(|error| unusable(&error.to_string()))?;
    validate_repository(namespace).map_err(|error| unusable(&error.to_string()))?;
    Ok((registry.to_owned(), format!("{namespace}/")))
}

/// What is not an answer of the registry is told with what was attempted.
fn listing(error: Error, registry: &str, namespace: &str) -> Error {
    let error = match error {
        Error::Sdk(error)
            if error.response().is_none()
                && error.kind() != oras::content::ErrorKind::Credential =>
        {
            error
        }
        other => return other,
    };
    let host = oras::spec::reference::host(registry);
    let prefix = match namespace {
        "" => String::new(),
        namespace => format!(" with prefix \"{namespace}\""),
    };
    Failure::new(format!(
        "could not list repositories for \"{host}\"{prefix}"
    ))
    .with_hint(error.chain())
    .into()
}

/// `--format json`
#[derive(Debug, Serialize)]
struct Model {
    registry: String,
    repositories: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_may_follow_the_registry() {
        assert_eq!(
            split("localhost:5000").unwrap(),
            ("localhost:5000".into(), String::new())
        );
        assert_eq!(
            split("localhost:5000/").unwrap(),
            ("localhost:5000".into(), String::new())
        );
        assert_eq!(
            split("localhost:5000/a/b/").unwrap(),
            ("localhost:5000".into(), "a/b/".into())
        );
        let refuses = |text: &str, why: &str| {
            assert_eq!(
                split(text).unwrap_err().into_failure().text(),
                format!("Error: {why}"),
                "{text}"
            );
        };
        refuses(
            "bad host",
            "invalid reference: invalid registry \"bad host\"",
        );
        refuses(
            "r/a:v1",
            "could not parse repository path: tags or digests should not be provided",
        );
        refuses(
            "r/NS",
            "could not parse repository path: invalid reference: invalid repository \"NS\"",
        );
    }
}

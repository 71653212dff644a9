//! How words in a file name what other modules define.

use serde::{Deserialize, Deserializer};

use crate::auth::{Action, Rule};
use crate::layout::Durability;
use crate::server::ClientAuth;

#[derive(Deserialize)]
#[serde(remote = "Durability", rename_all = "lowercase")]
enum DurabilityWord {
    None,
    Manifest,
    Blob,
}

pub(super) fn durability<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Durability, D::Error> {
    DurabilityWord::deserialize(deserializer)
}

#[derive(Deserialize)]
#[serde(remote = "ClientAuth", rename_all = "lowercase")]
enum ClientAuthWord {
    Request,
    Require,
}

pub(super) fn client_auth<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<ClientAuth>, D::Error> {
    ClientAuthWord::deserialize(deserializer).map(Some)
}

/// A rule as it stands in a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleTable {
    repositories: Vec<String>,
    #[serde(default)]
    who: Vec<String>,
    #[serde(default)]
    allow: Vec<ActionWord>,
    #[serde(default)]
    immutable_tags: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum ActionWord {
    Pull,
    Push,
    Delete,
}

pub(super) fn rules<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Rule>, D::Error> {
    let tables = Vec::<RuleTable>::deserialize(deserializer)?;
    Ok(tables.into_iter().map(Rule::from).collect())
}

impl From<RuleTable> for Rule {
    fn from(table: RuleTable) -> Self {
        let allow = table.allow.into_iter().map(|word| match word {
            ActionWord::Pull => Action::Pull,
            ActionWord::Push => Action::Push,
            ActionWord::Delete => Action::Delete,
        });
        Self {
            repositories: table.repositories,
            who: table.who,
            allow: allow.collect(),
            immutable_tags: table.immutable_tags,
        }
    }
}

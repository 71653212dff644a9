//! Values that only a server's settings have: words, lists and addresses. What is wrong with one is told in the words of
//! whoever wrote it.

use std::fmt;

use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::AccessLog;
use crate::auth::{Action, Rule};
use crate::layout::{Durability, Referrers, Untagged};
use crate::quantity::{self, Quantity};
use crate::server::ClientAuth;

/// What one of a few words stands for.
fn word<'de, D: Deserializer<'de>, T: Copy>(
    deserializer: D,
    words: &[(&str, T)],
) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)?;
    let found = words.iter().find(|(word, _)| *word == text);
    found.map(|(_, meant)| *meant).ok_or_else(|| {
        let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        de::Error::custom(format!("{text:?} is none of {}", words.join(", ")))
    })
}

pub(super) fn durability<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Durability, D::Error> {
    let words = [
        ("none", Durability::None),
        ("manifest", Durability::Manifest),
        ("blob", Durability::Blob),
    ];
    word(deserializer, &words)
}

pub(super) fn client_auth<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<ClientAuth>, D::Error> {
    let words = [
        ("request", ClientAuth::Request),
        ("require", ClientAuth::Require),
    ];
    word(deserializer, &words).map(Some)
}

pub(super) fn access_log<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<AccessLog, D::Error> {
    let words = [
        ("off", AccessLog::Off),
        ("text", AccessLog::Text),
        ("json", AccessLog::Json),
    ];
    word(deserializer, &words)
}

pub(super) fn referrers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Referrers, D::Error> {
    let words = [("keep", Referrers::Keep), ("remove", Referrers::Remove)];
    word(deserializer, &words)
}

/// What becomes of manifests without a tag: `keep`, or how old they get.
pub(super) fn untagged<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Untagged, D::Error> {
    deserializer.deserialize_any(Quantity {
        expected: "\"keep\" or a duration such as \"30d\"",
        parse: |text| match text {
            "keep" => Ok(Untagged::Keep),
            text => quantity::parse_duration(text).map(Untagged::After),
        },
    })
}

/// A rule as it stands in a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleTable {
    #[serde(deserialize_with = "list")]
    repositories: Vec<String>,
    #[serde(default, deserialize_with = "list")]
    who: Vec<String>,
    #[serde(default)]
    allow: Vec<ActionWord>,
    #[serde(default, deserialize_with = "list")]
    immutable_tags: Vec<String>,
}

struct ActionWord(Action);

impl<'de> Deserialize<'de> for ActionWord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let words = [
            ("pull", Action::Pull),
            ("push", Action::Push),
            ("delete", Action::Delete),
        ];
        word(deserializer, &words).map(Self)
    }
}

pub(super) fn rules<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Rule>, D::Error> {
    let tables = Vec::<RuleTable>::deserialize(deserializer)?;
    let rules = tables.into_iter().map(|table| Rule {
        repositories: table.repositories,
        who: table.who,
        allow: table.allow.into_iter().map(|word| word.0).collect(),
        immutable_tags: table.immutable_tags,
    });
    Ok(rules.collect())
}

/// Several texts.
pub(super) fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    deserializer.deserialize_any(List)
}

struct List;

impl<'de> Visitor<'de> for List {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list such as [\"one\", \"two\"]")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut texts: A) -> Result<Vec<String>, A::Error> {
        let mut list = Vec::new();
        while let Some(text) = texts.next_element()? {
            list.push(text);
        }
        Ok(list)
    }
}

pub(super) fn addresses<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<String>, D::Error> {
    let addresses = list(deserializer)?;
    let sound = |addr: &String| {
        let parts = addr.rsplit_once(':');
        parts.is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
    };
    match addresses.iter().find(|addr| !sound(addr)) {
        None => Ok(addresses),
        Some(addr) => Err(de::Error::custom(format!(
            "{addr:?} is not an address such as \"127.0.0.1:5000\""
        ))),
    }
}

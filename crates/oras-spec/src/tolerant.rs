//! Reading what other tools wrote: `null` where the field should be absent, empty where it should be left out.

use std::collections::BTreeMap;

use serde::de::{Deserialize, Deserializer};

use crate::annotation::Annotations;

/// `null` counts as absent.
pub(crate) fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// An empty string counts as absent, as the reference tool treats it when it writes.
pub(crate) fn empty_as_none<'de, D>(deserializer: D) -> Result<Option<String>, D::Error>
where
    D: Deserializer<'de>,
{
    let text: Option<String> = Option::deserialize(deserializer)?;
    Ok(text.filter(|text| !text.is_empty()))
}

/// `null` counts as no annotations, and a `null` value as an empty one.
pub(crate) fn annotations<'de, D>(deserializer: D) -> Result<Annotations, D::Error>
where
    D: Deserializer<'de>,
{
    let entries: Option<BTreeMap<String, Option<String>>> = Option::deserialize(deserializer)?;
    let entries = entries.unwrap_or_default().into_iter();
    Ok(entries
        .map(|(key, value)| (key, value.unwrap_or_default()))
        .collect())
}

/// Whether an optional string adds nothing to the JSON.
pub(crate) fn is_empty(text: &Option<String>) -> bool {
    text.as_deref().is_none_or(str::is_empty)
}

//! One source of settings.

use std::ops::Range;
use std::path::Path;

use serde::Deserialize as _;
use toml::de::DeTable;
use toml::{Table, Value};

use super::{Config, ConfigError, Kind, SETTINGS, Setting, TABLES};

/// Settings of one source, checked each for itself.
#[derive(Clone, Debug, Default)]
pub struct Layer {
    table: Table,
}

impl Layer {
    /// The settings in the text of a TOML file. `origin` is what errors call the file, `folder` is what its relative
    /// paths are relative to.
    ///
    /// # Errors
    /// [`ConfigError`] names the line and, for a key that doesn't exist, what may have been meant.
    pub fn file(origin: &str, text: &str, folder: &Path) -> Result<Self, ConfigError> {
        let at = |span: Range<usize>| {
            let before = text.get(..span.start).unwrap_or(text);
            format!("{origin}:{}", before.matches('\n').count() + 1)
        };
        let invalid = |error: toml::de::Error| ConfigError::Invalid {
            origin: error.span().map_or_else(|| origin.to_owned(), at),
            problem: error.message().to_owned(),
        };
        let keys = DeTable::parse(text).map_err(invalid)?;
        if let Some((span, key)) = unknown(keys.get_ref(), "") {
            return Err(ConfigError::UnknownKey {
                origin: at(span),
                nearest: Setting::nearest(&key).map(str::to_owned),
                key,
            });
        }
        toml::from_str::<Config>(text).map_err(invalid)?;
        let mut table: Table = toml::from_str(text).map_err(invalid)?;
        for setting in SETTINGS.iter().filter(|setting| setting.kind == Kind::Path) {
            if let Some(Value::String(path)) = entry(&mut table, setting.key) {
                let whole = folder.join(&*path);
                let whole = whole
                    .to_str()
                    .ok_or_else(|| ConfigError::Folder(folder.to_owned()))?;
                whole.clone_into(path);
            }
        }
        Ok(Self { table })
    }

    /// Sets one setting to what a variable or a flag says; `origin` is what errors call it. The entries of a list are
    /// added to those that are there.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] if the text is not a value of that kind.
    pub fn set(&mut self, setting: &Setting, origin: &str, text: &str) -> Result<(), ConfigError> {
        let invalid = |problem: String| ConfigError::Invalid {
            origin: origin.to_owned(),
            problem,
        };
        let value = match setting.kind {
            Kind::Text | Kind::Path | Kind::Number | Kind::Size | Kind::Duration => {
                Value::from(text)
            }
            Kind::Switch => match text.parse::<bool>() {
                Ok(on) => Value::from(on),
                Err(_) => return Err(invalid(format!("{text:?} is neither true nor false"))),
            },
            Kind::List => {
                let mut values = match entry(&mut self.table, setting.key) {
                    Some(Value::Array(values)) => std::mem::take(values),
                    _ => Vec::new(),
                };
                let texts = text.split(',').map(str::trim);
                values.extend(texts.filter(|text| !text.is_empty()).map(Value::from));
                Value::Array(values)
            }
        };
        let alone = nest(setting.key, value);
        Config::deserialize(alone.clone()).map_err(|error| invalid(error.message().to_owned()))?;
        overlay(&mut self.table, alone);
        Ok(())
    }

    pub(super) fn merge(layers: impl IntoIterator<Item = Self>) -> Result<Config, ConfigError> {
        let mut layers: Vec<Self> = layers.into_iter().collect();
        let mut table = Table::new();
        while let Some(layer) = layers.pop() {
            overlay(&mut table, layer.table);
        }
        Config::deserialize(table).map_err(|error| ConfigError::Invalid {
            origin: "configuration".to_owned(),
            problem: error.message().to_owned(),
        })
    }
}

/// The first key that is no setting.
fn unknown(table: &DeTable<'_>, prefix: &str) -> Option<(Range<usize>, String)> {
    for (key, value) in table {
        let dotted = format!("{prefix}{}", key.get_ref());
        if TABLES.contains(&dotted.as_str()) || Setting::find(&dotted).is_some() {
            continue;
        }
        let inner = format!("{dotted}.");
        match value.get_ref().as_table() {
            Some(table) if SETTINGS.iter().any(|one| one.key.starts_with(&inner)) => {
                if let Some(found) = unknown(table, &inner) {
                    return Some(found);
                }
            }
            _ => return Some((key.span(), dotted)),
        }
    }
    None
}

/// What stands under a dotted key.
fn entry<'a>(table: &'a mut Table, key: &str) -> Option<&'a mut Value> {
    match key.split_once('.') {
        None => table.get_mut(key),
        Some((first, rest)) => entry(table.get_mut(first)?.as_table_mut()?, rest),
    }
}

/// A table with one value under a dotted key.
fn nest(key: &str, value: Value) -> Table {
    let mut table = Table::new();
    match key.split_once('.') {
        None => table.insert(key.to_owned(), value),
        Some((first, rest)) => table.insert(first.to_owned(), Value::Table(nest(rest, value))),
    };
    table
}

/// Puts `above` onto `below`. The settings of a table are set one by one; what the user named is replaced as a whole.
fn overlay(below: &mut Table, above: Table) {
    for (key, value) in above {
        match (below.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) if !TABLES.contains(&&*key) => {
                overlay(below, above);
            }
            (_, value) => {
                below.insert(key, value);
            }
        }
    }
}

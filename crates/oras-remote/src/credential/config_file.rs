//! What one `config.json` of Docker says.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use oras_content::{Error, ErrorKind, Result, io_text};
use serde::Deserialize;
use serde_json::Value;

use super::Credential;
use super::entry::Entry;

/// No file of credentials is larger, and some devices never end; in bytes.
const MOST_BYTES: u64 = 16 * 1024 * 1024;

/// The fields that are about credentials.
#[derive(Clone, Default)]
pub(super) struct ConfigFile {
    auths: BTreeMap<String, Value>,
    creds_store: String,
    cred_helpers: BTreeMap<String, String>,
}

impl ConfigFile {
    /// Reads the file at `path`. One that is not there, or empty, says nothing.
    pub(super) fn read(path: &Path) -> Result<Self> {
        Self::parse(path, &text(path)?)
    }

    /// Reads what stands in the file at `path`.
    pub(super) fn parse(path: &Path, text: &[u8]) -> Result<Self> {
        let fields = decode(text).map_err(|cause| undecodable(path, &cause))?;
        Ok(Self {
            auths: field(
                &fields,
                "auths",
                "auths field",
                "map[string]json.RawMessage",
            )?,
            creds_store: field(&fields, "credsStore", "creds store field", "string")?,
            cred_helpers: field(
                &fields,
                "credHelpers",
                "cred helpers field",
                "map[string]string",
            )?,
        })
    }

    /// The registries that it names.
    pub(super) fn registries(&self) -> Vec<String> {
        let stored = self.auths.keys();
        stored.chain(self.cred_helpers.keys()).cloned().collect()
    }

    /// The helper that keeps the credential for `key`, if it is not the file itself.
    pub(super) fn helper(&self, key: &str) -> Option<&str> {
        let own = self.cred_helpers.get(key).filter(|name| !name.is_empty());
        let any = || Some(&self.creds_store).filter(|name| !name.is_empty());
        own.or_else(any).map(String::as_str)
    }

    /// The credential in the file itself.
    pub(super) fn credential(&self, key: &str) -> Result<Credential> {
        match self.entry(key) {
            Some(entry) => Entry::read(entry)?.credential(),
            None => Ok(Credential::Anonymous),
        }
    }

    /// The entry of exactly this key; else the first whose key is a URL of this host, as old versions of Docker wrote.
    fn entry(&self, key: &str) -> Option<&Value> {
        let legacy = || {
            self.auths
                .iter()
                .find(|(name, _)| host_part(name) == key)
                .map(|(_, entry)| entry)
        };
        self.auths.get(key).or_else(legacy)
    }
}

/// What stands in the file at `path`: nothing if there is none.
pub(super) fn text(path: &Path) -> Result<Vec<u8>> {
    let error = match read(path) {
        Ok(text) if text.len() as u64 > MOST_BYTES => {
            return Err(undecodable(path, &format!("more than {MOST_BYTES} bytes")));
        }
        Ok(text) => return Ok(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => error,
    };
    let cause = |verb: &str| format!("{verb} {}: {}", path.display(), io_text(&error));
    // A folder can be opened, but not read.
    Err(match path.is_dir() {
        true => undecodable(path, &cause("read")),
        false => Error::new(ErrorKind::Credential, cause("open"))
            .context(format!("failed to open config file at {}", path.display())),
    })
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let file = File::open(path)?;
    file.take(MOST_BYTES + 1).read_to_end(&mut text)?;
    Ok(text)
}

pub(super) fn invalid(cause: &str) -> Error {
    Error::new(
        ErrorKind::Credential,
        format!("invalid config format: {cause}"),
    )
}

/// Go's name for the type of a JSON value.
pub(super) fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn undecodable(path: &Path, cause: &str) -> Error {
    invalid(cause).context(format!("failed to decode config file {}", path.display()))
}

fn decode(text: &[u8]) -> Result<serde_json::Map<String, Value>, String> {
    if text.trim_ascii().is_empty() {
        return Ok(serde_json::Map::new());
    }
    match serde_json::from_slice(text) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(Value::Null) => Ok(serde_json::Map::new()),
        Ok(other) => {
            let found = go_type(&other);
            Err(format!(
                "json: cannot unmarshal {found} into Go value of type map[string]json.RawMessage"
            ))
        }
        Err(error) if error.is_eof() => Err("unexpected EOF".to_owned()),
        // No text of the parser: it might quote what it could not read.
        Err(error) => Err(format!(
            "invalid character at line {} column {}",
            error.line(),
            error.column()
        )),
    }
}

fn field<T>(
    fields: &serde_json::Map<String, Value>,
    name: &str,
    what: &str,
    wanted: &str,
) -> Result<T>
where
    T: Default + for<'de> Deserialize<'de>,
{
    match fields.get(name) {
        None | Some(Value::Null) => Ok(T::default()),
        Some(value) => T::deserialize(value).map_err(|_| {
            let found = go_type(value);
            let cause = format!("json: cannot unmarshal {found} into Go value of type {wanted}");
            invalid(&cause).context(format!("failed to unmarshal {what}"))
        }),
    }
}

/// `https://host/v1/` becomes `host`.
fn host_part(key: &str) -> &str {
    let key = key
        .strip_prefix("http://")
        .or_else(|| key.strip_prefix("https://"))
        .unwrap_or(key);
    key.split('/').next().unwrap_or(key)
}

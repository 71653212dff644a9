//! Reading `config.json` files of Docker.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use oras_content::{Error, ErrorKind, Result, io_text};
use serde::Deserialize;
use serde_json::Value;

use super::{Credential, CredentialProvider, Secret, helper};

/// Credentials from one or more Docker configuration files, asked in order until one knows something.
///
/// Credential helpers named in a file (`credHelpers`, `credsStore`) are called when their registry is asked for.
/// Read only: the seam for writing is the file format itself, kept by whoever implements login.
#[derive(Clone, Debug, Default)]
pub struct DockerConfig {
    files: Vec<File>,
}

#[derive(Clone, Debug)]
struct File {
    path: PathBuf,
    auths: BTreeMap<String, Value>,
    creds_store: String,
    cred_helpers: BTreeMap<String, String>,
}

impl DockerConfig {
    /// Reads the files at `paths`: the first is the primary one, the rest are fallbacks. A file that is not there, or
    /// empty, knows nobody. Blocks for as long as reading a small file takes.
    ///
    /// # Errors
    /// [`ErrorKind::Credential`] for a file that is no configuration.
    pub fn load(paths: Vec<PathBuf>) -> Result<Self> {
        let files = paths.into_iter().map(File::read).collect::<Result<_>>()?;
        Ok(Self { files })
    }

    /// The paths, in the order in which they are asked.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|file| file.path.as_path())
    }
}

#[async_trait]
impl CredentialProvider for DockerConfig {
    async fn credential(&self, registry_host: &str) -> Result<Credential> {
        for file in &self.files {
            let credential = file.credential(registry_host).await?;
            if !credential.is_anonymous() {
                return Ok(credential);
            }
        }
        Ok(Credential::Anonymous)
    }

    fn identity(&self) -> String {
        let paths: Vec<_> = self
            .paths()
            .map(|path| path.display().to_string())
            .collect();
        format!("config {}", paths.join(" "))
    }
}

impl File {
    fn read(path: PathBuf) -> Result<Self> {
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => {
                // Opening fails, or opening a folder works and reading it fails.
                let verb = if path.is_dir() { "read" } else { "open" };
                let cause = format!("{verb} {}: {}", path.display(), io_text(&error));
                return Err(match verb {
                    "read" => invalid(&cause)
                        .context(format!("failed to decode config file {}", path.display())),
                    _ => Error::new(ErrorKind::Credential, cause)
                        .context(format!("failed to open config file at {}", path.display())),
                });
            }
        };
        let fields = decode(&text).map_err(|cause| {
            invalid(&cause).context(format!("failed to decode config file {}", path.display()))
        })?;
        Ok(Self {
            path,
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

    async fn credential(&self, key: &str) -> Result<Credential> {
        let helper = self.cred_helpers.get(key).filter(|name| !name.is_empty());
        let helper = helper.or(Some(&self.creds_store).filter(|name| !name.is_empty()));
        if let Some(helper) = helper {
            return helper::get(helper, key).await;
        }
        let Some(entry) = self.entry(key) else {
            return Ok(Credential::Anonymous);
        };
        let entry: Entry = match entry {
            Value::Null => Entry::default(),
            entry => serde_json::from_value(entry.clone()).map_err(|_| {
                let cause = format!(
                    "json: cannot unmarshal {} into Go value of type config.AuthConfig",
                    go_type(entry)
                );
                invalid(&cause).context("failed to unmarshal auth field")
            })?,
        };
        entry.credential()
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

/// One entry of `auths`. All fields may be `null`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    #[serde(rename = "identitytoken")]
    identity_token: Option<String>,
    #[serde(rename = "registrytoken")]
    registry_token: Option<String>,
}

impl Entry {
    fn credential(self) -> Result<Credential> {
        let (mut username, mut password) = (
            self.username.unwrap_or_default(),
            self.password.unwrap_or_default(),
        );
        if let Some(auth) = self.auth.filter(|auth| !auth.is_empty()) {
            (username, password) = split_auth(&auth)?;
        }
        let token = |text: Option<String>| text.filter(|text| !text.is_empty()).map(Secret::new);
        if let Some(token) = token(self.registry_token) {
            return Ok(Credential::Access { token });
        }
        if let Some(token) = token(self.identity_token) {
            return Ok(Credential::Identity { token });
        }
        if username.is_empty() && password.is_empty() {
            return Ok(Credential::Anonymous);
        }
        Ok(Credential::basic(username, password))
    }
}

/// `base64(user:password)`. The error never shows what was decoded: it may be a password.
fn split_auth(auth: &str) -> Result<(String, String)> {
    let undecodable = |cause: &str| invalid(cause).context("failed to decode auth field");
    let bytes = STANDARD.decode(auth).map_err(|error| {
        let at = match error {
            base64::DecodeError::InvalidByte(at, _)
            | base64::DecodeError::InvalidLastSymbol { offset: at, .. } => at,
            _ => auth.len() - auth.len() % 4,
        };
        undecodable(&format!("illegal base64 data at input byte {at}"))
    })?;
    let text = String::from_utf8_lossy(&bytes);
    let Some((username, password)) = text.split_once(':') else {
        return Err(undecodable(
            "auth does not conform the base64(username:password) format",
        ));
    };
    // Some writers pad the password with zero bytes.
    Ok((
        username.to_owned(),
        password.trim_end_matches('\0').to_owned(),
    ))
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

fn invalid(cause: &str) -> Error {
    Error::new(
        ErrorKind::Credential,
        format!("invalid config format: {cause}"),
    )
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

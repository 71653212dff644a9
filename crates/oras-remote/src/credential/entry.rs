//! One entry of `auths`: what a configuration file holds about one registry.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use oras_content::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::config_file::{go_type, invalid};
use super::{Credential, Secret};

/// All fields may be missing or `null`. Those that hold a user and a password in the clear are read, never written.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Entry {
    #[serde(skip_serializing_if = "Option::is_none")]
    auth: Option<String>,
    #[serde(skip_serializing)]
    username: Option<String>,
    #[serde(skip_serializing)]
    password: Option<String>,
    #[serde(rename = "identitytoken", skip_serializing_if = "Option::is_none")]
    identity_token: Option<String>,
    #[serde(rename = "registrytoken", skip_serializing_if = "Option::is_none")]
    registry_token: Option<String>,
}

impl Entry {
    /// The entry as it was read.
    pub(super) fn read(value: &Value) -> Result<Self> {
        if value.is_null() {
            return Ok(Self::default());
        }
        Self::deserialize(value).map_err(|_| {
            let cause = format!(
                "json: cannot unmarshal {} into Go value of type config.AuthConfig",
                go_type(value)
            );
            invalid(&cause).context("failed to unmarshal auth field")
        })
    }

    /// The entry to write.
    pub(super) fn of(credential: &Credential) -> Result<Self> {
        let mut entry = Self::default();
        match credential {
            Credential::Anonymous => return Err(unstorable("there is no credential to store")),
            Credential::Basic { username, .. } if username.contains(':') => {
                let problem =
                    "bad credential format: colons(:) are not allowed in username".to_owned();
                return Err(unstorable(problem));
            }
            Credential::Basic { username, password } => {
                let text = format!("{username}:{}", password.expose());
                entry.auth = Some(STANDARD.encode(text));
            }
            Credential::Identity { token } => {
                entry.identity_token = Some(token.expose().to_owned());
            }
            Credential::Access { token } => {
                entry.registry_token = Some(token.expose().to_owned());
            }
        }
        Ok(entry)
    }

    pub(super) fn credential(self) -> Result<Credential> {
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

fn unstorable(problem: impl Into<String>) -> Error {
    Error::new(ErrorKind::Credential, problem)
}

//! Credentials and where they come from.

mod config_file;
mod docker_config;
mod entry;
mod helper;
mod rewrite;

use std::fmt;

use async_trait::async_trait;
use oras_content::Result;

pub use docker_config::DockerConfig;

/// A text that is never printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a secret in.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself. Only what goes over the wire or into a credential store should call this.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing to hide.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("*****")
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// What is known about a user of a registry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Credential {
    /// Nothing.
    #[default]
    Anonymous,
    /// User name and password.
    Basic {
        /// The user name.
        username: String,
        /// The password, or a personal access token in its place.
        password: Secret,
    },
    /// An identity token (OAuth2 refresh token), to be exchanged for access tokens.
    Identity {
        /// The token.
        token: Secret,
    },
    /// An access token, sent as it is.
    Access {
        /// The token.
        token: Secret,
    },
}

impl Credential {
    /// User name and password.
    pub fn basic(username: impl Into<String>, password: impl Into<Secret>) -> Self {
        Self::Basic {
            username: username.into(),
            password: password.into(),
        }
    }

    /// Whether this is no credential at all.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        *self == Self::Anonymous
    }
}

/// Knows credentials. Asked only when a registry challenges.
#[async_trait]
pub trait CredentialProvider: Send + Sync {
    /// The credential for a registry, by its [key](credential_key): `host[:port]`, except for Docker Hub.
    ///
    /// # Errors
    /// [`ErrorKind::Credential`](oras_content::ErrorKind::Credential) if looking it up failed. Knowing none is
    /// [`Credential::Anonymous`].
    async fn credential(&self, registry_host: &str) -> Result<Credential>;

    /// A text that differs between providers that may know different users, and shows no secret.
    ///
    /// Blobs are mounted between two repositories only if both are accessed with the same identity. The default tells
    /// any two values apart.
    fn identity(&self) -> String {
        format!("{:p}", std::ptr::from_ref(self).cast::<()>())
    }
}

/// Keeps credentials.
#[async_trait]
pub trait CredentialStore: CredentialProvider {
    /// Keeps `credential` for a registry, by its [key](credential_key), in place of whatever was known about it.
    ///
    /// # Errors
    /// [`ErrorKind::Credential`](oras_content::ErrorKind::Credential) if it can't be kept; nothing has changed then.
    async fn put(&self, registry_host: &str, credential: &Credential) -> Result<()>;

    /// Forgets what is known about a registry, by its [key](credential_key).
    ///
    /// # Errors
    /// [`ErrorKind::Credential`](oras_content::ErrorKind::Credential) if that fails. Whether knowing nothing is a
    /// failure is up to the store.
    async fn erase(&self, registry_host: &str) -> Result<()>;
}

/// What credentials for `registry` are filed under: `https://index.docker.io/v1/` for Docker Hub, for historical
/// reasons, and the registry itself for any other.
#[must_use]
pub fn credential_key(registry: &str) -> String {
    match registry {
        "docker.io" | "registry-1.docker.io" => "https://index.docker.io/v1/".to_owned(),
        other => other.to_owned(),
    }
}

/// Knows nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Anonymous;

#[async_trait]
impl CredentialProvider for Anonymous {
    async fn credential(&self, _: &str) -> Result<Credential> {
        Ok(Credential::Anonymous)
    }

    fn identity(&self) -> String {
        "anonymous".to_owned()
    }
}

/// One credential for one registry, and none for any other.
#[derive(Clone, Debug)]
pub struct StaticCredential {
    key: String,
    credential: Credential,
}

impl StaticCredential {
    /// `credential` for `registry` (`host[:port]`, or `docker.io`).
    #[must_use]
    pub fn new(registry: &str, credential: Credential) -> Self {
        Self {
            key: credential_key(registry),
            credential,
        }
    }
}

#[async_trait]
impl CredentialProvider for StaticCredential {
    async fn credential(&self, registry_host: &str) -> Result<Credential> {
        if credential_key(registry_host) == self.key {
            return Ok(self.credential.clone());
        }
        Ok(Credential::Anonymous)
    }

    fn identity(&self) -> String {
        match &self.credential {
            Credential::Anonymous => "anonymous".to_owned(),
            Credential::Basic { username, .. } => format!("user {username}"),
            // Tokens name nobody: only the very same value is the same identity.
            _ => format!("{:p}", std::ptr::from_ref(self)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_printed() {
        let shown = format!("{:?}", Credential::basic("me", "hunter2"));
        assert!(
            shown.contains("me") && !shown.contains("hunter2"),
            "{shown}"
        );
    }

    #[tokio::test]
    async fn a_static_credential_is_for_one_registry() {
        let me = Credential::basic("me", "pw");
        let hub = StaticCredential::new("docker.io", me.clone());
        assert_eq!(
            hub.credential("https://index.docker.io/v1/").await.unwrap(),
            me
        );
        assert!(
            hub.credential("localhost:5000")
                .await
                .unwrap()
                .is_anonymous()
        );
    }
}

//! Logging in: a credential is shown to the registry, and kept if it is good.

use std::sync::Arc;

use oras_content::Result;

use crate::credential::{Credential, CredentialStore, StaticCredential, credential_key};
use crate::registry::Registry;

impl Registry {
    /// Checks with the registry that `credential` is good, and only then keeps it in `store`.
    ///
    /// Neither the client's own credential nor any token that it got is used for the check. A registry that lets
    /// everybody in takes any credential.
    ///
    /// # Errors
    /// If the registry does not accept the credential or can't be reached, and nothing is stored; if storing fails.
    pub async fn login(&self, credential: Credential, store: &dyn CredentialStore) -> Result<()> {
        let name = self.name();
        let provider = Arc::new(StaticCredential::new(name, credential.clone()));
        let checked = self.with_credentials(provider).ping().await;
        checked.map_err(|error| {
            error.context(format!("failed to validate the credentials for {name}"))
        })?;
        let stored = store.put(&credential_key(name), &credential).await;
        stored.map_err(|error| error.context(format!("failed to store the credentials for {name}")))
    }
}

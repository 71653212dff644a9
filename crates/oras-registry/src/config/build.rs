//! From settings to what they set up.

use super::Config;
use crate::auth::{Auth, AuthError};
use crate::layout::LayoutOptions;
use crate::registry::{Builder, Registry};
use crate::server::Tls;

impl Config {
    /// A builder with these settings. Of all files only that of the users is read.
    ///
    /// # Errors
    /// [`AuthError`] if that can't be used.
    pub fn builder(&self) -> Result<Builder, AuthError> {
        let builder = Registry::builder()
            .auth(self.auth()?)
            .limits(self.limits.clone())
            .read_only(self.read_only)
            .maintenance(self.gc.interval)
            .page(self.page);
        Ok(match self.memory {
            true => builder.memory(),
            false => builder.layouts(&self.folder, self.layout_options()),
        })
    }

    /// Who is known and what the rules are.
    ///
    /// # Errors
    /// [`AuthError`] if the file of users can't be used.
    pub fn auth(&self) -> Result<Auth, AuthError> {
        let mut auth = Auth::new()
            .certificates(self.tls.client_ca.is_some())
            .anonymous_pull(self.anonymous_pull)
            .admins(&self.admins)
            .deny(&self.deny)
            .trusted_proxies(&self.trusted_proxies);
        if let Some(path) = &self.htpasswd {
            auth = auth.htpasswd(path)?;
        }
        if let Some(path) = &self.token_key_file {
            auth = auth.token_key_file(path);
        }
        if let Some(url) = &self.public_url {
            auth = auth.public_url(url);
        }
        for (name, members) in &self.groups {
            auth = auth.group(name, members);
        }
        for rule in &self.rules {
            auth = auth.rule(rule.clone());
        }
        Ok(auth)
    }

    /// How the folder is used.
    #[must_use]
    pub fn layout_options(&self) -> LayoutOptions {
        let mut options = LayoutOptions {
            durability: self.durability,
            grace: self.gc.grace,
            read_only: self.read_only,
            ..LayoutOptions::default()
        };
        options.collect.untagged = self.gc.untagged;
        options.collect.referrers = self.gc.referrers;
        options.collect.uploads = self.limits.upload_idle;
        options
    }

    /// What to encrypt connections with, if they are to be.
    #[must_use]
    pub fn tls(&self) -> Option<Tls> {
        let tls = Tls::from_files(self.tls.cert.as_ref()?, self.tls.key.as_ref()?);
        match &self.tls.client_ca {
            None => Some(tls),
            Some(path) => Some(
                tls.client_ca(path)
                    .client_auth(self.tls.client_auth.unwrap_or_default()),
            ),
        }
    }
}

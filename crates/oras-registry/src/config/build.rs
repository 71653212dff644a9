//! From settings to what they set up.

use super::Config;
use crate::layout::LayoutOptions;
use crate::registry::{Builder, Registry};
use crate::server::Tls;

impl Config {
    /// A builder with these settings. Nothing is opened yet.
    pub fn builder(&self) -> Builder {
        let builder = Registry::builder()
            .limits(self.limits.clone())
            .read_only(self.read_only)
            .page(self.page);
        match self.memory {
            true => builder.memory(),
            false => builder.layouts(&self.folder, self.layout_options()),
        }
    }

    /// How the folder is used.
    #[must_use]
    pub fn layout_options(&self) -> LayoutOptions {
        LayoutOptions {
            durability: self.durability,
            grace: self.gc.grace,
            read_only: self.read_only,
        }
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

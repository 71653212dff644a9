//! Deleting manifests.

use http::Method;
use oras_content::{Error, Result};
use oras_spec::Descriptor;

use super::push::{as_referrer, can_have_subject};
use crate::referrers::{Capability, Change};
use crate::repository::Repository;
use crate::send::Call;

impl Repository {
    /// Deletes a manifest and with it every tag that names it. Where the registry keeps no list of referrers itself,
    /// the manifest is taken off the list of its subject first: some registries don't delete what is still listed.
    ///
    /// # Errors
    /// [`NotFound`](oras_content::ErrorKind::NotFound)
    pub async fn delete_manifest(&self, descriptor: &Descriptor) -> Result<()> {
        let deleted = match self.unlist(descriptor).await {
            Ok(()) => self.delete_by_digest(descriptor).await,
            Err(error) => Err(error),
        };
        deleted.map_err(|error| error.with_operation("delete").with_descriptor(descriptor))
    }

    async fn delete_by_digest(&self, descriptor: &Descriptor) -> Result<()> {
        let reference = self
            .reference()
            .clone()
            .with_digest(descriptor.digest.clone());
        let call = Call::new(
            Method::DELETE,
            self.urls().manifest(descriptor.digest.as_str()),
        )
        .scopes(self.delete_scopes())
        .expect(&[202]);
        let response = self.send_for(&reference, call).await?;
        response.drain().await;
        Ok(())
    }

    async fn unlist(&self, descriptor: &Descriptor) -> Result<()> {
        if self.referrers_capability() == Capability::Supported
            || !can_have_subject(&descriptor.media_type)
        {
            return Ok(());
        }
        let bytes = self.fetch_manifest_as(descriptor).await?;
        // A manifest that can't be read has no subject that we could know of, and may be deleted all the same.
        let Ok(Some((subject, _))) = as_referrer(descriptor, bytes) else {
            return Ok(());
        };
        if self.probe().await? == Capability::Supported {
            return Ok(());
        }
        let updated = self
            .update_index(&subject, Change::Remove(descriptor.key()))
            .await;
        let context = |error: Error| {
            error.context(format!(
                "failed to update the referrers index of {}",
                subject.digest
            ))
        };
        updated.map_err(context)
    }

    fn delete_scopes(&self) -> crate::auth::Scopes {
        match self.referrers_capability() {
            Capability::Supported => self.scopes(&["delete"]),
            _ => self.scopes(&["delete", "pull"]),
        }
    }
}

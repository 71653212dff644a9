//! Referrers: who has a manifest as its subject.

mod api;
mod index;
mod queue;
mod tag_schema;

use oras_content::{Error, ErrorKind, Result};
use oras_spec::Descriptor;

pub(crate) use index::Change;
pub(crate) use queue::IndexUpdates;

use crate::client::ReferrersMode;
use crate::lock;
use crate::repository::Repository;
use api::Listed;

/// Whether a registry lists referrers itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Capability {
    /// Nobody has asked yet.
    #[default]
    Unknown,
    /// It has the referrers API.
    Supported,
    /// It has not, so clients keep an index under a tag made of the subject's digest.
    Unsupported,
}

impl Repository {
    /// Whether the registry lists referrers itself, as far as is known: as set for this handle or the client, else as
    /// learned by any handle of the client.
    #[must_use]
    pub fn referrers_capability(&self) -> Capability {
        if let Some(forced) = self.forced() {
            return forced;
        }
        let known = lock(&self.client.0.capabilities);
        known
            .get(&self.endpoint.origin)
            .copied()
            .unwrap_or_default()
    }

    /// Sets for this handle whether the registry lists referrers itself. [`Capability::Unknown`]: find out.
    #[must_use]
    pub fn with_referrers_capability(mut self, capability: Capability) -> Self {
        self.capability = Some(capability);
        self
    }

    /// Remembers what the registry's answers say, for all handles of the client.
    pub(crate) fn learn(&self, capability: Capability) {
        if self.forced().is_none() {
            lock(&self.client.0.capabilities).insert(self.endpoint.origin.clone(), capability);
        }
    }

    fn forced(&self) -> Option<Capability> {
        match (self.capability, self.client.0.referrers) {
            (Some(Capability::Unknown), _) | (None, ReferrersMode::Auto) => None,
            (Some(set), _) => Some(set),
            (None, ReferrersMode::Api) => Some(Capability::Supported),
            (None, ReferrersMode::TagSchema) => Some(Capability::Unsupported),
        }
    }

    /// The direct referrers of `subject`, in the registry's order.
    pub(crate) async fn list_referrers(
        &self,
        subject: &Descriptor,
        artifact_type: Option<&str>,
    ) -> Result<Vec<Descriptor>> {
        // Only manifests have referrers worth a request.
        if !self.is_manifest(&subject.media_type) {
            return Ok(Vec::new());
        }
        let listed = self.list(subject, artifact_type).await;
        listed.map_err(|error| {
            error
                .with_operation("list referrers")
                .with_descriptor(subject)
        })
    }

    async fn list(
        &self,
        subject: &Descriptor,
        artifact_type: Option<&str>,
    ) -> Result<Vec<Descriptor>> {
        let capability = self.referrers_capability();
        if capability != Capability::Unsupported {
            match self.list_by_api(&subject.digest, artifact_type).await? {
                Listed::Referrers(referrers) => {
                    self.learn(Capability::Supported);
                    return Ok(referrers);
                }
                Listed::Unsupported(error) if self.forced() == Some(Capability::Supported) => {
                    let text = "failed to query referrers API: unsupported";
                    let unsupported = Error::new(ErrorKind::Unsupported, text);
                    return Err(match error.response() {
                        Some(response) => unsupported.with_response(response.clone()),
                        None => unsupported,
                    });
                }
                Listed::Unsupported(error) if capability == Capability::Supported => {
                    return Err(error);
                }
                Listed::Unsupported(_) => self.learn(Capability::Unsupported),
            }
        }
        let mut referrers = self.list_by_tag(subject).await?;
        keep_type(&mut referrers, artifact_type);
        Ok(referrers)
    }

    /// Finds out whether the registry has the referrers API, unless that is known.
    pub(crate) async fn probe(&self) -> Result<Capability> {
        let known = self.referrers_capability();
        if known != Capability::Unknown {
            return Ok(known);
        }
        let found = self.probe_api().await?;
        self.learn(found);
        Ok(found)
    }
}

fn keep_type(referrers: &mut Vec<Descriptor>, artifact_type: Option<&str>) {
    if let Some(wanted) = artifact_type.filter(|text| !text.is_empty()) {
        referrers.retain(|entry| entry.artifact_type.as_deref() == Some(wanted));
    }
}

//! Writing manifests, and making a referrer known to its subject.

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use http::Method;
use http::header::CONTENT_TYPE;
use oras_content::{Error, ErrorKind, MAX_MANIFEST_BYTES, Payload, Result};
use oras_http::Body;
use oras_spec::{Descriptor, Manifest, RawManifest, Reference, media_type};

use super::digest_header;
use crate::referrers::{Capability, Change};
use crate::repository::Repository;
use crate::send::Call;

impl Repository {
    /// The verified bytes of a manifest that is to be pushed.
    pub(crate) async fn read_manifest(
        &self,
        descriptor: &Descriptor,
        payload: &Payload,
    ) -> Result<Bytes> {
        if descriptor.size > MAX_MANIFEST_BYTES {
            return Err(super::too_large(descriptor.size));
        }
        let mut stream = payload.open_verified(descriptor).await?;
        let mut bytes = BytesMut::new();
        while let Some(chunk) = stream.next().await.transpose()? {
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes.freeze())
    }

    /// Stores a manifest under its digest or `reference`, and lists it as a referrer if the registry does not.
    pub(crate) async fn put_manifest(
        &self,
        descriptor: &Descriptor,
        bytes: Bytes,
        reference: Option<&Reference>,
    ) -> Result<()> {
        let by_digest = self
            .reference()
            .clone()
            .with_digest(descriptor.digest.clone());
        let reference = reference.unwrap_or(&by_digest);
        self.put_bytes(descriptor, bytes.clone(), reference).await?;
        // Not known from the answer, if the caller wants the index whatever the registry does.
        if self.referrers_capability() == Capability::Supported {
            return Ok(());
        }
        let Some((subject, entry)) = as_referrer(descriptor, bytes)? else {
            return Ok(());
        };
        self.learn(Capability::Unsupported);
        let updated = self
            .update_index(&subject, Change::Add(Box::new(entry)))
            .await;
        updated.map_err(|error| {
            error.context(format!(
                "failed to update the referrers index of {}",
                subject.digest
            ))
        })
    }

    /// Stores verified bytes, and nothing else. The answer may tell that the registry lists referrers itself.
    pub(crate) async fn put_bytes(
        &self,
        descriptor: &Descriptor,
        bytes: Bytes,
        reference: &Reference,
    ) -> Result<()> {
        let name = reference.reference().unwrap_or_default();
        let call = Call::new(Method::PUT, self.urls().manifest(&name))
            .header(CONTENT_TYPE, &descriptor.media_type)
            .scopes(self.scopes(&["pull", "push"]))
            .body(Body::bytes(bytes))
            .expect(&[201]);
        let response = self.send(call).await?;
        digest_header(&Method::PUT, &response, Some(&descriptor.digest))?;
        let recorded = response
            .headers
            .get("oci-subject")
            .is_some_and(|value| !value.is_empty());
        response.drain().await;
        if recorded {
            self.learn(Capability::Supported);
        }
        Ok(())
    }
}

/// The subject of a manifest and the entry for it in the list of the subject's referrers.
pub(super) fn as_referrer(
    descriptor: &Descriptor,
    bytes: Bytes,
) -> Result<Option<(Descriptor, Descriptor)>> {
    if !can_have_subject(&descriptor.media_type) {
        return Ok(None);
    }
    let manifest = RawManifest::new(descriptor.clone(), bytes)
        .map_err(|error| Error::new(ErrorKind::InvalidManifest, error.to_string()))?;
    let Some(subject) = manifest.subject() else {
        return Ok(None);
    };
    let entry = entry_of(&manifest);
    Ok(Some((subject.plain(), entry)))
}

/// A manifest as it is listed among referrers: with its type and all its annotations.
pub(crate) fn entry_of(manifest: &RawManifest) -> Descriptor {
    let mut entry = manifest.descriptor().plain();
    let config_type = match manifest.manifest() {
        Manifest::Image(image) => Some(image.config.media_type.as_str()),
        _ => None,
    };
    let artifact_type = manifest.artifact_type().or(config_type);
    entry.artifact_type = artifact_type
        .filter(|text| !text.is_empty())
        .map(str::to_owned);
    entry.annotations = manifest.annotations().clone();
    entry
}

pub(super) fn can_have_subject(media_type: &str) -> bool {
    matches!(
        media_type,
        media_type::IMAGE_MANIFEST | media_type::IMAGE_INDEX | media_type::OCI_ARTIFACT_MANIFEST
    )
}

//! Manifests: resolving and reading. Nothing that comes from here is unverified.

mod delete;
mod describe;
mod push;

use bytes::Bytes;
use http::Method;
use http::header::{ACCEPT, ETAG};
use oras_content::{Error, ErrorKind, MAX_MANIFEST_BYTES, Result, SizeExceedsLimit};
use oras_spec::{Descriptor, Digest, Reference, go_quote, media_type};

use crate::failure;
use crate::repository::Repository;
use crate::send::Call;

pub(crate) use describe::digest_header;
use describe::{content_type, is_web_page, json_media_type};
pub(crate) use push::entry_of;

/// A manifest as a registry gave it, and as it was verified.
pub(crate) struct Answer {
    pub(crate) descriptor: Descriptor,
    pub(crate) bytes: Bytes,
    pub(crate) etag: Option<String>,
}

impl Repository {
    /// Asks for the head of a manifest, and for the whole if the head does not say enough.
    pub(crate) async fn resolve_manifest(&self, reference: &Reference) -> Result<Descriptor> {
        let name = reference.reference().unwrap_or_default();
        let call = Call::new(Method::HEAD, self.urls().manifest(&name))
            .header(ACCEPT, &self.accept())
            .scopes(self.scopes(&["pull"]))
            .expect(&[200, 404, 405]);
        let response = self.send_for(reference, call).await?;
        match response.status.as_u16() {
            200 => {
                let given = digest_header(&Method::HEAD, &response, reference.digest())?;
                let digest = reference.digest().cloned().or(given);
                let media_type =
                    content_type(&response.headers).filter(|_| !is_web_page(&response.headers));
                if let (Some(digest), Some(media_type), Some(size)) =
                    (digest, media_type, response.content_length())
                {
                    return Ok(Descriptor::new(media_type, digest, size));
                }
            }
            // A page for people instead of an error for programs: whoever wrote it may not know HEAD.
            404 if !is_web_page(&response.headers) => {
                let error = failure::status(&Method::HEAD, response).await;
                return Err(failure::missing(error, reference));
            }
            _ => {}
        }
        Ok(self
            .get_manifest(reference, &self.accept())
            .await?
            .descriptor)
    }

    /// The manifest that `reference` names.
    pub(crate) async fn get_manifest(&self, reference: &Reference, accept: &str) -> Result<Answer> {
        let name = reference.reference().unwrap_or_default();
        let call = Call::new(Method::GET, self.urls().manifest(&name))
            .header(ACCEPT, accept)
            .scopes(self.scopes(&["pull"]));
        let response = self.send_for(reference, call).await?;
        let url = response.url.clone();
        let problem = |text: &str| failure::protocol(&Method::GET, &url, text);
        if is_web_page(&response.headers) {
            return Err(problem("the answer is a web page, not a manifest"));
        }
        let given = digest_header(&Method::GET, &response, reference.digest())?;
        let content_type = content_type(&response.headers);
        let etag = response
            .headers
            .get(ETAG)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        if let Some(size) = response
            .content_length()
            .filter(|size| *size > MAX_MANIFEST_BYTES)
        {
            return Err(too_large(size));
        }
        let bytes = response
            .bytes(MAX_MANIFEST_BYTES as usize)
            .await
            .map_err(|error| failure::transport(&error))?;
        let expected = reference.digest().cloned().or(given);
        let has_digest = expected.is_some();
        let digest = match expected {
            Some(expected) => {
                verify(&expected, &bytes)
                    .map_err(|error| error.context(failure::request_text(&Method::GET, &url)))?;
                expected
            }
            None => Digest::sha256(&bytes),
        };
        // Bytes that match a digest are what was meant, whatever they are. Without one they still may be anything.
        let claimed = match has_digest {
            true => json_media_type(&bytes).ok().flatten(),
            false => json_media_type(&bytes)
                .map_err(|error| problem(&format!("the answer is not a manifest: {error}")))?,
        };
        if let (Some(given), Some(claimed)) = (&content_type, &claimed)
            && given != claimed
            && media_type::is_manifest(given)
            && media_type::is_manifest(claimed)
        {
            let (given, claimed) = (go_quote(given), go_quote(claimed));
            return Err(problem(&format!(
                "mismatch response Content-Type {given}: the manifest says {claimed}"
            )));
        }
        let media_type = content_type
            .or(claimed)
            .ok_or_else(|| problem("missing response header \"Content-Type\""))?;
        let descriptor = Descriptor::new(media_type, digest, bytes.len() as u64);
        Ok(Answer {
            descriptor,
            bytes,
            etag,
        })
    }

    /// The bytes of exactly this manifest.
    pub(crate) async fn fetch_manifest_as(&self, descriptor: &Descriptor) -> Result<Bytes> {
        let reference = self
            .reference()
            .clone()
            .with_digest(descriptor.digest.clone());
        let answer = self
            .get_manifest(&reference, &descriptor.media_type)
            .await?;
        let url = self.urls().manifest(descriptor.digest.as_str());
        let text = failure::request_text(&Method::GET, &url);
        let (got, expected) = (&answer.descriptor, descriptor);
        if got.media_type != expected.media_type {
            let (got, expected) = (go_quote(&got.media_type), go_quote(&expected.media_type));
            let problem =
                format!("{text}: mismatch response Content-Type {got}: expect {expected}");
            return Err(Error::new(ErrorKind::Protocol, problem));
        }
        if got.size != expected.size {
            let problem = format!("{text}: mismatch Content-Length");
            return Err(Error::new(ErrorKind::SizeMismatch, problem));
        }
        Ok(answer.bytes)
    }
}

/// A manifest of `size` bytes is not one that anybody reads into memory.
fn too_large(size: u64) -> Error {
    let problem = format!("content size {size} exceeds MaxBytes {MAX_MANIFEST_BYTES}");
    Error::new(ErrorKind::SizeLimit, problem).with_source(SizeExceedsLimit)
}

fn verify(expected: &Digest, bytes: &[u8]) -> Result<()> {
    let algorithm = expected
        .verifier()
        .map_err(|error| Error::new(ErrorKind::InvalidDigest, error.to_string()))?;
    let got = Digest::of(algorithm, bytes);
    if got == *expected {
        return Ok(());
    }
    Err(Error::digest_mismatch())
}

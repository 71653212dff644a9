//! Blobs: what is known about one, and removing it. Their bytes travel in `download` and `upload`.

mod download;
mod hold_back;
mod mount;
mod upload;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method};
use oras_content::{Content, Error, ErrorKind, Result};
use oras_http::Response;
use oras_spec::{Descriptor, Digest, Reference, media_type};

use crate::failure;
use crate::manifest::digest_header;
use crate::repository::Repository;
use crate::send::Call;

impl Repository {
    /// The descriptor of a blob, by its digest or by a full reference with a digest.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], [`ErrorKind::InvalidReference`]
    pub async fn resolve_blob(&self, reference: &str) -> Result<Descriptor> {
        let (reference, digest) = self.parse_digest(reference)?;
        let resolved = self.stat_blob(&reference, &digest).await;
        resolved.map_err(|error| error.with_operation("resolve"))
    }

    /// A blob that only its digest is known of, with one request. The size is what the registry says.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], [`ErrorKind::InvalidReference`]
    pub async fn fetch_blob_reference(&self, reference: &str) -> Result<Content> {
        let (reference, digest) = self.parse_digest(reference)?;
        let fetched = self.download_reference(&reference, &digest).await;
        fetched.map_err(|error| error.with_operation("fetch"))
    }

    /// Deletes a blob.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`]
    pub async fn delete_blob(&self, digest: &Digest) -> Result<()> {
        let reference = self.reference().clone().with_digest(digest.clone());
        let call = Call::new(Method::DELETE, self.urls().blob(digest))
            .scopes(self.scopes(&["delete"]))
            .expect(&[202]);
        match self.send_for(&reference, call).await {
            Ok(response) => {
                response.drain().await;
                Ok(())
            }
            Err(error) => Err(error.with_operation("delete")),
        }
    }

    /// Asks for the head of a blob; for the whole, if the registry has no heads.
    pub(crate) async fn stat_blob(
        &self,
        reference: &Reference,
        digest: &Digest,
    ) -> Result<Descriptor> {
        let call = |method| {
            let scopes = self.scopes(&["pull"]);
            Call::new(method, self.urls().blob(digest)).scopes(scopes)
        };
        match self.send_for(reference, call(Method::HEAD)).await {
            Ok(response) if response.content_length().is_some() => {
                describe(&Method::HEAD, &response, digest)
            }
            Ok(_) => self.stat_by_get(reference, digest, call(Method::GET)).await,
            Err(error) if error.status() == Some(405) => {
                self.stat_by_get(reference, digest, call(Method::GET)).await
            }
            Err(error) => Err(error),
        }
    }

    /// The body is dropped unread.
    async fn stat_by_get(
        &self,
        reference: &Reference,
        digest: &Digest,
        call: Call,
    ) -> Result<Descriptor> {
        let response = self.send_for(reference, call).await?;
        describe(&Method::GET, &response, digest)
    }

    fn parse_digest(&self, text: &str) -> Result<(Reference, Digest)> {
        let reference = self.parse(text)?;
        match reference.digest().cloned() {
            Some(digest) => Ok((reference, digest)),
            None => {
                let problem = "invalid reference: a blob is named by a digest";
                Err(Error::new(ErrorKind::InvalidReference, problem).with_reference(text))
            }
        }
    }
}

/// What a response says about the blob `digest`.
fn describe(method: &Method, response: &Response, digest: &Digest) -> Result<Descriptor> {
    digest_header(method, response, Some(digest))?;
    let size = response.content_length().ok_or_else(|| {
        failure::protocol(method, &response.url, "unknown response Content-Length")
    })?;
    Ok(Descriptor::new(
        blob_type(&response.headers),
        digest.clone(),
        size,
    ))
}

fn blob_type(headers: &HeaderMap) -> &str {
    let given = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let given = given
        .map(media_type::essence)
        .filter(|essence| !essence.is_empty());
    given.unwrap_or(media_type::OCTET_STREAM)
}

//! Taking a blob over from another repository of the same registry.

use http::Method;
use oras_content::{Error, ErrorKind, Mounted, Result};
use oras_spec::{Descriptor, validate_repository};

use super::upload::{Upload, accepted};
use crate::auth::Scopes;
use crate::repository::Repository;
use crate::send::Call;

impl Repository {
    pub(crate) async fn mount_blob(&self, descriptor: &Descriptor, from: &str) -> Result<Mounted> {
        validate_repository(from)
            .map_err(|error| Error::new(ErrorKind::InvalidReference, error.to_string()))?;
        let scopes = self
            .scopes(&["pull", "push"])
            .union(&Scopes::repository(from, &["pull"]));
        let url = self.urls().mount(&descriptor.digest, from);
        let call = Call::new(Method::POST, url)
            .scopes(scopes.clone())
            .expect(&[201, 202]);
        let response = match self.send(call).await {
            Ok(response) => response,
            Err(error) if is_refusal(&error) => return Ok(Mounted::Declined),
            Err(error) => return Err(error),
        };
        if response.status == 201 {
            accepted(&descriptor.digest, response).await?;
            return Ok(Mounted::Mounted);
        }
        // The registry opened an upload instead. The caller opens another one when it has the content.
        if let Ok(mut upload) = Upload::begin(self, &response, scopes) {
            response.drain().await;
            upload.cancel().await;
        }
        Ok(Mounted::Declined)
    }
}

/// Not allowed, not there, not supported: reasons to push instead. If pushing is not allowed either, that will tell.
fn is_refusal(error: &Error) -> bool {
    let refused = matches!(error.status(), Some(400..=499)) && error.status() != Some(429);
    refused || error.kind() == ErrorKind::Credential
}

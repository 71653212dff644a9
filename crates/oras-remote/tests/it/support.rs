//! Clients and content for the tests.

use std::sync::Arc;
use std::time::Duration;

use oras_content::{Content, Error, MAX_MANIFEST_BYTES};
use oras_http::RetryPolicy;
use oras_remote::{Client, ClientBuilder, Credential, Repository, StaticCredential};
use oras_spec::{Descriptor, ImageManifest, json, media_type};

/// A client that does not wait long between retries.
pub(crate) fn builder() -> ClientBuilder {
    let retry = RetryPolicy {
        max_retries: 1,
        base: Duration::from_millis(1),
        min: Duration::from_millis(1),
        ..RetryPolicy::default()
    };
    let http = oras_http::Client::builder()
        .user_agent("oras-test")
        .retry(retry)
        .build();
    Client::builder().http(http.unwrap())
}

pub(crate) fn client() -> Client {
    builder().build().unwrap()
}

/// A client that waits as long as clients do: a busy docker-registry fails now and then when a tag is read while it is
/// overwritten.
pub(crate) fn patient_client() -> Client {
    Client::builder().build().unwrap()
}

pub(crate) fn repository(name: &str) -> Repository {
    client().repository(name).unwrap()
}

pub(crate) fn client_as(registry: &str, credential: Credential) -> Client {
    let credentials = StaticCredential::new(registry, credential);
    builder()
        .credentials(Arc::new(credentials))
        .build()
        .unwrap()
}

/// An artifact without layers, and what makes it different from others.
pub(crate) fn artifact(kind: &str, subject: Option<&Descriptor>) -> (Descriptor, Vec<u8>) {
    let mut config = Descriptor::empty_json();
    config.data = None;
    let mut manifest = ImageManifest::new(config.clone(), vec![config]);
    manifest.artifact_type = Some(kind.to_owned());
    manifest.subject = subject.map(Descriptor::plain);
    let bytes = json::to_vec(&manifest).unwrap();
    (
        Descriptor::of_bytes(media_type::IMAGE_MANIFEST, &bytes),
        bytes,
    )
}

pub(crate) fn blob(bytes: &[u8]) -> Descriptor {
    Descriptor::of_bytes(media_type::OCTET_STREAM, bytes)
}

pub(crate) async fn read(content: Content) -> Result<String, Error> {
    let bytes = content.bytes(MAX_MANIFEST_BYTES).await?;
    Ok(String::from_utf8(bytes.to_vec()).unwrap())
}

//! Writing blobs: a session, then everything in one request.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use http::Method;
use http::header::{CONTENT_TYPE, LOCATION};
use oras_content::{ByteStream, Error, Payload, Pushed, Result, Side};
use oras_http::{Body, OpenBody, Response};
use oras_spec::{Descriptor, Digest, media_type};
use url::Url;

use super::hold_back::hold_back;
use crate::auth::Scopes;
use crate::failure;
use crate::lock;
use crate::manifest::digest_header;
use crate::repository::Repository;
use crate::send::Call;
use crate::url::{upload_location, with_digest};

/// Cancelling is a courtesy: nobody waits long for it.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(5);
/// How many sessions are tried for a blob while connections break.
const MOST_SESSIONS: usize = 3;

impl Repository {
    /// Uploads a blob. Does not look whether it is there already.
    ///
    /// # Errors
    /// The errors of the payload, if its bytes are not the described ones: then the upload is cancelled. Whatever the
    /// registry refuses.
    pub async fn push_blob(&self, descriptor: &Descriptor, payload: Payload) -> Result<Pushed> {
        let pushed = self.upload(descriptor, payload).await;
        pushed.map_err(|error| error.with_operation("push").with_descriptor(descriptor))
    }

    async fn upload(&self, descriptor: &Descriptor, payload: Payload) -> Result<Pushed> {
        for _ in 1..MOST_SESSIONS {
            let sent = Arc::default();
            let error = match self.upload_once(descriptor, payload.clone(), &sent).await {
                Ok(pushed) => return Ok(pushed),
                Err(error) => error,
            };
            // Of a body that broke off, a registry may have kept the beginning: what is sent again does not fit there.
            let misfit = matches!(error.status(), Some(400 | 404 | 416));
            if !misfit || sent.load(Ordering::Relaxed) < 2 {
                return Err(error);
            }
        }
        self.upload_once(descriptor, payload, &Arc::default()).await
    }

    /// Uploads in a session of its own. Counts in `sent` how often the bytes were sent.
    async fn upload_once(
        &self,
        descriptor: &Descriptor,
        payload: Payload,
        sent: &Arc<AtomicUsize>,
    ) -> Result<Pushed> {
        let scopes = self.scopes(&["pull", "push"]);
        let call = Call::new(Method::POST, self.urls().uploads())
            .scopes(scopes.clone())
            .expect(&[202]);
        let response = self.send(call).await?;
        let mut upload = Upload::begin(self, &response, scopes)?;
        response.drain().await;
        match upload.put(descriptor, payload, sent).await {
            Ok(()) => {
                upload.done();
                Ok(Pushed::Stored)
            }
            Err(error) => {
                upload.cancel().await;
                Err(error)
            }
        }
    }
}

/// An upload that the registry has opened. Dropping it unfinished cancels it in the background.
pub(super) struct Upload {
    repository: Repository,
    scopes: Scopes,
    location: Option<Url>,
}

impl Upload {
    /// The upload that `response` opened.
    pub(super) fn begin(
        repository: &Repository,
        response: &Response,
        scopes: Scopes,
    ) -> Result<Self> {
        let location = response
            .headers
            .get(LOCATION)
            .and_then(|value| value.to_str().ok());
        let location = location.ok_or_else(|| {
            failure::protocol(
                &Method::POST,
                &response.url,
                "missing response header \"Location\"",
            )
        })?;
        let location = upload_location(&repository.endpoint.base, &response.url, location)
            .map_err(|error| error.context(failure::request_text(&Method::POST, &response.url)))?;
        Ok(Self {
            repository: repository.clone(),
            scopes,
            location: Some(location),
        })
    }

    async fn put(
        &self,
        descriptor: &Descriptor,
        payload: Payload,
        sent: &Arc<AtomicUsize>,
    ) -> Result<()> {
        let Some(location) = &self.location else {
            return Ok(());
        };
        let failure = Arc::default();
        let body = body(descriptor, payload, &failure, sent).await?;
        let call = Call::new(Method::PUT, with_digest(location, &descriptor.digest))
            .header(CONTENT_TYPE, media_type::OCTET_STREAM)
            .scopes(self.scopes.clone())
            .body(body)
            .expect(&[201]);
        match self.repository.send(call).await {
            Ok(response) => accepted(&descriptor.digest, response).await,
            // What the source did wrong is the cause of whatever happened to the request.
            Err(error) => Err(lock(&failure).take().unwrap_or(error)),
        }
    }

    pub(super) fn done(&mut self) {
        self.location = None;
    }

    /// Tells the registry that nothing more will come. Failures don't matter.
    pub(super) async fn cancel(&mut self) {
        if let Some(location) = self.location.take() {
            cancel(&self.repository, &self.scopes, location).await;
        }
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let Some(location) = self.location.take() else {
            return;
        };
        let (repository, scopes) = (self.repository.clone(), self.scopes.clone());
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { cancel(&repository, &scopes, location).await });
        }
    }
}

async fn cancel(repository: &Repository, scopes: &Scopes, location: Url) {
    let call = Call::new(Method::DELETE, location)
        .scopes(scopes.clone())
        .expect(&[200, 202, 204]);
    let outcome = tokio::time::timeout(CANCEL_TIMEOUT, repository.send(call)).await;
    if !matches!(outcome, Ok(Ok(_))) {
        tracing::debug!(repository = %repository.reference(), "an upload could not be cancelled");
    }
}

/// The registry has it; what it has is what we meant.
pub(super) async fn accepted(digest: &Digest, response: Response) -> Result<()> {
    digest_header(&Method::PUT, &response, Some(digest))?;
    response.drain().await;
    Ok(())
}

/// The request body for a payload: verified on its way, unless somebody has verified it before.
async fn body(
    descriptor: &Descriptor,
    payload: Payload,
    failure: &Arc<Mutex<Option<Error>>>,
    sent: &Arc<AtomicUsize>,
) -> Result<Body> {
    if descriptor.size == 0 {
        // Nobody reads a body without bytes, so nobody would notice what is wrong with it.
        let mut stream = payload.open_verified(descriptor).await?;
        while stream.next().await.transpose()?.is_some() {}
        return Ok(Body::empty());
    }
    let source = PayloadBody {
        descriptor: descriptor.clone(),
        payload,
        failure: Arc::clone(failure),
        sent: Arc::clone(sent),
    };
    Ok(Body::replay(descriptor.size, Arc::new(source)))
}

struct PayloadBody {
    descriptor: Descriptor,
    payload: Payload,
    /// The transport reports errors in its own words; the original is kept here.
    failure: Arc<Mutex<Option<Error>>>,
    /// How often it was opened.
    sent: Arc<AtomicUsize>,
}

#[async_trait]
impl OpenBody for PayloadBody {
    async fn open(&self) -> io::Result<ByteStream> {
        *lock(&self.failure) = None;
        self.sent.fetch_add(1, Ordering::Relaxed);
        let keep = |failure: &Mutex<Option<Error>>, error: Error| {
            let stand_in = io::Error::other(error.to_string());
            *lock(failure) = Some(error.with_side(Side::Source));
            stand_in
        };
        let opened = self.payload.open_verified(&self.descriptor).await;
        let stream = opened.map_err(|error| keep(&self.failure, error))?;
        let stream = match self.payload.trusted() {
            true => stream,
            false => hold_back(stream),
        };
        let failure = Arc::clone(&self.failure);
        Ok(stream
            .map(move |item| item.map_err(|error| keep(&failure, error.into())))
            .boxed())
    }

    fn replayable(&self) -> bool {
        self.payload.replayable()
    }
}

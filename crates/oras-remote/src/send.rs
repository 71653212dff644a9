//! The one function that sends requests: authentication around the transport, errors out of statuses.

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use oras_content::{Error, ErrorKind, Result};
use oras_http::{Body, Origin, Request, Response};
use url::Url;

use crate::auth::{Authorization, Scopes};
use crate::client::Inner;
use crate::endpoint::Endpoint;
use crate::failure;

/// No request is sent more often than this for the sake of authentication: as it is, with another cached token, bare
/// to see a usable challenge, with a fresh token.
const MOST_SENDS: u32 = 4;

/// A request to a registry, before anybody has thought of authentication.
pub(crate) struct Call {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Body,
    scopes: Scopes,
    expect: &'static [u16],
}

impl Call {
    /// A request that succeeds with 200.
    pub(crate) fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            body: Body::empty(),
            scopes: Scopes::default(),
            expect: &[200],
        }
    }

    /// Sets a header. A value that HTTP does not allow is left out: none of ours can be.
    pub(crate) fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    /// Sets the body.
    pub(crate) fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    /// Says what the request needs to be allowed to do.
    pub(crate) fn scopes(mut self, scopes: Scopes) -> Self {
        self.scopes = scopes;
        self
    }

    /// Says which statuses are success; any other becomes an error.
    pub(crate) fn expect(mut self, statuses: &'static [u16]) -> Self {
        self.expect = statuses;
        self
    }

    fn can_repeat(&self) -> Result<()> {
        if self.body.is_empty() || self.body.replayable() {
            return Ok(());
        }
        let problem = "request body is not rewindable";
        Err(Error::new(ErrorKind::Unsupported, problem).context(self.text()))
    }

    fn text(&self) -> String {
        failure::request_text(&self.method, &self.url)
    }
}

impl Inner {
    /// Sends `call`, answering challenges. Only the registry's own origin ever gets its credentials.
    ///
    /// # Errors
    /// For every status that the call does not expect; for failures of the transport and of authentication.
    pub(crate) async fn send(&self, endpoint: &Endpoint, call: Call) -> Result<Response> {
        if Origin::of(&call.url).as_ref() != Some(&endpoint.origin) {
            let response = self.exchange(endpoint, &call, None).await?;
            return judge(&call, response).await;
        }
        let mut used = self.tokens.cached(&endpoint.origin, &call.scopes);
        let mut probed = false;
        for _ in 1..MOST_SENDS {
            let response = self.exchange(endpoint, &call, used.as_ref()).await?;
            let from_cache = used.as_ref().is_some_and(|used| !used.fresh);
            let refused = response.status == StatusCode::UNAUTHORIZED;
            let answerable = (used.is_none() || from_cache) && !response.is_from_other_origin();
            if !refused || !answerable {
                let outcome = judge(&call, response).await;
                if from_cache && !probed && outcome.as_ref().is_err_and(is_stale_token) {
                    self.tokens.discard(&endpoint.origin, used.as_ref());
                    call.can_repeat()?;
                    (used, probed) = (None, true);
                    continue;
                }
                return outcome;
            }
            let next = self
                .answer(endpoint, &response.headers, &call.scopes, used.as_ref())
                .await
                .map_err(|error| error.context(call.text()))?;
            match next {
                Some(next) => {
                    call.can_repeat()?;
                    response.drain().await;
                    used = Some(next);
                }
                // Some registries answer an expired token with a challenge that leads nowhere, and a request without
                // any token with a good one.
                None if from_cache && !probed && call.body.is_empty() => {
                    self.tokens.discard(&endpoint.origin, used.as_ref());
                    response.drain().await;
                    (used, probed) = (None, true);
                }
                None => return judge(&call, response).await,
            }
        }
        let response = self.exchange(endpoint, &call, used.as_ref()).await?;
        judge(&call, response).await
    }

    async fn exchange(
        &self,
        endpoint: &Endpoint,
        call: &Call,
        authorization: Option<&Authorization>,
    ) -> Result<Response> {
        let mut request =
            Request::new(call.method.clone(), call.url.clone()).body(call.body.clone());
        request.headers = call.headers.clone();
        if let Some(authorization) = authorization {
            request
                .headers
                .insert(AUTHORIZATION, authorization.header.clone());
        }
        let sent = self.http.send(request).await;
        let response = sent.map_err(|error| failure::transport(&error))?;
        self.warnings.observe(&endpoint.registry, &response.headers);
        Ok(response)
    }
}

async fn judge(call: &Call, response: Response) -> Result<Response> {
    if call.expect.contains(&response.status.as_u16()) {
        return Ok(response);
    }
    Err(failure::status(&call.method, response).await)
}

/// ECR Public answers an expired token with 400 or 403 instead of 401.
fn is_stale_token(error: &Error) -> bool {
    let about_token = |text: &str| {
        let text = text.to_ascii_lowercase();
        text.contains("token") && (text.contains("invalid") || text.contains("expired"))
    };
    let mut errors = error.registry_errors().iter();
    matches!(error.status(), Some(400 | 403)) && errors.any(|error| about_token(&error.message))
}

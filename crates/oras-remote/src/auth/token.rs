//! Getting a token from a token service.

use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Method, StatusCode};
use oras_content::{Error, Result};
use oras_http::{Body, Redirect, Request};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;
use url::Url;
use url::form_urlencoded::Serializer;

use super::challenge::Bearer;
use super::{Scopes, basic_header, credential_error, realm};
use crate::client::Inner;
use crate::credential::{Credential, Secret};
use crate::endpoint::Endpoint;
use crate::failure;

const RESPONSE_LIMIT: usize = 128 * 1024;
/// What the token specification says of a token without `expires_in`.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(60);
/// Nobody means more than a year, and adding it to a clock must not overflow.
const LONGEST_LIFETIME: f64 = 365.0 * 24.0 * 3600.0;

/// A token as it came.
pub(super) struct Issued {
    pub(super) text: Secret,
    /// `None` for a token that the user gave us: only its registry knows when it ends.
    pub(super) expires: Option<Expiry>,
}

/// When a token ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expiry {
    pub(super) asked_at: Instant,
    pub(super) lifetime: Duration,
}

#[derive(Deserialize)]
struct TokenResponse {
    access_token: Option<String>,
    token: Option<String>,
    expires_in: Option<Value>,
}

impl Inner {
    /// A token that allows `scopes` to whoever `credential` is.
    pub(super) async fn fetch_token(
        &self,
        endpoint: &Endpoint,
        challenge: &Bearer,
        scopes: &Scopes,
        credential: &Credential,
    ) -> Result<Issued> {
        if let Credential::Access { token } = credential {
            return Ok(Issued {
                text: token.clone(),
                expires: None,
            });
        }
        let realm = realm::check(&challenge.realm, &endpoint.base)?;
        let asked_at = Instant::now();
        let request = match credential {
            Credential::Identity { token } => self.refresh(realm, challenge, scopes, token),
            Credential::Basic { username, password } => {
                let header = basic_header(username, password.expose())?;
                let mut request = get(realm, challenge, scopes);
                request.headers.insert(AUTHORIZATION, header);
                request
            }
            Credential::Anonymous | Credential::Access { .. } => get(realm, challenge, scopes),
        };
        let (method, url) = (request.method.clone(), request.url.clone());
        let sent = self.http.send(request).await;
        let response = sent.map_err(|error| failure::transport(&error))?;
        if response.status != StatusCode::OK {
            return Err(failure::status(&method, response).await);
        }
        let body = response
            .bytes(RESPONSE_LIMIT)
            .await
            .map_err(|error| failure::transport(&error))?;
        // The parser's text is left out: it might quote a piece of the token.
        let parsed: TokenResponse = serde_json::from_slice(&body).map_err(|_| {
            failure::protocol(&method, &url, "the token service's answer can't be read")
        })?;
        let text = [parsed.access_token, parsed.token]
            .into_iter()
            .flatten()
            .find(|text| !text.is_empty());
        let text = text.ok_or_else(|| empty(&method, &url))?;
        let lifetime = lifetime(parsed.expires_in.as_ref());
        Ok(Issued {
            text: Secret::new(text),
            expires: Some(Expiry { asked_at, lifetime }),
        })
    }

    /// OAuth2: an identity token for an access token. Redirects are not followed, they would carry the token along.
    fn refresh(&self, realm: Url, challenge: &Bearer, scopes: &Scopes, token: &Secret) -> Request {
        let mut form = Serializer::new(String::new());
        form.append_pair("client_id", &self.client_id)
            .append_pair("grant_type", "refresh_token")
            .append_pair("refresh_token", token.expose());
        let scope = scopes.to_list().join(" ");
        if !scope.is_empty() {
            form.append_pair("scope", &scope);
        }
        if !challenge.service.is_empty() {
            form.append_pair("service", &challenge.service);
        }
        Request::new(Method::POST, realm)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::bytes(form.finish()))
            .redirect(Redirect::None)
    }
}

fn get(mut realm: Url, challenge: &Bearer, scopes: &Scopes) -> Request {
    let scopes = scopes.to_list();
    if !scopes.is_empty() || !challenge.service.is_empty() {
        let mut query = realm.query_pairs_mut();
        for scope in &scopes {
            query.append_pair("scope", scope);
        }
        if !challenge.service.is_empty() {
            query.append_pair("service", &challenge.service);
        }
    }
    Request::get(realm)
}

/// Numbers, and numbers in quotes.
fn lifetime(expires_in: Option<&Value>) -> Duration {
    let seconds = match expires_in {
        Some(Value::Number(number)) => number.as_f64(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        _ => None,
    };
    match seconds {
        Some(seconds) if seconds > 0.0 => Duration::from_secs_f64(seconds.min(LONGEST_LIFETIME)),
        Some(seconds) if seconds < 0.0 => Duration::ZERO,
        // Zero is what services send that leave the field out.
        _ => DEFAULT_LIFETIME,
    }
}

fn empty(method: &Method, url: &Url) -> Error {
    credential_error("empty token returned").context(failure::request_text(method, url))
}

//! Authentication: from a challenge to the `Authorization` header that answers it.

mod cache;
mod challenge;
mod realm;
mod scope;
mod token;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue};
use oras_content::{Error, ErrorKind, Result};

pub(crate) use cache::{Authorization, Tokens};
pub(crate) use scope::Scopes;

use crate::client::Inner;
use crate::credential::Credential;
use crate::endpoint::Endpoint;
use cache::Token;
use challenge::Challenge;

impl Inner {
    /// What to answer to a 401. `None` if nothing can be answered that `tried` has not been.
    pub(crate) async fn answer(
        &self,
        endpoint: &Endpoint,
        headers: &HeaderMap,
        scopes: &Scopes,
        tried: Option<&Authorization>,
    ) -> Result<Option<Authorization>> {
        match challenge::best(headers) {
            Some(Challenge::Bearer(bearer)) => self
                .bearer(endpoint, &bearer, scopes, tried)
                .await
                .map(Some),
            // A password does not go stale: what was refused once will be again.
            Some(Challenge::Basic) if tried.is_some_and(|tried| tried.is_basic()) => Ok(None),
            Some(Challenge::Basic) => self.basic(endpoint).await.map(Some),
            None => Ok(None),
        }
    }

    async fn basic(&self, endpoint: &Endpoint) -> Result<Authorization> {
        let (username, password) = match self.credential(endpoint).await? {
            Credential::Anonymous => return Err(credential_error("basic credential not found")),
            Credential::Basic { username, password } => (username, password),
            Credential::Identity { .. } | Credential::Access { .. } => {
                (String::new(), String::new().into())
            }
        };
        if username.is_empty() || password.is_empty() {
            return Err(credential_error(
                "missing username or password for basic auth",
            ));
        }
        let header = basic_header(&username, password.expose())?;
        Ok(self.tokens.set_basic(&endpoint.origin, header))
    }

    async fn bearer(
        &self,
        endpoint: &Endpoint,
        challenge: &challenge::Bearer,
        scopes: &Scopes,
        tried: Option<&Authorization>,
    ) -> Result<Authorization> {
        let wanted = scopes.clone().union(&challenge.scopes);
        self.tokens.refused(&endpoint.origin, tried, &wanted);
        let find = || {
            self.tokens
                .for_service(&endpoint.origin, &challenge.service, &wanted, tried)
        };
        if let Some(found) = find() {
            return Ok(found);
        }
        // One task fetches, the others wait and find. If that one fails or is cancelled, the next one fetches.
        let flight = self
            .tokens
            .flight(&endpoint.origin, &challenge.service, &wanted);
        let _turn = flight.lock().await;
        if let Some(found) = find() {
            return Ok(found);
        }
        let credential = self.credential(endpoint).await?;
        let token = self
            .fetch_token(endpoint, challenge, &wanted, &credential)
            .await?;
        let mut header = HeaderValue::from_str(&format!("Bearer {}", token.text.expose()))
            .map_err(|_| {
                credential_error("the token service gave a token that no header can carry")
            })?;
        header.set_sensitive(true);
        let token = Token::new(&challenge.service, wanted, header, token.expires);
        Ok(self.tokens.insert(&endpoint.origin, token))
    }

    async fn credential(&self, endpoint: &Endpoint) -> Result<Credential> {
        let found = self.credentials.credential(&endpoint.credential_key).await;
        found.map_err(|error| error.context("failed to resolve credential"))
    }
}

fn basic_header(username: &str, password: &str) -> Result<HeaderValue> {
    let encoded = STANDARD.encode(format!("{username}:{password}"));
    let mut header = HeaderValue::from_str(&format!("Basic {encoded}"))
        .map_err(|_| credential_error("invalid credential"))?;
    header.set_sensitive(true);
    Ok(header)
}

fn credential_error(text: &str) -> Error {
    Error::new(ErrorKind::Credential, text)
}

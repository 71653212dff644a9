//! What is said to who may not (RFC 9110, section 11.6.1; RFC 6750, section 3).

use http::StatusCode;
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use oras_spec::ErrorCode;
use serde_json::{Value, json};

use super::origin::Origin;
use crate::failure::Failure;

/// What is wrong with the token a request brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// It is expired, or none of ours.
    Invalid,
    /// It does not allow this.
    Scope,
}

/// 401, with where to get a token, and for what. Simple clients read the header: no blanks after commas, all quoted.
pub(super) fn bearer(origin: &Origin, scopes: &[String], problem: Option<Problem>) -> Failure {
    let Origin { base, service, .. } = origin;
    let mut challenge = format!(r#"Bearer realm="{base}/v2/token",service="{service}""#);
    if !scopes.is_empty() {
        challenge.push_str(&format!(r#",scope="{}""#, scopes.join(" ")));
    }
    match problem {
        Some(Problem::Invalid) => challenge.push_str(r#",error="invalid_token""#),
        Some(Problem::Scope) => challenge.push_str(r#",error="insufficient_scope""#),
        None => {}
    }
    let failure = unauthorized().with_header(WWW_AUTHENTICATE, challenge);
    match details(scopes) {
        details if details.is_empty() => failure,
        details => failure.with_detail(Value::Array(details)),
    }
}

/// 401, for who asks for a token and for people with browsers.
pub(super) fn basic(origin: &Origin) -> Failure {
    let challenge = format!(r#"Basic realm="{}",charset="UTF-8""#, origin.service);
    unauthorized().with_header(WWW_AUTHENTICATE, challenge)
}

/// 403.
pub(super) fn denied(user: Option<&str>, wish: String) -> Failure {
    let text = match user {
        Some(user) => format!("{user} may not {wish}"),
        None => format!("who has not signed in may not {wish}"),
    };
    Failure::new(StatusCode::FORBIDDEN, ErrorCode::DENIED, text)
}

/// 429.
pub(super) fn busy() -> Failure {
    let text = "too many attempts to sign in";
    let code = ErrorCode::TOOMANYREQUESTS;
    let failure = Failure::new(StatusCode::TOO_MANY_REQUESTS, code, text);
    failure.with_header(RETRY_AFTER, "1")
}

fn unauthorized() -> Failure {
    let text = "authentication required";
    Failure::new(StatusCode::UNAUTHORIZED, ErrorCode::UNAUTHORIZED, text)
}

fn details(scopes: &[String]) -> Vec<Value> {
    let parts = scopes.iter().filter_map(|scope| {
        let (kind, rest) = scope.split_once(':')?;
        let (name, actions) = rest.rsplit_once(':')?;
        Some((kind, name, actions))
    });
    let details = parts.flat_map(|(kind, name, actions)| {
        let actions = actions.split(',');
        actions.map(move |action| json!({ "type": kind, "name": name, "action": action }))
    });
    details.collect()
}

//! The token service: `/v2/token` (Docker Registry token specification; RFC 6749 for `POST`).

use http::header::CACHE_CONTROL;
use http::{Method, StatusCode};
use oras_spec::{ErrorCode, RegistryError};
use serde_json::json;
use url::form_urlencoded;

use super::reply::{self, With as _};
use super::{Answer, unknown_endpoint};
use crate::auth::{Gate, Issued, Refusal};
use crate::call::Call;
use crate::registry::Shared;

/// More than this, in bytes, is no form.
const FORM_BYTES: u64 = 64 * 1024;

pub(super) async fn handle(shared: &Shared, call: &mut Call) -> Answer {
    let Some(gate) = &shared.gate else {
        return Err(unknown_endpoint());
    };
    let client = gate.visitor(call).client();
    call.exchange.is_from(client);
    if call.method == Method::POST {
        let form = call.read(FORM_BYTES).await?;
        return post(gate, call, &form).await;
    }
    let visitor = gate.visitor(call);
    let scopes: Vec<&str> = call.parameters("scope").collect();
    let offline = call.parameter("offline_token") == Some("true");
    let issued = gate.token(&visitor, &scopes, offline).await;
    let issued = issued.map_err(|refusal| gate.refuse(&visitor.origin, refusal));
    reply_with(call, issued?)
}

async fn post(gate: &Gate, call: &mut Call, form: &[u8]) -> Answer {
    let visitor = &gate.visitor(call);
    let form: Vec<_> = form_urlencoded::parse(form).collect();
    let all = |name: &'static str| {
        let named = form.iter().filter(move |(key, _)| key == name);
        named.map(|(_, value)| value.as_ref())
    };
    let field = |name| all(name).next();
    let scopes: Vec<&str> = all("scope").collect();
    let offline = field("access_type") == Some("offline");
    let issued = match field("grant_type") {
        Some("password") => {
            let (user, password) = (field("username"), field("password"));
            let pair = (user.unwrap_or_default(), password.unwrap_or_default());
            gate.token_for_password(visitor, pair, &scopes, offline)
                .await
        }
        Some("refresh_token") => {
            let refresh = field("refresh_token").unwrap_or_default();
            gate.token_for_refresh(visitor, refresh, &scopes)
        }
        Some(_) => {
            let code = "unsupported_grant_type";
            return problem(
                StatusCode::BAD_REQUEST,
                code,
                "there are password and refresh_token",
            );
        }
        None => {
            let text = "the field grant_type is missing";
            return problem(StatusCode::BAD_REQUEST, "invalid_request", text);
        }
    };
    match issued {
        Ok(issued) => reply_with(call, issued),
        Err(Refusal::Busy) => Err(gate.refuse(&visitor.origin, Refusal::Busy)),
        Err(Refusal::Credential | Refusal::Token) => {
            let text = "the credential is wrong or expired";
            problem(StatusCode::UNAUTHORIZED, "invalid_grant", text)
        }
    }
}

/// The access log names who got the token.
fn reply_with(call: &mut Call, issued: Issued) -> Answer {
    let response = reply::json("application/json", &issued)?;
    call.caller = issued.to;
    Ok(response.with(CACHE_CONTROL, "no-store"))
}

/// An error as RFC 6749 has it (section 5.2), and as registries do.
fn problem(status: StatusCode, code: &str, text: &str) -> Answer {
    let error = match status {
        StatusCode::UNAUTHORIZED => ErrorCode::UNAUTHORIZED,
        _ => ErrorCode::UNSUPPORTED,
    };
    let body = json!({
        "error": code,
        "error_description": text,
        "errors": [RegistryError::new(error, text)],
    });
    let mut response = reply::json("application/json", &body)?;
    *response.status_mut() = status;
    Ok(response.with(CACHE_CONTROL, "no-store"))
}

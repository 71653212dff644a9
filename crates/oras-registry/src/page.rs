//! A page to look at: repositories, tags and artifacts for people with a browser.
//!
//! Everything is rendered here and readable without scripts. Whatever was pushed may be hostile, so three walls stand
//! before the reader: the templates escape, [`text`] cuts what is long and spells out what is invisible, and the policy
//! of [`Page`] lets the browser load and run nothing, whatever got through. Who may not pull a repository is told that
//! there is none.

mod address;
mod artifact;
mod command;
mod fact;
mod file;
mod frame;
mod home;
mod kind;
mod list;
mod referrer;
mod repository;
mod sign_in;
mod text;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{
    ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue,
    LOCATION, REFERRER_POLICY, VARY, X_FRAME_OPTIONS,
};
use http::{Method, Response, StatusCode};
use oras_spec::{Digest, ErrorCode};

use crate::body::Body;
use crate::call::Call;
use crate::failure::Failure;
use crate::host::is_host;
use crate::registry::Shared;

use address::Address;
use frame::View;
use sign_in::Guest;

/// The one style sheet, part of every page.
const STYLE: &str = include_str!("page/style.css");

/// Stands where the host is not known.
const NAMELESS: &str = "REGISTRY";

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// What a view returns.
type Seen = Result<View, Failure>;

/// The page, with the policy that goes with it.
pub(crate) struct Page {
    /// The value of `Content-Security-Policy` (Content Security Policy Level 3).
    policy: String,
}

/// What views know of the request.
struct Visit<'a> {
    shared: &'a Shared,
    guest: Guest,
    /// What they want to see once they have said who they are, if this request is there for that.
    signing_in: Option<String>,
    /// The path of the page itself.
    path: String,
    /// What clients call this registry.
    host: String,
    /// What the names of a list have to contain.
    filter: String,
    /// What a page of a list comes after.
    after: Option<String>,
}

impl Page {
    pub(crate) fn new() -> Self {
        let style = hash(STYLE);
        Self {
            policy: format!(
                "default-src 'none'; style-src '{style}'; img-src data:; base-uri 'none'; \
                 form-action 'self'; frame-ancestors 'none'"
            ),
        }
    }

    /// Answers if the request is for a page.
    pub(crate) async fn answer(
        &self,
        shared: &Shared,
        path: &str,
        call: &mut Call,
    ) -> Option<Response<Body>> {
        let address = address::parse(path)?;
        let readable = matches!(call.method, Method::GET | Method::HEAD);
        let wanted = readable && (prefers_html(call) || sign_in::asked(call).is_some());
        if address == Address::Home && !wanted {
            return None;
        }
        let visit = Visit::new(shared, call, path).await;
        let mut response = match visit.detour(&address) {
            _ if !readable => visit.show(Err(read_only())),
            Some(path) => redirect(&path),
            None => {
                // Whatever is shown is read as a whole.
                let _room = shared.room.page().await;
                let seen = visit.view(address).await;
                visit.show(seen)
            }
        };
        let headers = response.headers_mut();
        let mut set = |name: HeaderName, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        };
        set(CONTENT_TYPE, "text/html; charset=utf-8");
        set(CONTENT_SECURITY_POLICY, &self.policy);
        set(CACHE_CONTROL, "no-store");
        set(VARY, "Accept, Authorization");
        set(REFERRER_POLICY, "no-referrer");
        set(X_FRAME_OPTIONS, "DENY");
        set(OPENER_POLICY, "same-origin");
        set(RESOURCE_POLICY, "same-origin");
        Some(response)
    }
}

impl<'a> Visit<'a> {
    async fn new(shared: &'a Shared, call: &mut Call, path: &str) -> Self {
        let (guest, host) = Guest::of(shared, call).await;
        Self {
            shared,
            guest,
            signing_in: sign_in::asked(call).map(str::to_owned),
            path: path.to_owned(),
            host: host
                .filter(|host| is_host(host))
                .unwrap_or_else(|| NAMELESS.to_owned()),
            filter: call.parameter("filter").unwrap_or_default().to_owned(),
            after: call.parameter("after").map(str::to_owned),
        }
    }

    /// Where to look first: who may not see a page, and has not said who they are, is asked to, and then comes back.
    fn detour(&self, address: &Address) -> Option<String> {
        match (&self.guest, address) {
            (Guest::Known(_), Address::Home) => sign_in::way_back(self.signing_in.as_deref()?),
            (Guest::Stranger(..), Address::Repository { .. } | Address::Artifact { .. })
                if self.signing_in.is_none() && !self.guest.may_see(address) =>
            {
                Some(sign_in::way(&self.path))
            }
            _ => None,
        }
    }

    async fn view(&self, address: Address) -> Seen {
        match (&self.guest, &address) {
            (Guest::Refused(answer), _) => return Err(answer.clone()),
            (_, Address::Nowhere) => return Err(Failure::name_unknown()),
            (Guest::Stranger(_, question), Address::Home) if self.signing_in.is_some() => {
                return Err(question.clone());
            }
            (guest, address) if guest.may_see(address) => {}
            (Guest::Stranger(_, question), _) => return Err(question.clone()),
            (Guest::Known(_), _) => return Err(Failure::name_unknown()),
        }
        match address {
            Address::Home => home::view(self).await,
            Address::Repository { name } => repository::view(self, &name).await,
            Address::Artifact { name, reference } => artifact::view(self, &name, &reference).await,
            Address::Nowhere => Err(Failure::name_unknown()),
        }
    }

    fn show(&self, seen: Seen) -> Response<Body> {
        let (mut response, page) = match seen {
            Ok(view) => (Response::new(Body::empty()), frame::page(self, &view)),
            Err(failure) => {
                let response = failure.into_response();
                let page = frame::failure(self, response.status());
                (response, page)
            }
        };
        *response.body_mut() = Body::from(Bytes::from(page.into_string()));
        response
    }
}

fn read_only() -> Failure {
    let text = "pages are only there to be read";
    let status = StatusCode::METHOD_NOT_ALLOWED;
    Failure::new(status, ErrorCode::UNSUPPORTED, text).with_header(ALLOW, "GET, HEAD")
}

fn redirect(path: &str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    if let Ok(path) = HeaderValue::from_str(path) {
        response.headers_mut().insert(LOCATION, path);
    }
    response
}

/// Whether a page is what the client would like best (RFC 9110, section 12.5.1). Wildcards are no wish for a page:
/// programs send them.
fn prefers_html(call: &Call) -> bool {
    let mut html = 0.0;
    let mut others: f32 = 0.0;
    for range in call.header(ACCEPT).unwrap_or_default().split(',') {
        let (name, parameters) = range.split_once(';').unwrap_or((range, ""));
        let quality = parameters.split(';').find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim().eq_ignore_ascii_case("q").then_some(value)
        });
        let quality = quality.map_or(1.0, |value| value.trim().parse().unwrap_or(0.0));
        match name.trim().eq_ignore_ascii_case("text/html") {
            true => html = quality,
            false => others = others.max(quality),
        }
    }
    html > 0.0 && html >= others
}

/// What the policy knows inline content by.
fn hash(content: &str) -> String {
    let digest = Digest::sha256(content.as_bytes());
    let hex = digest.encoded().as_bytes().chunks(2);
    let byte = |pair: &[u8]| {
        let pair = std::str::from_utf8(pair).unwrap_or_default();
        u8::from_str_radix(pair, 16).unwrap_or_default()
    };
    let bytes: Vec<u8> = hex.map(byte).collect();
    format!("sha256-{}", STANDARD.encode(bytes))
}

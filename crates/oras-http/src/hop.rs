//! One request of a chain of redirects, and how the next one follows from it.

use http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH,
    CONTENT_RANGE, CONTENT_TYPE, COOKIE, HOST, LOCATION, PROXY_AUTHORIZATION, TRANSFER_ENCODING,
    USER_AGENT,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use url::Url;

use crate::body::Body;
use crate::client::Inner;
use crate::error::{Error, ErrorKind};
use crate::origin::Origin;
use crate::redact;
use crate::request::Request;

/// What a redirect to another origin must not carry along.
const CREDENTIALS: [HeaderName; 3] = [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION];

/// What describes a body, and goes with it.
const BODY_HEADERS: [HeaderName; 4] = [
    CONTENT_TYPE,
    CONTENT_ENCODING,
    CONTENT_LANGUAGE,
    CONTENT_RANGE,
];

/// What the transport computes itself.
const COMPUTED: [HeaderName; 3] = [HOST, CONTENT_LENGTH, TRANSFER_ENCODING];

pub(crate) struct Hop {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) body: Body,
    headers: HeaderMap,
    /// No redirect has left the origin of the first request yet.
    at_home: bool,
}

/// The headers of one exchange.
pub(crate) struct Heads {
    pub(crate) wire: HeaderMap,
    pub(crate) shown: Vec<(String, String)>,
}

impl Hop {
    pub(crate) fn first(request: Request) -> Self {
        let mut url = redact::without_userinfo(&request.url);
        url.set_fragment(None);
        let mut headers = request.headers;
        for name in COMPUTED {
            headers.remove(name);
        }
        Self {
            method: request.method,
            url,
            body: request.body,
            headers,
            at_home: true,
        }
    }

    /// The request that a response redirects to, or `None` if the response is the answer.
    ///
    /// # Errors
    /// If the target cannot or must not be followed.
    pub(crate) fn redirected(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Result<Option<Self>, Error> {
        let keeps_method = match status.as_u16() {
            301..=303 => matches!(self.method, Method::GET | Method::HEAD),
            307 | 308 => true,
            _ => return Ok(None),
        };
        let Some(location) = headers.get(LOCATION) else {
            return Ok(None);
        };
        let keeps_body = keeps_method && !self.body.is_empty();
        if keeps_body && !self.body.replayable() {
            return Ok(None);
        }
        let url = self.resolve(location)?;
        if keeps_body && self.url.scheme() == "https" && url.scheme() == "http" {
            return Err(Error::new(
                ErrorKind::Redirect,
                "refusing to repeat the body over a connection without TLS",
            ));
        }
        let at_home = self.at_home && Origin::of(&url) == Origin::of(&self.url);
        let mut headers = self.headers.clone();
        if !at_home {
            CREDENTIALS
                .iter()
                .for_each(|name| drop(headers.remove(name)));
        }
        if !keeps_method {
            BODY_HEADERS
                .iter()
                .for_each(|name| drop(headers.remove(name)));
        }
        Ok(Some(Self {
            method: if keeps_method {
                self.method.clone()
            } else {
                Method::GET
            },
            url,
            body: if keeps_method {
                self.body.clone()
            } else {
                Body::empty()
            },
            headers,
            at_home,
        }))
    }

    fn resolve(&self, location: &HeaderValue) -> Result<Url, Error> {
        let text = String::from_utf8_lossy(location.as_bytes());
        let url = self.url.join(&text).map_err(|error| {
            let shown = redact::header_value(LOCATION.as_str(), location.as_bytes());
            Error::new(
                ErrorKind::Redirect,
                format!("failed to parse Location header {shown:?}: {error}"),
            )
        })?;
        if !matches!(url.scheme(), "http" | "https") {
            let words = format!("unsupported protocol scheme {:?}", url.scheme());
            return Err(Error::new(ErrorKind::Redirect, words));
        }
        let mut url = redact::without_userinfo(&url);
        url.set_fragment(None);
        Ok(url)
    }

    /// The headers to send and the headers to show.
    ///
    /// # Errors
    /// If a custom header is not one.
    pub(crate) fn heads(&self, client: &Inner) -> Result<Heads, Error> {
        let mut wire = self.headers.clone();
        if let Some(user_agent) = &client.user_agent {
            wire.insert(USER_AGENT, user_agent.clone());
        }
        // Blobs are compared byte by byte; what a server compresses on the way is of no use.
        if self.method == Method::GET && !wire.contains_key(ACCEPT_ENCODING) {
            wire.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        let mut shown = redact::headers(&wire);
        if self.at_home && client.origin.is_some() && Origin::of(&self.url) == client.origin {
            add_extra_headers(client, &mut wire, &mut shown)?;
        }
        let announces_length = matches!(self.method, Method::POST | Method::PUT | Method::PATCH);
        if announces_length || !self.body.is_empty() {
            wire.insert(CONTENT_LENGTH, HeaderValue::from(self.body.len()));
        }
        Ok(Heads { wire, shown })
    }
}

fn add_extra_headers(
    client: &Inner,
    wire: &mut HeaderMap,
    shown: &mut Vec<(String, String)>,
) -> Result<(), Error> {
    for extra in &client.extra_headers {
        let invalid = |what: &str, text: &str| {
            Error::new(
                ErrorKind::InvalidRequest,
                format!("net/http: invalid header field {what} {text:?}"),
            )
        };
        let name: HeaderName = extra
            .name
            .parse()
            .map_err(|_| invalid("name", &extra.name))?;
        let replaced = extra.name == "User-Agent" && client.user_agent.is_some();
        if replaced || COMPUTED.contains(&name) {
            continue;
        }
        let value = HeaderValue::from_str(extra.value.trim())
            .map_err(|_| invalid("value for", &extra.name))?;
        wire.append(name, value);
        shown.push((
            extra.name.clone(),
            redact::header_value(&extra.name, extra.value.as_bytes()),
        ));
    }
    Ok(())
}

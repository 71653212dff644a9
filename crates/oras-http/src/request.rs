use http::{HeaderMap, HeaderName, HeaderValue, Method};
use url::Url;

use crate::body::Body;

/// Whether a redirect is followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Redirect {
    /// Follow up to ten redirects.
    #[default]
    Follow,
    /// Return the 3xx response as it is.
    None,
}

/// One request to send.
///
/// Userinfo in the URL is neither sent nor printed: credentials travel in headers only.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// An absolute `http` or `https` URL.
    pub url: Url,
    /// The headers of this request. `Host` and `Content-Length` are computed, whatever is said here.
    pub headers: HeaderMap,
    /// The body; its length becomes `Content-Length`.
    pub body: Body,
    /// Whether redirects are followed.
    pub redirect: Redirect,
    /// What was wrong with a header passed to [`Request::header`]; reported when the request is sent.
    pub(crate) defect: Option<String>,
}

impl Request {
    /// A request without headers and body that follows redirects.
    #[must_use]
    pub fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            body: Body::empty(),
            redirect: Redirect::default(),
            defect: None,
        }
    }

    /// A `GET` request.
    #[must_use]
    pub fn get(url: Url) -> Self {
        Self::new(Method::GET, url)
    }

    /// A `HEAD` request.
    #[must_use]
    pub fn head(url: Url) -> Self {
        Self::new(Method::HEAD, url)
    }

    /// Sets a header, replacing an earlier value. A name or value that HTTP does not allow makes the request fail when
    /// it is sent, with [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest).
    #[must_use]
    pub fn header<N, V>(mut self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
    {
        let Ok(name) = name.try_into() else {
            self.defect = Some("net/http: invalid header field name".to_owned());
            return self;
        };
        match value.try_into() {
            Ok(value) => {
                self.headers.insert(name, value);
            }
            Err(_) => {
                let name = name.as_str();
                self.defect = Some(format!("net/http: invalid header field value for {name:?}"));
            }
        }
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    /// Sets what happens with a redirect.
    #[must_use]
    pub fn redirect(mut self, redirect: Redirect) -> Self {
        self.redirect = redirect;
        self
    }
}

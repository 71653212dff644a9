//! The values that labels can have.

use http::{Method, StatusCode};

use crate::route::Route;

/// What a request was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Base,
    Catalog,
    Tags,
    Manifest,
    Blob,
    Uploads,
    Upload,
    Referrers,
    Token,
    Page,
    Health,
    Metrics,
    Other,
}

impl Endpoint {
    pub(super) const ALL: [(Self, &'static str); 13] = [
        (Self::Base, "base"),
        (Self::Catalog, "catalog"),
        (Self::Tags, "tags"),
        (Self::Manifest, "manifest"),
        (Self::Blob, "blob"),
        (Self::Uploads, "uploads"),
        (Self::Upload, "upload"),
        (Self::Referrers, "referrers"),
        (Self::Token, "token"),
        (Self::Page, "page"),
        (Self::Health, "health"),
        (Self::Metrics, "metrics"),
        (Self::Other, "other"),
    ];

    /// As metrics and logs spell it.
    pub(crate) fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

impl From<&Route> for Endpoint {
    fn from(route: &Route) -> Self {
        match route {
            Route::Base => Self::Base,
            Route::Token => Self::Token,
            Route::Catalog => Self::Catalog,
            Route::Tags { .. } => Self::Tags,
            Route::Manifest { .. } => Self::Manifest,
            Route::Blob { .. } => Self::Blob,
            Route::Uploads { .. } => Self::Uploads,
            Route::Upload { .. } => Self::Upload,
            Route::Referrers { .. } => Self::Referrers,
        }
    }
}

/// How somebody says who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AuthMethod {
    Anonymous,
    Basic,
    Bearer,
    Certificate,
    /// Asking the token service.
    Token,
}

impl AuthMethod {
    pub(super) const ALL: [(Self, &'static str); 5] = [
        (Self::Anonymous, "anonymous"),
        (Self::Basic, "basic"),
        (Self::Bearer, "bearer"),
        (Self::Certificate, "certificate"),
        (Self::Token, "token"),
    ];
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AuthResult {
    Accepted,
    /// Not who they say.
    Rejected,
    /// Known, but without the right.
    Denied,
    /// Not looked at, for there were too many.
    Throttled,
}

impl AuthResult {
    pub(super) const ALL: [(Self, &'static str); 4] = [
        (Self::Accepted, "accepted"),
        (Self::Rejected, "rejected"),
        (Self::Denied, "denied"),
        (Self::Throttled, "throttled"),
    ];
}

/// The last one stands for all others.
pub(super) const METHODS: [&str; 8] = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "OTHER",
];

/// Those that have a place of their own.
pub(super) const CODES: [u16; 29] = [
    200, 201, 202, 204, 206, 304, 307, 400, 401, 403, 404, 405, 408, 412, 413, 414, 416, 429, 431,
    499, 500, 501, 502, 503, 504, 507, 301, 302, 303,
];

pub(super) fn method(method: &Method) -> usize {
    match *method {
        Method::GET => 0,
        Method::HEAD => 1,
        Method::POST => 2,
        Method::PUT => 3,
        Method::PATCH => 4,
        Method::DELETE => 5,
        Method::OPTIONS => 6,
        _ => 7,
    }
}

pub(super) fn code(status: StatusCode) -> usize {
    let known = CODES.iter().position(|code| *code == status.as_u16());
    known.unwrap_or(CODES.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_in_the_order_of_their_types() {
        for (at, (endpoint, _)) in Endpoint::ALL.iter().enumerate() {
            assert_eq!(*endpoint as usize, at);
        }
        for (at, (method, _)) in AuthMethod::ALL.iter().enumerate() {
            assert_eq!(*method as usize, at);
        }
        for (at, (result, _)) in AuthResult::ALL.iter().enumerate() {
            assert_eq!(*result as usize, at);
        }
        for (at, name) in METHODS[..7].iter().enumerate() {
            assert_eq!(method(&name.parse().unwrap()), at);
        }
    }
}

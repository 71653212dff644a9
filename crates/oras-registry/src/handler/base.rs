//! `/v2/` and `/` (distribution-spec, end-1).

use http::Response;
use http::header::VARY;

use super::reply::{self, With as _};
use crate::body::Body;

/// Yes, this is a registry.
pub(super) fn ping() -> Response<Body> {
    reply::bytes("application/json", "{}")
}

/// For people who look at the address in a browser.
pub(super) fn root() -> Response<Body> {
    let text = concat!(
        "oras registry ",
        env!("CARGO_PKG_VERSION"),
        ", API at /v2/\n"
    );
    // Browsers may get a page instead.
    reply::bytes("text/plain; charset=utf-8", text).with(VARY, "Accept")
}

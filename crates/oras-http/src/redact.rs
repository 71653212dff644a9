//! What may be printed of a URL and of headers.

use http::HeaderMap;
use url::Url;

/// Stands where a secret stood.
pub(crate) const HIDDEN: &str = "*****";

/// Query parameters that say what was asked, not who asks. Signed storage URLs keep their secrets in all the others.
const HARMLESS_PARAMETERS: [&str; 8] = [
    "n",
    "last",
    "artifactType",
    "digest",
    "mount",
    "from",
    "service",
    "scope",
];

const SECRET_HEADERS: [&str; 4] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
];

/// The URL without userinfo and fragment, and with the values of unknown query parameters hidden.
#[must_use]
pub fn url(url: &Url) -> String {
    let mut shown = without_userinfo(url);
    shown.set_fragment(None);
    shown.set_query(None);
    let mut text = shown.to_string();
    if let Some(query) = url.query() {
        text.push('?');
        text.push_str(&redact_query(query));
    }
    text
}

/// The URL as it may be sent: credentials travel in headers only.
pub(crate) fn without_userinfo(url: &Url) -> Url {
    let mut url = url.clone();
    // Both fail only for URLs that cannot have userinfo.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url
}

fn redact_query(query: &str) -> String {
    let pieces = query.split('&').map(|piece| match piece.split_once('=') {
        Some((name, _)) if !HARMLESS_PARAMETERS.contains(&name) => format!("{name}={HIDDEN}"),
        _ => piece.to_owned(),
    });
    pieces.collect::<Vec<_>>().join("&")
}

/// True for a header whose value must not be shown.
pub(crate) fn is_secret_header(name: &str) -> bool {
    SECRET_HEADERS
        .iter()
        .any(|secret| name.eq_ignore_ascii_case(secret))
}

/// The headers for an observer: names in canonical form, secrets hidden, signed URLs in `Location` shortened.
pub(crate) fn headers(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| {
            (
                canonical_name(name.as_str()),
                header_value(name.as_str(), value.as_bytes()),
            )
        })
        .collect()
}

/// One header value for an observer.
pub(crate) fn header_value(name: &str, value: &[u8]) -> String {
    if is_secret_header(name) {
        return HIDDEN.to_owned();
    }
    let text = String::from_utf8_lossy(value);
    if name.eq_ignore_ascii_case("location") {
        return location(&text);
    }
    text.into_owned()
}

fn location(text: &str) -> String {
    match Url::parse(text) {
        Ok(parsed) => url(&parsed),
        Err(_) => match text.split_once('?') {
            Some((path, query)) => format!("{path}?{}", redact_query(query)),
            None => text.to_owned(),
        },
    }
}

/// `docker-content-digest` becomes `Docker-Content-Digest`.
pub(crate) fn canonical_name(name: &str) -> String {
    let mut upper = true;
    name.chars()
        .map(|c| {
            let shown = if upper { c.to_ascii_uppercase() } else { c };
            upper = c == '-';
            shown
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(input: &str, expected: &str) {
        assert_eq!(url(&Url::parse(input).unwrap()), expected);
    }

    #[test]
    fn url_shows_no_userinfo_and_no_signature() {
        check(
            "https://me:secret@r.test/v2/?n=3&last=a",
            "https://r.test/v2/?n=3&last=a",
        );
        check(
            "https://s3.test/b?X-Amz-Signature=abc&digest=sha256:1#x",
            "https://s3.test/b?X-Amz-Signature=*****&digest=sha256:1",
        );
        check(
            "http://r.test/v2/a/blobs/uploads/1?_state=xyz",
            "http://r.test/v2/a/blobs/uploads/1?_state=*****",
        );
    }

    #[test]
    fn relative_location_is_redacted_too() {
        assert_eq!(
            header_value("location", b"/up/1?_state=xyz"),
            "/up/1?_state=*****"
        );
        assert_eq!(header_value("Set-Cookie", b"a=b"), HIDDEN);
    }

    #[test]
    fn names_are_canonical() {
        assert_eq!(
            canonical_name("docker-content-digest"),
            "Docker-Content-Digest"
        );
        assert_eq!(canonical_name("etag"), "Etag");
    }
}

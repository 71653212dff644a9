//! Every URL this crate sends a request to is built here.

use oras_content::{Error, ErrorKind, Result};
use oras_http::Origin;
use oras_spec::{Digest, go_quote};
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};

use crate::endpoint::Endpoint;

/// The addresses of one repository.
pub(crate) struct Urls<'a> {
    pub(crate) endpoint: &'a Endpoint,
    pub(crate) repository: &'a str,
}

impl Urls<'_> {
    /// `/v2/<name>/manifests/<tag or digest>`
    pub(crate) fn manifest(&self, reference: &str) -> Url {
        self.at(&["manifests", reference])
    }

    /// `/v2/<name>/blobs/<digest>`
    pub(crate) fn blob(&self, digest: &Digest) -> Url {
        self.at(&["blobs", digest.as_str()])
    }

    /// `/v2/<name>/blobs/uploads/`
    pub(crate) fn uploads(&self) -> Url {
        self.at(&["blobs", "uploads", ""])
    }

    /// `/v2/<name>/blobs/uploads/?mount=<digest>&from=<repository>`
    pub(crate) fn mount(&self, digest: &Digest, from: &str) -> Url {
        let mut url = self.uploads();
        // Neither a digest nor a repository name has a character that needs an escape, except for `+`.
        let digest = digest.as_str().replace('+', "%2B");
        url.set_query(Some(&format!("mount={digest}&from={from}")));
        url
    }

    /// `/v2/<name>/tags/list`
    pub(crate) fn tags(&self, page_size: Option<u32>, last: Option<&str>) -> Url {
        listing(self.at(&["tags", "list"]), page_size, last)
    }

    /// `/v2/<name>/referrers/<digest>`
    pub(crate) fn referrers(&self, digest: &str, artifact_type: Option<&str>) -> Url {
        let mut url = self.at(&["referrers", digest]);
        if let Some(artifact_type) = artifact_type.filter(|text| !text.is_empty()) {
            url.query_pairs_mut()
                .append_pair("artifactType", artifact_type);
        }
        url
    }

    fn at(&self, segments: &[&str]) -> Url {
        let mut path = format!("/v2/{}", self.repository);
        for segment in segments {
            path.push('/');
            path.push_str(segment);
        }
        with_path(self.endpoint, &path)
    }
}

/// `/v2/`
pub(crate) fn ping(endpoint: &Endpoint) -> Url {
    with_path(endpoint, "/v2/")
}

/// `/v2/_catalog`
pub(crate) fn catalog(endpoint: &Endpoint, page_size: Option<u32>, last: Option<&str>) -> Url {
    listing(with_path(endpoint, "/v2/_catalog"), page_size, last)
}

fn with_path(endpoint: &Endpoint, path: &str) -> Url {
    let mut url = endpoint.base.clone();
    url.set_path(path);
    url
}

fn listing(mut url: Url, page_size: Option<u32>, last: Option<&str>) -> Url {
    let mut query = Serializer::new(String::new());
    if let Some(last) = last.filter(|last| !last.is_empty()) {
        query.append_pair("last", last);
    }
    if let Some(n) = page_size {
        query.append_pair("n", &n.to_string());
    }
    let query = query.finish();
    url.set_query(
        Some(&query)
            .filter(|query| !query.is_empty())
            .map(|s| s.as_str()),
    );
    url
}

/// The URL of the next page, which a response from `current` named as `link`.
///
/// # Errors
/// [`ErrorKind::Protocol`] if it leads to another origin: a listing must not send us around the network.
pub(crate) fn next_page(current: &Url, link: &str, page_size: Option<u32>) -> Result<Url> {
    let invalid = |why: &str| {
        Error::new(
            ErrorKind::Protocol,
            format!("invalid next link {}: {why}", go_quote(&shown(link))),
        )
    };
    let mut next = current
        .join(link)
        .map_err(|error| invalid(&error.to_string()))?;
    if Origin::of(&next) != Origin::of(current) {
        let origin = Origin::of(current).map_or_else(String::new, |origin| origin.to_string());
        return Err(invalid(&format!(
            "not the same origin as {}",
            go_quote(&origin)
        )));
    }
    if let Some(n) = page_size.filter(|_| !next.query_pairs().any(|(key, _)| key == "n")) {
        next.query_pairs_mut().append_pair("n", &n.to_string());
    }
    Ok(next)
}

/// A link as it may be printed: others sign their URLs, too.
fn shown(link: &str) -> String {
    match Url::parse(link) {
        Ok(url) => oras_http::redacted(&url),
        Err(_) => link.split('?').next().unwrap_or_default().to_owned(),
    }
}

/// The URL of the page after `last`, for registries that never send a link.
pub(crate) fn page_after(current: &Url, last: &str, page_size: u32) -> Url {
    let mut url = current.clone();
    url.set_query(None);
    listing(url, Some(page_size), Some(last))
}

/// Where an upload goes on: the `Location` in the answer of `answered`, for a registry at `registry`.
///
/// Another host is allowed, and gets no credentials because it is not the registry's origin.
///
/// # Errors
/// [`ErrorKind::Protocol`] for no usable URL, and for a step from https down to http.
pub(crate) fn upload_location(registry: &Url, answered: &Url, location: &str) -> Result<Url> {
    let error = |text: String| Error::new(ErrorKind::Protocol, text);
    let mut url = answered
        .join(location)
        .map_err(|cause| error(format!("invalid blob upload Location: {cause}")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        let scheme = go_quote(url.scheme());
        return Err(error(format!(
            "blob upload Location has unsupported scheme {scheme}"
        )));
    }
    if registry.scheme() == "https" && url.scheme() == "http" {
        let host = go_quote(&host_of(&url));
        return Err(error(format!(
            "blob upload Location {host} downgrades scheme from https"
        )));
    }
    // Registries behind a port-forwarding proxy forget the port that the client used.
    let forgotten = answered.port_or_known_default() == Some(443)
        && url.port().is_none()
        && url.host() == answered.host();
    if forgotten && url.set_port(Some(443)).is_err() {
        return Err(error("invalid blob upload Location".to_owned()));
    }
    Ok(url)
}

/// Adds `digest=` to an upload location, leaving every byte of its query as the registry wrote it.
pub(crate) fn with_digest(location: &Url, digest: &Digest) -> Url {
    let digest: String = byte_serialize(digest.as_str().as_bytes()).collect();
    let query = match location.query() {
        None | Some("") => format!("digest={digest}"),
        Some(query) => format!("{query}&digest={digest}"),
    };
    let mut url = location.clone();
    url.set_query(Some(&query));
    url
}

/// `host[:port]`
pub(crate) fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_location(requested: &str, location: &str, expected: &str) {
        let requested = Url::parse(requested).unwrap();
        let got = match upload_location(&requested, &requested, location) {
            Ok(url) => url.to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(got, expected);
    }

    #[test]
    fn upload_locations_are_resolved_and_kept_on_tls() {
        let at = "https://reg.test/v2/a/blobs/uploads/";
        check_location(at, "/up/1?s=a%2Fb+c", "https://reg.test/up/1?s=a%2Fb+c");
        check_location(at, "1", "https://reg.test/v2/a/blobs/uploads/1");
        check_location(at, "https://other.test:81/x", "https://other.test:81/x");
        let refused = r#"blob upload Location "reg.test" downgrades scheme from https"#;
        check_location(at, "http://reg.test/up/1", refused);
        check_location(
            at,
            "ftp://reg.test/up/1",
            r#"blob upload Location has unsupported scheme "ftp""#,
        );
        check_location(
            "http://reg.test:443/v2/",
            "http://reg.test/up",
            "http://reg.test:443/up",
        );
        check_location(
            "http://reg.test:5000/v2/",
            "http://reg.test/up",
            "http://reg.test/up",
        );
    }

    #[test]
    fn the_query_of_a_location_is_preserved_byte_for_byte() {
        let digest = Digest::sha256(b"");
        let url = Url::parse("http://r.test/u?_state=z%2Bb==&A=1&a=%7e").unwrap();
        let expected = format!(
            "_state=z%2Bb==&A=1&a=%7e&digest=sha256%3A{}",
            digest.encoded()
        );
        assert_eq!(with_digest(&url, &digest).query(), Some(expected.as_str()));
    }

    #[test]
    fn the_next_page_is_on_the_same_origin() {
        let current = Url::parse("http://r.test:5000/v2/a/tags/list?n=2").unwrap();
        let next = next_page(&current, "/v2/a/tags/list?last=b&n=2", Some(2)).unwrap();
        assert_eq!(
            next.as_str(),
            "http://r.test:5000/v2/a/tags/list?last=b&n=2"
        );
        let next = next_page(&current, "list?last=b", Some(2)).unwrap();
        assert_eq!(
            next.as_str(),
            "http://r.test:5000/v2/a/tags/list?last=b&n=2"
        );
        let error = next_page(&current, "http://r.test:5001/", None).unwrap_err();
        let text = r#"invalid next link "http://r.test:5001/": not the same origin as "http://r.test:5000""#;
        assert_eq!(error.to_string(), text);
    }
}

//! From a request path to the endpoint it means.
//!
//! Repository names contain slashes, and any component may itself be called `blobs`, `manifests` or `tags`. So a path
//! is read from the right: its last segments say what is asked for, whatever is left is the name (distribution
//! specification, "Endpoints").

use std::borrow::Cow;
use std::fmt;

/// An endpoint of the distribution API with the parts of its path. Which methods it takes is the handler's business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// `/v2/`: does this server speak the API?
    Base,
    /// `/v2/_catalog`: the repositories.
    Catalog,
    /// `/v2/token`, also without `/v2`: the token service.
    Token,
    /// `/v2/<name>/tags/list`.
    Tags {
        /// The repository.
        name: String,
    },
    /// `/v2/<name>/manifests/<reference>`.
    Manifest {
        /// The repository.
        name: String,
        /// A tag or, if it contains a colon, a digest. Not validated.
        reference: String,
    },
    /// `/v2/<name>/blobs/<digest>`.
    Blob {
        /// The repository.
        name: String,
        /// The digest. Not validated.
        digest: String,
    },
    /// `/v2/<name>/blobs/uploads/`: opens an upload session.
    Uploads {
        /// The repository.
        name: String,
    },
    /// `/v2/<name>/blobs/uploads/<session>`.
    Upload {
        /// The repository.
        name: String,
        /// The session. Not validated.
        session: String,
    },
    /// `/v2/<name>/referrers/<digest>`.
    Referrers {
        /// The repository.
        name: String,
        /// The subject's digest. Not validated.
        digest: String,
    },
}

/// Why a path is no endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteError {
    /// Nothing of the API has this shape: 404 `UNSUPPORTED`.
    Unknown,
    /// An endpoint, but its repository name breaks the grammar: 400 `NAME_INVALID`.
    InvalidName,
}

impl fmt::Display for RouteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "no such endpoint",
            Self::InvalidName => "invalid repository name",
        })
    }
}

impl std::error::Error for RouteError {}

/// Repository names longer than this, in bytes, are refused: longer ones don't fit what clients accept.
pub const MAX_NAME_BYTES: usize = 255;

/// Components of a name longer than this, in bytes, are refused: what stores them as folders adds to them.
pub const MAX_COMPONENT_BYTES: usize = 200;

/// Reads the path of a request, without its query. A missing slash at the end is never a reason to redirect.
///
/// # Errors
/// [`RouteError`] says which answer the path deserves.
pub fn parse(path: &str) -> Result<Route, RouteError> {
    let rest = match path {
        "/v2" | "/v2/" => return Ok(Route::Base),
        "/v2/token" | "/token" => return Ok(Route::Token),
        _ => path.strip_prefix("/v2/").ok_or(RouteError::Unknown)?,
    };
    if matches!(rest, "_catalog" | "_catalog/") {
        return Ok(Route::Catalog);
    }

    if let Some(name) = strip_suffixes(rest, &["/blobs/uploads/", "/blobs/uploads"]) {
        return Ok(Route::Uploads {
            name: valid_name(name)?,
        });
    }
    if let Some(name) = strip_suffixes(rest, &["/tags/list", "/tags/list/"]) {
        return Ok(Route::Tags {
            name: valid_name(name)?,
        });
    }

    let (head, last) = rest.rsplit_once('/').ok_or(RouteError::Unknown)?;
    if last.is_empty() {
        return Err(RouteError::Unknown);
    }
    let last = decode(last)?.into_owned();
    if let Some(name) = head.strip_suffix("/blobs/uploads") {
        return Ok(Route::Upload {
            name: valid_name(name)?,
            session: last,
        });
    }
    let (name, kind) = head.rsplit_once('/').ok_or(RouteError::Unknown)?;
    match kind {
        "manifests" => Ok(Route::Manifest {
            name: valid_name(name)?,
            reference: last,
        }),
        "blobs" => Ok(Route::Blob {
            name: valid_name(name)?,
            digest: last,
        }),
        "referrers" => Ok(Route::Referrers {
            name: valid_name(name)?,
            digest: last,
        }),
        _ => Err(RouteError::Unknown),
    }
}

fn strip_suffixes<'a>(path: &'a str, suffixes: &[&str]) -> Option<&'a str> {
    suffixes.iter().find_map(|suffix| path.strip_suffix(suffix))
}

pub(crate) fn valid_name(name: &str) -> Result<String, RouteError> {
    let name = decode(name)?;
    match is_name(&name) {
        true => Ok(name.into_owned()),
        false => Err(RouteError::InvalidName),
    }
}

/// Whether it can be the name of a repository.
pub(crate) fn is_name(name: &str) -> bool {
    let long = |component: &str| component.len() > MAX_COMPONENT_BYTES;
    name.len() <= MAX_NAME_BYTES
        && !name.split('/').any(long)
        && oras_spec::validate_repository(name).is_ok()
}

/// Resolves percent escapes. An escaped slash is refused: it must not turn into a separator.
pub(crate) fn decode(text: &str) -> Result<Cow<'_, str>, RouteError> {
    if !text.contains('%') {
        return Ok(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first != b'%' {
            bytes.push(*first);
            rest = tail;
            continue;
        }
        let byte = match tail {
            [high, low, ..] => hex(*high).zip(hex(*low)).map(|(high, low)| high << 4 | low),
            _ => None,
        };
        match byte {
            Some(b'/') | None => return Err(RouteError::InvalidName),
            Some(byte) => bytes.push(byte),
        }
        rest = &tail[2..];
    }
    String::from_utf8(bytes)
        .map(Cow::Owned)
        .map_err(|_| RouteError::InvalidName)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: &str) {
        let got = match parse(path) {
            Ok(Route::Base) => "base".to_owned(),
            Ok(Route::Catalog) => "catalog".to_owned(),
            Ok(Route::Token) => "token".to_owned(),
            Ok(Route::Tags { name }) => format!("tags {name}"),
            Ok(Route::Manifest { name, reference }) => format!("manifest {name} {reference}"),
            Ok(Route::Blob { name, digest }) => format!("blob {name} {digest}"),
            Ok(Route::Uploads { name }) => format!("uploads {name}"),
            Ok(Route::Upload { name, session }) => format!("upload {name} {session}"),
            Ok(Route::Referrers { name, digest }) => format!("referrers {name} {digest}"),
            Err(error) => error.to_string(),
        };
        assert_eq!(got, expected, "{path}");
    }

    #[test]
    fn every_endpoint_is_found_with_and_without_its_last_slash() {
        check("/v2", "base");
        check("/v2/", "base");
        check("/v2/_catalog", "catalog");
        check("/v2/token", "token");
        check("/token", "token");
        check("/v2/token/tags/list", "tags token");
        check("/v2/a/b/tags/list", "tags a/b");
        check("/v2/a/b/manifests/v1", "manifest a/b v1");
        check("/v2/a/blobs/sha256:00", "blob a sha256:00");
        check("/v2/a/blobs/uploads/", "uploads a");
        check("/v2/a/blobs/uploads", "uploads a");
        check("/v2/a/blobs/uploads/123", "upload a 123");
        check("/v2/a/referrers/sha256:00", "referrers a sha256:00");
    }

    #[test]
    fn names_may_be_made_of_the_words_of_the_api() {
        check(
            "/v2/manifests/manifests/manifests",
            "manifest manifests manifests",
        );
        check("/v2/blobs/uploads/blobs/uploads/", "uploads blobs/uploads");
        check("/v2/tags/list/tags/list", "tags tags/list");
        check(
            "/v2/a/blobs/uploads/manifests/v1",
            "manifest a/blobs/uploads v1",
        );
        check("/v2/referrers/blobs/sha256:00", "blob referrers sha256:00");
    }

    #[test]
    fn escapes_are_resolved_but_never_into_a_separator() {
        check("/v2/a/blobs/sha256%3A00", "blob a sha256:00");
        check("/v2/a%2Fb/manifests/v1", "invalid repository name");
        check("/v2/a/manifests/..%2F..%2Fetc", "invalid repository name");
        check("/v2/a/manifests/%zz", "invalid repository name");
        check("/v2/a/manifests/%2", "invalid repository name");
        check("/v2/a/manifests/%ff", "invalid repository name");
    }

    #[test]
    fn names_outside_of_the_grammar_are_told_from_unknown_paths() {
        check("/v2/A/manifests/v1", "invalid repository name");
        check("/v2/../manifests/v1", "invalid repository name");
        check("/v2//manifests/v1", "invalid repository name");
        check(
            &format!("/v2/{}/tags/list", "a".repeat(256)),
            "invalid repository name",
        );
        check("/v2/a/what/v1", "no such endpoint");
        check("/v2/a", "no such endpoint");
        check("/v1/", "no such endpoint");
        check("/", "no such endpoint");
        check("/v2/a/manifests/", "no such endpoint");
    }

    /// Names made of what makes routes hard to read.
    const NAME: &str = "(blobs|uploads|manifests|tags|list|referrers|v2|[a-z0-9]{1,4}([._-][a-z0-9]{1,3}){0,2})(/(blobs|uploads|manifests|tags|list|referrers|[a-z0-9]{1,4})){0,4}";

    proptest::proptest! {
        #[test]
        fn every_name_is_read_back_from_every_endpoint(name in NAME, tag in "[a-zA-Z0-9_][a-zA-Z0-9._-]{0,9}") {
            let digest = format!("sha256:{}", "0".repeat(64));
            check(&format!("/v2/{name}/tags/list"), &format!("tags {name}"));
            check(&format!("/v2/{name}/manifests/{tag}"), &format!("manifest {name} {tag}"));
            check(&format!("/v2/{name}/manifests/{digest}"), &format!("manifest {name} {digest}"));
            check(&format!("/v2/{name}/blobs/{digest}"), &format!("blob {name} {digest}"));
            check(&format!("/v2/{name}/blobs/uploads/"), &format!("uploads {name}"));
            check(&format!("/v2/{name}/blobs/uploads/{tag}"), &format!("upload {name} {tag}"));
            check(&format!("/v2/{name}/referrers/{digest}"), &format!("referrers {name} {digest}"));
        }

        /// Whatever a path is, a name that comes out of it is one.
        #[test]
        fn no_other_name_comes_out(path in "(/v2)?(/?(blobs|uploads|manifests|tags|list|referrers|_catalog|[a-zA-Z0-9._%:~-]{0,6})){0,6}/?") {
            let name = match parse(&path) {
                Ok(
                    Route::Tags { name }
                    | Route::Manifest { name, .. }
                    | Route::Blob { name, .. }
                    | Route::Uploads { name }
                    | Route::Upload { name, .. }
                    | Route::Referrers { name, .. },
                ) => name,
                _ => return Ok(()),
            };
            proptest::prop_assert!(oras_spec::validate_repository(&name).is_ok());
            proptest::prop_assert!(name.len() <= MAX_NAME_BYTES);
        }

        #[test]
        fn no_path_is_too_much(path in "\\PC*") {
            let _ = parse(&path);
            let _ = parse(&format!("/v2/{path}"));
        }
    }
}

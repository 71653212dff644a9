//! `<path>[:<tag>|@<digest>]`: a reference into an OCI layout.

use oras::spec::go_quote;

use crate::error::{Error, Failure};
use crate::option::file;

/// A layout, and what in it is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LayoutRef {
    pub(crate) path: String,
    /// A tag or digest; layouts have no grammar for them.
    pub(crate) reference: Option<String>,
}

impl LayoutRef {
    /// Splits at the last `@`, or else at the last colon.
    ///
    /// # Errors
    /// If the path in front of a colon is empty.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let (path, reference) = match text.rsplit_once('@') {
            Some((path, digest)) => (path, Some(digest)),
            None => match file::split(text) {
                ("", _) => {
                    return Err(Failure::new(format!(
                        "found empty file path in {}",
                        go_quote(text)
                    ))
                    .with_hint("invalid reference")
                    .into());
                }
                split => split,
            },
        };
        Ok(Self {
            // In front of a digest an empty path is the current folder.
            path: if path.is_empty() {
                ".".to_owned()
            } else {
                path.to_owned()
            },
            reference: reference.filter(|r| !r.is_empty()).map(str::to_owned),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_references_split_at_the_end() {
        let check = |text: &str, path: &str, reference: Option<&str>| {
            let parsed = LayoutRef::parse(text).unwrap();
            assert_eq!(
                (parsed.path.as_str(), parsed.reference.as_deref()),
                (path, reference),
                "{text}"
            );
        };
        check("lay", "lay", None);
        check("lay:v1", "lay", Some("v1"));
        check("lay:", "lay", None);
        check("a:b:big", "a:b", Some("big"));
        check("lay@sha256:00", "lay", Some("sha256:00"));
        check("@sha256:00", ".", Some("sha256:00"));
        check("dir/x@y@z", "dir/x@y", Some("z"));
    }

    #[test]
    fn a_layout_needs_a_path() {
        let error = LayoutRef::parse(":v1").unwrap_err().into_failure().text();
        assert_eq!(
            error,
            "Error: found empty file path in \":v1\"\ninvalid reference"
        );
    }
}

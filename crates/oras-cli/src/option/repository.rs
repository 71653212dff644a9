//! `<registry>/<repository>[:<tag>[,<tag>...]]`: a repository, and which of its tags are meant.

use oras::spec::{Reference, go_quote};

use crate::error::{Error, Failure};
use crate::option::remote::{Flags, RemoteArgs};
use crate::option::target::{Kind, Place};

/// A repository and tags. Without any tag, all are meant.
#[derive(Debug)]
pub(crate) struct RepositoryTags {
    pub(crate) place: Place,
    pub(crate) tags: Vec<String>,
}

impl RepositoryTags {
    /// Checks the flags about the registry, then understands `text`.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub(crate) fn check(text: &str, remote: &RemoteArgs, flags: Flags<'_>) -> Result<Self, Error> {
        let access = remote.check(flags)?;
        let (reference, tags) = parse(text)?;
        Ok(Self {
            place: Place {
                raw: text.to_owned(),
                kind: Kind::Repository {
                    reference,
                    access: Box::new(access),
                },
            },
            tags,
        })
    }
}

fn parse(text: &str) -> Result<(Reference, Vec<String>), Error> {
    let quoted = go_quote(text);
    if text.is_empty() {
        return Err(Error::told("artifact reference cannot be empty"));
    }
    if text.contains('@') {
        return Err(Error::told(format!(
            "digest references are not supported: {quoted}"
        )));
    }
    let mut parts = text.split(',');
    let first = parts.next().unwrap_or_default();
    let reference = Reference::parse_lenient(first)
        .map_err(|error| Error::told(format!("invalid reference {}: {error}", go_quote(first))))?;
    let others: Vec<String> = parts.map(str::to_owned).collect();
    if others.is_empty() && reference.tag().is_none() && !first.ends_with(':') {
        return Ok((reference, Vec::new()));
    }
    let tags: Vec<String> = std::iter::once(reference.tag().unwrap_or_default().to_owned())
        .chain(others)
        .collect();
    for tag in &tags {
        if tag.is_empty() {
            return Err(Error::told(format!("empty tag in reference {quoted}")));
        }
        if let Err(error) = reference.clone().with_tag(tag) {
            let tag = go_quote(tag);
            return Err(
                Failure::new(format!("invalid tag {tag} in reference {quoted}: {error}")).into(),
            );
        }
    }
    Ok((reference.without_reference(), tags))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_split_and_checked() {
        let check = |text: &str, expected: &str| {
            let parsed = match parse(text) {
                Ok((reference, tags)) => format!("{reference} {tags:?}"),
                Err(error) => error.into_failure().text(),
            };
            assert_eq!(parsed, expected, "{text}");
        };
        check("r:5/a/b", "r:5/a/b []");
        check("r:5/a:v1", "r:5/a [\"v1\"]");
        check("r:5/a:v1,v2,v1", "r:5/a [\"v1\", \"v2\", \"v1\"]");
        check("", "Error: artifact reference cannot be empty");
        check(
            "foo@x",
            "Error: digest references are not supported: \"foo@x\"",
        );
        check(
            "foo",
            "Error: invalid reference \"foo\": invalid reference: missing registry or repository",
        );
        check(
            "r/a:invalid+tag",
            "Error: invalid reference \"r/a:invalid+tag\": invalid reference: invalid tag \"invalid+tag\"",
        );
        for text in ["r/a:v1,", "r/a,v1", "r/a:,v1", "r/a:"] {
            check(text, &format!("Error: empty tag in reference \"{text}\""));
        }
        check(
            "r/a:v1,inv+tag",
            "Error: invalid tag \"inv+tag\" in reference \"r/a:v1,inv+tag\": invalid reference: invalid tag \"inv+tag\"",
        );
    }
}

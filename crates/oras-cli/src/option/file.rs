//! `file[:type]`.

use oras::spec::go_quote;

use crate::error::Error;

/// A file as typed, and the media type behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileArg {
    pub(crate) path: String,
    /// `None` if there is no colon; may be empty.
    pub(crate) media_type: Option<String>,
}

impl FileArg {
    /// Splits at the last colon.
    ///
    /// # Errors
    /// If there is no path.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let (path, media_type) = split(text);
        if path.is_empty() {
            return Err(Error::told(format!(
                "found empty file path in {}",
                go_quote(text)
            )));
        }
        if cfg!(windows) && path.contains(['<', '>', '"', '|', '?', '*']) {
            return Err(Error::told(format!(
                "reserved characters found in the file path: {path}"
            )));
        }
        Ok(Self {
            path: path.to_owned(),
            media_type: media_type.map(str::to_owned),
        })
    }

    /// The media type, or `default` if none was given.
    pub(crate) fn media_type_or<'a>(&'a self, default: &'a str) -> &'a str {
        self.media_type.as_deref().unwrap_or(default)
    }
}

/// Path and what follows the last colon. On Windows the colon of a drive separates nothing.
pub(crate) fn split(text: &str) -> (&str, Option<&str>) {
    match text.rfind(':') {
        Some(1) if cfg!(windows) && text[2..].starts_with('\\') => (text, None),
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_follows_the_last_colon() {
        let check = |text: &str, path: &str, media_type: Option<&str>| {
            let file = FileArg::parse(text).unwrap();
            assert_eq!(
                (file.path.as_str(), file.media_type.as_deref()),
                (path, media_type),
                "{text}"
            );
        };
        check("a.txt", "a.txt", None);
        check("a.txt:text/plain", "a.txt", Some("text/plain"));
        check("hi:txt:", "hi:txt", Some(""));
        check("./d/:application/x-tar", "./d/", Some("application/x-tar"));
        check("-", "-", None);
    }

    #[test]
    fn a_path_is_needed() {
        let error = FileArg::parse(":x").unwrap_err().into_failure().text();
        assert_eq!(error, "Error: found empty file path in \":x\"");
    }
}

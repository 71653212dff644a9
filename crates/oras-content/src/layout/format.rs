//! What makes a folder or tar an image layout (image-spec, image-layout.md), and how its absence is told.
//!
//! The words are those of the reference tool: scripts look for them.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use oras_spec::layout::{INDEX_FILE, OCI_LAYOUT_FILE, VERSION};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::blobs::Blobs;
use super::index::Index;
use crate::error::{Error, ErrorKind, Result};

/// The largest `oci-layout` file that is read, in bytes.
const MAX_LAYOUT_BYTES: u64 = 1024 * 1024;
/// The largest `index.json` that is read, in bytes: about a million entries.
pub(super) const MAX_INDEX_BYTES: u64 = 256 * 1024 * 1024;

#[derive(Deserialize)]
struct Layout {
    #[serde(default, rename = "imageLayoutVersion")]
    version: String,
}

/// Checks `oci-layout`: that it is there and of the version we know.
///
/// # Errors
/// `invalid OCI Image Layout`, with the cause behind it; [`ErrorKind::UnsupportedVersion`].
pub(super) fn check_layout(blobs: &Blobs) -> Result<()> {
    let check = || {
        let bytes = blobs
            .read(OCI_LAYOUT_FILE, MAX_LAYOUT_BYTES)
            .map_err(|error| error.context("failed to open OCI layout file"))?;
        let layout: Layout =
            decode(&bytes).map_err(|error| error.context("failed to decode OCI layout file"))?;
        if layout.version != VERSION {
            return Err(Error::new(
                ErrorKind::UnsupportedVersion,
                "unsupported version",
            ));
        }
        Ok(())
    };
    check().map_err(|error: Error| error.context("invalid OCI Image Layout"))
}

/// Reads `index.json`.
///
/// # Errors
/// `invalid OCI Image Index`, with the cause behind it.
pub(super) fn read_index(blobs: &Blobs) -> Result<Index> {
    let bytes = blobs.read(INDEX_FILE, MAX_INDEX_BYTES).map_err(|error| {
        error
            .context("failed to open index file")
            .context("invalid OCI Image Index")
    })?;
    parse_index(&bytes)
}

/// Parses the content of `index.json`.
///
/// # Errors
/// `invalid OCI Image Index`, with the cause behind it.
pub(super) fn parse_index(bytes: &[u8]) -> Result<Index> {
    Index::parse(bytes).map_err(|error| {
        error
            .context("failed to decode index file")
            .context("invalid OCI Image Index")
    })
}

/// Decodes the first JSON value of `bytes`; like the reference tool it does not look at what follows.
///
/// # Errors
/// [`ErrorKind::InvalidManifest`] in Go's words.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    let mut values = serde_json::Deserializer::from_slice(bytes).into_iter();
    let text = match values.next() {
        Some(Ok(value)) => return Ok(value),
        Some(Err(error)) => in_go_words(bytes, &error),
        None => "EOF".to_owned(),
    };
    Err(Error::new(ErrorKind::InvalidManifest, text))
}

/// Checks that `bytes` can be a manifest: one JSON object. What is in it is the business of who made it.
///
/// # Errors
/// [`ErrorKind::InvalidManifest`] in Go's words.
pub(super) fn check_manifest(bytes: &[u8]) -> Result<()> {
    match serde_json::from_slice::<BTreeMap<String, IgnoredAny>>(bytes) {
        Ok(_) => Ok(()),
        Err(error) => {
            let text = match error.is_eof() {
                true => "unexpected end of JSON input".to_owned(),
                false => in_go_words(bytes, &error),
            };
            Err(Error::new(ErrorKind::InvalidManifest, text))
        }
    }
}

fn in_go_words(bytes: &[u8], error: &serde_json::Error) -> String {
    let full = error.to_string();
    let text = full.split(" at line ").next().unwrap_or(&full);
    if error.is_eof() {
        return "unexpected EOF".to_owned();
    }
    let Some((before, c)) = around(bytes, error) else {
        return text.to_owned();
    };
    let place = match text {
        "expected value" => "looking for beginning of value".to_owned(),
        "expected ident" => in_literal(before),
        "key must be a string" | "trailing comma" => {
            "looking for beginning of object key string".to_owned()
        }
        "trailing characters" => "after top-level value".to_owned(),
        "expected `:`" => "after object key".to_owned(),
        "expected `,` or `}`" => "after object key:value pair".to_owned(),
        "expected `,` or `]`" => "after array element".to_owned(),
        _ => return text.to_owned(),
    };
    format!("invalid character {} {place}", quoted(c))
}

/// Where in `null`, `true` or `false` another character came.
fn in_literal(before: &[u8]) -> String {
    let start = before
        .iter()
        .rposition(|byte| !byte.is_ascii_alphabetic())
        .map_or(0, |at| at + 1);
    let read = &before[start..];
    let literal = match read.first() {
        Some(b't') => "true",
        Some(b'f') => "false",
        _ => "null",
    };
    let expected = literal.chars().nth(read.len()).unwrap_or_default();
    format!("in literal {literal} (expecting {})", quoted(expected))
}

/// The character at which the parser gave up, and what its line has before it.
fn around<'a>(bytes: &'a [u8], error: &serde_json::Error) -> Option<(&'a [u8], char)> {
    let line = bytes
        .split(|byte| *byte == b'\n')
        .nth(error.line().checked_sub(1)?)?;
    let (before, rest) = line.split_at_checked(error.column().checked_sub(1)?)?;
    // No need to look at a long rest for one character.
    let c = String::from_utf8_lossy(&rest[..rest.len().min(4)])
        .chars()
        .next()?;
    Some((before, c))
}

/// A character as Go prints it in such messages.
fn quoted(c: char) -> String {
    match c {
        '\'' => r"'\''".to_owned(),
        '"' => "'\"'".to_owned(),
        _ => {
            let quoted = oras_spec::go_quote(c.encode_utf8(&mut [0; 4]));
            format!("'{}'", quoted.trim_matches('"'))
        }
    }
}

//! Why a text is no reference.

use std::fmt;

use crate::digest::DigestError;
use crate::go::go_quote;

/// Why a text is no reference.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReferenceError {
    /// Nothing was given where a tag or digest is needed.
    Empty,
    /// There is no slash.
    MissingRepository,
    /// The registry is no host.
    Registry(String),
    /// The repository breaks the grammar.
    Repository(String),
    /// The tag breaks the grammar.
    Tag(String),
    /// The digest breaks the grammar or can't be checked.
    Digest {
        /// The digest as given.
        text: String,
        /// What is wrong with it.
        cause: DigestError,
    },
    /// A full reference names another repository than the one it is used in.
    Mismatch {
        /// The reference as given.
        received: String,
        /// The repository it was used in.
        expected: String,
    },
}

impl fmt::Display for ReferenceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("invalid reference")?;
        match self {
            Self::Empty => Ok(()),
            Self::MissingRepository => f.write_str(": missing registry or repository"),
            Self::Registry(text) => write!(f, ": invalid registry {}", go_quote(text)),
            Self::Repository(text) => write!(f, ": invalid repository {}", go_quote(text)),
            Self::Tag(text) => write!(f, ": invalid tag {}", go_quote(text)),
            Self::Digest { text, cause } => {
                write!(f, ": invalid digest {}: {cause}", go_quote(text))
            }
            Self::Mismatch { received, expected } => {
                let (received, expected) = (go_quote(received), go_quote(expected));
                write!(
                    f,
                    ": mismatch between received {received} and expected {expected}"
                )
            }
        }
    }
}

/// No `source`: the cause of a bad digest is part of the text already.
impl std::error::Error for ReferenceError {}

//! Content digests (image-spec, descriptor.md, "Digests").
//!
//! Two questions are kept apart on purpose. *Is this a digest?* depends on the grammar, and for the registered algorithms on
//! length and lower-case hexadecimal: [`Digest::parse`] answers it. *Can we check content against it?* depends on the
//! algorithms built in: [`Digest::verifier`] answers that. A descriptor that names an algorithm of the future therefore still
//! parses, prints and travels; it only fails where its bytes would have to be trusted.

mod hasher;
#[cfg(test)]
mod tests;

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

pub use hasher::{Algorithm, Hasher, hashed_bytes};

/// How much of a digest's algorithm goes into its referrers tag.
const TAG_ALGORITHM_LEN: usize = 32;
/// How much of a digest's encoded part goes into its referrers tag.
const TAG_ENCODED_LEN: usize = 64;
/// How many hexadecimal digits people are shown.
const SHORT_LEN: usize = 12;

/// A content digest, `algorithm:encoded` (image-spec, descriptor.md, "Digests").
///
/// Always valid; cloning costs a reference count.
///
/// ```
/// use oras_spec::Digest;
///
/// let digest = Digest::sha256(b"{}");
/// assert_eq!(digest.short(), "44136fa355b3");
/// assert_eq!(Digest::parse(digest.as_str())?, digest);
/// # Ok::<(), oras_spec::DigestError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(Arc<str>);

impl Digest {
    /// Reads a digest: grammar of the image-spec, plus length and alphabet of the registered algorithms.
    ///
    /// # Errors
    /// [`DigestError::Format`] or [`DigestError::Length`]; never [`DigestError::Unsupported`], see [`Digest::verifier`].
    pub fn parse(text: &str) -> Result<Self, DigestError> {
        validate(text)?;
        Ok(Self(text.into()))
    }

    /// The digest of `bytes`.
    #[must_use]
    pub fn of(algorithm: Algorithm, bytes: &[u8]) -> Self {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(bytes);
        hasher.finish()
    }

    /// The sha256 digest of `bytes`, the canonical algorithm of the image-spec.
    #[must_use]
    pub fn sha256(bytes: &[u8]) -> Self {
        Self::of(Algorithm::Sha256, bytes)
    }

    /// The digest as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the colon, such as `sha256`.
    #[must_use]
    pub fn algorithm(&self) -> &str {
        self.split().0
    }

    /// The part after the colon.
    #[must_use]
    pub fn encoded(&self) -> &str {
        self.split().1
    }

    /// The algorithm that can check content against this digest.
    ///
    /// # Errors
    /// [`DigestError::Unsupported`] when no such algorithm is built in.
    pub fn verifier(&self) -> Result<Algorithm, DigestError> {
        self.algorithm().parse()
    }

    /// A fresh hasher of this digest's algorithm.
    ///
    /// # Errors
    /// [`DigestError::Unsupported`] when no such algorithm is built in.
    pub fn hasher(&self) -> Result<Hasher, DigestError> {
        self.verifier().map(Hasher::new)
    }

    /// What people are shown: 12 hexadecimal digits of a sha256, the complete digest of any other algorithm.
    #[must_use]
    pub fn short(&self) -> &str {
        match self.split() {
            ("sha256", encoded) => encoded.get(..SHORT_LEN).unwrap_or(encoded),
            _ => self.as_str(),
        }
    }

    /// The tag under which registries without the referrers API list the referrers of this digest
    /// (distribution-spec, "Referrers Tag Schema"): algorithm cut to 32 characters, encoded part to 64,
    /// every character that a tag can't hold replaced by `-`.
    #[must_use]
    pub fn referrers_tag(&self) -> String {
        let (algorithm, encoded) = self.split();
        let tag_char = |c: char| match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '.' | '-' => c,
            _ => '-',
        };
        let algorithm = algorithm.chars().take(TAG_ALGORITHM_LEN).map(tag_char);
        let encoded = encoded.chars().take(TAG_ENCODED_LEN).map(tag_char);
        algorithm
            .chain(std::iter::once('-'))
            .chain(encoded)
            .collect()
    }

    /// A digest written in this crate's source.
    pub(crate) fn known(text: &'static str) -> Self {
        debug_assert!(validate(text).is_ok());
        Self(text.into())
    }

    fn split(&self) -> (&str, &str) {
        self.0.split_once(':').unwrap_or((&self.0, ""))
    }
}

/// The whole rule: grammar first unless the algorithm is registered, whose own rule is stricter and has its own length error.
fn validate(text: &str) -> Result<(), DigestError> {
    let (algorithm, encoded) = text.split_once(':').ok_or(DigestError::Format)?;
    if encoded.is_empty() {
        return Err(DigestError::Format);
    }
    if let Ok(registered) = algorithm.parse::<Algorithm>() {
        if encoded.len() != registered.hex_len() {
            return Err(DigestError::Length);
        }
        let hex = encoded
            .bytes()
            .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        return if hex {
            Ok(())
        } else {
            Err(DigestError::Format)
        };
    }
    let mut components = algorithm.split(['.', '+', '_', '-']);
    let component = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    let encoded_byte = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'=' | b'_' | b'-');
    if components.all(component) && encoded.bytes().all(encoded_byte) {
        Ok(())
    } else {
        Err(DigestError::Format)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({})", self.0)
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl AsRef<str> for Digest {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl Borrow<str> for Digest {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(DigestVisitor)
    }
}

struct DigestVisitor;

impl Visitor<'_> for DigestVisitor {
    type Value = Digest;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a digest")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Digest, E> {
        Digest::parse(text).map_err(E::custom)
    }
}

/// Why a text is no digest, or no digest that can be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DigestError {
    /// Not `algorithm:encoded`, or an alphabet the algorithm does not have.
    Format,
    /// A registered algorithm with the wrong number of digits.
    Length,
    /// No implementation of this algorithm is built in.
    Unsupported,
}

impl fmt::Display for DigestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Format => "invalid checksum digest format",
            Self::Length => "invalid checksum digest length",
            Self::Unsupported => "unsupported digest algorithm",
        })
    }
}

impl std::error::Error for DigestError {}

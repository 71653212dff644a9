//! The hash functions behind digests: aws-lc-rs where it can be built, the portable `sha2` crate elsewhere.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Digest, DigestError};

#[cfg(not(any(feature = "aws-lc", feature = "rustcrypto")))]
compile_error!("oras-spec needs one of the features `aws-lc` and `rustcrypto` to compute digests");

/// A digest algorithm that is built in (image-spec, descriptor.md, "Registered algorithms").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// SHA-256, the canonical algorithm.
    Sha256,
    /// SHA-384: not registered by the image-spec, but found in old content.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Algorithm {
    /// The name as it stands in front of the colon.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    /// How many hexadecimal digits a digest of this algorithm has.
    #[must_use]
    pub fn hex_len(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Sha384 => 96,
            Self::Sha512 => 128,
        }
    }

    /// Whether new content may be named by this algorithm. SHA-384 is only read and verified.
    #[must_use]
    pub fn creatable(self) -> bool {
        !matches!(self, Self::Sha384)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Algorithm {
    type Err = DigestError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "sha256" => Ok(Self::Sha256),
            "sha384" => Ok(Self::Sha384),
            "sha512" => Ok(Self::Sha512),
            _ => Err(DigestError::Unsupported),
        }
    }
}

/// A running digest computation. Clone it to keep a checkpoint.
#[derive(Clone)]
pub struct Hasher {
    algorithm: Algorithm,
    state: State,
}

impl Hasher {
    /// Starts a computation.
    #[must_use]
    pub fn new(algorithm: Algorithm) -> Self {
        Self {
            algorithm,
            state: State::new(algorithm),
        }
    }

    /// The algorithm in use.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Feeds the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        if COUNTS_HASHED {
            HASHED_BYTES.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        }
        self.state.update(bytes);
    }

    /// The digest of everything fed so far.
    #[must_use]
    pub fn finish(self) -> Digest {
        let name = self.algorithm.as_str();
        let mut text = String::with_capacity(name.len() + 1 + self.algorithm.hex_len());
        text.push_str(name);
        text.push(':');
        self.state.finish_hex(&mut text);
        Digest(text.into())
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hasher")
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

/// Whether hashed bytes are counted: in debug builds, and in others with the feature `count-hashed`.
const COUNTS_HASHED: bool = cfg!(any(debug_assertions, feature = "count-hashed"));
static HASHED_BYTES: AtomicU64 = AtomicU64::new(0);

/// Bytes hashed by this process so far, in builds that count them. It shows that no byte is hashed twice.
#[must_use]
pub fn hashed_bytes() -> Option<u64> {
    COUNTS_HASHED.then(|| HASHED_BYTES.load(Ordering::Relaxed))
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        for nibble in [byte >> 4, byte & 0xf] {
            text.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
        }
    }
}

#[cfg(feature = "aws-lc")]
use aws_lc::State;
#[cfg(all(feature = "rustcrypto", not(feature = "aws-lc")))]
use portable::State;

#[cfg(feature = "aws-lc")]
mod aws_lc {
    use super::{Algorithm, push_hex};
    use aws_lc_rs::digest::{Context, SHA256, SHA384, SHA512};

    #[derive(Clone)]
    pub(super) struct State(Context);

    impl State {
        pub(super) fn new(algorithm: Algorithm) -> Self {
            Self(Context::new(match algorithm {
                Algorithm::Sha256 => &SHA256,
                Algorithm::Sha384 => &SHA384,
                Algorithm::Sha512 => &SHA512,
            }))
        }

        pub(super) fn update(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }

        pub(super) fn finish_hex(self, text: &mut String) {
            push_hex(text, self.0.finish().as_ref());
        }
    }
}

#[cfg(all(feature = "rustcrypto", not(feature = "aws-lc")))]
mod portable {
    use super::{Algorithm, push_hex};
    use sha2::{Digest as _, Sha256, Sha384, Sha512};

    #[derive(Clone)]
    pub(super) enum State {
        Sha256(Sha256),
        Sha384(Sha384),
        Sha512(Sha512),
    }

    impl State {
        pub(super) fn new(algorithm: Algorithm) -> Self {
            match algorithm {
                Algorithm::Sha256 => Self::Sha256(Sha256::new()),
                Algorithm::Sha384 => Self::Sha384(Sha384::new()),
                Algorithm::Sha512 => Self::Sha512(Sha512::new()),
            }
        }

        pub(super) fn update(&mut self, bytes: &[u8]) {
            match self {
                Self::Sha256(state) => state.update(bytes),
                Self::Sha384(state) => state.update(bytes),
                Self::Sha512(state) => state.update(bytes),
            }
        }

        pub(super) fn finish_hex(self, text: &mut String) {
            match self {
                Self::Sha256(state) => push_hex(text, &state.finalize()),
                Self::Sha384(state) => push_hex(text, &state.finalize()),
                Self::Sha512(state) => push_hex(text, &state.finalize()),
            }
        }
    }
}

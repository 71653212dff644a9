//! Embedded content of a descriptor.

use std::fmt;
use std::ops::Deref;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::de::{self, Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

/// Content embedded in a descriptor, base64 in JSON (image-spec, descriptor.md, "Embedded Content").
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Data(pub Bytes);

impl Data {
    /// Embeds bytes that live as long as the program.
    #[must_use]
    pub fn from_static(bytes: &'static [u8]) -> Self {
        Self(Bytes::from_static(bytes))
    }

    pub(super) fn is_absent(data: &Option<Self>) -> bool {
        data.as_ref().is_none_or(|data| data.is_empty())
    }
}

impl Deref for Data {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl<B: Into<Bytes>> From<B> for Data {
    fn from(bytes: B) -> Self {
        Self(bytes.into())
    }
}

impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Data({} bytes)", self.0.len())
    }
}

impl Serialize for Data {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut text = String::deserialize(deserializer)?;
        // Wrapped base64 is common enough that the reference implementation skips line breaks, too.
        text.retain(|c| !matches!(c, '\r' | '\n'));
        let bytes = STANDARD
            .decode(text)
            .map_err(|_| de::Error::custom("data is not valid base64"))?;
        Ok(Self(bytes.into()))
    }
}

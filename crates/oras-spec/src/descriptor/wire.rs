//! A descriptor as other tools write it, before it is known to be one.

use serde::Deserialize;
use serde::de::{self, Deserializer};
use serde_json::{Map, Value};

use super::{Data, Descriptor};
use crate::annotation::Annotations;
use crate::digest::Digest;
use crate::platform::Platform;
use crate::tolerant;

#[derive(Deserialize)]
pub(super) struct WireDescriptor {
    #[serde(rename = "mediaType")]
    media_type: Option<String>,
    digest: Option<String>,
    size: Option<i64>,
    urls: Option<Vec<String>>,
    #[serde(default, deserialize_with = "tolerant::annotations")]
    annotations: Annotations,
    data: Option<Data>,
    platform: Option<Platform>,
    #[serde(rename = "artifactType")]
    artifact_type: Option<String>,
    #[serde(flatten)]
    extra: Map<String, Value>,
}

impl WireDescriptor {
    /// Whether somebody serialised a descriptor they never filled in.
    fn is_blank(&self) -> bool {
        let blank = |text: &Option<String>| text.as_deref().is_none_or(str::is_empty);
        blank(&self.media_type) && blank(&self.digest) && self.size.is_none_or(|size| size == 0)
    }
}

impl TryFrom<WireDescriptor> for Descriptor {
    type Error = String;

    fn try_from(wire: WireDescriptor) -> Result<Self, String> {
        let digest = wire.digest.ok_or("descriptor without digest")?;
        let digest = Digest::parse(&digest).map_err(|cause| cause.to_string())?;
        let size = wire.size.ok_or("descriptor without size")?;
        let size = u64::try_from(size).map_err(|_| "descriptor with negative size")?;
        Ok(Self {
            media_type: wire.media_type.unwrap_or_default(),
            digest,
            size,
            urls: wire.urls.unwrap_or_default(),
            annotations: wire.annotations,
            data: wire.data,
            platform: wire.platform,
            artifact_type: wire.artifact_type.filter(|text| !text.is_empty()),
            extra: wire.extra,
        })
    }
}

/// The entries of an index. Blank ones, which broken clients have left in referrers indexes, are skipped:
/// one of them must not make the others unreadable.
pub(crate) fn entries<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<Descriptor>, D::Error> {
    let wire: Option<Vec<Option<WireDescriptor>>> = Option::deserialize(deserializer)?;
    let present = wire.unwrap_or_default().into_iter().flatten();
    present
        .filter(|entry| !entry.is_blank())
        .map(|entry| entry.try_into().map_err(de::Error::custom))
        .collect()
}

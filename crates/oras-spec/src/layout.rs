//! Files of an OCI image layout (image-spec, image-layout.md).

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// The layout version this crate knows.
pub const VERSION: &str = "1.0.0";
/// The file that marks a directory as an image layout.
pub const OCI_LAYOUT_FILE: &str = "oci-layout";
/// The file that lists what the layout contains; an image index.
pub const INDEX_FILE: &str = "index.json";
/// The directory of content, by algorithm and encoded digest.
pub const BLOBS_DIR: &str = "blobs";
/// The directory of content that is still being written (not part of the spec).
pub const INGEST_DIR: &str = "ingest";

/// Contents of the file `oci-layout` (image-spec, image-layout.md, "oci-layout file").
///
/// ```
/// use oras_spec::{OciLayout, json};
///
/// assert_eq!(json::to_vec(&OciLayout::default())?, br#"{"imageLayoutVersion":"1.0.0"}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OciLayout {
    /// Version of the layout.
    #[serde(rename = "imageLayoutVersion")]
    pub image_layout_version: String,
}

impl OciLayout {
    /// Whether this crate knows the layout's version.
    #[must_use]
    pub fn is_supported(&self) -> bool {
        self.image_layout_version == VERSION
    }
}

impl Default for OciLayout {
    fn default() -> Self {
        Self {
            image_layout_version: VERSION.to_owned(),
        }
    }
}

/// Where a layout keeps content, relative to its root and with `/` (image-spec, image-layout.md, "Blobs").
///
/// The grammar of digests leaves nothing in it that could climb out of the layout.
#[must_use]
pub fn blob_path(digest: &Digest) -> String {
    format!("{BLOBS_DIR}/{}/{}", digest.algorithm(), digest.encoded())
}

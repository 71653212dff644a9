//! What a manifest has to be before it is stored (image-spec, manifest.md and image-index.md).

use std::fmt;

use bytes::Bytes;
use http::StatusCode;
use oras_spec::{Descriptor, Digest, ErrorCode, Manifest, RawManifest, media_type};
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

use crate::driver::{Entry, Required};
use crate::failure::Failure;

/// Fields that decide what a manifest means: none may be there twice.
const DECISIVE: [&str; 8] = [
    "schemaVersion",
    "mediaType",
    "artifactType",
    "config",
    "layers",
    "blobs",
    "manifests",
    "subject",
];

/// What a JSON object has of the decisive fields.
struct Fields {
    names: Vec<String>,
    media_type: Option<String>,
    /// How many entries `manifests` has.
    manifests: Option<usize>,
}

impl Fields {
    fn has(&self, name: &str) -> bool {
        self.names.iter().any(|own| own == name)
    }
}

/// Reads the body of a manifest that was pushed as `content_type`.
///
/// # Errors
/// 400 `MANIFEST_INVALID`
pub(super) fn read(
    content_type: Option<&str>,
    digest: &Digest,
    bytes: &Bytes,
) -> Result<(Entry, Vec<Required>), Failure> {
    if std::str::from_utf8(bytes).is_err() {
        return Err(invalid("a manifest is UTF-8"));
    }
    let fields: Fields =
        serde_json::from_slice(bytes).map_err(|error| invalid(error.to_string()))?;
    let media_type = media_type(content_type, &fields)?;
    let descriptor = Descriptor::new(media_type, digest.clone(), bytes.len() as u64);
    let raw = RawManifest::new(descriptor, bytes.clone()).map_err(|error| {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        invalid(cause.unwrap_or_else(|| error.to_string()))
    })?;
    let required = check(raw.manifest(), &fields)?;
    let descriptor = raw.descriptor();
    let entry = Entry {
        media_type: descriptor.media_type.clone(),
        digest: digest.clone(),
        size: descriptor.size,
        artifact_type: raw.artifact_type().map(str::to_owned),
        annotations: raw.annotations().clone(),
        subject: raw.subject().map(|subject| subject.digest.clone()),
    };
    Ok((entry, required))
}

/// The media type of a manifest: the header, or without one what the body claims or looks like.
fn media_type(content_type: Option<&str>, fields: &Fields) -> Result<String, Failure> {
    let claimed = fields.media_type.as_deref();
    let named = content_type.map(media_type::essence).or(claimed);
    let named = match named {
        Some(named) => named,
        None if fields.has("manifests") => media_type::IMAGE_INDEX,
        None if fields.has("config") && fields.has("layers") => media_type::IMAGE_MANIFEST,
        None => return Err(invalid("neither header nor body say what this manifest is")),
    };
    let docker = match named {
        media_type::IMAGE_MANIFEST | media_type::IMAGE_INDEX => false,
        // Nobody writes these any more, but archives have them, and what refers to something must not get lost on a copy.
        media_type::OCI_ARTIFACT_MANIFEST | media_type::ORAS_ARTIFACT_MANIFEST => false,
        media_type::DOCKER_MANIFEST | media_type::DOCKER_MANIFEST_LIST => true,
        _ => return Err(invalid(format!("{named} is no type of a manifest"))),
    };
    match claimed {
        Some(claimed) if claimed != named => Err(invalid("header and body name different types")),
        None if docker => Err(invalid("a Docker manifest names its type")),
        _ => Ok(named.to_owned()),
    }
}

fn check(manifest: &Manifest, fields: &Fields) -> Result<Vec<Required>, Failure> {
    // A document that can be read in two ways is a trap for one of its readers.
    let ambiguous = match manifest {
        Manifest::Index(_) | Manifest::DockerList(_) => {
            fields.has("config") || fields.has("layers")
        }
        _ => fields.has("manifests"),
    };
    if ambiguous {
        return Err(invalid("this is an image and an index at once"));
    }
    let (version, children) = match manifest {
        Manifest::Index(index) | Manifest::DockerList(index) => {
            // Readers skip entries that say nothing: here they are refused.
            if fields.manifests != Some(index.manifests.len()) {
                return Err(invalid("an index has manifests, and each is a descriptor"));
            }
            (index.schema_version, index.manifests.as_slice())
        }
        Manifest::Image(image) | Manifest::DockerImage(image) => {
            (image.schema_version, image.layers.as_slice())
        }
        // These have no version.
        Manifest::Artifact(artifact) if !fields.has("config") && !fields.has("layers") => {
            (2, artifact.blobs.as_slice())
        }
        _ => return Err(invalid("unsupported type of manifest")),
    };
    if version != 2 {
        return Err(invalid("schemaVersion is not 2"));
    }
    if let Some(subject) = manifest.subject() {
        well_formed(subject)?;
    }
    let mut required = Vec::new();
    for descriptor in manifest.config().into_iter().chain(children) {
        well_formed(descriptor)?;
        if is_elsewhere(descriptor) {
            continue;
        }
        verifiable(descriptor)?;
        let plain = descriptor.plain();
        let index = matches!(manifest, Manifest::Index(_) | Manifest::DockerList(_));
        required.push(match index && descriptor.is_manifest() {
            true => Required::Manifest(plain),
            false => Required::Blob(plain),
        });
    }
    Ok(required)
}

/// Whether registries need not have the content.
fn is_elsewhere(descriptor: &Descriptor) -> bool {
    !descriptor.urls.is_empty() || descriptor.is_foreign_layer()
}

fn well_formed(descriptor: &Descriptor) -> Result<(), Failure> {
    if descriptor.media_type.is_empty() {
        return Err(invalid("a descriptor has no mediaType"));
    }
    if descriptor.data.is_some() && descriptor.verified_data().is_none() {
        return Err(invalid(format!(
            "the embedded data of {} is something else",
            descriptor.digest
        )));
    }
    Ok(())
}

fn verifiable(descriptor: &Descriptor) -> Result<(), Failure> {
    match descriptor.digest.verifier() {
        Ok(_) => Ok(()),
        Err(error) => Err(invalid(format!("{}: {error}", descriptor.digest))),
    }
}

pub(super) fn invalid(message: impl Into<String>) -> Failure {
    Failure::new(
        StatusCode::BAD_REQUEST,
        ErrorCode::MANIFEST_INVALID,
        message,
    )
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a manifest")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Fields {
            names: Vec::new(),
            media_type: None,
            manifests: None,
        };
        while let Some(name) = map.next_key::<String>()? {
            if !DECISIVE.contains(&name.as_str()) {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            if fields.has(&name) {
                return Err(A::Error::custom(format_args!("{name} is there twice")));
            }
            match name.as_str() {
                "mediaType" => {
                    let claimed = map.next_value::<Option<String>>()?;
                    fields.media_type = claimed.filter(|text| !text.is_empty());
                }
                "manifests" => {
                    let entries = map.next_value::<Option<Vec<IgnoredAny>>>()?;
                    fields.manifests = entries.map(|entries| entries.len());
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            fields.names.push(name);
        }
        Ok(fields)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    /// Documents that come close to manifests, in every possible wrong way.
    fn almost() -> impl Strategy<Value = Value> {
        let digest = prop_oneof![
            Just(Value::from(Digest::sha256(b"x").as_str())),
            Just("sha256:short".into()),
            Just("md5:00".into()),
            Just(Value::Null),
        ];
        let size = prop_oneof![
            Just(json!(1)),
            Just(json!(-1)),
            Just(json!(1.5)),
            Just(json!("1"))
        ];
        let kind = prop_oneof![
            Just(media_type::IMAGE_MANIFEST),
            Just(media_type::IMAGE_INDEX),
            Just(media_type::DOCKER_MANIFEST),
            Just("a/b"),
            Just(""),
        ];
        let descriptor = (digest, size, kind.clone()).prop_map(
            |(digest, size, kind)| json!({ "digest": digest, "size": size, "mediaType": kind }),
        );
        let value = prop_oneof![
            4 => descriptor.clone(),
            4 => proptest::collection::vec(descriptor, 0..3).prop_map(Value::from),
            1 => Just(json!(2)),
            1 => Just(Value::Null),
            2 => kind.prop_map(Value::from),
            1 => "\\PC{0,9}".prop_map(Value::from),
        ];
        let name = proptest::sample::select(DECISIVE.to_vec());
        let changes = proptest::collection::vec((name, value), 0..3);
        (any::<bool>(), changes).prop_map(|(index, changes)| {
            let child = Descriptor::new("a/b", Digest::sha256(b"x"), 1);
            let mut document = match index {
                true => json!({ "schemaVersion": 2, "manifests": [child] }),
                false => json!({ "schemaVersion": 2, "config": child, "layers": [child] }),
            };
            for (name, value) in changes {
                document[name] = value;
            }
            document
        })
    }

    fn check(content_type: Option<&str>, bytes: &[u8]) -> Option<(Entry, Vec<Required>)> {
        let bytes = Bytes::copy_from_slice(bytes);
        read(content_type, &Digest::sha256(&bytes), &bytes).ok()
    }

    proptest! {
        /// What is taken is either an image or an index, says so, and needs only what can be verified.
        #[test]
        fn what_is_taken_has_one_meaning(document in almost(), named: bool) {
            let content_type = named.then_some(media_type::IMAGE_MANIFEST);
            let Some((entry, required)) = check(content_type, document.to_string().as_bytes()) else {
                return Ok(());
            };
            let index = document.get("manifests").is_some();
            let image = document.get("layers").is_some() || document.get("config").is_some();
            prop_assert!(!index || !image);
            prop_assert_eq!(&document["schemaVersion"], 2);
            prop_assert!(!named || entry.media_type == media_type::IMAGE_MANIFEST);
            prop_assert!(document["mediaType"].is_null() || document["mediaType"] == "" || document["mediaType"] == entry.media_type.as_str());
            for required in required {
                prop_assert!(required.descriptor().digest.verifier().is_ok());
                prop_assert!(index || matches!(required, Required::Blob(_)));
            }
        }

        #[test]
        fn no_bytes_are_too_much(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "[\\[\\]{}:,\"a0-9 ]{0,60}") {
            check(None, &bytes);
            check(Some(media_type::IMAGE_INDEX), text.as_bytes());
        }
    }

    #[test]
    fn a_tower_of_brackets_is_refused_and_not_climbed() {
        for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
            let tower = format!("{}1{}", open.repeat(500_000), close.repeat(500_000));
            for name in ["x", "config", "manifests", "annotations", "subject"] {
                let document = format!(r#"{{"schemaVersion":2,"layers":[],"{name}":{tower}}}"#);
                check(Some(media_type::IMAGE_MANIFEST), document.as_bytes());
            }
        }
    }
}

//! JSON from registries: manifests of every type, error bodies, text to indent.

#![no_main]

use libfuzzer_sys::fuzz_target;
use oras_spec::{Descriptor, ErrorBody, Manifest, RawManifest, json, media_type};
use serde_json::Value;

const TYPES: [&str; 6] = [
    media_type::IMAGE_MANIFEST,
    media_type::IMAGE_INDEX,
    media_type::DOCKER_MANIFEST,
    media_type::DOCKER_MANIFEST_LIST,
    media_type::OCI_ARTIFACT_MANIFEST,
    media_type::ORAS_ARTIFACT_MANIFEST,
];

fuzz_target!(|bytes: &[u8]| {
    for media_type in TYPES {
        let descriptor = Descriptor::of_bytes(media_type, bytes);
        let Ok(raw) = RawManifest::new(descriptor.clone(), bytes.to_vec().into()) else {
            continue;
        };
        assert_eq!(raw.bytes(), bytes);
        let written = encode(raw.manifest());
        let again = RawManifest::new(descriptor, written.clone().into())
            .expect("what we write we can read");
        assert_eq!(again.successors(), raw.successors());
        assert_eq!(encode(again.manifest()), written);
        for successor in raw.successors() {
            let _ = (
                successor.verified_data(),
                successor.key(),
                successor.title(),
            );
        }
    }
    if let Ok(value) = serde_json::from_slice::<Value>(bytes) {
        let indented = json::indent(bytes).expect("JSON can be indented");
        assert_eq!(
            serde_json::from_slice::<Value>(&indented).expect("and stays JSON"),
            value
        );
        let written = json::to_vec(&value).expect("a value is JSON");
        let again: Value = serde_json::from_slice(&written).expect("and is read again");
        assert_eq!(json::to_vec(&again).expect("as it was"), written);
    }
    if let Some(body) = ErrorBody::parse(bytes) {
        let _ = body.to_string();
    }
});

fn encode(manifest: &Manifest) -> Vec<u8> {
    let written = match manifest {
        Manifest::Image(manifest) | Manifest::DockerImage(manifest) => json::to_vec(manifest),
        Manifest::Index(index) | Manifest::DockerList(index) => json::to_vec(index),
        Manifest::Artifact(artifact) => json::to_vec(artifact),
        _ => return Vec::new(),
    };
    written.expect("a manifest is JSON")
}

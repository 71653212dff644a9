//! OCI image layouts.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod delete;
mod peers;
mod processes;
mod reader;
mod store;
mod writing;

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use oras_content::layout::LayoutStore;
use oras_content::{Payload, Push};
use oras_spec::{Descriptor, Digest, RawManifest};
use oras_testkit::fixture::Graph;
use serde_json::Value;

/// Pushes all of `graph`, children first, and lists it.
async fn push_all(store: &LayoutStore, graph: &Graph) {
    for node in &graph.nodes {
        let payload = Payload::bytes(node.bytes.clone());
        store.push(&node.descriptor, payload).await.unwrap();
    }
    store.flush().await.unwrap();
}

/// The entries of `index.json`: digest and tag.
fn entries(root: &Path) -> Vec<(String, Option<String>)> {
    let index: Value = serde_json::from_slice(&fs::read(root.join("index.json")).unwrap()).unwrap();
    let entry = |entry: &Value| {
        let tag = entry["annotations"]["org.opencontainers.image.ref.name"].as_str();
        (
            entry["digest"].as_str().unwrap().to_owned(),
            tag.map(str::to_owned),
        )
    };
    index["manifests"]
        .as_array()
        .unwrap()
        .iter()
        .map(entry)
        .collect()
}

/// The blobs of a layout by digest, each checked against its name.
fn blobs(root: &Path) -> HashMap<Digest, Vec<u8>> {
    let mut blobs = HashMap::new();
    let Ok(folder) = fs::read_dir(root.join("blobs/sha256")) else {
        return blobs;
    };
    for entry in folder {
        let entry = entry.unwrap();
        let bytes = fs::read(entry.path()).unwrap();
        let digest = Digest::sha256(&bytes);
        assert_eq!(
            entry.file_name().to_str().unwrap(),
            digest.encoded(),
            "a wrong blob"
        );
        blobs.insert(digest, bytes);
    }
    blobs
}

/// Everything that `index.json` lists is there, whole, with all that it refers to.
fn assert_complete(root: &Path) {
    let blobs = blobs(root);
    let index: Value = serde_json::from_slice(&fs::read(root.join("index.json")).unwrap()).unwrap();
    for entry in index["manifests"].as_array().unwrap() {
        let descriptor: Descriptor = serde_json::from_value(entry.clone()).unwrap();
        let bytes = blobs
            .get(&descriptor.digest)
            .expect("a listed manifest is missing");
        assert_eq!(bytes.len() as u64, descriptor.size);
        let manifest = RawManifest::new(descriptor, bytes.clone().into()).unwrap();
        for below in manifest.successors() {
            assert!(
                blobs.contains_key(&below.digest),
                "{} is missing",
                below.digest
            );
        }
    }
}

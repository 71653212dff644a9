//! An honest registry for tests to tell lies with.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use oras_spec::{Descriptor, Digest};
use serde_json::{Value, json};

use super::{Answer, FaultServer, Request};
use crate::fixture::Graph;

/// A registry in memory: manifests by tag and digest, blobs with ranges and uploads, tags, the catalog.
///
/// All repositories share their content and tags: whatever is pushed to one name is found under every other one.
/// The referrers API is there after [`FakeRegistry::with_referrers_api`]; without it clients must use the tag schema.
pub struct FakeRegistry {
    state: Mutex<State>,
    referrers_api: bool,
}

#[derive(Default)]
struct State {
    graph: Graph,
    tags: BTreeMap<String, Digest>,
    names: BTreeSet<String>,
    uploads: BTreeMap<usize, Vec<u8>>,
}

impl FakeRegistry {
    /// A registry with the content of `graph`.
    #[must_use]
    pub fn new(graph: Graph) -> Self {
        let state = State {
            graph,
            ..State::default()
        };
        Self {
            state: Mutex::new(state),
            referrers_api: false,
        }
    }

    /// Adds a tag.
    #[must_use]
    pub fn tag(self, tag: &str, descriptor: &Descriptor) -> Self {
        self.lock()
            .tags
            .insert(tag.to_owned(), descriptor.digest.clone());
        self
    }

    /// Lists referrers by the API (distribution-spec, "Listing Referrers") and says so when one is pushed.
    #[must_use]
    pub fn with_referrers_api(mut self) -> Self {
        self.referrers_api = true;
        self
    }

    /// Serves it without any lie.
    #[must_use]
    pub fn serve(self) -> FaultServer {
        FaultServer::start(move |request| self.answer(request))
    }

    /// The answer a good registry gives.
    #[must_use]
    pub fn answer(&self, request: &Request) -> Answer {
        let path = request
            .path()
            .strip_prefix("/v2")
            .unwrap_or_default()
            .trim_start_matches('/');
        let mut state = self.lock();
        if path.is_empty() {
            return Answer::ok("application/json", "{}");
        }
        if path == "_catalog" {
            return json_page(&json!({"repositories": state.names}));
        }
        if let Some(name) = path.strip_suffix("/tags/list") {
            return json_page(
                &json!({"name": name, "tags": state.tags.keys().collect::<Vec<_>>()}),
            );
        }
        if let Some((name, upload)) = path.split_once("/blobs/uploads") {
            return state.upload(request, name, upload.trim_start_matches('/'));
        }
        if let Some((name, reference)) = path.split_once("/manifests/") {
            return state.manifest(request, name, reference, self.referrers_api);
        }
        if let Some((_, digest)) = path.split_once("/blobs/") {
            return state.blob(request, digest);
        }
        match path.split_once("/referrers/") {
            Some((_, digest)) if self.referrers_api => state.referrers(digest),
            _ => Answer::error(404, "NOT_FOUND", "no such page"),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn manifest(
        &mut self,
        request: &Request,
        name: &str,
        reference: &str,
        referrers_api: bool,
    ) -> Answer {
        let digest = self
            .tags
            .get(reference)
            .cloned()
            .or_else(|| Digest::parse(reference).ok());
        match request.method.as_str() {
            "PUT" => return self.put_manifest(request, name, reference, referrers_api),
            "DELETE" => {
                self.tags
                    .retain(|_, tagged| Some(&*tagged) != digest.as_ref());
                self.graph
                    .nodes
                    .retain(|node| Some(&node.descriptor.digest) != digest.as_ref());
                return Answer::status(202);
            }
            _ => {}
        }
        let node = digest.and_then(|digest| self.graph.find(&digest));
        let Some(node) = node.filter(|node| node.descriptor.is_manifest()) else {
            return Answer::error(404, "MANIFEST_UNKNOWN", "manifest unknown");
        };
        Answer::ok(&node.descriptor.media_type, node.bytes.clone())
            .header("Docker-Content-Digest", node.descriptor.digest.as_str())
    }

    fn put_manifest(
        &mut self,
        request: &Request,
        name: &str,
        reference: &str,
        referrers_api: bool,
    ) -> Answer {
        let media_type = request.header("content-type").unwrap_or_default();
        let pushed = self.graph.blob(media_type, request.body.clone());
        match Digest::parse(reference) {
            Ok(digest) if digest != pushed.digest => {
                return Answer::error(
                    400,
                    "DIGEST_INVALID",
                    "provided digest did not match uploaded content",
                );
            }
            Ok(_) => {}
            Err(_) => drop(
                self.tags
                    .insert(reference.to_owned(), pushed.digest.clone()),
            ),
        }
        self.names.insert(name.to_owned());
        let answer = Answer::status(201)
            .header(
                "Location",
                format!("/v2/{name}/manifests/{}", pushed.digest),
            )
            .header("Docker-Content-Digest", pushed.digest.as_str());
        let manifest: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        match manifest["subject"]["digest"].as_str() {
            Some(subject) if referrers_api => answer.header("OCI-Subject", subject),
            _ => answer,
        }
    }

    fn upload(&mut self, request: &Request, name: &str, session: &str) -> Answer {
        let query = request
            .target
            .split_once('?')
            .map_or("", |(_, query)| query)
            .replace("%3A", ":")
            .replace("%3a", ":");
        let value = |key: &str| {
            query
                .split('&')
                .find_map(|pair| Digest::parse(pair.strip_prefix(key)?).ok())
        };
        if let Some(known) = value("mount=").filter(|digest| self.graph.find(digest).is_some()) {
            return Answer::status(201).header("Location", format!("/v2/{name}/blobs/{known}"));
        }
        let number = session.parse().unwrap_or(self.uploads.len());
        let collected = self.uploads.entry(number).or_default();
        collected.extend_from_slice(&request.body);
        let Some(digest) = value("digest=") else {
            let (status, end) = (202, collected.len().saturating_sub(1));
            return Answer::status(status)
                .header("Location", format!("/v2/{name}/blobs/uploads/{number}"))
                .header("Range", format!("0-{end}"));
        };
        let bytes = Bytes::from(std::mem::take(collected));
        if Digest::sha256(&bytes) != digest {
            return Answer::error(
                400,
                "DIGEST_INVALID",
                "provided digest did not match uploaded content",
            );
        }
        self.graph.blob("application/octet-stream", bytes);
        self.names.insert(name.to_owned());
        Answer::status(201).header("Location", format!("/v2/{name}/blobs/{digest}"))
    }

    fn blob(&mut self, request: &Request, digest: &str) -> Answer {
        let digest = Digest::parse(digest).ok();
        let Some(node) = digest.and_then(|digest| self.graph.find(&digest).cloned()) else {
            return Answer::error(404, "BLOB_UNKNOWN", "blob unknown to registry");
        };
        if request.method == "DELETE" {
            self.graph
                .nodes
                .retain(|other| other.descriptor.digest != node.descriptor.digest);
            return Answer::status(202);
        }
        let bytes = &node.bytes;
        let whole = Answer::ok("application/octet-stream", bytes.clone())
            .header("Docker-Content-Digest", node.descriptor.digest.as_str())
            .header("Accept-Ranges", "bytes");
        let range = request
            .header("range")
            .and_then(|range| range.strip_prefix("bytes=")?.split_once('-'));
        let Some((start, end)) = range else {
            return whole;
        };
        let start: usize = start.parse().unwrap_or(0);
        let end = end
            .parse()
            .map_or(bytes.len(), |end: usize| end + 1)
            .min(bytes.len());
        if start >= end {
            return Answer::status(416);
        }
        let range = format!("bytes {start}-{}/{}", end - 1, bytes.len());
        let mut partial = whole
            .body(bytes.slice(start..end))
            .header("Content-Range", range);
        partial.status = 206;
        partial
    }

    fn referrers(&self, subject: &str) -> Answer {
        let entries = self.graph.nodes.iter().filter_map(|node| {
            let manifest: Value = serde_json::from_slice(&node.bytes).ok()?;
            let is_referrer =
                node.descriptor.is_manifest() && manifest["subject"]["digest"] == subject;
            let kind = [&manifest["artifactType"], &manifest["config"]["mediaType"]]
                .into_iter()
                .find(|kind| kind.is_string());
            is_referrer.then(|| {
                let mut entry = json!({
                    "mediaType": node.descriptor.media_type,
                    "digest": node.descriptor.digest.as_str(),
                    "size": node.descriptor.size,
                    "artifactType": kind,
                });
                if manifest["annotations"].is_object() {
                    entry["annotations"] = manifest["annotations"].clone();
                }
                entry
            })
        });
        let index = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": entries.collect::<Vec<_>>(),
        });
        Answer::ok("application/vnd.oci.image.index.v1+json", index.to_string())
    }
}

fn json_page(value: &Value) -> Answer {
    Answer::ok("application/json", value.to_string())
}

//! Requests without a socket.

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use oras_registry::Registry;
use oras_spec::{Digest, ErrorBody};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// The codes of distribution-spec, "Error Codes".
const CODES: [&str; 14] = [
    "BLOB_UNKNOWN",
    "BLOB_UPLOAD_INVALID",
    "BLOB_UPLOAD_UNKNOWN",
    "DIGEST_INVALID",
    "MANIFEST_BLOB_UNKNOWN",
    "MANIFEST_INVALID",
    "MANIFEST_UNKNOWN",
    "NAME_INVALID",
    "NAME_UNKNOWN",
    "SIZE_INVALID",
    "UNAUTHORIZED",
    "DENIED",
    "UNSUPPORTED",
    "TOOMANYREQUESTS",
];

pub(crate) struct Client {
    registry: Registry,
    /// Where the registry keeps its content.
    _folder: Option<TempDir>,
}

pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Client {
    pub(crate) fn new() -> Self {
        Self::of(Registry::builder().build().unwrap())
    }

    pub(crate) fn of(registry: Registry) -> Self {
        Self::on(registry, None)
    }

    pub(crate) fn on(registry: Registry, folder: Option<TempDir>) -> Self {
        Self {
            registry,
            _folder: folder,
        }
    }

    pub(crate) fn registry(&self) -> Registry {
        self.registry.clone()
    }

    pub(crate) async fn send(
        &self,
        line: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Reply {
        let body = body.into();
        let length = body.len().to_string();
        match body.is_empty() {
            true => self.stream(line, headers, body).await,
            false => {
                let headers = [headers, &[("content-length", length.as_str())]].concat();
                self.stream(line, &headers, body).await
            }
        }
    }

    /// Sends a body without telling its length.
    pub(crate) async fn stream(
        &self,
        line: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Reply {
        let (method, path) = line.split_once(' ').unwrap();
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into())).unwrap();
        let (parts, body) = self.registry.respond(request).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let reply = Reply {
            status: parts.status,
            headers: parts.headers,
            body,
        };
        reply.is_well_formed(method);
        reply
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(&format!("GET {path}"), &[], "").await
    }

    /// Pushes a blob in one request.
    pub(crate) async fn blob(&self, name: &str, content: impl Into<Bytes>) -> Digest {
        let content = content.into();
        let digest = Digest::sha256(&content);
        let line = format!("POST /v2/{name}/blobs/uploads/?digest={digest}");
        self.send(&line, &[], content).await.check(201, "");
        digest
    }

    /// Opens an upload session and gives its address.
    pub(crate) async fn session(&self, name: &str) -> String {
        let reply = self
            .send(&format!("POST /v2/{name}/blobs/uploads/"), &[], "")
            .await;
        reply.check(202, "");
        reply.header("location").to_owned()
    }

    pub(crate) async fn put(
        &self,
        path: &str,
        media_type: &str,
        manifest: impl Into<Bytes>,
    ) -> Reply {
        self.send(
            &format!("PUT {path}"),
            &[("content-type", media_type)],
            manifest,
        )
        .await
    }

    /// An image without layers, under a tag.
    pub(crate) async fn image(&self, name: &str, tag: &str) -> Digest {
        self.blob(name, "{}").await;
        let manifest = image(serde_json::json!({ "annotations": { "tag": tag } }));
        let reply = self
            .put(
                &format!("/v2/{name}/manifests/{tag}"),
                IMAGE,
                manifest.clone(),
            )
            .await;
        reply.check(201, "");
        Digest::sha256(&manifest)
    }
}

impl Reply {
    /// Status, and the code of the first error if there is one.
    #[track_caller]
    pub(crate) fn check(&self, status: u16, code: &str) {
        let errors = ErrorBody::parse(&self.body);
        let got = errors
            .as_ref()
            .map_or("", |body| body.errors[0].code.as_str());
        assert_eq!(
            (self.status.as_u16(), got),
            (status, code),
            "{:?}",
            self.body
        );
    }

    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value
            .unwrap_or_else(|| panic!("no {name} in {:?}", self.headers))
            .to_str()
            .unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Only pages say what a browser may load.
    fn is_page(&self) -> bool {
        self.headers.contains_key("content-security-policy")
    }

    /// What holds for every answer.
    #[track_caller]
    pub(crate) fn is_well_formed(&self, method: &str) {
        assert_eq!(
            self.header("docker-distribution-api-version"),
            "registry/2.0"
        );
        assert_eq!(self.header("x-content-type-options"), "nosniff");
        assert!(!self.header("x-request-id").is_empty());
        if matches!(self.status.as_u16(), 204 | 304) {
            assert!(!self.headers.contains_key("content-length") && self.body.is_empty());
        } else if method == "HEAD" {
            self.header("content-length").parse::<u64>().unwrap();
            assert!(self.body.is_empty());
        } else {
            assert_eq!(self.header("content-length"), self.body.len().to_string());
            if self.status.is_client_error() && !self.is_page() {
                assert_eq!(self.header("content-type"), "application/json");
                let errors = ErrorBody::parse(&self.body).unwrap();
                let known = |code: &str| CODES.contains(&code);
                assert!(!errors.errors.is_empty());
                assert!(errors.errors.iter().all(|error| known(&error.code)));
            }
        }
        if self.status == StatusCode::METHOD_NOT_ALLOWED {
            self.header("allow");
        }
    }
}

/// An image manifest whose config is `{}`, with `more` fields.
pub(crate) fn image(more: Value) -> Vec<u8> {
    let mut manifest = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": IMAGE,
        "config": {
            "mediaType": "application/vnd.oci.empty.v1+json",
            "digest": Digest::sha256(b"{}").as_str(),
            "size": 2,
        },
        "layers": [],
    });
    for (key, value) in more.as_object().unwrap() {
        manifest[key] = value.clone();
    }
    serde_json::to_vec(&manifest).unwrap()
}

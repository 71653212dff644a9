//! Requests over a socket.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use oras_registry::auth::Auth;
use oras_registry::{Registry, Server};
use serde_json::Value;
use tempfile::TempDir;

use crate::client::Reply;

/// A registry that listens, and a client.
pub(super) struct Web {
    server: Server,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// A file of users, each with the password `secret-NAME`.
pub(super) fn users(names: &[&str]) -> (PathBuf, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("users");
    let line = |name: &&str| {
        let hash = bcrypt::hash(format!("secret-{name}"), 4).unwrap();
        format!("{name}:{hash}\n")
    };
    let lines: String = names.iter().map(line).collect();
    std::fs::write(&file, lines).unwrap();
    (file, folder)
}

pub(super) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

impl Web {
    pub(super) async fn start(auth: Auth) -> Self {
        Self::of(Registry::builder().auth(auth).build().unwrap()).await
    }

    pub(super) async fn of(registry: Registry) -> Self {
        Self {
            server: registry.bind("127.0.0.1:0").await.unwrap(),
            client: Client::builder(TokioExecutor::new()).build_http(),
        }
    }

    pub(super) fn host(&self) -> String {
        self.server.addr().to_string()
    }

    pub(super) async fn send(
        &self,
        line: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Reply {
        let (method, path) = line.split_once(' ').unwrap();
        let uri = format!("http://{}{path}", self.host());
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into())).unwrap();
        let (parts, body) = self.client.request(request).await.unwrap().into_parts();
        let reply = Reply {
            status: parts.status,
            headers: parts.headers,
            body: body.collect().await.unwrap().to_bytes(),
        };
        reply.is_well_formed(method);
        reply
    }

    /// Sends a request as a user, with the password.
    pub(super) async fn as_user(&self, user: &str, line: &str) -> Reply {
        let credential = basic(user, &format!("secret-{user}"));
        self.send(line, &[("authorization", &credential)], "").await
    }

    /// Sends a request with a token.
    pub(super) async fn bearer(&self, line: &str, token: &str) -> Reply {
        let credential = format!("Bearer {token}");
        self.send(line, &[("authorization", &credential)], "").await
    }

    /// What the token service says to a user, or to nobody in particular.
    pub(super) async fn asks(&self, user: &str, query: &str) -> Value {
        let line = format!("GET /v2/token?service={}&{query}", self.host());
        let reply = match user {
            "" => self.send(&line, &[], "").await,
            user => self.as_user(user, &line).await,
        };
        reply.check(200, "");
        reply.json()
    }

    /// A token for `scope`.
    pub(super) async fn token(&self, user: &str, scope: &str) -> String {
        let issued = self.asks(user, &format!("scope={scope}")).await;
        issued["token"].as_str().unwrap().to_owned()
    }

    /// Pushes an image without layers; the status of what failed, or of the last request.
    pub(super) async fn push(&self, user: &str, name: &str, tag: &str, more: Value) -> Reply {
        let credential = basic(user, &format!("secret-{user}"));
        let authorization = ("authorization", credential.as_str());
        let config = oras_spec::Digest::sha256(b"{}");
        let line = format!("POST /v2/{name}/blobs/uploads/?digest={config}");
        let reply = self.send(&line, &[authorization], "{}").await;
        if reply.status.as_u16() != 201 {
            return reply;
        }
        let media_type = ("content-type", crate::client::IMAGE);
        let line = format!("PUT /v2/{name}/manifests/{tag}");
        let manifest = crate::client::image(more);
        self.send(&line, &[authorization, media_type], manifest)
            .await
    }
}

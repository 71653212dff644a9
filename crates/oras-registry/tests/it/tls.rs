//! TLS: certificates that change, clients that have one.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use oras_registry::auth::{Action, Auth, Rule};
use oras_registry::observe::{Access, Observer};
use oras_registry::server::{ClientAuth, Tls, TlsError};
use oras_registry::{Limits, Registry, Server, ServerError};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::wire::Wire;

/// Who signs.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key, in PEM format.
struct Signed {
    pem: String,
    key: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        Self { pem, issuer }
    }

    fn sign(&self, common_name: &str, unit: &str) -> Signed {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let names = &mut params.distinguished_name;
        names.push(DnType::CommonName, common_name);
        names.push(DnType::OrganizationalUnitName, unit);
        let key = KeyPair::generate().unwrap();
        let pem = params.signed_by(&key, &self.issuer).unwrap().pem();
        let key = key.serialize_pem();
        Signed { pem, key }
    }
}

impl Signed {
    fn write(&self, folder: &Path) {
        std::fs::write(folder.join("cert.pem"), &self.pem).unwrap();
        std::fs::write(folder.join("key.pem"), &self.key).unwrap();
    }

    fn der(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(self.pem.as_bytes()).unwrap()
    }
}

fn tls(folder: &Path) -> Tls {
    Tls::from_files(folder.join("cert.pem"), folder.join("key.pem"))
}

async fn connect(
    addr: SocketAddr,
    authority: &Authority,
    client: Option<&Signed>,
) -> std::io::Result<Wire<TlsStream<TcpStream>>> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(authority.pem.as_bytes()).unwrap();
    roots.add(root).unwrap();
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match client {
        None => config.with_no_client_auth(),
        Some(signed) => {
            let key = PrivateKeyDer::from_pem_slice(signed.key.as_bytes()).unwrap();
            config
                .with_client_auth_cert(vec![signed.der()], key)
                .unwrap()
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let stream = TcpStream::connect(addr).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream);
    Ok(Wire::over(stream.await?))
}

fn certificate_of(wire: &Wire<TlsStream<TcpStream>>) -> CertificateDer<'static> {
    let chain = wire.stream.get_ref().1.peer_certificates().unwrap();
    chain[0].clone().into_owned()
}

#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Observer for Told {
    fn access(&self, access: &Access) {
        assert!(access.tls);
    }

    fn trouble(&self, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }
}

#[tokio::test]
async fn certificates_change_under_open_connections() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let (old, new) = (authority.sign("old", ""), authority.sign("new", ""));
    old.write(folder.path());
    let registry = Registry::builder().memory().build().unwrap();
    let server = registry.bind_tls("127.0.0.1:0", tls(folder.path())).await;
    let server = server.unwrap();
    let mut open = connect(server.addr(), &authority, None).await.unwrap();
    assert_eq!(certificate_of(&open), old.der());
    assert_eq!(
        open.stream.get_ref().1.alpn_protocol(),
        Some(&b"http/1.1"[..])
    );
    assert_eq!(open.get("/v2/").await.status, 200);

    new.write(folder.path());
    server.reload_tls().await.unwrap();
    assert_eq!(open.get("/v2/").await.status, 200);
    let mut other = connect(server.addr(), &authority, None).await.unwrap();
    assert_eq!(certificate_of(&other), new.der());
    assert_eq!(other.get("/v2/").await.status, 200);
    assert_eq!(open.get("/v2/").await.status, 200);
}

#[tokio::test]
async fn a_change_is_seen_without_a_word_and_a_broken_one_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let (old, new) = (authority.sign("old", ""), authority.sign("new", ""));
    old.write(folder.path());
    let told = Told::default();
    let registry = Registry::builder().memory().observer(told.clone());
    let registry = registry.build().unwrap();
    let server = registry.bind_tls("127.0.0.1:0", tls(folder.path())).await;
    let server = server.unwrap();

    // The key of another certificate.
    std::fs::write(folder.path().join("cert.pem"), &new.pem).unwrap();
    let error = server.reload_tls().await.unwrap_err();
    assert!(matches!(error, TlsError::Mismatch { .. }), "{error}");
    std::fs::write(folder.path().join("cert.pem"), "nothing").unwrap();
    while told.0.lock().unwrap().is_empty() {
        let mut wire = connect(server.addr(), &authority, None).await.unwrap();
        assert_eq!(certificate_of(&wire), old.der());
        assert_eq!(wire.get("/v2/").await.status, 200);
    }
    let trouble = told.0.lock().unwrap().join("\n");
    assert!(trouble.contains("cert.pem has no certificate"), "{trouble}");
    let mut wire = connect(server.addr(), &authority, None).await.unwrap();
    let answer = wire.get("/metrics").await;
    let metrics = answer.text();
    let line = "\noras_serve_tls_reloads_failed_total 1\n";
    assert!(metrics.contains(line), "{metrics}");

    new.write(folder.path());
    loop {
        let wire = connect(server.addr(), &authority, None).await.unwrap();
        if certificate_of(&wire) == new.der() {
            break;
        }
    }
}

#[tokio::test]
async fn files_that_cannot_be_used_are_errors_that_name_them() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::builder().memory().build().unwrap();
    let error = async |tls: Tls| match registry.bind_tls("127.0.0.1:0", tls).await {
        Err(ServerError::Tls(error)) => error.to_string(),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it works"),
    };
    let missing = error(tls(folder.path())).await;
    assert!(
        missing.contains("cannot read ") && missing.contains("cert.pem"),
        "{missing}"
    );
    let authority = Authority::new();
    authority.sign("a", "").write(folder.path());
    let settings = tls(folder.path()).client_ca(folder.path().join("key.pem"));
    let unusable = error(settings).await;
    assert!(
        unusable.contains("key.pem has no certificate"),
        "{unusable}"
    );
    std::fs::write(folder.path().join("key.pem"), "x").unwrap();
    let no_key = error(tls(folder.path())).await;
    assert!(no_key.contains("key.pem has no private key"), "{no_key}");
}

#[tokio::test]
async fn a_handshake_that_does_not_end_holds_nobody_up_and_is_cut() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    authority.sign("a", "").write(folder.path());
    let mut limits = Limits::default();
    limits.head_time = Duration::from_secs(3);
    let registry = Registry::builder().memory().limits(limits).build().unwrap();
    let server = registry.bind_tls("127.0.0.1:0", tls(folder.path())).await;
    let server = server.unwrap();
    let mut silent = Vec::new();
    for _ in 0..50 {
        let mut stream = TcpStream::connect(server.addr()).await.unwrap();
        stream.write_all(&[0x16, 3, 1]).await.unwrap();
        silent.push(stream);
    }
    let mut plain = TcpStream::connect(server.addr()).await.unwrap();
    plain.write_all(b"GET /v2/ HTTP/1.1\r\n\r\n").await.unwrap();
    let mut reply = Vec::new();
    let _ = plain.read_to_end(&mut reply).await;
    assert!(!reply.starts_with(b"HTTP"), "{reply:?}");
    let mut wire = connect(server.addr(), &authority, None).await.unwrap();
    assert_eq!(wire.get("/v2/").await.status, 200);
    for mut stream in silent {
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
    }
    let mut wire = connect(server.addr(), &authority, None).await.unwrap();
    let metrics = wire.get("/metrics").await;
    let failed = "oras_serve_tls_handshakes_failed_total 51\n";
    assert!(metrics.text().contains(failed), "{}", metrics.text());
}

/// Whether a client with this certificate gets an answer.
async fn answers(server: &Server, authority: &Authority, client: Option<&Signed>) -> bool {
    let Ok(mut wire) = connect(server.addr(), authority, client).await else {
        return false;
    };
    // With TLS 1.3 a client learns only now that it is not wanted.
    let request = b"GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n";
    let sent = wire.stream.write_all(request).await.is_ok();
    sent && wire
        .next_answer()
        .await
        .is_some_and(|answer| answer.status == 200)
}

#[tokio::test]
async fn client_certificates_are_required_or_requested() {
    let folder = tempfile::tempdir().unwrap();
    let (authority, foreign) = (Authority::new(), Authority::new());
    authority.sign("server", "").write(folder.path());
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, &authority.pem).unwrap();
    let (good, bad) = (authority.sign("ann", "team"), foreign.sign("ann", "team"));
    let registry = Registry::builder().memory().build().unwrap();
    let settings = tls(folder.path()).client_ca(&ca);
    let required = registry.bind_tls("127.0.0.1:0", settings.clone()).await;
    let required = required.unwrap();
    assert!(answers(&required, &authority, Some(&good)).await);
    assert!(!answers(&required, &authority, Some(&bad)).await);
    assert!(!answers(&required, &authority, None).await);
    let settings = settings.client_auth(ClientAuth::Request);
    let requested = registry.bind_tls("127.0.0.1:0", settings).await.unwrap();
    assert!(answers(&requested, &authority, Some(&good)).await);
    assert!(answers(&requested, &authority, Some(&bad)).await);
    assert!(answers(&requested, &authority, None).await);
}

#[tokio::test]
async fn only_a_certificate_that_was_verified_makes_somebody_known() {
    let folder = tempfile::tempdir().unwrap();
    let (authority, foreign) = (Authority::new(), Authority::new());
    authority.sign("server", "").write(folder.path());
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, &authority.pem).unwrap();
    let rule = |who: &str, repository: &str| Rule {
        repositories: vec![repository.to_owned()],
        who: vec![who.to_owned()],
        allow: vec![Action::Push],
        ..Rule::default()
    };
    let auth = Auth::new()
        .certificates(true)
        .rule(rule("cert:ann", "ann"))
        .rule(rule("@team", "team"));
    let registry = Registry::builder().memory().auth(auth).build().unwrap();
    let settings = tls(folder.path()).client_ca(&ca);
    let settings = settings.client_auth(ClientAuth::Request);
    let server = registry.bind_tls("127.0.0.1:0", settings).await.unwrap();
    let ann = authority.sign("ann", "team");
    let bob = authority.sign("bob", "");
    let false_ann = foreign.sign("ann", "team");
    for (who, repository, status) in [
        (Some(&ann), "ann", 202),
        (Some(&ann), "team", 202),
        (Some(&bob), "ann", 403),
        (Some(&bob), "team", 403),
        (Some(&false_ann), "ann", 401),
        (Some(&false_ann), "team", 401),
        (None, "ann", 401),
    ] {
        let mut wire = connect(server.addr(), &authority, who).await.unwrap();
        wire.write(format!(
            "POST /v2/{repository}/blobs/uploads/ HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
        ))
        .await;
        assert_eq!(wire.answer().await.status, status, "{repository}");
    }
}

#[tokio::test]
async fn an_early_answer_reaches_who_is_still_sending() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    authority.sign("server", "").write(folder.path());
    let registry = Registry::builder().memory().build().unwrap();
    let server = registry.bind_tls("127.0.0.1:0", tls(folder.path())).await;
    let server = server.unwrap();
    let mut wire = connect(server.addr(), &authority, None).await.unwrap();
    let body = vec![b'x'; 16 * 1024 * 1024];
    let length = body.len();
    wire.write(format!(
        "PATCH /v2/a/blobs/uploads/1 HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n"
    ))
    .await;
    wire.write(body).await;
    let answer = wire.answer().await;
    assert_eq!(answer.status, 404);
    assert!(answer.text().contains("BLOB_UPLOAD_UNKNOWN"));
}

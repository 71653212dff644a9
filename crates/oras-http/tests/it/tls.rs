use std::sync::Arc;

use oras_http::{Client, Error, ErrorKind, Origin, Request, Response, TlsOptions};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{RootCertStore, ServerConfig};
use url::Url;

use crate::server::{Server, answer, builder, ok};

/// A private certificate authority.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: rcgen::Certificate,
}

fn parameters(name: &str) -> CertificateParams {
    CertificateParams::new(vec![name.to_owned()]).unwrap()
}

fn builder_for_server() -> rustls::ConfigBuilder<ServerConfig, rustls::WantsVerifier> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
}

fn key_of(key: &KeyPair) -> PrivateKeyDer<'static> {
    PrivateKeyDer::try_from(key.serialize_der()).unwrap()
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = parameters("ca.test");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self {
            issuer: Issuer::new(params, key),
            certificate,
        }
    }

    pub(crate) fn pem(&self) -> Vec<u8> {
        self.certificate.pem().into_bytes()
    }

    pub(crate) fn server(&self, name: &str) -> ServerConfig {
        self.server_with(parameters(name))
    }

    fn server_with(&self, params: CertificateParams) -> ServerConfig {
        let (certificate, key) = self.issue(&params);
        builder_for_server()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key_of(&key))
            .unwrap()
    }

    fn issue(&self, params: &CertificateParams) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }

    /// A server that asks for a certificate of this authority and can do without.
    fn asking_server(&self, name: &str) -> ServerConfig {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.der().clone()).unwrap();
        let verifier =
            rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .allow_unauthenticated()
                .build()
                .unwrap();
        let (certificate, key) = self.issue(&parameters(name));
        builder_for_server()
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![certificate.der().clone()], key_of(&key))
            .unwrap()
    }
}

/// A certificate as one `openssl req -x509` makes it: self-signed, and a CA.
fn self_signed_ca(change: impl FnOnce(&mut CertificateParams)) -> (Vec<u8>, ServerConfig) {
    let mut params = parameters("registry.test");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let config = builder_for_server()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key_of(&key))
        .unwrap();
    (certificate.pem().into_bytes(), config)
}

fn client_for(server: &Server, tls: TlsOptions) -> Client {
    let rule = |host: &str| {
        format!("{host}:{}:127.0.0.1", server.address.port())
            .parse()
            .unwrap()
    };
    let origin = Origin::of(&server.url_as("registry.test", "/")).unwrap();
    let client = builder()
        .origin(origin)
        .tls(tls)
        .resolve(rule("registry.test"))
        .resolve(rule("other.test"));
    client.build().unwrap()
}

fn trusting(ca_pem: Vec<u8>) -> TlsOptions {
    TlsOptions {
        ca_pem: Some(ca_pem),
        ..TlsOptions::default()
    }
}

async fn get(server: &Server, host: &str, tls: TlsOptions) -> Result<Response, Error> {
    client_for(server, tls)
        .send(Request::get(server.url_as(host, "/v2/")))
        .await
}

#[track_caller]
fn check_refused(result: Result<Response, Error>, words: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Tls);
    let expected = format!("tls: failed to verify certificate: x509: {words}");
    assert!(error.cause().starts_with(&expected), "{error}");
}

#[tokio::test]
async fn a_private_ca_is_trusted_and_no_other() {
    let authority = Authority::new();
    let server = Server::start_tls(authority.server("registry.test"), |_, _| ok("")).await;
    get(&server, "registry.test", trusting(authority.pem()))
        .await
        .unwrap();
    let unknown = "certificate signed by unknown authority";
    check_refused(
        get(&server, "registry.test", trusting(Authority::new().pem())).await,
        unknown,
    );
    check_refused(
        get(&server, "registry.test", TlsOptions::default()).await,
        unknown,
    );
    let insecure = TlsOptions {
        insecure: true,
        ..TlsOptions::default()
    };
    get(&server, "registry.test", insecure.clone())
        .await
        .unwrap();
    get(&server, "other.test", insecure).await.unwrap();
}

#[tokio::test]
async fn a_wrong_name_is_named() {
    let authority = Authority::new();
    let server = Server::start_tls(authority.server("registry.test"), |_, _| ok("")).await;
    let other = get(&server, "other.test", trusting(authority.pem())).await;
    check_refused(
        other,
        "certificate is valid for registry.test, not other.test",
    );
    let address = get(&server, "127.0.0.1", trusting(authority.pem())).await;
    check_refused(
        address,
        "cannot validate certificate for 127.0.0.1 because it doesn't contain any IP SANs",
    );
}

#[tokio::test]
async fn an_expired_certificate_is_refused() {
    let authority = Authority::new();
    let mut params = parameters("registry.test");
    params.not_after = date_time_ymd(2020, 1, 1);
    let server = Server::start_tls(authority.server_with(params), |_, _| ok("")).await;
    let expired = get(&server, "registry.test", trusting(authority.pem())).await;
    check_refused(expired, "certificate has expired or is not yet valid");
}

#[tokio::test]
async fn a_ca_as_its_own_leaf_is_accepted_if_it_is_the_one_that_is_trusted() {
    let (pem, config) = self_signed_ca(|_| {});
    let server = Server::start_tls(config, |_, _| ok("")).await;
    get(&server, "registry.test", trusting(pem.clone()))
        .await
        .unwrap();
    let unknown = "certificate signed by unknown authority";
    check_refused(
        get(&server, "registry.test", trusting(self_signed_ca(|_| {}).0)).await,
        unknown,
    );
    check_refused(
        get(&server, "registry.test", TlsOptions::default()).await,
        unknown,
    );
    let wrong = get(&server, "other.test", trusting(pem)).await;
    check_refused(
        wrong,
        "certificate is valid for registry.test, not other.test",
    );
}

#[tokio::test]
async fn a_trusted_leaf_must_still_be_valid_today() {
    for (pem, config) in [
        self_signed_ca(|params| params.not_after = date_time_ymd(2020, 1, 1)),
        self_signed_ca(|params| params.not_before = date_time_ymd(2090, 1, 1)),
    ] {
        let server = Server::start_tls(config, |_, _| ok("")).await;
        let result = get(&server, "registry.test", trusting(pem)).await;
        check_refused(result, "certificate has expired or is not yet valid");
    }
}

#[tokio::test]
async fn a_ca_issued_by_a_trusted_ca_is_no_leaf() {
    let authority = Authority::new();
    let mut params = parameters("registry.test");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let server = Server::start_tls(authority.server_with(params), |_, _| ok("")).await;
    assert_eq!(
        get(&server, "registry.test", trusting(authority.pem()))
            .await
            .unwrap_err()
            .kind(),
        ErrorKind::Tls
    );
}

#[tokio::test]
async fn the_client_certificate_is_shown_to_its_origin_only() {
    let authority = Authority::new();
    let (certificate, key) = authority.issue(&parameters("client.test"));
    let identity = Some((
        certificate.pem().into_bytes(),
        key.serialize_pem().into_bytes(),
    ));
    let tls = TlsOptions {
        identity,
        ..trusting(authority.pem())
    };
    let server = Server::start_tls(authority.asking_server("registry.test"), |_, _| ok("")).await;
    let elsewhere =
        Server::start_tls(authority.asking_server("registry.test"), |_, _| ok("")).await;

    let away: Url = elsewhere.url_as("registry.test", "/");
    let rule = |server: &Server| {
        format!("registry.test:{}:127.0.0.1", server.address.port())
            .parse()
            .unwrap()
    };
    let client = builder()
        .origin(Origin::of(&server.url_as("registry.test", "/")).unwrap())
        .tls(tls)
        .resolve(rule(&server))
        .resolve(rule(&elsewhere))
        .build()
        .unwrap();
    client
        .send(Request::get(server.url_as("registry.test", "/")))
        .await
        .unwrap();
    client.send(Request::get(away)).await.unwrap();
    assert!(server.requests()[0].client_certificate);
    assert!(!elsewhere.requests()[0].client_certificate);
}

#[test]
fn unusable_certificates_and_keys_are_explained() {
    let authority = Authority::new();
    let (certificate, key) = authority.issue(&parameters("client.test"));
    let (certificate, key) = (
        certificate.pem().into_bytes(),
        key.serialize_pem().into_bytes(),
    );
    let other_key = KeyPair::generate().unwrap().serialize_pem().into_bytes();
    let origin = Origin::of(&"https://registry.test".parse().unwrap()).unwrap();
    for (certificate, key, words) in [
        (
            &certificate,
            &certificate,
            "tls: found a certificate rather than a key in the PEM for the private key",
        ),
        (
            &key,
            &key,
            "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched",
        ),
        (
            &Vec::new(),
            &key,
            "tls: failed to find any PEM data in certificate input",
        ),
        (
            &certificate,
            &Vec::new(),
            "tls: failed to find any PEM data in key input",
        ),
        (
            &certificate,
            &other_key,
            "tls: private key does not match public key",
        ),
    ] {
        let identity = Some((certificate.clone(), key.clone()));
        let tls = TlsOptions {
            identity,
            ..TlsOptions::default()
        };
        let error = Client::builder()
            .origin(origin.clone())
            .tls(tls)
            .build()
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (ErrorKind::Config, words)
        );
    }
}

/// Self-signed and of X.509 version 1: what `openssl x509 -req` makes when nobody asks for extensions.
const OLD_CERTIFICATE: &str = "\
-----BEGIN CERTIFICATE-----\n\
MIIBGDCBvwIUATj0TdMK+LlapISyse2r+r/CSekwCgYIKoZIzj0EAwIwDjEMMAoG\n\
A1UEAwwDb2xkMCAXDTI2MTEyMTAyMjQ1OFoYDzIxMjYxMDI4MDIyNDU4WjAOMQww\n\
CgYDVQQDDANvbGQwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARZpd5pbBxILlcj\n\
aWlAy1K0fQGDbDSP156CHCDvW/3TfnV3v5HSgeyM3tbIdJUt0ZoJAZAuI1/g+YfD\n\
4akrGBtGMAoGCCqGSM49BAMCA0gAMEUCIQDQNYdwYInPQf14wko+xcuxy4b+7RpR\n\
bscAPsnrmHpAcgIgNyu6T/jlqOo9jHV8fSZ9ftvtmKVDHNhbSgRYBS+av1s=\n\
-----END CERTIFICATE-----";
const OLD_KEY: &str = "\
-----BEGIN PRIVATE KEY-----\n\
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgRKHUF6h2r1I/mLDG\n\
b/PUCl4Nt9wE8gWcf3NKXyp1spehRANCAARZpd5pbBxILlcjaWlAy1K0fQGDbDSP\n\
156CHCDvW/3TfnV3v5HSgeyM3tbIdJUt0ZoJAZAuI1/g+YfD4akrGBtG\n\
-----END PRIVATE KEY-----";

#[test]
fn a_client_certificate_without_extensions_is_shown_as_it_is() {
    let tls = TlsOptions {
        identity: Some((OLD_CERTIFICATE.into(), OLD_KEY.into())),
        ..TlsOptions::default()
    };
    let origin = Origin::of(&"https://registry.test".parse().unwrap()).unwrap();
    Client::builder().origin(origin).tls(tls).build().unwrap();
}

#[tokio::test]
async fn a_server_certificate_without_extensions_is_for_the_careless() {
    let chain = CertificateDer::from_pem_slice(OLD_CERTIFICATE.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(OLD_KEY.as_bytes()).unwrap();
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let key = provider.key_provider.load_private_key(key).unwrap();
    let identity = rustls::sign::CertifiedKey::new(vec![chain], key);
    let config = builder_for_server()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(identity)));
    let server = Server::start_tls(config, |_, _| ok("")).await;
    let insecure = TlsOptions {
        insecure: true,
        ..TlsOptions::default()
    };
    get(&server, "registry.test", insecure).await.unwrap();
    let unknown = get(&server, "registry.test", TlsOptions::default()).await;
    check_refused(unknown, "certificate signed by unknown authority");
    let nameless = get(&server, "registry.test", trusting(OLD_CERTIFICATE.into())).await;
    assert_eq!(nameless.unwrap_err().kind(), ErrorKind::Tls);
}

#[tokio::test]
async fn a_downgrade_never_repeats_credentials_or_a_body() {
    let authority = Authority::new();
    let plain = Server::start(|_, _| ok("")).await;
    let away = plain.url("/").to_string();
    let server = Server::start_tls(authority.server("registry.test"), move |_, _| {
        answer("307 Temporary Redirect", &[("Location", &away)], "")
    })
    .await;
    let client = client_for(&server, trusting(authority.pem()));
    let url = server.url_as("registry.test", "/");
    client
        .send(Request::get(url.clone()).header("Authorization", "Bearer t"))
        .await
        .unwrap();
    assert_eq!(plain.requests()[0].header("authorization"), None);

    let request = Request::new(http::Method::PUT, url).body(oras_http::Body::bytes("x"));
    assert_eq!(
        client.send(request).await.unwrap_err().kind(),
        ErrorKind::Redirect
    );
    assert_eq!(plain.requests().len(), 1);
}

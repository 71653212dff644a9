use std::fmt;
use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{PemObject as _, SectionKind};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{CertificateError, ClientConfig, InconsistentKeys};
use tokio::sync::OnceCell;

use crate::der;
use crate::error::Error;
use crate::verify::{Insecure, Verifier};

/// What the client offers. HTTP/2 would cost half a megabyte of program: it has to show first what it is good for.
const ALPN: [&[u8]; 1] = [b"http/1.1"];

/// Trust and identity for TLS connections.
#[derive(Clone, Default)]
pub struct TlsOptions {
    /// PEM text with CA certificates that *replace* the roots of the system.
    pub ca_pem: Option<Vec<u8>>,
    /// PEM texts of a client certificate chain and its private key, shown to the client's origin only.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
    /// Accept any server certificate.
    pub insecure: bool,
}

impl fmt::Debug for TlsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsOptions")
            .field("ca_pem", &self.ca_pem.is_some())
            .field("identity", &self.identity.is_some())
            .field("insecure", &self.insecure)
            .finish()
    }
}

/// The TLS side of a client. Options are checked at once, system roots are read at the first connection.
pub(crate) struct Tls {
    provider: Arc<CryptoProvider>,
    /// The user's own trust anchors; `None` for those of the system.
    anchors: Option<Vec<CertificateDer<'static>>>,
    identity: Option<Arc<SingleCertAndKey>>,
    insecure: bool,
    configs: OnceCell<Configs>,
}

/// One configuration for the client's origin, one without the client certificate for everybody else.
struct Configs {
    origin: Arc<ClientConfig>,
    others: Arc<ClientConfig>,
}

impl Tls {
    pub(crate) fn new(options: &TlsOptions) -> Result<Self, Error> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let anchors = options.ca_pem.as_deref().map(trust_anchors).transpose()?;
        let identity = match &options.identity {
            Some((chain, key)) => Some(identity(chain, key, &provider)?),
            None => None,
        };
        Ok(Self {
            provider,
            anchors,
            identity,
            insecure: options.insecure,
            configs: OnceCell::new(),
        })
    }

    /// The configuration for a connection, with the client certificate or without.
    pub(crate) async fn config(
        &self,
        with_identity: bool,
    ) -> Result<Arc<ClientConfig>, rustls::Error> {
        let configs = self.configs.get_or_try_init(|| self.load()).await?;
        Ok(Arc::clone(if with_identity {
            &configs.origin
        } else {
            &configs.others
        }))
    }

    async fn load(&self) -> Result<Configs, rustls::Error> {
        let verifier: Arc<dyn ServerCertVerifier> = if self.insecure {
            Arc::new(Insecure(self.provider.signature_verification_algorithms))
        } else {
            let anchors = match &self.anchors {
                Some(anchors) => anchors.clone(),
                None => system_roots().await,
            };
            Arc::new(Verifier::new(anchors, &self.provider))
        };
        let builder = || {
            let builder = ClientConfig::builder_with_provider(Arc::clone(&self.provider));
            let builder = builder.with_safe_default_protocol_versions()?;
            let verifier = Arc::clone(&verifier);
            Ok::<_, rustls::Error>(
                builder
                    .dangerous()
                    .with_custom_certificate_verifier(verifier),
            )
        };
        let others = Arc::new(with_alpn(builder()?.with_no_client_auth()));
        let origin = match &self.identity {
            Some(identity) => Arc::new(with_alpn(
                builder()?.with_client_cert_resolver(Arc::clone(identity) as _),
            )),
            None => Arc::clone(&others),
        };
        Ok(Configs { origin, others })
    }
}

fn with_alpn(mut config: ClientConfig) -> ClientConfig {
    config.alpn_protocols = ALPN.iter().map(|protocol| protocol.to_vec()).collect();
    config
}

async fn system_roots() -> Vec<CertificateDer<'static>> {
    let loaded = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs).await;
    let Ok(loaded) = loaded else {
        return Vec::new();
    };
    for error in &loaded.errors {
        tracing::debug!(%error, "some trust roots of the system cannot be read");
    }
    loaded.certs
}

fn trust_anchors(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .filter_map(Result::ok)
        .collect();
    let (usable, _) =
        rustls::RootCertStore::empty().add_parsable_certificates(certificates.iter().cloned());
    if usable == 0 {
        return Err(Error::config("no usable certificate in the CA file"));
    }
    Ok(certificates)
}

fn identity(
    chain_pem: &[u8],
    key_pem: &[u8],
    provider: &CryptoProvider,
) -> Result<Arc<SingleCertAndKey>, Error> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(chain_pem)
        .filter_map(Result::ok)
        .collect();
    if chain.is_empty() {
        return Err(Error::config(missing_certificate(chain_pem)));
    }
    let key =
        PrivateKeyDer::from_pem_slice(key_pem).map_err(|_| Error::config(missing_key(key_pem)))?;
    let failed = |error: rustls::Error| Error::config(format!("tls: {error}")).with_source(error);
    let key = provider
        .key_provider
        .load_private_key(key)
        .map_err(failed)?;
    let is_certificate = der::validity(&chain[0]).is_some();
    let identity = CertifiedKey::new(chain, key);
    match identity.keys_match() {
        // Keys whose public half cannot be derived: the server will tell.
        Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => {}
        Err(rustls::Error::InconsistentKeys(_)) => {
            return Err(Error::config("tls: private key does not match public key"));
        }
        // X.509 version 1 and other certificates that servers accept and webpki does not look into.
        Err(rustls::Error::InvalidCertificate(CertificateError::Other(_))) if is_certificate => {}
        Err(error) => return Err(failed(error)),
    }
    Ok(Arc::new(identity.into()))
}

fn missing_certificate(pem: &[u8]) -> &'static str {
    let sections = sections(pem);
    if sections.is_empty() {
        return "tls: failed to find any PEM data in certificate input";
    }
    if sections.iter().any(is_private_key) {
        return "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched";
    }
    "tls: failed to find \"CERTIFICATE\" PEM block in certificate input"
}

fn missing_key(pem: &[u8]) -> &'static str {
    let sections = sections(pem);
    if sections.is_empty() {
        return "tls: failed to find any PEM data in key input";
    }
    if sections.contains(&SectionKind::Certificate) {
        return "tls: found a certificate rather than a key in the PEM for the private key";
    }
    "tls: failed to find PEM block with type ending in \"PRIVATE KEY\" in key input"
}

fn is_private_key(kind: &SectionKind) -> bool {
    matches!(
        kind,
        SectionKind::PrivateKey | SectionKind::RsaPrivateKey | SectionKind::EcPrivateKey
    )
}

fn sections(pem: &[u8]) -> Vec<SectionKind> {
    let sections = <(SectionKind, Vec<u8>)>::pem_slice_iter(pem);
    sections
        .filter_map(Result::ok)
        .map(|(kind, _)| kind)
        .collect()
}

//! TLS: certificates from files, loaded again when they change.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::certificate::{Lenient, identify};
use crate::observe;
use crate::peer::Certificate;
use crate::registry::Shared;
use crate::stamp::Stamp;

/// What is spoken inside of TLS.
const ALPN: &[u8] = b"http/1.1";
/// How often files are looked at, at most.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Where certificates come from, and what clients have to show.
#[derive(Clone, Debug)]
#[must_use]
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    client_ca: Option<PathBuf>,
    client_auth: ClientAuth,
}

/// What clients have to show when there is an authority that signs their certificates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientAuth {
    /// Nothing; but a good certificate makes them known. With a bad one they are as unknown as without any.
    Request,
    /// A good certificate: without it there is no connection.
    #[default]
    Require,
}

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file can't be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is nothing usable in a file.
    #[error("{path} has no {what} in PEM format")]
    Empty {
        /// The file.
        path: PathBuf,
        /// What should be there.
        what: &'static str,
        /// What is wrong with it.
        source: pem::Error,
    },
    /// The key is another one than that of the certificate.
    #[error("the key in {key} is not that of the certificate in {certificate}")]
    Mismatch {
        /// The file with the certificate.
        certificate: PathBuf,
        /// The file with the key.
        key: PathBuf,
    },
    /// Certificate or key are of a kind that can't be used.
    #[error("cannot use the certificate of {certificate} with the key of {key}")]
    Pair {
        /// The file with the certificate.
        certificate: PathBuf,
        /// The file with the key.
        key: PathBuf,
        /// What is wrong with them.
        source: rustls::Error,
    },
    /// What should sign client certificates can't.
    #[error("cannot use {path} as authority for client certificates: {reason}")]
    ClientCa {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Reading was given up because the program ends.
    #[error("reading certificates was interrupted")]
    Interrupted,
}

impl Tls {
    /// A chain of certificates, the server's own first, and its private key, both in PEM format. The files are read when
    /// a registry is bound, and again when they change.
    pub fn from_files(certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        Self {
            certificate: certificate.into(),
            key: key.into(),
            client_ca: None,
            client_auth: ClientAuth::default(),
        }
    }

    /// Certificates in PEM format of who signs those of clients. Without a word about [`client_auth`](Self::client_auth)
    /// clients then have to show one.
    pub fn client_ca(mut self, path: impl Into<PathBuf>) -> Self {
        self.client_ca = Some(path.into());
        self
    }

    /// What clients have to show. Without [`client_ca`](Self::client_ca) it means nothing.
    pub fn client_auth(mut self, client_auth: ClientAuth) -> Self {
        self.client_auth = client_auth;
        self
    }

    /// Whether a registry could be bound with these files as they are now.
    ///
    /// # Errors
    /// [`TlsError`] if one of them can't be read, or they don't fit together.
    pub async fn check(self) -> Result<(), TlsError> {
        Acceptor::load(self).await.map(drop)
    }

    fn load(&self) -> Result<Loaded, TlsError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = match &self.client_ca {
            Some(path) => Some(client_verifier(path, &provider)?),
            None => None,
        };
        let pair = |source| {
            let (certificate, key) = (self.certificate.clone(), self.key.clone());
            match source {
                rustls::Error::InconsistentKeys(_) => TlsError::Mismatch { certificate, key },
                source => TlsError::Pair {
                    certificate,
                    key,
                    source,
                },
            }
        };
        let chain = certificates(&self.certificate)?;
        let key = PrivateKeyDer::from_pem_slice(&read(&self.key)?);
        let key = key.map_err(|source| TlsError::Empty {
            path: self.key.clone(),
            what: "private key",
            source,
        })?;
        let config = ServerConfig::builder_with_provider(provider);
        let config = config.with_safe_default_protocol_versions().map_err(pair)?;
        let config = match (&verifier, self.client_auth) {
            (None, _) => config.with_no_client_auth(),
            (Some(verifier), ClientAuth::Require) => {
                config.with_client_cert_verifier(Arc::clone(verifier))
            }
            (Some(verifier), ClientAuth::Request) => {
                config.with_client_cert_verifier(Arc::new(Lenient(Arc::clone(verifier))))
            }
        };
        let mut config = config.with_single_cert(chain, key).map_err(pair)?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(Loaded {
            config: Arc::new(config),
            verifier,
            client_auth: self.client_auth,
        })
    }

    /// What the files look like from outside.
    fn stamps(&self) -> Stamps {
        let files = [
            Some(&self.certificate),
            Some(&self.key),
            self.client_ca.as_ref(),
        ];
        files.map(|file| Stamp::at(file?))
    }
}

type Stamps = [Option<Stamp>; 3];

/// Everything that is made of the files.
struct Loaded {
    config: Arc<ServerConfig>,
    verifier: Option<Arc<dyn ClientCertVerifier>>,
    client_auth: ClientAuth,
}

/// Accepts TLS connections with the certificates that are valid at that time.
pub(super) struct Acceptor {
    tls: Arc<Tls>,
    loaded: RwLock<Arc<Loaded>>,
    looked: Mutex<Looked>,
}

/// When somebody looked last, what was seen, and whether it could not be loaded.
struct Looked {
    at: Instant,
    seen: Stamps,
    broken: bool,
}

impl Acceptor {
    pub(super) async fn load(tls: Tls) -> Result<Self, TlsError> {
        let tls = Arc::new(tls);
        let (seen, loaded) = look(&tls, None).await?;
        let loaded = loaded.ok_or(TlsError::Interrupted)??;
        Ok(Self {
            tls,
            loaded: RwLock::new(Arc::new(loaded)),
            looked: Mutex::new(Looked {
                at: Instant::now(),
                seen,
                broken: false,
            }),
        })
    }

    /// Loads the files whether they changed or not.
    pub(super) async fn reload(&self) -> Result<(), TlsError> {
        let mut looked = self.looked.lock().await;
        let (seen, loaded) = look(&self.tls, None).await?;
        self.take_over(&mut looked, seen, loaded.ok_or(TlsError::Interrupted)?)
    }

    /// Shakes hands, and finds out whom the client's certificate names.
    pub(super) async fn accept(
        &self,
        stream: TcpStream,
        shared: &Shared,
    ) -> io::Result<(TlsStream<TcpStream>, Option<Certificate>)> {
        self.refresh(shared).await;
        let loaded = {
            let loaded = self.loaded.read().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(&loaded)
        };
        let acceptor = TlsAcceptor::from(Arc::clone(&loaded.config));
        let stream = acceptor.accept(stream).await?;
        let Some(verifier) = &loaded.verifier else {
            return Ok((stream, None));
        };
        let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let certificate = match (identify(verifier.as_ref(), chain), loaded.client_auth) {
            (Ok(certificate), _) => certificate,
            (Err(_), ClientAuth::Request) => None,
            (Err(error), ClientAuth::Require) => return Err(io::Error::other(error)),
        };
        Ok((stream, certificate))
    }

    /// Loads the files if they changed. One connection looks at a time, the others don't wait for it.
    async fn refresh(&self, shared: &Shared) {
        let Ok(mut looked) = self.looked.try_lock() else {
            return;
        };
        if looked.at.elapsed() < LOOK_EVERY {
            return;
        }
        looked.at = Instant::now();
        // What is broken may just not have been complete.
        let known = (!looked.broken).then_some(looked.seen);
        let before = looked.broken.then_some(looked.seen);
        let Ok((seen, Some(loaded))) = look(&self.tls, known).await else {
            return;
        };
        if let Err(error) = self.take_over(&mut looked, seen, loaded)
            && before != Some(seen)
        {
            shared.metrics.failed_reloads.count();
            if let Some(observer) = &shared.observer {
                observer.trouble(&observe::told("the old certificate stays in use", &error));
            }
        }
    }

    fn take_over(
        &self,
        looked: &mut Looked,
        seen: Stamps,
        loaded: Result<Loaded, TlsError>,
    ) -> Result<(), TlsError> {
        looked.seen = seen;
        looked.broken = loaded.is_err();
        let loaded = Arc::new(loaded?);
        *self.loaded.write().unwrap_or_else(PoisonError::into_inner) = loaded;
        Ok(())
    }
}

/// Looks at the files, and loads them unless they look like `known`.
async fn look(
    tls: &Arc<Tls>,
    known: Option<Stamps>,
) -> Result<(Stamps, Option<Result<Loaded, TlsError>>), TlsError> {
    let tls = Arc::clone(tls);
    let looking = tokio::task::spawn_blocking(move || {
        // In this order: what changes in between is seen as a change the next time.
        let seen = tls.stamps();
        let loaded = (known != Some(seen)).then(|| tls.load());
        (seen, loaded)
    });
    looking.await.map_err(|_| TlsError::Interrupted)
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|source| TlsError::Read {
        path: path.to_owned(),
        source,
    })
}

/// At least one certificate.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let empty = |source| TlsError::Empty {
        path: path.to_owned(),
        what: "certificate",
        source,
    };
    let text = read(path)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let certificates = certificates.map_err(empty)?;
    match certificates.is_empty() {
        true => Err(empty(pem::Error::NoItemsFound)),
        false => Ok(certificates),
    }
}

fn client_verifier(
    path: &Path,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let unusable = |reason: String| TlsError::ClientCa {
        path: path.to_owned(),
        reason,
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        let added = roots.add(certificate);
        added.map_err(|error| unusable(error.to_string()))?;
    }
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    verifier
        .build()
        .map_err(|error| unusable(error.to_string()))
}

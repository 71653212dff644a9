//! The check of a server's certificate.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use crate::der;

/// webpki's rules, and one case more: a server may present the very certificate that the user trusts.
///
/// webpki refuses a CA certificate as a server's own. But a self-signed certificate made with one `openssl` command is
/// just that, and it is how most private registries in labs are set up. If the bytes are those of a configured trust
/// anchor there is no signature left to check; name and dates are checked all the same.
#[derive(Debug)]
pub(crate) struct Verifier {
    /// Absent without any root: then nothing is trusted, which is an answer and not a configuration error.
    webpki: Option<Arc<WebPkiServerVerifier>>,
    anchors: Vec<CertificateDer<'static>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    pub(crate) fn new(
        anchors: Vec<CertificateDer<'static>>,
        provider: &Arc<CryptoProvider>,
    ) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(anchors.iter().cloned());
        let webpki =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
                .build()
                .ok();
        Self {
            webpki,
            anchors,
            algorithms: provider.signature_verification_algorithms,
        }
    }

    fn accept_anchor(
        &self,
        certificate: &CertificateDer<'_>,
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let (not_before, not_after) =
            der::validity(certificate).ok_or(CertificateError::BadEncoding)?;
        if now.as_secs() < not_before.as_secs() {
            return Err(CertificateError::NotValidYetContext {
                time: now,
                not_before,
            }
            .into());
        }
        if now.as_secs() > not_after.as_secs() {
            return Err(CertificateError::ExpiredContext {
                time: now,
                not_after,
            }
            .into());
        }
        // Without extensions there is no name, so webpki need not look into the certificate.
        let parsed = ParsedCertificate::try_from(certificate);
        let parsed = parsed.map_err(|_| CertificateError::NotValidForName)?;
        verify_server_name(&parsed, name)?;
        Ok(ServerCertVerified::assertion())
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict = match &self.webpki {
            Some(webpki) => webpki.verify_server_cert(
                end_entity,
                intermediates,
                server_name,
                ocsp_response,
                now,
            ),
            None => Err(CertificateError::UnknownIssuer.into()),
        };
        let Err(Error::InvalidCertificate(problem)) = &verdict else {
            return verdict;
        };
        let undecided = matches!(
            problem,
            CertificateError::UnknownIssuer | CertificateError::Other(_)
        );
        if undecided
            && self
                .anchors
                .iter()
                .any(|anchor| anchor.as_ref() == end_entity.as_ref())
        {
            return self.accept_anchor(end_entity, server_name, now);
        }
        if is_refused_as_leaf(problem) {
            return Err(CertificateError::UnknownIssuer.into());
        }
        verdict
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// rustls has no variant for webpki's refusal of a CA, or of a certificate without extensions, as a server. Only the
/// words of the error depend on this.
fn is_refused_as_leaf(problem: &CertificateError) -> bool {
    let CertificateError::Other(other) = problem else {
        return false;
    };
    let text = other.0.to_string();
    text.contains("CaUsedAsEndEntity") || text.contains("UnsupportedCertVersion")
}

/// Accepts every certificate, as the user asked. That the server holds its key is still checked, unless webpki can't look
/// into the certificate: who accepts any certificate accepts any key.
#[derive(Debug)]
pub(crate) struct Insecure(pub(crate) WebPkiSupportedAlgorithms);

impl ServerCertVerifier for Insecure {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        unless_opaque(verify_tls12_signature(message, cert, dss, &self.0))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        unless_opaque(verify_tls13_signature(message, cert, dss, &self.0))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}

fn unless_opaque(
    checked: Result<HandshakeSignatureValid, Error>,
) -> Result<HandshakeSignatureValid, Error> {
    match checked {
        Err(Error::InvalidCertificate(CertificateError::Other(_))) => {
            Ok(HandshakeSignatureValid::assertion())
        }
        checked => checked,
    }
}

//! Client certificates: checking them, and whom they name.

use std::sync::Arc;

use der::asn1::{
    AnyRef, BmpString, Ia5StringRef, ObjectIdentifier, PrintableStringRef, TeletexStringRef,
    Utf8StringRef,
};
use der::{Decode, Reader, SliceReader, Tag, Tagged};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use webpki::EndEntityCert;

use crate::peer::Certificate;

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const ORGANIZATIONAL_UNIT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.11");

/// Lets everybody in, with any certificate or none. Only a holder of the key gets through, but who signed the
/// certificate has to be asked again before anything in it counts.
#[derive(Debug)]
pub(super) struct Lenient(pub(super) Arc<dyn ClientCertVerifier>);

impl ClientCertVerifier for Lenient {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.0.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// Whom a chain of certificates names, after checking that one of the authorities signed it.
pub(super) fn identify(
    verifier: &dyn ClientCertVerifier,
    chain: &[CertificateDer<'_>],
) -> Result<Option<Certificate>, Error> {
    let Some((certificate, intermediates)) = chain.split_first() else {
        return Ok(None);
    };
    verifier.verify_client_cert(certificate, intermediates, UnixTime::now())?;
    Ok(subject(certificate))
}

fn subject(certificate: &CertificateDer<'_>) -> Option<Certificate> {
    let certificate = EndEntityCert::try_from(certificate).ok()?;
    named(certificate.subject()).ok()
}

/// Reads a name (RFC 5280, section 4.1.2.4), without the tag and length in front.
fn named(name: &[u8]) -> der::Result<Certificate> {
    let mut found = Certificate::default();
    let mut sets = SliceReader::new(name)?;
    while !sets.is_finished() {
        let set = AnyRef::decode(&mut sets)?;
        let mut attributes = SliceReader::new(set.value())?;
        while !attributes.is_finished() {
            let (kind, value) = attributes.sequence(|attribute| {
                Ok((
                    ObjectIdentifier::decode(attribute)?,
                    AnyRef::decode(attribute)?,
                ))
            })?;
            match kind {
                COMMON_NAME => found.common_name = text(value).unwrap_or_default(),
                ORGANIZATIONAL_UNIT => found.organizational_units.extend(text(value)),
                _ => {}
            }
        }
    }
    Ok(found)
}

/// What an attribute says, if it is text that can be shown.
fn text(value: AnyRef<'_>) -> Option<String> {
    let text = match value.tag() {
        Tag::Utf8String => value.decode_as::<Utf8StringRef<'_>>().ok()?.to_string(),
        Tag::PrintableString => value
            .decode_as::<PrintableStringRef<'_>>()
            .ok()?
            .to_string(),
        Tag::Ia5String => value.decode_as::<Ia5StringRef<'_>>().ok()?.to_string(),
        Tag::TeletexString => value.decode_as::<TeletexStringRef<'_>>().ok()?.to_string(),
        Tag::BmpString => value.decode_as::<BmpString>().ok()?.to_string(),
        _ => return None,
    };
    (!text.chars().any(char::is_control)).then_some(text)
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, DnValue, KeyPair};

    use super::*;

    fn check(names: &[(DnType, DnValue)], common_name: &str, units: &[&str]) {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        for (kind, value) in names {
            params.distinguished_name.push(kind.clone(), value.clone());
        }
        let key = KeyPair::generate().unwrap();
        let found = subject(params.self_signed(&key).unwrap().der()).unwrap();
        assert_eq!(found.common_name, common_name);
        assert_eq!(found.organizational_units, units);
    }

    #[test]
    fn the_subject_names_a_user_and_units() {
        let utf8 = |text: &str| DnValue::Utf8String(text.to_owned());
        check(&[], "", &[]);
        check(&[(DnType::CommonName, utf8("änne"))], "änne", &[]);
        let printable = DnValue::PrintableString("ann".try_into().unwrap());
        let names = [
            (DnType::OrganizationName, utf8("x")),
            (DnType::OrganizationalUnitName, utf8("team a")),
            (DnType::CommonName, printable),
        ];
        check(&names, "ann", &["team a"]);
        check(&[(DnType::CommonName, utf8("a\nb"))], "", &[]);
    }

    #[test]
    fn what_is_no_certificate_names_nobody() {
        let nonsense = CertificateDer::from(b"\x30\x03\x02\x01\x01".as_slice());
        assert_eq!(subject(&nonsense), None);
        for name in [&b"\x31"[..], b"\x31\x05\x30\x00", b"\x31\x02\x05\x00"] {
            assert!(named(name).is_err(), "{name:x?}");
        }
    }
}

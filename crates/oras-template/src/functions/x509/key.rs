//! Private keys: RSA, ECDSA on P-256, and Ed25519.

use aws_lc_rs::encoding::{AsDer as _, EcPrivateKeyRfc5915Der, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RsaKeyPair,
};

use super::der::{BYTES, NULL, OID, bits, element, from_pem, sequence, take, to_pem};

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const RSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const ECDSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// A key that can sign, with its own encoding.
pub(super) enum Key {
    Rsa(RsaKeyPair, Vec<u8>),
    Ecdsa(EcdsaKeyPair, Vec<u8>),
    Ed25519(Ed25519KeyPair, Vec<u8>),
}

/// What is inside of the wrapping that all kinds of keys share.
fn unwrapped(pkcs8: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = pkcs8;
    let outer = take(&mut bytes)?;
    let mut parts = outer.content;
    take(&mut parts)?;
    take(&mut parts)?;
    let key = take(&mut parts).filter(|key| key.tag == BYTES)?;
    Some(key.content.to_vec())
}

impl Key {
    pub(super) fn rsa(size: KeySize) -> Option<Self> {
        Self::of_rsa(RsaKeyPair::generate(size).ok()?)
    }

    fn of_rsa(pair: RsaKeyPair) -> Option<Self> {
        let pkcs8: Pkcs8V1Der<'_> = pair.as_der().ok()?;
        let own = unwrapped(pkcs8.as_ref())?;
        Some(Self::Rsa(pair, own))
    }

    pub(super) fn ecdsa() -> Option<Self> {
        Self::of_ecdsa(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).ok()?)
    }

    fn of_ecdsa(pair: EcdsaKeyPair) -> Option<Self> {
        let der: EcPrivateKeyRfc5915Der<'_> = pair.private_key().as_der().ok()?;
        let own = der.as_ref().to_vec();
        Some(Self::Ecdsa(pair, own))
    }

    pub(super) fn ed25519() -> Option<Self> {
        Self::of_ed25519(Ed25519KeyPair::generate().ok()?)
    }

    fn of_ed25519(pair: Ed25519KeyPair) -> Option<Self> {
        let own = pair.to_pkcs8v1().ok()?.as_ref().to_vec();
        Some(Self::Ed25519(pair, own))
    }

    /// # Errors
    /// If it is no key, or none of a kind that is supported.
    pub(super) fn of_pem(text: &str) -> Result<Self, String> {
        let (label, der) = from_pem(text).ok_or("no PEM data in input")?;
        let alg = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let (key, what) = match label {
            "RSA PRIVATE KEY" => {
                let pair = RsaKeyPair::from_der(&der).ok();
                (
                    pair.and_then(Self::of_rsa),
                    "parsing RSA private key from PEM",
                )
            }
            "EC PRIVATE KEY" => {
                let pair = EcdsaKeyPair::from_private_key_der(alg, &der).ok();
                (
                    pair.and_then(Self::of_ecdsa),
                    "parsing EC private key from PEM",
                )
            }
            "PRIVATE KEY" => {
                let rsa = || RsaKeyPair::from_pkcs8(&der).ok().and_then(Self::of_rsa);
                let ecdsa = || {
                    EcdsaKeyPair::from_pkcs8(alg, &der)
                        .ok()
                        .and_then(Self::of_ecdsa)
                };
                let ed25519 = || {
                    let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).ok();
                    pair.and_then(Self::of_ed25519)
                };
                (
                    rsa().or_else(ecdsa).or_else(ed25519),
                    "decoding PEM as PKCS#8",
                )
            }
            other => {
                return Err(match other.strip_suffix(" PRIVATE KEY") {
                    Some(kind) => format!("invalid private key type {kind}"),
                    None => format!("no private key data in PEM block of type {other}"),
                });
            }
        };
        key.ok_or_else(|| format!("{what}: the key is malformed or of an unsupported kind"))
    }

    pub(super) fn pem(&self) -> String {
        match self {
            Self::Rsa(_, own) => to_pem("RSA PRIVATE KEY", own),
            Self::Ecdsa(_, own) => to_pem("EC PRIVATE KEY", own),
            Self::Ed25519(_, own) => to_pem("PRIVATE KEY", own),
        }
    }

    pub(super) fn public(&self) -> &[u8] {
        match self {
            Self::Rsa(pair, _) => pair.public_key().as_ref(),
            Self::Ecdsa(pair, _) => pair.public_key().as_ref(),
            Self::Ed25519(pair, _) => pair.public_key().as_ref(),
        }
    }

    /// The public key as certificates have it.
    pub(super) fn public_info(&self) -> Vec<u8> {
        let algorithm = match self {
            Self::Rsa(..) => sequence(&[element(OID, RSA), element(NULL, &[])]),
            Self::Ecdsa(..) => sequence(&[element(OID, EC), element(OID, P256)]),
            Self::Ed25519(..) => sequence(&[element(OID, ED25519)]),
        };
        sequence(&[algorithm, bits(self.public())])
    }

    /// How it signs.
    pub(super) fn algorithm(&self) -> Vec<u8> {
        match self {
            Self::Rsa(..) => sequence(&[element(OID, RSA_SHA256), element(NULL, &[])]),
            Self::Ecdsa(..) => sequence(&[element(OID, ECDSA_SHA256)]),
            Self::Ed25519(..) => sequence(&[element(OID, ED25519)]),
        }
    }

    pub(super) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair, _) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .ok()?;
                Some(signature)
            }
            Self::Ecdsa(pair, _) => Some(pair.sign(&random, message).ok()?.as_ref().to_vec()),
            Self::Ed25519(pair, _) => Some(pair.sign(message).as_ref().to_vec()),
        }
    }
}

//! Keys and certificates.

mod der;
mod key;

use std::net::IpAddr;
use std::rc::Rc;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use aws_lc_rs::rsa::KeySize;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::Param::{Anys, Certificate as Pair, Int, Str};
use super::{Call, Function, Result, fixed};
use crate::value::{Certificate, Value};
use der::{BITS, BYTES, INTEGER, OID, SEQUENCE, bits, element, from_pem, sequence, take, to_pem};
use key::Key;

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("genPrivateKey", &[Str], private_key),
    fixed("buildCustomCert", &[Str, Str], custom),
    fixed("genCA", &[Str, Int], |call| authority(call, &fresh()?)),
    fixed("genCAWithKey", &[Str, Int, Str], |call| {
        authority(call, &given(call, 2)?)
    }),
    fixed("genSelfSignedCert", &[Str, Anys, Anys, Int], |call| {
        self_signed(call, &fresh()?)
    }),
    fixed(
        "genSelfSignedCertWithKey",
        &[Str, Anys, Anys, Int, Str],
        |call| self_signed(call, &given(call, 4)?),
    ),
    fixed("genSignedCert", &[Str, Anys, Anys, Int, Pair], |call| {
        signed(call, &fresh()?)
    }),
    fixed(
        "genSignedCertWithKey",
        &[Str, Anys, Anys, Int, Pair, Str],
        |call| signed(call, &given(call, 5)?),
    ),
];

type Or<T> = std::result::Result<T, String>;

const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
const SUBJECT_KEY: &[u8] = &[0x55, 0x1d, 0x0e];
const AUTHORITY_KEY: &[u8] = &[0x55, 0x1d, 0x23];
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 0x11];
const SERVER: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01];
const CLIENT: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02];

fn private_key(call: &Call<'_>) -> Result {
    let key = match call.str(0) {
        "" | "rsa" => Key::rsa(KeySize::Rsa4096),
        "ecdsa" => Key::ecdsa(),
        "ed25519" => Key::ed25519(),
        "dsa" => return Err("DSA keys are not supported: nothing accepts them any more".to_owned()),
        other => return Ok(Value::str(format!("Unknown type {other}"))),
    };
    let key = key.ok_or("failed to generate private key")?;
    Ok(Value::str(key.pem()))
}

fn fresh() -> Or<Key> {
    Key::rsa(KeySize::Rsa2048).ok_or_else(|| "error generating rsa key".to_owned())
}

/// The key that is an argument.
fn given(call: &Call<'_>, at: usize) -> Or<Key> {
    Key::of_pem(call.str(at)).map_err(|error| format!("parsing private key: {error}"))
}

fn pair(cert: String, key: String) -> Value {
    Value::Certificate(Rc::new(Certificate { cert, key }))
}

/// A pair that exists: both parts are encoded once more, and have to be well formed.
fn custom(call: &Call<'_>) -> Result {
    let decoded = |at: usize, what: &str| {
        let bytes = STANDARD.decode(call.str(at)).ok();
        let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        text.ok_or_else(|| format!("unable to decode base64 {what}"))
    };
    let cert = decoded(0, "certificate")?;
    let key = decoded(1, "private key")?;
    let (_, der) = from_pem(&cert).ok_or("unable to decode certificate")?;
    subject(&der).ok_or("error parsing certificate: decodedCert.Bytes: malformed certificate")?;
    Key::of_pem(&key).map_err(|error| format!("error parsing private key: {error}"))?;
    Ok(pair(cert, key))
}

fn authority(call: &Call<'_>, key: &Key) -> Result {
    let request = Request {
        name: name(call.str(0)),
        addresses: Vec::new(),
        days: call.int(1),
        is_authority: true,
    };
    let cert = request.signed(key, &request.name, key)?;
    Ok(pair(cert, key.pem()))
}

fn self_signed(call: &Call<'_>, key: &Key) -> Result {
    let request = request(call)?;
    let cert = request.signed(key, &request.name, key)?;
    Ok(pair(cert, key.pem()))
}

fn signed(call: &Call<'_>, key: &Key) -> Result {
    let Value::Certificate(signer) = call.arg(4) else {
        return Err("unable to decode certificate".to_owned());
    };
    let (_, der) = from_pem(&signer.cert).ok_or("unable to decode certificate")?;
    let issuer = subject(&der)
        .ok_or("error parsing certificate: decodedSignerCert.Bytes: malformed certificate")?;
    let signer = Key::of_pem(&signer.key);
    let signer = signer.map_err(|error| format!("error parsing private key: {error}"))?;
    let cert = request(call)?.signed(key, &issuer, &signer)?;
    Ok(pair(cert, key.pem()))
}

/// What a certificate is to say.
struct Request {
    name: Vec<u8>,
    /// Encoded.
    addresses: Vec<Vec<u8>>,
    days: i64,
    is_authority: bool,
}

/// Name, addresses, names and days, which most functions begin with.
fn request(call: &Call<'_>) -> Or<Request> {
    let list = |at: usize| match call.arg(at) {
        Value::List(list) => list.items().to_vec(),
        _ => Vec::new(),
    };
    let mut addresses = Vec::new();
    for host in list(2) {
        let Some(host) = host.as_str() else {
            let shown = crate::fmt::text(&host)?;
            return Err(format!(
                "error processing alternate dns name: {shown} is not a string"
            ));
        };
        addresses.push(element(0x82, host.as_bytes()));
    }
    for ip in list(1) {
        let Some(text) = ip.as_str() else {
            let shown = crate::fmt::text(&ip)?;
            return Err(format!("error parsing ip: {shown} is not a string"));
        };
        addresses.push(match text.parse::<IpAddr>() {
            Ok(IpAddr::V4(ip)) => element(0x87, &ip.octets()),
            Ok(IpAddr::V6(ip)) => element(0x87, &ip.octets()),
            Err(_) => return Err(format!("error parsing ip: {text}")),
        });
    }
    Ok(Request {
        name: name(call.str(0)),
        addresses,
        days: call.int(3),
        is_authority: false,
    })
}

fn name(common: &str) -> Vec<u8> {
    const UTF8: u8 = 0x0c;
    const SET: u8 = 0x31;
    let attribute = sequence(&[element(OID, COMMON_NAME), element(UTF8, common.as_bytes())]);
    sequence(&[element(SET, &attribute)])
}

fn extension(id: &[u8], critical: bool, content: &[u8]) -> Vec<u8> {
    const TRUE: &[u8] = &[0x01, 0x01, 0xff];
    let critical = if critical { TRUE.to_vec() } else { Vec::new() };
    sequence(&[element(OID, id), critical, element(BYTES, content)])
}

/// What identifies a key.
fn key_id(key: &Key) -> Vec<u8> {
    digest(&SHA1_FOR_LEGACY_USE_ONLY, key.public())
        .as_ref()
        .to_vec()
}

fn time(timestamp: Timestamp) -> Vec<u8> {
    let time = timestamp.to_zoned(TimeZone::UTC);
    match (1950..2050).contains(&time.year()) {
        true => element(0x17, time.strftime("%y%m%d%H%M%SZ").to_string().as_bytes()),
        false => element(0x18, time.strftime("%Y%m%d%H%M%SZ").to_string().as_bytes()),
    }
}

impl Request {
    /// The certificate for `key`, in text.
    fn signed(&self, key: &Key, issuer: &[u8], signer: &Key) -> Or<String> {
        let failed = |why: &str| format!("error creating certificate: {why}");
        let now = Timestamp::now();
        let length = SignedDuration::from_secs(self.days.saturating_mul(86_400));
        let end = now
            .checked_add(length)
            .map_err(|_| failed("the time is out of range"))?;
        let mut serial = super::random::bytes(16)?;
        if let Some(first) = serial.first_mut() {
            // Positive, and as long as it says.
            *first = *first & 0x7f | 0x40;
        }
        let (usage, constraints) = match self.is_authority {
            true => ([2, 0xa4], sequence(&[vec![0x01, 0x01, 0xff]])),
            false => ([5, 0xa0], sequence(&[])),
        };
        let purposes = sequence(&[element(OID, SERVER), element(OID, CLIENT)]);
        let mut extensions = vec![
            extension(KEY_USAGE, true, &element(BITS, &usage)),
            extension(EXTENDED_KEY_USAGE, false, &purposes),
            extension(BASIC_CONSTRAINTS, true, &constraints),
        ];
        if self.is_authority {
            extensions.push(extension(SUBJECT_KEY, false, &element(BYTES, &key_id(key))));
        }
        if issuer != self.name {
            let id = sequence(&[element(0x80, &key_id(signer))]);
            extensions.push(extension(AUTHORITY_KEY, false, &id));
        }
        if !self.addresses.is_empty() {
            extensions.push(extension(
                ALTERNATIVE_NAMES,
                false,
                &sequence(&self.addresses),
            ));
        }
        let body = sequence(&[
            element(0xa0, &element(INTEGER, &[2])),
            element(INTEGER, &serial),
            signer.algorithm(),
            issuer.to_vec(),
            sequence(&[time(now), time(end)]),
            self.name.clone(),
            key.public_info(),
            element(0xa3, &sequence(&extensions)),
        ]);
        let signature = signer
            .sign(&body)
            .ok_or_else(|| failed("the key can't sign"))?;
        let der = sequence(&[body, signer.algorithm(), bits(&signature)]);
        Ok(to_pem("CERTIFICATE", &der))
    }
}

/// The subject of a certificate, encoded.
fn subject(der: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = der;
    let outer = take(&mut bytes).filter(|outer| outer.tag == SEQUENCE)?;
    let mut parts = outer.content;
    let body = take(&mut parts).filter(|body| body.tag == SEQUENCE)?;
    let mut fields = body.content;
    let mut field = take(&mut fields)?;
    if field.tag == 0xa0 {
        field = take(&mut fields)?;
    }
    if field.tag != INTEGER {
        return None;
    }
    // Algorithm, issuer and validity come first.
    for _ in 0..3 {
        take(&mut fields)?;
    }
    let subject = take(&mut fields).filter(|subject| subject.tag == SEQUENCE)?;
    Some(subject.whole.to_vec())
}

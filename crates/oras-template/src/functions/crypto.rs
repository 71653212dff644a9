//! Digests, passwords and AES.

use aws_lc_rs::cipher::{
    AES_256, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey,
    PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA512, digest};
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use scrypt::{Params, scrypt};

use super::Param::{Str, Uint32};
use super::random::bytes;
use super::{Call, Function, Result, fixed};
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("sha1sum", &[Str], |call| {
        Ok(sum(call, &SHA1_FOR_LEGACY_USE_ONLY))
    }),
    fixed("sha256sum", &[Str], |call| Ok(sum(call, &SHA256))),
    fixed("sha512sum", &[Str], |call| Ok(sum(call, &SHA512))),
    fixed("adler32sum", &[Str], |call| {
        let (low, high) = call.str(0).bytes().fold((1u32, 0u32), |(low, high), byte| {
            let low = (low + u32::from(byte)) % 65_521;
            (low, (high + low) % 65_521)
        });
        Ok(Value::str((high << 16 | low).to_string()))
    }),
    fixed("bcrypt", &[Str], |call| {
        Ok(Value::str(bcrypted(call.str(0))))
    }),
    fixed("htpasswd", &[Str, Str], |call| {
        let name = call.str(0);
        Ok(Value::str(match name.contains(':') {
            true => format!("invalid username: {name}"),
            false => format!("{name}:{}", bcrypted(call.str(1))),
        }))
    }),
    fixed(
        "derivePassword",
        &[Uint32, Str, Str, Str, Str],
        derive_password,
    ),
    fixed("encryptAES", &[Str, Str], encrypt),
    fixed("decryptAES", &[Str, Str], decrypt),
];

fn sum(call: &Call<'_>, algorithm: &'static Algorithm) -> Value {
    let sum = digest(algorithm, call.str(0).as_bytes());
    let hex = sum.as_ref().iter().map(|byte| format!("{byte:02x}"));
    Value::str(hex.collect::<String>())
}

/// The cost that the Go library takes if nothing is said.
const COST: u32 = 10;

fn bcrypted(password: &str) -> String {
    let failed = |why: &str| format!("failed to encrypt string with bcrypt: {why}");
    if password.len() > 72 {
        return failed("bcrypt: password length exceeds 72 bytes");
    }
    let Ok(salt) = bytes(16).map(|salt| <[u8; 16]>::try_from(salt).unwrap_or_default()) else {
        return failed("no random numbers available");
    };
    match bcrypt::hash_with_salt(password, COST, salt) {
        Ok(hash) => hash.format_for_version(bcrypt::Version::TwoA),
        Err(error) => failed(&error.to_string()),
    }
}

/// Which characters a sign in a shape of a password stands for.
const CLASSES: [(char, &str); 9] = [
    ('V', "AEIOU"),
    ('C', "BCDFGHJKLMNPQRSTVWXYZ"),
    ('v', "aeiou"),
    ('c', "bcdfghjklmnpqrstvwxyz"),
    ('A', "AEIOUBCDFGHJKLMNPQRSTVWXYZ"),
    ('a', "AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz"),
    ('n', "0123456789"),
    ('o', "@&%?,=[]_:-+*$#!'^~;()/."),
    (
        'x',
        "AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
    ),
];

/// The shapes of passwords, by kind: those of the Master Password algorithm.
fn shapes(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "maximum" => "anoxxxxxxxxxxxxxxxxx axxxxxxxxxxxxxxxxxno",
        "long" => {
            "CvcvnoCvcvCvcv CvcvCvcvnoCvcv CvcvCvcvCvcvno CvccnoCvcvCvcv CvccCvcvnoCvcv CvccCvcvCvcvno CvcvnoCvccCvcv \
             CvcvCvccnoCvcv CvcvCvccCvcvno CvcvnoCvcvCvcc CvcvCvcvnoCvcc CvcvCvcvCvccno CvccnoCvccCvcv CvccCvccnoCvcv \
             CvccCvccCvcvno CvcvnoCvccCvcc CvcvCvccnoCvcc CvcvCvccCvccno CvccnoCvcvCvcc CvccCvcvnoCvcc CvccCvcvCvccno"
        }
        "medium" => "CvcnoCvc CvcCvcno",
        "short" => "Cvcn",
        "basic" => "aaanaaan aannaaan aaannaaa",
        "pin" => "nnnn",
        _ => return None,
    })
}

/// The domain that separates this derivation from others.
const SEED: &[u8] = b"com.lyndir.masterpassword";

/// Counter, kind, password, user and site.
fn derive_password(call: &Call<'_>) -> Result {
    let kind = call.str(1);
    let Some(shapes) = shapes(kind) else {
        return Ok(Value::str(format!("cannot find password template {kind}")));
    };
    let prefixed = |text: &str| {
        let len = u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes();
        [SEED, &len, text.as_bytes()].concat()
    };
    let mut key = [0; 64];
    let (password, salt) = (call.str(2).as_bytes(), prefixed(call.str(3)));
    // 32,768 rounds on 32 MiB, twice.
    Params::new(15, 8, 2)
        .map_err(|error| error.to_string())
        .and_then(|params| {
            scrypt(password, &salt, &params, &mut key).map_err(|error| error.to_string())
        })?;
    let counter = u32::try_from(call.int(0)).unwrap_or(0).to_be_bytes();
    let message = [prefixed(call.str(4)), counter.to_vec()].concat();
    let seed = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), &message);
    let mut seed = seed.as_ref().iter().copied().map(usize::from);
    let shapes: Vec<&str> = shapes.split_whitespace().collect();
    let chosen = seed.next().unwrap_or(0) % shapes.len().max(1);
    let shape = shapes.get(chosen).copied().unwrap_or("");
    let letters = shape.chars().zip(seed).filter_map(|(sign, number)| {
        let class = CLASSES.iter().find(|(known, _)| *known == sign)?.1;
        class.as_bytes().get(number % class.len()).copied()
    });
    Ok(Value::str(letters.map(char::from).collect::<String>()))
}

const BLOCK: usize = 16;

/// The key: the password, cut or filled up to 32 bytes.
fn key(password: &str) -> std::result::Result<UnboundCipherKey, String> {
    let mut key = [0; 32];
    for (to, from) in key.iter_mut().zip(password.bytes()) {
        *to = from;
    }
    UnboundCipherKey::new(&AES_256, &key).map_err(|_| "crypto/aes: invalid key".to_owned())
}

fn encrypt(call: &Call<'_>) -> Result {
    if call.str(1).is_empty() {
        return Ok(Value::str(""));
    }
    let failed = |_| "encryption failed".to_owned();
    let key = PaddedBlockEncryptingKey::cbc_pkcs7(key(call.str(0))?).map_err(failed)?;
    let mut content = call.str(1).as_bytes().to_vec();
    let start = <[u8; BLOCK]>::try_from(bytes(BLOCK)?).unwrap_or_default();
    let context = EncryptionContext::Iv128(FixedLength::from(&start));
    key.less_safe_encrypt(&mut content, context)
        .map_err(failed)?;
    Ok(Value::str(
        STANDARD.encode([start.to_vec(), content].concat()),
    ))
}

fn decrypt(call: &Call<'_>) -> Result {
    if call.str(1).is_empty() {
        return Ok(Value::str(""));
    }
    let failed = |_| "decryption failed".to_owned();
    let bytes = STANDARD
        .decode(call.str(1))
        .map_err(|error| error.to_string())?;
    let Some((start, content)) = bytes.split_first_chunk::<BLOCK>() else {
        return Err("the encrypted text is too short".to_owned());
    };
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(key(call.str(0))?).map_err(failed)?;
    let mut content = content.to_vec();
    let context = DecryptionContext::Iv128(FixedLength::from(start));
    let plain = key.decrypt(&mut content, context).map_err(failed)?;
    Ok(Value::str(String::from_utf8_lossy(plain).into_owned()))
}

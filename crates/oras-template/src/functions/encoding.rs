//! Base64 and base32. What decodes to bytes that are no text shows replacement characters.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Param::Str;
use super::{Function, fixed};
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("b64enc", &[Str], |call| {
        Ok(Value::str(STANDARD.encode(call.str(0))))
    }),
    fixed("b64dec", &[Str], |call| {
        Ok(Value::str(
            match STANDARD.decode(without_lines(call.str(0))) {
                Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                Err(_) => illegal(call.str(0), "base64", |byte| {
                    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
                }),
            },
        ))
    }),
    fixed("b32enc", &[Str], |call| {
        Ok(Value::str(encode32(call.str(0).as_bytes())))
    }),
    fixed("b32dec", &[Str], |call| {
        Ok(Value::str(match decode32(&without_lines(call.str(0))) {
            Some(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            None => illegal(
                call.str(0),
                "base32",
                |byte| matches!(byte, b'A'..=b'Z' | b'2'..=b'7'),
            ),
        }))
    }),
];

fn without_lines(text: &str) -> String {
    text.replace(['\r', '\n'], "")
}

/// What comes out when the input is wrong: the error, as text.
fn illegal(text: &str, what: &str, legal: fn(u8) -> bool) -> String {
    let at = text
        .bytes()
        .position(|byte| !legal(byte) && !matches!(byte, b'\r' | b'\n'));
    format!(
        "illegal {what} data at input byte {}",
        at.unwrap_or(text.len())
    )
}

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn encode32(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(5) * 8);
    for group in bytes.chunks(5) {
        let mut padded = [0u8; 8];
        for (to, from) in padded.iter_mut().skip(3).zip(group) {
            *to = *from;
        }
        let bits = u64::from_be_bytes(padded);
        let filled = (group.len() * 8).div_ceil(5);
        for at in 0..8 {
            let index = usize::try_from((bits >> (35 - 5 * at)) & 31).unwrap_or(0);
            let byte = ALPHABET.get(index).copied().unwrap_or(b'=');
            out.push(if at < filled { char::from(byte) } else { '=' });
        }
    }
    out
}

fn decode32(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(8) {
        return None;
    }
    let mut out = Vec::with_capacity(text.len() / 8 * 5);
    let digits = text.trim_end_matches('=');
    if text.len() - digits.len() > 6 {
        return None;
    }
    for group in digits.as_bytes().chunks(8) {
        let mut bits = 0u64;
        for at in 0..8 {
            let value = match group.get(at) {
                Some(byte) => ALPHABET.iter().position(|known| known == byte)?,
                None => 0,
            };
            bits = bits << 5 | u64::try_from(value).ok()?;
        }
        let whole = group.len() * 5 / 8;
        out.extend(bits.to_be_bytes().iter().skip(3).take(whole));
    }
    Some(out)
}

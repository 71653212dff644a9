//! The encoding of keys and certificates, as far as these need it, and its text form.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub(super) const INTEGER: u8 = 0x02;
pub(super) const BITS: u8 = 0x03;
pub(super) const BYTES: u8 = 0x04;
pub(super) const NULL: u8 = 0x05;
pub(super) const OID: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;

/// An element: what it is, how long, and what is in it.
pub(super) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = content.len().to_be_bytes();
    let digits: Vec<u8> = len.iter().copied().skip_while(|byte| *byte == 0).collect();
    let mut out = vec![tag];
    match digits.as_slice() {
        [] => out.push(0),
        [short] if *short < 0x80 => out.push(*short),
        long => {
            out.push(0x80 | u8::try_from(long.len()).unwrap_or(0));
            out.extend_from_slice(long);
        }
    }
    out.extend_from_slice(content);
    out
}

pub(super) fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    element(SEQUENCE, &parts.concat())
}

/// Whole bytes as bits.
pub(super) fn bits(bytes: &[u8]) -> Vec<u8> {
    element(BITS, &[&[0], bytes].concat())
}

/// An element that was read.
pub(super) struct Element<'a> {
    pub(super) tag: u8,
    pub(super) content: &'a [u8],
    /// With tag and length.
    pub(super) whole: &'a [u8],
}

/// Takes an element off the front.
pub(super) fn take<'a>(bytes: &mut &'a [u8]) -> Option<Element<'a>> {
    let all = *bytes;
    let (tag, rest) = all.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (len, rest) = match first & 0x80 {
        0 => (usize::from(*first), rest),
        _ => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let len = digits.iter().try_fold(0usize, |len, digit| {
                len.checked_mul(256)?.checked_add(usize::from(*digit))
            });
            (len?, rest)
        }
    };
    let (content, after) = rest.split_at_checked(len)?;
    *bytes = after;
    let whole = all.get(..all.len() - after.len())?;
    Some(Element {
        tag: *tag,
        content,
        whole,
    })
}

/// The text form, in lines of 64 characters.
pub(super) fn to_pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut out = format!("-----BEGIN {label}-----\n");
    let (mut line, mut rest) = (text.as_str(), "");
    while !line.is_empty() {
        (line, rest) = line.split_at(line.len().min(64));
        out.push_str(line);
        out.push('\n');
        line = rest;
    }
    out.push_str(&format!("{rest}-----END {label}-----\n"));
    out
}

/// The first block of a text: what it is, and its bytes.
pub(super) fn from_pem(text: &str) -> Option<(&str, Vec<u8>)> {
    let (_, begin) = text.split_once("-----BEGIN ")?;
    let (label, body) = begin.split_once("-----")?;
    let (body, _) = body.split_once(&format!("-----END {label}-----"))?;
    let body: String = body.split_whitespace().collect();
    Some((label, STANDARD.decode(body).ok()?))
}

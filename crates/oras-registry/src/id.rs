//! Random identifiers.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

const HEX: &[u8; 16] = b"0123456789abcdef";

/// A UUID of version 4 (RFC 9562, section 5.4).
pub(crate) fn random() -> String {
    let mut bytes = [0; 16];
    if getrandom::fill(&mut bytes).is_err() {
        // Without the system's source there are still the seeds of hash maps, which are random as well.
        let (high, low) = bytes.split_at_mut(8);
        high.copy_from_slice(&RandomState::new().hash_one(0).to_be_bytes());
        low.copy_from_slice(&RandomState::new().hash_one(1).to_be_bytes());
    }
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.into_iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        push_hex(&mut text, byte);
    }
    text
}

/// Names for requests. Every answer carries one, so they cost no system call: keyed hashes of a counter, which nobody
/// else can continue.
#[derive(Default)]
pub(crate) struct RequestIds {
    count: AtomicU64,
    high: RandomState,
    low: RandomState,
}

impl RequestIds {
    /// The next one: 32 hexadecimal digits.
    pub(crate) fn next(&self) -> String {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let mut text = String::with_capacity(32);
        for keys in [&self.high, &self.low] {
            let bytes = keys.hash_one(count).to_be_bytes();
            bytes.into_iter().for_each(|byte| push_hex(&mut text, byte));
        }
        text
    }
}

fn push_hex(text: &mut String, byte: u8) {
    for nibble in [byte >> 4, byte & 0xf] {
        text.push(char::from(HEX[usize::from(nibble)]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_differ_from_each_other_and_between_registries() {
        let (one, other) = (RequestIds::default(), RequestIds::default());
        let ids = [one.next(), one.next(), other.next(), other.next()];
        for (at, id) in ids.iter().enumerate() {
            assert!(id.len() == 32 && id.bytes().all(|byte| HEX.contains(&byte)));
            assert!(!ids[..at].contains(id));
        }
    }
}

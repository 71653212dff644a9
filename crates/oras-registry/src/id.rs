//! Random identifiers.

use std::fmt::Write;

/// A UUID of version 4 (RFC 9562, section 5.4).
pub(crate) fn random() -> String {
    let mut bytes = [0; 16];
    if getrandom::fill(&mut bytes).is_err() {
        // Without the system's source there are still the seeds of hash maps, which are random as well.
        use std::hash::{BuildHasher, RandomState};
        let (high, low) = bytes.split_at_mut(8);
        high.copy_from_slice(&RandomState::new().hash_one(0).to_be_bytes());
        low.copy_from_slice(&RandomState::new().hash_one(1).to_be_bytes());
    }
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        // Writing to a string can't fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

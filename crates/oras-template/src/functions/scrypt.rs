//! The key derivation that passwords are made with: scrypt, as RFC 7914 has it.

use std::num::NonZeroU32;

use aws_lc_rs::pbkdf2::{PBKDF2_HMAC_SHA256, derive};

/// Rounds of mixing; this times a kilobyte is the memory.
const ROUNDS: usize = 32_768;
/// Size of a block, in pairs of cipher blocks.
const BLOCK: usize = 8;
const PARALLEL: usize = 2;
/// Words in a block.
const WORDS: usize = 32 * BLOCK;

/// A key of 64 bytes.
pub(super) fn scrypt(password: &[u8], salt: &[u8]) -> [u8; 64] {
    let mut blocks = vec![0; PARALLEL * WORDS * 4];
    derive(
        PBKDF2_HMAC_SHA256,
        NonZeroU32::MIN,
        salt,
        password,
        &mut blocks,
    );
    for block in blocks.chunks_mut(WORDS * 4) {
        let (bytes, _) = block.as_chunks::<4>();
        let mut words: Vec<u32> = bytes.iter().map(|word| u32::from_le_bytes(*word)).collect();
        mix_memory(&mut words);
        for (to, word) in block.chunks_mut(4).zip(&words) {
            to.copy_from_slice(&word.to_le_bytes());
        }
    }
    let mut key = [0; 64];
    derive(
        PBKDF2_HMAC_SHA256,
        NonZeroU32::MIN,
        &blocks,
        password,
        &mut key,
    );
    key
}

fn mix_memory(block: &mut [u32]) {
    let mut memory = Vec::with_capacity(ROUNDS * WORDS);
    for _ in 0..ROUNDS {
        memory.extend_from_slice(block);
        mix_block(block);
    }
    for _ in 0..ROUNDS {
        // The first word of the last cipher block says where to look.
        let chosen = block
            .get(WORDS - 16)
            .map_or(0, |word| *word as usize % ROUNDS);
        let old = memory.get(chosen * WORDS..).unwrap_or(&[]);
        for (word, old) in block.iter_mut().zip(old) {
            *word ^= old;
        }
        mix_block(block);
    }
}

/// Mixes all cipher blocks; those at even places come first afterwards.
fn mix_block(block: &mut [u32]) {
    let (parts, _) = block.as_chunks::<16>();
    let mut last = parts.last().copied().unwrap_or([0; 16]);
    let mut mixed = [[0; 16]; 2 * BLOCK];
    for (at, part) in parts.iter().enumerate() {
        for (word, other) in last.iter_mut().zip(part) {
            *word ^= other;
        }
        salsa(&mut last);
        if let Some(place) = mixed.get_mut(at / 2 + if at % 2 == 0 { 0 } else { BLOCK }) {
            *place = last;
        }
    }
    for (to, from) in block.iter_mut().zip(mixed.as_flattened()) {
        *to = *from;
    }
}

/// Salsa20 with eight rounds.
fn salsa(words: &mut [u32; 16]) {
    let mut x = *words;
    let quarter = |x: &mut [u32; 16], [a, b, c, d]: [usize; 4]| {
        x[b] ^= x[a].wrapping_add(x[d]).rotate_left(7);
        x[c] ^= x[b].wrapping_add(x[a]).rotate_left(9);
        x[d] ^= x[c].wrapping_add(x[b]).rotate_left(13);
        x[a] ^= x[d].wrapping_add(x[c]).rotate_left(18);
    };
    for _ in 0..4 {
        for places in [[0, 4, 8, 12], [5, 9, 13, 1], [10, 14, 2, 6], [15, 3, 7, 11]] {
            quarter(&mut x, places);
        }
        for places in [[0, 1, 2, 3], [5, 6, 7, 4], [10, 11, 8, 9], [15, 12, 13, 14]] {
            quarter(&mut x, places);
        }
    }
    for (word, mixed) in words.iter_mut().zip(x) {
        *word = word.wrapping_add(mixed);
    }
}

//! What is different each time. All of it comes from the generator for secrets.

use aws_lc_rs::rand::fill;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Param::{Int, Str};
use super::{Call, Function, Result, fixed};
use crate::budget::{MAX_TEXT, fits};
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("randAlphaNum", &[Int], |call| {
        characters(call, |c| c.is_ascii_alphanumeric())
    }),
    fixed("randAlpha", &[Int], |call| {
        characters(call, |c| c.is_ascii_alphabetic())
    }),
    fixed("randNumeric", &[Int], |call| {
        characters(call, |c| c.is_ascii_digit())
    }),
    fixed("randAscii", &[Int], |call| {
        characters(call, |c| c == ' ' || c.is_ascii_graphic())
    }),
    fixed("randBytes", &[Int], |call| {
        let count = usize::try_from(call.int(0))
            .ok()
            .filter(|count| *count <= MAX_TEXT / 2);
        let Some(count) = count else {
            return Err("runtime error: makeslice: len out of range".to_owned());
        };
        Ok(Value::str(STANDARD.encode(bytes(count)?)))
    }),
    fixed("randInt", &[Int, Int], |call| {
        let (from, to) = (call.int(0), call.int(1));
        match to
            .checked_sub(from)
            .and_then(|span| u64::try_from(span).ok())
        {
            Some(span) if span > 0 => {
                let offset = i64::try_from(below(span)?).unwrap_or(0);
                Ok(Value::int(from.saturating_add(offset)))
            }
            _ => Err("invalid argument to Intn".to_owned()),
        }
    }),
    fixed("shuffle", &[Str], |call| {
        let mut chars: Vec<char> = call.str(0).chars().collect();
        for at in (1..chars.len()).rev() {
            let other = below(u64::try_from(at).unwrap_or(0) + 1)?;
            chars.swap(at, usize::try_from(other).unwrap_or(at));
        }
        Ok(Value::str(chars.into_iter().collect::<String>()))
    }),
    fixed("uuidv4", &[], |_| {
        let mut bytes = bytes(16)?;
        if let Some(version) = bytes.get_mut(6) {
            *version = *version & 0x0f | 0x40;
        }
        if let Some(variant) = bytes.get_mut(8) {
            *variant = *variant & 0x3f | 0x80;
        }
        let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let group = |from: usize, to: usize| hex.get(from..to).unwrap_or(&[]).concat();
        let groups = [
            group(0, 4),
            group(4, 6),
            group(6, 8),
            group(8, 10),
            group(10, 16),
        ];
        Ok(Value::str(groups.join("-")))
    }),
];

/// So many random bytes.
pub(super) fn bytes(count: usize) -> std::result::Result<Vec<u8>, String> {
    let mut bytes = vec![0; count];
    fill(&mut bytes).map_err(|_| "no random numbers available".to_owned())?;
    Ok(bytes)
}

/// A number below `limit`, each as likely as the others.
fn below(limit: u64) -> std::result::Result<u64, String> {
    loop {
        let mut bytes = [0; 8];
        fill(&mut bytes).map_err(|_| "no random numbers available".to_owned())?;
        let number = u64::from_be_bytes(bytes);
        // What is above the last whole multiple would make small numbers more likely.
        if number < u64::MAX - u64::MAX % limit {
            return Ok(number % limit);
        }
    }
}

fn characters(call: &Call<'_>, wanted: fn(char) -> bool) -> Result {
    let Ok(count) = usize::try_from(call.int(0)) else {
        return Ok(Value::str(""));
    };
    fits(count)?;
    let mut out = String::with_capacity(count);
    while out.len() < count {
        // Bytes that are not wanted are thrown away, so all that are wanted are as likely.
        let chunk = bytes(count.min(1 << 16))?;
        let chars = chunk
            .into_iter()
            .map(|byte| char::from(byte & 0x7f))
            .filter(|c| wanted(*c));
        let missing = count - out.len();
        out.extend(chars.take(missing));
    }
    Ok(Value::str(out))
}

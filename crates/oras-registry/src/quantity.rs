//! Numbers, and sizes and durations with their units.

use std::fmt;
use std::time::Duration;

use serde::Deserializer;
use serde::de::{self, Visitor};

/// Units of sizes, in bytes. Longer names first: they end like shorter ones.
const SIZES: [(&str, u64); 9] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("B", 1),
];

/// Units of durations, in milliseconds.
const DURATIONS: [(&str, u64); 5] = [
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

/// A number of bytes: `4MiB`, `100GB`, or a bare number.
///
/// # Errors
/// What a size looks like.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is not a size such as \"4MiB\" or \"100GB\"");
    let (number, unit) = split(text).ok_or_else(wrong)?;
    let factor = match unit {
        "" => 1,
        unit => named(&SIZES, unit).ok_or_else(wrong)?,
    };
    number.checked_mul(factor).ok_or_else(wrong)
}

/// A duration: `30s`, `1h30m`, `7d`, or `0`. The error says what one looks like.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a duration such as \"30s\" or \"1h30m\"");
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    if text.is_empty() {
        return Err(wrong());
    }
    let mut millis = 0u64;
    let mut rest = text;
    while !rest.is_empty() {
        let (number, tail) = split(rest).ok_or_else(wrong)?;
        let end = tail.find(|c: char| c.is_ascii_digit());
        let (unit, next) = tail.split_at(end.unwrap_or(tail.len()));
        let factor = named(&DURATIONS, unit).ok_or_else(wrong)?;
        let part = number.checked_mul(factor).ok_or_else(wrong)?;
        millis = millis.checked_add(part).ok_or_else(wrong)?;
        rest = next;
    }
    Ok(Duration::from_millis(millis))
}

fn parse_length(text: &str) -> Result<usize, String> {
    usize::try_from(parse_size(text)?).map_err(|_| format!("{text:?} is too large"))
}

fn parse_count(text: &str) -> Result<usize, String> {
    let number = text.parse();
    number.map_err(|_| format!("{text:?} is not a whole number"))
}

/// The number at the start, and what follows.
fn split(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit());
    let (digits, rest) = text.split_at(end.unwrap_or(text.len()));
    Some((digits.parse().ok()?, rest))
}

fn named(units: &[(&str, u64)], name: &str) -> Option<u64> {
    let found = units.iter().find(|(unit, _)| *unit == name);
    found.map(|(_, factor)| *factor)
}

pub(crate) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    deserializer.deserialize_any(Quantity {
        expected: "a whole number",
        parse: parse_count,
    })
}

pub(crate) fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    deserializer.deserialize_any(Quantity {
        expected: "a size such as \"4MiB\"",
        parse: parse_size,
    })
}

/// A size of something that is held in memory.
pub(crate) fn length<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    deserializer.deserialize_any(Quantity {
        expected: "a size such as \"4MiB\"",
        parse: parse_length,
    })
}

pub(crate) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    deserializer.deserialize_any(Quantity {
        expected: "a duration such as \"1h\"",
        parse: parse_duration,
    })
}

/// A quantity, whether it is written as text or as a bare number.
pub(crate) struct Quantity<T> {
    pub(crate) expected: &'static str,
    pub(crate) parse: fn(&str) -> Result<T, String>,
}

impl<T> Visitor<'_> for Quantity<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        (self.parse)(text).map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
        (self.parse)(&number.to_string()).map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_decimal_and_binary_units() {
        let check = |text: &str, expected| assert_eq!(parse_size(text).ok(), expected, "{text}");
        check("0", Some(0));
        check("12", Some(12));
        check("12B", Some(12));
        check("4MiB", Some(4 << 20));
        check("100GB", Some(100_000_000_000));
        check("", None);
        check("MiB", None);
        check("4 MiB", None);
        check("4mib", None);
        check("-1", None);
        check("99999999TiB", None);
    }

    #[test]
    fn durations_add_up() {
        let check = |text: &str, millis: Option<u64>| {
            let expected = millis.map(Duration::from_millis);
            assert_eq!(parse_duration(text).ok(), expected, "{text}");
        };
        check("0", Some(0));
        check("0s", Some(0));
        check("250ms", Some(250));
        check("1h30m", Some(5_400_000));
        check("7d", Some(604_800_000));
        check("", None);
        check("5", None);
        check("1h30", None);
        check("1w", None);
        check("-1s", None);
        check("1.5h", None);
        check("99999999999999999d", None);
    }
}

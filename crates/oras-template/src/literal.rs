//! Numbers and quoted text as they are written in templates.

use crate::ast::Number;
use crate::fmt::quote;

/// The number that is written so; a character constant is one too.
///
/// # Errors
/// If it is none.
pub(crate) fn number(text: &str) -> Result<Number, String> {
    let mut number = Number {
        text: text.to_owned(),
        int: None,
        unsigned: None,
        float: None,
        is_float: false,
    };
    if text.starts_with('\'') {
        let one = unquote(text).and_then(|unquoted| {
            let mut chars = unquoted.chars();
            chars.next().filter(|_| chars.next().is_none())
        });
        let Some(character) = one else {
            return Err(format!("malformed character constant: {text}"));
        };
        let code = u32::from(character);
        number.int = Some(i64::from(code));
        number.unsigned = Some(u64::from(code));
        number.float = Some(f64::from(code));
        return Ok(number);
    }
    let magnitude = text.trim_start_matches(['+', '-']);
    let negative = text.starts_with('-');
    if let Some(unsigned) = parse_unsigned(magnitude) {
        number.float = Some(if negative {
            -(unsigned as f64)
        } else {
            unsigned as f64
        });
        number.unsigned = (!negative || unsigned == 0).then_some(unsigned);
        number.int = match negative {
            true => 0i64.checked_sub_unsigned(unsigned),
            false => i64::try_from(unsigned).ok(),
        };
        return Ok(number);
    }
    let Some(float) = parse_float(magnitude) else {
        // Too large for an integer, and nothing says that it is a float.
        return Err(
            match magnitude.bytes().all(|b| b.is_ascii_digit() || b == b'_') {
                true => format!("integer overflow: {}", quote(text)),
                false => format!("illegal number syntax: {}", quote(text)),
            },
        );
    };
    let float = if negative { -float } else { float };
    number.float = Some(float);
    number.is_float = true;
    // A float without a fraction can be used as an integer.
    if float.fract() == 0.0 && float.abs() < 9.2e18 {
        number.int = Some(float as i64);
        number.unsigned = (float >= 0.0).then_some(float as u64);
    }
    Ok(number)
}

/// With the prefixes for bases, and underscores between digits.
pub(crate) fn parse_unsigned(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let (digits, base) = match lower.as_str() {
        text if text.starts_with("0x") => (&text[2..], 16),
        text if text.starts_with("0o") => (&text[2..], 8),
        text if text.starts_with("0b") => (&text[2..], 2),
        text if text.len() > 1 && text.starts_with('0') => (&text[1..], 8),
        text => (text, 10),
    };
    if digits.is_empty()
        || digits.ends_with('_')
        || digits.contains("__")
        || digits.starts_with('+')
    {
        return None;
    }
    u64::from_str_radix(&digits.replace('_', ""), base).ok()
}

fn parse_float(text: &str) -> Option<f64> {
    let lower = text.to_ascii_lowercase().replace('_', "");
    let Some(hex) = lower.strip_prefix("0x") else {
        let marked = lower.contains(['.', 'e']);
        return lower.parse().ok().filter(|n: &f64| marked && n.is_finite());
    };
    let (mantissa, exponent) = hex.split_once('p')?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = u64::from_str_radix(&format!("{whole}{fraction}"), 16).ok()?;
    let exponent = exponent.parse::<i32>().ok()?;
    let exponent = exponent.checked_sub(i32::try_from(fraction.len()).ok()? * 4)?;
    Some(digits as f64 * 2f64.powi(exponent)).filter(|n| n.is_finite())
}

/// What is inside of the quotes; the quotes may be of any of the three kinds.
pub(crate) fn unquote(text: &str) -> Option<String> {
    let quote = text.chars().next()?;
    let inner = text.get(1..text.len().checked_sub(1)?)?;
    if quote == '`' {
        return Some(inner.replace('\r', ""));
    }
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(c) = rest.chars().next() {
        if c != '\\' {
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            rest = &rest[c.len_utf8()..];
            continue;
        }
        let escape = rest[1..].chars().next()?;
        let simple = match escape {
            'a' => Some(7),
            'b' => Some(8),
            'f' => Some(12),
            'n' => Some(b'\n'),
            'r' => Some(b'\r'),
            't' => Some(b'\t'),
            'v' => Some(11),
            '\\' => Some(b'\\'),
            c if c == quote => u8::try_from(c).ok(),
            _ => None,
        };
        if let Some(byte) = simple {
            bytes.push(byte);
            rest = &rest[2..];
            continue;
        }
        let (start, len, base) = match escape {
            'x' => (2, 2, 16),
            'u' => (2, 4, 16),
            'U' => (2, 8, 16),
            '0'..='7' => (1, 3, 8),
            _ => return None,
        };
        let digits = rest.get(start..start + len)?;
        let code = u32::from_str_radix(digits, base).ok()?;
        match escape {
            'u' | 'U' => {
                let c = char::from_u32(code)?;
                bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
            _ => bytes.push(u8::try_from(code).ok()?),
        }
        rest = &rest[start + len..];
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

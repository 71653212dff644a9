//! Two ways in which Go prints values that are part of the contract with the reference tool:
//! `%q` for strings in messages and `%v` for JSON a registry sent.

#[cfg(test)]
mod tests;

use std::fmt::Write;

use serde_json::Value;

/// A string as Go's `%q` prints it: double quotes, escapes for what can't be seen.
///
/// ```
/// assert_eq!(oras_spec::go_quote("a \"b\"\n"), r#""a \"b\"\n""#);
/// ```
#[must_use]
pub fn go_quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        push_quoted(&mut quoted, c);
    }
    quoted.push('"');
    quoted
}

fn push_quoted(quoted: &mut String, c: char) {
    let short = match c {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\x07' => "\\a",
        '\x08' => "\\b",
        '\x0c' => "\\f",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        '\x0b' => "\\v",
        _ if is_printable(c) => return quoted.push(c),
        _ => "",
    };
    quoted.push_str(short);
    if !short.is_empty() {
        return;
    }
    let code = u32::from(c);
    // Writing to a string can't fail.
    let _ = match code {
        0..0x80 => write!(quoted, "\\x{code:02x}"),
        0x80..0x1_0000 => write!(quoted, "\\u{code:04x}"),
        _ => write!(quoted, "\\U{code:08x}"),
    };
}

/// The Unicode tables of the standard library decide: it escapes the same categories in its debug output.
fn is_printable(c: char) -> bool {
    if c.is_ascii() {
        return !c.is_ascii_control();
    }
    // The leading letter keeps combining marks from being escaped for standing alone.
    let mut buffer = [b'a'; 5];
    let len = c.encode_utf8(&mut buffer[1..]).len();
    std::str::from_utf8(&buffer[..=len]).is_ok_and(|text| !text.escape_debug().any(|c| c == '\\'))
}

/// A JSON value as Go's `%v` prints it after decoding: strings bare, `[a b]`, `map[k:v]` sorted by key, numbers as floats.
#[must_use]
pub fn go_value(value: &Value) -> String {
    let mut text = String::new();
    push_value(&mut text, value);
    text
}

fn push_value(text: &mut String, value: &Value) {
    match value {
        Value::Null => text.push_str("<nil>"),
        Value::Bool(flag) => text.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => text.push_str(&go_float(number.as_f64().unwrap_or(f64::NAN))),
        Value::String(string) => text.push_str(string),
        Value::Array(items) => {
            text.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    text.push(' ');
                }
                push_value(text, item);
            }
            text.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(key, _)| *key);
            text.push_str("map[");
            for (i, (key, member)) in members.into_iter().enumerate() {
                if i > 0 {
                    text.push(' ');
                }
                text.push_str(key);
                text.push(':');
                push_value(text, member);
            }
            text.push(']');
        }
    }
}

/// A number as Go's `%v` prints a float64: shortest digits, exponent form from `1e+06` on and below `0.0001`.
#[must_use]
pub fn go_float(number: f64) -> String {
    let scientific = format!("{number:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else {
        return match number {
            _ if number.is_nan() => "NaN".to_owned(),
            _ if number > 0.0 => "+Inf".to_owned(),
            _ => "-Inf".to_owned(),
        };
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        return format!("{number}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

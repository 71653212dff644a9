//! Between numbers and text.

use super::Param::{Any, Str};
use super::{Function, Result, fixed};
use crate::fmt::{own_text, text};
use crate::literal::parse_unsigned;
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("int", &[Any], |call| Ok(Value::int(int64(call.arg(0))))),
    fixed("int64", &[Any], |call| Ok(Value::int64(int64(call.arg(0))))),
    fixed("float64", &[Any], |call| {
        Ok(Value::Float(float64(call.arg(0))))
    }),
    fixed("atoi", &[Str], |call| {
        Ok(Value::int(call.str(0).parse().unwrap_or(0)))
    }),
    fixed("toDecimal", &[Any], |call| {
        // What it takes is octal, like the mode of a file.
        let octal = i64::from_str_radix(&text(call.arg(0))?, 8).unwrap_or(0);
        Ok(Value::int64(octal))
    }),
    fixed("toString", &[Any], |call| {
        string(call.arg(0)).map(Value::str)
    }),
    fixed("toStrings", &[Any], |call| {
        strings(call.arg(0)).map(Value::strings)
    }),
];

/// The number that this is or says, else zero.
pub(super) fn int64(value: &Value) -> i64 {
    match value {
        Value::Bool(flag) => i64::from(*flag),
        Value::Int(_, number) | Value::Duration(number) => *number,
        // Cut, not rounded.
        Value::Float(number) => *number as i64,
        Value::Str(text) => parse_int(text.as_str()).unwrap_or(0),
        _ => 0,
    }
}

fn parse_int(text: &str) -> Option<i64> {
    // A fraction of nothing but zeros does no harm.
    let text = match text.split_once('.') {
        Some((whole, zeros)) if zeros.bytes().all(|b| b == b'0') => whole,
        _ => text,
    };
    match text.strip_prefix('-') {
        Some(magnitude) => 0i64.checked_sub_unsigned(parse_unsigned(magnitude)?),
        None => i64::try_from(parse_unsigned(text.strip_prefix('+').unwrap_or(text))?).ok(),
    }
}

/// The float that this is or says, else zero.
pub(super) fn float64(value: &Value) -> f64 {
    match value {
        Value::Bool(flag) => f64::from(u8::from(*flag)),
        Value::Int(_, number) | Value::Duration(number) => *number as f64,
        Value::Float(number) => *number,
        Value::Str(text) => text.as_str().parse().unwrap_or(0.0),
        _ => 0.0,
    }
}

/// As text.
pub(super) fn string(value: &Value) -> std::result::Result<String, String> {
    match value {
        Value::Str(text) => Ok(text.as_str().to_owned()),
        Value::Time(_) | Value::Duration(_) | Value::Version(_) => Ok(own_text(value)),
        other => text(other),
    }
}

/// Each element as text; nothing is left out, and what is no list is one element.
pub(super) fn strings(value: &Value) -> std::result::Result<Vec<String>, String> {
    match value {
        Value::Nil => Ok(Vec::new()),
        Value::List(list) => {
            let filled = list
                .items()
                .iter()
                .filter(|item| !matches!(item, Value::Nil));
            filled.map(string).collect()
        }
        other => Ok(vec![string(other)?]),
    }
}

/// The elements of a list, or the error that `what` can't be done.
pub(super) fn items<'a>(value: &'a Value, what: &str) -> std::result::Result<&'a [Value], String> {
    match value {
        Value::List(list) => Ok(list.items()),
        Value::Nil => {
            Err("runtime error: invalid memory address or nil pointer dereference".to_owned())
        }
        other => Err(format!("{what} {}", other.kind_name())),
    }
}

/// The text, unless it gets too long.
pub(super) fn checked(text: String) -> Result {
    crate::budget::fits(text.len())?;
    Ok(Value::str(text))
}

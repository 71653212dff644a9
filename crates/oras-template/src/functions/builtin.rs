//! What templates can call without sprig.

use std::cmp::Ordering;

use super::Param::{Any, Str};
use super::{Call, Function, Result, fixed, variadic};
use crate::budget::fits;
use crate::fmt::{print, printf, println, text};
use crate::value::{Elem, IntKind, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    // These two never get here: they evaluate no more arguments than they need.
    variadic("and", &[Any, Any], |call| Ok(call.arg(0).clone())),
    variadic("or", &[Any, Any], |call| Ok(call.arg(0).clone())),
    fixed("not", &[Any], |call| Ok(Value::Bool(!call.arg(0).truth()))),
    variadic("eq", &[Any, Any], |call| equal(call).map(Value::Bool)),
    fixed("ne", &[Any, Any], |call| {
        equal(call).map(|same| Value::Bool(!same))
    }),
    fixed("lt", &[Any, Any], |call| ordered(call, Ordering::is_lt)),
    fixed("le", &[Any, Any], |call| ordered(call, Ordering::is_le)),
    fixed("gt", &[Any, Any], |call| ordered(call, Ordering::is_gt)),
    fixed("ge", &[Any, Any], |call| ordered(call, Ordering::is_ge)),
    variadic("index", &[Any, Any], index),
    fixed("len", &[Any], len),
    variadic("call", &[Any, Any], no_function),
    variadic("print", &[Any], |call| print(call.args).map(Value::str)),
    variadic("println", &[Any], |call| println(call.args).map(Value::str)),
    variadic("printf", &[Str, Any], |call| {
        printf(call.str(0), call.from(1)).map(Value::str)
    }),
    variadic("html", &[Any], |call| escaped(call, html)),
    variadic("js", &[Any], |call| escaped(call, js)),
    variadic("urlquery", &[Any], |call| escaped(call, url_query)),
];

/// What kinds of numbers compare with each other.
fn basic_kind(value: &Value) -> Option<&'static str> {
    match value {
        Value::Bool(_) => Some("bool"),
        Value::Int(..) | Value::Duration(_) => Some("int"),
        Value::Float(_) => Some("float"),
        Value::Str(_) => Some("string"),
        _ => None,
    }
}

fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Int(_, a) | Value::Duration(a), Value::Int(_, b) | Value::Duration(b)) => {
            Some(a.cmp(b))
        }
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(b),
        (Value::Str(a), Value::Str(b)) => Some(a.as_str().cmp(b.as_str())),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

fn incompatible(a: &Value, b: &Value) -> String {
    format!(
        "incompatible types for comparison: {} and {}",
        a.type_name(),
        b.type_name()
    )
}

/// Whether the first is like any of the others.
fn equal(call: &Call<'_>) -> std::result::Result<bool, String> {
    let first = call.arg(0);
    if call.args.len() < 2 {
        return Err("missing argument for comparison".to_owned());
    }
    for other in call.from(1) {
        let same = match (basic_kind(first), basic_kind(other)) {
            (Some(a), Some(b)) if a == b => compare(first, other) == Some(Ordering::Equal),
            (None, None) => same_values(first, other)?,
            _ if matches!(first, Value::Nil) || matches!(other, Value::Nil) => false,
            _ => return Err(incompatible(first, other)),
        };
        if same {
            return Ok(true);
        }
    }
    Ok(false)
}

fn same_values(a: &Value, b: &Value) -> std::result::Result<bool, String> {
    match (a, b) {
        (Value::Nil, Value::Nil) => Ok(true),
        (Value::Nil, _) | (_, Value::Nil) => Ok(false),
        (Value::Time(a), Value::Time(b)) => Ok(a == b),
        (Value::Certificate(a), Value::Certificate(b)) => Ok(a.cert == b.cert && a.key == b.key),
        (Value::Version(a), Value::Version(b)) => Ok(std::rc::Rc::ptr_eq(a, b)),
        _ => Err(format!(
            "non-comparable types {}: {}, {}: {}",
            text(a)?,
            a.type_name(),
            b.type_name(),
            text(b)?
        )),
    }
}

fn ordered(call: &Call<'_>, wanted: fn(Ordering) -> bool) -> Result {
    let (a, b) = (call.arg(0), call.arg(1));
    match (basic_kind(a), basic_kind(b)) {
        (Some("bool"), Some("bool")) | (None, _) | (_, None) => {
            Err("invalid type for comparison".to_owned())
        }
        (Some(left), Some(right)) if left != right => Err(incompatible(a, b)),
        _ => Ok(Value::Bool(compare(a, b).is_some_and(wanted))),
    }
}

fn index(call: &Call<'_>) -> Result {
    let mut item = call.arg(0).clone();
    if matches!(item, Value::Nil) {
        return Err("index of untyped nil".to_owned());
    }
    for index in call.from(1) {
        item = match &item {
            Value::Nil => return Err("index of nil pointer".to_owned()),
            Value::List(list) => {
                let at = position(index, list.items().len())?;
                let item = list.get(at).cloned();
                item.ok_or_else(|| "reflect: slice index out of range".to_owned())?
            }
            Value::Str(text) => {
                let at = position(index, text.as_str().len())?;
                let byte = text.as_str().as_bytes().get(at).copied();
                let byte = byte.ok_or_else(|| "reflect: string index out of range".to_owned())?;
                Value::Int(IntKind::Uint8, i64::from(byte))
            }
            Value::Map(map) => {
                let key = match index {
                    Value::Str(key) => key.as_str(),
                    Value::Nil => return Err("value is nil; should be of type string".to_owned()),
                    other => {
                        let kind = other.type_name();
                        return Err(format!("value has type {kind}; should be string"));
                    }
                };
                let missing = match map.elem() {
                    Elem::Str => Value::str(""),
                    _ => Value::Nil,
                };
                map.get(key).unwrap_or(missing)
            }
            other => return Err(format!("can't index item of type {}", other.type_name())),
        };
    }
    Ok(item)
}

/// An index into something of this length; the length itself is one too.
fn position(index: &Value, len: usize) -> std::result::Result<usize, String> {
    let number = match index {
        Value::Int(_, number) => *number,
        Value::Nil => return Err("cannot index slice/array with nil".to_owned()),
        other => {
            let kind = other.type_name();
            return Err(format!("cannot index slice/array with type {kind}"));
        }
    };
    let at = usize::try_from(number).ok().filter(|at| *at <= len);
    at.ok_or_else(|| format!("index out of range: {number}"))
}

fn len(call: &Call<'_>) -> Result {
    match call.arg(0) {
        Value::Str(text) => Ok(Value::count(text.as_str().len())),
        Value::List(list) => Ok(Value::count(list.items().len())),
        Value::Map(map) => Ok(Value::count(map.len())),
        Value::Nil => Err("len of nil pointer".to_owned()),
        other => Err(format!("len of type {}", other.type_name())),
    }
}

/// No value is a function.
fn no_function(call: &Call<'_>) -> Result {
    match call.arg(0) {
        Value::Nil => Err("call of nil".to_owned()),
        other => Err(format!(
            "non-function {} of type {}",
            (call.shown)(),
            other.type_name()
        )),
    }
}

fn escaped(call: &Call<'_>, escape: fn(&str) -> String) -> Result {
    let plain = print(call.args)?;
    // No escape is longer than this.
    fits(plain.len().saturating_mul(6))?;
    Ok(Value::str(escape(&plain)))
}

fn html(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        match c {
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\0' => out.push('\u{fffd}'),
            c => out.push(c),
        }
        out
    })
}

fn js(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        match c {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '"' => out.push_str("\\\""),
            '<' | '>' | '&' | '=' => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c if c < ' ' => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                out.push_str(&format!("\\u{:04X}", u32::from(c)));
            }
            c => out.push(c),
        }
        out
    })
}

fn url_query(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b' ' => out.push('+'),
            b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
        out
    })
}

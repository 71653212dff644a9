//! JSON in and out.

use super::Param::{Any, Str};
use super::{Call, Function, Result, fixed};
use crate::budget::deep;
use crate::fmt::{Out, json_float, own_text};
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("fromJson", &[Str], |call| {
        Ok(decode(call).unwrap_or(Value::Nil))
    }),
    fixed("mustFromJson", &[Str], decode),
    fixed("toJson", &[Any], |call| Ok(lenient(call, HTML))),
    fixed("mustToJson", &[Any], |call| encode(call, HTML)),
    fixed("toPrettyJson", &[Any], |call| Ok(lenient(call, PRETTY))),
    fixed("mustToPrettyJson", &[Any], |call| encode(call, PRETTY)),
    fixed("toRawJson", &[Any], |call| encode(call, RAW)),
    fixed("mustToRawJson", &[Any], |call| encode(call, RAW)),
];

fn decode(call: &Call<'_>) -> Result {
    let text = call.str(0);
    serde_json::from_str(text)
        .map(Value::of_json)
        .map_err(|error| {
            if error.is_eof() {
                return "unexpected end of JSON input".to_owned();
            }
            let line = text
                .lines()
                .nth(error.line().saturating_sub(1))
                .unwrap_or("");
            let at = line.as_bytes().get(error.column().saturating_sub(1));
            let wrong = at.map_or(' ', |byte| char::from(*byte));
            format!("invalid character '{wrong}' looking for beginning of value")
        })
}

/// How JSON is written.
#[derive(Clone, Copy)]
struct Style {
    /// Whether what means something in HTML is escaped.
    html: bool,
    pretty: bool,
}

const HTML: Style = Style {
    html: true,
    pretty: false,
};
const PRETTY: Style = Style {
    html: true,
    pretty: true,
};
const RAW: Style = Style {
    html: false,
    pretty: false,
};

fn encode(call: &Call<'_>, style: Style) -> Result {
    let mut out = Out::default();
    write(&mut out, call.arg(0), style, 0)?;
    Ok(Value::str(out.into_text()))
}

/// Nothing, if it can't be written.
fn lenient(call: &Call<'_>, style: Style) -> Value {
    encode(call, style).unwrap_or_else(|_| Value::str(""))
}

type Written = std::result::Result<(), String>;

fn write(out: &mut Out, value: &Value, style: Style, depth: usize) -> Written {
    deep(depth)?;
    match value {
        Value::Nil => out.push("null"),
        Value::Bool(flag) => out.push(if *flag { "true" } else { "false" }),
        Value::Int(_, number) | Value::Duration(number) => out.push(&number.to_string()),
        Value::Float(number) if number.is_finite() => out.push(&json_float(*number)),
        Value::Float(number) => Err(format!(
            "json: unsupported value: {}",
            crate::fmt::shortest_float(*number)
        )),
        Value::Str(text) => string(out, text.as_str(), style),
        Value::Time(time) => string(out, &super::dates::rfc3339(time), style),
        Value::Version(_) => string(out, &own_text(value), style),
        Value::List(list) => {
            let items = list.items().iter().map(|item| (None, item.clone()));
            nested(out, ["[", "]"], items, style, depth)
        }
        Value::Map(map) => {
            let fields = map.entries().into_iter();
            let fields = fields.map(|(key, item)| (Some(key), item));
            nested(out, ["{", "}"], fields, style, depth)
        }
        Value::Certificate(pair) => {
            let fields = [("Cert", &pair.cert), ("Key", &pair.key)];
            let fields =
                fields.map(|(key, text)| (Some(key.to_owned()), Value::str(text.as_str())));
            nested(out, ["{", "}"], fields.into_iter(), style, depth)
        }
    }
}

fn nested(
    out: &mut Out,
    [open, close]: [&str; 2],
    items: impl Iterator<Item = (Option<String>, Value)>,
    style: Style,
    depth: usize,
) -> Written {
    let line = |out: &mut Out, depth: usize| match style.pretty {
        true => out.push(&format!("\n{}", "  ".repeat(depth))),
        false => Ok(()),
    };
    out.push(open)?;
    let mut any = false;
    for (key, item) in items {
        if any {
            out.push(",")?;
        }
        any = true;
        line(out, depth + 1)?;
        if let Some(key) = key {
            string(out, &key, style)?;
            out.push(if style.pretty { ": " } else { ":" })?;
        }
        write(out, &item, style, depth + 1)?;
    }
    if any {
        line(out, depth)?;
    }
    out.push(close)
}

fn string(out: &mut Out, text: &str, style: Style) -> Written {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            '<' | '>' | '&' if style.html => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            '\u{2028}' | '\u{2029}' => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c if c < ' ' => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    out.push(&quoted)
}

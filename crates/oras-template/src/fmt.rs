//! Values as text, as Go's `fmt` writes them.

mod number;
mod printf;

pub(crate) use number::{json_float, shortest_float};
pub(crate) use printf::printf;

use crate::budget::{deep, fits};
use crate::value::{IntKind, Value};

/// Text that can't grow without end.
#[derive(Debug, Default)]
pub(crate) struct Out {
    text: String,
}

impl Out {
    /// # Errors
    /// If it gets too long.
    pub(crate) fn push(&mut self, text: &str) -> Result<(), String> {
        fits(self.text.len() + text.len())?;
        self.text.push_str(text);
        Ok(())
    }

    pub(crate) fn into_text(self) -> String {
        self.text
    }
}

/// What stands between percent sign and verb.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flags {
    pub(crate) plus: bool,
    pub(crate) minus: bool,
    pub(crate) sharp: bool,
    pub(crate) space: bool,
    pub(crate) zero: bool,
    pub(crate) width: Option<usize>,
    pub(crate) precision: Option<usize>,
}

/// The value as `%v` writes it.
///
/// # Errors
/// If that is too long.
pub(crate) fn text(value: &Value) -> Result<String, String> {
    let mut out = Out::default();
    write(&mut out, value, 'v', Flags::default(), 0)?;
    Ok(out.into_text())
}

/// The values one after the other, with blanks where neither neighbour is text.
///
/// # Errors
/// If that is too long.
pub(crate) fn print(values: &[Value]) -> Result<String, String> {
    let mut out = Out::default();
    let mut text_before = true;
    for (at, value) in values.iter().enumerate() {
        let is_text = value.as_str().is_some();
        if at > 0 && !is_text && !text_before {
            out.push(" ")?;
        }
        text_before = is_text;
        write(&mut out, value, 'v', Flags::default(), 0)?;
    }
    Ok(out.into_text())
}

/// The values with blanks between them, and a line end.
///
/// # Errors
/// If that is too long.
pub(crate) fn println(values: &[Value]) -> Result<String, String> {
    let mut out = Out::default();
    for (at, value) in values.iter().enumerate() {
        if at > 0 {
            out.push(" ")?;
        }
        write(&mut out, value, 'v', Flags::default(), 0)?;
    }
    out.push("\n")?;
    Ok(out.into_text())
}

/// Writes `value` as `verb` says.
fn write(
    out: &mut Out,
    value: &Value,
    verb: char,
    flags: Flags,
    depth: usize,
) -> Result<(), String> {
    deep(depth)?;
    if verb == 'T' {
        return pad(out, value.type_name(), flags);
    }
    let go_syntax = verb == 'v' && flags.sharp;
    match value {
        Value::Nil if verb == 'v' && go_syntax && depth > 0 => out.push("interface {}(nil)"),
        Value::Nil if verb == 'v' => pad(out, "<nil>", flags),
        Value::Nil => out.push(&format!("%!{verb}(<nil>)")),
        Value::Bool(flag) => match verb {
            'v' | 't' => pad(out, if *flag { "true" } else { "false" }, flags),
            _ => bad(out, value, verb),
        },
        Value::Int(IntKind::Uint8, number) if go_syntax => out.push(&format!("{number:#x}")),
        Value::Int(_, number) => match number::int(*number, verb, flags) {
            Some(text) => out.push(&text),
            None => bad(out, value, verb),
        },
        Value::Duration(number) if matches!(verb, 'd' | 'x' | 'X' | 'o' | 'b' | 'c' | 'U') => {
            match number::int(*number, verb, flags) {
                Some(text) => out.push(&text),
                None => bad(out, value, verb),
            }
        }
        Value::Float(number) => match number::float(*number, verb, flags) {
            Some(text) => out.push(&text),
            None => bad(out, value, verb),
        },
        Value::Str(text) => match string(text.as_str(), verb, flags) {
            Some(text) => out.push(&text),
            None => bad(out, value, verb),
        },
        Value::List(list) => {
            if go_syntax {
                out.push(value.type_name())?;
            }
            out.push(if go_syntax { "{" } else { "[" })?;
            for (at, item) in list.items().iter().enumerate() {
                if at > 0 {
                    out.push(if go_syntax { ", " } else { " " })?;
                }
                write(out, item, verb, flags, depth + 1)?;
            }
            out.push(if go_syntax { "}" } else { "]" })
        }
        Value::Map(map) => {
            out.push(if go_syntax { value.type_name() } else { "map" })?;
            out.push(if go_syntax { "{" } else { "[" })?;
            for (at, (key, item)) in map.entries().iter().enumerate() {
                if at > 0 {
                    out.push(if go_syntax { ", " } else { " " })?;
                }
                write(out, &Value::str(key.as_str()), verb, flags, depth + 1)?;
                out.push(":")?;
                write(out, item, verb, flags, depth + 1)?;
            }
            out.push(if go_syntax { "}" } else { "]" })
        }
        Value::Certificate(pair) => {
            let names = if flags.plus || go_syntax {
                ["Cert:", "Key:"]
            } else {
                ["", ""]
            };
            out.push(if go_syntax { "sprig.certificate{" } else { "{" })?;
            out.push(names[0])?;
            write(out, &Value::str(pair.cert.as_str()), verb, flags, depth + 1)?;
            out.push(if go_syntax { ", " } else { " " })?;
            out.push(names[1])?;
            write(out, &Value::str(pair.key.as_str()), verb, flags, depth + 1)?;
            out.push("}")
        }
        Value::Time(_) | Value::Duration(_) | Value::Version(_) => {
            match string(
                &own_text(value),
                verb,
                Flags {
                    sharp: false,
                    ..flags
                },
            ) {
                Some(text) => out.push(&text),
                None => bad(out, value, verb),
            }
        }
    }
}

/// What the method `String` of a value says.
pub(crate) fn own_text(value: &Value) -> String {
    match value {
        Value::Time(time) => crate::functions::dates::go_string(time),
        Value::Duration(nanos) => crate::functions::dates::duration_text(*nanos),
        Value::Version(version) => version.to_string(),
        _ => String::new(),
    }
}

/// Says that this verb does not fit this value.
fn bad(out: &mut Out, value: &Value, verb: char) -> Result<(), String> {
    out.push(&format!("%!{verb}({}=", value.type_name()))?;
    write(out, value, 'v', Flags::default(), 1)?;
    out.push(")")
}

fn string(text: &str, verb: char, flags: Flags) -> Option<String> {
    let cut = || match flags.precision {
        Some(precision) => text.chars().take(precision).collect(),
        None => text.to_owned(),
    };
    let shown = match verb {
        'v' if flags.sharp => quote(text),
        'v' | 's' => cut(),
        'q' if flags.sharp
            && !text.contains('`')
            && !text.contains(|c: char| c.is_control() && c != '\t') =>
        {
            format!("`{}`", cut())
        }
        'q' => quote(&cut()),
        'x' | 'X' => {
            let bytes = text.bytes().take(flags.precision.unwrap_or(usize::MAX));
            let lead = if flags.sharp { "0x" } else { "" };
            let separator = if flags.space { " " } else { "" };
            let pairs: Vec<String> = bytes.map(|byte| format!("{byte:02x}")).collect();
            let hex = match flags.space {
                true => pairs
                    .iter()
                    .map(|pair| format!("{lead}{pair}"))
                    .collect::<Vec<_>>()
                    .join(separator),
                false if pairs.is_empty() => String::new(),
                false => format!("{lead}{}", pairs.concat()),
            };
            if verb == 'X' { hex.to_uppercase() } else { hex }
        }
        _ => return None,
    };
    Some(padded(&shown, flags))
}

fn pad(out: &mut Out, text: &str, flags: Flags) -> Result<(), String> {
    out.push(&padded(text, flags))
}

/// The text, at least as wide as it should be.
fn padded(text: &str, flags: Flags) -> String {
    let missing = flags
        .width
        .unwrap_or(0)
        .saturating_sub(text.chars().count());
    match (missing, flags.minus) {
        (0, _) => text.to_owned(),
        (_, true) => format!("{text}{}", " ".repeat(missing)),
        (_, false) if flags.zero => format!("{}{text}", "0".repeat(missing)),
        (_, false) => format!("{}{text}", " ".repeat(missing)),
    }
}

/// The text in quotes, with escapes.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        escape(&mut quoted, c, '"');
    }
    quoted.push('"');
    quoted
}

/// Appends a character as it is written between quotes.
fn escape(out: &mut String, c: char, quote: char) {
    match c {
        '\\' => out.push_str("\\\\"),
        c if c == quote => out.extend(['\\', c]),
        '\u{7}' => out.push_str("\\a"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{b}' => out.push_str("\\v"),
        c if c < ' ' || c == '\u{7f}' => out.push_str(&format!("\\x{:02x}", u32::from(c))),
        c if printable(c) => out.push(c),
        c if u32::from(c) < 0x1_0000 => out.push_str(&format!("\\u{:04x}", u32::from(c))),
        c => out.push_str(&format!("\\U{:08x}", u32::from(c))),
    }
}

/// Whether a character shows, judged as far as the standard library can.
fn printable(c: char) -> bool {
    let invisible = c.is_control()
        || (c.is_whitespace() && c != ' ')
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{e000}'..='\u{f8ff}' | '\u{feff}');
    !invisible
}

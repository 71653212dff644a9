//! Text. Lengths and positions count bytes, as in Go; what cuts a character in two shows the replacement character.

use std::collections::BTreeMap;

use super::Param::{Any, Int, Str};
use super::convert::{checked, string, strings};
use super::{Call, Function, Result, fixed, variadic};
use crate::budget::{counts, fits};
use crate::fmt::{print, quote};
use crate::value::{Elem, Map, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("trim", &[Str], |call| Ok(Value::str(call.str(0).trim()))),
    fixed("trimAll", &[Str, Str], trim_all),
    fixed("trimall", &[Str, Str], trim_all),
    fixed("trimPrefix", &[Str, Str], |call| {
        let text = call.str(1);
        Ok(Value::str(text.strip_prefix(call.str(0)).unwrap_or(text)))
    }),
    fixed("trimSuffix", &[Str, Str], |call| {
        let text = call.str(1);
        Ok(Value::str(text.strip_suffix(call.str(0)).unwrap_or(text)))
    }),
    fixed("upper", &[Str], |call| {
        Ok(Value::str(call.str(0).to_uppercase()))
    }),
    fixed("lower", &[Str], |call| {
        Ok(Value::str(call.str(0).to_lowercase()))
    }),
    fixed("contains", &[Str, Str], |call| {
        Ok(Value::Bool(call.str(1).contains(call.str(0))))
    }),
    fixed("hasPrefix", &[Str, Str], |call| {
        Ok(Value::Bool(call.str(1).starts_with(call.str(0))))
    }),
    fixed("hasSuffix", &[Str, Str], |call| {
        Ok(Value::Bool(call.str(1).ends_with(call.str(0))))
    }),
    fixed("repeat", &[Int, Str], repeat),
    fixed("replace", &[Str, Str, Str], replace),
    fixed("trunc", &[Int, Str], trunc),
    fixed("substr", &[Int, Int, Str], substr),
    fixed("abbrev", &[Int, Str], |call| {
        Ok(Value::str(abbreviated(call.str(1), 0, call.int(0))))
    }),
    fixed("abbrevboth", &[Int, Int, Str], |call| {
        let (left, right) = (call.int(0), call.int(1));
        Ok(Value::str(match right < 4 || (left > 0 && right < 7) {
            true => call.str(2).to_owned(),
            false => abbreviated(call.str(2), left, right),
        }))
    }),
    fixed("wrap", &[Int, Str], |call| {
        wrapped(call.str(1), call.int(0), "\n", false)
    }),
    fixed("wrapWith", &[Int, Str, Str], |call| {
        let separator = if call.str(1).is_empty() {
            "\n"
        } else {
            call.str(1)
        };
        wrapped(call.str(2), call.int(0), separator, true)
    }),
    fixed("indent", &[Int, Str], |call| {
        indented(call.int(0), call.str(1)).and_then(checked)
    }),
    fixed("nindent", &[Int, Str], |call| {
        checked(format!("\n{}", indented(call.int(0), call.str(1))?))
    }),
    fixed("plural", &[Str, Str, Int], |call| {
        Ok(call.arg(usize::from(call.int(2) != 1)).clone())
    }),
    variadic("quote", &[Any], |call| {
        each(call, |value| Ok(quote(&string(value)?)))
    }),
    variadic("squote", &[Any], |call| {
        each(call, |value| Ok(format!("'{}'", string(value)?)))
    }),
    variadic("cat", &[Any], cat),
    fixed("join", &[Str, Any], join),
    fixed("sortAlpha", &[Any], |call| {
        let mut all = strings(call.arg(0))?;
        all.sort();
        Ok(Value::strings(all))
    }),
    fixed("split", &[Str, Str], |call| {
        parts(call.str(0), call.str(1), -1).map(numbered)
    }),
    fixed("splitn", &[Str, Int, Str], |call| {
        parts(call.str(0), call.str(2), call.int(1)).map(numbered)
    }),
    fixed("splitList", &[Str, Str], |call| {
        parts(call.str(0), call.str(1), -1).map(Value::strings)
    }),
];

fn trim_all(call: &Call<'_>) -> Result {
    let set = call.str(0);
    Ok(Value::str(call.str(1).trim_matches(|c| set.contains(c))))
}

fn repeat(call: &Call<'_>) -> Result {
    let Ok(count) = usize::try_from(call.int(0)) else {
        return Err("strings: negative Repeat count".to_owned());
    };
    fits(call.str(1).len().saturating_mul(count))?;
    Ok(Value::str(call.str(1).repeat(count)))
}

fn replace(call: &Call<'_>) -> Result {
    let (old, new, text) = (call.str(0), call.str(1), call.str(2));
    fits(text.len() + text.matches(old).count().saturating_mul(new.len()))?;
    Ok(Value::str(text.replace(old, new)))
}

/// The bytes from `start` to `end`, or what Go says of them.
fn cut(text: &str, start: i64, end: i64) -> std::result::Result<String, String> {
    let len = text.len();
    let (from, to) = (usize::try_from(start), usize::try_from(end));
    let part = match (from, to) {
        (Ok(from), Ok(to)) => text.as_bytes().get(from..to),
        _ => None,
    };
    match part {
        Some(part) => Ok(String::from_utf8_lossy(part).into_owned()),
        None if usize::try_from(end).map_or(true, |end| end > len) => Err(format!(
            "runtime error: slice bounds out of range [:{end}] with length {len}"
        )),
        None => Err(format!(
            "runtime error: slice bounds out of range [{start}:{end}]"
        )),
    }
}

fn len(text: &str) -> i64 {
    i64::try_from(text.len()).unwrap_or(i64::MAX)
}

fn trunc(call: &Call<'_>) -> Result {
    let (count, text) = (call.int(0), call.str(1));
    let len = len(text);
    Ok(Value::str(match count {
        count if count < 0 && len.saturating_add(count) > 0 => cut(text, len + count, len)?,
        count if count >= 0 && len > count => cut(text, 0, count)?,
        _ => text.to_owned(),
    }))
}

fn substr(call: &Call<'_>) -> Result {
    let (start, end, text) = (call.int(0), call.int(1), call.str(2));
    let len = len(text);
    Ok(Value::str(match () {
        () if start < 0 => cut(text, 0, end)?,
        () if end < 0 || end > len => cut(text, start, len)?,
        () => cut(text, start, end)?,
    }))
}

/// At most `width` bytes, with dots for what is left out. `offset` has to stay in sight.
fn abbreviated(text: &str, offset: i64, width: i64) -> String {
    let len = len(text);
    if width < 4 || len <= width {
        return text.to_owned();
    }
    let part = |start, end| cut(text, start, end).unwrap_or_default();
    let offset = offset
        .clamp(0, len)
        .min(len.saturating_sub(width - 3).max(0));
    match () {
        () if offset <= 4 => format!("{}...", part(0, width - 3)),
        () if width < 7 => text.to_owned(),
        () if offset + width - 3 < len => {
            format!("...{}", abbreviated(&part(offset, len), 0, width - 3))
        }
        () => format!("...{}", part(len - (width - 3), len)),
    }
}

/// Lines of at most `width` bytes. Words that are longer are cut or stay whole.
fn wrapped(text: &str, width: i64, separator: &str, cut_words: bool) -> Result {
    let width = usize::try_from(width).unwrap_or(0).max(1);
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while rest.len() > width {
        if let [b' ', after @ ..] = rest {
            rest = after;
            continue;
        }
        let head = rest.get(..=width).unwrap_or(rest);
        let tail = rest.get(width..).unwrap_or(&[]);
        // Where the line ends, and where the next one begins.
        let (end, next) = match head.iter().rposition(|byte| *byte == b' ') {
            Some(at) => (at, at + 1),
            None if cut_words => (width, width),
            None => match tail.iter().position(|byte| *byte == b' ') {
                Some(at) => (width + at, width + at + 1),
                None => break,
            },
        };
        out.extend_from_slice(rest.get(..end).unwrap_or(rest));
        out.extend_from_slice(separator.as_bytes());
        fits(out.len())?;
        rest = rest.get(next..).unwrap_or(&[]);
    }
    out.extend_from_slice(rest);
    checked(String::from_utf8_lossy(&out).into_owned())
}

fn indented(spaces: i64, text: &str) -> std::result::Result<String, String> {
    let Ok(spaces) = usize::try_from(spaces) else {
        return Err("strings: negative Repeat count".to_owned());
    };
    let lines = text.matches('\n').count() + 1;
    fits(spaces.saturating_mul(lines).saturating_add(text.len()))?;
    let pad = " ".repeat(spaces);
    Ok(format!("{pad}{}", text.replace('\n', &format!("\n{pad}"))))
}

/// What `show` makes of each argument that is something, with blanks between.
fn each(call: &Call<'_>, show: fn(&Value) -> std::result::Result<String, String>) -> Result {
    let mut shown = Vec::new();
    let mut len = 0;
    for value in call
        .args
        .iter()
        .filter(|value| !matches!(value, Value::Nil))
    {
        let text = show(value)?;
        len += text.len() + 1;
        fits(len)?;
        shown.push(text);
    }
    checked(shown.join(" "))
}

fn cat(call: &Call<'_>) -> Result {
    each(call, |value| print(std::slice::from_ref(value)))
}

fn join(call: &Call<'_>) -> Result {
    let (separator, all) = (call.str(0), strings(call.arg(1))?);
    let text: usize = all.iter().map(String::len).sum();
    fits(
        separator
            .len()
            .saturating_mul(all.len())
            .saturating_add(text),
    )?;
    Ok(Value::str(all.join(separator)))
}

/// What is between the separators; at most `limit` parts unless that is negative.
fn parts(separator: &str, text: &str, limit: i64) -> std::result::Result<Vec<String>, String> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    counts(text.matches(separator).count().min(limit))?;
    if separator.is_empty() {
        // Between all characters, and not at the ends.
        let mut chars: Vec<String> = text.chars().map(String::from).collect();
        if chars.len() > limit {
            let rest = chars.split_off(limit.saturating_sub(1)).concat();
            chars.extend((limit > 0).then_some(rest));
        }
        return Ok(chars);
    }
    Ok(text.splitn(limit, separator).map(str::to_owned).collect())
}

/// `_0`, `_1` and so on.
fn numbered(parts: Vec<String>) -> Value {
    let fields = parts.into_iter().enumerate();
    let fields = fields.map(|(at, part)| (format!("_{at}"), Value::str(part)));
    Value::Map(Map::new(Elem::Str, fields.collect::<BTreeMap<_, _>>()))
}

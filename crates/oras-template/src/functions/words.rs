//! The letters and words of a text.

use super::Param::Str;
use super::{Function, fixed};
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("title", &[Str], |call| Ok(Value::str(title(call.str(0))))),
    fixed("untitle", &[Str], |call| {
        Ok(Value::str(untitle(call.str(0))))
    }),
    fixed("swapcase", &[Str], |call| {
        Ok(Value::str(swapped(call.str(0))))
    }),
    fixed("nospace", &[Str], |call| {
        let kept = call.str(0).chars().filter(|c| !c.is_whitespace());
        Ok(Value::str(kept.collect::<String>()))
    }),
    fixed("initials", &[Str], |call| {
        let words = call.str(0).split_whitespace();
        Ok(Value::str(
            words
                .filter_map(|word| word.chars().next())
                .collect::<String>(),
        ))
    }),
    fixed("camelcase", &[Str], |call| {
        Ok(Value::str(camel(call.str(0))))
    }),
    fixed("snakecase", &[Str], |call| {
        Ok(Value::str(joined(call.str(0), '_')))
    }),
    fixed("kebabcase", &[Str], |call| {
        Ok(Value::str(joined(call.str(0), '-')))
    }),
];

/// Whether a word ends here.
fn separates(c: char) -> bool {
    match c {
        c if c.is_alphanumeric() || c == '_' => false,
        c if c.is_ascii() => true,
        c => c.is_whitespace(),
    }
}

fn title(text: &str) -> String {
    let mut before = ' ';
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match separates(before) {
            true => out.extend(c.to_uppercase()),
            false => out.push(c),
        }
        before = c;
    }
    out
}

fn untitle(text: &str) -> String {
    let mut before = ' ';
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match before.is_whitespace() {
            true => out.extend(c.to_lowercase()),
            false => out.push(c),
        }
        before = c;
    }
    out
}

fn swapped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c.is_uppercase() {
            true => out.extend(c.to_lowercase()),
            false => out.extend(c.to_uppercase()),
        }
    }
    out
}

fn connects(c: char) -> bool {
    matches!(c, '_' | '-') || c.is_whitespace()
}

/// `HttpServer` for `http_server`. Connectors in front, at the end and beside others stay.
fn camel(text: &str) -> String {
    let start = text.find(|c| !connects(c)).unwrap_or(text.len());
    let (lead, words) = text.split_at(start);
    let mut out = lead.to_owned();
    let mut waiting: Option<char> = None;
    let mut starts = true;
    for c in words.chars() {
        if connects(c) {
            out.extend(waiting.replace(c));
            continue;
        }
        match starts || waiting.take().is_some() {
            true => out.extend(c.to_uppercase()),
            false => out.extend(c.to_lowercase()),
        }
        starts = false;
    }
    out.extend(waiting);
    out
}

/// Lower-case words with `connector` between them: `http_server` for `HTTPServer`.
fn joined(text: &str, connector: char) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    // Whether the word began with a digit: then letters and digits stay together.
    let mut number = false;
    for (at, &c) in chars.iter().enumerate() {
        if connects(c) {
            out.push(connector);
            continue;
        }
        let before = at.checked_sub(1).and_then(|at| chars.get(at)).copied();
        let first = before.is_none_or(connects);
        let next = chars.get(at + 1).copied();
        let begins = match before {
            _ if first => true,
            Some(before) if c.is_uppercase() => {
                !before.is_uppercase() || next.is_some_and(char::is_lowercase)
            }
            // Digits belong to the word behind them, if it goes on in small letters.
            Some(before) if c.is_ascii_digit() && before.is_alphabetic() && !number => {
                let after = chars.iter().skip(at).find(|c| !c.is_ascii_digit());
                after.is_some_and(|c| c.is_lowercase())
            }
            _ => false,
        };
        if begins {
            number = c.is_ascii_digit();
            if !first {
                out.push(connector);
            }
        }
        out.extend(c.to_lowercase());
    }
    out
}

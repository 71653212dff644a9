//! `printf`: text with verbs.

use super::{Flags, Out, write};
use crate::value::Value;

/// The widest that width and precision can be.
const MAX_WIDTH: i64 = 1_000_000;

/// Writes `args` as `format` says.
///
/// # Errors
/// If that is too long.
pub(crate) fn printf(format: &str, args: &[Value]) -> Result<String, String> {
    let mut out = Out::default();
    let mut used = Arguments {
        args,
        next: 0,
        reordered: false,
        good: true,
    };
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        out.push(&rest[..at])?;
        rest = &rest[at + 1..];
        directive(&mut out, &mut rest, &mut used)?;
    }
    out.push(rest)?;
    if !used.reordered && used.next < args.len() {
        out.push("%!(EXTRA ")?;
        for (at, value) in args.iter().skip(used.next).enumerate() {
            if at > 0 {
                out.push(", ")?;
            }
            match value {
                Value::Nil => out.push("<nil>")?,
                value => {
                    out.push(value.type_name())?;
                    out.push("=")?;
                    write(&mut out, value, 'v', Flags::default(), 0)?;
                }
            }
        }
        out.push(")")?;
    }
    Ok(out.into_text())
}

struct Arguments<'a> {
    args: &'a [Value],
    next: usize,
    /// Whether an index was given somewhere.
    reordered: bool,
    /// Whether the last index was one.
    good: bool,
}

impl<'a> Arguments<'a> {
    fn take(&mut self) -> Option<&'a Value> {
        let value = self.args.get(self.next);
        self.next += usize::from(value.is_some());
        value
    }

    /// `[3]` in front of a star or a verb. Says whether there was one.
    fn index(&mut self, rest: &mut &str) -> bool {
        let Some(inner) = rest.strip_prefix('[') else {
            return false;
        };
        self.reordered = true;
        let Some((number, after)) = inner.split_once(']') else {
            self.good = false;
            *rest = inner;
            return false;
        };
        *rest = after;
        match number.parse::<usize>() {
            Ok(number) if number >= 1 && number <= self.args.len() => {
                self.next = number - 1;
                true
            }
            _ => {
                self.good = false;
                false
            }
        }
    }

    /// A width from an argument.
    fn star(&mut self) -> Option<i64> {
        match self.take() {
            Some(Value::Int(_, number)) if number.abs() <= MAX_WIDTH => Some(*number),
            _ => None,
        }
    }
}

/// One directive, from behind its percent sign.
fn directive(out: &mut Out, rest: &mut &str, used: &mut Arguments<'_>) -> Result<(), String> {
    let mut flags = Flags::default();
    used.good = true;
    loop {
        match rest.chars().next() {
            Some('+') => flags.plus = true,
            Some('-') => (flags.minus, flags.zero) = (true, false),
            Some('#') => flags.sharp = true,
            Some(' ') => flags.space = true,
            Some('0') => flags.zero = !flags.minus,
            _ => break,
        }
        *rest = &rest[1..];
    }
    let mut indexed = used.index(rest);
    if let Some(after) = rest.strip_prefix('*') {
        *rest = after;
        match used.star() {
            Some(number) => {
                if number < 0 {
                    (flags.minus, flags.zero) = (true, false);
                }
                flags.width = usize::try_from(number.unsigned_abs()).ok();
            }
            None => out.push("%!(BADWIDTH)")?,
        }
        indexed = false;
    } else {
        flags.width = digits(rest);
        if indexed && flags.width.is_some() {
            used.good = false;
        }
    }
    if let Some(after) = rest.strip_prefix('.') {
        *rest = after;
        if indexed {
            used.good = false;
        }
        indexed = used.index(rest);
        if let Some(after) = rest.strip_prefix('*') {
            *rest = after;
            match used.star() {
                Some(number) => flags.precision = usize::try_from(number).ok(),
                None => out.push("%!(BADPREC)")?,
            }
            indexed = false;
        } else {
            flags.precision = Some(digits(rest).unwrap_or(0));
        }
    }
    if !indexed {
        used.index(rest);
    }
    let Some(verb) = rest.chars().next() else {
        return out.push("%!(NOVERB)");
    };
    *rest = &rest[verb.len_utf8()..];
    if verb == '%' {
        return out.push("%");
    }
    if !used.good {
        return out.push(&format!("%!{verb}(BADINDEX)"));
    }
    match used.take() {
        None => out.push(&format!("%!{verb}(MISSING)")),
        Some(value) => write(out, value, verb, flags, 0),
    }
}

fn digits(rest: &mut &str) -> Option<usize> {
    let len = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, after) = rest.split_at(len);
    *rest = after;
    let number = number
        .parse::<i64>()
        .ok()
        .filter(|number| *number <= MAX_WIDTH)?;
    usize::try_from(number).ok()
}

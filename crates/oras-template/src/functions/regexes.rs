//! Regular expressions.

use regex::{NoExpand, Regex};

use super::Param::{Int, Str};
use super::{Call, Function, Result, fixed};
use crate::budget::{counts, fits};
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("regexMatch", &[Str, Str], |call| {
        let found = regex(call.str(0)).is_ok_and(|regex| regex.is_match(call.str(1)));
        Ok(Value::Bool(found))
    }),
    fixed("mustRegexMatch", &[Str, Str], |call| {
        Ok(Value::Bool(regex(call.str(0))?.is_match(call.str(1))))
    }),
    fixed("regexFind", &[Str, Str], |call| find(call, compiled(call)?)),
    fixed("mustRegexFind", &[Str, Str], |call| {
        find(call, regex(call.str(0))?)
    }),
    fixed("regexFindAll", &[Str, Str, Int], |call| {
        find_all(call, &compiled(call)?)
    }),
    fixed("mustRegexFindAll", &[Str, Str, Int], |call| {
        find_all(call, &regex(call.str(0))?)
    }),
    fixed("regexReplaceAll", &[Str, Str, Str], |call| {
        replace(call, &compiled(call)?, true)
    }),
    fixed("mustRegexReplaceAll", &[Str, Str, Str], |call| {
        replace(call, &regex(call.str(0))?, true)
    }),
    fixed("regexReplaceAllLiteral", &[Str, Str, Str], |call| {
        replace(call, &compiled(call)?, false)
    }),
    fixed("mustRegexReplaceAllLiteral", &[Str, Str, Str], |call| {
        replace(call, &regex(call.str(0))?, false)
    }),
    fixed("regexSplit", &[Str, Str, Int], |call| {
        split(call, &compiled(call)?)
    }),
    fixed("mustRegexSplit", &[Str, Str, Int], |call| {
        split(call, &regex(call.str(0))?)
    }),
    fixed("regexQuoteMeta", &[Str], |call| {
        let quoted = call.str(0).chars().fold(String::new(), |mut out, c| {
            if "\\.+*?()|[]{}^$".contains(c) {
                out.push('\\');
            }
            out.push(c);
            out
        });
        Ok(Value::str(quoted))
    }),
];

fn regex(pattern: &str) -> std::result::Result<Regex, String> {
    Regex::new(pattern).map_err(|error| {
        // The last line of the message is the reason; the others draw the pattern.
        let message = error.to_string();
        let reason = message.lines().last().unwrap_or("");
        let reason = reason.strip_prefix("error: ").unwrap_or(reason);
        format!("error parsing regexp: {reason}: `{pattern}`")
    })
}

/// The first argument, whose error names it.
fn compiled(call: &Call<'_>) -> std::result::Result<Regex, String> {
    let pattern = call.str(0);
    regex(pattern).map_err(|error| format!("regexp: Compile(`{pattern}`): {error}"))
}

fn find(call: &Call<'_>, regex: Regex) -> Result {
    Ok(Value::str(
        regex.find(call.str(1)).map_or("", |found| found.as_str()),
    ))
}

/// How many are wanted.
fn limit(call: &Call<'_>) -> usize {
    usize::try_from(call.int(2)).unwrap_or(usize::MAX)
}

fn find_all(call: &Call<'_>, regex: &Regex) -> Result {
    let mut all = Vec::new();
    for found in regex.find_iter(call.str(1)).take(limit(call)) {
        counts(all.len())?;
        all.push(found.as_str());
    }
    Ok(Value::strings(all))
}

fn replace(call: &Call<'_>, regex: &Regex, expand: bool) -> Result {
    let (text, new) = (call.str(1), call.str(2));
    // References to groups are bounded by the text, and by how many of them the replacement can name.
    let each = match expand && new.contains('$') {
        true => 0,
        false => new.len(),
    };
    fits(text.len() + regex.find_iter(text).count().saturating_mul(each))?;
    if each > 0 || new.is_empty() {
        let replaced = match expand {
            true => regex.replace_all(text, new),
            false => regex.replace_all(text, NoExpand(new)),
        };
        return Ok(Value::str(replaced));
    }
    let mut out = String::new();
    let mut end = 0;
    for found in regex.captures_iter(text) {
        let Some(whole) = found.get(0) else { continue };
        out.push_str(text.get(end..whole.start()).unwrap_or(""));
        let most = new.matches('$').count().saturating_mul(whole.len());
        fits(out.len().saturating_add(most).saturating_add(new.len()))?;
        found.expand(new, &mut out);
        end = whole.end();
    }
    out.push_str(text.get(end..).unwrap_or(""));
    Ok(Value::str(out))
}

fn split(call: &Call<'_>, regex: &Regex) -> Result {
    let (text, limit) = (call.str(1), limit(call));
    if limit == 0 {
        return Ok(Value::strings(Vec::<String>::new()));
    }
    if text.is_empty() && !call.str(0).is_empty() {
        return Ok(Value::strings([""]));
    }
    let mut parts = Vec::new();
    let (mut begin, mut end) = (0, 0);
    for found in regex.find_iter(text) {
        if parts.len() + 1 >= limit {
            break;
        }
        counts(parts.len())?;
        end = found.start();
        // An empty match in front of everything separates nothing.
        if found.end() != 0 {
            parts.push(text.get(begin..end).unwrap_or(""));
        }
        begin = found.end();
    }
    if end != text.len() {
        parts.push(text.get(begin..).unwrap_or(""));
    }
    Ok(Value::strings(parts))
}

//! One `key: value` of strings as YAML, in the style of the reference tool's encoder.

use std::fmt::Write as _;

/// Blanks in front of the lines of a block.
const INDENT: usize = 4;

/// `key: value`, without a line end.
pub(crate) fn entry(key: &str, value: &str) -> String {
    let key = match style(key) {
        // A key is one line.
        Style::Block => double_quoted(key),
        _ => scalar(key),
    };
    format!("{key}: {}", scalar(value)).trim_end().to_owned()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Plain,
    Single,
    Double,
    Block,
}

fn scalar(text: &str) -> String {
    match style(text) {
        Style::Plain => text.to_owned(),
        Style::Single => format!("'{}'", text.replace('\'', "''")),
        Style::Double => double_quoted(text),
        Style::Block => block(text),
    }
}

fn style(text: &str) -> Style {
    let lines = text.contains('\n');
    let allowed = |c| is_printable(c) || (lines && c == '\t');
    let special = !text.chars().all(allowed);
    if special || text.contains(" \n") {
        return Style::Double;
    }
    if lines {
        return Style::Block;
    }
    if has_other_type(text) {
        return Style::Double;
    }
    if is_old_bool(text) || is_base_60(text) || !is_plain(text) {
        return Style::Single;
    }
    Style::Plain
}

/// What the encoder prints without an escape.
fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}')
        && !matches!(c, '\u{feff}' | '\u{2028}' | '\u{2029}')
}

/// Whether no character makes the text something else than plain text at this place.
fn is_plain(text: &str) -> bool {
    if text.starts_with(' ')
        || text.ends_with(' ')
        || text.starts_with("---")
        || text.starts_with("...")
    {
        return false;
    }
    let chars: Vec<char> = text.chars().collect();
    let blank_after = |at: usize| chars.get(at + 1).is_none_or(|c| *c == ' ');
    let safe = |at: usize| match (chars[at], at) {
        (
            '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%'
            | '@' | '`',
            0,
        ) => false,
        ('-' | '?', 0) | (':', _) => !blank_after(at),
        ('#', _) => chars[at - 1] != ' ',
        _ => true,
    };
    (0..chars.len()).all(safe)
}

/// Whether a reader would take the plain text for null, a boolean, a number or a time.
fn has_other_type(text: &str) -> bool {
    matches!(
        text,
        "" | "~"
            | "null"
            | "Null"
            | "NULL"
            | "true"
            | "True"
            | "TRUE"
            | "false"
            | "False"
            | "FALSE"
            | "<<"
    ) || is_number(text)
        || is_timestamp(text)
}

fn is_old_bool(text: &str) -> bool {
    matches!(
        text,
        "y" | "Y"
            | "yes"
            | "Yes"
            | "YES"
            | "on"
            | "On"
            | "ON"
            | "n"
            | "N"
            | "no"
            | "No"
            | "NO"
            | "off"
            | "Off"
            | "OFF"
    )
}

fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let digits = unsigned.replace('_', "");
    let radix = |prefixes: [&str; 2], radix| {
        let rest = prefixes
            .iter()
            .find_map(|prefix| digits.strip_prefix(prefix));
        rest.is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| c.is_digit(radix)))
    };
    if radix(["0x", "0X"], 16) || radix(["0o", "0O"], 8) || radix(["0b", "0B"], 2) {
        return unsigned.starts_with('0');
    }
    unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') && is_decimal(&digits)
}

/// `[0-9]*[.[0-9]*][e[+-][0-9]+]` with at least one digit in front.
fn is_decimal(text: &str) -> bool {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (
            mantissa,
            Some(exponent.strip_prefix(['-', '+']).unwrap_or(exponent)),
        ),
        None => (text, None),
    };
    let all_digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    all_digits(whole)
        && all_digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|exponent| !exponent.is_empty() && all_digits(exponent))
}

/// `12:30` and the like, numbers in an older YAML.
fn is_base_60(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let text = text.split_once('.').map_or(text, |(whole, _)| whole);
    let mut parts = text.split(':');
    let first = parts.next().unwrap_or_default();
    let rest: Vec<&str> = parts.collect();
    first.starts_with(|c: char| c.is_ascii_digit())
        && first.chars().all(|c| c.is_ascii_digit() || c == '_')
        && !rest.is_empty()
        && rest
            .iter()
            .all(|part| part.len() <= 2 && part.parse::<u8>().is_ok_and(|part| part < 60))
}

/// A date, or a date and a time.
fn is_timestamp(text: &str) -> bool {
    let number = |text: &str,
                  digits: std::ops::RangeInclusive<usize>,
                  values: std::ops::RangeInclusive<u32>| {
        digits.contains(&text.len())
            && text.chars().all(|c| c.is_ascii_digit())
            && text.parse().is_ok_and(|value| values.contains(&value))
    };
    let (date, time) = match text.split_once(['T', 't', ' ']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let date: Vec<&str> = date.split('-').collect();
    let [year, month, day] = date[..] else {
        return false;
    };
    if !(number(year, 4..=4, 0..=9999)
        && number(month, 1..=2, 1..=12)
        && number(day, 1..=2, 1..=31))
    {
        return false;
    }
    let Some(time) = time else { return true };
    // A time with a zone follows `T` only; behind a blank there is none.
    let clock = match time.find(['Z', '+', '-']) {
        Some(at) if !text.contains(' ') => &time[..at],
        Some(_) => return false,
        None if text.contains(' ') => time,
        None => return false,
    };
    let clock = clock.split_once('.').map_or(clock, |(clock, _)| clock);
    let clock: Vec<&str> = clock.split(':').collect();
    let [hour, minute, second] = clock[..] else {
        return false;
    };
    number(hour, 1..=2, 0..=23) && number(minute, 1..=2, 0..=59) && number(second, 1..=2, 0..=59)
}

fn double_quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        let escape = match c {
            '\0' => "\\0",
            '\x07' => "\\a",
            '\x08' => "\\b",
            '\t' => "\\t",
            '\n' => "\\n",
            '\x0b' => "\\v",
            '\x0c' => "\\f",
            '\r' => "\\r",
            '\x1b' => "\\e",
            '"' => "\\\"",
            '\\' => "\\\\",
            '\u{85}' => "\\N",
            '\u{2028}' => "\\L",
            '\u{2029}' => "\\P",
            _ => "",
        };
        let code = u32::from(c);
        let _ = match escape {
            "" if is_printable(c) => write!(quoted, "{c}"),
            "" if code <= 0xff => write!(quoted, "\\x{code:02X}"),
            "" if code <= 0xffff => write!(quoted, "\\u{code:04X}"),
            "" => write!(quoted, "\\U{code:08X}"),
            escape => write!(quoted, "{escape}"),
        };
    }
    quoted.push('"');
    quoted
}

/// A literal block: the lines as they are, and a mark that says what ends them.
fn block(text: &str) -> String {
    let indent = if text.starts_with([' ', '\n']) {
        INDENT.to_string()
    } else {
        String::new()
    };
    let chomp = match text.strip_suffix('\n') {
        None => "-",
        Some(rest) if rest.is_empty() || rest.ends_with('\n') => "+",
        Some(_) => "",
    };
    let mut block = format!("|{indent}{chomp}");
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        block.push('\n');
        if !line.is_empty() {
            block.push_str(&" ".repeat(INDENT));
            block.push_str(line);
        }
    }
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_have_the_style_of_the_reference() {
        let check = |value: &str, expected: &str| {
            assert_eq!(entry("k", value), format!("k: {expected}"), "{value:?}");
        };
        for plain in [
            "v",
            "a b",
            "a:b",
            "http://x/y#z",
            "v1.2.3",
            "größe",
            "sha256:ab",
            "x'y",
            "-a",
            "a, b",
            "1.2.3",
        ] {
            check(plain, plain);
        }
        for double in [
            "true",
            "123",
            "2023-01-01",
            "",
            "~",
            "null",
            "1e3",
            "0x1F",
            ".5",
            ".inf",
            "2023-01-18T08:37:42Z",
        ] {
            check(double, &format!("\"{double}\""));
        }
        for single in [
            "a: b", "# c", " lead", "trail ", "*x", "- a", "{}", "yes", "no", "on", "off", "y",
            "n", "12:30", "a #b", "a:", "[x]", "@x", "---",
        ] {
            check(single, &format!("'{single}'"));
        }
        check("it's: x", "'it''s: x'");
        check("tab\tx", r#""tab\tx""#);
        check("\u{1F600}", r#""\U0001F600""#);
        check("a\u{1}\"", r#""a\x01\"""#);
    }

    #[test]
    fn several_lines_make_a_block() {
        assert_eq!(entry("k", "a\nb"), "k: |-\n    a\n    b");
        assert_eq!(entry("k", "a\nb\n"), "k: |\n    a\n    b");
    }

    #[test]
    fn keys_follow_the_same_rules() {
        assert_eq!(entry("true", "v"), "\"true\": v");
        assert_eq!(entry("a b", "v"), "a b: v");
    }

    #[test]
    fn long_lines_are_not_folded() {
        let long = "word ".repeat(60) + "end";
        assert_eq!(entry("k", &long), format!("k: {long}"));
    }
}

//! Values that are lists, separated by commas.

use std::fmt;

/// The fields of one value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Row(pub(crate) Vec<String>);

/// What makes a value unreadable, in Go's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BadRow {
    column: usize,
    what: &'static str,
}

impl fmt::Display for BadRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { column, what } = self;
        write!(f, "parse error on line 1, column {column}: {what}")
    }
}

impl std::error::Error for BadRow {}

/// Splits at commas; a field in double quotes may hold commas and doubled quotes.
///
/// # Errors
/// For a quote in the wrong place.
pub(crate) fn parse(text: &str) -> Result<Row, BadRow> {
    const BARE: &str = "bare \" in non-quoted-field";
    const STRAY: &str = "extraneous or missing \" in quoted-field";
    if text.is_empty() {
        return Ok(Row::default());
    }
    let mut fields = Vec::new();
    let mut rest = text;
    loop {
        let column = text.len() - rest.len() + 1;
        let Some(quoted) = rest.strip_prefix('"') else {
            let (field, next) = rest
                .split_once(',')
                .map_or((rest, None), |(field, next)| (field, Some(next)));
            if let Some(at) = field.find('"') {
                return Err(BadRow {
                    column: column + at,
                    what: BARE,
                });
            }
            fields.push(field.to_owned());
            match next {
                Some(next) => rest = next,
                None => return Ok(Row(fields)),
            }
            continue;
        };
        let mut field = String::new();
        let mut chars = quoted.char_indices().peekable();
        let end = loop {
            match chars.next() {
                Some((_, '"')) if chars.next_if(|(_, c)| *c == '"').is_some() => field.push('"'),
                Some((at, '"')) => break at + 1,
                Some((_, c)) => field.push(c),
                None => {
                    return Err(BadRow {
                        column: text.len() + 1,
                        what: STRAY,
                    });
                }
            }
        };
        fields.push(field);
        match quoted[end..].strip_prefix(',') {
            Some(next) => rest = next,
            None if quoted.len() == end => return Ok(Row(fields)),
            None => {
                return Err(BadRow {
                    column: column + end,
                    what: STRAY,
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_split_as_csv() {
        let check =
            |text: &str, fields: &[&str]| assert_eq!(parse(text).unwrap().0, fields, "{text}");
        check("a,b", &["a", "b"]);
        check("a", &["a"]);
        check("", &[]);
        check("a,", &["a", ""]);
        check("\"a,b\",c", &["a,b", "c"]);
        check("\"a\"\"b\"", &["a\"b"]);
        let error = parse("a\"b").unwrap_err().to_string();
        assert_eq!(
            error,
            "parse error on line 1, column 2: bare \" in non-quoted-field"
        );
        assert!(parse("\"a").is_err() && parse("\"a\"b").is_err());
    }
}

//! The creation time of a manifest, and what the reference tool says about a wrong one.

use std::fmt;

use oras_content::{Error, ErrorKind, Result};
use oras_spec::go_quote;

/// The creation time to annotate a manifest with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Created {
    /// The time of packing, in UTC, to the second.
    #[default]
    Now,
    /// This RFC 3339 time, as written. For reproducible digests.
    Fixed(String),
    /// None.
    Omit,
}

impl Created {
    pub(super) fn text(&self) -> Result<Option<String>> {
        match self {
            Self::Now => {
                let seconds = jiff::Timestamp::now().as_second();
                let now = jiff::Timestamp::from_second(seconds).map_err(|error| {
                    Error::new(ErrorKind::Other, "the clock is out of range").with_source(error)
                })?;
                Ok(Some(now.to_string()))
            }
            Self::Fixed(text) => {
                validate(text)?;
                Ok(Some(text.clone()))
            }
            Self::Omit => Ok(None),
        }
    }
}

/// Checks that `text` is what the reference tool takes for RFC 3339: one digit is enough for the hour, and a comma may
/// stand before the fraction of a second.
pub(super) fn validate(text: &str) -> Result<()> {
    let mut reader = Reader { rest: text };
    reader.read().map_err(|wrong| {
        let value = go_quote(text);
        let cause = match wrong {
            Wrong::Element { found, expected } => format!(
                "parsing time {value} as \"2006-01-02T15:04:05Z07:00\": cannot parse {} as {}",
                go_quote(&found),
                go_quote(expected)
            ),
            Wrong::Range(what) => format!("parsing time {value}: {what} out of range"),
            Wrong::Extra(text) => format!("parsing time {value}: extra text: {}", go_quote(&text)),
        };
        Error::new(ErrorKind::InvalidTimestamp, "invalid date and time format")
            .with_source(Cause(cause))
    })
}

/// What is wrong with a time.
enum Wrong {
    /// `found` (the rest of the text) does not start with what the layout has as `expected`.
    Element {
        found: String,
        expected: &'static str,
    },
    /// A number that no such thing can have.
    Range(&'static str),
    /// More than a time.
    Extra(String),
}

struct Reader<'a> {
    rest: &'a str,
}

/// How many digits a number may have.
#[derive(Clone, Copy, PartialEq)]
enum Digits {
    Two,
    OneOrTwo,
}

impl<'a> Reader<'a> {
    fn read(&mut self) -> Result<(), Wrong> {
        let year = self.year()?;
        self.literal("-")?;
        let month = self.number("01", Digits::Two)?;
        in_range("month", (1..=12).contains(&month))?;
        self.literal("-")?;
        let day = self.number("02", Digits::Two)?;
        self.literal("T")?;
        let hour = self.number("15", Digits::OneOrTwo)?;
        in_range("hour", hour < 24)?;
        self.literal(":")?;
        let minute = self.number("04", Digits::Two)?;
        in_range("minute", minute < 60)?;
        self.literal(":")?;
        let second = self.number("05", Digits::Two)?;
        in_range("second", second < 60)?;
        self.fraction();
        self.zone()?;
        if !self.rest.is_empty() {
            return Err(Wrong::Extra(self.rest.to_owned()));
        }
        in_range("day", day >= 1 && day <= days_in(year, month))
    }

    fn year(&mut self) -> Result<u32, Wrong> {
        let digits = self.rest.get(..4).and_then(decimal);
        let Some(year) = digits else {
            return Err(self.wrong("2006"));
        };
        self.rest = &self.rest[4..];
        Ok(year)
    }

    fn literal(&mut self, expected: &'static str) -> Result<(), Wrong> {
        match self.rest.strip_prefix(expected) {
            Some(rest) => {
                self.rest = rest;
                Ok(())
            }
            None => Err(self.wrong(expected)),
        }
    }

    fn number(&mut self, expected: &'static str, digits: Digits) -> Result<u32, Wrong> {
        let found = leading_digits(self.rest).min(2);
        if found == 0 || (found == 1 && digits == Digits::Two) {
            return Err(self.wrong(expected));
        }
        let (number, rest) = self.rest.split_at(found);
        let number = decimal(number).ok_or_else(|| self.wrong(expected))?;
        self.rest = rest;
        Ok(number)
    }

    fn fraction(&mut self) {
        if let Some(rest) = self.rest.strip_prefix(['.', ',']) {
            let digits = leading_digits(rest);
            if digits > 0 {
                self.rest = &rest[digits..];
            }
        }
    }

    fn zone(&mut self) -> Result<(), Wrong> {
        if let Some(rest) = self.rest.strip_prefix('Z') {
            self.rest = rest;
            return Ok(());
        }
        const EXPECTED: &str = "Z07:00";
        let Some(text) = self.rest.get(..6).filter(|text| text.as_bytes()[3] == b':') else {
            return Err(self.wrong(EXPECTED));
        };
        let numbers = text
            .get(1..3)
            .and_then(decimal)
            .zip(text.get(4..6).and_then(decimal));
        let Some((hours, minutes)) = numbers else {
            return Err(self.wrong(EXPECTED));
        };
        // Go counts one too far on purpose: some write offsets of 24 hours and 60 minutes.
        in_range("time zone offset hour", hours <= 24)?;
        in_range("time zone offset minute", minutes <= 60)?;
        if !text.starts_with(['+', '-']) {
            return Err(self.wrong(EXPECTED));
        }
        self.rest = &self.rest[6..];
        Ok(())
    }

    fn wrong(&self, expected: &'static str) -> Wrong {
        Wrong::Element {
            found: self.rest.to_owned(),
            expected,
        }
    }
}

fn in_range(what: &'static str, ok: bool) -> Result<(), Wrong> {
    if ok { Ok(()) } else { Err(Wrong::Range(what)) }
}

fn leading_digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

fn decimal(digits: &str) -> Option<u32> {
    (leading_digits(digits) == digits.len()).then(|| digits.parse().ok())?
}

fn days_in(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[derive(Debug)]
struct Cause(String);

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Cause {}

#[cfg(test)]
mod tests {
    use super::validate;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let error = validate(text).err().map(|error| error.chain());
        let expected =
            expected.map(|text| format!("invalid date and time format: parsing time {text}"));
        assert_eq!(error, expected);
    }

    #[test]
    fn times_are_judged_in_the_words_of_the_reference_tool() {
        let layout = "\"2006-01-02T15:04:05Z07:00\"";
        check("2020-01-01T00:00:00Z", None);
        check("2020-02-29T23:59:59.123+05:30", None);
        check("2020-01-01T1:00:00Z", None);
        check(
            "xx",
            Some(&format!(
                "\"xx\" as {layout}: cannot parse \"xx\" as \"2006\""
            )),
        );
        check(
            "",
            Some(&format!("\"\" as {layout}: cannot parse \"\" as \"2006\"")),
        );
        check(
            "2020-1-01T00:00:00Z",
            Some(&format!(
                "\"2020-1-01T00:00:00Z\" as {layout}: cannot parse \"1-01T00:00:00Z\" as \"01\""
            )),
        );
        check(
            "2020-01-01 00:00:00Z",
            Some(&format!(
                "\"2020-01-01 00:00:00Z\" as {layout}: cannot parse \" 00:00:00Z\" as \"T\""
            )),
        );
        check(
            "2020-01-01T00:00:00",
            Some(&format!(
                "\"2020-01-01T00:00:00\" as {layout}: cannot parse \"\" as \"Z07:00\""
            )),
        );
        check(
            "2020-13-01T00:00:00Z",
            Some("\"2020-13-01T00:00:00Z\": month out of range"),
        );
        check(
            "2021-02-29T00:00:00Z",
            Some("\"2021-02-29T00:00:00Z\": day out of range"),
        );
        check(
            "2020-01-01T00:00:00Zzz",
            Some("\"2020-01-01T00:00:00Zzz\": extra text: \"zz\""),
        );
    }
}

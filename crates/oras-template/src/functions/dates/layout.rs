//! Layouts: a date that shows how dates are to be written.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, Zoned};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

/// An element of a layout.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Part<'a> {
    Literal(&'a str),
    LongMonth,
    Month,
    NumMonth,
    ZeroMonth,
    LongDay,
    WeekDay,
    Day,
    PaddedDay,
    ZeroDay,
    PaddedYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    UpperPm,
    LowerPm,
    Zone,
    /// An offset: as `Z` if there is none, and how it is written.
    Offset {
        zulu: bool,
        colon: bool,
        minutes: bool,
        seconds: bool,
    },
    /// Digits of a fraction behind this sign; zeros at the end may be dropped.
    Fraction {
        sign: char,
        digits: usize,
        drops: bool,
    },
}

const NAMES: [(&str, Part<'static>); 26] = [
    ("January", Part::LongMonth),
    ("Jan", Part::Month),
    ("Monday", Part::LongDay),
    ("Mon", Part::WeekDay),
    ("MST", Part::Zone),
    ("2006", Part::LongYear),
    ("__2", Part::PaddedYearDay),
    ("002", Part::ZeroYearDay),
    ("_2006", Part::Literal("_")),
    ("_2", Part::PaddedDay),
    ("01", Part::ZeroMonth),
    ("02", Part::ZeroDay),
    ("03", Part::ZeroHour12),
    ("04", Part::ZeroMinute),
    ("05", Part::ZeroSecond),
    ("06", Part::Year),
    ("15", Part::Hour),
    ("PM", Part::UpperPm),
    ("pm", Part::LowerPm),
    ("1", Part::NumMonth),
    ("2", Part::Day),
    ("3", Part::Hour12),
    ("4", Part::Minute),
    ("5", Part::Second),
    ("Z", Part::Literal("Z")),
    ("-", Part::Literal("-")),
];

const OFFSETS: [(&str, bool, bool, bool); 5] = [
    ("07:00:00", true, true, true),
    ("070000", false, true, true),
    ("07:00", true, true, false),
    ("0700", false, true, false),
    ("07", false, false, false),
];

/// Splits a layout.
fn parts(layout: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = layout;
    let mut literal = 0;
    while let Some(first) = rest.get(literal..).and_then(|text| text.chars().next()) {
        match element(rest.get(literal..).unwrap_or("")) {
            Some((part, len)) => {
                if literal > 0 {
                    parts.push(Part::Literal(&rest[..literal]));
                }
                parts.push(part);
                rest = rest.get(literal + len..).unwrap_or("");
                literal = 0;
            }
            None => literal += first.len_utf8(),
        }
    }
    if !rest.is_empty() {
        parts.push(Part::Literal(rest));
    }
    parts
}

/// The element that `text` begins with, and its length.
fn element(text: &str) -> Option<(Part<'static>, usize)> {
    let first = text.chars().next()?;
    if matches!(first, 'Z' | '-') {
        let after = &text[1..];
        let found = OFFSETS.iter().find(|(name, ..)| after.starts_with(name))?;
        let (name, colon, minutes, seconds) = *found;
        let zulu = first == 'Z';
        return Some((
            Part::Offset {
                zulu,
                colon,
                minutes,
                seconds,
            },
            name.len() + 1,
        ));
    }
    if matches!(first, '.' | ',') {
        let digit = text.get(1..2).filter(|digit| matches!(*digit, "0" | "9"))?;
        let after = &text[1..];
        let digits = after.len() - after.trim_start_matches(digit).len();
        let more = after
            .get(digits..)
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        let drops = digit == "9";
        let part = Part::Fraction {
            sign: first,
            digits,
            drops,
        };
        return (!more).then_some((part, digits + 1));
    }
    let (name, part) = NAMES.iter().find(|(name, _)| text.starts_with(name))?;
    // A word that goes on in small letters is no name of a month or day.
    let goes_on = text
        .get(name.len()..)
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()));
    match part {
        Part::Month if goes_on => None,
        // Go looks for the year behind the underscore.
        Part::Literal(_) => Some((*part, 1)),
        part => Some((*part, name.len())),
    }
}

/// Writes `time` as the layout shows.
pub(crate) fn format(time: &Zoned, layout: &str) -> String {
    let mut out = String::new();
    let hour12 = match time.hour() % 12 {
        0 => 12,
        hour => hour,
    };
    let month = MONTHS
        .get(usize::try_from(time.month() - 1).unwrap_or(0))
        .copied()
        .unwrap_or("");
    let weekday = usize::try_from(time.weekday().to_sunday_zero_offset()).unwrap_or(0);
    let weekday = DAYS.get(weekday).copied().unwrap_or("");
    let short = |name: &'static str| name.get(..3).unwrap_or(name);
    for part in parts(layout) {
        match part {
            Part::Literal(text) => out.push_str(text),
            Part::LongMonth => out.push_str(month),
            Part::Month => out.push_str(short(month)),
            Part::NumMonth => out.push_str(&time.month().to_string()),
            Part::ZeroMonth => out.push_str(&format!("{:02}", time.month())),
            Part::LongDay => out.push_str(weekday),
            Part::WeekDay => out.push_str(short(weekday)),
            Part::Day => out.push_str(&time.day().to_string()),
            Part::PaddedDay => out.push_str(&format!("{:2}", time.day())),
            Part::ZeroDay => out.push_str(&format!("{:02}", time.day())),
            Part::PaddedYearDay => out.push_str(&format!("{:3}", time.day_of_year())),
            Part::ZeroYearDay => out.push_str(&format!("{:03}", time.day_of_year())),
            Part::Hour => out.push_str(&format!("{:02}", time.hour())),
            Part::Hour12 => out.push_str(&hour12.to_string()),
            Part::ZeroHour12 => out.push_str(&format!("{hour12:02}")),
            Part::Minute => out.push_str(&time.minute().to_string()),
            Part::ZeroMinute => out.push_str(&format!("{:02}", time.minute())),
            Part::Second => out.push_str(&time.second().to_string()),
            Part::ZeroSecond => out.push_str(&format!("{:02}", time.second())),
            Part::LongYear => out.push_str(&format!("{:04}", time.year())),
            Part::Year => out.push_str(&format!("{:02}", time.year().rem_euclid(100))),
            Part::UpperPm => out.push_str(if time.hour() < 12 { "AM" } else { "PM" }),
            Part::LowerPm => out.push_str(if time.hour() < 12 { "am" } else { "pm" }),
            Part::Zone => out.push_str(&zone(time)),
            Part::Offset {
                zulu,
                colon,
                minutes,
                seconds,
            } => {
                let total = time.offset().seconds();
                if zulu && total == 0 {
                    out.push('Z');
                    continue;
                }
                let total_abs = total.unsigned_abs();
                out.push(if total < 0 { '-' } else { '+' });
                out.push_str(&format!("{:02}", total_abs / 3600));
                let separator = if colon { ":" } else { "" };
                if minutes {
                    out.push_str(&format!("{separator}{:02}", total_abs / 60 % 60));
                }
                if seconds {
                    out.push_str(&format!("{separator}{:02}", total_abs % 60));
                }
            }
            Part::Fraction {
                sign,
                digits,
                drops,
            } => {
                let nanos = format!("{:09}", time.subsec_nanosecond());
                let shown = nanos.get(..digits.min(9)).unwrap_or(&nanos);
                let shown = if drops {
                    shown.trim_end_matches('0')
                } else {
                    shown
                };
                if !shown.is_empty() {
                    out.push(sign);
                    out.push_str(shown);
                }
            }
        }
    }
    out
}

/// The abbreviation of the zone, or its offset if it has none.
fn zone(time: &Zoned) -> String {
    let info = time.time_zone().to_offset_info(time.timestamp());
    let name = info.abbreviation();
    match name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        true => name.to_owned(),
        false => {
            let total = time.offset().seconds();
            let sign = if total < 0 { '-' } else { '+' };
            let total = total.unsigned_abs();
            match total / 60 % 60 {
                0 => format!("{sign}{:02}", total / 3600),
                minutes => format!("{sign}{:02}{minutes:02}", total / 3600),
            }
        }
    }
}

/// The time that is no time: the first second of the first year.
pub(super) fn zero() -> Zoned {
    let date = Date::constant(1, 1, 1);
    let zoned = date.to_datetime(Time::midnight()).to_zoned(TimeZone::UTC);
    zoned.unwrap_or_else(|_| Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC))
}

/// Reads `value`, which is written as the layout shows.
///
/// # Errors
/// If it is not.
pub(super) fn parse(layout: &str, value: &str) -> Result<Zoned, String> {
    let quote = crate::fmt::quote;
    let mut read = Reader { rest: value };
    let (mut year, mut month, mut day, mut year_day) = (0i16, 1i8, 1i8, None);
    let (mut hour, mut minute, mut second, mut nanos) = (0i8, 0i8, 0i8, 0i32);
    let (mut pm, mut offset, mut zulu) = (None, None, false);
    let parts = parts(layout);
    for (at, part) in parts.iter().enumerate() {
        let before = read.rest;
        let done = match *part {
            Part::Literal(text) => read.literal(text),
            Part::LongMonth => read.name(&MONTHS, usize::MAX).map(|at| month = at + 1),
            Part::Month => read.name(&MONTHS, 3).map(|at| month = at + 1),
            Part::LongDay => read.name(&DAYS, usize::MAX).map(drop),
            Part::WeekDay => read.name(&DAYS, 3).map(drop),
            Part::NumMonth => read.number(1, 2).map(|number| month = number),
            Part::ZeroMonth => read.number(2, 2).map(|number| month = number),
            Part::Day => read.number(1, 2).map(|number| day = number),
            Part::PaddedDay => {
                read.rest = read.rest.strip_prefix(' ').unwrap_or(read.rest);
                read.number(1, 2).map(|number| day = number)
            }
            Part::ZeroDay => read.number(2, 2).map(|number| day = number),
            Part::PaddedYearDay | Part::ZeroYearDay => {
                read.rest = read.rest.trim_start_matches(' ');
                read.number::<i16>(1, 3)
                    .map(|number| year_day = Some(number))
            }
            Part::Hour => read.number(2, 2).map(|number| hour = number),
            Part::Hour12 => read.number(1, 2).map(|number| hour = number),
            Part::ZeroHour12 => read.number(2, 2).map(|number| hour = number),
            Part::Minute => read.number(1, 2).map(|number| minute = number),
            Part::ZeroMinute => read.number(2, 2).map(|number| minute = number),
            Part::Second | Part::ZeroSecond => {
                let least = if *part == Part::Second { 1 } else { 2 };
                let done = read.number(least, 2).map(|number| second = number);
                // A fraction may follow even if the layout shows none.
                if !matches!(parts.get(at + 1), Some(Part::Fraction { .. })) {
                    read.fraction(None)
                        .into_iter()
                        .for_each(|number| nanos = number);
                }
                done
            }
            Part::LongYear => read.number(4, 4).map(|number| year = number),
            Part::Year => read.number::<i16>(2, 2).map(|number| {
                year = number + if number >= 69 { 1900 } else { 2000 };
            }),
            Part::UpperPm | Part::LowerPm => {
                read.name(&["AM", "PM"], 2).map(|at| pm = Some(at == 1))
            }
            Part::Zone => read.zone().map(|utc| zulu |= utc),
            Part::Offset {
                zulu: allowed,
                colon,
                minutes,
                seconds,
            } => read
                .offset(allowed, colon, minutes, seconds)
                .map(|found| offset = Some(found)),
            Part::Fraction {
                digits,
                drops: false,
                ..
            } => read.fraction(Some(digits)).map(|number| nanos = number),
            Part::Fraction { .. } => {
                read.fraction(None)
                    .into_iter()
                    .for_each(|number| nanos = number);
                Some(())
            }
        };
        if done.is_none() {
            return Err(format!(
                "parsing time {} as {}: cannot parse {} as {}",
                quote(value),
                quote(layout),
                quote(before),
                quote(&shown(*part))
            ));
        }
    }
    if !read.rest.is_empty() {
        return Err(format!(
            "parsing time {}: extra text: {}",
            quote(value),
            quote(read.rest)
        ));
    }
    hour = match (pm, hour) {
        (Some(true), hour) if hour < 12 => hour + 12,
        (Some(false), 12) => 0,
        (_, hour) => hour,
    };
    let out = |what: &str| format!("parsing time {}: {what} out of range", quote(value));
    let date = match year_day {
        Some(number) => {
            Date::new(year, 1, 1).and_then(|date| date.with().day_of_year(number).build())
        }
        None => Date::new(year, month, day),
    };
    let date = date.map_err(|_| {
        out(if (1..=12).contains(&month) {
            "day"
        } else {
            "month"
        })
    })?;
    let time = Time::new(hour, minute, second, nanos).map_err(|_| {
        out(match () {
            () if !(0..24).contains(&hour) => "hour",
            () if !(0..60).contains(&minute) => "minute",
            () => "second",
        })
    })?;
    let zone = match (offset, zulu) {
        (Some(0), _) | (None, true) => TimeZone::UTC,
        (Some(seconds), _) => match Offset::from_seconds(seconds) {
            Ok(offset) => TimeZone::fixed(offset),
            Err(_) => return Err(out("time zone offset")),
        },
        (None, false) => TimeZone::system(),
    };
    let zoned = DateTime::from_parts(date, time).to_zoned(zone);
    zoned.map_err(|_| out("year"))
}

/// An element as an error names it.
fn shown(part: Part<'_>) -> String {
    match part {
        Part::Literal(text) => text.to_owned(),
        Part::Offset {
            zulu,
            colon,
            minutes,
            seconds,
        } => {
            let wanted = |all: &&(&str, bool, bool, bool)| {
                (all.1, all.2, all.3) == (colon, minutes, seconds)
            };
            let name = OFFSETS.iter().find(wanted).map_or("", |all| all.0);
            format!("{}{name}", if zulu { "Z" } else { "-" })
        }
        Part::Fraction {
            sign,
            digits,
            drops,
        } => {
            format!("{sign}{}", if drops { "9" } else { "0" }.repeat(digits))
        }
        part => {
            let found = NAMES.iter().find(|(_, known)| *known == part);
            found.map_or("", |(name, _)| name).to_owned()
        }
    }
}

/// What is left of a text.
struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn literal(&mut self, text: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(text)?;
        Some(())
    }

    /// A number with so many digits.
    fn number<T: std::str::FromStr>(&mut self, least: usize, most: usize) -> Option<T> {
        let digits = self
            .rest
            .bytes()
            .take(most)
            .take_while(u8::is_ascii_digit)
            .count();
        if digits < least {
            return None;
        }
        let (number, rest) = self.rest.split_at(digits);
        self.rest = rest;
        number.parse().ok()
    }

    /// Which of these names it is, by their first letters.
    fn name(&mut self, names: &[&str], letters: usize) -> Option<i8> {
        for (at, name) in names.iter().enumerate() {
            let name = name.get(..letters.min(name.len())).unwrap_or(name);
            let head = self.rest.get(..name.len());
            if head.is_some_and(|head| head.eq_ignore_ascii_case(name)) {
                self.rest = self.rest.get(name.len()..).unwrap_or("");
                return i8::try_from(at).ok();
            }
        }
        None
    }

    /// The nanoseconds behind a point.
    fn fraction(&mut self, digits: Option<usize>) -> Option<i32> {
        let after = self.rest.strip_prefix(['.', ','])?;
        let count = after.bytes().take_while(u8::is_ascii_digit).count();
        if count == 0 || digits.is_some_and(|digits| digits != count) {
            return None;
        }
        let (number, rest) = after.split_at(count);
        self.rest = rest;
        format!("{number:0<9}").get(..9)?.parse().ok()
    }

    /// An abbreviation. Says whether it is that of universal time.
    fn zone(&mut self) -> Option<bool> {
        let letters = self.rest.bytes().take_while(u8::is_ascii_uppercase).count();
        if !(3..=5).contains(&letters) {
            return None;
        }
        let (name, rest) = self.rest.split_at(letters);
        self.rest = rest;
        Some(name == "UTC" || name == "GMT")
    }

    /// The seconds east of Greenwich.
    fn offset(&mut self, zulu: bool, colon: bool, minutes: bool, seconds: bool) -> Option<i32> {
        if zulu && let Some(rest) = self.rest.strip_prefix('Z') {
            self.rest = rest;
            return Some(0);
        }
        let sign = match self.rest.chars().next()? {
            '+' => 1,
            '-' => -1,
            _ => return None,
        };
        self.rest = &self.rest[1..];
        let mut total: i32 = self.number::<i32>(2, 2)? * 3600;
        for (wanted, size) in [(minutes, 60), (seconds, 1)] {
            if wanted {
                if colon {
                    self.literal(":")?;
                }
                total += self.number::<i32>(2, 2)? * size;
            }
        }
        Some(sign * total)
    }
}

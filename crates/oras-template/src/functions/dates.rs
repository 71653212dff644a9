//! Dates and durations. Layouts are Go's: the second of January 2006, three hours, four minutes and five seconds after noon.

mod layout;

use std::rc::Rc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};

pub(crate) use layout::format;

use super::Param::{Any, Str, Time};
use super::{Call, Function, Result, fixed};
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("now", &[], |_| Ok(time(Zoned::now()))),
    fixed("date", &[Str, Any], |call| {
        Ok(in_zone(call.str(0), call.arg(1), "Local"))
    }),
    fixed("dateInZone", &[Str, Any, Str], |call| {
        Ok(in_zone(call.str(0), call.arg(1), call.str(2)))
    }),
    fixed("date_in_zone", &[Str, Any, Str], |call| {
        Ok(in_zone(call.str(0), call.arg(1), call.str(2)))
    }),
    fixed("htmlDate", &[Any], |call| {
        Ok(in_zone(HTML, call.arg(0), "Local"))
    }),
    fixed("htmlDateInZone", &[Any, Str], |call| {
        Ok(in_zone(HTML, call.arg(0), call.str(1)))
    }),
    fixed("dateModify", &[Str, Time], |call| {
        Ok(modified(call).unwrap_or_else(|_| call.arg(1).clone()))
    }),
    fixed("date_modify", &[Str, Time], |call| {
        Ok(modified(call).unwrap_or_else(|_| call.arg(1).clone()))
    }),
    fixed("mustDateModify", &[Str, Time], modified),
    fixed("must_date_modify", &[Str, Time], modified),
    fixed("toDate", &[Str, Str], |call| {
        let parsed = layout::parse(call.str(0), call.str(1));
        Ok(time(parsed.unwrap_or_else(|_| layout::zero())))
    }),
    fixed("mustToDate", &[Str, Str], |call| {
        layout::parse(call.str(0), call.str(1)).map(time)
    }),
    fixed("unixEpoch", &[Time], |call| {
        Ok(Value::str(
            moment(call.arg(0)).timestamp().as_second().to_string(),
        ))
    }),
    fixed("ago", &[Any], |call| {
        let since = nanos_between(&moment(call.arg(0)), &Zoned::now());
        let half = if since < 0 { -SECOND / 2 } else { SECOND / 2 };
        let rounded = since.saturating_add(half) / SECOND * SECOND;
        Ok(Value::str(duration_text(rounded)))
    }),
    fixed("duration", &[Any], |call| {
        let seconds = match call.arg(0) {
            Value::Str(text) => text.as_str().parse().unwrap_or(0),
            Value::Int(crate::value::IntKind::Int64, number) => *number,
            _ => 0,
        };
        Ok(Value::str(duration_text(seconds.wrapping_mul(SECOND))))
    }),
    fixed("durationRound", &[Any], |call| {
        let nanos = match call.arg(0) {
            Value::Str(text) => parse_duration(text.as_str()).unwrap_or(0),
            Value::Int(crate::value::IntKind::Int64, number) => *number,
            Value::Time(then) => nanos_between(then, &Zoned::now()),
            _ => 0,
        };
        Ok(Value::str(rounded(nanos)))
    }),
];

const HTML: &str = "2006-01-02";
const SECOND: i64 = 1_000_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

pub(super) fn time(zoned: Zoned) -> Value {
    Value::Time(Rc::new(zoned))
}

/// The time that a value means; now, if it means none.
fn moment(value: &Value) -> Zoned {
    match value {
        Value::Time(time) => time.as_ref().clone(),
        Value::Int(_, seconds) => match Timestamp::from_second(*seconds) {
            Ok(timestamp) => timestamp.to_zoned(TimeZone::system()),
            Err(_) => Zoned::now(),
        },
        _ => Zoned::now(),
    }
}

fn in_zone(layout: &str, value: &Value, zone: &str) -> Value {
    let zone = match zone {
        "Local" => TimeZone::system(),
        "" => TimeZone::UTC,
        name => TimeZone::get(name).unwrap_or(TimeZone::UTC),
    };
    Value::str(format(&moment(value).with_time_zone(zone), layout))
}

fn modified(call: &Call<'_>) -> Result {
    let nanos = parse_duration(call.str(0))?;
    let moved = moment(call.arg(1)).checked_add(SignedDuration::from_nanos(nanos));
    moved.map(time).map_err(|error| error.to_string())
}

pub(super) fn nanos_between(from: &Zoned, to: &Zoned) -> i64 {
    let nanos = to.timestamp().as_nanosecond() - from.timestamp().as_nanosecond();
    i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
}

/// The time as Go prints it.
pub(crate) fn go_string(time: &Zoned) -> String {
    format(time, "2006-01-02 15:04:05.999999999 -0700 MST")
}

/// The time as it is in JSON.
pub(super) fn rfc3339(time: &Zoned) -> String {
    format(time, "2006-01-02T15:04:05.999999999Z07:00")
}

/// `1h2m3.5s`
pub(crate) fn duration_text(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let total = nanos.unsigned_abs();
    let fraction = |value: u64, unit: u64, name: &str| {
        let (whole, rest) = (value / unit, value % unit);
        let digits = unit.ilog10() as usize;
        let rest = format!("{rest:0digits$}");
        match rest.trim_end_matches('0') {
            "" => format!("{whole}{name}"),
            rest => format!("{whole}.{rest}{name}"),
        }
    };
    let text = match total {
        0 => return "0s".to_owned(),
        1..1_000 => format!("{total}ns"),
        1_000..1_000_000 => fraction(total, 1_000, "µs"),
        1_000_000..1_000_000_000 => fraction(total, 1_000_000, "ms"),
        _ => {
            let (hours, minutes) = (
                total / HOUR.unsigned_abs(),
                total / MINUTE.unsigned_abs() % 60,
            );
            let seconds = fraction(total % MINUTE.unsigned_abs(), SECOND.unsigned_abs(), "s");
            match (hours, minutes) {
                (0, 0) => seconds,
                (0, minutes) => format!("{minutes}m{seconds}"),
                (hours, minutes) => format!("{hours}h{minutes}m{seconds}"),
            }
        }
    };
    format!("{sign}{text}")
}

/// The nanoseconds in `1h30m`.
///
/// # Errors
/// If it is no duration.
pub(super) fn parse_duration(text: &str) -> std::result::Result<i64, String> {
    let invalid = || format!("time: invalid duration {}", crate::fmt::quote(text));
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total = 0i64;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| c != '.' && !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let unit_len = after
            .find(|c: char| c == '.' || c.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_len);
        let size = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => SECOND,
            "m" => MINUTE,
            "h" => HOUR,
            "" => {
                return Err(format!(
                    "time: missing unit in duration {}",
                    crate::fmt::quote(text)
                ));
            }
            unit => {
                let (unit, text) = (crate::fmt::quote(unit), crate::fmt::quote(text));
                return Err(format!("time: unknown unit {unit} in duration {text}"));
            }
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return Err(invalid());
        }
        let whole: i64 = if whole.is_empty() {
            0
        } else {
            whole.parse().map_err(|_| invalid())?
        };
        let part = format!("0.{fraction}0")
            .parse::<f64>()
            .map_err(|_| invalid())?
            * size as f64;
        let sum = whole
            .checked_mul(size)
            .and_then(|nanos| nanos.checked_add(part as i64));
        total = sum
            .and_then(|nanos| total.checked_add(nanos))
            .ok_or_else(invalid)?;
        rest = after;
    }
    Ok(if negative { -total } else { total })
}

/// The largest unit only.
fn rounded(nanos: i64) -> String {
    let total = nanos.unsigned_abs();
    let units = [
        (365 * DAY, "y"),
        (30 * DAY, "mo"),
        (DAY, "d"),
        (HOUR, "h"),
        (MINUTE, "m"),
        (SECOND, "s"),
    ];
    let unit = units.iter().find(|(size, _)| total > size.unsigned_abs());
    match unit {
        Some((size, name)) => format!("{}{name}", total / size.unsigned_abs()),
        None => "0s".to_owned(),
    }
}

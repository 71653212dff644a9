//! The methods of the values that have some: times, durations and versions.

use std::cmp::Ordering;

use super::Param::{Str, Time, Version};
use super::{Call, Function, Result, dates, fixed};
use crate::value::{IntKind, Value};

/// The method `name` of `value`. The value is its first argument.
pub(crate) fn find(value: &Value, name: &str) -> Option<&'static Function> {
    let methods = match value {
        Value::Time(_) => TIME,
        Value::Version(_) => VERSION,
        _ => return None,
    };
    methods.iter().find(|method| method.name == name)
}

const TIME: &[Function] = &[
    fixed("String", &[], |call| {
        Ok(Value::str(crate::fmt::own_text(call.arg(0))))
    }),
    fixed("Format", &[Str], |call| match call.arg(0) {
        Value::Time(time) => Ok(Value::str(dates::format(time, call.str(1)))),
        _ => Ok(Value::Nil),
    }),
    fixed("Year", &[], |call| {
        number(call, |time| i64::from(time.year()))
    }),
    fixed("Day", &[], |call| {
        number(call, |time| i64::from(time.day()))
    }),
    fixed("YearDay", &[], |call| {
        number(call, |time| i64::from(time.day_of_year()))
    }),
    fixed("Hour", &[], |call| {
        number(call, |time| i64::from(time.hour()))
    }),
    fixed("Minute", &[], |call| {
        number(call, |time| i64::from(time.minute()))
    }),
    fixed("Second", &[], |call| {
        number(call, |time| i64::from(time.second()))
    }),
    fixed("Nanosecond", &[], |call| {
        number(call, |time| i64::from(time.subsec_nanosecond()))
    }),
    fixed("Unix", &[], |call| {
        wide(call, |time| time.timestamp().as_second())
    }),
    fixed("UnixMilli", &[], |call| {
        wide(call, |time| time.timestamp().as_millisecond())
    }),
    fixed("UTC", &[], |call| match call.arg(0) {
        Value::Time(time) => Ok(dates::time(time.with_time_zone(jiff::tz::TimeZone::UTC))),
        _ => Ok(Value::Nil),
    }),
    fixed("IsZero", &[], |call| match call.arg(0) {
        Value::Time(time) => Ok(Value::Bool(
            crate::fmt::own_text(&dates::time((**time).clone()))
                .starts_with("0001-01-01 00:00:00 +0000"),
        )),
        _ => Ok(Value::Bool(false)),
    }),
    fixed("Sub", &[Time], |call| match (call.arg(0), call.arg(1)) {
        (Value::Time(to), Value::Time(from)) => Ok(Value::Duration(dates::nanos_between(from, to))),
        _ => Ok(Value::Nil),
    }),
    fixed("Before", &[Time], |call| {
        Ok(Value::Bool(order(call) == Some(Ordering::Less)))
    }),
    fixed("After", &[Time], |call| {
        Ok(Value::Bool(order(call) == Some(Ordering::Greater)))
    }),
    fixed("Equal", &[Time], |call| {
        Ok(Value::Bool(order(call) == Some(Ordering::Equal)))
    }),
];

fn number(call: &Call<'_>, of: fn(&jiff::Zoned) -> i64) -> Result {
    match call.arg(0) {
        Value::Time(time) => Ok(Value::int(of(time))),
        _ => Ok(Value::Nil),
    }
}

fn wide(call: &Call<'_>, of: fn(&jiff::Zoned) -> i64) -> Result {
    match call.arg(0) {
        Value::Time(time) => Ok(Value::int64(of(time))),
        _ => Ok(Value::Nil),
    }
}

/// How the value compares with the argument.
fn order(call: &Call<'_>) -> Option<Ordering> {
    match (call.arg(0), call.arg(1)) {
        (Value::Time(a), Value::Time(b)) => Some(a.timestamp().cmp(&b.timestamp())),
        (Value::Version(a), Value::Version(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

const VERSION: &[Function] = &[
    fixed("String", &[], |call| {
        Ok(Value::str(crate::fmt::own_text(call.arg(0))))
    }),
    fixed("Major", &[], |call| part(call, |version| version.major)),
    fixed("Minor", &[], |call| part(call, |version| version.minor)),
    fixed("Patch", &[], |call| part(call, |version| version.patch)),
    fixed("Prerelease", &[], |call| {
        text(call, |version| &version.prerelease)
    }),
    fixed("Metadata", &[], |call| {
        text(call, |version| &version.metadata)
    }),
    fixed("Original", &[], |call| {
        text(call, |version| &version.original)
    }),
    fixed("Compare", &[Version], |call| {
        let order = order(call).unwrap_or(Ordering::Equal);
        Ok(Value::int(order as i64))
    }),
    fixed("LessThan", &[Version], |call| {
        Ok(Value::Bool(order(call) == Some(Ordering::Less)))
    }),
    fixed("GreaterThan", &[Version], |call| {
        Ok(Value::Bool(order(call) == Some(Ordering::Greater)))
    }),
    fixed("Equal", &[Version], |call| {
        Ok(Value::Bool(order(call) == Some(Ordering::Equal)))
    }),
];

fn part(call: &Call<'_>, of: fn(&super::semver::Version) -> u64) -> Result {
    match call.arg(0) {
        Value::Version(version) => {
            let number = i64::try_from(of(version)).unwrap_or(i64::MAX);
            Ok(Value::Int(IntKind::Uint64, number))
        }
        _ => Ok(Value::Nil),
    }
}

fn text(call: &Call<'_>, of: fn(&super::semver::Version) -> &String) -> Result {
    match call.arg(0) {
        Value::Version(version) => Ok(Value::str(of(version).as_str())),
        _ => Ok(Value::Nil),
    }
}

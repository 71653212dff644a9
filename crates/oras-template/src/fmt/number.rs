//! Numbers as text.

use super::{Flags, escape, padded};

/// An integer as `verb` says, if it fits.
pub(super) fn int(number: i64, verb: char, flags: Flags) -> Option<String> {
    let magnitude = number.unsigned_abs();
    let (lead, digits) = match verb {
        'v' | 'd' => ("", magnitude.to_string()),
        'b' => (
            if flags.sharp { "0b" } else { "" },
            format!("{magnitude:b}"),
        ),
        'o' => (if flags.sharp { "0" } else { "" }, format!("{magnitude:o}")),
        'O' => ("0o", format!("{magnitude:o}")),
        'x' => (
            if flags.sharp { "0x" } else { "" },
            format!("{magnitude:x}"),
        ),
        'X' => (
            if flags.sharp { "0X" } else { "" },
            format!("{magnitude:X}"),
        ),
        'c' => return Some(padded(&character(number).to_string(), flags)),
        'q' => {
            let mut quoted = "'".to_owned();
            escape(&mut quoted, character(number), '\'');
            quoted.push('\'');
            return Some(padded(&quoted, flags));
        }
        'U' => {
            let mut text = format!("U+{magnitude:04X}");
            if flags.sharp {
                text.push_str(&format!(" '{}'", character(number)));
            }
            return Some(padded(&text, flags));
        }
        _ => return None,
    };
    let mut digits = digits;
    if let Some(precision) = flags.precision {
        if precision == 0 && number == 0 {
            return Some(padded(
                "",
                Flags {
                    zero: false,
                    ..flags
                },
            ));
        }
        digits = format!("{digits:0>precision$}");
    }
    let sign = sign(number < 0, flags);
    let flags = Flags {
        zero: flags.zero && flags.precision.is_none(),
        ..flags
    };
    Some(signed(&format!("{sign}{lead}"), &digits, flags))
}

fn character(number: i64) -> char {
    let code = u32::try_from(number).ok().and_then(char::from_u32);
    code.unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn sign(negative: bool, flags: Flags) -> &'static str {
    match negative {
        true => "-",
        false if flags.plus => "+",
        false if flags.space => " ",
        false => "",
    }
}

/// Zeros go between sign and digits.
fn signed(sign: &str, digits: &str, flags: Flags) -> String {
    if !flags.zero || flags.minus {
        return padded(&format!("{sign}{digits}"), flags);
    }
    let width = flags.width.unwrap_or(0).saturating_sub(sign.len());
    format!("{sign}{digits:0>width$}")
}

/// A float as `verb` says, if it fits.
pub(super) fn float(number: f64, verb: char, flags: Flags) -> Option<String> {
    let negative = number.is_sign_negative() && !number.is_nan();
    let magnitude = number.abs();
    let flags = match number.is_finite() {
        true => flags,
        false => Flags {
            zero: false,
            ..flags
        },
    };
    let sign = match (flags.plus, number == f64::INFINITY, verb) {
        (_, true, 'v') if !flags.space => "+",
        _ => sign(negative, flags),
    };
    if !number.is_finite() {
        let word = if number.is_nan() { "NaN" } else { "Inf" };
        let sign = if number.is_infinite() && !negative {
            "+"
        } else {
            sign
        };
        return match verb {
            'v' | 'e' | 'E' | 'f' | 'F' | 'g' | 'G' => Some(padded(
                &format!("{}{word}", if number.is_nan() { "" } else { sign }),
                flags,
            )),
            _ => None,
        };
    }
    let digits = match verb {
        'v' => general(magnitude, flags.precision),
        'g' => general(magnitude, flags.precision),
        'G' => general(magnitude, flags.precision).to_uppercase(),
        'e' => scientific(magnitude, flags.precision.unwrap_or(6)),
        'E' => scientific(magnitude, flags.precision.unwrap_or(6)).to_uppercase(),
        'f' | 'F' => format!("{magnitude:.*}", flags.precision.unwrap_or(6)),
        _ => return None,
    };
    Some(signed(sign, &digits, flags))
}

/// `%v`: the shortest digits that mean this number.
pub(crate) fn shortest_float(number: f64) -> String {
    float(number, 'v', Flags::default()).unwrap_or_default()
}

/// `1.5e+06` with this many digits after the point.
fn scientific(magnitude: f64, precision: usize) -> String {
    go_exponent(&format!("{magnitude:.precision$e}"))
}

/// Writes the exponent with a sign and two digits.
fn go_exponent(text: &str) -> String {
    let Some((mantissa, exponent)) = text.split_once('e') else {
        return text.to_owned();
    };
    let (sign, digits) = match exponent.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', exponent),
    };
    format!("{mantissa}e{sign}{digits:0>2}")
}

/// `%g`
fn general(magnitude: f64, precision: Option<usize>) -> String {
    let text = match precision {
        Some(precision) => format!("{magnitude:.*e}", precision.max(1) - 1),
        None => format!("{magnitude:e}"),
    };
    let Some((mantissa, exponent)) = text.split_once('e') else {
        return text;
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let mantissa = match mantissa.contains('.') {
        true => mantissa.trim_end_matches('0').trim_end_matches('.'),
        false => mantissa,
    };
    let digits = i32::try_from(
        mantissa
            .len()
            .saturating_sub(usize::from(mantissa.contains('.'))),
    )
    .unwrap_or(i32::MAX);
    let limit = match precision {
        // Digits that are there may be shown.
        None => {
            if magnitude == 0.0 {
                21
            } else {
                SHORTEST_LIMIT
            }
        }
        Some(precision) => {
            let precision = i32::try_from(precision.max(1)).unwrap_or(i32::MAX);
            if precision > digits && digits > exponent {
                digits.max(exponent + 1)
            } else {
                precision
            }
        }
    };
    match exponent < -4 || exponent >= limit {
        true => go_exponent(&format!("{mantissa}e{exponent}")),
        false => {
            let decimals = usize::try_from((digits - 1 - exponent).max(0)).unwrap_or(0);
            format!("{magnitude:.decimals$}")
        }
    }
}

/// From this exponent on the shortest form has an exponent.
const SHORTEST_LIMIT: i32 = 6;

/// A float as Go's encoder of JSON writes it.
pub(crate) fn json_float(number: f64) -> String {
    let magnitude = number.abs();
    if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
        let text = go_exponent(&format!("{number:e}"));
        // One digit of a negative exponent is enough.
        return text.replace("e-0", "e-");
    }
    format!("{number}")
}

//! Sizes and times as the reference tool writes them.

use std::time::Duration;

/// `8.5 KB`: three digits or so, in steps of 1024; units in two columns.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = [" B", "KB", "MB", "GB", "TB"];
    let mut unit = 0;
    let mut one = 1_u64;
    while unit + 1 < UNITS.len() && bytes / one >= 1024 {
        one *= 1024;
        unit += 1;
    }
    let value = bytes as f64 / one as f64;
    let digits = match value {
        small if small < 10.0 => 100.0,
        medium if medium < 100.0 => 10.0,
        _ => 1.0,
    };
    format!("{} {}", (value * digits).round() / digits, UNITS[unit])
}

/// `24ms`, `7s`, `1m5s`: in one unit below a minute.
pub(crate) fn duration(time: Duration) -> String {
    if time > Duration::from_secs(1) {
        let seconds = time.as_secs() + u64::from(time.subsec_millis() >= 500);
        let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        return match (hours, minutes) {
            (0, 0) => format!("{seconds}s"),
            (0, _) => format!("{minutes}m{seconds}s"),
            _ => format!("{hours}h{minutes}m{seconds}s"),
        };
    }
    let micros = time.as_micros();
    match micros {
        0 => "0s".to_owned(),
        1..=1000 => format!("{micros}µs"),
        _ => match (micros + 500) / 1000 {
            1000 => "1s".to_owned(),
            millis => format!("{millis}ms"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_two_to_four_digits() {
        for (bytes, text) in [
            (0, "0  B"),
            (3, "3  B"),
            (1023, "1023  B"),
            (8704, "8.5 KB"),
            (1536 * 1024, "1.5 MB"),
            (10_000, "9.77 KB"),
            (100_000, "97.7 KB"),
            (1_000_000, "977 KB"),
            (u64::MAX, "16777216 TB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn durations_have_one_unit_below_a_minute() {
        for (micros, text) in [
            (0, "0s"),
            (259, "259µs"),
            (24_400, "24ms"),
            (999_600, "1s"),
            (6_700_000, "7s"),
            (65_000_000, "1m5s"),
            (3_600_000_000, "1h0m0s"),
        ] {
            assert_eq!(duration(Duration::from_micros(micros)), text);
        }
    }
}

//! Numbers of bytes and times as the reference tool writes them.

use std::time::Duration;

const UNITS: [&str; 5] = ["B", "KB", "MB", "GB", "TB"];

/// A number of bytes in three digits or so, with its unit in two columns: `3  B`, `8.5 KB`, `1.4 GB`.
pub(crate) fn size(bytes: u64) -> String {
    let unit = unit_of(bytes);
    format!("{} {:>2}", rounded(in_unit(bytes, unit)), UNITS[unit])
}

/// How much of `total` bytes is done, in the unit of `total`; `done` is `None` before the first byte.
pub(crate) fn share(done: Option<u64>, total: u64) -> String {
    let unit = unit_of(total);
    let whole = rounded(in_unit(total, unit));
    let part = match done {
        None => "-".to_owned(),
        Some(done) if done >= total => whole.clone(),
        Some(done) => format!("{:.2}", in_unit(done, unit)),
    };
    format!("{part}/{whole} {:>2}", UNITS[unit])
}

/// How much of `total` is done, of a hundred.
pub(crate) fn percent(done: u64, total: u64) -> f64 {
    match total {
        0 => 100.0,
        // Exact far beyond what two decimals show.
        #[allow(clippy::cast_precision_loss)]
        total => (done.min(total) as f64 / total as f64) * 100.0,
    }
}

/// A time in one unit below a minute: `259µs`, `24ms`, `7s`, `1m5s`, `1h0m5s`.
pub(crate) fn time(time: Duration) -> String {
    if time.is_zero() {
        return "0s".to_owned();
    }
    if time <= Duration::from_millis(1) {
        return format!("{}µs", time.as_micros());
    }
    if time < Duration::from_micros(999_500) {
        return format!("{}ms", (time + Duration::from_micros(500)).as_millis());
    }
    let seconds = (time + Duration::from_millis(500)).as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s}s"),
        (0, m, s) => format!("{m}m{s}s"),
        (h, m, s) => format!("{h}h{m}m{s}s"),
    }
}

fn unit_of(bytes: u64) -> usize {
    let mut unit = 0;
    while unit + 1 < UNITS.len() && bytes >> (10 * (unit + 1)) > 0 {
        unit += 1;
    }
    unit
}

// Shown with three digits.
#[allow(clippy::cast_precision_loss)]
fn in_unit(bytes: u64, unit: usize) -> f64 {
    bytes as f64 / (1u64 << (10 * unit)) as f64
}

fn rounded(value: f64) -> String {
    let text = match value {
        value if value < 10.0 => format!("{value:.2}"),
        value if value < 100.0 => format!("{value:.1}"),
        value => return format!("{value:.0}"),
    };
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_three_digits_and_a_unit_of_two_columns() {
        for (bytes, expected) in [
            (0, "0  B"),
            (3, "3  B"),
            (1023, "1023  B"),
            (1024, "1 KB"),
            (8704, "8.5 KB"),
            (3_000_000, "2.86 MB"),
            (40 << 20, "40 MB"),
            (222 << 20, "222 MB"),
            (1_503_238_553, "1.4 GB"),
            (u64::MAX, "16777216 TB"),
        ] {
            assert_eq!(size(bytes), expected);
        }
    }

    #[test]
    fn shares_are_in_the_unit_of_the_whole() {
        assert_eq!(share(None, 2), "-/2  B");
        assert_eq!(share(Some(0), 0), "0/0  B");
        assert_eq!(share(Some(2), 2), "2/2  B");
        assert_eq!(share(Some(3_000_000), 3_000_000), "2.86/2.86 MB");
        assert_eq!(share(Some(236_223_201), 1_503_238_553), "0.22/1.4 GB");
        assert_eq!(format!("{:6.2}", percent(1, 3)), " 33.33");
        assert_eq!(format!("{:6.2}", percent(0, 0)), "100.00");
    }

    #[test]
    fn times_are_rounded_to_one_unit() {
        for (micros, expected) in [
            (0, "0s"),
            (259, "259µs"),
            (24_400, "24ms"),
            (999_900, "1s"),
            (1_400_000, "1s"),
            (65_000_000, "1m5s"),
            (3_605_000_000, "1h0m5s"),
        ] {
            assert_eq!(time(Duration::from_micros(micros)), expected);
        }
    }
}

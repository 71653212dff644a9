//! What commands show: status lines, JSON, templates, trees and tables. All of it is text; [`crate::output`] prints it.

pub(crate) mod json;
pub(crate) mod paint;
pub(crate) mod progress;
pub(crate) mod status;
pub(crate) mod table;
pub(crate) mod template;
pub(crate) mod tree;
pub(crate) mod units;
pub(crate) mod yaml;

/// A number of bytes for people: `4.2 MiB`.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    // Below 2^10 in the end, so ten bits of fraction are more than a digit needs.
    let mut tenths = u128::from(bytes) * 10 / 1024;
    let mut unit = 0;
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_have_one_decimal_and_a_unit() {
        assert_eq!(size(0), "0 B");
        assert_eq!(size(1023), "1023 B");
        assert_eq!(size(1536), "1.5 KiB");
        assert_eq!(size(1024 * 1024 - 1), "1023.9 KiB");
        assert_eq!(size(5 << 30), "5.0 GiB");
        assert_eq!(size(u64::MAX), "15.9 EiB");
    }
}

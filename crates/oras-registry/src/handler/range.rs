//! Which bytes of a blob are asked for (RFC 9110, section 14.1.2).

/// What the `Range` header of a request means for a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Selection {
    /// All of it: no range, one that is none, or several, which a server may ignore.
    Whole,
    /// The bytes from `start`.
    Part {
        /// Offset of the first byte.
        start: u64,
        /// Number of bytes, at least one.
        length: u64,
    },
    /// No byte of the blob is in it.
    Unsatisfiable,
}

/// Reads a `Range` header for a blob of `size` bytes.
pub(super) fn select(header: &str, size: u64) -> Selection {
    let Some((unit, range)) = header.split_once('=') else {
        return Selection::Whole;
    };
    if !unit.trim().eq_ignore_ascii_case("bytes") || range.contains(',') {
        return Selection::Whole;
    }
    let Some((first, last)) = range.trim().split_once('-') else {
        return Selection::Whole;
    };
    let (start, end) = match (number(first), number(last)) {
        (Some(first), Some(last)) => (first, last.saturating_add(1).min(size)),
        (Some(first), None) if last.is_empty() => (first, size),
        (None, Some(suffix)) if first.is_empty() => (size.saturating_sub(suffix), size),
        _ => return Selection::Whole,
    };
    match end.checked_sub(start) {
        Some(length) if length > 0 => Selection::Part { start, length },
        _ => Selection::Unsatisfiable,
    }
}

/// A number made of digits only; one beyond all bounds is as large as can be.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: &str, size: u64, expected: &str) {
        let got = match select(header, size) {
            Selection::Whole => "whole".to_owned(),
            Selection::Part { start, length } => format!("{start}+{length}"),
            Selection::Unsatisfiable => "none".to_owned(),
        };
        assert_eq!(got, expected, "{header} of {size}");
    }

    #[test]
    fn one_range_is_cut_to_the_blob() {
        check("bytes=500-1499", 2048, "500+1000");
        check("bytes=500-", 2048, "500+1548");
        check("bytes=-500", 2048, "1548+500");
        check("bytes=2000-5000", 2048, "2000+48");
        check("bytes=-5000", 2048, "0+2048");
        check("bytes=0-0", 1, "0+1");
        check("bytes=0-99999999999999999999999", 10, "0+10");
    }

    #[test]
    fn ranges_without_a_byte_of_the_blob_are_refused() {
        check("bytes=500-0", 2048, "none");
        check("bytes=5000-10000", 2048, "none");
        check("bytes=2048-", 2048, "none");
        check("bytes=-0", 2048, "none");
        check("bytes=0-", 0, "none");
        check("bytes=-1", 0, "none");
    }

    #[test]
    fn what_is_no_range_is_ignored() {
        for header in [
            "items=0-1",
            "bytes=abc",
            "bytes=",
            "bytes=-",
            "bytes 0-1",
            "bytes=1-2,4-5",
        ] {
            check(header, 2048, "whole");
        }
    }
}

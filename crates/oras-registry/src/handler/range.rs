//! Which bytes of a blob are asked for (RFC 9110, section 14.1.2).

/// Bytes of a blob that follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Offset of the first byte.
    pub(super) start: u64,
    /// Number of bytes, at least one.
    pub(super) length: u64,
}

/// What the `Range` header of a request means for a blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Selection {
    /// All of it: no range, one that is none, or more than it is worth to take apart.
    Whole,
    /// These bytes.
    One(Part),
    /// Several parts, which neither overlap nor touch, in the order they were asked for.
    Several(Vec<Part>),
    /// No byte of the blob is in it.
    Unsatisfiable,
}

/// More ranges than this are no reasonable request (RFC 9110, section 17.15).
const MOST_RANGES: usize = 16;

impl Part {
    fn end(&self) -> u64 {
        self.start + self.length
    }

    /// The value of `Content-Range` in a blob of `size` bytes.
    pub(super) fn of(&self, size: u64) -> String {
        format!("bytes {}-{}/{size}", self.start, self.end() - 1)
    }

    fn touches(&self, other: &Self) -> bool {
        self.start <= other.end() && other.start <= self.end()
    }

    fn join(&self, other: &Self) -> Self {
        let start = self.start.min(other.start);
        Self {
            start,
            length: self.end().max(other.end()) - start,
        }
    }
}

/// Reads a `Range` header for a blob of `size` bytes.
pub(super) fn select(header: &str, size: u64) -> Selection {
    let Some((unit, ranges)) = header.split_once('=') else {
        return Selection::Whole;
    };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Selection::Whole;
    }
    let (mut ranges_seen, mut sum) = (0, 0_u64);
    let mut parts = Vec::new();
    let ranges = ranges.split(',').map(str::trim);
    for range in ranges.filter(|range| !range.is_empty()) {
        ranges_seen += 1;
        let Some((start, end)) = bounds(range, size) else {
            return Selection::Whole;
        };
        let Some(length) = end.checked_sub(start).filter(|length| *length > 0) else {
            continue;
        };
        sum = sum.saturating_add(length);
        if ranges_seen > MOST_RANGES || sum > size {
            return Selection::Whole;
        }
        add(&mut parts, Part { start, length });
    }
    match parts.as_slice() {
        [] if ranges_seen == 0 => Selection::Whole,
        [] => Selection::Unsatisfiable,
        [part] => Selection::One(*part),
        _ => Selection::Several(parts),
    }
}

/// Where one range begins and ends in a blob of `size` bytes; it can be empty or even end before it begins.
fn bounds(range: &str, size: u64) -> Option<(u64, u64)> {
    let (first, last) = range.split_once('-')?;
    match (number(first), number(last)) {
        (Some(first), Some(last)) => Some((first, last.saturating_add(1).min(size))),
        (Some(first), None) if last.is_empty() => Some((first, size)),
        (None, Some(suffix)) if first.is_empty() => Some((size.saturating_sub(suffix), size)),
        _ => None,
    }
}

/// Adds a part where the first one that it overlaps or touches is, or in the end.
fn add(parts: &mut Vec<Part>, mut part: Part) {
    let mut place = parts.len();
    // What has grown may touch others that it did not touch before.
    while let Some(index) = parts.iter().position(|other| other.touches(&part)) {
        part = part.join(&parts.remove(index));
        place = place.min(index);
    }
    parts.insert(place, part);
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
            Selection::One(part) => format!("{}+{}", part.start, part.length),
            Selection::Several(parts) => {
                let parts = parts.iter();
                let parts = parts.map(|part| format!("{}+{}", part.start, part.length));
                parts.collect::<Vec<_>>().join(" ")
            }
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
            "bytes=,",
            "bytes=0-1,abc",
            "bytes=0-1;4-5",
        ] {
            check(header, 2048, "whole");
        }
    }

    #[test]
    fn several_ranges_stay_in_order_and_are_merged_where_they_meet() {
        check("bytes=0-0, 4-5", 10, "0+1 4+2");
        check("bytes=8-9,0-1", 10, "8+2 0+2");
        check("bytes=0-1,2-3", 10, "0+4");
        check("bytes=0-3,2-5", 10, "0+6");
        check("bytes=0-1,4-5,2-3", 10, "0+6");
        check("bytes=6-6,0-0,5-5,8-8", 10, "5+2 0+1 8+1");
        check("bytes=0-1,,-1", 10, "0+2 9+1");
    }

    #[test]
    fn of_several_ranges_those_outside_are_left_out() {
        check("bytes=0-1,50-60", 10, "0+2");
        check("bytes=50-60,-0,5-2", 10, "none");
        check("bytes=0-1,4-5,90-", 10, "0+2 4+2");
    }

    #[test]
    fn more_than_is_reasonable_is_answered_with_everything() {
        let ranges = |count: u64| {
            let ranges: Vec<_> = (0..count).map(|i| format!("{0}-{0}", i * 2)).collect();
            format!("bytes={}", ranges.join(","))
        };
        assert!(matches!(select(&ranges(16), 100), Selection::Several(parts) if parts.len() == 16));
        check(&ranges(17), 100, "whole");
        check("bytes=0-,0-", 100, "whole");
        check("bytes=0-60,40-99", 100, "whole");
    }

    proptest::proptest! {
        /// Whatever is asked for, what is answered lies inside of the blob, apart from each other, and is no more than it.
        #[test]
        fn every_selection_fits_into_the_blob(header in "(bytes=)?([0-9]{0,3}-?[0-9]{0,3},? ?){0,20}", size in 0_u64..500) {
            match select(&header, size) {
                Selection::Whole | Selection::Unsatisfiable => {}
                Selection::One(part) => proptest::prop_assert!(part.length > 0 && part.end() <= size),
                Selection::Several(parts) => {
                    proptest::prop_assert!((2..=MOST_RANGES).contains(&parts.len()));
                    for (index, part) in parts.iter().enumerate() {
                        proptest::prop_assert!(part.length > 0 && part.end() <= size);
                        proptest::prop_assert!(parts[..index].iter().all(|other| !other.touches(part)));
                    }
                }
            }
        }

        /// A single range means what RFC 9110 says.
        #[test]
        fn one_range_is_what_it_says(first in 0_u64..300, last in 0_u64..300, size in 1_u64..200) {
            let wanted: Vec<u64> = (0..size).filter(|byte| (first..=last).contains(byte)).collect();
            let expected = match wanted.as_slice() {
                [] => Selection::Unsatisfiable,
                [start, ..] => Selection::One(Part { start: *start, length: wanted.len() as u64 }),
            };
            proptest::prop_assert_eq!(select(&format!("bytes={first}-{last}"), size), expected);
        }

        /// Nothing a client can send does more than being ignored.
        #[test]
        fn no_header_is_too_much(header in "\\PC*", size: u64) {
            select(&header, size);
        }
    }
}

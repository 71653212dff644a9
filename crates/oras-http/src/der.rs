//! Just enough DER to find the validity period of a certificate.
//!
//! webpki checks validity only on the way to accepting a certificate; for the one case it refuses to consider
//! (see `verify`), the dates are read here.

use rustls::pki_types::UnixTime;

const SEQUENCE: u8 = 0x30;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const VERSION: u8 = 0xa0;

/// First and last second at which a certificate is valid; `None` if the bytes are not a certificate.
pub(crate) fn validity(certificate: &[u8]) -> Option<(UnixTime, UnixTime)> {
    let (certificate, rest) = expect(SEQUENCE, certificate)?;
    if !rest.is_empty() {
        return None;
    }
    let (mut tbs, _) = expect(SEQUENCE, certificate)?;
    if let Some((_, rest)) = expect(VERSION, tbs) {
        tbs = rest;
    }
    for _ in ["serial number", "signature algorithm", "issuer"] {
        (_, _, tbs) = element(tbs)?;
    }
    let (period, _) = expect(SEQUENCE, tbs)?;
    let (tag, text, rest) = element(period)?;
    let not_before = time(tag, text)?;
    let (tag, text, rest) = element(rest)?;
    let not_after = time(tag, text)?;
    rest.is_empty().then_some((not_before, not_after))
}

fn expect(tag: u8, input: &[u8]) -> Option<(&[u8], &[u8])> {
    let (found, content, rest) = element(input)?;
    (found == tag).then_some((content, rest))
}

/// Tag, content and what follows.
fn element(input: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, input) = input.split_first()?;
    let (&first, mut input) = input.split_first()?;
    let length = match first {
        0x00..=0x7f => usize::from(first),
        // One to four octets of length: certificates are not larger than that.
        0x81..=0x84 => {
            let (octets, rest) = input.split_at_checked(usize::from(first & 0x7f))?;
            input = rest;
            octets
                .iter()
                .fold(0_usize, |length, octet| length << 8 | usize::from(*octet))
        }
        _ => return None,
    };
    let (content, rest) = input.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`.
fn time(tag: u8, text: &[u8]) -> Option<UnixTime> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    if !text.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let (year, rest) = match (tag, text.len()) {
        (UTC_TIME, 12) => {
            let short: i16 = text[..2].parse().ok()?;
            (
                if short < 50 {
                    2000 + short
                } else {
                    1900 + short
                },
                &text[2..],
            )
        }
        (GENERALIZED_TIME, 14) => (text[..4].parse().ok()?, &text[4..]),
        _ => return None,
    };
    let pair = |at: usize| rest[at..at + 2].parse::<i8>().ok();
    let moment =
        jiff::civil::DateTime::new(year, pair(0)?, pair(2)?, pair(4)?, pair(6)?, pair(8)?, 0)
            .ok()?;
    let seconds = moment
        .to_zoned(jiff::tz::TimeZone::UTC)
        .ok()?
        .timestamp()
        .as_second();
    // A certificate from before 1970 is simply one that has long been valid.
    let seconds = u64::try_from(seconds).unwrap_or(0);
    Some(UnixTime::since_unix_epoch(std::time::Duration::from_secs(
        seconds,
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(not_before: (i32, u8, u8), not_after: (i32, u8, u8)) -> Vec<u8> {
        let mut params = rcgen::CertificateParams::new(vec!["a.test".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(not_before.0, not_before.1, not_before.2);
        params.not_after = rcgen::date_time_ymd(not_after.0, not_after.1, not_after.2);
        let key = rcgen::KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn both_time_encodings_are_read() {
        let der = certificate((2001, 9, 9), (2286, 11, 20));
        let (not_before, not_after) = validity(&der).unwrap();
        assert_eq!(not_before.as_secs(), 999_993_600);
        assert_eq!(not_after.as_secs(), 9_999_936_000);
    }

    #[test]
    fn broken_input_gives_none_and_never_panics() {
        let der = certificate((2001, 9, 9), (2049, 1, 1));
        for end in 0..der.len() {
            assert_eq!(validity(&der[..end]), None, "{end}");
        }
        for at in 0..der.len() {
            let mut broken = der.clone();
            broken[at] ^= 0xff;
            let _ = validity(&broken);
        }
    }
}

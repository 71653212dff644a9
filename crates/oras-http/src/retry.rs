use std::fmt;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};

/// When and how often a request is sent again.
///
/// Retried are timeouts, connections that are reset or closed before a response, and the statuses 408, 425, 429, 500,
/// 502, 503 and 504. The wait before retry *n* (from 0) is `base * factor^n`, varied by `jitter`, within `min` and `max`;
/// on 429 and 503 a `Retry-After` header takes its place.
#[derive(Clone, Debug, PartialEq)]
pub struct RetryPolicy {
    /// Retries after the first attempt; 5 by default, 0 switches retrying off.
    pub max_retries: u32,
    /// The wait before the first retry; 250 ms by default.
    pub base: Duration,
    /// Growth from one wait to the next; 2 by default.
    pub factor: f64,
    /// Random part of a wait, as a fraction of it in both directions; 0.1 by default.
    pub jitter: f64,
    /// Shortest wait; 200 ms by default.
    pub min: Duration,
    /// Longest wait that is our own choice; 3 s by default.
    pub max: Duration,
    /// Longest wait that the server may ask for; 5 minutes by default. A longer demand is cut to this.
    pub max_retry_after: Duration,
    /// No retry starts later than this after the first attempt; 10 minutes by default.
    pub budget: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_retries: 5,
            base: Duration::from_millis(250),
            factor: 2.0,
            jitter: 0.1,
            min: Duration::from_millis(200),
            max: Duration::from_secs(3),
            max_retry_after: Duration::from_secs(300),
            budget: Duration::from_secs(600),
        }
    }
}

impl RetryPolicy {
    /// A policy that never retries.
    #[must_use]
    pub fn never() -> Self {
        Self {
            max_retries: 0,
            ..Self::default()
        }
    }

    /// The wait before retry `attempt`, counted from 0.
    pub(crate) fn backoff(&self, attempt: u32) -> Duration {
        let exponent = i32::try_from(attempt).unwrap_or(i32::MAX);
        let grown = self.base.as_secs_f64() * self.factor.powi(exponent);
        let varied = grown * (1.0 + self.jitter * (2.0 * random_fraction() - 1.0));
        let bounded = varied.clamp(
            self.min.as_secs_f64(),
            self.max.as_secs_f64().max(self.min.as_secs_f64()),
        );
        Duration::try_from_secs_f64(bounded).unwrap_or(self.max)
    }

    /// The wait before retrying a response, or `None` if the response is final.
    pub(crate) fn wait_for(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
        attempt: u32,
    ) -> Option<Duration> {
        let asked = match status.as_u16() {
            429 | 503 => retry_after(headers, SystemTime::now()),
            408 | 425 | 500 | 502 | 504 => None,
            _ => return None,
        };
        Some(asked.map_or_else(
            || self.backoff(attempt),
            |wait| wait.min(self.max_retry_after),
        ))
    }
}

/// Seconds or an HTTP date; `None` if absent, unreadable or not in the future.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match value.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let date = jiff::fmt::rfc2822::DateTimeParser::new()
                .parse_timestamp(value)
                .ok()?;
            SystemTime::from(date).duration_since(now).ok()?
        }
    };
    (!wait.is_zero()).then_some(wait)
}

/// A number in 0..1. Spreading retries needs no better randomness than what seeds the standard hash maps.
fn random_fraction() -> f64 {
    let bits = RandomState::new().build_hasher().finish();
    f64::from((bits >> 32) as u32) / f64::from(u32::MAX)
}

/// Tells that a request failed and when it is sent again.
#[derive(Clone, Debug)]
pub struct RetryNotice {
    /// Number of the coming retry, from 1.
    pub attempt: u32,
    /// How long the client waits first.
    pub wait: Duration,
    /// Method and redacted URL, as `GET https://host/path`.
    pub request: String,
    /// Why the attempt failed: a status or the cause of an error.
    pub cause: String,
}

/// Called before each wait.
#[derive(Clone)]
pub(crate) struct RetryHook(pub(crate) Arc<dyn Fn(&RetryNotice) + Send + Sync>);

impl fmt::Debug for RetryHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RetryHook")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_within_its_bounds() {
        let policy = RetryPolicy::default();
        let mut total = Duration::ZERO;
        for (attempt, expected) in [
            (0, 250),
            (1, 500),
            (2, 1000),
            (3, 2000),
            (4, 3000),
            (200, 3000),
        ] {
            let wait = policy.backoff(attempt);
            assert!(
                wait >= Duration::from_millis(expected * 9 / 10).max(policy.min),
                "{attempt}: {wait:?}"
            );
            assert!(
                wait <= Duration::from_millis(expected * 11 / 10).min(policy.max),
                "{attempt}: {wait:?}"
            );
            total += if attempt < 5 { wait } else { Duration::ZERO };
        }
        assert!(
            total > Duration::from_millis(6000) && total < Duration::from_millis(7200),
            "{total:?}"
        );
    }

    #[test]
    fn retry_after_reads_seconds_and_dates() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777); // Sun, 06 Nov 1994 08:49:37 GMT
        let parse = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            retry_after(&headers, now)
        };
        assert_eq!(parse("7"), Some(Duration::from_secs(7)));
        assert_eq!(
            parse("Sun, 06 Nov 1994 08:49:57 GMT"),
            Some(Duration::from_secs(20))
        );
        assert_eq!(parse("Sun, 06 Nov 1994 08:49:07 GMT"), None);
        assert_eq!(parse("0"), None);
        assert_eq!(parse("-3"), None);
        assert_eq!(parse("soon"), None);
    }

    #[test]
    fn a_server_may_not_ask_for_more_than_the_cap() {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, "86400".parse().unwrap());
        let policy = RetryPolicy::default();
        assert_eq!(
            policy.wait_for(StatusCode::TOO_MANY_REQUESTS, &headers, 0),
            Some(policy.max_retry_after)
        );
        assert!(
            policy.wait_for(StatusCode::INTERNAL_SERVER_ERROR, &headers, 0)
                < Some(Duration::from_secs(1))
        );
        assert_eq!(
            policy.wait_for(StatusCode::NOT_IMPLEMENTED, &headers, 0),
            None
        );
    }
}

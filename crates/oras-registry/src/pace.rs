//! How slow the other end may be.

use std::time::Duration;

use tokio::time::Instant;

/// Measures one direction of a connection. Only time spent waiting for the other end counts: a slow disk of ours is not
/// the client's fault.
///
/// Two things are too slow: silence for [`idle`](Self::new), and less than the least amount within a window of waiting.
/// The second stops whoever sends a byte a second for ever.
#[derive(Debug)]
pub(crate) struct Pace {
    idle: Duration,
    window: Duration,
    /// How many bytes a window of waiting must bring.
    least: u64,
    waited: Duration,
    bytes: u64,
    since: Option<Instant>,
}

/// The other end is too slow.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooSlow;

impl Pace {
    /// Nothing for `idle`, or fewer than `rate` bytes a second over `window`, is too slow.
    pub(crate) fn new(idle: Duration, rate: u64, window: Duration) -> Self {
        Self {
            idle,
            window,
            least: rate.saturating_mul(u64::try_from(window.as_millis()).unwrap_or(u64::MAX))
                / 1000,
            waited: Duration::ZERO,
            bytes: 0,
            since: None,
        }
    }

    /// Takes note that nothing moves at the moment, and says until when that is bearable.
    pub(crate) fn waiting(&mut self) -> Instant {
        let since = *self.since.get_or_insert_with(Instant::now);
        let left = self.window.saturating_sub(self.waited);
        let patience = match self.bytes < self.least {
            true => self.idle.min(left),
            false => self.idle,
        };
        since + patience
    }

    /// Takes note of `bytes` that moved.
    pub(crate) fn moved(&mut self, bytes: usize) -> Result<(), TooSlow> {
        self.bytes = self.bytes.saturating_add(bytes as u64);
        let Some(since) = self.since.take() else {
            return Ok(());
        };
        self.waited += since.elapsed();
        if self.waited < self.window {
            return Ok(());
        }
        let enough = self.bytes >= self.least;
        self.waited = Duration::ZERO;
        self.bytes = 0;
        if enough { Ok(()) } else { Err(TooSlow) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn pace() -> Pace {
        Pace::new(10 * SECOND, 100, 60 * SECOND)
    }

    /// Waits `seconds`, then `bytes` arrive.
    async fn step(pace: &mut Pace, seconds: u32, bytes: usize) -> Result<(), TooSlow> {
        let until = pace.waiting();
        tokio::time::advance(seconds * SECOND).await;
        if Instant::now() >= until {
            return Err(TooSlow);
        }
        pace.moved(bytes)
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_too_slow() {
        let mut pace = pace();
        assert_eq!(step(&mut pace, 9, 10_000).await, Ok(()));
        assert_eq!(step(&mut pace, 10, 10_000).await, Err(TooSlow));
    }

    #[tokio::test(start_paused = true)]
    async fn a_byte_a_second_is_too_slow_after_a_window() {
        let mut pace = pace();
        for _ in 0..59 {
            assert_eq!(step(&mut pace, 1, 1).await, Ok(()));
        }
        assert_eq!(step(&mut pace, 1, 1).await, Err(TooSlow));
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_does_not_pay_for_more_than_its_window() {
        let mut pace = pace();
        assert_eq!(step(&mut pace, 1, 1_000_000).await, Ok(()));
        let mut steps = 0;
        while step(&mut pace, 9, 1).await == Ok(()) {
            steps += 1;
        }
        assert!((6..15).contains(&steps), "{steps}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_steady_rate_is_fine_for_ever_and_our_own_delays_do_not_count() {
        let mut pace = pace();
        for _ in 0..1000 {
            assert_eq!(step(&mut pace, 5, 600).await, Ok(()));
            // Work of ours.
            tokio::time::advance(100 * SECOND).await;
            assert_eq!(pace.moved(0), Ok(()));
        }
    }
}

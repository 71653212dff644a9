//! How fast passwords may be tried.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How many attempts are free.
const FREE: u32 = 5;
/// How long it takes until another one is.
const PERIOD: Duration = Duration::from_secs(1);
/// Whoever would have to wait for longer is sent away.
const MOST_WAITING: Duration = Duration::from_secs(3);
/// For how many addresses and users attempts are counted.
const MOST_KEYS: usize = 10_000;

/// Where an attempt comes from and whose password it is about.
pub(super) type Key = (Option<IpAddr>, String);

/// Counts attempts. Each key has the time at which its attempts would be forgotten.
#[derive(Default)]
pub(super) struct Throttle {
    forgotten: Mutex<HashMap<Key, Instant>>,
}

impl Throttle {
    /// Takes note of an attempt: how long it has to wait, or `None` if there are too many.
    pub(super) fn attempt(&self, key: &Key, now: Instant) -> Option<Duration> {
        let mut table = self
            .forgotten
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let before = table.get(key).copied().map_or(now, |time| time.max(now));
        let next = before + PERIOD;
        let wait = next.saturating_duration_since(now + PERIOD * FREE);
        if wait > MOST_WAITING {
            return None;
        }
        if table.len() >= MOST_KEYS && !table.contains_key(key) {
            table.retain(|_, time| *time > now);
            // Whoever fills the table must not make it forget who is waiting.
            if table.len() >= MOST_KEYS {
                let soonest = table.iter().min_by_key(|(_, time)| **time);
                let soonest = soonest.map(|(key, _)| key.clone());
                soonest.map(|key| table.remove(&key));
            }
        }
        table.insert(key.clone(), next);
        Some(wait)
    }

    /// Forgets attempts: the password was right.
    pub(super) fn forget(&self, key: &Key) {
        let mut table = self
            .forgotten
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        table.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(user: &str) -> Key {
        (None, user.to_owned())
    }

    #[test]
    fn five_attempts_are_free_and_then_one_a_second() {
        let throttle = Throttle::default();
        let start = Instant::now();
        let jo = key("jo");
        let attempt = |millis| throttle.attempt(&jo, start + Duration::from_millis(millis));
        for _ in 0..5 {
            assert_eq!(attempt(0), Some(Duration::ZERO));
        }
        assert_eq!(attempt(0), Some(Duration::from_secs(1)));
        assert_eq!(attempt(500), Some(Duration::from_millis(1500)));
        assert_eq!(attempt(500), Some(Duration::from_millis(2500)));
        assert_eq!(attempt(500), None);
        assert_eq!(throttle.attempt(&key("ann"), start), Some(Duration::ZERO));
        assert_eq!(attempt(9_000), Some(Duration::ZERO));
        throttle.forget(&jo);
        assert_eq!(attempt(0), Some(Duration::ZERO));
    }

    #[test]
    fn the_table_does_not_grow_and_keeps_who_is_waiting() {
        let throttle = Throttle::default();
        let now = Instant::now();
        while throttle.attempt(&key("jo"), now).is_some() {}
        for n in 0..MOST_KEYS + 100 {
            throttle.attempt(&key(&n.to_string()), now);
        }
        assert_eq!(throttle.forgotten.lock().unwrap().len(), MOST_KEYS);
        assert_eq!(throttle.attempt(&key("jo"), now), None);
    }
}

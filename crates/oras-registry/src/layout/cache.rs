//! A bounded map that forgets what nobody asked for lately.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Keeps what was used since about half of its budget was filled anew. Everything in it can be found elsewhere.
pub(super) struct Cache<K, V> {
    generations: Mutex<Generations<K, V>>,
    budget: usize,
}

struct Generations<K, V> {
    young: HashMap<K, Kept<V>>,
    old: HashMap<K, Kept<V>>,
    /// Of the young ones.
    weight: usize,
}

struct Kept<V> {
    value: V,
    weight: usize,
}

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    /// One that holds values of this weight in sum.
    pub(super) fn new(budget: usize) -> Self {
        Self {
            generations: Mutex::new(Generations {
                young: HashMap::new(),
                old: HashMap::new(),
                weight: 0,
            }),
            budget,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Generations<K, V>> {
        self.generations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let mut generations = self.lock();
        if let Some(kept) = generations.young.get(key) {
            return Some(kept.value.clone());
        }
        let (key, kept) = generations.old.remove_entry(key)?;
        let value = kept.value.clone();
        self.put(&mut generations, key, kept);
        Some(value)
    }

    /// Remembers a value, unless it is so heavy that hardly anything else would be left.
    pub(super) fn insert(&self, key: K, value: V, weight: usize) {
        if weight > self.budget / 8 {
            return;
        }
        let mut generations = self.lock();
        generations.old.remove(&key);
        self.put(&mut generations, key, Kept { value, weight });
    }

    pub(super) fn remove<Q>(&self, key: &Q)
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let mut generations = self.lock();
        generations.old.remove(key);
        if let Some(kept) = generations.young.remove(key) {
            generations.weight -= kept.weight;
        }
    }

    fn put(&self, generations: &mut Generations<K, V>, key: K, kept: Kept<V>) {
        generations.weight += kept.weight;
        if let Some(before) = generations.young.insert(key, kept) {
            generations.weight -= before.weight;
        }
        if generations.weight > self.budget / 2 {
            generations.old = std::mem::take(&mut generations.young);
            generations.weight = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_the_rest_goes() {
        let cache = Cache::new(80);
        cache.insert("used", 0, 1);
        for number in 1..1000 {
            cache.insert("unused", number, 1);
            assert_eq!(cache.get("used"), Some(0));
        }
        let cache = Cache::new(80);
        for number in 0..1000 {
            cache.insert(number, (), 10);
        }
        let generations = cache.lock();
        assert!(generations.young.len() + generations.old.len() <= 9);
    }

    #[test]
    fn what_is_removed_or_too_heavy_is_not_there() {
        let cache = Cache::new(80);
        cache.insert("heavy", (), 11);
        assert_eq!(cache.get("heavy"), None);
        cache.insert("light", (), 10);
        cache.insert("light", (), 10);
        cache.remove("light");
        assert_eq!(cache.get("light"), None);
        assert_eq!(cache.lock().weight, 0);
    }
}

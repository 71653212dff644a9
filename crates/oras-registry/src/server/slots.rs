//! How many connections there may be.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::peer;

/// The connections that are open.
pub(crate) struct Slots {
    total: usize,
    per_address: usize,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    open: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// The right to a connection, until it is dropped.
pub(super) struct Slot {
    slots: Arc<Slots>,
    address: IpAddr,
}

/// Why there is no slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// All are taken.
    Total,
    /// This address has its share.
    Address,
}

impl Slots {
    /// At most `total` at once, `per_address` of one address.
    pub(crate) fn new(total: usize, per_address: usize) -> Self {
        Self {
            total,
            per_address,
            table: Mutex::default(),
        }
    }

    /// How many are taken.
    pub(crate) fn open(&self) -> usize {
        self.lock().open
    }

    pub(super) fn take(self: &Arc<Self>, address: IpAddr) -> Result<Slot, Full> {
        let address = peer::network(address);
        let mut table = self.lock();
        if table.open >= self.total {
            return Err(Full::Total);
        }
        let of_address = table.by_address.entry(address).or_default();
        if *of_address >= self.per_address {
            return Err(Full::Address);
        }
        *of_address += 1;
        table.open += 1;
        Ok(Slot {
            slots: Arc::clone(self),
            address,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut table = self.slots.lock();
        table.open -= 1;
        let left = table.by_address.get_mut(&self.address);
        let last = left.is_some_and(|left| {
            *left -= 1;
            *left == 0
        });
        if last {
            table.by_address.remove(&self.address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_free_again_when_it_is_dropped() {
        let slots = Arc::new(Slots::new(3, 2));
        let take = |address: &str| slots.take(address.parse().unwrap());
        let one = take("10.0.0.1").ok().unwrap();
        let two = take("::ffff:10.0.0.1").ok().unwrap();
        assert_eq!(take("10.0.0.1").err(), Some(Full::Address));
        let three = take("2001:db8::1").ok().unwrap();
        assert_eq!(take("10.0.0.2").err(), Some(Full::Total));
        drop((one, two));
        assert_eq!(slots.open(), 1);
        let four = take("2001:db8::2:0:0:1").ok().unwrap();
        assert_eq!(take("2001:db8::3").err(), Some(Full::Address));
        drop((three, four));
        assert!(slots.lock().by_address.is_empty());
    }
}

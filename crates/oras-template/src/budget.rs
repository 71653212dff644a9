//! How much memory the values of one run may hold, and how deep the walks over them go: a template may come from
//! somebody else, and must end in an error rather than take the machine's memory.

use std::cell::Cell;
use std::rc::Rc;

use crate::value::Value;

/// What all values of a run may hold together.
const MAX_BYTES: usize = 256 << 20;
/// What one text may hold.
pub(crate) const MAX_TEXT: usize = 32 << 20;
/// How many elements one list may have.
pub(crate) const MAX_ITEMS: usize = 2_000_000;
/// How deep values are followed, and pipelines, blocks and templates nested.
pub(crate) const MAX_DEPTH: usize = 500;

/// The memory of one run.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    used: Cell<usize>,
}

/// What a value took of the budget. It is given back with the value.
#[derive(Debug)]
pub(crate) struct Charge {
    budget: Rc<Budget>,
    amount: Cell<usize>,
}

impl Drop for Charge {
    fn drop(&mut self) {
        let used = self.budget.used.get();
        self.budget.used.set(used.saturating_sub(self.amount.get()));
    }
}

impl Budget {
    /// Takes what `value` needs, unless that was done before.
    ///
    /// # Errors
    /// If it is too much.
    pub(crate) fn take(self: &Rc<Self>, value: &Value) -> Result<(), String> {
        let mut pending = vec![value.clone()];
        while let Some(value) = pending.pop() {
            let Some((weight, slot)) = value.weight() else {
                continue;
            };
            if let Some(charge) = slot.get() {
                // A map may have grown since.
                let used = self.used.get() + weight - charge.amount.get().min(weight);
                self.used.set(used);
                charge.amount.set(weight.max(charge.amount.get()));
            } else {
                self.used.set(self.used.get().saturating_add(weight));
                let _ = slot.set(Charge {
                    budget: Rc::clone(self),
                    amount: Cell::new(weight),
                });
                pending.extend(value.children());
            }
            if self.used.get() > MAX_BYTES {
                return Err(format!(
                    "the values of the template need more than {} MiB",
                    MAX_BYTES >> 20
                ));
            }
        }
        Ok(())
    }
}

/// Refuses a text of `len` bytes if that is too long.
///
/// # Errors
/// If it is.
pub(crate) fn fits(len: usize) -> Result<(), String> {
    match len > MAX_TEXT {
        true => Err(format!(
            "the text would be longer than {} MiB",
            MAX_TEXT >> 20
        )),
        false => Ok(()),
    }
}

/// Refuses a list of `count` elements if that is too long.
///
/// # Errors
/// If it is.
pub(crate) fn counts(count: usize) -> Result<(), String> {
    match count > MAX_ITEMS {
        true => Err(format!(
            "the list would have more than {MAX_ITEMS} elements"
        )),
        false => Ok(()),
    }
}

/// Refuses to follow a value any deeper.
///
/// # Errors
/// If `depth` is too deep.
pub(crate) fn deep(depth: usize) -> Result<(), String> {
    match depth > MAX_DEPTH {
        true => Err(format!(
            "the value is nested more than {MAX_DEPTH} levels deep"
        )),
        false => Ok(()),
    }
}

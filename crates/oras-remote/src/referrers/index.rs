//! The index of referrers that clients keep where a registry does not: what changing it means.

use std::collections::HashSet;

use oras_spec::{Descriptor, DescriptorKey};

/// One change to the list of a subject's referrers.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// List this manifest. What is listed already stays as it is.
    Add(Box<Descriptor>),
    /// Don't list this one.
    Remove(DescriptorKey),
}

/// The list after the changes, or `None` if they change nothing. Entries that are listed twice are listed once.
pub(super) fn apply(entries: &[Descriptor], changes: &[Change]) -> Option<Vec<Descriptor>> {
    let mut listed = HashSet::new();
    let mut next: Vec<_> = entries
        .iter()
        .filter(|entry| listed.insert(entry.key()))
        .cloned()
        .collect();
    let mut changed = next.len() != entries.len();
    for change in changes {
        match change {
            Change::Add(entry) => {
                if listed.insert(entry.key()) {
                    next.push((**entry).clone());
                    changed = true;
                }
            }
            Change::Remove(key) => {
                if listed.remove(key) {
                    next.retain(|entry| entry.key() != *key);
                    changed = true;
                }
            }
        }
    }
    changed.then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str) -> Descriptor {
        Descriptor::of_bytes("application/x", name.as_bytes())
    }

    fn add(name: &str) -> Change {
        Change::Add(Box::new(entry(name)))
    }

    #[test]
    fn changes_are_applied_once() {
        let list = [entry("a"), entry("b")];
        assert_eq!(apply(&list, &[add("b")]), None);
        assert_eq!(apply(&list, &[Change::Remove(entry("c").key())]), None);
        let added = apply(&list, &[add("c"), add("c")]);
        assert_eq!(added, Some(vec![entry("a"), entry("b"), entry("c")]));
        let removed = apply(&list, &[Change::Remove(entry("a").key())]);
        assert_eq!(removed, Some(vec![entry("b")]));
        assert_eq!(
            apply(&[entry("a"), entry("a")], &[]),
            Some(vec![entry("a")])
        );
    }
}

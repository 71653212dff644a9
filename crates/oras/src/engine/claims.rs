//! Who copies what: the first task that asks for a content copies it, all others wait for the outcome.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Mutex;

use oras_spec::DescriptorKey;
use tokio::sync::watch;

use super::run::{Outcome, Stopped};
use crate::sync::lock;

#[derive(Default)]
pub(super) struct Claims(Mutex<HashMap<DescriptorKey, watch::Receiver<Option<Outcome>>>>);

pub(super) enum Claim {
    Mine(Promise),
    Theirs(Completion),
}

impl Claims {
    pub(super) fn claim(&self, key: DescriptorKey) -> Claim {
        match lock(&self.0).entry(key) {
            Entry::Occupied(entry) => Claim::Theirs(Completion(entry.get().clone())),
            Entry::Vacant(entry) => {
                let (sender, receiver) = watch::channel(None);
                entry.insert(receiver);
                Claim::Mine(Promise(sender))
            }
        }
    }
}

/// Obliges its holder to say how it ended. Dropping it, as a panic does, says that it ended badly.
pub(super) struct Promise(watch::Sender<Option<Outcome>>);

impl Promise {
    pub(super) fn settle(self, outcome: Outcome) {
        self.0.send_replace(Some(outcome));
    }
}

/// Is there when another task is done.
pub(super) struct Completion(watch::Receiver<Option<Outcome>>);

impl Completion {
    pub(super) async fn wait(mut self) -> Outcome {
        match self.0.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.unwrap_or(Err(Stopped)),
            Err(_) => Err(Stopped),
        }
    }
}

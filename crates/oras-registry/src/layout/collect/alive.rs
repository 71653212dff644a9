//! What a repository needs: everything that can be reached from its index.

use std::collections::HashSet;
use std::path::Path;
use std::time::SystemTime;

use jiff::Timestamp;
use oras_content::layout::Index;
use oras_spec::{Descriptor, Digest, annotation};
use serde_json::Value;

use super::super::Shared;
use super::super::foreign::read_verified;
use super::super::place::blob_in;
use super::super::stat::Stat;
use super::super::view::{PUSHED, SUBJECT};
use super::{Referrers, Rules, Untagged};

/// Up to this size, content of a type that nobody here knows is searched for digests, in bytes.
const MOST_SEARCHED: u64 = 4 * 1024 * 1024;

/// Enough of a digest to tell it from all others.
type Key = [u8; 32];

/// What stays. Grows only: what is no longer needed is found by the next collection.
pub(super) struct Alive<'a> {
    shared: &'a Shared,
    root: &'a Path,
    kept: HashSet<Key>,
    /// Those of them that were read as manifests.
    entered: HashSet<Key>,
}

/// A manifest that can't be read, so that nobody knows what it needs.
pub(super) struct Unreadable(pub(super) Digest);

type Result<T> = std::result::Result<T, Unreadable>;

/// An entry that only stays for a reason.
struct Waiting {
    descriptor: Descriptor,
    subject: Option<Digest>,
}

impl<'a> Alive<'a> {
    pub(super) fn new(shared: &'a Shared, root: &'a Path) -> Self {
        Self {
            shared,
            root,
            kept: HashSet::new(),
            entered: HashSet::new(),
        }
    }

    /// Whether `digest` stays.
    pub(super) fn keeps(&self, digest: &Digest) -> bool {
        self.kept.contains(&key(digest))
    }

    /// Adds all that `index` names and `rules` keep, with what that needs, and gives the entries that are not kept. Blocks.
    pub(super) fn enter(&mut self, index: &Index, rules: &Rules) -> Result<Vec<Digest>> {
        let mut waiting = Vec::new();
        for entry in index.descriptors() {
            let tagged = entry.annotations.get(annotation::REF_NAME);
            if tagged.is_some_and(|tag| !tag.is_empty()) || index.is_tagged(&entry.digest) {
                self.follow(entry)?;
                continue;
            }
            let subject = self.subject(entry)?;
            let always = match &subject {
                Some(_) => rules.referrers == Referrers::Keep,
                None => rules.untagged == Untagged::Keep,
            };
            match always {
                true => self.follow(entry)?,
                false => waiting.push(Waiting {
                    descriptor: entry.clone(),
                    subject,
                }),
            }
        }
        self.settle(&mut waiting)?;
        // What is young stays as well, and what refers to it.
        for young in waiting.extract_if(.., |one| one.is_young(self.root, rules)) {
            self.follow(&young.descriptor)?;
        }
        self.settle(&mut waiting)?;
        Ok(waiting
            .into_iter()
            .map(|one| one.descriptor.digest)
            .collect())
    }

    /// Adds all that `index` names, whatever the rules. Blocks.
    pub(super) fn enter_all(&mut self, index: &Index) -> Result<()> {
        index.descriptors().try_for_each(|entry| self.follow(entry))
    }

    /// Adds those that wait for something that is kept, until there are none.
    fn settle(&mut self, waiting: &mut Vec<Waiting>) -> Result<()> {
        loop {
            let before = waiting.len();
            let has_reason = |one: &mut Waiting| {
                let subject = one.subject.as_ref();
                self.keeps(&one.descriptor.digest)
                    || subject.is_some_and(|subject| self.entered.contains(&key(subject)))
            };
            let found: Vec<Waiting> = waiting.extract_if(.., has_reason).collect();
            for one in &found {
                self.follow(&one.descriptor)?;
            }
            if waiting.len() == before {
                return Ok(());
            }
        }
    }

    fn subject(&self, entry: &Descriptor) -> Result<Option<Digest>> {
        if entry.annotations.contains_key(PUSHED) {
            let subject = entry.annotations.get(SUBJECT);
            return Ok(subject.and_then(|subject| Digest::parse(subject).ok()));
        }
        match self.shared.facts(self.root, entry) {
            Some(facts) => Ok(facts.subject.clone()),
            None if self.is_intact(entry) => Ok(None),
            None => Err(Unreadable(entry.digest.clone())),
        }
    }

    /// Adds a listed manifest and all it needs.
    fn follow(&mut self, entry: &Descriptor) -> Result<()> {
        let mut stack = vec![(entry.clone(), true)];
        while let Some((descriptor, listed)) = stack.pop() {
            let key = key(&descriptor.digest);
            self.kept.insert(key);
            if self.entered.contains(&key) {
                continue;
            }
            let facts = match descriptor.is_manifest() {
                true => self.shared.facts(self.root, &descriptor),
                false => None,
            };
            if let Some(facts) = facts {
                self.entered.insert(key);
                self.kept.extend(facts.blobs.iter().map(self::key));
                let below = facts.manifests.iter().chain(&facts.unknown);
                stack.extend(below.map(|below| (below.clone(), false)));
                continue;
            }
            // One below others can be missing: not everybody copies all platforms.
            let may_be_missing = !listed && !self.is_there(&descriptor.digest);
            if !may_be_missing && !self.is_intact(&descriptor) {
                return Err(Unreadable(descriptor.digest));
            }
            self.search(&descriptor.digest);
        }
        Ok(())
    }

    fn is_there(&self, digest: &Digest) -> bool {
        // What can't be looked at may well be there.
        !matches!(Stat::at(&blob_in(self.root, digest)), Ok(None))
    }

    /// Whether the content is there and what its digest says, even if it is no manifest.
    fn is_intact(&self, descriptor: &Descriptor) -> bool {
        match descriptor.is_manifest() {
            true => read_verified(self.root, &descriptor.digest).is_some(),
            false => self.is_there(&descriptor.digest),
        }
    }

    /// Keeps everything whose digest is found anywhere in content that is no manifest we know.
    fn search(&mut self, digest: &Digest) {
        let path = blob_in(self.root, digest);
        let small =
            Stat::at(&path).is_ok_and(|stat| stat.is_some_and(|stat| stat.size <= MOST_SEARCHED));
        if !small {
            return;
        }
        let bytes = read_verified(self.root, digest).unwrap_or_default();
        if let Ok(value) = serde_json::from_slice::<Value>(&bytes) {
            self.keep_mentioned(&value);
        }
    }

    fn keep_mentioned(&mut self, value: &Value) {
        match value {
            Value::String(text) => {
                if let Ok(digest) = Digest::parse(text) {
                    self.kept.insert(key(&digest));
                }
            }
            Value::Array(values) => values.iter().for_each(|value| self.keep_mentioned(value)),
            Value::Object(values) => values.values().for_each(|value| self.keep_mentioned(value)),
            _ => {}
        }
    }
}

impl Waiting {
    fn is_young(&self, root: &Path, rules: &Rules) -> bool {
        let cutoff = match (&self.subject, rules.untagged) {
            (None, Untagged::After(age)) => rules.now.checked_sub(age),
            _ => Some(rules.cutoff),
        };
        let cutoff = cutoff.unwrap_or(SystemTime::UNIX_EPOCH).min(rules.cutoff);
        let pushed = self.descriptor.annotations.get(PUSHED);
        let pushed = pushed.and_then(|text| text.parse::<Timestamp>().ok());
        let changed = Stat::at(&blob_in(root, &self.descriptor.digest));
        let changed = changed.ok().flatten().map(|stat| stat.changed);
        let moments = [pushed.map(SystemTime::from), changed];
        // Without any, it is not there at all.
        moments.into_iter().flatten().any(|moment| moment >= cutoff)
    }
}

fn key(digest: &Digest) -> Key {
    let mut key = [0; 32];
    let encoded = digest.encoded().as_bytes();
    for (byte, pair) in key.iter_mut().zip(encoded.chunks(2)) {
        let digit = |at: usize| {
            pair.get(at)
                .and_then(|digit| char::from(*digit).to_digit(16))
        };
        let (Some(high), Some(low)) = (digit(0), digit(1)) else {
            return of_text(digest);
        };
        *byte = u8::try_from(high * 16 + low).unwrap_or_default();
    }
    match encoded.len() >= 64 {
        true => key,
        false => of_text(digest),
    }
}

/// For algorithms whose digests are no hexadecimal digits, or few.
fn of_text(digest: &Digest) -> Key {
    let digest = Digest::sha256(digest.as_str().as_bytes());
    let mut key = [0; 32];
    for (byte, digit) in key.iter_mut().zip(digest.encoded().bytes()) {
        *byte = digit;
    }
    key
}

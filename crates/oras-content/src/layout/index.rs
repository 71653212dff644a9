//! `index.json` in memory: the entries by order, digest and name, and every byte of what others wrote.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

use oras_spec::{Descriptor, Digest, annotation, json, media_type};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::format;
use crate::error::{Error, ErrorKind, Result};

const MANIFESTS: &str = "manifests";
const ANNOTATIONS: &str = "annotations";

/// The place of an entry in the file. Places are never used again, so that order is kept.
type Place = u64;

/// The content of `index.json`.
///
/// An entry names one digest and at most one tag. A manifest with two tags has two entries; one without any has one.
/// Cloning is cheap enough to try a change on a copy.
#[derive(Clone)]
pub struct Index {
    /// The members of the object in their order. What stands for `manifests` only marks the place.
    members: Vec<(String, Box<RawValue>)>,
    entries: BTreeMap<Place, Arc<Entry>>,
    by_digest: HashMap<Digest, Vec<Place>>,
    by_name: BTreeMap<String, Vec<Place>>,
    next: Place,
    changed: bool,
}

struct Entry {
    /// The entry as it is in the file.
    raw: Box<RawValue>,
    descriptor: Descriptor,
}

impl Index {
    /// The index of a new layout.
    ///
    /// # Errors
    /// None that can happen: those of [`parse`](Self::parse).
    pub fn empty() -> Result<Self> {
        let media_type = media_type::IMAGE_INDEX;
        let text = format!(r#"{{"schemaVersion":2,"mediaType":"{media_type}","manifests":[]}}"#);
        Self::parse(text.as_bytes())
    }

    /// Reads the content of `index.json`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidManifest`] in the words of the reference tool.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let Members(mut members) = format::decode(bytes)?;
        let mut index = Self {
            members: Vec::new(),
            entries: BTreeMap::new(),
            by_digest: HashMap::new(),
            by_name: BTreeMap::new(),
            next: 0,
            changed: false,
        };
        let listed = members.iter().rposition(|(name, _)| name == MANIFESTS);
        if let Some(at) = listed {
            let raw: Option<Vec<Box<RawValue>>> = format::decode(members[at].1.get().as_bytes())?;
            for raw in raw.into_iter().flatten() {
                let descriptor = format::decode(raw.get().as_bytes())?;
                index.put(index.next, Entry { raw, descriptor });
            }
        } else {
            members.push((MANIFESTS.to_owned(), RawValue::NULL.to_owned()));
        }
        index.members = members;
        index.changed = false;
        Ok(index)
    }

    /// The content to write: compact, except for what came otherwise from elsewhere.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidDescriptor`] if a descriptor can't be encoded.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        let size: usize = self
            .entries
            .values()
            .map(|entry| entry.raw.get().len() + 1)
            .sum();
        let mut bytes = Vec::with_capacity(size + 128);
        for (at, (name, value)) in self.members.iter().enumerate() {
            bytes.push(if at == 0 { b'{' } else { b',' });
            bytes.extend(json::to_vec(name).map_err(encoding)?);
            bytes.push(b':');
            if name != MANIFESTS {
                bytes.extend_from_slice(value.get().as_bytes());
                continue;
            }
            bytes.push(b'[');
            for (at, entry) in self.entries.values().enumerate() {
                if at > 0 {
                    bytes.push(b',');
                }
                bytes.extend_from_slice(entry.raw.get().as_bytes());
            }
            bytes.push(b']');
        }
        bytes.push(b'}');
        Ok(bytes)
    }

    /// Whether anything differs from what was read.
    #[must_use]
    pub fn changed(&self) -> bool {
        self.changed
    }

    /// This index, taken for unchanged.
    #[must_use]
    pub(super) fn saved(mut self) -> Self {
        self.changed = false;
        self
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// An annotation of the index itself.
    #[must_use]
    pub fn annotation(&self, name: &str) -> Option<String> {
        let value = self.annotations().remove(name)?;
        serde_json::from_str(value.get()).ok()
    }

    /// Sets an annotation of the index itself, and leaves the others as they are.
    ///
    /// # Errors
    /// None that can happen with text: those of encoding JSON.
    pub fn annotate(&mut self, name: &str, value: &str) -> Result<()> {
        let mut annotations = self.annotations();
        let value = serde_json::value::to_raw_value(value).map_err(encoding)?;
        annotations.insert(name.to_owned(), value);
        let annotations = serde_json::value::to_raw_value(&annotations).map_err(encoding)?;
        self.members.retain(|(name, _)| name != ANNOTATIONS);
        self.members.push((ANNOTATIONS.to_owned(), annotations));
        self.changed = true;
        Ok(())
    }

    fn annotations(&self) -> BTreeMap<String, Box<RawValue>> {
        let mut members = self.members.iter().rev();
        let member = members.find(|(name, _)| name == ANNOTATIONS);
        // Whatever else stands there is of no use to anybody.
        member
            .and_then(|(_, value)| serde_json::from_str(value.get()).ok())
            .unwrap_or_default()
    }

    /// The descriptor with the tag `name`, with the annotation that says so. The last one counts.
    #[must_use]
    pub fn tagged(&self, name: &str) -> Option<&Descriptor> {
        let place = self.by_name.get(name)?.last()?;
        self.entries.get(place).map(|entry| &entry.descriptor)
    }

    /// Any entry of `digest`.
    #[must_use]
    pub fn find(&self, digest: &Digest) -> Option<&Descriptor> {
        let place = self.by_digest.get(digest)?.first()?;
        self.entries.get(place).map(|entry| &entry.descriptor)
    }

    /// Whether `digest` has a tag.
    #[must_use]
    pub fn is_tagged(&self, digest: &Digest) -> bool {
        let places = self.by_digest.get(digest).into_iter().flatten();
        places
            .filter_map(|place| self.entries.get(place))
            .any(|entry| name_of(&entry.descriptor).is_some())
    }

    /// The tags after `last`, in the order of their bytes.
    pub fn tags_after(&self, last: Option<&str>) -> impl Iterator<Item = &str> {
        let from = match last {
            Some(last) => Bound::Excluded(last),
            None => Bound::Unbounded,
        };
        let tags = self.by_name.range::<str, _>((from, Bound::Unbounded));
        tags.map(|(name, _)| name.as_str())
    }

    /// The descriptors in the order of the file. A digest can come more than once.
    pub fn descriptors(&self) -> impl Iterator<Item = &Descriptor> {
        self.entries.values().map(|entry| &entry.descriptor)
    }

    /// Lists `descriptor` without a tag, unless its digest is listed already.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidDescriptor`] if the descriptor can't be encoded.
    pub fn add(&mut self, descriptor: &Descriptor) -> Result<()> {
        if !self.by_digest.contains_key(&descriptor.digest) {
            self.put(self.next, Entry::new(nameless(descriptor))?);
        }
        Ok(())
    }

    /// Gives `descriptor` the tag `name` and takes it from whatever had it, which stays listed.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidDescriptor`] if the descriptor can't be encoded.
    pub fn tag(&mut self, descriptor: &Descriptor, name: &str) -> Result<()> {
        if name == descriptor.digest.as_str() {
            return self.add(descriptor);
        }
        let mut named = descriptor.clone();
        named
            .annotations
            .insert(annotation::REF_NAME.to_owned(), name.to_owned());
        let had = self.by_name.get(name).cloned().unwrap_or_default();
        let untagged = self.untagged(&named.digest);
        if let [place] = had[..] {
            let same = self
                .entries
                .get(&place)
                .is_some_and(|entry| entry.descriptor == named);
            if same && untagged.is_empty() {
                return Ok(());
            }
        }
        let mut place = None;
        for old in had {
            let Some(entry) = self.take(old) else {
                continue;
            };
            if entry.descriptor.digest == named.digest {
                place.get_or_insert(old);
            } else if !self.by_digest.contains_key(&entry.descriptor.digest) {
                self.put(old, Entry::new(nameless(&entry.descriptor))?);
            }
        }
        for old in untagged {
            self.take(old);
            place.get_or_insert(old);
        }
        self.put(place.unwrap_or(self.next), Entry::new(named)?);
        Ok(())
    }

    /// Takes the tag `name` away; what had it stays listed. False if there is no such tag.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidDescriptor`] if the descriptor can't be encoded.
    pub fn untag(&mut self, name: &str) -> Result<bool> {
        let Some(had) = self.by_name.get(name).cloned() else {
            return Ok(false);
        };
        for old in had {
            let Some(entry) = self.take(old) else {
                continue;
            };
            if !self.by_digest.contains_key(&entry.descriptor.digest) {
                self.put(old, Entry::new(nameless(&entry.descriptor))?);
            }
        }
        Ok(true)
    }

    /// Removes every entry of `digest`. False if there is none.
    pub fn remove(&mut self, digest: &Digest) -> bool {
        let places = self.by_digest.get(digest).cloned().unwrap_or_default();
        for place in &places {
            self.take(*place);
        }
        !places.is_empty()
    }

    fn untagged(&self, digest: &Digest) -> Vec<Place> {
        let places = self.by_digest.get(digest).into_iter().flatten().copied();
        let nameless = |place: &Place| {
            let entry = self.entries.get(place);
            entry.is_some_and(|entry| name_of(&entry.descriptor).is_none())
        };
        places.filter(nameless).collect()
    }

    fn put(&mut self, place: Place, entry: Entry) {
        let digest = entry.descriptor.digest.clone();
        sorted_insert(self.by_digest.entry(digest).or_default(), place);
        if let Some(name) = name_of(&entry.descriptor) {
            sorted_insert(self.by_name.entry(name.to_owned()).or_default(), place);
        }
        self.entries.insert(place, Arc::new(entry));
        self.next = self.next.max(place + 1);
        self.changed = true;
    }

    fn take(&mut self, place: Place) -> Option<Arc<Entry>> {
        let entry = self.entries.remove(&place)?;
        if let Some(places) = self.by_digest.get_mut(&entry.descriptor.digest) {
            places.retain(|other| *other != place);
            if places.is_empty() {
                self.by_digest.remove(&entry.descriptor.digest);
            }
        }
        if let Some(name) = name_of(&entry.descriptor)
            && let Some(places) = self.by_name.get_mut(name)
        {
            places.retain(|other| *other != place);
            if places.is_empty() {
                self.by_name.remove(name);
            }
        }
        self.changed = true;
        Some(entry)
    }
}

impl Entry {
    fn new(descriptor: Descriptor) -> Result<Self> {
        let bytes = json::to_vec(&descriptor).map_err(encoding)?;
        let raw = serde_json::from_slice(&bytes).map_err(encoding)?;
        Ok(Self { raw, descriptor })
    }
}

fn encoding(error: serde_json::Error) -> Error {
    Error::new(ErrorKind::InvalidDescriptor, "failed to encode index file").with_source(error)
}

fn sorted_insert(places: &mut Vec<Place>, place: Place) {
    if let Err(at) = places.binary_search(&place) {
        places.insert(at, place);
    }
}

fn name_of(descriptor: &Descriptor) -> Option<&str> {
    let name = descriptor.annotations.get(annotation::REF_NAME)?;
    (!name.is_empty()).then_some(name)
}

fn nameless(descriptor: &Descriptor) -> Descriptor {
    let mut descriptor = descriptor.clone();
    descriptor.annotations.remove(annotation::REF_NAME);
    descriptor
}

/// The members of a JSON object, in their order and as they are written.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

//! What can be changed in a repository, decided against the index as it is at that moment.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use oras_content::layout::Index;
use oras_spec::{Descriptor, Digest, media_type};

use super::Shared;
use super::failed;
use super::foreign::Foreign;
use super::journal::Step;
use super::place::blob_in;
use super::stat::{Identity, Stat};
use super::view::{PUSHED, SUBJECT, View};
use crate::driver::{Condition, Entry, ManifestCommit, PutOutcome, Required, Result, UntagOutcome};

/// What is asked for.
pub(super) enum Change {
    Put(ManifestCommit),
    DeleteManifest(Digest),
    DeleteBlob(Digest),
    Untag(String, Condition),
    /// Takes manifests out of the index, if it is still this one. Their content is left.
    Expire(Arc<View>, Vec<Digest>),
}

/// What became of it.
pub(super) enum Outcome {
    Put(PutOutcome),
    Deleted(bool),
    Untagged(UntagOutcome),
    /// How many; `None` if the index is another one.
    Expired(Option<u64>),
}

/// An index as it is going to be, and what has to be done before and after it is written.
pub(super) struct Draft<'a> {
    pub(super) shared: &'a Shared,
    pub(super) root: &'a Path,
    pub(super) index: Index,
    /// How the index differs from what it was.
    pub(super) steps: Vec<Step>,
    /// Content that has to be on the disk before.
    pub(super) needed: Vec<Needed>,
    /// Content that goes when the index no longer names it.
    pub(super) doomed: Vec<Digest>,
    /// Manifests whose subject goes: how long they are kept without it counts from now on.
    pub(super) bereaved: Vec<Digest>,
}

/// Content in a file.
pub(super) struct Needed {
    pub(super) digest: Digest,
    pub(super) path: PathBuf,
    pub(super) identity: Option<Identity>,
}

impl Draft<'_> {
    /// Makes a change, or nothing of it.
    pub(super) fn apply(&mut self, change: &Change) -> Result<Outcome> {
        match change {
            Change::Put(commit) => self.put(commit).map(Outcome::Put),
            Change::DeleteManifest(digest) => self.delete_manifest(digest).map(Outcome::Deleted),
            Change::DeleteBlob(digest) => self.delete_blob(digest).map(Outcome::Deleted),
            Change::Untag(tag, condition) => self.untag(tag, condition).map(Outcome::Untagged),
            Change::Expire(view, digests) => self.expire(view, digests).map(Outcome::Expired),
        }
    }

    fn put(&mut self, commit: &ManifestCommit) -> Result<PutOutcome> {
        let entry = &commit.entry;
        let pointed = |tag: &str| self.index.tagged(tag).map(|entry| &entry.digest);
        if !commit
            .tags
            .iter()
            .all(|tag| commit.condition.holds(tag, pointed(tag)))
        {
            return Ok(PutOutcome::ConditionFailed);
        }
        let (mut missing, mut wrong, mut needed) = (Vec::new(), Vec::new(), Vec::new());
        for required in &commit.required {
            let descriptor = required.descriptor();
            let list = match self.required(required)? {
                None => &mut missing,
                Some((size, _)) if size != descriptor.size => &mut wrong,
                Some((_, found)) => {
                    needed.push(found);
                    continue;
                }
            };
            if !list.contains(&descriptor.digest) {
                list.push(descriptor.digest.clone());
            }
            if list.len() >= PutOutcome::MOST_NAMED {
                break;
            }
        }
        match (missing.is_empty(), wrong.is_empty()) {
            (false, _) => return Ok(PutOutcome::Missing(missing)),
            (true, false) => return Ok(PutOutcome::WrongSize(wrong)),
            (true, true) => {}
        }
        let stored = self
            .shared
            .store_bytes(self.root, &entry.digest, &commit.bytes);
        stored.map_err(failed("storing a manifest"))?;
        self.doomed.retain(|digest| *digest != entry.digest);
        needed.extend(self.find(&entry.digest)?.map(|(_, found)| found));
        self.needed.extend(needed);
        for step in self.steps_of(entry, &commit.tags) {
            self.take(step)?;
        }
        Ok(PutOutcome::Stored)
    }

    /// The steps that list a manifest under these tags, too. None if it is listed so already.
    fn steps_of(&self, entry: &Entry, tags: &[String]) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut names = tags.to_vec();
        let listed = self.index.find(&entry.digest);
        let descriptor = match listed {
            Some(own) if own.annotations.contains_key(PUSHED) => own.clone(),
            _ => describe(entry),
        };
        if listed.is_some_and(|listed| !listed.annotations.contains_key(PUSHED)) {
            // Listed by somebody else: from now on it says what ours say.
            let all = self.index.tags_after(None);
            let own = all.filter(|tag| self.points_to(tag, &entry.digest));
            names.extend(own.map(str::to_owned));
            steps.push(Step::Remove(entry.digest.clone()));
        } else {
            names.retain(|tag| !self.points_to(tag, &entry.digest));
        }
        if tags.is_empty() && (listed.is_none() || !steps.is_empty()) && names.is_empty() {
            steps.push(Step::Add(descriptor));
        } else {
            let tagging = names.into_iter();
            steps.extend(tagging.map(|tag| Step::Tag(descriptor.clone(), tag)));
        }
        steps
    }

    fn points_to(&self, tag: &str, digest: &Digest) -> bool {
        let tagged = self.index.tagged(tag);
        tagged.is_some_and(|entry| entry.digest == *digest)
    }

    fn delete_manifest(&mut self, digest: &Digest) -> Result<bool> {
        let there = self.find(digest)?.is_some();
        if self.index.find(digest).is_some() {
            self.take(Step::Remove(digest.clone()))?;
        } else if !there || !self.is_nested(digest) {
            return Ok(false);
        }
        self.doomed.push(digest.clone());
        let referring = self.index.descriptors().filter(|entry| {
            let subject = self.subject(entry);
            subject.is_some_and(|subject| subject == *digest)
        });
        let referring: Vec<Digest> = referring.map(|entry| entry.digest.clone()).collect();
        self.bereaved.extend(referring);
        Ok(true)
    }

    fn subject(&self, entry: &Descriptor) -> Option<Digest> {
        if entry.annotations.contains_key(PUSHED) {
            return Digest::parse(entry.annotations.get(SUBJECT)?).ok();
        }
        self.shared.facts(self.root, entry)?.subject.clone()
    }

    fn expire(&mut self, view: &View, digests: &[Digest]) -> Result<Option<u64>> {
        if self.index.changed() || !view.snapshot().is_current() {
            return Ok(None);
        }
        for digest in digests {
            self.take(Step::Remove(digest.clone()))?;
        }
        Ok(Some(digests.len() as u64))
    }

    fn delete_blob(&mut self, digest: &Digest) -> Result<bool> {
        if self.find(digest)?.is_none() || self.index.find(digest).is_some() {
            return Ok(false);
        }
        self.doomed.push(digest.clone());
        Ok(true)
    }

    fn untag(&mut self, tag: &str, condition: &Condition) -> Result<UntagOutcome> {
        let Some(current) = self.index.tagged(tag).map(|entry| &entry.digest) else {
            return Ok(UntagOutcome::Missing);
        };
        if !condition.holds(tag, Some(current)) {
            return Ok(UntagOutcome::ConditionFailed);
        }
        self.take(Step::Untag(tag.to_owned()))?;
        Ok(UntagOutcome::Removed)
    }

    fn take(&mut self, step: Step) -> Result<()> {
        step.apply(&mut self.index)?;
        self.steps.push(step);
        Ok(())
    }

    /// Size and place of required content, if the repository has it as what it is required as.
    fn required(&self, required: &Required) -> Result<Option<(u64, Needed)>> {
        let digest = &required.descriptor().digest;
        let found = self.find(digest)?;
        Ok(match required {
            Required::Manifest(_) if self.index.find(digest).is_none() => {
                found.filter(|_| self.is_nested(digest))
            }
            _ => found,
        })
    }

    /// Size and place of content that is there and is going to stay.
    fn find(&self, digest: &Digest) -> Result<Option<(u64, Needed)>> {
        if self.doomed.contains(digest) {
            return Ok(None);
        }
        let path = blob_in(self.root, digest);
        let trusted = self.shared.trust(&path, digest);
        if !trusted.map_err(failed("looking at content"))? {
            return Ok(None);
        }
        let stat = Stat::at(&path).map_err(failed("looking for content"))?;
        Ok(stat.map(|stat| {
            let needed = Needed {
                digest: digest.clone(),
                path,
                identity: stat.identity.and_then(Identity::lasting),
            };
            (stat.size, needed)
        }))
    }

    /// Whether a manifest that is not listed is one below those that others have listed.
    fn is_nested(&self, digest: &Digest) -> bool {
        let foreign = |entry: &&Descriptor| !entry.annotations.contains_key(PUSHED);
        let entries: Vec<Descriptor> = self.index.descriptors().filter(foreign).cloned().collect();
        if entries.is_empty() {
            return false;
        }
        let foreign = Foreign::walk(self.shared, self.root, entries);
        foreign.nested.contains_key(digest)
    }
}

/// The entry of the index for a manifest that was pushed just now.
fn describe(entry: &Entry) -> Descriptor {
    let digest = entry.digest.clone();
    let mut descriptor = Descriptor::new(entry.media_type.clone(), digest, entry.size);
    let ordinary = [media_type::IMAGE_CONFIG, media_type::DOCKER_CONFIG];
    let artifact_type = entry.artifact_type.clone();
    descriptor.artifact_type = artifact_type.filter(|kind| !ordinary.contains(&kind.as_str()));
    let annotations = &mut descriptor.annotations;
    annotations.insert(PUSHED.to_owned(), Timestamp::now().to_string());
    if let Some(subject) = &entry.subject {
        annotations.insert(SUBJECT.to_owned(), subject.to_string());
    }
    descriptor
}

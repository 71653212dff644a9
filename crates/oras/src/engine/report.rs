//! What an observer of a copy is told, and the order in which a plain copy tells it.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use oras_content::{Event, EventSink};
use oras_spec::{Descriptor, Digest, RawManifest};

use crate::sync::lock;

/// Watches an engine.
pub(crate) trait Report: Send + Sync {
    /// A manifest was read from the source; its children come next.
    fn read(&self, manifest: &RawManifest);
    /// A content is about to be pushed.
    fn begin(&self, content: &Descriptor);
    /// So many bytes of a content were moved so far.
    fn progress(&self, content: &Descriptor, bytes: u64);
    /// A content is there now. `children` are those that were copied, with duplicates.
    fn end(&self, content: &Descriptor, children: &[Descriptor]);
    /// A content and all below it was there before.
    fn exists(&self, content: &Descriptor);
    /// A blob was mounted.
    fn mounted(&self, blob: &Descriptor);
}

/// The events of a copy: a manifest starts after its children are done.
pub(crate) struct Copying {
    events: Arc<dyn EventSink>,
    /// The titles under which a content was told of, empty for none.
    titles: Mutex<HashMap<Digest, HashSet<String>>>,
}

impl Copying {
    pub(crate) fn new(events: Arc<dyn EventSink>) -> Self {
        Self {
            events,
            titles: Mutex::default(),
        }
    }

    fn handled(&self, content: &Descriptor) {
        let title = content.title().unwrap_or_default().to_owned();
        let mut titles = lock(&self.titles);
        titles
            .entry(content.digest.clone())
            .or_default()
            .insert(title);
    }

    /// Whether a content came under another title, and nobody was told of this one.
    fn is_twin(&self, content: &Descriptor) -> bool {
        let title = content.title().unwrap_or_default().to_owned();
        let mut titles = lock(&self.titles);
        let told = titles.get_mut(&content.digest);
        told.is_some_and(|told| told.insert(title))
    }
}

impl Report for Copying {
    fn read(&self, _: &RawManifest) {}

    fn begin(&self, content: &Descriptor) {
        self.events.on_event(&Event::Started(content));
    }

    fn progress(&self, descriptor: &Descriptor, bytes: u64) {
        self.events.on_event(&Event::Progress { descriptor, bytes });
    }

    fn end(&self, content: &Descriptor, children: &[Descriptor]) {
        for twin in children.iter().filter(|child| self.is_twin(child)) {
            self.events.on_event(&Event::Twin(twin));
        }
        self.handled(content);
        self.events.on_event(&Event::Finished(content));
    }

    fn exists(&self, content: &Descriptor) {
        self.handled(content);
        self.events.on_event(&Event::Exists(content));
    }

    fn mounted(&self, blob: &Descriptor) {
        self.handled(blob);
        self.events.on_event(&Event::Mounted(blob));
    }
}

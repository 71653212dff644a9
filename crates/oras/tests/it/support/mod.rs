//! Fixtures: content, a recorder of events, and a store that counts and fails on demand.

mod probe;

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use oras::CopyOptions;
use oras::content::memory::MemoryStore;
use oras::content::{Event, EventSink, Payload, Push, Source, Target};
use oras::spec::{Descriptor, ImageIndex, ImageManifest, annotation, json, media_type};

pub(crate) use probe::{Fault, Op, Probe, complete};

/// Puts bytes into a store.
pub(crate) async fn put(store: &dyn Push, media_type: &str, bytes: impl Into<Bytes>) -> Descriptor {
    let bytes = bytes.into();
    let descriptor = Descriptor::of_bytes(media_type, &bytes);
    store
        .push(&descriptor, Payload::bytes(bytes))
        .await
        .unwrap();
    descriptor
}

/// Puts a blob into a store.
pub(crate) async fn blob(store: &dyn Push, text: &str) -> Descriptor {
    put(store, media_type::OCTET_STREAM, text.to_owned()).await
}

/// The same content under a title.
pub(crate) fn titled(descriptor: &Descriptor, title: &str) -> Descriptor {
    let mut titled = descriptor.clone();
    titled
        .annotations
        .insert(annotation::TITLE.into(), title.into());
    titled
}

/// Puts an image manifest with these layers and an empty config into a store.
pub(crate) async fn manifest(store: &dyn Push, layers: Vec<Descriptor>) -> Descriptor {
    manifest_with(store, layers, |_| {}).await
}

/// Puts an image manifest into a store, changed by `change`.
pub(crate) async fn manifest_with(
    store: &dyn Push,
    layers: Vec<Descriptor>,
    change: impl FnOnce(&mut ImageManifest),
) -> Descriptor {
    put(store, media_type::EMPTY_JSON, "{}").await;
    let mut manifest = ImageManifest::new(Descriptor::empty_json(), layers);
    manifest.artifact_type = Some("application/vnd.test".into());
    change(&mut manifest);
    let bytes = json::to_vec(&manifest).unwrap();
    put(store, media_type::IMAGE_MANIFEST, bytes).await
}

/// Puts an index into a store.
pub(crate) async fn index(store: &dyn Push, manifests: Vec<Descriptor>) -> Descriptor {
    let bytes = json::to_vec(&ImageIndex::new(manifests)).unwrap();
    put(store, media_type::IMAGE_INDEX, bytes).await
}

/// Puts something that refers to `subject` into a store.
pub(crate) async fn referrer(
    store: &dyn Push,
    subject: &Descriptor,
    artifact_type: &str,
) -> Descriptor {
    manifest_with(store, Vec::new(), |manifest| {
        manifest.artifact_type = Some(artifact_type.into());
        manifest.subject = Some(subject.plain());
        manifest.layers = vec![Descriptor::empty_json()];
    })
    .await
}

/// A memory store as a target.
pub(crate) fn memory() -> Arc<dyn Target> {
    Arc::new(MemoryStore::new())
}

/// Anything as a source.
pub(crate) fn source(store: impl Source + 'static) -> Arc<dyn Source> {
    Arc::new(store)
}

/// Writes down what it is told.
#[derive(Default)]
pub(crate) struct Recorder(Mutex<Vec<String>>);

impl Recorder {
    /// `verb name` for each event so far; see [`name`].
    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn sorted(&self) -> Vec<String> {
        let mut lines = self.lines();
        lines.sort();
        lines
    }
}

impl EventSink for Recorder {
    fn on_event(&self, event: &Event<'_>) {
        let line = match event {
            Event::Started(d) => format!("started {}", name(d)),
            Event::Processing(d) => format!("processing {}", name(d)),
            Event::Finished(d) => format!("finished {}", name(d)),
            Event::Exists(d) => format!("exists {}", name(d)),
            Event::Mounted(d) => format!("mounted {}", name(d)),
            Event::Twin(d) => format!("twin {}", name(d)),
            Event::Skipped(d) => format!("skipped {}", name(d)),
            Event::Restored(d) => format!("restored {}", name(d)),
            Event::Tagged(tag) => format!("tagged {tag}"),
            _ => return,
        };
        self.0.lock().unwrap().push(line);
    }
}

/// The title of a content, or a short name for its type.
pub(crate) fn name(descriptor: &Descriptor) -> String {
    let media_type = descriptor.media_type.as_str();
    match (descriptor.title(), media_type) {
        (Some(title), _) => title.to_owned(),
        (None, media_type::IMAGE_MANIFEST) => "image".to_owned(),
        (None, media_type::IMAGE_INDEX) => "index".to_owned(),
        (None, media_type::EMPTY_JSON) => "empty".to_owned(),
        (None, other) => other.rsplit('/').next().unwrap_or(other).to_owned(),
    }
}

/// Options that write down events.
pub(crate) fn recorded() -> (CopyOptions, Arc<Recorder>) {
    let recorder = Arc::new(Recorder::default());
    let mut options = CopyOptions::default();
    options.events = Arc::clone(&recorder) as _;
    (options, recorder)
}

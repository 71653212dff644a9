//! What a pull follows, what it tells, and what it has to show in the end.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use oras_content::file::FileStore;
use oras_content::{Event, EventSink, Fetch, FetchExt, Result};
use oras_spec::{Descriptor, DescriptorKey, Digest, Manifest, RawManifest, annotation, media_type};

use super::{ConfigFile, PullOptions, Pulled, PulledFile, Subject};
use crate::engine::Report;
use crate::options::Successors;
use crate::sync::lock;

pub(super) struct Plan {
    subject: Subject,
    media_types: Vec<String>,
    store: FileStore,
    events: Arc<dyn EventSink>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The config to write, until the first config was seen.
    config: Option<ConfigFile>,
    begun: HashSet<(Digest, String)>,
    finished: HashSet<(Digest, String)>,
    /// What the manifests that are being pulled name.
    named: HashMap<DescriptorKey, Vec<Descriptor>>,
    files: Vec<PulledFile>,
    skipped_unnamed: bool,
}

impl Plan {
    pub(super) fn new(store: &FileStore, options: &PullOptions) -> Self {
        Self {
            subject: options.subject,
            media_types: options.media_types.clone(),
            store: store.clone(),
            events: Arc::clone(&options.copy.events),
            state: Mutex::new(State {
                config: options.config.clone(),
                ..State::default()
            }),
        }
    }

    pub(super) fn pulled(&self, root: Descriptor) -> Pulled {
        let mut state = lock(&self.state);
        Pulled {
            root,
            files: std::mem::take(&mut state.files),
            skipped_unnamed: state.skipped_unnamed,
        }
    }

    /// True the first time it is asked about a content under its title.
    fn begins(&self, content: &Descriptor) -> bool {
        lock(&self.state).begun.insert(under_title(content))
    }

    fn wants(&self, content: &Descriptor) -> bool {
        content.is_manifest()
            || self.media_types.is_empty()
            || self.media_types.contains(&content.media_type)
    }

    /// What a manifest leads to, whether it has a name or not.
    fn considered(&self, manifest: &RawManifest) -> Vec<Descriptor> {
        let mut considered = match manifest.manifest() {
            Manifest::Index(index) => index.manifests.clone(),
            Manifest::Image(_) | Manifest::DockerImage(_) | Manifest::Artifact(_) => {
                manifest.layers().to_vec()
            }
            _ => return manifest.successors(),
        };
        if self.subject == Subject::Follow {
            considered.extend(manifest.subject().cloned());
        }
        considered.extend(manifest.config().and_then(|config| self.config(config)));
        considered
    }

    /// The config under the name it is to be written to, if it is worth a look at all.
    fn config(&self, config: &Descriptor) -> Option<Descriptor> {
        let mut config = config.clone();
        if let Some(wanted) = lock(&self.state).config.take()
            && wanted
                .media_type
                .is_none_or(|wanted| wanted == config.media_type)
        {
            config
                .annotations
                .insert(annotation::TITLE.to_owned(), wanted.name);
        }
        let empty = Descriptor::empty_json();
        let is_empty = config.digest == empty.digest && config.size == empty.size;
        (!is_empty || has_title(&config)).then_some(config)
    }
}

#[async_trait]
impl Successors for Plan {
    async fn successors(
        &self,
        source: &dyn Fetch,
        manifest: &RawManifest,
    ) -> Result<Vec<Descriptor>> {
        let mut followed = Vec::new();
        for content in self.considered(manifest) {
            if has_title(&content) {
                if self.wants(&content) {
                    followed.push(content);
                } else if self.begins(&content) {
                    self.events.on_event(&Event::Skipped(&content));
                }
                continue;
            }
            if content.same_content(&Descriptor::empty_json()) {
                continue;
            }
            lock(&self.state).skipped_unnamed = true;
            if leads_on(source, &content).await? {
                followed.push(content);
            } else if self.begins(&content) {
                self.events.on_event(&Event::Skipped(&content));
            }
        }
        Ok(followed)
    }
}

impl Report for Plan {
    fn read(&self, manifest: &RawManifest) {
        let descriptor = manifest.descriptor();
        let mut named = manifest.successors();
        named.retain(|child| {
            child.title().is_some() && !child.is_foreign_layer() && self.wants(child)
        });
        lock(&self.state).named.insert(descriptor.key(), named);
        if self.begins(descriptor) {
            self.events.on_event(&Event::Started(descriptor));
            self.events.on_event(&Event::Processing(descriptor));
        }
    }

    fn begin(&self, content: &Descriptor) {
        // A manifest began when it was read.
        if !content.is_manifest() && self.begins(content) {
            self.events.on_event(&Event::Started(content));
        }
    }

    fn progress(&self, descriptor: &Descriptor, bytes: u64) {
        self.events.on_event(&Event::Progress { descriptor, bytes });
    }

    fn end(&self, content: &Descriptor, _: &[Descriptor]) {
        let named = lock(&self.state).named.remove(&content.key());
        for file in named.unwrap_or_default() {
            if self.begins(&file) {
                self.events.on_event(&Event::Restored(&file));
            }
            let name = file.title().unwrap_or_default().to_owned();
            let pulled = PulledFile {
                path: self.store.path_for_name(&name),
                is_folder: file
                    .annotations
                    .get(annotation::UNPACK)
                    .is_some_and(|v| v == "true"),
                name,
                descriptor: file,
            };
            lock(&self.state).files.push(pulled);
        }
        if lock(&self.state).finished.insert(under_title(content)) {
            self.events.on_event(&Event::Finished(content));
        }
    }

    fn exists(&self, content: &Descriptor) {
        self.events.on_event(&Event::Exists(content));
    }

    fn mounted(&self, blob: &Descriptor) {
        self.events.on_event(&Event::Mounted(blob));
    }
}

fn has_title(content: &Descriptor) -> bool {
    content.title().is_some_and(|title| !title.is_empty())
}

fn under_title(content: &Descriptor) -> (Digest, String) {
    let title = content.title().unwrap_or_default();
    (content.digest.clone(), title.to_owned())
}

/// Whether there is anything below a content. Only an index or an artifact manifest may be a manifest of nothing.
async fn leads_on(source: &dyn Fetch, content: &Descriptor) -> Result<bool> {
    match content.media_type.as_str() {
        media_type::IMAGE_MANIFEST | media_type::DOCKER_MANIFEST => Ok(true),
        _ if content.is_manifest() => Ok(!source
            .fetch_manifest(content)
            .await?
            .successors()
            .is_empty()),
        _ => Ok(false),
    }
}

//! From artifacts to files.

use std::fs;
use std::path::Path;

use oras::content::file::{FileOptions, FileStore};
use oras::content::memory::MemoryStore;
use oras::content::{ErrorKind, Tag};
use oras::spec::{Descriptor, media_type};
use oras::{ConfigFile, PullOptions, Pulled, Subject, pull};

use crate::support::*;

struct Pull {
    folder: tempfile::TempDir,
    events: Vec<String>,
    result: oras::Result<Pulled>,
}

impl Pull {
    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    /// Names of everything in the folder, sorted.
    fn files(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn pulled(&self) -> &Pulled {
        self.result.as_ref().unwrap()
    }
}

async fn pulling(store: &MemoryStore, change: impl FnOnce(&mut PullOptions)) -> Pull {
    let folder = tempfile::tempdir().unwrap();
    let files = FileStore::new(folder.path(), FileOptions::default()).unwrap();
    let (copy, events) = recorded();
    let mut options = PullOptions {
        copy,
        ..PullOptions::default()
    };
    change(&mut options);
    let result = pull(&source(store.clone()), "v1", &files, &options).await;
    Pull {
        folder,
        events: events.lines(),
        result,
    }
}

async fn tagged(store: &MemoryStore, layers: Vec<Descriptor>) -> Descriptor {
    let root = manifest(store, layers).await;
    store.tag(&root, "v1").await.unwrap();
    root
}

#[tokio::test]
async fn titled_layers_become_files_and_a_twin_is_restored() {
    let store = MemoryStore::new();
    let foo = blob(&store, "foo").await;
    let bar = blob(&store, "bar").await;
    let layers = vec![
        titled(&foo, "foo1"),
        titled(&foo, "foo2"),
        titled(&bar, "sub/bar"),
    ];
    let root = tagged(&store, layers).await;

    let pull = pulling(&store, |_| {}).await;
    assert_eq!(
        pull.read("foo1") + &pull.read("foo2") + &pull.read("sub/bar"),
        "foofoobar"
    );
    let pulled = pull.pulled();
    assert_eq!(pulled.root, root);
    assert!(!pulled.skipped_unnamed);
    let names: Vec<_> = pulled.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["foo1", "foo2", "sub/bar"]);
    assert!(pulled.files[2].path.ends_with(Path::new("sub/bar")));
    assert!(pulled.files[2].path.is_absolute());

    assert_eq!(pull.events[..2], ["started image", "processing image"]);
    let end = pull.events.len() - 2;
    assert_eq!(pull.events[end..], ["restored foo2", "finished image"]);
    let mut between = pull.events[2..end].to_vec();
    between.sort();
    let expected = [
        "finished foo1",
        "finished sub/bar",
        "started foo1",
        "started sub/bar",
    ];
    assert_eq!(between, expected);
}

#[tokio::test]
async fn what_has_no_name_is_left_out_and_said_once() {
    let store = MemoryStore::new();
    let foo = blob(&store, "foo").await;
    tagged(&store, vec![foo.clone(), foo, Descriptor::empty_json()]).await;
    let pull = pulling(&store, |_| {}).await;
    assert!(pull.pulled().skipped_unnamed);
    assert_eq!(pull.pulled().files, []);
    assert_eq!(pull.files(), Vec::<String>::new());
    assert_eq!(
        pull.events,
        [
            "started image",
            "processing image",
            "skipped octet-stream",
            "finished image"
        ]
    );
}

#[tokio::test]
async fn an_empty_artifact_skips_nothing() {
    let store = MemoryStore::new();
    tagged(&store, vec![Descriptor::empty_json()]).await;
    let pull = pulling(&store, |_| {}).await;
    assert!(!pull.pulled().skipped_unnamed);
    assert_eq!(
        pull.events,
        ["started image", "processing image", "finished image"]
    );
}

#[tokio::test]
async fn a_config_is_written_where_asked_if_its_type_fits() {
    let store = MemoryStore::new();
    let config = put(&store, "x/config", "config").await;
    let layer = titled(&blob(&store, "foo").await, "foo");
    let root = manifest_with(&store, vec![layer], |manifest| manifest.config = config).await;
    store.tag(&root, "v1").await.unwrap();
    let ask = |media_type: Option<&str>| ConfigFile {
        name: "the.config".into(),
        media_type: media_type.map(str::to_owned),
    };

    for media_type in [None, Some("x/config")] {
        let pull = pulling(&store, |options| options.config = Some(ask(media_type))).await;
        assert_eq!(pull.read("the.config"), "config");
        assert!(!pull.pulled().skipped_unnamed);
        assert_eq!(pull.pulled().files.len(), 1);
        assert!(pull.events.contains(&"finished the.config".to_owned()));
    }
    let pull = pulling(&store, |options| {
        options.config = Some(ask(Some("x/other")));
    })
    .await;
    assert_eq!(pull.files(), ["foo"]);
    assert!(pull.pulled().skipped_unnamed);
    assert!(pull.events.contains(&"skipped config".to_owned()));
}

#[tokio::test]
async fn the_empty_config_is_written_when_asked_for() {
    let store = MemoryStore::new();
    tagged(&store, vec![titled(&blob(&store, "foo").await, "foo")]).await;
    let pull = pulling(&store, |options| {
        options.config = Some(ConfigFile {
            name: "c".into(),
            media_type: None,
        });
    })
    .await;
    assert_eq!(pull.files(), ["c", "foo"]);
    assert_eq!(pull.read("c"), "{}");
}

#[tokio::test]
async fn an_index_leads_to_the_files_of_all_its_manifests() {
    let store = MemoryStore::new();
    let one = manifest(&store, vec![titled(&blob(&store, "foo").await, "foo")]).await;
    let two = manifest(&store, vec![titled(&blob(&store, "bar").await, "bar")]).await;
    let nothing = index(&store, Vec::new()).await;
    let root = index(&store, vec![one, two, nothing]).await;
    store.tag(&root, "v1").await.unwrap();
    let pull = pulling(&store, |_| {}).await;
    assert_eq!(pull.files(), ["bar", "foo"]);
    // Its manifests have no names.
    assert!(pull.pulled().skipped_unnamed);
    assert_eq!(
        pull.events.iter().filter(|e| *e == "skipped index").count(),
        1
    );
    assert_eq!(pull.pulled().files.len(), 2);
}

#[tokio::test]
async fn only_the_types_asked_for_are_written() {
    let store = MemoryStore::new();
    let foo = titled(&put(&store, "x/foo", "foo").await, "foo");
    let bar = titled(&put(&store, "x/bar", "bar").await, "bar");
    let inner = manifest(&store, vec![foo, bar]).await;
    let root = index(&store, vec![inner]).await;
    store.tag(&root, "v1").await.unwrap();
    let pull = pulling(&store, |options| options.media_types = vec!["x/foo".into()]).await;
    assert_eq!(pull.files(), ["foo"]);
    assert_eq!(pull.pulled().files.len(), 1);
    assert!(pull.events.contains(&"skipped bar".to_owned()));
}

#[tokio::test]
async fn subjects_are_followed_when_asked_for() {
    let store = MemoryStore::new();
    let subject = manifest(&store, vec![titled(&blob(&store, "foo").await, "foo")]).await;
    let bar = titled(&blob(&store, "bar").await, "bar");
    let root = manifest_with(&store, vec![bar], |m| m.subject = Some(subject.plain())).await;
    store.tag(&root, "v1").await.unwrap();

    assert_eq!(pulling(&store, |_| {}).await.files(), ["bar"]);
    let pull = pulling(&store, |options| options.subject = Subject::Follow).await;
    assert_eq!(pull.files(), ["bar", "foo"]);
    let names: Vec<_> = pull
        .pulled()
        .files
        .iter()
        .map(|file| file.name.as_str())
        .collect();
    assert_eq!(names, ["foo", "bar"]);
}

#[tokio::test]
async fn artifact_manifests_of_the_past_can_be_pulled() {
    let store = MemoryStore::new();
    let foo = titled(&blob(&store, "foo").await, "foo");
    for media_type in [
        media_type::OCI_ARTIFACT_MANIFEST,
        media_type::ORAS_ARTIFACT_MANIFEST,
    ] {
        let blobs = serde_json::to_string(&foo).unwrap();
        let json =
            format!(r#"{{"mediaType":"{media_type}","artifactType":"x/y","blobs":[{blobs}]}}"#);
        let root = put(&store, media_type, json).await;
        store.tag(&root, "v1").await.unwrap();
        assert_eq!(pulling(&store, |_| {}).await.files(), ["foo"]);
    }
}

#[test]
fn bad_names_are_refused_and_leave_nothing() {
    for (names, kind) in [
        (["../escape", "x"], ErrorKind::PathTraversal),
        (["/absolute", "x"], ErrorKind::PathTraversal),
        (["same", "same"], ErrorKind::DuplicateName),
    ] {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let pull = runtime.block_on(async {
            let store = MemoryStore::new();
            let one = titled(&blob(&store, "one").await, names[0]);
            let two = titled(&blob(&store, "two").await, names[1]);
            tagged(&store, vec![one, two]).await;
            pulling(&store, |_| {}).await
        });
        // Waits for threads that were about to write when the error came up.
        drop(runtime);
        assert_eq!(pull.result.as_ref().unwrap_err().kind(), kind);
        let files = pull.files();
        assert!(
            files.iter().all(|name| name == "x" || name == "same"),
            "{files:?}"
        );
    }
}

#[tokio::test]
async fn wrong_bytes_from_the_source_leave_no_file() {
    let store = Probe::new();
    let layer = titled(&blob(&store, "foo").await, "foo");
    let root = manifest(&store, vec![layer.clone()]).await;
    store.tag(&root, "v1").await.unwrap();
    for fault in [Fault::Corrupt, Fault::Break] {
        store.fault(Op::Fetch, &layer, fault);
        let folder = tempfile::tempdir().unwrap();
        let files = FileStore::new(folder.path(), FileOptions::default()).unwrap();
        let pulled = pull(&store.source(), "v1", &files, &PullOptions::default()).await;
        assert_eq!(pulled.unwrap_err().side(), Some(oras::Side::Source));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

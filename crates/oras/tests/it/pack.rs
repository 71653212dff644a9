//! Manifests byte by byte.

use oras::content::memory::MemoryStore;
use oras::content::{ErrorKind, FetchExt};
use oras::spec::{Descriptor, annotation, media_type};
use oras::{Created, PackOptions, PackVersion, pack, pack_manifest};

use crate::support::*;

const EMPTY: &str = r#"{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2,"data":"e30="}"#;

fn options() -> PackOptions {
    PackOptions {
        artifact_type: Some("application/vnd.test".into()),
        created: Created::Fixed("2020-01-01T00:00:00Z".into()),
        ..PackOptions::default()
    }
}

fn layer() -> Descriptor {
    titled(
        &Descriptor::of_bytes(media_type::IMAGE_LAYER, b"foo"),
        "foo.txt",
    )
}

#[track_caller]
fn check(options: &PackOptions, expected: &str) {
    let packed = pack_manifest(options).unwrap();
    assert_eq!(String::from_utf8_lossy(packed.bytes()), expected);
    let descriptor = packed.descriptor();
    assert_eq!(
        descriptor.digest,
        oras::spec::Digest::sha256(expected.as_bytes())
    );
    assert_eq!(descriptor.size, expected.len() as u64);
    assert_eq!(descriptor.annotations, *packed.annotations());
}

#[track_caller]
fn refused(options: &PackOptions, kind: ErrorKind, text: &str) {
    let error = pack_manifest(options).unwrap_err();
    assert_eq!(error.kind(), kind);
    assert_eq!(error.chain(), text);
}

const LAYER: &str = r#"{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae","size":3,"annotations":{"org.opencontainers.image.title":"foo.txt"}}"#;

#[test]
fn version_1_1_has_the_bytes_of_the_reference_tool() {
    check(
        &options(),
        &format!(
            r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"application/vnd.test","config":{EMPTY},"layers":[{EMPTY}],"annotations":{{"org.opencontainers.image.created":"2020-01-01T00:00:00Z"}}}}"#
        ),
    );
    let mut full = options();
    full.layers = vec![layer()];
    full.subject = Some(Descriptor::of_bytes(media_type::IMAGE_MANIFEST, b"subject"));
    full.annotations.insert("k".into(), "<a>&b".into());
    full.config_annotations.insert("c".into(), "d".into());
    let config = EMPTY.replace(r#","data""#, r#","annotations":{"c":"d"},"data""#);
    check(
        &full,
        &format!(
            r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"application/vnd.test","config":{config},"layers":[{LAYER}],"subject":{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{}","size":7}},"annotations":{{"k":"\u003ca\u003e\u0026b","org.opencontainers.image.created":"2020-01-01T00:00:00Z"}}}}"#,
            oras::spec::Digest::sha256(b"subject")
        ),
    );
}

#[test]
fn version_1_0_says_its_type_by_the_config() {
    let mut old = options();
    old.version = PackVersion::V1_0;
    let digest = Descriptor::empty_json().digest;
    check(
        &old,
        &format!(
            r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{{"mediaType":"application/vnd.test","digest":"{digest}","size":2}},"layers":[],"annotations":{{"org.opencontainers.image.created":"2020-01-01T00:00:00Z"}}}}"#
        ),
    );
    assert_eq!(
        pack_manifest(&old)
            .unwrap()
            .descriptor()
            .artifact_type
            .as_deref(),
        Some("application/vnd.test")
    );
    old.artifact_type = None;
    old.created = Created::Omit;
    check(
        &old,
        &format!(
            r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{{"mediaType":"application/vnd.unknown.config.v1+json","digest":"{digest}","size":2}},"layers":[]}}"#
        ),
    );
}

#[test]
fn a_given_config_is_used_as_it_is() {
    let mut given = options();
    given.artifact_type = None;
    given.created = Created::Omit;
    given.config = Some(Descriptor::of_bytes("a/b", b"foo"));
    given.config_annotations.insert("not".into(), "used".into());
    check(
        &given,
        &format!(
            r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{{"mediaType":"a/b","digest":"sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae","size":3}},"layers":[{EMPTY}]}}"#
        ),
    );
}

#[test]
fn whatever_is_wrong_is_said_in_the_words_of_the_reference_tool() {
    let with = |change: fn(&mut PackOptions)| {
        let mut options = options();
        change(&mut options);
        options
    };
    refused(
        &with(|o| o.artifact_type = None),
        ErrorKind::MissingArtifactType,
        "missing artifact type",
    );
    refused(
        &with(|o| {
            o.artifact_type = Some(String::new());
            o.config = Some(Descriptor::empty_json());
        }),
        ErrorKind::MissingArtifactType,
        "missing artifact type",
    );
    refused(
        &with(|o| o.artifact_type = Some("badtype".into())),
        ErrorKind::InvalidMediaType,
        "invalid artifactType format: badtype: invalid media type",
    );
    refused(
        &with(|o| {
            o.version = PackVersion::V1_0;
            o.artifact_type = Some("badtype".into());
        }),
        ErrorKind::InvalidMediaType,
        "invalid artifactType format: badtype: invalid media type",
    );
    for version in [PackVersion::V1_0, PackVersion::V1_1] {
        let mut options = with(|o| o.config = Some(Descriptor::of_bytes("badtype", b"x")));
        options.version = version;
        refused(
            &options,
            ErrorKind::InvalidMediaType,
            "invalid config mediaType format: badtype: invalid media type",
        );
    }
    refused(
        &with(|o| {
            o.version = PackVersion::V1_0;
            o.subject = Some(Descriptor::empty_json());
        }),
        ErrorKind::Unsupported,
        "subject is not supported for manifest version 1: unsupported",
    );
    refused(
        &with(|o| {
            o.annotations
                .insert(annotation::CREATED.into(), "xx".into());
        }),
        ErrorKind::InvalidTimestamp,
        r#"invalid date and time format: parsing time "xx" as "2006-01-02T15:04:05Z07:00": cannot parse "xx" as "2006""#,
    );
}

#[test]
fn a_creation_time_is_now_given_or_absent() {
    let mut options = options();
    options.created = Created::Now;
    let packed = pack_manifest(&options).unwrap();
    let now = &packed.annotations()[annotation::CREATED];
    assert_eq!(now.len(), "2020-01-01T00:00:00Z".len(), "{now}");
    assert!(now.ends_with('Z'));

    options.annotations.insert(
        annotation::CREATED.into(),
        "1999-12-31T23:59:59+01:00".into(),
    );
    let packed = pack_manifest(&options).unwrap();
    assert_eq!(
        packed.annotations()[annotation::CREATED],
        "1999-12-31T23:59:59+01:00"
    );

    options.annotations.clear();
    options.created = Created::Omit;
    assert!(pack_manifest(&options).unwrap().annotations().is_empty());
}

#[tokio::test]
async fn what_is_packed_can_be_read_back_and_a_refusal_pushes_nothing() {
    let store = MemoryStore::new();
    let packed = pack(&store, &options()).await.unwrap();
    assert_eq!(
        store
            .fetch_bytes(packed.descriptor(), 10_000)
            .await
            .unwrap(),
        *packed.bytes()
    );
    complete(&store, packed.descriptor()).await;
    // Again is no error.
    pack(&store, &options()).await.unwrap();

    let probe = Probe::new();
    let mut wrong = options();
    wrong.created = Created::Fixed("yesterday".into());
    let error = pack(probe.target().as_ref(), &wrong).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidTimestamp);
    assert_eq!(probe.total(Op::Push), 0);
}

#[tokio::test]
async fn the_empty_config_of_1_0_and_the_layer_beside_a_given_config_are_pushed() {
    for (version, config) in [
        (PackVersion::V1_0, None),
        (PackVersion::V1_1, Some("x/config")),
    ] {
        let store = MemoryStore::new();
        let mut options = options();
        options.version = version;
        if let Some(media_type) = config {
            options.config = Some(put(&store, media_type, "config").await);
        }
        let packed = pack(&store, &options).await.unwrap();
        complete(&store, packed.descriptor()).await;
    }
}

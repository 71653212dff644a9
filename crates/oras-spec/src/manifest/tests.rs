use super::*;
use crate::descriptor::tests::any_descriptor;
use crate::digest::Digest;
use crate::json;
use bytes::Bytes;
use proptest::prelude::*;
use std::error::Error as _;

fn leaf(content: &str) -> Descriptor {
    Descriptor::of_bytes("a/b", content.as_bytes())
}

fn read(media_type: &str, text: &str) -> Result<RawManifest, ManifestError> {
    let bytes = Bytes::copy_from_slice(text.as_bytes());
    RawManifest::new(Descriptor::of_bytes(media_type, &bytes), bytes)
}

/// The JSON of a manifest with every field any kind has.
fn with_everything(media_type: &str) -> String {
    let part = |content: &str| String::from_utf8(json::to_vec(&leaf(content)).unwrap()).unwrap();
    format!(
        r#"{{"schemaVersion":2,"mediaType":"{media_type}","config":{},"layers":[{},{}],"manifests":[{}],"blobs":[{}],"subject":{},"annotations":{{"k":"v"}}}}"#,
        part("config"),
        part("layer"),
        part("layer"),
        part("manifest"),
        part("blob"),
        part("subject"),
    )
}

#[test]
fn successors_follow_the_media_type_alone() {
    let text = with_everything(media_type::IMAGE_MANIFEST);
    for (media_type, successors) in [
        (
            media_type::IMAGE_MANIFEST,
            &["subject", "config", "layer", "layer"][..],
        ),
        (media_type::IMAGE_INDEX, &["subject", "manifest"]),
        (media_type::OCI_ARTIFACT_MANIFEST, &["subject", "blob"]),
        (media_type::ORAS_ARTIFACT_MANIFEST, &["subject", "blob"]),
        (media_type::DOCKER_MANIFEST, &["config", "layer", "layer"]),
        (media_type::DOCKER_MANIFEST_LIST, &["manifest"]),
    ] {
        let manifest = read(media_type, &text).unwrap();
        let expected: Vec<Descriptor> = successors.iter().map(|content| leaf(content)).collect();
        assert_eq!(manifest.successors(), expected, "{media_type}");
        assert_eq!(
            manifest.subject().is_some(),
            !media_type.contains("docker"),
            "{media_type}"
        );
        assert_eq!(manifest.annotations()["k"], "v", "{media_type}");
        assert_eq!(manifest.bytes(), text.as_bytes(), "{media_type}");
        assert_eq!(
            manifest.manifest().claimed_media_type(),
            Some(media_type::IMAGE_MANIFEST)
        );
    }
}

#[test]
fn image_manifest_bytes_are_those_of_the_reference() {
    let mut manifest = ImageManifest::new(Descriptor::empty_json(), vec![Descriptor::empty_json()]);
    manifest.artifact_type = Some("application/vnd.unknown.artifact.v1".into());
    manifest.annotations.insert("z".into(), "<&>".into());
    manifest.annotations.insert(
        crate::annotation::CREATED.into(),
        "2026-01-02T03:04:05Z".into(),
    );
    let empty = r#"{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2,"data":"e30="}"#;
    let expected = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"application/vnd.unknown.artifact.v1","config":{empty},"layers":[{empty}],"annotations":{{"org.opencontainers.image.created":"2026-01-02T03:04:05Z","z":"\u003c\u0026\u003e"}}}}"#
    );
    assert_eq!(
        String::from_utf8(json::to_vec(&manifest).unwrap()).unwrap(),
        expected
    );
}

#[test]
fn image_spec_1_0_bytes_are_those_of_the_reference() {
    let mut config = Descriptor::empty_json().plain();
    config.media_type = media_type::UNKNOWN_CONFIG.into();
    let expected = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.unknown.config.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[]}"#;
    let bytes = json::to_vec(&ImageManifest::new(config, Vec::new())).unwrap();
    assert_eq!(String::from_utf8(bytes).unwrap(), expected);
}

#[test]
fn index_bytes_are_those_of_the_reference() {
    let empty = br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;
    assert_eq!(json::to_vec(&ImageIndex::new(Vec::new())).unwrap(), empty);

    let mut index = ImageIndex::new(vec![leaf("m")]);
    index.subject = Some(leaf("s"));
    index.artifact_type = Some("x/y".into());
    let text = String::from_utf8(json::to_vec(&index).unwrap()).unwrap();
    let order = [
        "schemaVersion",
        "mediaType",
        "artifactType",
        "manifests",
        "subject",
    ];
    let positions: Vec<_> = order
        .iter()
        .map(|key| text.find(&format!("\"{key}\":")))
        .collect();
    assert!(
        positions.is_sorted() && positions.iter().all(Option::is_some),
        "{text}"
    );
}

#[test]
fn null_lists_are_read_and_written_as_empty() {
    let index: ImageIndex =
        serde_json::from_str(r#"{"schemaVersion":2,"manifests":null,"annotations":null}"#).unwrap();
    assert_eq!(
        json::to_vec(&index).unwrap(),
        br#"{"schemaVersion":2,"manifests":[]}"#
    );
    let artifact: ArtifactManifest =
        serde_json::from_str(r#"{"mediaType":"m","blobs":null,"subject":null}"#).unwrap();
    assert_eq!(
        json::to_vec(&artifact).unwrap(),
        br#"{"mediaType":"m","artifactType":"","blobs":[]}"#
    );
    let config = String::from_utf8(json::to_vec(&leaf("c")).unwrap()).unwrap();
    let image = read(
        media_type::IMAGE_MANIFEST,
        &format!(r#"{{"config":{config},"layers":null}}"#),
    )
    .unwrap();
    assert!(image.layers().is_empty());
}

#[test]
fn blank_index_entries_are_skipped() {
    let entry = String::from_utf8(json::to_vec(&leaf("m")).unwrap()).unwrap();
    let blank = r#"{"mediaType":"","digest":"","size":0}"#;
    let text = format!(r#"{{"schemaVersion":2,"manifests":[{blank},{entry},null,{{}}]}}"#);
    assert_eq!(
        read(media_type::IMAGE_INDEX, &text).unwrap().successors(),
        [leaf("m")]
    );
    let half = r#"{"schemaVersion":2,"manifests":[{"mediaType":"a/b","digest":"","size":0}]}"#;
    assert!(read(media_type::IMAGE_INDEX, half).is_err());
}

#[test]
fn effective_artifact_type() {
    let config = String::from_utf8(json::to_vec(&leaf("c")).unwrap()).unwrap();
    for (media_type, text, expected) in [
        (
            media_type::IMAGE_MANIFEST,
            format!(r#"{{"config":{config},"artifactType":"x/y"}}"#),
            Some("x/y"),
        ),
        (
            media_type::IMAGE_MANIFEST,
            format!(r#"{{"config":{config},"artifactType":""}}"#),
            Some("a/b"),
        ),
        (
            media_type::DOCKER_MANIFEST,
            format!(r#"{{"config":{config}}}"#),
            Some("a/b"),
        ),
        (
            media_type::IMAGE_INDEX,
            r#"{"artifactType":"x/y"}"#.to_owned(),
            Some("x/y"),
        ),
        (media_type::IMAGE_INDEX, "{}".to_owned(), None),
        (
            media_type::OCI_ARTIFACT_MANIFEST,
            r#"{"artifactType":"x/y"}"#.to_owned(),
            Some("x/y"),
        ),
        (media_type::OCI_ARTIFACT_MANIFEST, "{}".to_owned(), None),
    ] {
        assert_eq!(
            read(media_type, &text).unwrap().artifact_type(),
            expected,
            "{media_type} {text}"
        );
    }
}

#[test]
fn unknown_fields_and_exact_bytes_survive() {
    let text = "{ \"manifests\": [],\n \"zoom\": 1.50, \"alpha\": {\"b\": null} }\n";
    let raw = read(media_type::IMAGE_INDEX, text).unwrap();
    assert_eq!(raw.bytes(), text.as_bytes());
    assert_eq!(Digest::sha256(raw.bytes()), raw.descriptor().digest);
    let Manifest::Index(index) = raw.manifest() else {
        panic!("read as {:?}", raw.manifest());
    };
    let written = json::to_vec(index).unwrap();
    assert_eq!(
        written,
        br#"{"schemaVersion":0,"manifests":[],"alpha":{"b":null},"zoom":1.5}"#
    );
}

#[test]
fn errors_name_the_type_and_keep_the_cause() {
    let error = read("text/plain", "{}").unwrap_err();
    assert_eq!(error.to_string(), "text/plain is not a manifest type");
    let error = read(media_type::IMAGE_MANIFEST, "{}").unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("malformed manifest of type {}", media_type::IMAGE_MANIFEST)
    );
    assert!(error.source().unwrap().to_string().contains("config"));
}

#[test]
fn hostile_json_is_refused() {
    for text in [
        "",
        "null",
        "[]",
        "{\"schemaVersion\":2,\"schemaVersion\":2}",
        "{\"layers\":[1]}",
    ] {
        assert!(
            read(media_type::IMAGE_INDEX, text).is_err() || text.contains("layers"),
            "{text}"
        );
        assert!(read(media_type::IMAGE_MANIFEST, text).is_err(), "{text}");
    }
    let deep = format!(
        "{{\"manifests\":[],\"x\":{}{}}}",
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    assert!(read(media_type::IMAGE_INDEX, &deep).is_err());
}

#[test]
fn the_first_entry_for_a_platform_is_found() {
    let entry = |content: &str, platform: Option<&str>| Descriptor {
        platform: platform.map(|text| Platform::parse(text, "").unwrap()),
        ..leaf(content)
    };
    let index = ImageIndex::new(vec![
        entry("attestation", None),
        entry("v7", Some("linux/arm/v7")),
        entry("v8", Some("linux/arm/v8")),
    ]);
    let find = |wanted: &str| {
        index
            .find(&Platform::parse(wanted, "").unwrap())
            .map(Descriptor::plain)
    };
    assert_eq!(find("linux/arm"), Some(leaf("v7")));
    assert_eq!(find("linux/arm/v8"), Some(leaf("v8")));
    assert_eq!(find("linux/amd64"), None);
}

prop_compose! {
    fn any_image()(
        media_type in prop::option::of(".+"),
        artifact_type in prop::option::of(".+"),
        config in any_descriptor(),
        layers in prop::collection::vec(any_descriptor(), 0..3),
        subject in prop::option::of(any_descriptor()),
        annotations: Annotations,
        extra in prop::collection::btree_map("x-[a-z]{1,4}", any::<bool>().prop_map(Value::from), 0..3),
    ) -> ImageManifest {
        let extra = extra.into_iter().collect();
        ImageManifest { schema_version: 2, media_type, artifact_type, config, layers, subject, annotations, extra }
    }
}

proptest! {
    #[test]
    fn images_are_read_back(image in any_image()) {
        let bytes = Bytes::from(json::to_vec(&image).unwrap());
        let raw = RawManifest::new(Descriptor::of_bytes(media_type::IMAGE_MANIFEST, &bytes), bytes.clone()).unwrap();
        prop_assert_eq!(raw.manifest(), &Manifest::Image(image.clone()));
        prop_assert_eq!(json::to_vec(&image).unwrap(), bytes);
    }

    #[test]
    fn indexes_are_read_back(manifests in prop::collection::vec(any_descriptor(), 0..4)) {
        let index = ImageIndex::new(manifests);
        let bytes = json::to_vec_pretty(&index).unwrap();
        prop_assert_eq!(serde_json::from_slice::<ImageIndex>(&bytes).unwrap(), index);
    }
}

use super::*;
use crate::json;
use proptest::prelude::*;
use serde_json::json;

const DIGEST: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

fn parse(value: &Value) -> Result<Descriptor, String> {
    serde_json::from_str(&value.to_string()).map_err(|error| error.to_string())
}

fn minimal() -> Value {
    json!({"mediaType": "a/b", "digest": DIGEST, "size": 2})
}

fn with(key: &str, value: Value) -> Value {
    let mut object = minimal();
    object[key] = value;
    object
}

#[test]
fn fields_are_written_in_the_order_of_the_reference() {
    let text = format!(
        r#"{{"mediaType":"a/b","digest":"{DIGEST}","size":2,"urls":["http://x"],"annotations":{{"a":"1","b":""}},"data":"e30=","platform":{{"architecture":"amd64","os":"linux"}},"artifactType":"c/d","later":{{"z":[1]}}}}"#
    );
    let descriptor: Descriptor = serde_json::from_str(&text).unwrap();
    assert_eq!(json::to_vec(&descriptor).unwrap(), text.as_bytes());
    assert_eq!(descriptor.extra["later"], json!({"z": [1]}));
}

#[test]
fn empty_descriptor_is_that_of_the_spec() {
    let expected = format!(
        r#"{{"mediaType":"application/vnd.oci.empty.v1+json","digest":"{DIGEST}","size":2,"data":"e30="}}"#
    );
    let empty = Descriptor::empty_json();
    assert_eq!(json::to_vec(&empty).unwrap(), expected.as_bytes());
    assert_eq!(empty.digest, Digest::sha256(EMPTY_JSON_BYTES));
    assert_eq!(empty.verified_data().unwrap(), EMPTY_JSON_BYTES);
}

#[test]
fn null_and_empty_optional_fields_count_as_absent() {
    for key in ["urls", "annotations", "data", "platform", "artifactType"] {
        assert_eq!(parse(&with(key, Value::Null)), parse(&minimal()), "{key}");
    }
    let empty = json!({"mediaType": "a/b", "digest": DIGEST, "size": 2, "urls": [], "annotations": {}, "artifactType": ""});
    assert_eq!(parse(&empty), parse(&minimal()));
    let null_value = parse(&with("annotations", json!({"k": null}))).unwrap();
    assert_eq!(null_value.annotations["k"], "");
}

#[test]
fn sizes_no_file_can_have_are_refused() {
    assert!(
        parse(&with("size", json!(-1)))
            .unwrap_err()
            .contains("negative size")
    );
    assert!(parse(&with("size", json!(i64::MAX as u64 + 1))).is_err());
    assert!(parse(&with("size", json!(1.5))).is_err());
    assert!(parse(&with("size", json!("2"))).is_err());
    assert_eq!(
        parse(&with("size", json!(i64::MAX))).unwrap().size,
        i64::MAX as u64
    );
}

#[test]
fn required_fields_are_required() {
    assert!(
        parse(&json!({"mediaType": "a/b", "size": 2}))
            .unwrap_err()
            .contains("without digest")
    );
    assert!(
        parse(&json!({"mediaType": "a/b", "digest": DIGEST}))
            .unwrap_err()
            .contains("without size")
    );
    assert!(
        parse(&with("digest", json!("sha256:00")))
            .unwrap_err()
            .contains("invalid checksum digest length")
    );
    assert!(
        parse(&with("data", json!("e30")))
            .unwrap_err()
            .contains("base64")
    );
    assert!(serde_json::from_str::<Descriptor>("[]").is_err());
}

#[test]
fn unknown_algorithms_travel() {
    let descriptor = parse(&with("digest", json!("blake9:abc"))).unwrap();
    assert_eq!(
        descriptor.digest.verifier(),
        Err(crate::DigestError::Unsupported)
    );
}

#[test]
fn wrapped_base64_is_read() {
    assert_eq!(
        &*parse(&with("data", json!("e3\r\n0=\n")))
            .unwrap()
            .data
            .unwrap(),
        b"{}"
    );
}

#[test]
fn embedded_data_is_trusted_only_if_it_is_the_content() {
    let verified = |data: &str| {
        parse(&with("data", json!(data)))
            .unwrap()
            .verified_data()
            .cloned()
    };
    assert_eq!(verified("e30=").as_deref(), Some(&b"{}"[..]));
    assert_eq!(verified("W10="), None, "[] is as long as {{}}");
    assert_eq!(verified("eyB9"), None, "wrong length");
    let mut unverifiable = Descriptor::empty_json();
    unverifiable.digest = Digest::parse("blake9:abc").unwrap();
    assert_eq!(unverifiable.verified_data(), None);
}

#[test]
fn identity_is_media_type_digest_and_size() {
    let plain = Descriptor::of_bytes("a/b", b"x");
    let mut rich = plain.clone();
    rich.annotations
        .insert(annotation::TITLE.into(), "t".into());
    rich.platform = Some(Platform::new("linux", "amd64"));
    assert_eq!(rich.title(), Some("t"));
    assert!(plain.same_content(&rich) && plain != rich);
    assert_eq!((plain.key(), plain.clone()), (rich.key(), rich.plain()));
    let retyped = Descriptor::of_bytes("a/c", b"x");
    assert!(!plain.same_content(&retyped));
    assert_ne!(plain.key(), retyped.key());
}

#[test]
fn bytes_without_a_type_are_an_octet_stream() {
    assert_eq!(
        Descriptor::of_bytes("", b"").media_type,
        media_type::OCTET_STREAM
    );
}

#[test]
fn an_ambiguous_descriptor_is_refused() {
    let twice = format!(r#"{{"mediaType":"a/b","digest":"{DIGEST}","size":2,"size":3}}"#);
    assert!(serde_json::from_str::<Descriptor>(&twice).is_err());
}

/// Any JSON that needs no particular number format to survive.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,4}", inner, 0..4)
                .prop_map(|map| map.into_iter().collect()),
        ]
    })
}

prop_compose! {
    pub(crate) fn any_platform()(
        names: [String; 2],
        os_version in prop::option::of(".+"),
        variant in prop::option::of(".+"),
        os_features: Vec<String>,
        features: Vec<String>,
        extra in prop::collection::btree_map("x-[a-z]{1,4}", any_json(), 0..3),
    ) -> Platform {
        let [os, architecture] = names;
        let extra = extra.into_iter().collect();
        Platform { architecture, os, os_version, os_features, variant, features, extra }
    }
}

prop_compose! {
    pub(crate) fn any_descriptor()(
        media_type: String,
        content: Vec<u8>,
        size in 0..=i64::MAX as u64,
        urls: Vec<String>,
        annotations: Annotations,
        embed: bool,
        platform in prop::option::of(any_platform()),
        artifact_type in prop::option::of(".+"),
        extra in prop::collection::btree_map("x-[a-z]{1,4}", any_json(), 0..3),
    ) -> Descriptor {
        let digest = Digest::sha256(&content);
        let data = (embed && !content.is_empty()).then(|| content.into());
        let extra = extra.into_iter().collect();
        Descriptor { media_type, digest, size, urls, annotations, data, platform, artifact_type, extra }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(descriptor in any_descriptor()) {
        let bytes = json::to_vec(&descriptor).unwrap();
        let read: Descriptor = serde_json::from_slice(&bytes).unwrap();
        prop_assert_eq!(&read, &descriptor);
        prop_assert_eq!(json::to_vec(&read).unwrap(), bytes);
        let pretty = json::to_vec_pretty(&descriptor).unwrap();
        prop_assert_eq!(serde_json::from_slice::<Descriptor>(&pretty).unwrap(), descriptor);
    }
}

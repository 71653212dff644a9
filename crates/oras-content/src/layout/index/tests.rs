use oras_spec::{Descriptor, Digest, media_type};

use super::Index;

/// The descriptor of a manifest that is the text `name`.
fn manifest(name: &str) -> Descriptor {
    Descriptor::of_bytes(media_type::IMAGE_MANIFEST, name.as_bytes())
}

/// `name` for an untagged entry, `name=tag` for a tagged one, in the order of the written file.
fn entries(index: &Index, names: &[&str]) -> Vec<String> {
    let written = Index::parse(&index.to_json().unwrap()).unwrap();
    let show = |descriptor: &Descriptor| {
        let known = names
            .iter()
            .find(|name| manifest(name).digest == descriptor.digest);
        let name = known.copied().unwrap_or("?");
        match super::name_of(descriptor) {
            Some(tag) => format!("{name}={tag}"),
            None => name.to_owned(),
        }
    };
    written.descriptors().map(show).collect()
}

/// Applies steps (`+a`: add, `a=v1`: tag, `-v1`: untag, `!a`: remove) to a new index.
#[track_caller]
fn check(steps: &str, expected: &str) {
    let mut index = Index::empty().unwrap();
    for step in steps.split_whitespace() {
        if let Some(name) = step.strip_prefix('+') {
            index.add(&manifest(name)).unwrap();
        } else if let Some(tag) = step.strip_prefix('-') {
            index.untag(tag).unwrap();
        } else if let Some(name) = step.strip_prefix('!') {
            index.remove(&manifest(name).digest);
        } else if let Some((name, tag)) = step.split_once('=') {
            index.tag(&manifest(name), tag).unwrap();
        }
    }
    assert_eq!(
        entries(&index, &["a", "b", "c"]).join(" "),
        expected,
        "{steps}"
    );
}

#[test]
fn entries_keep_their_order_and_new_ones_come_last() {
    check("+a +b +c", "a b c");
    check("+a +b +a", "a b");
    check("b=v2 a=v1 +c", "b=v2 a=v1 c");
}

#[test]
fn a_tag_takes_the_place_of_the_untagged_entry() {
    check("+a +b a=v1", "a=v1 b");
    check("+a +b a=v1 a=v2", "a=v1 b a=v2");
}

#[test]
fn a_moved_tag_leaves_the_old_manifest_listed() {
    check("a=v1 +b b=v1", "a b=v1");
    check("a=v1 a=v2 b=v1", "a=v2 b=v1");
    check("a=v1 b=v1 a=v1", "a=v1 b");
}

#[test]
fn an_untagged_manifest_stays_listed_once() {
    check("a=v1 -v1", "a");
    check("a=v1 a=v2 -v1", "a=v2");
    check("a=v1 a=v2 -v1 -v2", "a");
    check("a=v1 -nosuch", "a=v1");
}

#[test]
fn removal_takes_every_tag_and_may_leave_nothing() {
    check("a=v1 b=v2 a=v3 !a", "b=v2");
    check("a=v1 !a", "");
    let mut index = Index::empty().unwrap();
    index.tag(&manifest("a"), "v1").unwrap();
    index.remove(&manifest("a").digest);
    let text = String::from_utf8(index.to_json().unwrap()).unwrap();
    assert!(text.ends_with(r#""manifests":[]}"#), "{text}");
}

#[test]
fn its_own_digest_as_tag_only_lists_it() {
    let mut index = Index::empty().unwrap();
    let a = manifest("a");
    index.tag(&a, a.digest.as_str()).unwrap();
    assert_eq!(entries(&index, &["a"]), ["a"]);
    assert!(index.tags_after(None).next().is_none());
}

#[test]
fn a_new_index_is_the_reference_tools() {
    let text = String::from_utf8(Index::empty().unwrap().to_json().unwrap()).unwrap();
    let expected = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;
    assert_eq!(text, expected);
}

#[test]
fn what_others_wrote_is_kept_byte_for_byte() {
    let digest = manifest("a").digest;
    let entry = format!(
        r#"{{"x-order": 1.50, "size": 1, "digest": "{digest}", "mediaType": "application/vnd.oci.image.manifest.v1+json"}}"#
    );
    let text = format!(
        r#"{{"x-before":[1, 2],"manifests":[{entry}],"schemaVersion":2,"annotations":{{"k":"v"}}}}"#
    );
    let mut index = Index::parse(text.as_bytes()).unwrap();
    assert!(!index.changed());
    assert_eq!(String::from_utf8(index.to_json().unwrap()).unwrap(), text);

    index.tag(&manifest("b"), "v1").unwrap();
    assert!(index.changed());
    let written = String::from_utf8(index.to_json().unwrap()).unwrap();
    assert!(
        written.starts_with(&format!(r#"{{"x-before":[1, 2],"manifests":[{entry},"#)),
        "{written}"
    );
    assert!(
        written.ends_with(r#"],"schemaVersion":2,"annotations":{"k":"v"}}"#),
        "{written}"
    );
}

#[test]
fn no_list_and_a_null_list_are_empty_lists() {
    for text in [
        r#"{"schemaVersion":2}"#,
        r#"{"schemaVersion":2,"manifests":null}"#,
    ] {
        let index = Index::parse(text.as_bytes()).unwrap();
        let written = String::from_utf8(index.to_json().unwrap()).unwrap();
        assert_eq!(written, r#"{"schemaVersion":2,"manifests":[]}"#);
    }
}

#[test]
fn an_entry_holds_the_descriptor_that_was_tagged() {
    let mut index = Index::empty().unwrap();
    let mut a = manifest("a");
    a.artifact_type = Some("application/x".into());
    a.annotations.insert("k".into(), "<v>".into());
    a.annotations
        .insert("org.opencontainers.image.ref.name".into(), "foreign".into());
    index.tag(&a, "v1").unwrap();
    index.tag(&a.plain(), "v2").unwrap();
    let (digest, text) = (
        &a.digest,
        String::from_utf8(index.to_json().unwrap()).unwrap(),
    );
    let first = format!(
        r#"{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{digest}","size":1,"annotations":{{"k":"\u003cv\u003e","org.opencontainers.image.ref.name":"v1"}},"artifactType":"application/x"}}"#
    );
    let second = format!(
        r#"{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{digest}","size":1,"annotations":{{"org.opencontainers.image.ref.name":"v2"}}}}"#
    );
    assert!(
        text.ends_with(&format!(r#""manifests":[{first},{second}]}}"#)),
        "{text}"
    );
}

#[test]
fn the_same_tag_again_changes_nothing() {
    let mut index = Index::empty().unwrap();
    index.tag(&manifest("a"), "v1").unwrap();
    let mut index = index.saved();
    index.tag(&manifest("a"), "v1").unwrap();
    index.add(&manifest("a")).unwrap();
    assert!(!index.changed());
}

#[test]
fn tags_come_in_the_order_of_bytes_after_the_given_one() {
    let mut index = Index::empty().unwrap();
    for tag in ["b", "a", "B", "weird tag!", "example.com/foo:v1"] {
        index.tag(&manifest("a"), tag).unwrap();
    }
    let all = ["B", "a", "b", "example.com/foo:v1", "weird tag!"];
    assert!(index.tags_after(None).eq(all));
    assert!(index.tags_after(Some("a")).eq(all[2..].iter().copied()));
    assert!(index.tags_after(Some("aa")).eq(all[2..].iter().copied()));
    assert!(index.tags_after(Some("x")).next().is_none());
}

#[test]
fn of_two_entries_with_one_tag_the_last_counts_and_tagging_leaves_one() {
    let entry = |name: &str| {
        let digest = Digest::sha256(name.as_bytes());
        format!(
            r#"{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{digest}","size":1,"annotations":{{"org.opencontainers.image.ref.name":"v1"}}}}"#
        )
    };
    let text = format!(
        r#"{{"schemaVersion":2,"manifests":[{},{}]}}"#,
        entry("a"),
        entry("b")
    );
    let mut index = Index::parse(text.as_bytes()).unwrap();
    assert_eq!(index.tagged("v1").unwrap().digest, manifest("b").digest);
    index.tag(&manifest("c"), "v1").unwrap();
    assert_eq!(entries(&index, &["a", "b", "c"]), ["a", "b", "c=v1"]);
}

#[test]
fn annotations_of_the_index_are_set_beside_those_of_others() {
    let text = r#"{"schemaVersion":2,"annotations":{"theirs":"kept"},"manifests":[]}"#;
    let mut index = Index::parse(text.as_bytes()).unwrap();
    assert_eq!(index.annotation("ours"), None);
    index.annotate("ours", "1").unwrap();
    index.annotate("ours", "2").unwrap();
    let json = index.to_json().unwrap();
    let again = Index::parse(&json).unwrap();
    assert_eq!(again.annotation("ours").as_deref(), Some("2"));
    assert_eq!(again.annotation("theirs").as_deref(), Some("kept"));
    assert!(
        String::from_utf8(json)
            .unwrap()
            .matches("annotations")
            .count()
            == 1
    );
}

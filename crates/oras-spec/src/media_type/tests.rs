use super::*;

#[test]
fn manifests_indexes_and_foreign_layers() {
    for manifest in [
        IMAGE_MANIFEST,
        IMAGE_INDEX,
        DOCKER_MANIFEST,
        DOCKER_MANIFEST_LIST,
        OCI_ARTIFACT_MANIFEST,
    ] {
        assert!(is_manifest(manifest), "{manifest}");
    }
    assert!(is_manifest(ORAS_ARTIFACT_MANIFEST));
    for other in [
        IMAGE_CONFIG,
        EMPTY_JSON,
        OCTET_STREAM,
        "application/vnd.docker.distribution.manifest.v1+json",
    ] {
        assert!(!is_manifest(other), "{other}");
    }
    assert!(is_index(IMAGE_INDEX) && is_index(DOCKER_MANIFEST_LIST) && !is_index(IMAGE_MANIFEST));
    assert!(
        is_foreign_layer(DOCKER_FOREIGN_LAYER_GZIP)
            && is_foreign_layer(IMAGE_LAYER_NONDISTRIBUTABLE_ZSTD)
    );
    assert!(!is_foreign_layer(IMAGE_LAYER_GZIP) && !is_foreign_layer(DOCKER_LAYER_GZIP));
}

#[test]
fn validation_table() {
    let long = "a".repeat(127);
    for valid in [
        "a/b",
        "application/vnd.oci.image.manifest.v1+json",
        "1/2",
        "a!#$&^_.+-/b",
        &format!("{long}/{long}"),
    ] {
        assert_eq!(validate(valid), Ok(()), "{valid}");
    }
    for invalid in [
        "",
        "a",
        "/",
        "a/",
        "/b",
        "a/b/c",
        "a/b;c=d",
        "a b/c",
        "-a/b",
        "a/+b",
        "é/b",
        &format!("{long}a/b"),
    ] {
        assert_eq!(validate(invalid), Err(InvalidMediaType), "{invalid}");
    }
    assert_eq!(InvalidMediaType.to_string(), "invalid media type");
}

#[test]
fn essence_drops_parameters() {
    assert_eq!(
        essence("application/json; charset=utf-8"),
        "application/json"
    );
    assert_eq!(essence(" a/b "), "a/b");
    assert_eq!(essence("a/b;"), "a/b");
    assert_eq!(essence(""), "");
}

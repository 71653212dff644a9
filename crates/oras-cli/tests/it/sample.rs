//! What several tests share: content whose digests the reference tool's own tests know.

use oras_spec::Descriptor;
use oras_testkit::fixture::Graph;

/// The notice for a flag of old.
pub(crate) const VERBOSE: &str =
    "Flag --verbose has been deprecated, and will be removed in a future release.\n";
/// The digest of [`image`].
pub(crate) const IMAGE: &str =
    "sha256:fd6ed2f36b5465244d5dc86cb4e7df0ab8a9d24adc57825099f522fe009a22bb";

/// The image of the reference tool's own tests, byte for byte: a config and three files, two of which are alike.
pub(crate) fn image(graph: &mut Graph) -> Descriptor {
    let (kind, config_kind) = (
        "application/vnd.oci.image.layer.v1.tar",
        "application/vnd.unknown.config.v1+json",
    );
    let config = graph.blob(config_kind, "{}");
    let layers = [("foo1", "foo"), ("foo2", "foo"), ("bar", "bar")].map(|(name, content)| {
        let digest = graph.file(name, kind, content).digest;
        format!(
            r#"{{"mediaType":"{kind}","digest":"{digest}","size":3,"annotations":{{"org.opencontainers.image.title":"{name}"}}}}"#
        )
    });
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"{}","config":{{"mediaType":"{config_kind}","digest":"{}","size":2}},"layers":[{}]}}"#,
        oras_spec::media_type::IMAGE_MANIFEST,
        config.digest,
        layers.join(",")
    );
    let image = graph.blob(oras_spec::media_type::IMAGE_MANIFEST, manifest);
    assert_eq!(image.digest.as_str(), IMAGE);
    image
}

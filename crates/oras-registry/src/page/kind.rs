//! What people call a manifest.

use maud::{Markup, html};
use oras_spec::{Manifest, media_type};

use super::text;

/// Types by the beginning of their name, and what people call them.
const KNOWN: [(&str, &str); 14] = [
    ("application/vnd.cncf.helm.config.", "Helm chart"),
    ("application/vnd.cncf.flux.config.", "Flux source"),
    ("application/vnd.cncf.notary.signature", "Signature"),
    ("application/vnd.dev.cosign.artifact.sig.", "Signature"),
    ("application/vnd.dev.sigstore.bundle", "Signature"),
    ("application/vnd.in-toto", "Attestation"),
    ("application/spdx", "SBOM"),
    ("text/spdx", "SBOM"),
    ("application/vnd.cyclonedx", "SBOM"),
    ("application/vnd.wasm.", "WebAssembly"),
    ("application/sarif", "Scan report"),
    ("application/vnd.oci.image.config.", "Image"),
    ("application/vnd.docker.container.image.", "Image"),
    ("application/vnd.oci.image.index.", "Index"),
];

/// A word for a manifest.
pub(super) fn label(manifest: &Manifest) -> &'static str {
    match manifest {
        Manifest::DockerImage(_) => "Image",
        Manifest::Index(_) | Manifest::DockerList(_) => "Index",
        _ => of_type(manifest.artifact_type()),
    }
}

/// A word for an artifact type.
pub(super) fn of_type(artifact_type: Option<&str>) -> &'static str {
    let named = artifact_type.unwrap_or_default();
    let known = KNOWN.iter().find(|(start, _)| named.starts_with(start));
    known.map_or("Artifact", |(_, label)| label)
}

/// The word, and the type where it says more.
pub(super) fn describe(manifest: &Manifest) -> Markup {
    let label = label(manifest);
    html! {
        span.kind { (label) }
        @if let Some(own) = manifest.artifact_type().filter(|_| label != "Image") {
            " " span.type { (text::line(own, 100)) }
        }
    }
}

/// Whether container engines can pull it.
pub(super) fn is_image(manifest: &Manifest) -> bool {
    match manifest {
        Manifest::DockerImage(_) | Manifest::DockerList(_) => true,
        Manifest::Image(image) => {
            let config = image.config.media_type.as_str();
            image.artifact_type.is_none() && config == media_type::IMAGE_CONFIG
        }
        Manifest::Index(index) => {
            let mut entries = index.manifests.iter();
            index.artifact_type.is_none() && entries.any(|entry| entry.platform.is_some())
        }
        _ => false,
    }
}

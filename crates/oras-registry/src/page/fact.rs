//! What a manifest says about itself: facts and annotations.

use maud::{Markup, html};
use oras_spec::{Annotations, Descriptor, Digest, RawManifest, annotation, media_type};

use super::{address, text};

/// How many annotations are shown.
const SHOWN: usize = 100;
/// How much of a key is shown, in characters.
const KEY: usize = 200;
/// How much of a value is shown, in characters.
const VALUE: usize = 1_000;

/// Annotations whose values may be links.
const LINKS: [&str; 3] = [
    annotation::URL,
    annotation::DOCUMENTATION,
    annotation::SOURCE,
];

/// Names and what they stand for, in two columns.
pub(super) fn of_manifest(
    name: &str,
    media: &str,
    digest: &Digest,
    size: u64,
    raw: Option<&RawManifest>,
) -> Markup {
    let artifact_type = raw.and_then(RawManifest::artifact_type);
    html! {
        dl.facts {
            dt { "Digest" } dd { code.all { (digest) } }
            dt { "Media type" } dd { code { (text::line(media, KEY)) } }
            @if let Some(artifact_type) = artifact_type {
                dt { "Artifact type" } dd { code { (text::line(artifact_type, KEY)) } }
            }
            dt { "Manifest" }
            dd { (text::size(size)) " · " a href=(address::manifest(name, digest)) download="manifest.json" { "Download" } }
            @if let Some(config) = raw.and_then(RawManifest::config) {
                dt { "Config" } dd { (self::config(name, config)) }
            }
            @if let Some(created) = raw.and_then(|raw| raw.annotations().get(annotation::CREATED)) {
                dt { "Created" } dd { (text::time(created)) }
            }
            @if let Some(subject) = raw.and_then(RawManifest::subject) {
                dt { "Refers to" }
                dd {
                    a href=(address::digest(name, &subject.digest)) { code { (text::line(subject.digest.short(), KEY)) } }
                    " " span.type { (text::line(&subject.media_type, KEY)) }
                }
            }
        }
    }
}

fn config(name: &str, config: &Descriptor) -> Markup {
    if config.media_type == media_type::EMPTY_JSON {
        return html! { span.note { "empty" } };
    }
    html! {
        code { (text::line(&config.media_type, KEY)) } " · " (text::size(config.size)) " · "
        a href=(address::blob(name, &config.digest)) download="config.json" { "Download" }
    }
}

/// The annotations, if there are any.
pub(super) fn annotations(annotations: &Annotations) -> Markup {
    if annotations.is_empty() {
        return html! {};
    }
    html! {
        section {
            h2 { "Annotations" }
            dl.facts.annotations {
                @for (key, value) in annotations.iter().take(SHOWN) {
                    dt { (text::line(key, KEY)) }
                    dd { (self::value(key, value)) }
                }
            }
            (rest(annotations.len(), SHOWN, "annotation", "annotations"))
        }
    }
}

fn value(key: &str, value: &str) -> Markup {
    let link = LINKS
        .contains(&key)
        .then(|| text::web_address(value))
        .flatten();
    html! {
        @match link {
            Some(link) => a href=(link) rel="noopener noreferrer nofollow" { (text::lines(value, VALUE)) },
            None => (text::lines(value, VALUE)),
        }
    }
}

/// Says how many entries a page leaves out.
pub(super) fn rest(all: usize, shown: usize, one: &str, many: &str) -> Markup {
    match all.checked_sub(shown) {
        None | Some(0) => html! {},
        Some(more) => html! {
            p.note { "And " (text::count(more, one, many)) " more: see the manifest." }
        },
    }
}

//! What a manifest holds: files, or other manifests.

use maud::{Markup, html};
use oras_spec::{Descriptor, Manifest, annotation};

use super::{address, fact, kind, text};

/// How many entries are shown.
const SHOWN: usize = 200;
/// How much of a title or type is shown, in characters.
const TITLE: usize = 200;

/// The files of an image or artifact, or the manifests of an index.
pub(super) fn contents(name: &str, manifest: &Manifest) -> Markup {
    match manifest {
        Manifest::Index(index) | Manifest::DockerList(index) => children(name, &index.manifests),
        _ => files(name, manifest),
    }
}

fn files(name: &str, manifest: &Manifest) -> Markup {
    let files = manifest.layers();
    let titled = files.iter().any(|file| file.title().is_some());
    let (heading, one, many) = match kind::is_image(manifest) && !titled {
        true => ("Layers", "layer", "layers"),
        false => ("Files", "file", "files"),
    };
    let sum = files
        .iter()
        .fold(0_u64, |sum, file| sum.saturating_add(file.size));
    html! {
        section {
            h2 {
                (heading)
                @if !files.is_empty() {
                    " " span.note { (text::count(files.len(), one, many)) ", " (text::size(sum)) }
                }
            }
            @if files.is_empty() { p.empty { "None." } } @else {
                ul.files { @for file in files.iter().take(SHOWN) { (self::file(name, file)) } }
            }
            (fact::rest(files.len(), SHOWN, one, many))
        }
    }
}

fn file(name: &str, file: &Descriptor) -> Markup {
    let title = file.title();
    let folder = file
        .annotations
        .get(annotation::UNPACK)
        .is_some_and(|value| value == "true");
    html! {
        li {
            div.name {
                @match title {
                    Some(title) => { b { (text::line(title, TITLE)) } @if folder { " " span.tag { "folder" } } },
                    None => code { (file.digest.short()) },
                }
                div.type {
                    (text::line(&file.media_type, TITLE))
                    @if title.is_some() { " · " code title=(file.digest) { (text::line(file.digest.short(), TITLE)) } }
                }
            }
            span.amount { (text::size(file.size)) }
            (download(name, file))
        }
    }
}

fn download(name: &str, file: &Descriptor) -> Markup {
    if file.is_foreign_layer() || !file.urls.is_empty() {
        return html! { span.note { "stored elsewhere" } };
    }
    let save_as = file.title().and_then(text::file_name);
    html! { a.download href=(address::blob(name, &file.digest)) download=(save_as.unwrap_or_default()) { "Download" } }
}

fn children(name: &str, children: &[Descriptor]) -> Markup {
    html! {
        section {
            h2 {
                "Manifests"
                @if !children.is_empty() { " " span.note { (text::grouped(children.len() as u64)) } }
            }
            @if children.is_empty() { p.empty { "None." } } @else {
                ul.files { @for child in children.iter().take(SHOWN) { (self::child(name, child)) } }
            }
            (fact::rest(children.len(), SHOWN, "manifest", "manifests"))
        }
    }
}

fn child(name: &str, child: &Descriptor) -> Markup {
    let platform = child.platform.as_ref().map(ToString::to_string);
    let digest = html! { code { (text::line(child.digest.short(), TITLE)) } };
    html! {
        li {
            div.name {
                a href=(address::digest(name, &child.digest)) {
                    @match &platform { Some(platform) => b { (text::line(platform, TITLE)) }, None => (digest) }
                }
                div.type {
                    (text::line(child.artifact_type.as_deref().unwrap_or(&child.media_type), TITLE))
                    @if platform.is_some() { " · " (digest) }
                }
            }
            span.amount { (text::size(child.size)) }
        }
    }
}

//! The tags of a repository.

use maud::{Markup, html};
use oras_spec::{Descriptor, Manifest, RawManifest, annotation};

use super::frame::{self, View};
use super::list::{List, Names};
use super::{Seen, Visit, address, command, kind, text};
use crate::failure::Failure;

/// Larger manifests are not read only to describe a row, in bytes.
const READ_FOR_ROW: u64 = 256 * 1024;

pub(super) async fn view(visit: &Visit<'_>, name: &str) -> Seen {
    let page = List::TagsOf(name)
        .read(visit)
        .await?
        .ok_or_else(Failure::name_unknown)?;
    let mut rows = Vec::with_capacity(page.names.len());
    for tag in &page.names {
        rows.push(row(visit, name, tag).await?);
    }
    let path = address::repository(name);
    Ok(View {
        title: name.to_owned(),
        trail: frame::trail(name),
        body: html! {
            h1 { (frame::name(name)) }
            (command::of_repository(&visit.host, name))
            h2 { "Tags" }
            (page.form(&path, "Filter tags"))
            @if rows.is_empty() {
                (nothing(&path, &page))
            } @else {
                table.tags {
                    thead { tr { th scope="col" { "Tag" } th scope="col" { "Kind" } th scope="col" { "Digest" } th scope="col" { "Created" } th.number scope="col" { "Size" } } }
                    tbody { @for row in rows { (row) } }
                }
            }
            (page.pages(&path))
        },
    })
}

fn nothing(path: &str, page: &Names) -> Markup {
    html! {
        p.empty {
            @if page.filter.is_empty() {
                "No tags. What is here is known by its digest only."
            } @else {
                "No tag matches " b { (text::line(&page.filter, 100)) } ". "
                a href=(path) { "Show all" }
            }
        }
    }
}

async fn row(visit: &Visit<'_>, name: &str, tag: &str) -> Result<Markup, Failure> {
    let driver = &visit.shared.driver;
    // Whatever was removed since the list was read has no row.
    let Some(digest) = driver.resolve_tag(name, tag).await? else {
        return Ok(html! {});
    };
    let Some(found) = driver.manifest(name, &digest).await? else {
        return Ok(html! {});
    };
    let size = found.bytes.len() as u64;
    let descriptor = Descriptor::new(found.media_type, digest.clone(), size);
    let raw = match size <= READ_FOR_ROW {
        true => RawManifest::new(descriptor, found.bytes).ok(),
        false => None,
    };
    let annotations = raw.as_ref().map(RawManifest::annotations);
    let created = annotations.and_then(|annotations| annotations.get(annotation::CREATED));
    Ok(html! {
        tr {
            td.name { a href=(address::tag(name, tag)) { (text::line(tag, 128)) } }
            td {
                @match &raw {
                    Some(raw) => (kind::describe(raw.manifest())),
                    None => span.note { "a manifest of " (text::size(size)) },
                }
            }
            td.digest { a href=(address::digest(name, &digest)) title=(digest) { code { (digest.short()) } } }
            td.created { @if let Some(created) = created { (text::time(created)) } }
            td.number { @if let Some(raw) = &raw { (amount(raw.manifest())) } }
        }
    })
}

/// How much there is to pull.
fn amount(manifest: &Manifest) -> Markup {
    if let Manifest::Index(index) | Manifest::DockerList(index) = manifest {
        return html! { (text::count(index.manifests.len(), "manifest", "manifests")) };
    }
    let parts = manifest.config().into_iter().chain(manifest.layers());
    let sum = parts.fold(0_u64, |sum, part| sum.saturating_add(part.size));
    text::size(sum)
}

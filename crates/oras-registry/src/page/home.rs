//! The repositories.

use maud::{Markup, html};

use super::frame::View;
use super::list::{List, Names};
use super::{Seen, Visit, address, command, text};
use crate::failure::Failure;
use crate::route;

/// Tags are counted up to here.
const COUNTED: usize = 1_000;

pub(super) async fn view(visit: &Visit<'_>) -> Seen {
    let page = List::Repositories
        .read(visit)
        .await?
        .ok_or_else(Failure::name_unknown)?;
    let mut rows = Vec::with_capacity(page.names.len());
    for name in &page.names {
        let tags = visit.shared.driver.tags(name, None, COUNTED + 1).await?;
        rows.push(row(name, tags.map_or(0, |tags| tags.len())));
    }
    Ok(View {
        title: "Repositories".to_owned(),
        trail: html! {},
        body: html! {
            h1 { "Repositories" }
            (page.form("/", "Filter repositories"))
            @if rows.is_empty() {
                (nothing(visit, &page))
            } @else {
                ul.repositories { @for row in rows { (row) } }
            }
            (page.pages("/"))
        },
    })
}

fn row(name: &str, tags: usize) -> Markup {
    let (space, own) = name.rsplit_once('/').unwrap_or(("", name));
    let shown = html! {
        @if !space.is_empty() { span.space { (text::line(space, 255)) "/" } }
        b { (text::line(own, 255)) }
    };
    let tags = match tags {
        0 => "no tags".to_owned(),
        more if more > COUNTED => format!("{}+ tags", text::grouped(COUNTED as u64)),
        tags => text::count(tags, "tag", "tags"),
    };
    html! {
        li {
            // What can't be a name can't be asked for either, however it came into the storage.
            @if route::is_name(name) {
                a.name href=(address::repository(name)) { (shown) }
            } @else {
                span.name { (shown) }
            }
            span.note { (tags) }
        }
    }
}

fn nothing(visit: &Visit<'_>, page: &Names) -> Markup {
    if !page.filter.is_empty() {
        return html! {
            p.empty {
                "No repository matches " b { (text::line(&page.filter, 100)) } ". "
                a href="/" { "Show all" }
            }
        };
    }
    html! {
        div.empty {
            p { "Nothing here yet. Push something:" }
            (command::push(&visit.host))
        }
    }
}

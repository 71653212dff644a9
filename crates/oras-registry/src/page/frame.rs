//! What all pages have around them.

use http::StatusCode;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::sign_in::{self, Guest};
use super::{STYLE, Visit, address, text};

/// A ring with a dot in the middle that is attached to it.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E\
    %3Crect width='32' height='32' rx='8' fill='%230d7a68'/%3E\
    %3Cg fill='none' stroke='%23fff' stroke-width='2.6'%3E%3Ccircle cx='16' cy='16' r='8.5'/%3E\
    %3Cpath d='M16 16 22 10'/%3E%3C/g%3E%3Ccircle cx='16' cy='16' r='2.8' fill='%23fff'/%3E%3C/svg%3E";

/// A page without what all pages have.
pub(super) struct View {
    pub(super) title: String,
    /// Where in the registry this is.
    pub(super) trail: Markup,
    pub(super) body: Markup,
}

/// The whole document.
pub(super) fn page(visit: &Visit<'_>, view: &View) -> Markup {
    let host = &visit.host;
    let title = text::plain(&view.title, 300);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                title { (title) " · " (host) }
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex, nofollow";
                link rel="icon" href=(ICON);
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    nav aria-label="Where this is" {
                        a.home href="/" { img src=(ICON) alt="" width="22" height="22"; (host) }
                        (view.trail)
                    }
                    (guest(visit))
                }
                main { (view.body) }
                footer {
                    "oras registry " (env!("CARGO_PKG_VERSION")) " · API at " code { "/v2/" }
                }
            }
        }
    }
}

/// Who looks at it, or how to say so.
fn guest(visit: &Visit<'_>) -> Markup {
    match (&visit.guest, visit.guest.name()) {
        (_, Some(name)) => html! { span.guest { (text::line(name, 60)) } },
        (Guest::Stranger(..), None) => {
            html! { a.guest rel="nofollow" href=(sign_in::way(&visit.path)) { "Sign in" } }
        }
        _ => html! {},
    }
}

/// A link to the repository that a page is about.
pub(super) fn trail(name: &str) -> Markup {
    html! { span.slash { "/" } a href=(address::repository(name)) { (name) } }
}

/// The name of a repository, its last component standing out.
pub(super) fn name(name: &str) -> Markup {
    let (space, own) = match name.rsplit_once('/') {
        Some((space, own)) => (format!("{space}/"), own),
        None => (String::new(), name),
    };
    html! { span.space { (space) } (own) }
}

/// What there is to see when there is nothing to see.
pub(super) fn failure(visit: &Visit<'_>, status: StatusCode) -> Markup {
    let (title, text) = match status {
        StatusCode::NOT_FOUND => (
            "Nothing here",
            "There is no such repository or artifact, or it is not yours to see.",
        ),
        StatusCode::UNAUTHORIZED => (
            "Who are you?",
            "This registry shows its content to those who have a name and a password here.",
        ),
        StatusCode::FORBIDDEN => ("Not for you", "Your name does not open this."),
        StatusCode::METHOD_NOT_ALLOWED => ("Read only", "Pages are only there to be read."),
        _ => (
            "Something went wrong",
            "The registry could not answer. Try again in a moment.",
        ),
    };
    let view = View {
        title: title.to_owned(),
        trail: html! {},
        body: html! {
            div.failure {
                p.status { (status.as_u16()) }
                h1 { (title) }
                p { (text) }
                p { a href="/" { "All repositories" } }
            }
        },
    };
    page(visit, &view)
}

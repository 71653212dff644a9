//! Commands to copy: one click selects all of one.

use maud::{Markup, html};
use oras_spec::Manifest;

use super::address::Reference;
use super::kind;

/// Some commands, one to a line.
fn list(commands: &[String]) -> Markup {
    html! {
        ul.commands aria-label="Commands to copy" {
            @for command in commands { li { code { (command) } } }
        }
    }
}

/// How to fill an empty registry.
pub(super) fn push(host: &str) -> Markup {
    list(&[format!("oras push {host}/hello:v1 ./hello.txt")])
}

/// What to do with a repository.
pub(super) fn of_repository(host: &str, name: &str) -> Markup {
    list(&[format!("oras repo tags {host}/{name}")])
}

/// What to do with an artifact.
pub(super) fn of_artifact(
    host: &str,
    name: &str,
    reference: &Reference,
    manifest: Option<&Manifest>,
) -> Markup {
    let whole = match reference {
        Reference::Tag(tag) => format!("{host}/{name}:{tag}"),
        Reference::Digest(digest) => format!("{host}/{name}@{digest}"),
    };
    let mut commands = vec![
        format!("oras pull {whole}"),
        format!("oras discover {whole}"),
    ];
    if manifest.is_some_and(kind::is_image) {
        commands.push(format!("docker pull {whole}"));
    }
    list(&commands)
}

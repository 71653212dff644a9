//! The page of a command in `docs/reference`.

use std::fmt::Write as _;

use super::screen::Screen;

/// The file; the root's is what sites show for the folder.
pub(super) fn name(screen: &Screen) -> String {
    file(&screen.names)
}

fn file(names: &[String]) -> String {
    match names {
        [] => "README.md".to_owned(),
        names => format!("{}.md", names.join("-")),
    }
}

/// The text.
pub(super) fn page(screen: &Screen) -> String {
    let mut page = format!(
        "<!-- Written by `cargo xtask docs`: change the help text instead. -->\n\n# {}\n",
        screen.path()
    );
    for paragraph in &screen.about {
        let _ = write!(page, "\n{}\n", plain(paragraph));
    }
    let _ = write!(page, "\n```text\n{}\n```\n", screen.usage);
    if let [_, others @ ..] = &screen.aliases[..] {
        let others: Vec<String> = others.iter().map(|name| format!("`{name}`")).collect();
        let _ = write!(page, "\nAlso called {}.\n", others.join(" or "));
    }
    if !screen.examples.is_empty() {
        page.push_str("\n## Examples\n");
    }
    for (what, lines) in &screen.examples {
        let _ = write!(page, "\n{}\n\n```sh\n{lines}\n```\n", plain(what));
    }
    commands(&mut page, screen);
    page.push_str("\n## Flags\n\n| flag | meaning |\n|---|---|\n");
    for flag in &screen.flags {
        let names = flag.names.replace('|', "\\|");
        let about = plain(&flag.about).replace('|', "\\|").replace('\n', "<br>");
        let _ = writeln!(page, "| `{names}` | {about} |");
    }
    if let [above @ .., _] = &screen.names[..] {
        let path = [&["oras".to_owned()], above].concat().join(" ");
        let _ = write!(page, "\nSee also [{path}]({}).\n", file(above));
    }
    page
}

fn commands(page: &mut String, screen: &Screen) {
    if screen.commands.is_empty() {
        return;
    }
    page.push_str("\n## Commands\n\n| command | meaning |\n|---|---|\n");
    for (name, about) in &screen.commands {
        let about = plain(about).replace('|', "\\|");
        // The one that shows this folder in a terminal has no page.
        let shown = match name.as_str() {
            "help" => "`help`".to_owned(),
            name => format!(
                "[`{name}`]({})",
                file(&[&screen.names[..], &[name.to_owned()]].concat())
            ),
        };
        let _ = writeln!(page, "| {shown} | {about} |");
    }
}

/// Text that means itself.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for c in text.chars() {
        match c {
            '<' => plain.push_str("&lt;"),
            '>' => plain.push_str("&gt;"),
            '*' | '[' | ']' | '\\' => plain.extend(['\\', c]),
            c => plain.push(c),
        }
    }
    plain
}

//! The manual page of a command, in roff.

use std::fmt::Write as _;

use super::screen::Screen;

/// What the page of the root says, whose screen says nothing.
const ROOT: &str = "Push, pull, attach, discover and copy any file in any OCI registry";

/// The file.
pub(super) fn name(screen: &Screen) -> String {
    format!("{}.1", screen.id())
}

/// The text.
pub(super) fn page(screen: &Screen, version: &str) -> String {
    let id = screen.id();
    let first = screen.about.first().map_or(ROOT, String::as_str);
    let short = first.lines().next().unwrap_or(first);
    let mut page = format!(
        ".\\\" Written by `cargo xtask docs`: change the help text instead.\n.TH {} 1 \"\" \"oras {version}\" \"ORAS\"\n",
        escape(&id.to_uppercase())
    );
    let _ = writeln!(page, ".SH NAME\n{} \\- {}", escape(&id), escape(short));
    let rest = screen
        .usage
        .strip_prefix(&screen.path())
        .unwrap_or_default();
    let _ = writeln!(
        page,
        ".SH SYNOPSIS\n\\fB{}\\fR{}",
        escape(&screen.path()),
        escape(rest)
    );
    page.push_str(".SH DESCRIPTION\n");
    page.push_str(&match screen.about.is_empty() {
        true => format!("{}\n", escape(ROOT)),
        false => screen
            .about
            .iter()
            .map(|text| lines(text))
            .collect::<Vec<_>>()
            .join(".PP\n"),
    });
    if let [_, others @ ..] = &screen.aliases[..] {
        let others: Vec<String> = others
            .iter()
            .map(|name| format!("\\fB{}\\fR", escape(name)))
            .collect();
        let _ = writeln!(page, ".PP\nAlso called {}.", others.join(" or "));
    }
    if !screen.commands.is_empty() {
        page.push_str(".SH COMMANDS\n");
    }
    for (name, about) in &screen.commands {
        let _ = write!(page, ".TP\n\\fB{}\\fR\n{}", escape(name), lines(about));
    }
    page.push_str(".SH OPTIONS\n");
    for flag in &screen.flags {
        let about = lines(&flag.about).replace('\n', "\n.br\n");
        let about = about.trim_end_matches(".br\n");
        let _ = write!(page, ".TP\n\\fB{}\\fR\n{about}", escape(&flag.names));
    }
    if !screen.examples.is_empty() {
        page.push_str(".SH EXAMPLES\n");
    }
    for (what, typed) in &screen.examples {
        let _ = write!(
            page,
            ".PP\n{}.PP\n.RS 4\n.nf\n{}.fi\n.RE\n",
            lines(what),
            lines(typed)
        );
    }
    let also = see_also(screen);
    if !also.is_empty() {
        let _ = writeln!(page, ".SH SEE ALSO\n{}", also.join(", "));
    }
    page
}

/// The page above and those below.
fn see_also(screen: &Screen) -> Vec<String> {
    let page = |id: &str| format!("\\fB{}\\fR(1)", escape(id));
    let id = screen.id();
    let own = screen.names.last().map(|name| format!("-{name}"));
    let above = own.and_then(|own| id.strip_suffix(&own));
    let below = screen.commands.iter().filter(|(name, _)| name != "help");
    let below = below.map(|(name, _)| page(&format!("{id}-{name}")));
    above.map(page).into_iter().chain(below).collect()
}

/// Every line of a text, each as a line of roff.
fn lines(text: &str) -> String {
    text.lines().map(|line| escape(line) + "\n").collect()
}

/// Text that means itself.
fn escape(text: &str) -> String {
    let escaped = text.replace('\\', "\\e").replace('-', "\\-");
    match escaped.starts_with(['.', '\'']) {
        true => format!("\\&{escaped}"),
        false => escaped,
    }
}

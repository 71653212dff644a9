//! Texts that somebody else wrote, made fit to be seen, and numbers made fit to be read.

use maud::{Markup, PreEscaped, Render, html};
use url::Url;

/// Longest address that becomes a link, in bytes.
const LONGEST_LINK: usize = 2_000;

/// One line of foreign text, at most `limit` characters of it. What can't be seen is spelt out.
pub(super) fn line(text: &str, limit: usize) -> Markup {
    visible(text, limit, |_| false)
}

/// Like [`line()`], but line breaks and tabs stay what they are.
pub(super) fn lines(text: &str, limit: usize) -> Markup {
    visible(text, limit, |c| matches!(c, '\n' | '\t'))
}

/// Isolated, so that letters written from right to left don't turn around what is beside them.
fn visible(text: &str, limit: usize, stays: fn(char) -> bool) -> Markup {
    let (shown, cut) = split(text, limit);
    let mut out = String::with_capacity(shown.len() + 16);
    let mut rest = shown;
    out.push_str("<bdi>");
    while let Some(at) = rest.find(|c| is_invisible(c) && !stays(c)) {
        let (before, from) = rest.split_at(at);
        before.render_to(&mut out);
        let end = from.find(|c| !is_invisible(c) || stays(c));
        let (hidden, after) = from.split_at(end.unwrap_or(from.len()));
        out.push_str("<span class=\"hidden\">");
        for (index, c) in hidden.chars().enumerate() {
            let gap = if index == 0 { "" } else { " " };
            out.push_str(&format!("{gap}U+{:04X}", u32::from(c)));
        }
        out.push_str("</span>");
        rest = after;
    }
    rest.render_to(&mut out);
    out.push_str("</bdi>");
    if cut > 0 {
        let note = format!("… {} more characters", grouped(cut as u64));
        out.push_str(&html! { " " span.cut { (note) } }.into_string());
    }
    PreEscaped(out)
}

/// Foreign text for places that show text only, such as titles.
pub(super) fn plain(text: &str, limit: usize) -> String {
    let (shown, cut) = split(text, limit);
    let seen = |c: char| if is_invisible(c) { '\u{fffd}' } else { c };
    let mut plain: String = shown.chars().map(seen).collect();
    if cut > 0 {
        plain.push('…');
    }
    plain
}

/// The name to save a file under: the last component of its title, of letters, digits and few signs.
pub(super) fn file_name(title: &str) -> Option<String> {
    let last = title.rsplit(['/', '\\']).next().unwrap_or(title);
    let kept = |c: char| match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' | '.' | '+' | '~' | '@' => c,
        c if c.is_alphanumeric() => c,
        _ => '_',
    };
    let name: String = last.chars().take(200).map(kept).collect();
    let name = name.trim_start_matches('.');
    (!name.is_empty()).then(|| name.to_owned())
}

/// The first `limit` characters, and how many follow.
fn split(text: &str, limit: usize) -> (&str, usize) {
    match text.char_indices().nth(limit) {
        Some((at, _)) => (&text[..at], text[at..].chars().count()),
        None => (text, 0),
    }
}

/// Controls, and what changes how its neighbours look without being seen itself (Unicode, UAX #9, UTS #39).
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{2800}'
                | '\u{3164}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// The address of a link, if the text is one that is safe to follow: http or https, and no user who would look like a
/// host.
pub(super) fn web_address(text: &str) -> Option<String> {
    if text.len() > LONGEST_LINK || text.chars().any(|c| c.is_whitespace() || is_invisible(c)) {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let plain = url.username().is_empty() && url.password().is_none() && url.has_host();
    (matches!(url.scheme(), "http" | "https") && plain).then(|| url.into())
}

/// A number of bytes, with the exact one at hand.
pub(super) fn size(bytes: u64) -> Markup {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return html! { span.size { (bytes) " B" } };
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let exact = format!("{} bytes", grouped(bytes));
    html! { span.size title=(exact) { (format!("{value:.1}")) " " (UNITS[unit]) } }
}

/// A number and what it counts.
pub(super) fn count(number: usize, one: &str, many: &str) -> String {
    let noun = if number == 1 { one } else { many };
    format!("{} {noun}", grouped(number as u64))
}

/// A number with a mark between thousands.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A time (RFC 3339), to the minute; anything else as it is.
pub(super) fn time(text: &str) -> Markup {
    let shape = |text: &str| {
        let pattern = "dddd-dd-ddTdd:dd";
        text.len() <= 40
            && text.len() > pattern.len()
            && text.is_ascii()
            && text
                .bytes()
                .zip(pattern.bytes())
                .all(|(own, pattern)| match pattern {
                    b'd' => own.is_ascii_digit(),
                    _ => own == pattern,
                })
    };
    if !shape(text) {
        return line(text, 40);
    }
    let (date, rest) = text.split_at(10);
    let (minute, zone) = (&rest[1..6], text.ends_with('Z'));
    html! {
        time datetime=(text) title=(plain(text, 40)) {
            (date) " " span.minute { (minute) @if zone { " UTC" } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_invisible_is_spelt_out_and_what_is_long_is_cut() {
        let check = |markup: Markup, expected: &str| assert_eq!(markup.into_string(), expected);
        check(line("a<b>&\"'", 99), "<bdi>a&lt;b&gt;&amp;&quot;'</bdi>");
        check(
            line("x\u{202e}\u{200b}y\n", 99),
            "<bdi>x<span class=\"hidden\">U+202E U+200B</span>y<span class=\"hidden\">U+000A</span></bdi>",
        );
        check(
            line("<b>\0<i>", 99),
            "<bdi>&lt;b&gt;<span class=\"hidden\">U+0000</span>&lt;i&gt;</bdi>",
        );
        check(
            lines("a\n\tb\r", 99),
            "<bdi>a\n\tb<span class=\"hidden\">U+000D</span></bdi>",
        );
        check(
            line(&"é".repeat(2_000), 3),
            "<bdi>ééé</bdi> <span class=\"cut\">… 1,997 more characters</span>",
        );
        assert_eq!(plain("a\u{202e}<\0b", 4), "a\u{fffd}<\u{fffd}…");
    }

    #[test]
    fn only_plain_web_addresses_become_links() {
        assert_eq!(
            web_address("https://a.example/x?y#z").unwrap(),
            "https://a.example/x?y#z"
        );
        for bad in [
            "javascript:alert(1)",
            "data:text/html,x",
            "//a.example",
            "https:",
            "ftp://a",
            "https://bank.example@evil.example/",
            "https://a\u{202e}b/",
            " https://a",
            "https://a\n",
        ] {
            assert_eq!(web_address(bad), None, "{bad}");
        }
    }

    #[test]
    fn files_are_saved_under_names_that_lead_nowhere_and_hide_nothing() {
        let check = |title: &str, name: Option<&str>| {
            assert_eq!(file_name(title).as_deref(), name, "{title:?}");
        };
        check("docs/read me.txt", Some("read_me.txt"));
        check("../../.bashrc", Some("bashrc"));
        check("..", None);
        check("C:\\a\\b.txt", Some("b.txt"));
        check("gpj.\u{202e}exe\"", Some("gpj._exe_"));
    }

    #[test]
    fn numbers_and_times_are_short() {
        let size = |bytes| size(bytes).into_string();
        assert!(size(1023).contains(">1023 B<"));
        assert!(size(1024).contains(">1.0 KiB<"));
        assert!(size(1024 * 1024 - 1).contains("title=\"1,048,575 bytes\">1.0 MiB<"));
        assert!(size(u64::MAX).contains(">16.0 EiB<"));
        assert!(
            time("2026-11-20T08:15:30Z")
                .into_string()
                .contains("2026-11-20 <span")
        );
        assert_eq!(time("<b>").into_string(), "<bdi>&lt;b&gt;</bdi>");
        assert_eq!(
            time("2026-11-20Té:15:30Z").into_string(),
            "<bdi>2026-11-20Té:15:30Z</bdi>"
        );
    }
}

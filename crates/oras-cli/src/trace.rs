//! The log on standard error: HTTP exchanges with `--debug`, and warnings.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Zoned;
use oras::http::{RequestHead, ResponseHead, Trace, TracedBody};
use oras::spec::go_quote;

use crate::error::reason;
use crate::output;

/// One entry, up to its last line end.
pub(crate) fn entry(level: &str, message: &str, data: &[(&str, &str)]) -> String {
    let mut text = format!("[{}][{level}]: {message}", timestamp(&Zoned::now()));
    if !data.is_empty() {
        text.push_str("\n[Data]:");
        for (key, value) in data {
            let _ = write!(text, "\n  {key}={value}");
        }
    }
    text.push_str("\n\n");
    text
}

/// RFC 3339 with as many fraction digits as needed.
fn timestamp(time: &Zoned) -> String {
    let zone = if time.offset().is_zero() { "Z" } else { "%:z" };
    time.strftime(&format!("%Y-%m-%dT%H:%M:%S%.f{zone}"))
        .to_string()
}

/// Logs every exchange. Requests are numbered over all registries of a run.
#[derive(Debug, Default)]
pub(crate) struct HttpTrace {
    next: AtomicU64,
}

impl Trace for HttpTrace {
    fn request(&self, head: &RequestHead<'_>) -> u64 {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        output::tell(&entry("DEBUG", &request_text(id, head), &[]));
        id
    }

    fn response(&self, id: u64, head: &ResponseHead<'_>) {
        output::tell(&entry("DEBUG", &response_text(id, head), &[]));
    }

    fn failure(&self, id: u64, error: &str) {
        let message = format!("<-- Response #{id}\nError in getting response: {error}");
        output::tell(&entry("ERROR", &message, &[]));
    }
}

fn request_text(id: u64, head: &RequestHead<'_>) -> String {
    let url = go_quote(head.url);
    let method = go_quote(head.method.as_str());
    let headers = headers_text(head.headers);
    format!(
        "--> Request #{id}\n> Request URL: {url}\n> Request method: {method}\n> Request headers:\n{headers}"
    )
}

fn response_text(id: u64, head: &ResponseHead<'_>) -> String {
    let status = go_quote(&format!(
        "{} {}",
        head.status.as_u16(),
        reason(head.status.as_u16())
    ));
    let headers = headers_text(head.headers);
    let body = body_text(head.body);
    format!(
        "<-- Response #{id}\n< Response Status: {status}\n< Response headers:\n{headers}\n< Response body:\n{body}"
    )
}

/// One line per name; values of one name are joined.
fn headers_text(headers: &[(String, String)]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in headers {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    if names.is_empty() {
        return "   Empty header".to_owned();
    }
    let line = |name: &&str| {
        let values = headers.iter().filter(|(other, _)| other == name);
        let values: Vec<String> = values.map(|(_, value)| go_quote(value)).collect();
        format!("   {}: {}", go_quote(name), values.join(", "))
    };
    names.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn body_text(body: TracedBody<'_>) -> String {
    match body {
        TracedBody::Text(text) => tame(text),
        TracedBody::Truncated(text) => format!("{}\n...(truncated)", tame(text)),
        TracedBody::NoContentType => {
            "   Response body without a content type is not printed".to_owned()
        }
        TracedBody::Unprintable(kind) => {
            format!(
                "   Response body of content type {} is not printed",
                go_quote(kind)
            )
        }
        TracedBody::Empty => "   Response body is empty".to_owned(),
        TracedBody::Redacted => "   Response body redacted due to potential credentials".to_owned(),
        TracedBody::ReadError(error) => format!("   Error reading response body: {error}"),
        _ => "   No response body to print".to_owned(),
    }
}

/// A registry must not drive the terminal of whoever looks at its answers.
fn tame(body: &str) -> String {
    let harmless = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    body.chars()
        .map(|c| if harmless(c) { c } else { '?' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_have_no_trailing_zeros() {
        let check =
            |time: &str, expected: &str| assert_eq!(timestamp(&time.parse().unwrap()), expected);
        check("2026-01-02T03:04:05.6789[UTC]", "2026-01-02T03:04:05.6789Z");
        check(
            "2026-01-02T03:04:05+01:00[+01:00]",
            "2026-01-02T03:04:05+01:00",
        );
    }

    #[test]
    fn requests_are_shown_with_quoted_headers() {
        let headers = [
            ("Foo".to_owned(), "bar".to_owned()),
            ("A".to_owned(), " b".to_owned()),
            ("Foo".to_owned(), "c".to_owned()),
        ];
        let head = RequestHead {
            method: &http::Method::GET,
            url: "http://r/v2/",
            headers: &headers,
        };
        let expected = "--> Request #7\n> Request URL: \"http://r/v2/\"\n> Request method: \"GET\"\n> Request headers:\n   \"Foo\": \"bar\", \"c\"\n   \"A\": \" b\"";
        assert_eq!(request_text(7, &head), expected);
        assert_eq!(headers_text(&[]), "   Empty header");
    }

    #[test]
    fn entries_are_separated_by_blank_lines() {
        let text = entry(
            "WARNING",
            "please upgrade",
            &[("registry", "localhost:5000")],
        );
        assert!(
            text.ends_with("][WARNING]: please upgrade\n[Data]:\n  registry=localhost:5000\n\n"),
            "{text}"
        );
    }
}

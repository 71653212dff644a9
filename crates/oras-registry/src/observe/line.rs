//! A line of an access log.

use std::fmt::Write;
use std::time::{Duration, SystemTime};

use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;

use super::Access;

/// Path and user agent longer than this, in bytes, are cut.
const LONGEST: usize = 2048;
/// Query parameters that are worth a place in a log. None of them is ever a secret.
const KNOWN: [&str; 14] = [
    "account",
    "artifactType",
    "digest",
    "digest-algorithm",
    "from",
    "last",
    "mount",
    "n",
    "ns",
    "offline_token",
    "q",
    "scope",
    "service",
    "tag",
];

impl Access {
    /// A line in the combined format that web servers write, followed by the time in milliseconds and the request id.
    #[must_use]
    pub fn to_text(&self) -> String {
        let time = Timestamp::try_from(self.time).unwrap_or_default();
        let time = time
            .to_zoned(TimeZone::UTC)
            .strftime("%d/%b/%Y:%H:%M:%S +0000");
        let remote = self.remote.map(|remote| remote.to_string());
        let mut line = String::with_capacity(256);
        line.push_str(remote.as_deref().unwrap_or("-"));
        line.push_str(" - ");
        match &self.user {
            // Blanks separate.
            Some(user) => escape(&mut line, &user.replace(' ', "_")),
            None => line.push('-'),
        }
        // Writing to a string can't fail.
        let _ = write!(line, " [{time}] \"");
        escape(&mut line, &self.method);
        line.push(' ');
        escape(&mut line, &self.path);
        let _ = write!(
            line,
            " {}\" {} {} \"-\" \"",
            self.protocol, self.status, self.bytes_out
        );
        escape(&mut line, self.user_agent.as_deref().unwrap_or("-"));
        let _ = write!(line, "\" {:.3} ", millis(self.duration));
        escape(&mut line, &self.request_id);
        line
    }

    /// A line of JSON: an object without line breaks. Members that are not known are left out.
    #[must_use]
    pub fn to_json(&self) -> String {
        let line = Json {
            ts: rfc3339(self.time),
            level: "info",
            request_id: &self.request_id,
            remote: self.remote.map(|remote| remote.to_string()),
            user: self.user.as_deref(),
            method: &self.method,
            path: &self.path,
            route: self.route,
            repo: self.repository.as_deref(),
            reference: self.reference.as_deref(),
            status: self.status,
            bytes_in: self.bytes_in,
            bytes_out: self.bytes_out,
            ttfb_ms: self.first_byte.map(millis),
            dur_ms: millis(self.duration),
            ua: self.user_agent.as_deref(),
            proto: self.protocol,
            tls: self.tls,
        };
        // Strings and numbers always have a form in JSON.
        serde_json::to_string(&line).unwrap_or_default()
    }
}

#[derive(Serialize)]
struct Json<'a> {
    ts: String,
    level: &'static str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    remote: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    method: &'a str,
    path: &'a str,
    route: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    repo: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    status: u16,
    bytes_in: u64,
    bytes_out: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttfb_ms: Option<f64>,
    dur_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    ua: Option<&'a str>,
    proto: &'static str,
    tls: bool,
}

/// Path and query for a log.
pub(crate) fn path(uri: &http::Uri) -> String {
    let mut path = uri.path().to_owned();
    let mut separator = '?';
    for parameter in uri.query().unwrap_or_default().split('&') {
        let key = parameter.split_once('=').map_or(parameter, |(key, _)| key);
        if KNOWN.contains(&key) {
            path.push(separator);
            path.push_str(parameter);
            separator = '&';
        }
    }
    cut(path)
}

/// Text that is not longer than a log bears.
pub(crate) fn cut(mut text: String) -> String {
    if text.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|at| text.is_char_boundary(*at));
        text.truncate(end.unwrap_or_default());
        text.push_str("...");
    }
    text
}

fn millis(duration: Duration) -> f64 {
    // Microseconds are exact enough, and short.
    duration.as_micros() as f64 / 1000.0
}

fn rfc3339(time: SystemTime) -> String {
    let time = Timestamp::try_from(time).unwrap_or_default();
    format!("{time:.3}")
}

/// Appends text from outside so that it can neither end a quotation nor a line.
fn escape(line: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                line.push('\\');
                line.push(c);
            }
            ' '..='~' => line.push(c),
            _ => {
                let mut bytes = [0; 4];
                for byte in c.encode_utf8(&mut bytes).bytes() {
                    let _ = write!(line, "\\x{byte:02x}");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access() -> Access {
        Access {
            time: SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123),
            request_id: "1-2".to_owned(),
            remote: Some("::1".parse().unwrap()),
            user: Some("ann o".to_owned()),
            method: "GET".to_owned(),
            path: "/v2/a/tags/list?n=1".to_owned(),
            route: "tags",
            repository: Some("a".to_owned()),
            reference: None,
            status: 200,
            bytes_in: 0,
            bytes_out: 26,
            first_byte: Some(Duration::from_micros(1_200)),
            duration: Duration::from_micros(1_500),
            user_agent: Some("evil\"\n\u{202e}".to_owned()),
            protocol: "HTTP/1.1",
            tls: true,
        }
    }

    #[test]
    fn text_is_the_combined_format_and_stays_on_its_line() {
        assert_eq!(
            access().to_text(),
            "::1 - ann_o [14/Nov/2023:22:13:20 +0000] \"GET /v2/a/tags/list?n=1 HTTP/1.1\" 200 26 \"-\" \
             \"evil\\\"\\x0a\\xe2\\x80\\xae\" 1.500 1-2"
        );
    }

    #[test]
    fn json_has_what_is_known() {
        assert_eq!(
            access().to_json(),
            "{\"ts\":\"2023-11-14T22:13:20.123Z\",\"level\":\"info\",\"request_id\":\"1-2\",\"remote\":\"::1\",\
             \"user\":\"ann o\",\"method\":\"GET\",\"path\":\"/v2/a/tags/list?n=1\",\"route\":\"tags\",\"repo\":\"a\",\
             \"status\":200,\"bytes_in\":0,\"bytes_out\":26,\"ttfb_ms\":1.2,\"dur_ms\":1.5,\
             \"ua\":\"evil\\\"\\n\u{202e}\",\"proto\":\"HTTP/1.1\",\"tls\":true}"
        );
    }

    #[test]
    fn unknown_parameters_are_left_out() {
        let check = |uri: &str, expected: &str| {
            assert_eq!(path(&uri.parse().unwrap()), expected);
        };
        check("/v2/", "/v2/");
        check(
            "/v2/token?password=x&scope=a&token=y&n",
            "/v2/token?scope=a&n",
        );
        check("/v2/?X-Amz-Signature=s", "/v2/");
        check("/v2/?nn=1&digest=d&%6e=2", "/v2/?digest=d");
        let long = format!("/{}", "a".repeat(10_000));
        assert_eq!(path(&long.parse().unwrap()).len(), LONGEST + 3);
    }
}

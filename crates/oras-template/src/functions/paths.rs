//! Paths with slashes, and what is where in a URL.

use std::collections::BTreeMap;

use super::Param::{Map as Dict, Str};
use super::{Call, Function, Result, fixed};
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("base", &[Str], |call| Ok(Value::str(base(call.str(0))))),
    fixed("osBase", &[Str], |call| Ok(Value::str(base(call.str(0))))),
    fixed("dir", &[Str], |call| Ok(Value::str(dir(call.str(0))))),
    fixed("osDir", &[Str], |call| Ok(Value::str(dir(call.str(0))))),
    fixed("clean", &[Str], |call| Ok(Value::str(clean(call.str(0))))),
    fixed("osClean", &[Str], |call| Ok(Value::str(clean(call.str(0))))),
    fixed("ext", &[Str], |call| Ok(Value::str(ext(call.str(0))))),
    fixed("osExt", &[Str], |call| Ok(Value::str(ext(call.str(0))))),
    fixed("isAbs", &[Str], |call| {
        Ok(Value::Bool(call.str(0).starts_with('/')))
    }),
    fixed("osIsAbs", &[Str], |call| {
        Ok(Value::Bool(call.str(0).starts_with('/')))
    }),
    fixed("urlParse", &[Str], url_parse),
    fixed("urlJoin", &[Dict], url_join),
];

fn base(path: &str) -> &str {
    match path.trim_end_matches('/') {
        "" if path.is_empty() => ".",
        "" => "/",
        path => path.rsplit('/').next().unwrap_or(path),
    }
}

fn dir(path: &str) -> String {
    clean(path.rfind('/').and_then(|at| path.get(..=at)).unwrap_or(""))
}

fn ext(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or("");
    name.rfind('.').and_then(|at| name.get(at..)).unwrap_or("")
}

/// The shortest path that means the same.
fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut steps: Vec<&str> = Vec::new();
    for step in path.split('/') {
        match (step, steps.last()) {
            ("" | ".", _) => {}
            ("..", Some(last)) if *last != ".." => drop(steps.pop()),
            ("..", _) if rooted => {}
            (step, _) => steps.push(step),
        }
    }
    match (rooted, steps.join("/")) {
        (true, steps) => format!("/{steps}"),
        (false, steps) if steps.is_empty() => ".".to_owned(),
        (false, steps) => steps,
    }
}

fn url_parse(call: &Call<'_>) -> Result {
    let text = call.str(0);
    let unable = |why: &str| {
        let text = crate::fmt::quote(text);
        format!("unable to parse url: parse {text}: {why}")
    };
    if text.chars().any(|c| c.is_ascii_control()) {
        return Err(unable("net/url: invalid control character in URL"));
    }
    let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
    let (scheme, rest) = match scheme(rest) {
        Some("") => return Err(unable("missing protocol scheme")),
        Some(scheme) => (
            scheme.to_lowercase(),
            rest.get(scheme.len() + 1..).unwrap_or(""),
        ),
        None => (String::new(), rest),
    };
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut parts = BTreeMap::from([("scheme", scheme.clone()), ("query", query.to_owned())]);
    let mut path = rest;
    if !rest.starts_with('/') && !scheme.is_empty() {
        parts.insert("opaque", rest.to_owned());
        path = "";
    } else if let Some(after) = rest.strip_prefix("//") {
        let (authority, after) = after.split_at(after.find('/').unwrap_or(after.len()));
        let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        parts.insert("userinfo", user.to_owned());
        let (name, port) = match host.rfind(']') {
            Some(end) => (&host[..=end], &host[end + 1..]),
            None => host.split_at(host.find(':').unwrap_or(host.len())),
        };
        let digits = port.strip_prefix(':').unwrap_or(port);
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            let port = crate::fmt::quote(port);
            return Err(unable(&format!("invalid port {port} after host")));
        }
        parts.insert("host", decoded(host).map_err(|bad| unable(&bad))?);
        parts.insert("hostname", name.trim_matches(['[', ']']).to_owned());
        path = after;
    }
    parts.insert("path", decoded(path).map_err(|bad| unable(&bad))?);
    parts.insert("fragment", decoded(fragment).map_err(|bad| unable(&bad))?);
    let names = [
        "scheme", "host", "hostname", "path", "query", "opaque", "fragment", "userinfo",
    ];
    let fields = names.map(|name| {
        let part = parts.remove(name).unwrap_or_default();
        (name.to_owned(), Value::str(part))
    });
    Ok(Value::map(BTreeMap::from(fields)))
}

/// What is in front of the first colon, if that can be a scheme; empty if the colon is first.
fn scheme(text: &str) -> Option<&str> {
    let at = text.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '-' | '.'))?;
    let (scheme, rest) = text.split_at(at);
    let valid = scheme.is_empty() || scheme.starts_with(|c: char| c.is_ascii_alphabetic());
    (rest.starts_with(':') && valid).then_some(scheme)
}

fn decoded(text: &str) -> std::result::Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend_from_slice(before.as_bytes());
        let digits = after
            .get(..2)
            .filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let Some(byte) = byte else {
            let escape: String = after.chars().take(2).collect();
            return Err(format!(
                "invalid URL escape {}",
                crate::fmt::quote(&format!("%{escape}"))
            ));
        };
        bytes.push(byte);
        rest = after.get(2..).unwrap_or("");
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn encoded(text: &str, allowed: &[u8]) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        let plain = byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
        match plain || allowed.contains(&byte) {
            true => out.push(char::from(byte)),
            false => out.push_str(&format!("%{byte:02X}")),
        }
        out
    })
}

fn url_join(call: &Call<'_>) -> Result {
    let Value::Map(map) = call.arg(0) else {
        return Ok(Value::str(""));
    };
    let part = |name: &str| match map.get(name) {
        None => Ok(String::new()),
        Some(Value::Str(text)) => Ok(text.as_str().to_owned()),
        Some(other) => {
            let kind = other.type_name();
            Err(format!(
                "unable to parse {name} key, must be of type string, but {kind} found"
            ))
        }
    };
    let (scheme, host, path, opaque) = (
        part("scheme")?,
        part("host")?,
        part("path")?,
        part("opaque")?,
    );
    let (query, fragment, user) = (part("query")?, part("fragment")?, part("userinfo")?);
    let mut url = String::new();
    if !scheme.is_empty() {
        url.push_str(&format!("{scheme}:"));
    }
    if opaque.is_empty() {
        if !scheme.is_empty() || !host.is_empty() || !user.is_empty() {
            if !host.is_empty() || !path.is_empty() || !user.is_empty() {
                url.push_str("//");
            }
            if !user.is_empty() {
                url.push_str(&format!("{user}@"));
            }
            url.push_str(&host);
        }
        let path = encoded(&path, b"$&+,/:;=@");
        if !path.is_empty() && !path.starts_with('/') && !host.is_empty() {
            url.push('/');
        }
        url.push_str(&path);
    } else {
        url.push_str(&opaque);
    }
    if !query.is_empty() {
        url.push_str(&format!("?{query}"));
    }
    if !fragment.is_empty() {
        url.push_str(&format!("#{}", encoded(&fragment, b"$&+,/:;=?@!()*")));
    }
    Ok(Value::str(url))
}

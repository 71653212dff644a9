//! `WWW-Authenticate` headers (RFC 9110 section 11), read leniently.

use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;

use super::Scopes;

/// A challenge we can answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    Basic,
    Bearer(Bearer),
}

/// Where a token is to be had, and for what.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Bearer {
    pub(super) realm: String,
    pub(super) service: String,
    pub(super) scopes: Scopes,
}

/// The best challenge of a response: Bearer if it says where the tokens are, else Basic.
pub(super) fn best(headers: &HeaderMap) -> Option<Challenge> {
    let mut basic = None;
    for value in headers.get_all(WWW_AUTHENTICATE) {
        let value = String::from_utf8_lossy(value.as_bytes());
        for raw in parse(&value) {
            if raw.scheme.eq_ignore_ascii_case("basic") {
                basic = Some(Challenge::Basic);
            } else if raw.scheme.eq_ignore_ascii_case("bearer") {
                let bearer = raw.into_bearer();
                if !bearer.realm.is_empty() {
                    return Some(Challenge::Bearer(bearer));
                }
            }
        }
    }
    basic
}

struct Raw {
    scheme: String,
    params: Vec<(String, String)>,
}

impl Raw {
    fn into_bearer(self) -> Bearer {
        let mut bearer = Bearer::default();
        for (name, value) in self.params {
            match name.to_ascii_lowercase().as_str() {
                "realm" => bearer.realm = value,
                "service" => bearer.service = value,
                "scope" => bearer.scopes = Scopes::parse(&value),
                _ => {}
            }
        }
        bearer
    }
}

/// All challenges of one header value. What can't be understood is skipped.
fn parse(value: &str) -> Vec<Raw> {
    let mut challenges: Vec<Raw> = Vec::new();
    let mut rest = value;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return challenges;
        }
        let (word, after) = split_at_any(rest, &[' ', '\t', ',', '=']);
        let after_blanks = after.trim_start_matches([' ', '\t']);
        if let Some(text) = after_blanks.strip_prefix('=') {
            let (text, after) = param_value(text.trim_start_matches([' ', '\t']));
            if let Some(challenge) = challenges.last_mut() {
                challenge.params.push((word.to_owned(), text));
            }
            rest = after;
        } else {
            challenges.push(Raw {
                scheme: word.to_owned(),
                params: Vec::new(),
            });
            rest = after;
        }
    }
}

/// A quoted string or anything up to a comma or blank, and what follows. A missing end quote is forgiven.
fn param_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, rest) = split_at_any(text, &[' ', '\t', ',']);
        return (value.to_owned(), rest);
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
            c => value.push(c),
        }
    }
    (value, "")
}

fn split_at_any<'a>(text: &'a str, ends: &[char]) -> (&'a str, &'a str) {
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(values: &[&str], expected: &str) {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(WWW_AUTHENTICATE, value.parse().unwrap());
        }
        let got = match best(&headers) {
            None => "none".to_owned(),
            Some(Challenge::Basic) => "basic".to_owned(),
            Some(Challenge::Bearer(b)) => {
                format!("{}|{}|{}", b.realm, b.service, b.scopes.to_list().join(" "))
            }
        };
        assert_eq!(got, expected);
    }

    #[test]
    fn challenges_are_read_leniently() {
        check(&[r#"Basic realm="x""#], "basic");
        check(&["basic"], "basic");
        check(&[], "none");
        check(&["Negotiate"], "none");
        check(
            &[r#"Bearer realm="https://a/t",service="s",scope="repository:a:pull,push""#],
            "https://a/t|s|repository:a:pull,push",
        );
        check(
            &[r#"BEARER Realm = "https://a/t" , SERVICE=s"#],
            "https://a/t|s|",
        );
        check(
            &["Bearer realm=https://a/t?x=1&y=2,service=s"],
            "https://a/t?x=1&y=2|s|",
        );
        check(
            &[r#"Bearer realm="https://a/\"t\"",service="a,b""#],
            r#"https://a/"t"|a,b|"#,
        );
        check(
            &[r#"Bearer service="s",realm="https://a/t"#],
            "https://a/t|s|",
        );
        check(&[r#"Bearer realm="",service="s""#], "none");
    }

    #[test]
    fn bearer_wins_wherever_it_stands() {
        check(
            &[r#"Basic realm="x""#, r#"Bearer realm="https://a/t""#],
            "https://a/t||",
        );
        check(
            &[r#"Basic realm="x", Bearer realm="https://a/t",service="s""#],
            "https://a/t|s|",
        );
        check(
            &[r#"Digest nonce="n", qop="auth", Basic realm="x""#],
            "basic",
        );
        check(&[r#"Bearer service="s", Basic realm="x""#], "basic");
        check(&["Negotiate dG9rZW42OA==, Basic"], "basic");
    }
}

//! What a request brings to prove who sends it (RFC 9110, section 11.6.2).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;

/// The credential of a request.
#[derive(PartialEq, Eq)]
pub(super) enum Credential<'a> {
    /// There is none.
    None,
    /// A user name and a password (RFC 7617).
    Basic { user: String, password: String },
    /// A token (RFC 6750).
    Bearer(&'a str),
    /// Something that proves nothing.
    Unusable,
}

impl<'a> Credential<'a> {
    pub(super) fn of(headers: &'a HeaderMap) -> Self {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        match (values.next(), values.next()) {
            (None, _) => Self::None,
            (Some(value), None) => {
                let read = value.to_str().ok().and_then(Self::read);
                read.unwrap_or(Self::Unusable)
            }
            // Whoever sends two wants different parts of the way to see different ones.
            (Some(_), Some(_)) => Self::Unusable,
        }
    }

    fn read(header: &'a str) -> Option<Self> {
        let (scheme, rest) = header.split_once(' ').unwrap_or((header, ""));
        let rest = rest.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            return Some(Self::Bearer(rest));
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let text = String::from_utf8(STANDARD.decode(rest).ok()?).ok()?;
        let (user, password) = text.split_once(':')?;
        Some(Self::Basic {
            user: user.to_owned(),
            password: password.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(values: &[&str], expected: &str) {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, value.parse().unwrap());
        }
        let got = match Credential::of(&headers) {
            Credential::None => "none".to_owned(),
            Credential::Basic { user, password } => format!("{user} with {password}"),
            Credential::Bearer(token) => token.to_owned(),
            Credential::Unusable => "unusable".to_owned(),
        };
        assert_eq!(got, expected, "{values:?}");
    }

    #[test]
    fn basic_and_bearer_are_understood() {
        check(&[], "none");
        check(&["Basic am86c2VjcmV0"], "jo with secret");
        check(&["basic  am86YTpi"], "jo with a:b");
        check(&["Bearer abc"], "abc");
        check(&["BEARER abc"], "abc");
        check(&["Bearer"], "");
    }

    #[test]
    fn everything_else_proves_nothing() {
        for value in [
            "",
            "Basic",
            "Basic !",
            "Basic am8=",
            "Digest x",
            "Basic /zo=",
        ] {
            check(&[value], "unusable");
        }
        check(&["Bearer a", "Bearer b"], "unusable");
    }
}

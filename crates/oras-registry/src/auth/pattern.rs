//! Patterns of repository names and tags.

use super::AuthError;

/// Who `{user}` stands for.
#[derive(Clone, Copy, Debug)]
pub(super) enum User<'a> {
    /// Nobody: a pattern with `{user}` does not match.
    None,
    /// A name, which is text and never a pattern.
    Named(&'a str),
    /// Whoever it may be.
    Any,
}

/// A pattern of repository names.
#[derive(Clone, Debug)]
pub(super) struct Pattern(Vec<Component>);

#[derive(Clone, Debug)]
enum Component {
    /// `**`: any number of components.
    Any,
    One(Vec<Piece>),
}

/// A pattern of tags.
#[derive(Clone, Debug)]
pub(super) struct TagPattern {
    text: String,
    pieces: Vec<Piece>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    Byte(u8),
    /// `*`: any text.
    Any,
    /// `{user}`
    User,
}

impl Pattern {
    pub(super) fn parse(text: &str) -> Result<Self, AuthError> {
        let mut components = Vec::new();
        for component in text.split('/') {
            components.push(match component {
                "**" => Component::Any,
                _ => Component::One(pieces(text, component, is_of_name)?),
            });
        }
        // What is within a folder is not the folder itself.
        if matches!(components.last(), Some(Component::Any)) {
            let last = components.len() - 1;
            components.insert(last, Component::One(vec![Piece::Any]));
        }
        Ok(Self(components))
    }

    pub(super) fn matches(&self, name: &str, user: User<'_>) -> bool {
        let names: Vec<&str> = name.split('/').collect();
        let one = |component: &Component, name: &&str| match component {
            Component::Any => false,
            Component::One(pieces) => component_matches(pieces, name, user),
        };
        let many = |component: &Component| matches!(component, Component::Any);
        glob(&self.0, &names, many, one)
    }
}

impl TagPattern {
    pub(super) fn parse(text: &str) -> Result<Self, AuthError> {
        Ok(Self {
            text: text.to_owned(),
            pieces: pieces(text, text, is_of_tag)?,
        })
    }

    pub(super) fn matches(&self, tag: &str) -> bool {
        text_matches(&self.pieces, tag)
    }

    /// As it was written.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'_' | b'-')
}

fn is_of_tag(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}

/// Reads a part of `pattern`.
fn pieces(pattern: &str, part: &str, fits: fn(u8) -> bool) -> Result<Vec<Piece>, AuthError> {
    let failed = |problem| AuthError::Pattern {
        pattern: pattern.to_owned(),
        problem,
    };
    if part.is_empty() {
        return Err(failed("a part of it is empty"));
    }
    if part.contains("**") {
        return Err(failed("** has to be a component of its own"));
    }
    let mut pieces = Vec::with_capacity(part.len());
    let mut rest = part;
    while let Some(first) = rest.bytes().next() {
        let (piece, length) = match first {
            b'*' => (Piece::Any, 1),
            b'{' if rest.starts_with("{user}") => (Piece::User, "{user}".len()),
            byte if fits(byte) => (Piece::Byte(byte), 1),
            _ => return Err(failed("no name has such a character")),
        };
        pieces.push(piece);
        rest = &rest[length..];
    }
    Ok(pieces)
}

fn component_matches(pieces: &[Piece], name: &str, user: User<'_>) -> bool {
    if !pieces.contains(&Piece::User) {
        return text_matches(pieces, name);
    }
    let mut known = Vec::new();
    for piece in pieces {
        match (piece, user) {
            (Piece::User, User::None) => return false,
            (Piece::User, User::Named(user)) => known.extend(user.bytes().map(Piece::Byte)),
            (Piece::User, User::Any) => known.push(Piece::Any),
            (piece, _) => known.push(*piece),
        }
    }
    text_matches(&known, name)
}

fn text_matches(pieces: &[Piece], text: &str) -> bool {
    let many = |piece: &Piece| *piece == Piece::Any;
    let one = |piece: &Piece, byte: &u8| *piece == Piece::Byte(*byte);
    glob(pieces, text.as_bytes(), many, one)
}

/// Whether `items` fit `pattern`, whose elements stand for `many` items or for `one`. Takes at most the product of
/// their lengths: only the last element that stands for many is ever tried again.
fn glob<P, T>(
    pattern: &[P],
    items: &[T],
    many: impl Fn(&P) -> bool,
    one: impl Fn(&P, &T) -> bool,
) -> bool {
    let (mut at, mut seen) = (0, 0);
    let mut again = None;
    while let Some(item) = items.get(seen) {
        match pattern.get(at) {
            Some(element) if many(element) => {
                again = Some((at + 1, seen));
                at += 1;
            }
            Some(element) if one(element, item) => {
                at += 1;
                seen += 1;
            }
            _ => {
                let Some((next, taken)) = again else {
                    return false;
                };
                again = Some((next, taken + 1));
                at = next;
                seen = taken + 1;
            }
        }
    }
    pattern.iter().skip(at).all(many)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, yes: &[&str], no: &[&str]) {
        let parsed = Pattern::parse(pattern).unwrap();
        let matches = |name: &&&str| parsed.matches(name, User::Named("jo"));
        assert_eq!(
            yes.iter().filter(matches).count(),
            yes.len(),
            "{pattern}: {yes:?}"
        );
        assert_eq!(no.iter().filter(matches).count(), 0, "{pattern}: {no:?}");
    }

    #[test]
    fn a_star_stays_within_a_component_and_two_go_to_any_depth() {
        check("a/b", &["a/b"], &["a", "a/b/c", "b/a/b", "a/bb"]);
        check("*", &["a", "abc"], &["a/b"]);
        check("a/*", &["a/b"], &["a", "a/b/c", "b/a"]);
        check(
            "app-*/x",
            &["app-/x", "app-one/x"],
            &["app/x", "app-one/y", "app-a/b/x"],
        );
        check("*-a-*", &["x-a-a-b", "-a-"], &["xa-b"]);
        check("**", &["a", "a/b/c"], &[]);
        check("a/**", &["a/b", "a/b/c"], &["a", "ab", "b/a/c"]);
        check("**/x", &["x", "a/x", "a/b/x"], &["a/x/b", "ax"]);
        check(
            "a/**/x/*",
            &["a/x/b", "a/x/x/x", "a/b/c/x/d"],
            &["a/x", "x/a/x"],
        );
        check("**/**", &["a/b", "a"], &[]);
    }

    #[test]
    fn a_user_is_text_and_nobody_matches_nothing() {
        check("home/{user}/**", &["home/jo/a"], &["home/joe/a", "home/jo"]);
        check("{user}-*", &["jo-x"], &["jo", "joe-x"]);
        let home = Pattern::parse("home/{user}").unwrap();
        assert!(!home.matches("home/jo", User::None));
        assert!(home.matches("home/jo", User::Any));
        for hostile in ["*", "**", "a/b", "{user}", ""] {
            for name in ["home/jo", "home/a/b", "home/a"] {
                assert!(!home.matches(name, User::Named(hostile)), "{hostile}");
            }
        }
    }

    #[test]
    fn patterns_that_can_match_nothing_are_refused() {
        for pattern in [
            "", "/a", "a/", "a//b", "A", "a**", "a/**b", "a b", "{group}", "{user", "ä",
        ] {
            assert!(Pattern::parse(pattern).is_err(), "{pattern}");
        }
        assert!(TagPattern::parse("v:1").is_err());
    }

    #[test]
    fn tags_have_patterns_as_well() {
        let released = TagPattern::parse("v*.0").unwrap();
        assert!(released.matches("v1.0") && released.matches("v.0"));
        assert!(!released.matches("V1.0") && !released.matches("v1.0-rc"));
    }

    #[test]
    fn many_stars_take_no_time() {
        let pattern = Pattern::parse(&format!("{}b", "**/*a*a*a/".repeat(12))).unwrap();
        assert!(!pattern.matches(&format!("{}c", "aaaa/".repeat(50)), User::None));
    }
}

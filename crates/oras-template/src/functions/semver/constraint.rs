//! What a version has to satisfy: `>= 1.2, < 3 || ^4.1`.

use super::Version;

/// Alternatives, of which one has to hold: each is a list of comparisons that all have to.
#[derive(Debug)]
pub(super) struct Constraint(Vec<Vec<Comparison>>);

#[derive(Debug)]
struct Comparison {
    operator: Operator,
    version: Version,
    /// What was left out or is a wildcard.
    any: Any,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Any {
    Nothing,
    Patch,
    Minor,
    Everything,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterEqual,
    LessEqual,
    Tilde,
    Caret,
}

const OPERATORS: [(&str, Operator); 12] = [
    ("!=", Operator::NotEqual),
    (">=", Operator::GreaterEqual),
    ("=>", Operator::GreaterEqual),
    ("<=", Operator::LessEqual),
    ("=<", Operator::LessEqual),
    ("~>", Operator::Tilde),
    ("=", Operator::Equal),
    (">", Operator::Greater),
    ("<", Operator::Less),
    ("~", Operator::Tilde),
    ("^", Operator::Caret),
    ("", Operator::Equal),
];

impl Constraint {
    /// # Errors
    /// If it is none.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let improper = || format!("improper constraint: {text}");
        let alternatives = text.split("||").map(|part| all(part).ok_or_else(improper));
        Ok(Self(alternatives.collect::<Result<_, _>>()?))
    }

    pub(super) fn check(&self, version: &Version) -> bool {
        self.0
            .iter()
            .any(|all| all.iter().all(|comparison| comparison.holds(version)))
    }
}

/// Comparisons with commas or blanks between, and ranges with a dash.
fn all(text: &str) -> Option<Vec<Comparison>> {
    let mut comparisons = Vec::new();
    for part in text.split(',') {
        let words: Vec<&str> = part.split_whitespace().collect();
        let mut rest = words.as_slice();
        if rest.is_empty() {
            return None;
        }
        while let [first, after @ ..] = rest {
            rest = after;
            if let ["-", end, after @ ..] = rest {
                comparisons.push(comparison(Operator::GreaterEqual, first)?);
                comparisons.push(comparison(Operator::LessEqual, end)?);
                rest = after;
                continue;
            }
            let (sign, operator) = OPERATORS.iter().find(|(sign, _)| first.starts_with(sign))?;
            let mut version = first.strip_prefix(sign)?;
            if version.is_empty() {
                // The operator stands alone.
                (version, rest) = rest.split_first().map(|(next, after)| (*next, after))?;
            }
            comparisons.push(comparison(*operator, version)?);
        }
    }
    Some(comparisons)
}

fn comparison(operator: Operator, text: &str) -> Option<Comparison> {
    let plain = text.strip_prefix('v').unwrap_or(text);
    let end = plain.find(['-', '+']).unwrap_or(plain.len());
    let (numbers, suffix) = plain.split_at(end);
    let parts: Vec<&str> = numbers.split('.').collect();
    let wild = |at: usize| {
        parts
            .get(at)
            .is_none_or(|part| matches!(*part, "x" | "X" | "*"))
    };
    if parts.len() > 3 || numbers.is_empty() {
        return None;
    }
    let any = match (wild(0), wild(1), wild(2)) {
        (true, ..) => Any::Everything,
        (_, true, _) => Any::Minor,
        (_, _, true) => Any::Patch,
        _ => Any::Nothing,
    };
    let number = |at: usize| {
        if wild(at) {
            "0"
        } else {
            parts.get(at).copied().unwrap_or("0")
        }
    };
    let full = match any {
        Any::Everything => format!("0.0.0{suffix}"),
        Any::Minor => format!("{}.0.0{suffix}", number(0)),
        _ => format!("{}.{}.{}{suffix}", number(0), number(1), number(2)),
    };
    Some(Comparison {
        operator,
        version: Version::parse(&full).ok()?,
        any,
    })
}

impl Comparison {
    fn holds(&self, version: &Version) -> bool {
        let wanted = &self.version;
        // Whoever wants a release does not get a preview of it.
        let preview = !version.prerelease.is_empty() && wanted.prerelease.is_empty();
        if preview && self.operator != Operator::NotEqual {
            return false;
        }
        let whole = self.any == Any::Nothing;
        let minor_given = self.any < Any::Minor;
        match self.operator {
            Operator::Equal if whole => version == wanted || version.cmp(wanted).is_eq(),
            Operator::Equal | Operator::Tilde => self.tilde(version),
            Operator::NotEqual => {
                if whole {
                    return version.cmp(wanted).is_ne();
                }
                if self.any == Any::Everything {
                    return false;
                }
                version.major != wanted.major || (minor_given && version.minor != wanted.minor)
            }
            Operator::Greater if whole => version > wanted,
            Operator::Greater => match self.any {
                Any::Everything | Any::Minor => version.major > wanted.major,
                _ => (version.major, version.minor) > (wanted.major, wanted.minor),
            },
            Operator::Less => version < wanted,
            Operator::GreaterEqual => version >= wanted,
            Operator::LessEqual if whole => version <= wanted,
            Operator::LessEqual => {
                version.major < wanted.major
                    || (version.major == wanted.major
                        && (!minor_given || version.minor <= wanted.minor))
            }
            Operator::Caret => self.caret(version),
        }
    }

    fn tilde(&self, version: &Version) -> bool {
        let wanted = &self.version;
        if version < wanted {
            return false;
        }
        if self.any == Any::Everything {
            return true;
        }
        version.major == wanted.major && (self.any == Any::Minor || version.minor == wanted.minor)
    }

    /// The first number that is not zero has to stay.
    fn caret(&self, version: &Version) -> bool {
        let wanted = &self.version;
        if version < wanted {
            return false;
        }
        if self.any == Any::Everything {
            return true;
        }
        if wanted.major > 0 || self.any == Any::Minor {
            return version.major == wanted.major;
        }
        if version.major > 0 {
            return false;
        }
        if wanted.minor > 0 || self.any == Any::Patch {
            return version.minor == wanted.minor;
        }
        version.minor == 0 && version.patch == wanted.patch
    }
}

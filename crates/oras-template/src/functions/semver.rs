//! Semantic versions, and what they have to satisfy.

mod constraint;

use std::cmp::Ordering;
use std::fmt::{self, Display, Formatter};
use std::rc::Rc;

use super::Param::Str;
use super::{Function, fixed};
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("semver", &[Str], |call| {
        let version = Version::parse(call.str(0))?;
        Ok(Value::Version(Rc::new(version)))
    }),
    fixed("semverCompare", &[Str, Str], |call| {
        let constraint = constraint::Constraint::parse(call.str(0))?;
        let version = Version::parse(call.str(1))?;
        Ok(Value::Bool(constraint.check(&version)))
    }),
];

/// `1.2.3-rc.1+build`; minor and patch may have been left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) major: u64,
    pub(crate) minor: u64,
    pub(crate) patch: u64,
    pub(crate) prerelease: String,
    pub(crate) metadata: String,
    pub(crate) original: String,
}

const INVALID: &str = "Invalid Semantic Version";

impl Version {
    /// # Errors
    /// If it is none.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let invalid = || INVALID.to_owned();
        let rest = text.strip_prefix('v').unwrap_or(text);
        let (rest, metadata) = match rest.split_once('+') {
            Some((rest, metadata)) if identifiers(metadata) => (rest, metadata),
            Some(_) => return Err(invalid()),
            None => (rest, ""),
        };
        let (numbers, prerelease) = match rest.split_once('-') {
            Some((numbers, prerelease)) if identifiers(prerelease) => (numbers, prerelease),
            Some(_) => return Err(invalid()),
            None => (rest, ""),
        };
        let leading_zero = |part: &str| {
            part.len() > 1 && part.starts_with('0') && part.bytes().all(|b| b.is_ascii_digit())
        };
        if prerelease.split('.').any(leading_zero) {
            return Err("Version segment starts with 0".to_owned());
        }
        let mut found = [0; 3];
        let parts: Vec<&str> = numbers.split('.').collect();
        if parts.len() > found.len() {
            return Err(invalid());
        }
        for (number, part) in found.iter_mut().zip(parts) {
            if part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit()) {
                return Err(invalid());
            }
            *number = part.parse().map_err(|_| invalid())?;
        }
        let [major, minor, patch] = found;
        Ok(Self {
            major,
            minor,
            patch,
            prerelease: prerelease.to_owned(),
            metadata: metadata.to_owned(),
            original: text.to_owned(),
        })
    }
}

impl Ord for Version {
    /// By precedence: metadata does not count.
    fn cmp(&self, other: &Self) -> Ordering {
        let numbers = |it: &Self| (it.major, it.minor, it.patch);
        numbers(self).cmp(&numbers(other)).then_with(|| {
            match (self.prerelease.is_empty(), other.prerelease.is_empty()) {
                (true, true) => Ordering::Equal,
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) => prereleases(&self.prerelease, &other.prerelease),
            }
        })
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Numbers come before words, and less before more.
fn prereleases(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a.split('.'), b.split('.'));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(a), Some(b)) => match (a.parse::<u64>(), b.parse::<u64>()) {
                (Ok(a), Ok(b)) => a.cmp(&b),
                (Ok(_), Err(_)) => Ordering::Less,
                (Err(_), Ok(_)) => Ordering::Greater,
                (Err(_), Err(_)) => a.cmp(b),
            },
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// Whether this is a list of identifiers with points between.
fn identifiers(text: &str) -> bool {
    let valid = |b: u8| b == b'-' || b.is_ascii_alphanumeric();
    text.split('.')
        .all(|part| !part.is_empty() && part.bytes().all(valid))
}

impl Display for Version {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.prerelease.is_empty() {
            write!(f, "-{}", self.prerelease)?;
        }
        if !self.metadata.is_empty() {
            write!(f, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

//! The names of all settings that are one value, so that files, variables and flags can't drift apart.

/// How many slips a name may have to be recognised.
const EDITS: usize = 2;

/// A setting that is one value. Its flag and its environment variable are named after its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Setting {
    /// Its key in a file: `gc.grace`.
    pub key: &'static str,
    /// What its value is.
    pub kind: Kind,
    /// What it does, as part of a sentence.
    pub about: &'static str,
}

/// What the value of a setting is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Text.
    Text,
    /// Several texts. In a variable or a flag there are commas between them.
    List,
    /// A path. In a file it is relative to the folder of that file.
    Path,
    /// On or off.
    Switch,
    /// A whole number.
    Number,
    /// A number of bytes with a unit.
    Size,
    /// A duration with units.
    Duration,
}

const fn setting(key: &'static str, kind: Kind, about: &'static str) -> Setting {
    Setting { key, kind, about }
}

/// Every setting that is one value. Groups and rules are tables, which only a file can hold.
pub const SETTINGS: &[Setting] = &[
    setting(
        "addr",
        Kind::List,
        "addresses to listen on, port 0 for a free one (default 127.0.0.1:5000)",
    ),
    setting(
        "folder",
        Kind::Path,
        "where everything is stored (default ./registry)",
    ),
    setting(
        "memory",
        Kind::Switch,
        "store everything in memory, and forget it at the end",
    ),
    setting(
        "limits.manifest",
        Kind::Size,
        "largest manifest (default 4MiB)",
    ),
    setting(
        "limits.blob",
        Kind::Size,
        "largest blob (default: no limit)",
    ),
    setting(
        "limits.tags_per_request",
        Kind::Number,
        "tags that one request can set (default 64)",
    ),
    setting(
        "limits.uploads",
        Kind::Number,
        "uploads that are open at once (default 10000)",
    ),
    setting(
        "limits.uploads_per_repository",
        Kind::Number,
        "uploads that are open at once in one repository (default 1000)",
    ),
    setting(
        "limits.upload_idle",
        Kind::Duration,
        "how long an upload stays open when nobody continues it (default 24h)",
    ),
    setting(
        "limits.body_idle",
        Kind::Duration,
        "how long a client may send nothing in the middle of a request (default 1m)",
    ),
];

impl Setting {
    /// The setting with this key.
    #[must_use]
    pub fn find(key: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.key == key)
    }

    /// Its flag, without dashes in front: `gc-grace`.
    #[must_use]
    pub fn flag(&self) -> String {
        self.key.replace(['.', '_'], "-")
    }

    /// Its environment variable, without a prefix: `GC_GRACE`.
    #[must_use]
    pub fn variable(&self) -> String {
        self.key.replace('.', "_").to_uppercase()
    }

    /// The key that `typed` may have been meant to be.
    #[must_use]
    pub fn nearest(typed: &str) -> Option<&'static str> {
        let keys = SETTINGS.iter().map(|setting| setting.key);
        let near = keys.chain(super::TABLES.iter().copied()).map(|key| {
            // The right name in the wrong table is closer than any slip.
            match last(key) == last(typed) {
                true => (0, key),
                false => (strsim::damerau_levenshtein(typed, key), key),
            }
        });
        let near = near.filter(|(edits, _)| *edits <= EDITS);
        near.min().map(|(_, key)| key)
    }

    /// The environment variable, without a prefix, that `typed` may have been meant to be.
    #[must_use]
    pub fn nearest_variable(typed: &str) -> Option<String> {
        let names = SETTINGS.iter().map(Self::variable);
        let near = names.map(|name| (strsim::damerau_levenshtein(typed, &name), name));
        let near = near.filter(|(edits, _)| *edits <= EDITS);
        near.min().map(|(_, name)| name)
    }
}

/// The last name in a dotted key.
fn last(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}

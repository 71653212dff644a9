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
        "addresses to listen on; port 0 is any free one (default 127.0.0.1:5000)",
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
        "durability",
        Kind::Text,
        "what survives a power cut: none, manifest or blob (default manifest)",
    ),
    setting(
        "read_only",
        Kind::Switch,
        "refuse everything that would change something",
    ),
    setting(
        "page",
        Kind::Switch,
        "show browsers what is there (default true)",
    ),
    setting(
        "access_log",
        Kind::Text,
        "line for each request on standard error: off, text or json (default off)",
    ),
    setting(
        "drain_delay",
        Kind::Duration,
        "how long /readyz says that it is about to stop before it does (default 0)",
    ),
    setting(
        "drain_timeout",
        Kind::Duration,
        "how long requests may take to finish when it stops (default 30s)",
    ),
    setting(
        "htpasswd",
        Kind::Path,
        "file with the users and their passwords, see 'oras serve passwd'",
    ),
    setting(
        "anonymous_pull",
        Kind::Switch,
        "let everybody read, and only those who sign in write",
    ),
    setting(
        "admins",
        Kind::List,
        "users who may do everything, whatever the rules say",
    ),
    setting(
        "deny",
        Kind::List,
        "patterns of repositories that nobody may touch",
    ),
    setting(
        "public_url",
        Kind::Text,
        "address that clients use, if it is another one, as behind a proxy",
    ),
    setting(
        "trusted_proxies",
        Kind::List,
        "networks of proxies whose X-Forwarded headers are believed",
    ),
    setting(
        "token_key_file",
        Kind::Path,
        "file with the key that signs tokens, created if it is not there (default: in the folder)",
    ),
    setting(
        "tls.cert",
        Kind::Path,
        "PEM file with the certificate of the server, then those between it and its authority",
    ),
    setting(
        "tls.key",
        Kind::Path,
        "PEM file with the private key of the server",
    ),
    setting(
        "tls.client_ca",
        Kind::Path,
        "PEM file with the authorities whose client certificates are accepted",
    ),
    setting(
        "tls.client_auth",
        Kind::Text,
        "whether clients must show a certificate: request or require (default require)",
    ),
    setting(
        "gc.interval",
        Kind::Duration,
        "how often what nothing refers to is removed, 0 for never (default 1h)",
    ),
    setting(
        "gc.grace",
        Kind::Duration,
        "how long content that nothing refers to is kept (default 1h)",
    ),
    setting(
        "gc.untagged",
        Kind::Text,
        "how long manifests without a tag stay, or keep (default keep)",
    ),
    setting(
        "gc.referrers",
        Kind::Text,
        "whether referrers without a tag stay when their subject is gone: keep or remove (default remove)",
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
        "limits.uri",
        Kind::Size,
        "longest path with its query (default 16KiB)",
    ),
    setting(
        "limits.tags_per_request",
        Kind::Number,
        "tags that one request can set (default 64)",
    ),
    setting(
        "limits.requests",
        Kind::Number,
        "requests that are answered at once (default 4096)",
    ),
    setting(
        "limits.connections",
        Kind::Number,
        "connections that are open at once (default 4096)",
    ),
    setting(
        "limits.connections_per_address",
        Kind::Number,
        "connections of one client address that are open at once (default 1024)",
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
        "how long a client may be silent in the middle of a request or an answer (default 1m)",
    ),
    setting(
        "limits.least_rate",
        Kind::Size,
        "how much a client has to send or take in a second, on average (default 1KiB)",
    ),
    setting(
        "limits.rate_window",
        Kind::Duration,
        "how much waiting that average is taken over (default 1m)",
    ),
    setting(
        "limits.head_time",
        Kind::Duration,
        "how long the head of a request or a TLS handshake may take (default 10s)",
    ),
    setting(
        "limits.keep_alive",
        Kind::Duration,
        "how long a connection may wait for its next request (default 2m)",
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

//! Who may do what.
//!
//! [`Auth`] says who is known and what the rules are; a registry built without it is open to everybody. Known is who
//! signs in with a user name and a password, presents a client certificate, or brings a token of the registry's own
//! token service, which is what most clients do after they have signed in there.
//!
//! What somebody may do is the union of all rules that match: their order means nothing and no rule takes away what
//! another one gives. A token narrows that, it never widens it: the rules are asked again at each use.
//!
//! ```
//! use oras_registry::Registry;
//! use oras_registry::auth::{Action, Auth, Rule};
//!
//! let everybody_reads = Rule {
//!     repositories: vec!["public/**".into()],
//!     who: vec!["*".into()],
//!     allow: vec![Action::Pull],
//!     ..Rule::default()
//! };
//! let homes = Rule {
//!     repositories: vec!["home/{user}/**".into()],
//!     who: vec!["@users".into()],
//!     allow: vec![Action::Pull, Action::Push, Action::Delete],
//!     immutable_tags: vec!["v*".into()],
//! };
//! let auth = Auth::new().rule(everybody_reads).rule(homes).admins(["root"]);
//! let registry = Registry::builder().memory().auth(auth).build()?;
//! # let _ = registry;
//! # Ok::<(), oras_registry::ServerError>(())
//! ```

mod caller;
mod challenge;
mod credential;
mod gate;
mod htpasswd;
mod key;
mod origin;
mod password;
mod pattern;
mod policy;
mod scope;
mod throttle;
mod token;

#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;

use self::htpasswd::Htpasswd;

pub(crate) use self::caller::Caller;
pub(crate) use self::gate::{Gate, Issued, Refusal};

/// The group of everybody who has signed in.
pub(crate) const USERS: &str = "users";

/// What somebody may do with a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Read blobs, manifests, tags and referrers.
    Pull,
    /// Write blobs, manifests and tags.
    Push,
    /// Delete blobs, manifests and tags.
    Delete,
}

/// What some people may do with some repositories, and which of their tags never move.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// Patterns of repository names. A `*` stands for any text within one component, `**` as a component for any number
    /// of components (at the end for at least one), `{user}` for the name of whoever asks.
    pub repositories: Vec<String>,
    /// `*` is anybody, `@name` a group, `@users` everybody who has signed in, `cert:name` the holder of a client
    /// certificate with this common name, everything else the name of a user.
    pub who: Vec<String>,
    /// What they may do.
    pub allow: Vec<Action>,
    /// Patterns of tags, with `*` for any text, that nobody can make point to something else once they are there. They
    /// hold for the repositories of this rule whoever asks. Deleting such a tag is a matter of [`Action::Delete`].
    pub immutable_tags: Vec<String>,
}

/// Who is known and what the rules are.
///
/// Without rules, whoever is known may do everything. With rules, a repository that none of them matches belongs to the
/// admins alone.
#[derive(Default)]
#[must_use]
pub struct Auth {
    htpasswd: Option<Htpasswd>,
    certificates: bool,
    anonymous_pull: bool,
    rules: Vec<Rule>,
    groups: Vec<(String, Vec<String>)>,
    admins: Vec<String>,
    deny: Vec<String>,
    public_url: Option<String>,
    trusted_proxies: Vec<String>,
    token_key_file: Option<PathBuf>,
}

impl Auth {
    /// Nothing: everybody may do everything.
    pub fn new() -> Self {
        Self::default()
    }

    /// Knows the users of a file with lines `name:hash`, where the hash is bcrypt's, as `htpasswd -B` writes them.
    ///
    /// Changes of the file are seen within a second; one that can't be read leaves the users as they were.
    ///
    /// # Errors
    /// [`AuthError::Read`] and [`AuthError::Htpasswd`], which names the line.
    pub fn htpasswd(mut self, path: impl Into<PathBuf>) -> Result<Self, AuthError> {
        self.htpasswd = Some(Htpasswd::open(path.into())?);
        Ok(self)
    }

    /// Knows the holders of client certificates. They are identified in any case: this asks others to sign in even if
    /// there is no other reason to.
    pub fn certificates(mut self, known: bool) -> Self {
        self.certificates = known;
        self
    }

    /// Lets everybody read everything.
    pub fn anonymous_pull(mut self, allowed: bool) -> Self {
        self.anonymous_pull = allowed;
        self
    }

    /// Adds a rule.
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Names a group, for rules: its members are users and `cert:name`. The organizational units of a client
    /// certificate are groups, too.
    pub fn group(
        mut self,
        name: impl Into<String>,
        members: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let members = members.into_iter().map(Into::into).collect();
        self.groups.push((name.into(), members));
        self
    }

    /// Who may do everything everywhere, in the spelling of [`Rule::who`].
    pub fn admins(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.admins.extend(names.into_iter().map(Into::into));
        self
    }

    /// Patterns of repositories that nobody may touch, not even admins.
    pub fn deny(mut self, patterns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.deny.extend(patterns.into_iter().map(Into::into));
        self
    }

    /// The address clients use, such as `https://registry.example.org`. Without it the token service is where the
    /// client says it found the registry.
    pub fn public_url(mut self, url: impl Into<String>) -> Self {
        self.public_url = Some(url.into());
        self
    }

    /// Networks, such as `10.0.0.0/8`, or single addresses of proxies whose `X-Forwarded-For`, `X-Forwarded-Proto` and
    /// `X-Forwarded-Host` are believed.
    pub fn trusted_proxies(
        mut self,
        networks: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let networks = networks.into_iter().map(Into::into);
        self.trusted_proxies.extend(networks);
        self
    }

    /// Where the key is that signs tokens, so that they outlive the process and are shared by several. A file that is
    /// not there is created, for its owner only.
    ///
    /// Each line is a key of 32 bytes in hexadecimal digits: the first signs, all are accepted. Without this setting, a
    /// registry that keeps everything in a folder has such a file there, and others a key that lives as long as they do.
    pub fn token_key_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.token_key_file = Some(path.into());
        self
    }

    /// Whether everybody may do everything.
    pub(crate) fn is_open(&self) -> bool {
        let nobody = self.htpasswd.is_none() && !self.certificates && self.admins.is_empty();
        nobody && self.rules.is_empty() && self.deny.is_empty() && !self.anonymous_pull
    }
}

/// What is wrong with the settings of [`Auth`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// A file can't be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file of users is not what it should be.
    #[error("{}, line {line}: {problem}", path.display())]
    Htpasswd {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The key of the token service can't be used or created.
    #[error("cannot use the token key {}", path.display())]
    TokenKey {
        /// Its file.
        path: PathBuf,
        /// What is wrong.
        source: io::Error,
    },
    /// A pattern of repositories or tags that can't match anything.
    #[error("invalid pattern {pattern:?}: {problem}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A rule, group or list of admins with a name that can't be one.
    #[error("invalid name {name:?}: {problem}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A trusted proxy that is no network.
    #[error("not a network or address: {network:?}")]
    Network {
        /// What was given.
        network: String,
    },
    /// The public address is not one.
    #[error("not an http or https address: {url:?}")]
    PublicUrl {
        /// What was given.
        url: String,
    },
    /// The system gives no random numbers.
    #[error("no random numbers")]
    Random,
}

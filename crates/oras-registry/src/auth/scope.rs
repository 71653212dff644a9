//! Scopes: what a token is asked for and what it allows (Docker Registry token specification).

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::Action;
use super::caller::Identity;
use super::policy::Policy;

/// More resources than these are not looked at, however many a request names.
const MOST_RESOURCES: usize = 256;
/// A token that would name more resources than these names none: it then allows what its owner may do everywhere.
const MOST_GRANTS: usize = 50;
/// How many refusals a token remembers.
const MOST_REFUSED: usize = 64;
/// How large the list of grants may be, in bytes, so that a token fits into what proxies take as a header.
const GRANT_BYTES: usize = 2048;

const ALL: [Action; 3] = [Action::Pull, Action::Push, Action::Delete];

impl Action {
    fn name(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "push",
            Self::Delete => "delete",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        ALL.into_iter().find(|action| action.name() == name)
    }
}

/// What a token is asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Scopes {
    repositories: BTreeMap<String, Vec<Action>>,
    catalog: bool,
}

impl Scopes {
    /// Reads scopes. What is none, or of a kind nobody here knows, is left out.
    ///
    /// Some clients put the host, which is `service`, before the name.
    pub(super) fn parse<'a>(texts: impl Iterator<Item = &'a str>, service: &str) -> Self {
        let mut scopes = Self::default();
        // In a query, a plus sign may be a blank. No scope has one.
        for text in texts.flat_map(|text| text.split([' ', '+'])) {
            // The name may have a colon, of a port.
            let Some((kind, rest)) = text.split_once(':') else {
                continue;
            };
            let Some((name, actions)) = rest.rsplit_once(':') else {
                continue;
            };
            // A class may be added to the kind, such as `repository(plugin)`.
            match kind.split('(').next() {
                Some("repository") => {
                    let own = name.strip_prefix(service);
                    let name = own.and_then(|name| name.strip_prefix('/')).unwrap_or(name);
                    scopes.add(name, actions);
                }
                Some("registry") if name == "catalog" => {
                    scopes.catalog |= actions.split(',').any(|action| action == "*");
                }
                _ => {}
            }
        }
        scopes
    }

    fn add(&mut self, name: &str, actions: &str) {
        let full = self.repositories.len() >= MOST_RESOURCES;
        if oras_spec::validate_repository(name).is_err()
            || name.len() > crate::route::MAX_NAME_BYTES
            || (full && !self.repositories.contains_key(name))
        {
            return;
        }
        let wanted = self.repositories.entry(name.to_owned()).or_default();
        for action in actions.split(',') {
            let named = match action {
                "*" => &ALL[..],
                action => &Action::parse(action).map_or(Vec::new(), |action| vec![action]),
            };
            let new = named.iter().filter(|action| !wanted.contains(action));
            let new: Vec<_> = new.copied().collect();
            wanted.extend(new);
        }
    }

    /// The part of it that `identity` may have.
    pub(super) fn grant(&self, policy: &Policy, identity: &Identity) -> Access {
        let mut access = Access::default();
        for (name, wanted) in &self.repositories {
            let allowed = |action: &Action| policy.allows(identity, *action, name);
            let (given, refused): (Vec<Action>, Vec<Action>) =
                wanted.iter().copied().partition(allowed);
            if !given.is_empty() {
                let actions = given.into_iter().map(|action| action.name().to_owned());
                access.grants.push(Grant {
                    kind: REPOSITORY.to_owned(),
                    name: name.clone(),
                    actions: actions.collect(),
                });
            }
            let refused = refused.into_iter().map(|action| fingerprint(action, name));
            access.refused.extend(refused);
        }
        access.refused.truncate(MOST_REFUSED);
        access.shorten();
        if self.catalog && policy.lists(identity) {
            access.grants.push(Grant {
                kind: REGISTRY.to_owned(),
                name: CATALOG.to_owned(),
                actions: vec!["*".to_owned()],
            });
        }
        access
    }
}

const REPOSITORY: &str = "repository";
const REGISTRY: &str = "registry";
const CATALOG: &str = "catalog";
const EVERYWHERE: &str = "**";

/// What a token allows, as far as its owner may do it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Access {
    #[serde(rename = "access")]
    grants: Vec<Grant>,
    /// Fingerprints of what was asked for and not given, so that a client that uses the token nevertheless is told that
    /// asking for another one is in vain.
    #[serde(rename = "asked", default, skip_serializing_if = "Vec::is_empty")]
    refused: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Grant {
    #[serde(rename = "type")]
    kind: String,
    name: String,
    actions: Vec<String>,
}

impl Access {
    pub(super) fn covers(&self, action: Action, repository: &str) -> bool {
        self.grants.iter().any(|grant| {
            grant.kind == REPOSITORY
                && (grant.name == repository || grant.name == EVERYWHERE)
                && grant.actions.iter().any(|name| name == action.name())
        })
    }

    pub(super) fn covers_catalog(&self) -> bool {
        let mut grants = self.grants.iter();
        grants.any(|grant| grant.kind == REGISTRY && grant.name == CATALOG)
    }

    /// Whether it was asked for and not given.
    pub(super) fn was_refused(&self, action: Action, repository: &str) -> bool {
        !self.refused.is_empty() && self.refused.contains(&fingerprint(action, repository))
    }

    /// Gives up naming repositories if they are too many.
    fn shorten(&mut self) {
        let size = |grant: &Grant| grant.name.len() + grant.actions.len() * 10 + 50;
        let bytes: usize = self.grants.iter().map(size).sum();
        if self.grants.len() <= MOST_GRANTS && bytes <= GRANT_BYTES {
            return;
        }
        let given = |action: &Action| {
            let mut grants = self.grants.iter();
            grants.any(|grant| grant.actions.iter().any(|name| name == action.name()))
        };
        let actions = ALL
            .into_iter()
            .filter(given)
            .map(|action| action.name().to_owned());
        self.grants = vec![Grant {
            kind: REPOSITORY.to_owned(),
            name: EVERYWHERE.to_owned(),
            actions: actions.collect(),
        }];
    }
}

/// A few bytes that stand for an action on a repository. That two are the same by chance costs a client a second try.
fn fingerprint(action: Action, repository: &str) -> String {
    let text = format!("{repository}:{}", action.name());
    let hash = digest(&SHA256, text.as_bytes());
    let short: Vec<u8> = hash.as_ref().iter().copied().take(6).collect();
    URL_SAFE_NO_PAD.encode(short)
}

/// The scope to ask for, in a challenge.
pub(super) fn of_repository(name: &str, actions: &str) -> String {
    format!("{REPOSITORY}:{name}:{actions}")
}

/// The scope of the list of repositories.
pub(super) const OF_CATALOG: &str = "registry:catalog:*";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::{Auth, Rule};

    fn parse(texts: &[&str]) -> String {
        let scopes = Scopes::parse(texts.iter().copied(), "host:5000");
        let all = scopes.repositories.iter().map(|(name, actions)| {
            let actions: Vec<_> = actions.iter().map(|action| action.name()).collect();
            format!("{name}={}", actions.join(","))
        });
        let mut all: Vec<_> = all.collect();
        if scopes.catalog {
            all.push("catalog".to_owned());
        }
        all.join(" ")
    }

    #[test]
    fn scopes_are_merged_wherever_they_stand() {
        assert_eq!(parse(&["repository:a/b:pull"]), "a/b=pull");
        assert_eq!(
            parse(&[
                "repository:a:pull repository:b:push,pull",
                "repository:a:pull,delete"
            ]),
            "a=pull,delete b=push,pull"
        );
        assert_eq!(
            parse(&["repository:a:pull+registry:catalog:*"]),
            "a=pull catalog"
        );
        assert_eq!(parse(&["repository:a:*"]), "a=pull,push,delete");
        assert_eq!(parse(&["repository(plugin):a:pull"]), "a=pull");
        assert_eq!(parse(&["repository:host:5000/a:pull"]), "a=pull");
    }

    #[test]
    fn what_is_no_scope_is_left_out() {
        for text in [
            "",
            "repository",
            "repository:a",
            "repository::pull",
            "repository:other:5000/a:pull",
            "repository:A:pull",
            "repository:**:pull",
            "aws:a:pull",
            "registry:catalog:pull",
            ":::",
        ] {
            assert_eq!(parse(&[text]), "", "{text}");
        }
        assert_eq!(parse(&["repository:a:fly"]), "a=");
        let many: String = (0..1000)
            .map(|n| format!("repository:r{n}:pull "))
            .collect();
        let scopes = Scopes::parse([many.as_str()].into_iter(), "");
        assert_eq!(scopes.repositories.len(), MOST_RESOURCES);
    }

    #[test]
    fn a_grant_is_what_the_rules_allow_and_remembers_the_rest() {
        let rule = Rule {
            repositories: vec!["a".into()],
            who: vec!["*".into()],
            allow: vec![Action::Pull],
            ..Rule::default()
        };
        let policy = Policy::new(&Auth::new().rule(rule)).unwrap();
        let scopes = ["repository:a:pull,push repository:b:pull registry:catalog:*"];
        let scopes = Scopes::parse(scopes.into_iter(), "");
        let access = scopes.grant(&policy, &Identity::Anonymous);
        assert!(access.covers(Action::Pull, "a") && !access.covers(Action::Push, "a"));
        assert!(access.was_refused(Action::Push, "a") && access.was_refused(Action::Pull, "b"));
        assert!(!access.was_refused(Action::Pull, "a") && !access.was_refused(Action::Pull, "c"));
        assert!(access.covers_catalog());
    }

    #[test]
    fn many_repositories_become_one_grant_for_all() {
        let policy = Policy::new(&Auth::new().anonymous_pull(true)).unwrap();
        for (count, length) in [(60, 3), (10, 250)] {
            let name = |n: usize| format!("{n:0>length$}");
            let text: String = (0..count)
                .map(|n| format!("repository:{}:pull,push ", name(n)))
                .collect();
            let scopes = Scopes::parse([text.as_str()].into_iter(), "");
            let access = scopes.grant(&policy, &Identity::Anonymous);
            assert_eq!(access.grants.len(), 1);
            assert!(access.covers(Action::Pull, &name(7)));
            assert!(!access.covers(Action::Push, &name(7)));
            assert!(serde_json::to_vec(&access).unwrap().len() < 2048);
        }
    }
}

//! The rules, ready to be asked.

use std::collections::HashMap;

use super::caller::Identity;
use super::pattern::{Pattern, TagPattern, User};
use super::{Action, Auth, AuthError, USERS};

/// Decides who may do what.
pub(super) struct Policy {
    /// `None` if whoever is known may do everything.
    rules: Option<Vec<Compiled>>,
    groups: HashMap<String, Vec<Who>>,
    admins: Vec<Who>,
    deny: Vec<Pattern>,
    anonymous_pull: bool,
}

struct Compiled {
    repositories: Vec<Pattern>,
    who: Vec<Who>,
    allow: Vec<Action>,
    immutable_tags: Vec<TagPattern>,
}

/// Whom a rule is about.
enum Who {
    Anybody,
    SignedIn,
    User(String),
    Group(String),
    Certificate(String),
}

impl Policy {
    pub(super) fn new(auth: &Auth) -> Result<Self, AuthError> {
        let mut groups = HashMap::new();
        for (name, members) in &auth.groups {
            let failed = |problem| AuthError::Name {
                name: name.clone(),
                problem,
            };
            if name.is_empty() || name == USERS {
                return Err(failed("no group can have this name"));
            }
            let members = all(members, Who::parse)?;
            if members
                .iter()
                .any(|who| !matches!(who, Who::User(_) | Who::Certificate(_)))
            {
                return Err(failed("members of a group are users and cert:NAME"));
            }
            groups
                .entry(name.clone())
                .or_insert_with(Vec::new)
                .extend(members);
        }
        let compiled: Result<Vec<_>, _> = auth.rules.iter().map(Compiled::new).collect();
        Ok(Self {
            rules: Some(compiled?).filter(|rules| !rules.is_empty()),
            groups,
            admins: all(&auth.admins, Who::parse)?,
            deny: all(&auth.deny, Pattern::parse)?,
            anonymous_pull: auth.anonymous_pull,
        })
    }

    /// Whether the rules allow it.
    pub(super) fn allows(&self, identity: &Identity, action: Action, repository: &str) -> bool {
        if self
            .deny
            .iter()
            .any(|pattern| pattern.matches(repository, User::Any))
        {
            return false;
        }
        if (self.anonymous_pull && action == Action::Pull) || self.is_any(&self.admins, identity) {
            return true;
        }
        let Some(rules) = &self.rules else {
            return !identity.is_anonymous();
        };
        let user = identity.name().map_or(User::None, User::Named);
        rules.iter().any(|rule| {
            rule.allow.contains(&action)
                && rule.covers(repository, user)
                && self.is_any(&rule.who, identity)
        })
    }

    /// Whether there can be anything in a list of the repositories that `identity` may read.
    pub(super) fn lists(&self, identity: &Identity) -> bool {
        let public = |rule: &Compiled| rule.is_for_anybody() && rule.allow.contains(&Action::Pull);
        !identity.is_anonymous() || self.anonymous_pull || self.rules.iter().flatten().any(public)
    }

    /// Whether there is something that nobody needs to be known for.
    pub(super) fn welcomes_anybody(&self) -> bool {
        self.anonymous_pull || self.rules.iter().flatten().any(Compiled::is_for_anybody)
    }

    /// The pattern because of which a tag can't be made to point to something else.
    pub(super) fn immutable(&self, repository: &str, tag: &str) -> Option<&str> {
        let rules = self.rules.iter().flatten();
        rules
            .filter(|rule| !rule.immutable_tags.is_empty())
            .find_map(|rule| {
                let mut tags = rule.immutable_tags.iter();
                let pattern = tags.find(|pattern| pattern.matches(tag))?;
                let covered = rule.covers(repository, User::Any);
                covered.then_some(pattern.as_str())
            })
    }

    fn is_any(&self, list: &[Who], identity: &Identity) -> bool {
        list.iter().any(|who| match (who, identity) {
            (Who::Anybody, _) => true,
            (_, Identity::Anonymous) => false,
            (Who::SignedIn, _) => true,
            (Who::User(name), Identity::User(user)) => name == user,
            (Who::Certificate(name), Identity::Certificate(holder)) => *name == holder.common_name,
            (Who::User(_), Identity::Certificate(_)) | (Who::Certificate(_), Identity::User(_)) => {
                false
            }
            (Who::Group(group), identity) => {
                let unit = match identity {
                    Identity::Certificate(holder) => holder.organizational_units.contains(group),
                    _ => false,
                };
                // Members are never groups, so this ends.
                unit || self
                    .groups
                    .get(group)
                    .is_some_and(|members| self.is_any(members, identity))
            }
        })
    }
}

impl Compiled {
    fn new(rule: &super::Rule) -> Result<Self, AuthError> {
        Ok(Self {
            repositories: all(&rule.repositories, Pattern::parse)?,
            who: all(&rule.who, Who::parse)?,
            allow: rule.allow.clone(),
            immutable_tags: all(&rule.immutable_tags, TagPattern::parse)?,
        })
    }

    fn is_for_anybody(&self) -> bool {
        self.who.iter().any(|who| matches!(who, Who::Anybody))
    }

    fn covers(&self, repository: &str, user: User<'_>) -> bool {
        let mut patterns = self.repositories.iter();
        patterns.any(|pattern| pattern.matches(repository, user))
    }
}

impl Who {
    fn parse(text: &str) -> Result<Self, AuthError> {
        let who = match text.strip_prefix('@') {
            Some(USERS) => Self::SignedIn,
            Some(group) => Self::Group(group.to_owned()),
            None if text == "*" => Self::Anybody,
            None => match text.strip_prefix("cert:") {
                Some(name) => Self::Certificate(name.to_owned()),
                None => Self::User(text.to_owned()),
            },
        };
        match &who {
            Self::User(name) | Self::Group(name) | Self::Certificate(name) if name.is_empty() => {
                Err(AuthError::Name {
                    name: text.to_owned(),
                    problem: "it is empty",
                })
            }
            _ => Ok(who),
        }
    }
}

fn all<T>(texts: &[String], parse: fn(&str) -> Result<T, AuthError>) -> Result<Vec<T>, AuthError> {
    texts.iter().map(|text| parse(text)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Rule;
    use crate::peer::Certificate;

    fn rule(repository: &str, who: &str, allow: &[Action]) -> Rule {
        Rule {
            repositories: vec![repository.to_owned()],
            who: vec![who.to_owned()],
            allow: allow.to_vec(),
            ..Rule::default()
        }
    }

    /// What `who` may do, as initials.
    fn rights(policy: &Policy, who: &Identity, repository: &str) -> String {
        let actions = [Action::Pull, Action::Push, Action::Delete];
        let may = actions.map(|action| policy.allows(who, action, repository));
        let initials = may.iter().zip(["p", "u", "d"]).filter(|(may, _)| **may);
        initials.map(|(_, initial)| initial).collect()
    }

    fn user(name: &str) -> Identity {
        Identity::User(name.to_owned())
    }

    fn holder(name: &str, unit: &str) -> Identity {
        Identity::Certificate(Certificate {
            common_name: name.to_owned(),
            organizational_units: vec![unit.to_owned()],
        })
    }

    const ALL: [Action; 3] = [Action::Pull, Action::Push, Action::Delete];

    #[test]
    fn rights_are_the_union_of_all_rules_that_match() {
        let auth = Auth::new()
            .rule(rule("public/**", "*", &[Action::Pull]))
            .rule(rule("**", "reader", &[Action::Pull]))
            .rule(rule("public/x", "reader", &[Action::Push]))
            .rule(rule("home/{user}/**", "*", &ALL))
            .rule(rule("team/**", "@team", &ALL))
            .rule(rule("built/**", "cert:builder", &ALL))
            .group("team", ["jo", "cert:laptop"])
            .admins(["root"])
            .deny(["team/secret"]);
        let policy = Policy::new(&auth).unwrap();
        let check = |who: &Identity, repository, expected| {
            assert_eq!(
                rights(&policy, who, repository),
                expected,
                "{who:?} {repository}"
            );
        };
        check(&Identity::Anonymous, "public/x", "p");
        check(&Identity::Anonymous, "home/x", "");
        check(&user("reader"), "public/x", "pu");
        check(&user("reader"), "team/a", "p");
        check(&user("jo"), "home/jo/a", "pud");
        check(&user("jo"), "home/reader/a", "");
        check(&user("jo"), "team/a", "pud");
        check(&user("jo"), "team/secret", "");
        check(&user("root"), "team/secret", "");
        check(&user("root"), "any/thing", "pud");
        check(&user("stranger"), "any/thing", "");
        check(&holder("laptop", "x"), "team/a", "pud");
        check(&holder("other", "team"), "team/a", "pud");
        check(&holder("jo", "x"), "team/a", "");
        check(&holder("root", "x"), "any/thing", "");
        check(&holder("builder", "x"), "built/a", "pud");
        check(&user("builder"), "built/a", "");
        assert!(policy.lists(&Identity::Anonymous) && policy.welcomes_anybody());
    }

    #[test]
    fn without_rules_the_known_may_do_everything_and_others_what_is_public() {
        let policy = Policy::new(&Auth::new()).unwrap();
        assert_eq!(rights(&policy, &Identity::Anonymous, "a"), "");
        assert!(!policy.lists(&Identity::Anonymous));
        assert_eq!(rights(&policy, &user("jo"), "a"), "pud");
        let policy = Policy::new(&Auth::new().anonymous_pull(true)).unwrap();
        assert_eq!(rights(&policy, &Identity::Anonymous, "a"), "p");
    }

    #[test]
    fn tags_are_immutable_whoever_asks() {
        let mut rule = rule("home/{user}/*", "*", &ALL);
        rule.immutable_tags = vec!["v*".into(), "stable".into()];
        let policy = Policy::new(&Auth::new().rule(rule)).unwrap();
        assert_eq!(policy.immutable("home/jo/a", "v1"), Some("v*"));
        assert_eq!(policy.immutable("home/ann/a", "stable"), Some("stable"));
        assert_eq!(policy.immutable("home/jo/a", "latest"), None);
        assert_eq!(policy.immutable("a", "v1"), None);
    }

    #[test]
    fn names_that_mean_nothing_are_refused() {
        for auth in [
            Auth::new().admins([""]),
            Auth::new().admins(["@"]),
            Auth::new().admins(["cert:"]),
            Auth::new().group("users", ["jo"]),
            Auth::new().group("g", ["@other"]),
            Auth::new().group("g", ["*"]),
        ] {
            assert!(matches!(Policy::new(&auth), Err(AuthError::Name { .. })));
        }
    }
}

//! Scopes: what a token allows.

use std::collections::{BTreeMap, BTreeSet};

/// A set of scopes, merged and in a stable order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Scopes {
    /// `repository:app` to its actions.
    resources: BTreeMap<String, BTreeSet<String>>,
    /// Scopes in no form we know, such as the `aws` of ECR Public.
    other: BTreeSet<String>,
}

impl Scopes {
    /// `repository:<name>:<actions>`
    pub(crate) fn repository(name: &str, actions: &[&str]) -> Self {
        let mut scopes = Self::default();
        scopes.add(&format!("repository:{name}:{}", actions.join(",")));
        scopes
    }

    /// `registry:catalog:*`
    pub(crate) fn catalog() -> Self {
        Self::parse("registry:catalog:*")
    }

    /// Scopes separated by blanks.
    pub(crate) fn parse(text: &str) -> Self {
        let mut scopes = Self::default();
        text.split_ascii_whitespace()
            .for_each(|scope| scopes.add(scope));
        scopes
    }

    /// Everything that either allows.
    pub(crate) fn union(mut self, other: &Self) -> Self {
        for (resource, actions) in &other.resources {
            self.add_actions(resource, actions.iter().map(String::as_str));
        }
        self.other.extend(other.other.iter().cloned());
        self
    }

    /// Whether whoever may do all of this may do all of `wanted`.
    pub(crate) fn covers(&self, wanted: &Self) -> bool {
        let covered = |(resource, actions): (&String, &BTreeSet<String>)| {
            let mine = self.resources.get(resource);
            mine.is_some_and(|mine| mine.contains("*") || mine.is_superset(actions))
        };
        self.other.is_superset(&wanted.other) && wanted.resources.iter().all(covered)
    }

    /// The scopes as a token service wants them, sorted.
    pub(crate) fn to_list(&self) -> Vec<String> {
        let known = self.resources.iter().map(|(resource, actions)| {
            let actions: Vec<_> = actions.iter().map(String::as_str).collect();
            format!("{resource}:{}", actions.join(","))
        });
        let mut list: Vec<_> = known.chain(self.other.iter().cloned()).collect();
        list.sort_unstable();
        list
    }

    fn add(&mut self, scope: &str) {
        // A name may hold colons (`repository:host:5000/app:pull`), so the outermost two count.
        match scope.rsplit_once(':') {
            Some((resource, actions)) if resource.contains(':') => {
                self.add_actions(resource, actions.split(','));
            }
            _ => {
                self.other.insert(scope.to_owned());
            }
        }
    }

    fn add_actions<'a>(&mut self, resource: &str, actions: impl Iterator<Item = &'a str>) {
        let mut actions = actions.filter(|action| !action.is_empty()).peekable();
        if actions.peek().is_none() {
            return;
        }
        let mine = self.resources.entry(resource.to_owned()).or_default();
        mine.extend(actions.map(str::to_owned));
        if mine.contains("*") {
            mine.retain(|action| action == "*");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_cleaned() {
        #[track_caller]
        fn check(input: &str, expected: &[&str]) {
            assert_eq!(Scopes::parse(input).to_list(), expected);
        }
        check(
            "repository:b:push,pull repository:a:pull",
            &["repository:a:pull", "repository:b:pull,push"],
        );
        check(
            "repository:a:pull repository:a:push,pull",
            &["repository:a:pull,push"],
        );
        check(
            "registry:catalog:* registry:catalog:x",
            &["registry:catalog:*"],
        );
        check("repository:a:", &[]);
        check("aws  a:b", &["a:b", "aws"]);
        check("", &[]);
    }

    #[test]
    fn a_larger_set_covers_a_smaller_one() {
        let both = Scopes::parse("repository:a:pull,push repository:b:pull");
        assert!(both.covers(&Scopes::repository("a", &["pull"])));
        assert!(both.covers(&Scopes::default()));
        assert!(!both.covers(&Scopes::repository("b", &["push"])));
        assert!(!both.covers(&Scopes::repository("c", &["pull"])));
        assert!(!both.covers(&Scopes::parse("aws")));
        assert!(Scopes::catalog().covers(&Scopes::parse("registry:catalog:x")));
    }
}

//! Whoever sends a request.

use std::fmt;
use std::sync::Arc;

use super::Action;
use super::policy::Policy;
use super::scope::Access;
use crate::peer::Certificate;

/// Who somebody is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Identity {
    /// Anybody.
    #[default]
    Anonymous,
    /// A user with this name.
    User(String),
    /// The holder of a client certificate.
    Certificate(Certificate),
}

impl Identity {
    pub(super) fn is_anonymous(&self) -> bool {
        *self == Self::Anonymous
    }

    /// The name of a user, or the one in a certificate.
    pub(super) fn name(&self) -> Option<&str> {
        match self {
            Self::Anonymous => None,
            Self::User(name) => Some(name),
            Self::Certificate(holder) => Some(&holder.common_name),
        }
    }
}

/// Whoever sends a request. By default nobody in particular, of a registry that is open to everybody.
#[derive(Clone, Default)]
pub(crate) struct Caller {
    pub(super) identity: Identity,
    /// `None` if everybody may do everything.
    pub(super) policy: Option<Arc<Policy>>,
    /// What a token allows, if it came with one.
    pub(super) access: Option<Arc<Access>>,
}

impl Caller {
    /// Whether the rules allow it, and the token if there is one.
    pub(crate) fn may(&self, action: Action, repository: &str) -> bool {
        let covers = |access: &Arc<Access>| access.covers(action, repository);
        self.has_right(action, repository) && self.access.as_ref().is_none_or(covers)
    }

    /// Whether the rules allow it, whatever the token says.
    pub(crate) fn has_right(&self, action: Action, repository: &str) -> bool {
        let allows = |policy: &Arc<Policy>| policy.allows(&self.identity, action, repository);
        self.policy.as_ref().is_none_or(allows)
    }

    /// The name of a user, or the one in a certificate.
    pub(crate) fn user(&self) -> Option<&str> {
        self.identity.name()
    }

    /// Whether there can be anything in the list of repositories.
    pub(crate) fn may_see_list(&self) -> bool {
        let lists = |policy: &Arc<Policy>| policy.lists(&self.identity);
        self.policy.as_ref().is_none_or(lists)
    }

    /// Whether the list of repositories, which it may see, names this one. A token for the list names none of them.
    pub(crate) fn may_list(&self, repository: &str) -> bool {
        self.has_right(Action::Pull, repository)
    }

    /// The pattern because of which a tag can't be made to point to something else.
    pub(crate) fn finds_immutable(&self, repository: &str, tag: &str) -> Option<&str> {
        self.policy.as_ref()?.immutable(repository, tag)
    }

    /// Who it is, as a text that is different for everybody: what somebody starts belongs to them. Empty for nobody in
    /// particular.
    pub(crate) fn key(&self) -> String {
        match &self.identity {
            Identity::Anonymous => String::new(),
            Identity::User(name) => format!("user:{name}"),
            Identity::Certificate(holder) => format!("cert:{}", holder.common_name),
        }
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Caller").field(&self.identity).finish()
    }
}

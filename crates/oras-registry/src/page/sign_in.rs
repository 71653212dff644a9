//! Who looks at a page, and how they say who they are.
//!
//! Browsers send a password along to the folder of the page that asked for it and to what is below (RFC 7617, section
//! 2.2). So only `/` asks: then it goes with downloads, which are below `/v2/`, too.

use url::form_urlencoded;

use super::address::{self, Address};
use crate::auth::{Action, Caller, Refusal};
use crate::call::Call;
use crate::failure::Failure;
use crate::registry::Shared;

/// The parameter of pages that ask who it is. At `/`, its value is the page to show afterwards; there it keeps who is
/// still not known from being sent around in circles.
const PARAMETER: &str = "sign-in";

/// Whoever looks at a page.
pub(super) enum Guest {
    /// Has said who they are, or need not.
    Known(Caller),
    /// Has not said; is asked with this.
    Stranger(Caller, Failure),
    /// Has said something wrong.
    Refused(Failure),
}

impl Guest {
    /// Who sends a request, and what they call this registry.
    pub(super) async fn of(shared: &Shared, call: &mut Call) -> (Self, Option<String>) {
        let Some(gate) = &shared.gate else {
            return (Self::Known(call.caller.clone()), call.host.clone());
        };
        let visitor = gate.visitor(call);
        let guest = match gate.identify(&visitor).await {
            Ok(caller) if caller.user().is_some() => Self::Known(caller),
            Ok(caller) => {
                let question = gate.refuse(&visitor.origin, Refusal::Credential);
                Self::Stranger(caller, question)
            }
            Err(refusal) => Self::Refused(gate.refuse(&visitor.origin, refusal)),
        };
        (guest, Some(visitor.origin.service))
    }

    /// Whether what a page is about may be seen.
    pub(super) fn may_see(&self, address: &Address) -> bool {
        match address {
            Address::Home => self.caller().is_some_and(Caller::may_see_list),
            Address::Repository { name } | Address::Artifact { name, .. } => self.may_read(name),
            Address::Nowhere => false,
        }
    }

    /// Whether what a repository holds may be seen.
    pub(super) fn may_read(&self, repository: &str) -> bool {
        let may = |caller: &Caller| caller.may(Action::Pull, repository);
        self.caller().is_some_and(may)
    }

    /// The name they have given.
    pub(super) fn name(&self) -> Option<&str> {
        self.caller()?.user()
    }

    fn caller(&self) -> Option<&Caller> {
        match self {
            Self::Known(caller) | Self::Stranger(caller, _) => Some(caller),
            Self::Refused(_) => None,
        }
    }
}

/// The page that is to be shown to who has signed in, if a request is there to do so.
pub(super) fn asked(call: &Call) -> Option<&str> {
    call.parameter(PARAMETER)
}

/// Where to sign in before looking at `path`.
pub(super) fn way(path: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair(PARAMETER, path);
    format!("/?{}", query.finish())
}

/// The page to go back to, if `path` is one.
pub(super) fn way_back(path: &str) -> Option<String> {
    let path = address::parse(path)?.path()?;
    Some(format!("{path}?{PARAMETER}"))
}

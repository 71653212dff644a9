//! Decides before anything else does: who sends a request, and whether they may.

use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use http::Method;
use serde::Serialize;

use super::caller::{Caller, Identity};
use super::challenge::{self, Problem};
use super::credential::Credential;
use super::origin::{Origin, Origins};
use super::password::{Passwords, Verdict};
use super::policy::Policy;
use super::scope::{self, Access, Scopes};
use super::token::{self, Keys, Kind, Subject};
use super::{Action, Auth, AuthError, key};
use crate::call::Call;
use crate::failure::Failure;
use crate::metrics::AuthMethod;
use crate::observe::Observer;
use crate::peer::Certificate;
use crate::route::Route;

/// Decides before anything else does.
pub(crate) struct Gate {
    policy: Arc<Policy>,
    passwords: Option<Passwords>,
    keys: Keys,
    origins: Origins,
}

/// Who seems to send a request, and what it was sent to.
pub(crate) struct Visitor<'a> {
    credential: Credential<'a>,
    certificate: Option<&'a Certificate>,
    pub(crate) origin: Origin,
}

/// Why it is not known who sends a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The credential is wrong, or none.
    Credential,
    /// The token is expired, or none of ours.
    Token,
    /// There are too many attempts.
    Busy,
}

impl Visitor<'_> {
    /// The address they come from.
    pub(crate) fn client(&self) -> Option<IpAddr> {
        self.origin.client
    }

    /// How they say who they are.
    pub(crate) fn method(&self) -> AuthMethod {
        match (&self.credential, self.certificate) {
            (Credential::None, None) => AuthMethod::Anonymous,
            (Credential::None, Some(_)) => AuthMethod::Certificate,
            (Credential::Bearer(_), _) => AuthMethod::Bearer,
            (Credential::Basic { .. } | Credential::Unusable, _) => AuthMethod::Basic,
        }
    }
}

/// A token, as its service gives it (Docker Registry token specification).
#[derive(Serialize)]
pub(crate) struct Issued {
    token: String,
    /// The same under the name of RFC 6749.
    access_token: String,
    expires_in: u64,
    issued_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    /// Who got it.
    #[serde(skip)]
    pub(crate) to: Caller,
}

/// What a request needs.
enum Need<'a> {
    /// To be known.
    Known,
    Catalog,
    Repository {
        name: &'a str,
        action: Action,
        /// What a token for it is asked for.
        actions: &'static str,
    },
}

impl<'a> Need<'a> {
    fn of(route: &'a Route, method: &Method) -> Self {
        let read = *method == Method::GET || *method == Method::HEAD;
        let (name, action) = match route {
            Route::Base | Route::Token => return Self::Known,
            Route::Catalog => return Self::Catalog,
            Route::Tags { name } | Route::Referrers { name, .. } => (name, Action::Pull),
            Route::Uploads { name } | Route::Upload { name, .. } => (name, Action::Push),
            Route::Manifest { name, .. } | Route::Blob { name, .. } => match *method {
                Method::DELETE => (name, Action::Delete),
                _ if read => (name, Action::Pull),
                _ => (name, Action::Push),
            },
        };
        let actions = match action {
            Action::Pull => "pull",
            Action::Push => "pull,push",
            Action::Delete => "delete",
        };
        Self::Repository {
            name,
            action,
            actions,
        }
    }

    /// What it is to do, as the end of a sentence.
    fn wish(&self) -> String {
        match self {
            Self::Known => "be here".to_owned(),
            Self::Catalog => "list the repositories".to_owned(),
            Self::Repository { name, action, .. } => match action {
                Action::Pull => format!("pull from {name}"),
                Action::Push => format!("push to {name}"),
                Action::Delete => format!("delete from {name}"),
            },
        }
    }

    /// The scopes that a token for it has.
    fn scopes(&self, call: &Call) -> Vec<String> {
        match self {
            Self::Known => Vec::new(),
            Self::Catalog => vec![scope::OF_CATALOG.to_owned()],
            Self::Repository { name, actions, .. } => {
                let mut scopes = vec![scope::of_repository(name, actions)];
                let from = call.parameter("mount").and(call.parameter("from"));
                let valid = from.filter(|from| oras_spec::validate_repository(from).is_ok());
                if let Some(from) = valid.filter(|from| from != name) {
                    scopes.push(scope::of_repository(from, "pull"));
                }
                scopes
            }
        }
    }
}

impl Gate {
    /// `None` if everybody may do everything. If the settings name no file for the key of tokens, it is
    /// `usual_key`.
    pub(crate) fn new(
        auth: Auth,
        usual_key: Option<PathBuf>,
        observer: Option<Arc<dyn Observer>>,
    ) -> Result<Option<Self>, AuthError> {
        let policy = Policy::new(&auth)?;
        let origins = Origins::new(&auth)?;
        if auth.is_open() {
            return Ok(None);
        }
        let keys = match (&auth.token_key_file, usual_key) {
            (Some(path), _) => key::from_file(path)?,
            (None, Some(path)) => match key::from_file(&path) {
                // Storage that can only be read is no reason not to serve it.
                Err(AuthError::TokenKey { source, .. }) if is_forbidden(&source) => key::random()?,
                keys => keys?,
            },
            (None, None) => key::random()?,
        };
        let passwords = auth.htpasswd.map(|file| Passwords::new(file, observer));
        let passwords = passwords.transpose()?;
        Ok(Some(Self {
            policy: Arc::new(policy),
            passwords,
            keys,
            origins,
        }))
    }

    /// Who seems to send a request.
    pub(crate) fn visitor<'a>(&self, call: &'a Call) -> Visitor<'a> {
        let host = call.host.as_deref();
        Visitor {
            credential: Credential::of(&call.headers),
            certificate: call.peer.certificate.as_ref(),
            origin: self.origins.of(&call.peer, host, &call.headers),
        }
    }

    /// Who sends a request. Without a credential, that is the holder of the certificate of the connection, or nobody in
    /// particular.
    pub(crate) async fn identify(&self, visitor: &Visitor<'_>) -> Result<Caller, Refusal> {
        let Visitor {
            certificate,
            origin,
            ..
        } = visitor;
        let (identity, access) = match &visitor.credential {
            Credential::None => match certificate {
                Some(holder) => (Identity::Certificate((*holder).clone()), None),
                None => (Identity::Anonymous, None),
            },
            Credential::Basic { user, password } => {
                (self.sign_in(user, password, origin).await?, None)
            }
            Credential::Bearer(token) => {
                let verified = self.verify(Kind::Access, token, origin);
                let (subject, access) = verified.ok_or(Refusal::Token)?;
                let identity = self.identity(subject, *certificate);
                (identity.ok_or(Refusal::Token)?, Some(Arc::new(access)))
            }
            Credential::Unusable => return Err(Refusal::Credential),
        };
        Ok(self.caller(identity, access))
    }

    fn caller(&self, identity: Identity, access: Option<Arc<Access>>) -> Caller {
        Caller {
            identity,
            policy: Some(Arc::clone(&self.policy)),
            access,
        }
    }

    /// Whether whoever was identified may do what a request asks for.
    pub(crate) fn admit(
        &self,
        call: &Call,
        route: &Route,
        origin: &Origin,
        identified: Result<&Caller, Refusal>,
    ) -> Result<(), Failure> {
        let need = Need::of(route, &call.method);
        let challenge = |problem| challenge::bearer(origin, &need.scopes(call), problem);
        let caller = match identified {
            Ok(caller) => caller,
            Err(Refusal::Busy) => return Err(challenge::busy()),
            Err(Refusal::Token) => return Err(challenge(Some(Problem::Invalid))),
            Err(Refusal::Credential) => return Err(challenge(None)),
        };
        let access = caller.access.as_deref();
        let nobody = caller.identity.is_anonymous() && access.is_none();
        let (right, covered, refused) = match &need {
            Need::Known => (!nobody, true, false),
            Need::Catalog => {
                // Clients sign in only when they are asked to: without that, they would see what everybody sees.
                let right = !nobody && self.policy.lists(&caller.identity);
                (right, access.is_none_or(Access::covers_catalog), !right)
            }
            Need::Repository { name, action, .. } => (
                caller.has_right(*action, name),
                access.is_none_or(|access| access.covers(*action, name)),
                access.is_some_and(|access| access.was_refused(*action, name)),
            ),
        };
        match (right, covered) {
            (true, true) => Ok(()),
            // To sign in may help.
            _ if nobody => Err(challenge(None)),
            // Another token may help, unless this one is what came of asking.
            (_, false) if !refused => Err(challenge(Some(Problem::Scope))),
            _ => Err(challenge::denied(caller.user(), need.wish())),
        }
    }

    /// The answer of the token service, and of pages, to who is not known: browsers ask for a password then.
    pub(crate) fn refuse(&self, origin: &Origin, refusal: Refusal) -> Failure {
        match refusal {
            Refusal::Busy => challenge::busy(),
            Refusal::Credential | Refusal::Token => challenge::basic(origin),
        }
    }

    /// A token for whoever sends a request, with as much of `scopes` as they may have.
    pub(crate) async fn token(
        &self,
        visitor: &Visitor<'_>,
        scopes: &[&str],
        offline: bool,
    ) -> Result<Issued, Refusal> {
        let caller = self.identify(visitor).await?;
        if caller.identity.is_anonymous() && !self.policy.welcomes_anybody() {
            return Err(Refusal::Credential);
        }
        self.issue(&caller.identity, scopes, offline, &visitor.origin)
    }

    /// A token for who knows the password of a user.
    pub(crate) async fn token_for_password(
        &self,
        visitor: &Visitor<'_>,
        (user, password): (&str, &str),
        scopes: &[&str],
        offline: bool,
    ) -> Result<Issued, Refusal> {
        let identity = self.sign_in(user, password, &visitor.origin).await?;
        self.issue(&identity, scopes, offline, &visitor.origin)
    }

    /// A token for who has a refresh token, which goes on being valid.
    pub(crate) fn token_for_refresh(
        &self,
        visitor: &Visitor<'_>,
        refresh: &str,
        scopes: &[&str],
    ) -> Result<Issued, Refusal> {
        let origin = &visitor.origin;
        let verified = self.verify(Kind::Refresh, refresh, origin);
        let (subject, _) = verified.ok_or(Refusal::Token)?;
        let identity = self.identity(subject, visitor.certificate);
        let identity = identity.ok_or(Refusal::Token)?;
        let mut issued = self.issue(&identity, scopes, false, origin)?;
        issued.refresh_token = Some(refresh.to_owned());
        Ok(issued)
    }

    fn issue(
        &self,
        identity: &Identity,
        scopes: &[&str],
        offline: bool,
        origin: &Origin,
    ) -> Result<Issued, Refusal> {
        let scopes = Scopes::parse(scopes.iter().copied(), &origin.service);
        let access = scopes.grant(&self.policy, identity);
        let now = token::now();
        let issue = |kind, access| {
            let subject = self.subject(identity)?;
            self.keys.issue(kind, subject, access, &origin.service, now)
        };
        let token = issue(Kind::Access, access).ok_or(Refusal::Credential)?;
        let refresh = offline && !identity.is_anonymous();
        let refresh_token = refresh.then(|| issue(Kind::Refresh, Access::default()));
        let seconds = i64::try_from(now).unwrap_or_default();
        let issued_at = jiff::Timestamp::from_second(seconds).unwrap_or_default();
        Ok(Issued {
            access_token: token.clone(),
            token,
            expires_in: Kind::Access.lifetime().as_secs(),
            issued_at: issued_at.to_string(),
            refresh_token: refresh_token.flatten(),
            to: self.caller(identity.clone(), None),
        })
    }

    async fn sign_in(
        &self,
        user: &str,
        password: &str,
        origin: &Origin,
    ) -> Result<Identity, Refusal> {
        let Some(passwords) = &self.passwords else {
            return Err(Refusal::Credential);
        };
        match passwords.check(user, password, origin.client).await {
            Verdict::Right => Ok(Identity::User(user.to_owned())),
            Verdict::Wrong => Err(Refusal::Credential),
            Verdict::Busy => Err(Refusal::Busy),
        }
    }

    fn verify(&self, kind: Kind, token: &str, origin: &Origin) -> Option<(Subject, Access)> {
        let claims = self
            .keys
            .verify(kind, token, &origin.service, token::now())?;
        Some((claims.subject, claims.access))
    }

    /// How a token names somebody. `None` for a user who has just been removed.
    fn subject(&self, identity: &Identity) -> Option<Subject> {
        Some(match identity {
            Identity::Anonymous => Subject::Anonymous,
            Identity::User(name) => Subject::User {
                sub: name.clone(),
                password: self.password(name)?,
            },
            Identity::Certificate(holder) => Subject::Certificate {
                sub: holder.common_name.clone(),
            },
        })
    }

    /// Whom a token names, if it is still them: users with the password they had, holders of a certificate that show it
    /// again.
    fn identity(&self, subject: Subject, certificate: Option<&Certificate>) -> Option<Identity> {
        match subject {
            Subject::Anonymous => Some(Identity::Anonymous),
            Subject::User { sub, password } => {
                let same = self.password(&sub)? == password;
                same.then_some(Identity::User(sub))
            }
            Subject::Certificate { sub } => {
                let holder = certificate.filter(|holder| holder.common_name == sub)?;
                Some(Identity::Certificate(holder.clone()))
            }
        }
    }

    /// What stands for a user's password in tokens.
    fn password(&self, user: &str) -> Option<String> {
        let hash = self.passwords.as_ref()?.hash(user)?;
        self.keys.fingerprint([user, &hash])
    }
}

fn is_forbidden(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem
    )
}

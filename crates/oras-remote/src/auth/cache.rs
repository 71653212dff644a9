//! Tokens of one identity, by origin, service and scopes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::HeaderValue;
use oras_http::Origin;
use tokio::time::Instant;

use super::Scopes;
use super::token::Expiry;
use crate::lock;

/// More tokens than this are not kept for one registry; the oldest goes.
const MOST_TOKENS: usize = 128;
/// A token is not used in the last moments of its life: the request takes time, and clocks differ.
const LONGEST_SKEW: Duration = Duration::from_secs(10);

/// An `Authorization` header and where it is from.
#[derive(Clone, Debug)]
pub(crate) struct Authorization {
    pub(crate) header: HeaderValue,
    /// Just obtained: if this is refused, there is nothing better.
    pub(crate) fresh: bool,
}

impl Authorization {
    pub(super) fn is_basic(&self) -> bool {
        self.header.as_bytes().starts_with(b"Basic ")
    }
}

/// A token, ready to be sent.
#[derive(Debug)]
pub(super) struct Token {
    service: String,
    scopes: Scopes,
    header: HeaderValue,
    /// When to stop using it.
    until: Option<Instant>,
}

impl Token {
    pub(super) fn new(
        service: &str,
        scopes: Scopes,
        header: HeaderValue,
        expires: Option<Expiry>,
    ) -> Self {
        let until = expires.map(|expiry| {
            let skew = LONGEST_SKEW.min(expiry.lifetime / 4);
            expiry.asked_at + (expiry.lifetime - skew)
        });
        Self {
            service: service.to_owned(),
            scopes,
            header,
            until,
        }
    }

    fn is_alive(&self) -> bool {
        self.until.is_none_or(|until| Instant::now() < until)
    }
}

/// Held by the task that fetches a token.
type Flight = Arc<tokio::sync::Mutex<()>>;
/// Origin, service, scopes.
type FlightKey = (Origin, String, Vec<String>);

/// All that one client may send as authorization.
#[derive(Default)]
pub(crate) struct Tokens {
    origins: Mutex<HashMap<Origin, State>>,
    flights: Mutex<HashMap<FlightKey, Flight>>,
}

#[derive(Default)]
struct State {
    basic: Option<HeaderValue>,
    /// In the order in which they were obtained.
    tokens: Vec<Token>,
}

impl Tokens {
    /// The latest authorization known to allow `scopes`.
    pub(crate) fn cached(&self, origin: &Origin, scopes: &Scopes) -> Option<Authorization> {
        let mut origins = lock(&self.origins);
        let state = origins.get_mut(origin)?;
        state.tokens.retain(Token::is_alive);
        let token = state
            .tokens
            .iter()
            .rev()
            .find(|token| token.scopes.covers(scopes));
        let header = token.map(|token| &token.header).or(state.basic.as_ref())?;
        Some(cached(header))
    }

    /// Like [`cached`](Self::cached), for a known service, and something else than `tried`.
    pub(super) fn for_service(
        &self,
        origin: &Origin,
        service: &str,
        scopes: &Scopes,
        tried: Option<&Authorization>,
    ) -> Option<Authorization> {
        let mut origins = lock(&self.origins);
        let state = origins.get_mut(origin)?;
        state.tokens.retain(Token::is_alive);
        let fits = |token: &&Token| {
            let new = tried.is_none_or(|tried| tried.header != token.header);
            new && token.service == service && token.scopes.covers(scopes)
        };
        state
            .tokens
            .iter()
            .rev()
            .find(fits)
            .map(|token| cached(&token.header))
    }

    /// Remembers a token; those that it makes superfluous are dropped.
    pub(super) fn insert(&self, origin: &Origin, token: Token) -> Authorization {
        let fresh = Authorization {
            header: token.header.clone(),
            fresh: true,
        };
        let mut origins = lock(&self.origins);
        let state = origins.entry(origin.clone()).or_default();
        state.basic = None;
        state
            .tokens
            .retain(|old| old.service != token.service || !token.scopes.covers(&old.scopes));
        if state.tokens.len() >= MOST_TOKENS {
            state.tokens.remove(0);
        }
        state.tokens.push(token);
        fresh
    }

    /// Remembers that the registry takes passwords.
    pub(super) fn set_basic(&self, origin: &Origin, header: HeaderValue) -> Authorization {
        let mut origins = lock(&self.origins);
        let state = origins.entry(origin.clone()).or_default();
        state.tokens.clear();
        state.basic = Some(header.clone());
        Authorization {
            header,
            fresh: true,
        }
    }

    /// Takes note that `tried` was not enough for `wanted`: a token that should have been is dead.
    pub(super) fn refused(&self, origin: &Origin, tried: Option<&Authorization>, wanted: &Scopes) {
        self.remove(origin, tried, |token| token.scopes.covers(wanted));
    }

    /// Forgets what was sent.
    pub(crate) fn discard(&self, origin: &Origin, used: Option<&Authorization>) {
        self.remove(origin, used, |_| true);
    }

    fn remove(&self, origin: &Origin, used: Option<&Authorization>, dead: impl Fn(&Token) -> bool) {
        let Some(used) = used else { return };
        if let Some(state) = lock(&self.origins).get_mut(origin) {
            state
                .tokens
                .retain(|token| token.header != used.header || !dead(token));
        }
    }

    /// The lock that whoever fetches this token holds.
    pub(super) fn flight(&self, origin: &Origin, service: &str, scopes: &Scopes) -> Flight {
        let mut flights = lock(&self.flights);
        flights.retain(|_, flight| Arc::strong_count(flight) > 1);
        let key = (origin.clone(), service.to_owned(), scopes.to_list());
        Arc::clone(flights.entry(key).or_default())
    }
}

fn cached(header: &HeaderValue) -> Authorization {
    Authorization {
        header: header.clone(),
        fresh: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin() -> Origin {
        Origin::of(&"https://r.test/".parse().unwrap()).unwrap()
    }

    fn token(name: &'static str, scopes: &str, lifetime: u64) -> Token {
        let expiry = Expiry {
            asked_at: Instant::now(),
            lifetime: Duration::from_secs(lifetime),
        };
        Token::new(
            "s",
            Scopes::parse(scopes),
            HeaderValue::from_static(name),
            Some(expiry),
        )
    }

    fn find(tokens: &Tokens, scopes: &str) -> Option<String> {
        let found = tokens.cached(&origin(), &Scopes::parse(scopes))?;
        Some(found.header.to_str().unwrap().to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_serves_smaller_scopes_until_it_expires() {
        let tokens = Tokens::default();
        tokens.insert(&origin(), token("rw", "repository:a:pull,push", 100));
        assert_eq!(find(&tokens, "repository:a:pull").as_deref(), Some("rw"));
        assert_eq!(find(&tokens, "repository:b:pull"), None);
        tokio::time::advance(Duration::from_secs(89)).await;
        assert_eq!(find(&tokens, "repository:a:pull").as_deref(), Some("rw"));
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(find(&tokens, "repository:a:pull"), None);
    }

    #[tokio::test]
    async fn a_larger_token_replaces_a_smaller_one() {
        let tokens = Tokens::default();
        tokens.insert(&origin(), token("r", "repository:a:pull", 100));
        tokens.insert(&origin(), token("other", "repository:b:pull", 100));
        tokens.insert(&origin(), token("rw", "repository:a:pull,push", 100));
        assert_eq!(lock(&tokens.origins)[&origin()].tokens.len(), 2);
        assert_eq!(find(&tokens, "repository:a:pull").as_deref(), Some("rw"));
    }

    #[tokio::test]
    async fn a_token_that_was_too_small_stays_and_a_refused_one_goes() {
        let tokens = Tokens::default();
        let used = tokens.insert(&origin(), token("r", "repository:a:pull", 100));
        tokens.refused(&origin(), Some(&used), &Scopes::parse("repository:a:push"));
        assert!(find(&tokens, "repository:a:pull").is_some());
        tokens.refused(&origin(), Some(&used), &Scopes::parse("repository:a:pull"));
        assert!(find(&tokens, "repository:a:pull").is_none());
    }
}

//! What must hold for any text that clients and operators come up with.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use proptest::prelude::*;

use super::Auth;
use super::caller::Identity;
use super::credential::Credential;
use super::origin::Origins;
use super::pattern::{Pattern, User};
use super::policy::Policy;
use super::scope::Scopes;
use super::token::{Keys, Kind};
use crate::peer::Peer;

/// Patterns by their definition, without regard to how long it takes.
fn matches(pattern: &[&str], name: &[&str]) -> bool {
    match (pattern, name) {
        ([], []) => true,
        (["**"], name) => !name.is_empty(),
        (["**", rest @ ..], _) => (0..=name.len()).any(|skipped| matches(rest, &name[skipped..])),
        ([first, rest @ ..], [own, others @ ..]) => {
            text_matches(first.as_bytes(), own.as_bytes()) && matches(rest, others)
        }
        _ => false,
    }
}

fn text_matches(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern, text) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => {
            (0..=text.len()).any(|skipped| text_matches(rest, &text[skipped..]))
        }
        ([first, rest @ ..], [own, others @ ..]) => first == own && text_matches(rest, others),
        _ => false,
    }
}

proptest! {
    #[test]
    fn a_pattern_matches_what_its_definition_says(
        pattern in "(\\*\\*|[ab*]{1,3}|a)(/(\\*\\*|[ab]{1,2}|\\*|a\\*b?)){0,4}",
        name in "[ab]{1,3}(/[ab]{1,3}){0,5}",
    ) {
        if let Ok(parsed) = Pattern::parse(&pattern) {
            let parts: Vec<_> = pattern.split('/').collect();
            let names: Vec<_> = name.split('/').collect();
            prop_assert_eq!(parsed.matches(&name, User::None), matches(&parts, &names));
        }
    }

    #[test]
    fn no_scope_grants_what_the_rules_do_not(text in "[a-z*:,/() +.]{0,80}", given in any::<bool>()) {
        let text = if given { format!("repository:{text}:pull,push,*") } else { text };
        let policy = Policy::new(&Auth::new().anonymous_pull(true).deny(["a/**"])).unwrap();
        let scopes = Scopes::parse([text.as_str()].into_iter(), "host");
        let access = scopes.grant(&policy, &Identity::Anonymous);
        let claims = serde_json::to_value(access).unwrap();
        for grant in claims["access"].as_array().unwrap() {
            prop_assert!(!grant["name"].as_str().unwrap().starts_with("a/"));
            if grant["type"] == "repository" {
                prop_assert_eq!(&grant["actions"], &serde_json::json!(["pull"]));
            }
        }
    }

    #[test]
    fn no_text_is_a_token_or_breaks_a_reader(text in any::<String>(), bytes in any::<Vec<u8>>()) {
        let keys = Keys::new([[1; 32]]);
        prop_assert!(keys.verify(Kind::Access, &text, "here", 0).is_none());
        let mut headers = HeaderMap::new();
        if let Ok(value) = http::HeaderValue::from_bytes(&bytes) {
            headers.insert(AUTHORIZATION, value.clone());
            headers.insert("x-forwarded-for", value.clone());
            headers.insert("x-forwarded-host", value);
        }
        prop_assert!(Credential::of(&headers) != Credential::Bearer("expected"));
        let peer = Peer { addr: "10.0.0.1:1".parse().ok(), ..Peer::default() };
        let origins = Origins::new(&Auth::new().trusted_proxies(["10.0.0.1"])).unwrap();
        let origin = origins.of(&peer, Some(&text), &headers);
        let fits = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '/' | '@');
        prop_assert!(origin.service.chars().all(fits), "{}", origin.service);
    }
}

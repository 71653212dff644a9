//! Signed tokens: JSON Web Tokens (RFC 7519) that only the registry itself reads.
//!
//! There is one algorithm, HMAC with SHA-256, and the first part of a token is compared, never read: what a token says
//! about how it is to be verified means nothing. Access and refresh tokens differ in that part, so that none can be
//! used as the other.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::scope::Access;

/// A token longer than this, in bytes, is none of ours.
const MOST_BYTES: usize = 8 * 1024;
/// How far the clocks of registries with one key may differ, in seconds.
const CLOCK_SKEW: u64 = 60;

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Requests.
    Access,
    /// Getting access tokens.
    Refresh,
}

impl Kind {
    fn header(self) -> &'static str {
        match self {
            Self::Access => r#"{"alg":"HS256","typ":"JWT"}"#,
            Self::Refresh => r#"{"alg":"HS256","typ":"refresh+JWT"}"#,
        }
    }

    /// How long it is valid.
    pub(super) fn lifetime(self) -> Duration {
        match self {
            Self::Access => Duration::from_secs(5 * 60),
            Self::Refresh => Duration::from_secs(30 * 24 * 60 * 60),
        }
    }
}

/// Whose token it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(super) enum Subject {
    Anonymous,
    User {
        /// The name.
        sub: String,
        /// A fingerprint of the password the user had when the token was issued.
        password: String,
    },
    Certificate {
        /// The common name.
        sub: String,
    },
}

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Claims {
    #[serde(flatten)]
    pub(super) subject: Subject,
    #[serde(flatten)]
    pub(super) access: Access,
    aud: String,
    iat: u64,
    nbf: u64,
    exp: u64,
    jti: String,
}

/// The keys that sign and verify: the first signs, all verify.
pub(super) struct Keys(Vec<hmac::Key>);

impl Keys {
    pub(super) fn new(keys: impl IntoIterator<Item = [u8; 32]>) -> Self {
        let keys = keys.into_iter();
        Self(
            keys.map(|key| hmac::Key::new(hmac::HMAC_SHA256, &key))
                .collect(),
        )
    }

    /// A token for `audience`, valid from `now` on, in seconds since 1970. `None` without a key.
    pub(super) fn issue(
        &self,
        kind: Kind,
        subject: Subject,
        access: Access,
        audience: &str,
        now: u64,
    ) -> Option<String> {
        let claims = Claims {
            subject,
            access,
            aud: audience.to_owned(),
            iat: now,
            nbf: now.saturating_sub(CLOCK_SKEW),
            exp: now + kind.lifetime().as_secs(),
            jti: crate::id::random(),
        };
        let claims = serde_json::to_vec(&claims).ok()?;
        let mut token = URL_SAFE_NO_PAD.encode(kind.header());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        let signature = hmac::sign(self.0.first()?, token.as_bytes());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Some(token)
    }

    /// What a token says, if it is one of ours, for `audience` and not expired.
    pub(super) fn verify(
        &self,
        kind: Kind,
        token: &str,
        audience: &str,
        now: u64,
    ) -> Option<Claims> {
        if token.len() > MOST_BYTES {
            return None;
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        if header != URL_SAFE_NO_PAD.encode(kind.header()) {
            return None;
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let fits = |key| hmac::verify(key, signed.as_bytes(), &signature).is_ok();
        if !self.0.iter().any(fits) {
            return None;
        }
        let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
        let claims: Claims = serde_json::from_slice(&claims).ok()?;
        let valid = claims.aud == audience && claims.nbf <= now && now < claims.exp;
        valid.then_some(claims)
    }

    /// A short text that only these keys give for `parts`.
    pub(super) fn fingerprint(&self, parts: [&str; 2]) -> Option<String> {
        let mut context = hmac::Context::with_key(self.0.first()?);
        // Neither a signed token nor another pair of parts looks like this.
        context.update(b"\0");
        context.update(parts[0].as_bytes());
        context.update(b"\0");
        context.update(parts[1].as_bytes());
        let short: Vec<u8> = context.sign().as_ref().iter().copied().take(12).collect();
        Some(URL_SAFE_NO_PAD.encode(short))
    }
}

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000;

    fn issue(keys: &Keys, kind: Kind) -> String {
        let subject = Subject::User {
            sub: "jo".to_owned(),
            password: "x".to_owned(),
        };
        keys.issue(kind, subject, Access::default(), "here", NOW)
            .unwrap()
    }

    #[test]
    fn a_token_is_valid_for_its_time_and_place() {
        let keys = Keys::new([[1; 32]]);
        let token = issue(&keys, Kind::Access);
        let verify = |audience, now| keys.verify(Kind::Access, &token, audience, now);
        let claims = verify("here", NOW + 299).unwrap();
        assert!(matches!(claims.subject, Subject::User { sub, .. } if sub == "jo"));
        assert!(verify("here", NOW - 60).is_some());
        assert!(verify("here", NOW - 61).is_none());
        assert!(verify("here", NOW + 300).is_none());
        assert!(verify("there", NOW).is_none());
    }

    #[test]
    fn no_byte_of_a_token_can_be_changed() {
        let keys = Keys::new([[1; 32]]);
        let token = issue(&keys, Kind::Access);
        for at in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(bytes).unwrap();
            let verified = keys.verify(Kind::Access, &altered, "here", NOW);
            assert!(verified.is_none(), "{at}");
        }
        assert!(
            keys.verify(Kind::Access, &token[1..], "here", NOW)
                .is_none()
        );
        assert!(keys.verify(Kind::Access, "", "here", NOW).is_none());
        let long = format!("{token}{}", "A".repeat(MOST_BYTES));
        assert!(keys.verify(Kind::Access, &long, "here", NOW).is_none());
    }

    #[test]
    fn a_token_is_of_one_kind() {
        let keys = Keys::new([[1; 32]]);
        for (kind, other) in [(Kind::Access, Kind::Refresh), (Kind::Refresh, Kind::Access)] {
            let token = issue(&keys, kind);
            assert!(keys.verify(kind, &token, "here", NOW).is_some());
            assert!(keys.verify(other, &token, "here", NOW).is_none());
        }
    }

    #[test]
    fn what_a_token_says_about_its_algorithm_means_nothing() {
        let keys = Keys::new([[1; 32]]);
        let token = issue(&keys, Kind::Access);
        let claims = token.split('.').nth(1).unwrap();
        for header in [
            r#"{"alg":"none","typ":"JWT"}"#,
            r#"{"typ":"JWT","alg":"HS256"}"#,
        ] {
            let signed = format!("{}.{claims}", URL_SAFE_NO_PAD.encode(header));
            let key = hmac::Key::new(hmac::HMAC_SHA256, &[1; 32]);
            let signature = URL_SAFE_NO_PAD.encode(hmac::sign(&key, signed.as_bytes()));
            for signature in [signature.as_str(), ""] {
                let forged = format!("{signed}.{signature}");
                assert!(keys.verify(Kind::Access, &forged, "here", NOW).is_none());
            }
        }
    }

    #[test]
    fn keys_rotate() {
        let old = Keys::new([[1; 32]]);
        let both = Keys::new([[2; 32], [1; 32]]);
        let new = Keys::new([[2; 32]]);
        let verify = |keys: &Keys, token: &str| keys.verify(Kind::Access, token, "here", NOW);
        assert!(verify(&both, &issue(&old, Kind::Access)).is_some());
        assert!(verify(&new, &issue(&both, Kind::Access)).is_some());
        assert!(verify(&new, &issue(&old, Kind::Access)).is_none());
    }
}

//! The provider token: a JWS by which Apple knows the team, made again from time to time.

use std::sync::{Mutex, PoisonError};

use http::HeaderValue;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use ringback_core::protocol::Timestamp;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::push::connection::PushSettingsError;

/// A signing key from Apple's developer site.
#[derive(Clone)]
pub struct ApnsKey {
    /// The `.p8` file: a PKCS#8 PEM of a P-256 key.
    pub p8_pem: Zeroizing<String>,
    /// The ten characters beside it.
    pub key_id: String,
    /// The ten characters of the team.
    pub team_id: String,
}

impl std::fmt::Debug for ApnsKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApnsKey")
            .field("key_id", &self.key_id)
            .field("team_id", &self.team_id)
            .finish_non_exhaustive()
    }
}

/// Apple wants a new token after 20 minutes at the earliest and 60 at the latest. Half-way leaves both clocks room.
const RENEW_AFTER_S: i64 = 40 * 60;
/// Apple answers `TooManyProviderTokenUpdates` to a team that makes tokens more often.
const LEAST_BETWEEN_FORCED_S: i64 = 20 * 60;

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    iat: i64,
}

#[derive(Default)]
struct Minted {
    authorization: Option<HeaderValue>,
    minted_at_s: i64,
    forced_at_s: Option<i64>,
}

/// One token for all sends of a team. Signing takes microseconds, so a plain lock is the single flight.
pub(super) struct ProviderTokens {
    key: EncodingKey,
    header: Header,
    team_id: String,
    minted: Mutex<Minted>,
}

impl ProviderTokens {
    pub(super) fn new(key: &ApnsKey) -> Result<Self, PushSettingsError> {
        let mut header = Header::new(Algorithm::ES256);
        header.typ = None;
        header.kid = Some(key.key_id.clone());
        let tokens = Self {
            key: EncodingKey::from_ec_pem(key.p8_pem.as_bytes()).map_err(PushSettingsError::Key)?,
            header,
            team_id: key.team_id.clone(),
            minted: Mutex::default(),
        };
        tokens.sign(0).map_err(PushSettingsError::Key)?;
        Ok(tokens)
    }

    /// The value of the `authorization` header.
    pub(super) fn authorization(&self, now: Timestamp) -> Result<HeaderValue, jsonwebtoken::errors::Error> {
        let mut minted = self.minted.lock().unwrap_or_else(PoisonError::into_inner);
        self.current_or_new(&mut minted, now.as_second())
    }

    /// A token other than `refused`, which Apple called expired; `None` if a new one would come too soon after the
    /// last that was made out of turn.
    pub(super) fn after_refusal(
        &self,
        refused: &HeaderValue,
        now: Timestamp,
    ) -> Result<Option<HeaderValue>, jsonwebtoken::errors::Error> {
        let now_s = now.as_second();
        let mut minted = self.minted.lock().unwrap_or_else(PoisonError::into_inner);
        if minted.authorization.as_ref() == Some(refused) {
            if minted.forced_at_s.is_some_and(|forced_at_s| (now_s - forced_at_s) < LEAST_BETWEEN_FORCED_S) {
                return Ok(None);
            }
            minted.forced_at_s = Some(now_s);
            return self.mint(&mut minted, now_s).map(Some);
        }
        self.current_or_new(&mut minted, now_s).map(Some)
    }

    fn current_or_new(
        &self,
        minted: &mut Minted,
        now_s: i64,
    ) -> Result<HeaderValue, jsonwebtoken::errors::Error> {
        match &minted.authorization {
            Some(current) if is_fresh(minted.minted_at_s, now_s) => Ok(current.clone()),
            _ => self.mint(minted, now_s),
        }
    }

    fn mint(&self, minted: &mut Minted, now_s: i64) -> Result<HeaderValue, jsonwebtoken::errors::Error> {
        let mut authorization = HeaderValue::try_from(format!("bearer {}", self.sign(now_s)?))
            .map_err(|_| jsonwebtoken::errors::ErrorKind::InvalidToken)?;
        authorization.set_sensitive(true);
        minted.authorization = Some(authorization.clone());
        minted.minted_at_s = now_s;
        Ok(authorization)
    }

    fn sign(&self, iat: i64) -> Result<String, jsonwebtoken::errors::Error> {
        jsonwebtoken::encode(&self.header, &Claims { iss: &self.team_id, iat }, &self.key)
    }
}

/// A token from the future is not fresh either: the clock was set back, and Apple would refuse it.
fn is_fresh(minted_at_s: i64, now_s: i64) -> bool {
    (0..RENEW_AFTER_S).contains(&(now_s - minted_at_s))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use ringback_doubles::ApnsCredentials;

    fn tokens() -> ProviderTokens {
        let made = ApnsCredentials::generate().unwrap();
        ProviderTokens::new(&ApnsKey {
            p8_pem: made.p8_pem.into(),
            key_id: made.key_id,
            team_id: made.team_id,
        })
        .unwrap()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_token_is_kept_and_renewed_between_20_and_60_minutes() {
        let tokens = tokens();
        let first = tokens.authorization(at(1_000_000)).unwrap();
        assert!(first.as_bytes().starts_with(b"bearer "));
        assert_eq!(tokens.authorization(at(1_000_000 + 20 * 60)).unwrap(), first);
        assert_ne!(tokens.authorization(at(1_000_000 + 59 * 60)).unwrap(), first);
    }

    #[test]
    fn a_clock_set_back_makes_a_new_token() {
        let tokens = tokens();
        let first = tokens.authorization(at(1_000_000)).unwrap();
        assert_ne!(tokens.authorization(at(999_000)).unwrap(), first);
    }

    #[test]
    fn many_refusals_of_one_token_make_one_new_token() {
        let tokens = tokens();
        let first = tokens.authorization(at(1_000_000)).unwrap();
        let second = tokens.after_refusal(&first, at(1_000_010)).unwrap().unwrap();
        assert_ne!(second, first);
        assert_eq!(tokens.after_refusal(&first, at(1_000_011)).unwrap(), Some(second.clone()));
        assert_eq!(tokens.authorization(at(1_000_012)).unwrap(), second);
    }

    #[test]
    fn tokens_are_not_made_out_of_turn_twice_in_20_minutes() {
        let tokens = tokens();
        let first = tokens.authorization(at(1_000_000)).unwrap();
        let second = tokens.after_refusal(&first, at(1_000_010)).unwrap().unwrap();
        assert_eq!(tokens.after_refusal(&second, at(1_000_020)).unwrap(), None);
        assert!(tokens.after_refusal(&second, at(1_000_010 + 20 * 60)).unwrap().is_some());
    }

    #[test]
    fn the_token_is_what_apple_documents_and_no_more() {
        let made = ApnsCredentials::generate().unwrap();
        let key = ApnsKey {
            p8_pem: made.p8_pem.clone().into(),
            key_id: "KEY1234567".into(),
            team_id: "TEAM123456".into(),
        };
        let token = ProviderTokens::new(&key).unwrap().authorization(at(1_000_000)).unwrap();
        let parts: Vec<&str> = token.to_str().unwrap().trim_start_matches("bearer ").split('.').collect();
        let text = |part: &str| {
            use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
            URL_SAFE_NO_PAD.decode(part).unwrap()
        };
        assert_eq!(text(parts[0]), br#"{"alg":"ES256","kid":"KEY1234567"}"#);
        assert_eq!(text(parts[1]), br#"{"iss":"TEAM123456","iat":1000000}"#);
        assert_eq!(text(parts[2]).len(), 64, "r and s side by side, not DER");
    }

    #[test]
    fn a_key_is_checked_and_not_printed() {
        let wrong =
            ApnsKey { p8_pem: "secret words".to_owned().into(), key_id: "K".into(), team_id: "T".into() };
        assert!(matches!(ProviderTokens::new(&wrong), Err(PushSettingsError::Key(_))));
        assert!(!format!("{wrong:?}").contains("secret words"));
    }

    proptest! {
        #[test]
        fn no_token_in_use_is_older_than_an_hour_or_from_the_future(minted_at_s in 0i64..2_000_000_000, now_s in 0i64..2_000_000_000) {
            let age_s = now_s - minted_at_s;
            if is_fresh(minted_at_s, now_s) {
                prop_assert!((0..3600).contains(&age_s));
            } else {
                prop_assert!(!(0..=20 * 60).contains(&age_s));
            }
        }
    }
}

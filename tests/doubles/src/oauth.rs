//! Google's token endpoint: an assertion in, an access token out (RFC 7523).

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::json;

use crate::jws::Jws;
use crate::token_log::TokenLog;
use crate::{ServiceAccount, StartError};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const LIFE_S: i64 = 3600;
/// Two machines' clocks are never quite the same.
const CLOCK_SKEW_S: i64 = 5;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JoseHeader {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    scope: String,
    aud: String,
    iat: i64,
    exp: i64,
}

/// A refusal: `error` and `error_description` of RFC 6749.
pub(crate) type Refused = (&'static str, String);

pub(crate) struct TokenIssuer {
    account: ServiceAccount,
    /// The one scope that is granted here.
    scope: &'static str,
    key: DecodingKey,
    lifetime_s: i64,
    token_log: TokenLog,
    /// When each token that was issued runs out.
    issued: Mutex<HashMap<String, i64>>,
}

impl TokenIssuer {
    pub(crate) fn new(
        account: ServiceAccount,
        scope: &'static str,
        lifetime_s: i64,
        token_log: TokenLog,
    ) -> Result<Self, StartError> {
        let key = DecodingKey::from_rsa_pem(account.public_pem.as_bytes())?;
        Ok(Self { account, scope, key, lifetime_s, token_log, issued: Mutex::default() })
    }

    fn issued(&self) -> MutexGuard<'_, HashMap<String, i64>> {
        self.issued.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn lifetime_s(&self) -> i64 {
        self.lifetime_s
    }

    /// Checks a form and issues a token.
    pub(crate) fn issue(&self, form: &[u8], now: Timestamp) -> Result<String, Refused> {
        let mut fields: HashMap<_, _> = form_urlencoded::parse(form).collect();
        if fields.remove("grant_type").as_deref() != Some(GRANT) {
            return Err(("unsupported_grant_type", "not a JWT bearer grant".to_owned()));
        }
        let assertion = fields.remove("assertion").ok_or(("invalid_request", "no assertion".to_owned()))?;
        if !fields.is_empty() {
            return Err(("invalid_request", "a parameter that is not of this grant".to_owned()));
        }
        self.check(&assertion, now)?;
        let token = format!("ya29.{}", uuid::Uuid::new_v4().simple());
        self.issued().insert(token.clone(), now.as_second() + self.lifetime_s);
        Ok(token)
    }

    /// In Google's words, as senders report them.
    fn check(&self, assertion: &str, now: Timestamp) -> Result<(), Refused> {
        const TIMES: &str = "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable \
                             timeframe. Check your iat and exp values in the JWT claim.";
        let grant = |text: &str| ("invalid_grant", text.to_owned());
        let jws = Jws::<JoseHeader, Claims>::read(assertion)
            .ok_or_else(|| grant("Invalid JWT: Failed to parse the token."))?;
        let (header, claims, now_s) = (&jws.header, &jws.claims, now.as_second());
        let account = &self.account;
        let as_documented = header.alg == "RS256"
            && header.typ.as_deref().is_none_or(|typ| typ == "JWT")
            && header.kid.as_ref().is_none_or(|kid| *kid == account.private_key_id);
        if claims.iss != account.client_email {
            return Err(grant("Invalid grant: account not found"));
        }
        if !as_documented || !jws.is_signed_by(&self.key, Algorithm::RS256) {
            return Err(grant("Invalid JWT Signature."));
        }
        let in_time = claims.iat <= now_s + CLOCK_SKEW_S
            && claims.exp > now_s
            && (1..=LIFE_S).contains(&(claims.exp - claims.iat));
        if !in_time {
            return Err(grant(TIMES));
        }
        if claims.aud != account.token_uri {
            let right = &account.token_uri;
            return Err(grant(&format!("Invalid JWT: Failed audience check. The right audience is {right}")));
        }
        if claims.scope != self.scope {
            return Err(("invalid_scope", "Invalid OAuth scope or ID token audience provided.".to_owned()));
        }
        let expected = json!({ "iss": account.client_email, "aud": account.token_uri, "scope": self.scope });
        self.token_log.add("oauth", assertion, &account.public_pem, now, &expected);
        Ok(())
    }

    /// Whether `Authorization` carries a token of ours that has not run out.
    pub(crate) fn knows(&self, authorization: Option<&str>, now_s: i64) -> bool {
        let token = authorization.and_then(|value| value.strip_prefix("Bearer "));
        token.and_then(|token| self.issued().get(token).copied()).is_some_and(|expires_s| expires_s > now_s)
    }

    /// Makes every token worthless before its time.
    pub(crate) fn revoke_all(&self) {
        self.issued().clear();
    }
}

//! Google's token endpoint: an assertion in, an access token out (RFC 7523).

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;

use crate::{ServiceAccount, StartError};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";
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
pub(super) type Refused = (&'static str, String);

pub(super) struct TokenIssuer {
    account: ServiceAccount,
    key: DecodingKey,
    lifetime_s: i64,
    /// When each token that was issued runs out.
    issued: Mutex<HashMap<String, i64>>,
}

impl TokenIssuer {
    pub(super) fn new(account: ServiceAccount, lifetime_s: i64) -> Result<Self, StartError> {
        let key = DecodingKey::from_rsa_pem(account.public_pem.as_bytes())?;
        Ok(Self { account, key, lifetime_s, issued: Mutex::default() })
    }

    fn issued(&self) -> MutexGuard<'_, HashMap<String, i64>> {
        self.issued.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn lifetime_s(&self) -> i64 {
        self.lifetime_s
    }

    /// Checks a form and issues a token.
    pub(super) fn issue(&self, form: &[u8], now_s: i64) -> Result<String, Refused> {
        let mut fields: HashMap<_, _> = form_urlencoded::parse(form).collect();
        if fields.remove("grant_type").as_deref() != Some(GRANT) {
            return Err(("unsupported_grant_type", "not a JWT bearer grant".to_owned()));
        }
        let assertion = fields.remove("assertion").ok_or(("invalid_request", "no assertion".to_owned()))?;
        if !fields.is_empty() {
            return Err(("invalid_request", "a parameter that is not of this grant".to_owned()));
        }
        self.check(&assertion, now_s).map_err(|wrong| ("invalid_grant", format!("Invalid JWT: {wrong}")))?;
        let token = format!("ya29.{}", uuid::Uuid::new_v4().simple());
        self.issued().insert(token.clone(), now_s + self.lifetime_s);
        Ok(token)
    }

    fn check(&self, assertion: &str, now_s: i64) -> Result<(), &'static str> {
        let (message, signature) = assertion.rsplit_once('.').ok_or("not three parts")?;
        let (header, claims) = message.split_once('.').ok_or("not three parts")?;
        let decode = |part| URL_SAFE_NO_PAD.decode(part).map_err(|_| "not unpadded base64url");
        let header: JoseHeader = serde_json::from_slice(&decode(header)?).map_err(|_| "not this header")?;
        let claims: Claims = serde_json::from_slice(&decode(claims)?).map_err(|_| "not these claims")?;
        decode(signature)?;
        let signed = jsonwebtoken::crypto::verify(signature, message.as_bytes(), &self.key, Algorithm::RS256);
        let wrong = [
            (header.alg != "RS256", "alg"),
            (header.typ.is_some_and(|typ| typ != "JWT"), "typ"),
            (header.kid.is_some_and(|kid| kid != self.account.private_key_id), "kid"),
            (!matches!(signed, Ok(true)), "signature"),
            (claims.iss != self.account.client_email, "iss"),
            (claims.scope != SCOPE, "scope"),
            (claims.aud != self.account.token_uri, "aud"),
            (claims.iat > now_s + CLOCK_SKEW_S, "iat in the future"),
            (claims.exp <= now_s, "exp in the past"),
            (claims.exp - claims.iat > LIFE_S, "exp more than an hour after iat"),
        ];
        wrong.into_iter().find(|(is_wrong, _)| *is_wrong).map_or(Ok(()), |(_, what)| Err(what))
    }

    /// Whether `Authorization` carries a token of ours that has not run out.
    pub(super) fn knows(&self, authorization: Option<&str>, now_s: i64) -> bool {
        let token = authorization.and_then(|value| value.strip_prefix("Bearer "));
        token.and_then(|token| self.issued().get(token).copied()).is_some_and(|expires_s| expires_s > now_s)
    }

    /// Makes every token worthless before its time.
    pub(super) fn revoke_all(&self) {
        self.issued().clear();
    }
}

//! Is this a provider token as Apple documents it? RFC 7515 and RFC 7518 to the letter.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;

use crate::{ApnsCredentials, StartError};

/// How closely provider tokens are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TokenCheck {
    /// A valid JWS with a lower-case `bearer`.
    #[default]
    Strict,
    /// `Bearer`, padding and the alphabet of plain base64 are let through, so that clients which send them can be
    /// measured.
    Lenient,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JoseHeader {
    alg: String,
    kid: String,
    typ: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    iat: i64,
}

/// Apple refuses a token older than an hour.
const LIFE_S: i64 = 3600;
/// Two machines' clocks are never quite the same.
const CLOCK_SKEW_S: i64 = 5;

pub(super) struct Verifier {
    check: TokenCheck,
    key: DecodingKey,
    key_id: String,
    team_id: String,
    /// `iat` of the tokens whose signature was seen to be right: checking it costs more than all the rest.
    verified: Mutex<HashMap<String, i64>>,
}

impl Verifier {
    pub(super) fn new(credentials: &ApnsCredentials, check: TokenCheck) -> Result<Self, StartError> {
        Ok(Self {
            check,
            key: DecodingKey::from_ec_pem(credentials.public_pem.as_bytes())?,
            key_id: credentials.key_id.clone(),
            team_id: credentials.team_id.clone(),
            verified: Mutex::default(),
        })
    }

    /// The reason to refuse, if there is one.
    pub(super) fn check(&self, authorization: Option<&str>, now_s: i64) -> Result<(), &'static str> {
        let authorization = authorization.ok_or("MissingProviderToken")?;
        let token = authorization
            .strip_prefix("bearer ")
            .or_else(|| authorization.strip_prefix("Bearer ").filter(|_| self.check == TokenCheck::Lenient))
            .ok_or("InvalidProviderToken")?;
        let mut verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        let iat = match verified.get(token) {
            Some(iat) => *iat,
            None => {
                let iat = self.verify(token).ok_or("InvalidProviderToken")?;
                verified.insert(token.to_owned(), iat);
                iat
            }
        };
        if iat > now_s + CLOCK_SKEW_S {
            Err("InvalidProviderToken")
        } else if now_s - iat > LIFE_S {
            Err("ExpiredProviderToken")
        } else {
            Ok(())
        }
    }

    fn verify(&self, token: &str) -> Option<i64> {
        let base64url = |part: &str| match self.check {
            TokenCheck::Strict => part.to_owned(),
            TokenCheck::Lenient => part.trim_end_matches('=').replace('+', "-").replace('/', "_"),
        };
        let (message, signature) = token.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        let (header, claims, signature) = (base64url(header), base64url(claims), base64url(signature));
        let header: JoseHeader = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
        let claims: Claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
        let as_documented = header.alg == "ES256"
            && header.kid == self.key_id
            && header.typ.is_none_or(|typ| typ == "JWT")
            && claims.iss == self.team_id
            // r and s side by side; a DER signature is longer.
            && URL_SAFE_NO_PAD.decode(&signature).ok()?.len() == 64;
        let signed =
            jsonwebtoken::crypto::verify(&signature, message.as_bytes(), &self.key, Algorithm::ES256).ok()?;
        (as_documented && signed).then_some(claims.iat)
    }
}

//! Is this a provider token as Apple documents it? RFC 7515 and RFC 7518 to the letter.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::json;

use crate::token_log::TokenLog;
use crate::{ApnsCredentials, StartError};

/// How closely provider tokens are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TokenCheck {
    /// A valid JWS with a lower-case `bearer`.
    #[default]
    Strict,
    /// `Bearer`, padding, the alphabet of plain base64 and signatures in DER are let through, so that clients which send
    /// them can be measured.
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
/// Apple wants a token to be used for so long before the next.
const UPDATE_S: i64 = 20 * 60;
/// Two machines' clocks are never quite the same.
const CLOCK_SKEW_S: i64 = 5;

pub(super) struct Verifier {
    check: TokenCheck,
    key: DecodingKey,
    public_pem: String,
    key_id: String,
    team_id: String,
    /// `iat` of the tokens whose signature was seen to be right: checking it costs more than all the rest.
    verified: Mutex<HashMap<String, Verified>>,
    limit_updates: AtomicBool,
    token_log: TokenLog,
}

#[derive(Clone, Copy)]
struct Verified {
    iat: i64,
    /// When it was first taken for a push.
    used_since: Option<i64>,
}

impl Verifier {
    pub(super) fn new(
        credentials: &ApnsCredentials,
        check: TokenCheck,
        token_log: TokenLog,
    ) -> Result<Self, StartError> {
        Ok(Self {
            check,
            key: DecodingKey::from_ec_pem(credentials.public_pem.as_bytes())?,
            key_id: credentials.key_id.clone(),
            team_id: credentials.team_id.clone(),
            public_pem: credentials.public_pem.clone(),
            verified: Mutex::default(),
            limit_updates: AtomicBool::new(false),
            token_log,
        })
    }

    /// Whether a token within twenty minutes of another is one too many.
    pub(super) fn limit_updates(&self, limited: bool) {
        self.limit_updates.store(limited, Ordering::SeqCst);
    }

    /// The reason to refuse, if there is one.
    pub(super) fn check(&self, authorization: Option<&str>, now: Timestamp) -> Result<(), &'static str> {
        let authorization = authorization.ok_or("MissingProviderToken")?;
        let token = authorization
            .strip_prefix("bearer ")
            .or_else(|| authorization.strip_prefix("Bearer ").filter(|_| self.check == TokenCheck::Lenient))
            .ok_or("InvalidProviderToken")?;
        let now_s = now.as_second();
        let mut verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        let known = match verified.get(token) {
            Some(known) => *known,
            None => {
                let iat = self.verify(token).ok_or("InvalidProviderToken")?;
                let known = Verified { iat, used_since: None };
                verified.insert(token.to_owned(), known);
                known
            }
        };
        if known.iat > now_s + CLOCK_SKEW_S {
            return Err("InvalidProviderToken");
        }
        if now_s - known.iat > LIFE_S {
            return Err("ExpiredProviderToken");
        }
        if known.used_since.is_none() {
            let last_update = verified.values().filter_map(|other| other.used_since).max();
            let too_soon = last_update.is_some_and(|last_s| now_s - last_s < UPDATE_S);
            if too_soon && self.limit_updates.load(Ordering::SeqCst) {
                return Err("TooManyProviderTokenUpdates");
            }
            verified.insert(token.to_owned(), Verified { used_since: Some(now_s), ..known });
            if self.check == TokenCheck::Strict {
                let expected = json!({ "kid": self.key_id, "iss": self.team_id });
                self.token_log.add("apns", token, &self.public_pem, now, &expected);
            }
        }
        Ok(())
    }

    fn verify(&self, token: &str) -> Option<i64> {
        let base64url = |part: &str| match self.check {
            TokenCheck::Strict => part.to_owned(),
            TokenCheck::Lenient => part.trim_end_matches('=').replace('+', "-").replace('/', "_"),
        };
        let (message, signature) = token.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        let (header, claims, signature) = (base64url(header), base64url(claims), base64url(signature));
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let signature = match self.check {
            TokenCheck::Lenient if signature.len() != 64 => side_by_side(&signature)?,
            _ => signature,
        };
        let header: JoseHeader = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
        let claims: Claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
        let as_documented = header.alg == "ES256"
            && header.kid == self.key_id
            && header.typ.is_none_or(|typ| typ == "JWT")
            && claims.iss == self.team_id
            // r and s side by side; a DER signature is longer.
            && signature.len() == 64;
        let signature = URL_SAFE_NO_PAD.encode(&signature);
        let signed =
            jsonwebtoken::crypto::verify(&signature, message.as_bytes(), &self.key, Algorithm::ES256).ok()?;
        (as_documented && signed).then_some(claims.iat)
    }
}

/// The two numbers of a DER signature (RFC 3279, 2.2.3), each in 32 bytes.
fn side_by_side(der: &[u8]) -> Option<Vec<u8>> {
    let body = der.strip_prefix(&[0x30, u8::try_from(der.len().checked_sub(2)?).ok()?])?;
    let (r, rest) = number(body)?;
    let (s, rest) = number(rest)?;
    rest.is_empty().then(|| [r, s].concat())
}

/// A number of at most 32 bytes, and what follows it.
fn number(der: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let [0x02, length, rest @ ..] = der else { return None };
    let (number, rest) = rest.split_at_checked(usize::from(*length))?;
    let number = number.strip_prefix(&[0]).unwrap_or(number);
    let mut padded = vec![0; 32_usize.checked_sub(number.len())?];
    padded.extend_from_slice(number);
    Some((padded, rest))
}

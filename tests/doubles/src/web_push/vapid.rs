//! Is this a VAPID header as RFC 8292 has it?

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::json;

use crate::jws::Jws;
use crate::token_log::TokenLog;

/// The most that `exp` may be ahead.
const LIFE_S: i64 = 24 * 3600;
/// The beginning of a P-256 key in `SubjectPublicKeyInfo`: all of it but the point.
const SPKI: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

#[derive(Deserialize)]
struct JoseHeader {
    alg: String,
    typ: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    aud: String,
    exp: i64,
    sub: Option<String>,
}

/// The two parameters of an `Authorization: vapid` header.
fn parameters(authorization: &str) -> Option<(&str, &str)> {
    let (mut token, mut key) = (None, None);
    for parameter in authorization.strip_prefix("vapid ")?.split(',') {
        match parameter.trim().split_once('=')? {
            ("t", value) if token.is_none() => token = Some(value),
            ("k", value) if key.is_none() => key = Some(value),
            _ => return None,
        }
    }
    token.zip(key)
}

/// The public key of the sender, if all is in order; else what is not.
pub(super) fn check(
    authorization: &str,
    origin: &str,
    now: Timestamp,
    log: &TokenLog,
) -> Result<Vec<u8>, &'static str> {
    let (token, key) = parameters(authorization).ok_or("not `vapid t=…, k=…`")?;
    let point = URL_SAFE_NO_PAD.decode(key).map_err(|_| "k is not unpadded base64url")?;
    let [4, coordinates @ ..] = point.as_slice() else { return Err("k is no uncompressed point") };
    let (x, y) =
        coordinates.split_at_checked(32).filter(|(_, y)| y.len() == 32).ok_or("k is no P-256 key")?;
    let decoding = DecodingKey::from_ec_components(&URL_SAFE_NO_PAD.encode(x), &URL_SAFE_NO_PAD.encode(y))
        .map_err(|_| "k is no P-256 key")?;
    let jws = Jws::<JoseHeader, Claims>::read(token).ok_or("t is no JWT with aud and exp")?;
    let ahead_s = jws.claims.exp - now.as_second();
    let subject = jws.claims.sub.as_deref();
    let wrong = [
        (jws.header.alg != "ES256", "alg is not ES256"),
        (jws.header.typ.as_deref().is_some_and(|typ| typ != "JWT"), "typ is not JWT"),
        (!jws.is_signed_by(&decoding, Algorithm::ES256), "the signature is not of k"),
        (jws.claims.aud != origin, "aud is not this origin"),
        (ahead_s <= 0, "exp is in the past"),
        (ahead_s > LIFE_S, "exp is more than 24 hours ahead"),
        (
            !subject.is_some_and(|sub| sub.starts_with("mailto:") || sub.starts_with("https:")),
            "sub is no mailto: or https: URI",
        ),
    ];
    if let Some((_, what)) = wrong.into_iter().find(|(is_wrong, _)| *is_wrong) {
        return Err(what);
    }
    log.add("vapid", token, &pem(&point), now, &json!({ "aud": origin }));
    Ok(point)
}

fn pem(point: &[u8]) -> String {
    let der = base64::engine::general_purpose::STANDARD.encode([&SPKI[..], point].concat());
    let (first, second) = der.split_at(64);
    format!("-----BEGIN PUBLIC KEY-----\n{first}\n{second}\n-----END PUBLIC KEY-----\n")
}

//! VAPID (RFC 8292): how a push service knows who sends.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Url;
use ringback_core::protocol::{PushToken, Timestamp};
use serde::Serialize;
use web_push_native::p256::SecretKey;
use web_push_native::p256::elliptic_curve::rand_core::OsRng;
use web_push_native::p256::elliptic_curve::sec1::ToEncodedPoint;
use web_push_native::p256::pkcs8::{DecodePrivateKey, EncodePrivateKey, LineEnding};
use zeroize::Zeroizing;

use super::message::BASE64URL;

/// A service takes at most 24 hours. Half of it leaves room for a clock that is fast.
const LIFE_S: i64 = 12 * 3600;
/// A token is made anew when this much is left of it.
const RENEW_BEFORE_S: i64 = 6 * 3600;
/// Browsers have a handful of push services; more are made up.
const MAX_ORIGINS: usize = 256;

/// Why there is no VAPID identity in what was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidVapid {
    /// Not a key.
    #[error("the VAPID key is neither a PKCS#8 PEM of a P-256 key nor its 32 bytes in base64url")]
    Key,
    /// Nothing that a push service can write to.
    #[error("the VAPID subject is neither mailto: with an address nor an https:// URL")]
    Subject,
}

/// The key pair that subscriptions are made for.
pub struct VapidKey(SecretKey);

impl VapidKey {
    /// Makes a pair.
    pub fn generate() -> Self {
        Self(SecretKey::random(&mut OsRng))
    }

    /// Reads either form: PKCS#8 PEM, or the private key's 32 bytes in base64url, which most tools print.
    pub fn parse(text: &str) -> Result<Self, InvalidVapid> {
        let text = text.trim();
        if text.starts_with("-----BEGIN") {
            return SecretKey::from_pkcs8_pem(text).map(Self).map_err(|_| InvalidVapid::Key);
        }
        let bytes = Zeroizing::new(BASE64URL.decode(text).map_err(|_| InvalidVapid::Key)?);
        SecretKey::from_slice(&bytes).ok().filter(|_| bytes.len() == 32).map(Self).ok_or(InvalidVapid::Key)
    }

    /// The private key as it is stored.
    pub fn private_key(&self) -> PushToken {
        BASE64URL.encode(self.0.to_bytes()).into()
    }

    /// What the web app gives its browser as `applicationServerKey`.
    pub fn public_key(&self) -> String {
        BASE64URL.encode(self.0.public_key().to_encoded_point(false))
    }

    fn signing_key(&self) -> Result<EncodingKey, InvalidVapid> {
        let pem = self.0.to_pkcs8_pem(LineEnding::LF).map_err(|_| InvalidVapid::Key)?;
        EncodingKey::from_ec_pem(pem.as_bytes()).map_err(|_| InvalidVapid::Key)
    }
}

#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    exp: i64,
    sub: &'a str,
}

#[derive(Clone)]
struct Minted {
    authorization: Arc<str>,
    expires_at_s: i64,
}

/// One token for all sends to a push service. Signing takes microseconds, so a plain lock is the single flight.
pub(super) struct VapidTokens {
    key: EncodingKey,
    public_key: String,
    subject: String,
    by_origin: Mutex<HashMap<String, Minted>>,
}

impl VapidTokens {
    pub(super) fn new(private_key: &PushToken, subject: &str) -> Result<Self, InvalidVapid> {
        let key = VapidKey::parse(private_key.expose())?;
        check_subject(subject)?;
        Ok(Self {
            key: key.signing_key()?,
            public_key: key.public_key(),
            subject: subject.to_owned(),
            by_origin: Mutex::default(),
        })
    }

    /// The value of the `authorization` header for the push service of this endpoint.
    pub(super) fn authorization(
        &self,
        endpoint: &Url,
        now: Timestamp,
    ) -> Result<Arc<str>, jsonwebtoken::errors::Error> {
        // With its port, when that is not 443.
        let origin = endpoint.origin().ascii_serialization();
        let now_s = now.as_second();
        let mut by_origin = self.by_origin.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(minted) = by_origin.get(&origin).filter(|minted| is_fresh(minted.expires_at_s, now_s)) {
            return Ok(minted.authorization.clone());
        }
        let expires_at_s = now_s + LIFE_S;
        let claims = Claims { aud: &origin, exp: expires_at_s, sub: &self.subject };
        let token = jsonwebtoken::encode(&Header::new(Algorithm::ES256), &claims, &self.key)?;
        let authorization: Arc<str> = format!("vapid t={token}, k={}", self.public_key).into();
        if by_origin.len() >= MAX_ORIGINS {
            by_origin.clear();
        }
        by_origin.insert(origin, Minted { authorization: authorization.clone(), expires_at_s });
        Ok(authorization)
    }
}

/// A token that lives longer than any is made for is not fresh either: the clock was set back, and a service would
/// refuse it.
fn is_fresh(expires_at_s: i64, now_s: i64) -> bool {
    (RENEW_BEFORE_S + 1..=LIFE_S).contains(&(expires_at_s - now_s))
}

/// Apple refuses pushes whose subject is not one of these.
fn check_subject(subject: &str) -> Result<(), InvalidVapid> {
    let url = Url::parse(subject).map_err(|_| InvalidVapid::Subject)?;
    let is_address = || {
        let parts = url.path().split_once('@');
        parts.is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'))
    };
    let reachable = match url.scheme() {
        "mailto" => is_address(),
        "https" => url.has_host(),
        _ => false,
    };
    if reachable && !subject.contains(char::is_whitespace) { Ok(()) } else { Err(InvalidVapid::Subject) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use proptest::prelude::*;
    use serde_json::Value;

    const SUBJECT: &str = "mailto:push@example.com";

    fn tokens() -> VapidTokens {
        VapidTokens::new(&VapidKey::generate().private_key(), SUBJECT).unwrap()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn minted(tokens: &VapidTokens, endpoint: &str, second: i64) -> Arc<str> {
        tokens.authorization(&endpoint.parse().unwrap(), at(second)).unwrap()
    }

    fn claims(authorization: &str) -> Value {
        let token = authorization.strip_prefix("vapid t=").unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
    }

    #[test]
    fn the_audience_is_the_origin_with_its_port() {
        let tokens = tokens();
        for (endpoint, audience) in [
            ("https://push.example.net/push/abc?x=1", "https://push.example.net"),
            ("https://push.example.net:443/push/abc", "https://push.example.net"),
            ("https://push.example.net:8443/push/abc", "https://push.example.net:8443"),
            ("https://[2606:4700::1]:8443/push/abc", "https://[2606:4700::1]:8443"),
        ] {
            assert_eq!(claims(&minted(&tokens, endpoint, 1_000_000))["aud"], audience);
        }
    }

    #[test]
    fn the_token_is_what_the_rfc_asks_for() {
        let key = VapidKey::generate();
        let tokens = VapidTokens::new(&key.private_key(), SUBJECT).unwrap();
        let authorization = minted(&tokens, "https://push.example.net/a", 1_000_000);
        assert_eq!(
            claims(&authorization),
            serde_json::json!({"aud": "https://push.example.net", "exp": 1_000_000 + 12 * 3600, "sub": SUBJECT})
        );
        let (token, public) = authorization.strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
        assert_eq!(public, key.public_key());
        let point = URL_SAFE_NO_PAD.decode(public).unwrap();
        assert_eq!((point.len(), point[0]), (65, 4));
        let coordinate = |range: std::ops::Range<usize>| URL_SAFE_NO_PAD.encode(&point[range]);
        let verifier =
            jsonwebtoken::DecodingKey::from_ec_components(&coordinate(1..33), &coordinate(33..65)).unwrap();
        let mut validation = jsonwebtoken::Validation::new(Algorithm::ES256);
        validation.set_audience(&["https://push.example.net"]);
        validation.validate_exp = false;
        jsonwebtoken::decode::<Value>(token, &verifier, &validation).unwrap();
    }

    #[test]
    fn each_service_has_one_token_until_half_of_its_life_is_over() {
        let tokens = tokens();
        let first = minted(&tokens, "https://a.example.net/1", 1_000_000);
        assert_eq!(minted(&tokens, "https://a.example.net/2", 1_000_000 + 6 * 3600 - 1), first);
        assert_ne!(minted(&tokens, "https://b.example.net/1", 1_000_000), first);
        assert_ne!(minted(&tokens, "https://a.example.net/1", 1_000_000 + 6 * 3600), first);
        assert_ne!(minted(&tokens, "https://a.example.net/1", 999_000), first, "the clock was set back");
    }

    #[test]
    fn made_up_services_do_not_fill_the_memory() {
        let tokens = tokens();
        for port in 1..=2 * MAX_ORIGINS {
            minted(&tokens, &format!("https://push.example.net:{port}/"), 1_000_000);
        }
        assert!(tokens.by_origin.lock().unwrap().len() <= MAX_ORIGINS);
    }

    #[test]
    fn both_forms_of_a_key_are_the_same_key() {
        let key = VapidKey::generate();
        let pem = key.0.to_pkcs8_pem(LineEnding::LF).unwrap();
        let raw = key.private_key();
        let padded = format!("{}=\n", raw.expose());
        for text in [pem.as_str(), raw.expose(), &padded] {
            assert_eq!(VapidKey::parse(text).unwrap().public_key(), key.public_key());
        }
        // RFC 8291, appendix A: a pair of the standard.
        let known = VapidKey::parse("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94").unwrap();
        assert_eq!(
            known.public_key(),
            "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
        );
    }

    #[test]
    fn what_is_no_key_or_no_subject_is_refused() {
        let zero = "A".repeat(43);
        let long = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94AAAA";
        let pem = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        for wrong in ["", "secret words", &zero, long, pem] {
            assert_eq!(VapidKey::parse(wrong).err(), Some(InvalidVapid::Key), "{wrong}");
        }
        let key = VapidKey::generate().private_key();
        let subject = |subject: &str| VapidTokens::new(&key, subject).err();
        for right in ["mailto:push@example.com", "https://example.com/contact"] {
            assert_eq!(subject(right), None, "{right}");
        }
        for wrong in [
            "",
            "push@example.com",
            "mailto:",
            "mailto:push",
            "mailto: push@example.com",
            "http://example.com",
        ] {
            assert_eq!(subject(wrong), Some(InvalidVapid::Subject), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_token_in_use_is_refused_for_its_age(minted_at_s in 0i64..200_000, now_s in 0i64..200_000) {
            let left_s = minted_at_s + LIFE_S - now_s;
            if is_fresh(minted_at_s + LIFE_S, now_s) {
                prop_assert!(left_s > 6 * 3600 && left_s <= 24 * 3600);
            } else {
                prop_assert!(left_s <= 6 * 3600 || now_s < minted_at_s);
            }
        }
    }
}

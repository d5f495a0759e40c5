//! One push for a browser, and what must hold before it leaves.

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use reqwest::Url;
use ringback_core::protocol::PushToken;
use web_push_native::p256::PublicKey;
use web_push_native::{Auth, encrypt};

use crate::public_net::{ForbiddenUrl, PublicNet};

/// How much it matters, `Urgency`: a device that saves its battery may wait with the lower ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebPushUrgency {
    /// When the device has power and Wi-Fi.
    VeryLow,
    /// When it has either.
    Low,
    /// When it has neither, if its battery is not low.
    Normal,
    /// Always. Use it for what is shown to the person at once.
    High,
}

impl WebPushUrgency {
    pub(super) fn header(self) -> &'static str {
        match self {
            Self::VeryLow => "very-low",
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
        }
    }
}

/// One push to one subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebPush {
    /// The subscription's `endpoint`. Who has it can send to the browser.
    pub endpoint: PushToken,
    /// The subscription's key `p256dh`, base64url.
    pub p256dh: PushToken,
    /// The subscription's secret `auth`, base64url.
    pub auth: PushToken,
    /// How long the service keeps it for a browser it cannot reach; 0 = tries once.
    pub ttl_s: u32,
    /// How much it matters.
    pub urgency: WebPushUrgency,
    /// A later push with the same topic replaces this one while it waits: 1 to 32 of the characters of base64url.
    pub topic: Option<String>,
    /// What the service worker is told; at most 3993 bytes.
    pub payload: Vec<u8>,
}

/// Why a push was not sent at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidWebPush {
    /// Not a URL to follow.
    #[error("the endpoint is not one to send to: {0}")]
    Endpoint(#[from] ForbiddenUrl),
    /// Not a point on the curve.
    #[error("the subscription's p256dh is not a P-256 key in base64url")]
    Key,
    /// Not 16 bytes.
    #[error("the subscription's auth is not 16 bytes in base64url")]
    Auth,
    /// Another length, or other characters.
    #[error("the topic must be 1 to 32 characters of base64url")]
    Topic,
    /// More than fits one record of 4096 bytes.
    #[error("the payload has {bytes} bytes, more than the {MAX_PAYLOAD_BYTES} that push services take")]
    PayloadTooLarge {
        /// Its size.
        bytes: usize,
    },
    /// It cannot be encrypted.
    #[error("the payload cannot be encrypted")]
    Encryption,
}

/// What every service takes of a body (RFC 8030, 7.2).
const MAX_BODY_BYTES: usize = 4096;
/// Salt, record size and the sender's key before the record (RFC 8188, 2.1); the mark of the last record and the
/// authentication tag in it.
const ENCRYPTION_BYTES: usize = 16 + 4 + 1 + 65 + 1 + 16;
const MAX_PAYLOAD_BYTES: usize = MAX_BODY_BYTES - ENCRYPTION_BYTES;
const MAX_TOPIC_CHARS: usize = 32;

/// Browsers leave the padding off; some libraries between them and us put it on.
pub(super) const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What goes over the wire for a valid push.
pub(super) struct Prepared {
    pub(super) url: Url,
    pub(super) body: Vec<u8>,
}

impl WebPush {
    pub(super) fn prepare(&self, net: &PublicNet) -> Result<Prepared, InvalidWebPush> {
        let url = net.check_url(self.endpoint.expose())?;
        let p256dh = BASE64URL.decode(self.p256dh.expose()).map_err(|_| InvalidWebPush::Key)?;
        let p256dh = PublicKey::from_sec1_bytes(&p256dh).map_err(|_| InvalidWebPush::Key)?;
        let auth = BASE64URL.decode(self.auth.expose()).map_err(|_| InvalidWebPush::Auth)?;
        let auth: [u8; 16] = auth.try_into().map_err(|_| InvalidWebPush::Auth)?;
        if self.topic.as_deref().is_some_and(|topic| !is_topic(topic)) {
            return Err(InvalidWebPush::Topic);
        }
        if self.payload.len() > MAX_PAYLOAD_BYTES {
            return Err(InvalidWebPush::PayloadTooLarge { bytes: self.payload.len() });
        }
        let body = encrypt(self.payload.clone(), &p256dh, &Auth::from(auth))
            .map_err(|_| InvalidWebPush::Encryption)?;
        Ok(Prepared { url, body })
    }
}

fn is_topic(topic: &str) -> bool {
    (1..=MAX_TOPIC_CHARS).contains(&topic.len())
        && topic.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use web_push_native::{decrypt, p256::SecretKey};

    /// The browser's key in RFC 8291, appendix A.
    const BROWSER_KEY: &str = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94";

    fn push() -> WebPush {
        WebPush {
            endpoint: "https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV".into(),
            p256dh: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
                .into(),
            auth: "BTBZMqHH6r4Tts7J_aSIgg".into(),
            ttl_s: 45,
            urgency: WebPushUrgency::High,
            topic: Some("agent_ready".into()),
            payload: b"When I grow up, I want to be a watermelon".to_vec(),
        }
    }

    fn prepared(push: &WebPush) -> Prepared {
        push.prepare(&PublicNet::default()).unwrap_or_else(|error| panic!("{error}"))
    }

    fn refusal(change: impl FnOnce(&mut WebPush)) -> InvalidWebPush {
        let mut push = push();
        change(&mut push);
        push.prepare(&PublicNet::default()).err().unwrap()
    }

    fn read(body: Vec<u8>) -> Vec<u8> {
        let key = SecretKey::from_slice(&BASE64URL.decode(BROWSER_KEY).unwrap()).unwrap();
        let auth: [u8; 16] = BASE64URL.decode("BTBZMqHH6r4Tts7J_aSIgg").unwrap().try_into().unwrap();
        decrypt(body, &key, &Auth::from(auth)).unwrap()
    }

    #[test]
    fn the_browser_reads_what_was_written() {
        assert_eq!(read(prepared(&push()).body), push().payload);
        let padded = WebPush { auth: "BTBZMqHH6r4Tts7J_aSIgg==".into(), ..push() };
        assert_eq!(read(prepared(&padded).body), push().payload);
    }

    #[test]
    fn no_two_bodies_are_alike() {
        let [first, second] = [prepared(&push()).body, prepared(&push()).body];
        assert_ne!(first[..16], second[..16], "the salt");
        assert_ne!(first[21..86], second[21..86], "the sender's key");
    }

    #[test]
    fn what_a_service_would_refuse_does_not_leave() {
        let inside = refusal(|push| push.endpoint = "https://10.0.0.1/x".into());
        assert_eq!(inside, InvalidWebPush::Endpoint(ForbiddenUrl::NotPublic));
        let plain = refusal(|push| push.endpoint = "http://push.example.net/x".into());
        assert_eq!(plain, InvalidWebPush::Endpoint(ForbiddenUrl::NotHttps));
        // Empty, not base64url, no point, a point that is not on the curve.
        let off_curve = format!("BA{}", "A".repeat(85));
        for key in ["", "+/", "AAAA", &off_curve] {
            assert_eq!(refusal(|push| push.p256dh = key.into()), InvalidWebPush::Key, "{key}");
        }
        for auth in ["", "+/", "AAAA", "BTBZMqHH6r4Tts7J_aSIggAA"] {
            assert_eq!(refusal(|push| push.auth = auth.into()), InvalidWebPush::Auth, "{auth}");
        }
        for topic in ["", "a b", "a\r\nb", "a/b", &"x".repeat(33)] {
            assert_eq!(refusal(|push| push.topic = Some(topic.into())), InvalidWebPush::Topic, "{topic}");
        }
        let large = refusal(|push| push.payload = vec![b'x'; 3994]);
        assert_eq!(large, InvalidWebPush::PayloadTooLarge { bytes: 3994 });
    }

    #[test]
    fn what_opens_the_browser_is_not_printed() {
        let printed = format!("{:?}", WebPush { payload: Vec::new(), ..push() });
        for secret in ["JzLQ3raZ", "BCVxsr7N", "BTBZMqHH"] {
            assert!(!printed.contains(secret), "{printed}");
        }
    }

    proptest! {
        #[test]
        fn any_payload_that_is_taken_fits_one_record(payload in proptest::collection::vec(any::<u8>(), 0..4200)) {
            let push = WebPush { payload: payload.clone(), ..push() };
            match push.prepare(&PublicNet::default()) {
                Ok(prepared) => {
                    prop_assert!(prepared.body.len() <= 4096);
                    let record_size = u32::from_be_bytes(prepared.body[16..20].try_into().unwrap());
                    prop_assert!(prepared.body.len() - 86 <= record_size as usize);
                    prop_assert_eq!(read(prepared.body), payload);
                }
                Err(refused) => {
                    prop_assert_eq!(refused, InvalidWebPush::PayloadTooLarge { bytes: payload.len() });
                    prop_assert!(payload.len() > 3993);
                }
            }
        }
    }
}

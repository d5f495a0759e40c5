//! A client for the push services of browsers: Web Push (RFC 8030) with encrypted messages (RFC 8291) and VAPID.

mod classify;
mod message;
mod vapid;

use std::time::Duration;

use reqwest::Url;
use reqwest::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use ringback_core::protocol::{PushToken, Timestamp};

pub use self::classify::classify;
use self::message::Prepared;
pub use self::message::{InvalidWebPush, WebPush, WebPushUrgency};
use self::vapid::VapidTokens;
pub use self::vapid::{InvalidVapid, VapidKey};
use super::connection::{ConnectionSettings, PushSettingsError, no_answer};
use super::outcome::{Outcome, parse_retry_after};
use crate::public_net::{PublicNet, is_forbidden};

/// What a [`WebPushClient`] is made of.
#[derive(Debug, Clone)]
pub struct WebPushSettings {
    /// The VAPID key, as [`VapidKey::parse`] reads it.
    pub private_key: PushToken,
    /// Whom a push service writes to when something is wrong: `mailto:` or `https:`.
    pub subject: String,
    /// Where endpoints may lead to.
    pub net: PublicNet,
    /// Time-outs and trust.
    pub connection: ConnectionSettings,
}

/// The road to every browser that subscribed with one VAPID key. Make it once and share it.
pub struct WebPushClient {
    http: reqwest::Client,
    net: PublicNet,
    tokens: VapidTokens,
}

/// Anybody's server may be at the other end: an idle connection to it is not kept for long.
const IDLE: Duration = Duration::from_secs(90);
/// A message's name is no longer at any service; what is, is somebody's joke.
const MAX_PROVIDER_ID_BYTES: usize = 512;

impl WebPushClient {
    /// Checks the settings; connects on the first push.
    pub fn new(settings: &WebPushSettings) -> Result<Self, PushSettingsError> {
        let tokens = VapidTokens::new(&settings.private_key, &settings.subject)?;
        let builder = settings.connection.client_builder()?.pool_idle_timeout(IDLE);
        let http = settings.net.guard(builder).build().map_err(PushSettingsError::Tls)?;
        Ok(Self { http, net: settings.net.clone(), tokens })
    }

    /// Sends one push and says what became of it.
    pub async fn send(&self, push: &WebPush) -> Result<Outcome, InvalidWebPush> {
        let prepared = push.prepare(&self.net)?;
        match self.tokens.authorization(&prepared.url, Timestamp::now()) {
            Ok(authorization) => Ok(self.post(push, prepared, &authorization).await),
            Err(error) => {
                tracing::error!(%error, "the VAPID token could not be signed");
                Ok(Outcome::LaneBlocked { reason: "cannot_sign".to_owned() })
            }
        }
    }

    async fn post(&self, push: &WebPush, prepared: Prepared, authorization: &str) -> Outcome {
        let mut request = self
            .http
            .post(prepared.url)
            .header(AUTHORIZATION, authorization)
            .header(CONTENT_TYPE, "application/octet-stream")
            .header(CONTENT_ENCODING, "aes128gcm")
            .header("ttl", push.ttl_s)
            .header("urgency", push.urgency.header());
        if let Some(topic) = &push.topic {
            request = request.header("topic", topic);
        }
        match request.body(prepared.body).send().await {
            Ok(answer) => read_answer(&answer),
            Err(error) if is_forbidden(&error) => Outcome::TokenRejected { reason: "not_public".to_owned() },
            Err(error) => no_answer(&error),
        }
    }
}

/// The body is not read: it says nothing in common words, and a stranger's may have no end.
fn read_answer(answer: &reqwest::Response) -> Outcome {
    let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
    if answer.status().is_success() {
        return Outcome::Delivered { provider_id: message_name(answer.url(), header(LOCATION)) };
    }
    let retry_after = header(RETRY_AFTER).and_then(|value| parse_retry_after(value, Timestamp::now()));
    classify(answer.status().as_u16(), retry_after)
}

/// The end of the message's own URL. The whole would be an address to act on, and often has the subscription in it.
fn message_name(endpoint: &Url, location: Option<&str>) -> String {
    location
        .and_then(|location| endpoint.join(location).ok())
        .filter(|url| url != endpoint)
        .and_then(|url| url.path_segments()?.next_back().map(str::to_owned))
        .filter(|name| name.len() <= MAX_PROVIDER_ID_BYTES)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_known_by_the_end_of_its_url() {
        let endpoint: Url = "https://push.example.net/push/secret".parse().unwrap();
        let long = format!("/m/{}", "x".repeat(513));
        for (location, name) in [
            (
                Some("https://push.example.net/message/qDIYHNcfAIPP_5ITvURr-d6BGt"),
                "qDIYHNcfAIPP_5ITvURr-d6BGt",
            ),
            (Some("/m/1?x=y"), "1"),
            (Some("https://push.example.net/push/secret"), ""),
            (Some("https://push.example.net"), ""),
            (Some("https://"), ""),
            (Some(&long), ""),
            (None, ""),
        ] {
            assert_eq!(message_name(&endpoint, location), name, "{location:?}");
        }
    }
}

//! A client for the Apple Push Notification service over HTTP/2 with provider tokens.

mod classify;
mod message;
mod provider_token;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use ringback_core::protocol::{ApnsEnvironment, Timestamp};
use serde::Deserialize;

pub use self::classify::classify;
use self::message::Prepared;
pub use self::message::{ApnsExpiration, ApnsPriority, ApnsPush, ApnsPushType, InvalidApnsPush};
pub use self::provider_token::ApnsKey;
use self::provider_token::ProviderTokens;
use super::connection::{ConnectionSettings, PushSettingsError, checked_endpoint, no_answer};
use super::outcome::{Outcome, parse_retry_after};

/// What an [`ApnsClient`] is made of.
#[derive(Debug, Clone)]
pub struct ApnsSettings {
    /// `https://host[:port]`; [`apns_endpoint`] gives Apple's own.
    pub endpoint: String,
    /// The signing key of the team.
    pub key: ApnsKey,
    /// Time-outs and trust.
    pub connection: ConnectionSettings,
}

/// Apple's endpoint for an environment.
pub fn apns_endpoint(environment: ApnsEnvironment) -> &'static str {
    match environment {
        ApnsEnvironment::Production => "https://api.push.apple.com",
        ApnsEnvironment::Sandbox => "https://api.sandbox.push.apple.com",
    }
}

/// One team's road to one of Apple's environments: one connection, one provider token. Make it once and share it.
pub struct ApnsClient {
    endpoint: String,
    http: reqwest::Client,
    tokens: ProviderTokens,
}

/// The body of a refusal.
#[derive(Deserialize, Default)]
struct Refusal {
    #[serde(default)]
    reason: String,
    /// Milliseconds since 1970.
    timestamp: Option<i64>,
}

impl ApnsClient {
    /// Checks the settings; connects on the first push.
    pub fn new(settings: &ApnsSettings) -> Result<Self, PushSettingsError> {
        let http = settings
            .connection
            .client_builder()?
            // APNs speaks nothing else, and a client that knows it opens one connection for many pushes at once
            // instead of one for each.
            .http2_prior_knowledge()
            .build()
            .map_err(PushSettingsError::Tls)?;
        Ok(Self {
            endpoint: checked_endpoint(&settings.endpoint)?,
            http,
            tokens: ProviderTokens::new(&settings.key)?,
        })
    }

    /// Sends one push and says what became of it. An expired provider token is renewed and the push sent once more,
    /// under the same `apns-id`, before [`Outcome::RenewCredential`] is given.
    pub async fn send(&self, push: &ApnsPush) -> Result<Outcome, InvalidApnsPush> {
        let prepared = push.prepare()?;
        let authorization = match self.tokens.authorization(Timestamp::now()) {
            Ok(authorization) => authorization,
            Err(error) => return Ok(cannot_sign(&error)),
        };
        let outcome = self.post(push, &prepared, &authorization).await;
        if outcome != Outcome::RenewCredential {
            return Ok(outcome);
        }
        match self.tokens.after_refusal(&authorization, Timestamp::now()) {
            Ok(Some(renewed)) => Ok(self.post(push, &prepared, &renewed).await),
            Ok(None) => Ok(outcome),
            Err(error) => Ok(cannot_sign(&error)),
        }
    }

    async fn post(&self, push: &ApnsPush, prepared: &Prepared, authorization: &str) -> Outcome {
        let url = format!("{}/3/device/{}", self.endpoint, push.device_token.expose());
        let mut request = self
            .http
            .post(url)
            .header(AUTHORIZATION, authorization)
            .header(CONTENT_TYPE, "application/json")
            .header("apns-id", push.apns_id.to_string())
            .header("apns-topic", &prepared.topic)
            .header("apns-push-type", push.push_type.header())
            .header("apns-priority", push.priority.header())
            .header("apns-expiration", push.expiration.header());
        if let Some(collapse_id) = &push.collapse_id {
            request = request.header("apns-collapse-id", collapse_id);
        }
        match request.body(prepared.body.clone()).send().await {
            Ok(answer) => read_answer(push, answer).await,
            Err(error) => no_answer(&error),
        }
    }
}

async fn read_answer(push: &ApnsPush, answer: reqwest::Response) -> Outcome {
    let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok());
    let status = answer.status().as_u16();
    if status == 200 {
        let provider_id = header("apns-id").map_or_else(|| push.apns_id.to_string(), str::to_owned);
        return Outcome::Delivered { provider_id };
    }
    let retry_after =
        header(RETRY_AFTER.as_str()).and_then(|value| parse_retry_after(value, Timestamp::now()));
    // The status alone decides when the body is lost or is not Apple's.
    let refusal: Refusal = match answer.bytes().await {
        Ok(body) => serde_json::from_slice(&body).unwrap_or_default(),
        Err(_) => Refusal::default(),
    };
    let timestamp = refusal.timestamp.and_then(|ms| Timestamp::from_millisecond(ms).ok());
    classify(status, &refusal.reason, timestamp, retry_after)
}

fn cannot_sign(error: &jsonwebtoken::errors::Error) -> Outcome {
    tracing::error!(%error, "the APNs provider token could not be signed");
    Outcome::LaneBlocked { reason: "cannot_sign".to_owned() }
}

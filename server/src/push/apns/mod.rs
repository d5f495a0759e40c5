//! A client for the Apple Push Notification service over HTTP/2 with provider tokens.

mod classify;
mod message;
mod provider_token;

use http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue};
use ringback_core::protocol::{ApnsEnvironment, Timestamp};
use serde::Deserialize;
use uuid::Uuid;

pub use self::classify::classify;
use self::message::Prepared;
pub use self::message::{ApnsExpiration, ApnsPayload, ApnsPriority, ApnsPush, ApnsPushType, InvalidApnsPush};
pub use self::provider_token::ApnsKey;
use self::provider_token::ProviderTokens;
use super::connection::{ConnectionSettings, PushSettingsError};
use super::http2::{Answer, Http2Client};
use super::outcome::{Outcome, parse_retry_after};

const APNS_ID: HeaderName = HeaderName::from_static("apns-id");
const APNS_TOPIC: HeaderName = HeaderName::from_static("apns-topic");
const APNS_PUSH_TYPE: HeaderName = HeaderName::from_static("apns-push-type");
const APNS_PRIORITY: HeaderName = HeaderName::from_static("apns-priority");
const APNS_EXPIRATION: HeaderName = HeaderName::from_static("apns-expiration");
const APNS_COLLAPSE_ID: HeaderName = HeaderName::from_static("apns-collapse-id");

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

/// One team's road to one of Apple's environments: few connections, one provider token. Make it once and share it.
pub struct ApnsClient {
    http: Http2Client,
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
        Ok(Self {
            http: Http2Client::new(&settings.endpoint, &settings.connection)?,
            tokens: ProviderTokens::new(&settings.key)?,
        })
    }

    /// Sends one push and says what became of it. An expired provider token is renewed and the push sent once more,
    /// under the same `apns-id`, before [`Outcome::RenewCredential`] is given.
    pub async fn send<P: ApnsPayload>(&self, push: &ApnsPush<P>) -> Result<Outcome, InvalidApnsPush> {
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

    async fn post<P>(&self, push: &ApnsPush<P>, prepared: &Prepared, authorization: &HeaderValue) -> Outcome {
        let headers = || {
            let mut headers = HeaderMap::with_capacity(8);
            headers.insert(AUTHORIZATION, authorization.clone());
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            headers.insert(APNS_ID, prepared.apns_id.clone());
            headers.insert(APNS_TOPIC, prepared.topic.clone());
            headers.insert(APNS_PUSH_TYPE, HeaderValue::from_static(push.push_type.header()));
            headers.insert(APNS_PRIORITY, HeaderValue::from_static(push.priority.header()));
            headers.insert(APNS_EXPIRATION, prepared.expiration.clone());
            if let Some(collapse_id) = &prepared.collapse_id {
                headers.insert(APNS_COLLAPSE_ID, collapse_id.clone());
            }
            headers
        };
        match self.http.post(&prepared.path, headers, &prepared.body).await {
            Ok(answer) => read_answer(push.apns_id, &answer),
            Err(no_answer) => no_answer.into(),
        }
    }
}

fn read_answer(apns_id: Uuid, answer: &Answer) -> Outcome {
    if answer.status == 200 {
        let provider_id = answer.header(APNS_ID).map_or_else(|| apns_id.to_string(), str::to_owned);
        return Outcome::Delivered { provider_id };
    }
    let retry_after = answer.header(RETRY_AFTER).and_then(|value| parse_retry_after(value, Timestamp::now()));
    // The status alone decides when the body is lost or is not Apple's.
    let refusal: Refusal = serde_json::from_slice(&answer.body).unwrap_or_default();
    let timestamp = refusal.timestamp.and_then(|ms| Timestamp::from_millisecond(ms).ok());
    classify(answer.status, &refusal.reason, timestamp, retry_after)
}

fn cannot_sign(error: &jsonwebtoken::errors::Error) -> Outcome {
    tracing::error!(%error, "the APNs provider token could not be signed");
    Outcome::LaneBlocked { reason: "cannot_sign".to_owned() }
}

//! A client for Firebase Cloud Messaging, HTTP v1.

mod classify;
mod message;
mod service_account;

use reqwest::header::{AUTHORIZATION, RETRY_AFTER};
use ringback_core::protocol::Timestamp;
use serde::Deserialize;
use zeroize::Zeroizing;

pub use self::classify::{FcmRefusal, classify};
use self::message::SendMessageRequest;
pub use self::message::{FcmNotification, FcmPriority, FcmPush, FcmTarget, FcmText, InvalidFcmPush};
use self::service_account::ServiceAccount;
use super::connection::{ConnectionSettings, PushSettingsError, checked_endpoint, no_answer};
use super::outcome::{Outcome, parse_retry_after};

/// Google's endpoint.
pub const FCM_ENDPOINT: &str = "https://fcm.googleapis.com";

/// What an [`FcmClient`] is made of.
#[derive(Clone)]
pub struct FcmSettings {
    /// `https://host[:port]`; usually [`FCM_ENDPOINT`].
    pub endpoint: String,
    /// The file that Google's console hands out. Its `token_uri` is where tokens come from, its `project_id` where
    /// pushes go.
    pub service_account_json: Zeroizing<String>,
    /// Time-outs and trust.
    pub connection: ConnectionSettings,
}

impl std::fmt::Debug for FcmSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FcmSettings")
            .field("endpoint", &self.endpoint)
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}

/// One Firebase project's road to its devices: one pool of connections, one access token. Make it once and share it.
pub struct FcmClient {
    send_url: String,
    http: reqwest::Client,
    account: ServiceAccount,
}

#[derive(Deserialize)]
struct Sent {
    name: String,
}

impl FcmClient {
    /// Checks the settings; connects on the first push.
    pub fn new(settings: &FcmSettings) -> Result<Self, PushSettingsError> {
        let account = ServiceAccount::new(&settings.service_account_json)?;
        let endpoint = checked_endpoint(&settings.endpoint)?;
        Ok(Self {
            send_url: format!("{endpoint}/v1/projects/{}/messages:send", account.project_id),
            http: settings.connection.client_builder()?.build().map_err(PushSettingsError::Tls)?,
            account,
        })
    }

    /// Sends one push and says what became of it. An access token that Google does not take is renewed and the push
    /// sent once more before [`Outcome::RenewCredential`] is given.
    pub async fn send(&self, push: &FcmPush) -> Result<Outcome, InvalidFcmPush> {
        let request = push.prepare()?;
        Ok(self.send_with_renewal(&request).await.unwrap_or_else(|no_token| no_token))
    }

    async fn send_with_renewal(&self, request: &SendMessageRequest<'_>) -> Result<Outcome, Outcome> {
        let authorization = self.account.authorization(&self.http, None).await?;
        let outcome = self.post(request, &authorization).await;
        if outcome != Outcome::RenewCredential {
            return Ok(outcome);
        }
        let renewed = self.account.authorization(&self.http, Some(&authorization)).await?;
        Ok(self.post(request, &renewed).await)
    }

    async fn post(&self, request: &SendMessageRequest<'_>, authorization: &str) -> Outcome {
        let sent =
            self.http.post(&self.send_url).header(AUTHORIZATION, authorization).json(request).send().await;
        match sent {
            Ok(answer) => read_answer(answer).await,
            Err(error) => no_answer(&error),
        }
    }
}

async fn read_answer(answer: reqwest::Response) -> Outcome {
    let status = answer.status().as_u16();
    let retry_after = answer
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| parse_retry_after(value.to_str().ok()?, Timestamp::now()));
    let body = answer.bytes().await;
    if status == 200 {
        // Google has taken it, even if its name for it was lost on the way.
        let name =
            body.ok().and_then(|body| serde_json::from_slice::<Sent>(&body).ok()).map(|sent| sent.name);
        return Outcome::Delivered { provider_id: name.unwrap_or_default() };
    }
    let refusal = body.map(|body| FcmRefusal::parse(&body)).unwrap_or_default();
    classify(status, &refusal, retry_after)
}

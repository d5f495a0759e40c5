//! A client for Firebase Cloud Messaging, HTTP v1.

mod classify;
mod message;
mod service_account;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue};
use ringback_core::protocol::Timestamp;
use serde::Deserialize;
use zeroize::Zeroizing;

pub use self::classify::{FcmRefusal, classify};
pub use self::message::{FcmNotification, FcmPriority, FcmPush, FcmTarget, FcmText, InvalidFcmPush};
use self::service_account::MESSAGING;
pub(crate) use self::service_account::ServiceAccount;
use super::connection::{ConnectionSettings, PushSettingsError};
use super::http2::{Answer, Http2Client};
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

/// One Firebase project's road to its devices: few connections, one access token. Make it once and share it.
pub struct FcmClient {
    path: PathAndQuery,
    http: Http2Client,
    account: ServiceAccount,
}

#[derive(Deserialize)]
struct Sent {
    name: String,
}

impl FcmClient {
    /// Checks the settings; connects on the first push.
    pub fn new(settings: &FcmSettings) -> Result<Self, PushSettingsError> {
        let account = ServiceAccount::new(&settings.service_account_json, MESSAGING, &settings.connection)?;
        let path = format!("/v1/projects/{}/messages:send", account.project_id);
        let wrong_project = |_| PushSettingsError::ServiceAccount("project_id is not one".to_owned());
        Ok(Self {
            path: PathAndQuery::try_from(path).map_err(wrong_project)?,
            http: Http2Client::new(&settings.endpoint, &settings.connection)?,
            account,
        })
    }

    /// Sends one push and says what became of it. An access token that Google does not take is renewed and the push
    /// sent once more before [`Outcome::RenewCredential`] is given.
    pub async fn send(&self, push: &FcmPush) -> Result<Outcome, InvalidFcmPush> {
        let body = push.prepare()?.to_json();
        Ok(self.send_with_renewal(&body).await.unwrap_or_else(|no_token| no_token))
    }

    async fn send_with_renewal(&self, body: &Bytes) -> Result<Outcome, Outcome> {
        let authorization = self.account.authorization(None).await?;
        let outcome = self.post(body, &authorization).await;
        if outcome != Outcome::RenewCredential {
            return Ok(outcome);
        }
        let renewed = self.account.authorization(Some(&authorization)).await?;
        Ok(self.post(body, &renewed).await)
    }

    async fn post(&self, body: &Bytes, authorization: &HeaderValue) -> Outcome {
        let headers = || {
            let mut headers = HeaderMap::with_capacity(2);
            headers.insert(AUTHORIZATION, authorization.clone());
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            headers
        };
        match self.http.post(&self.path, headers, body).await {
            Ok(answer) => read_answer(&answer),
            Err(no_answer) => no_answer.into(),
        }
    }
}

fn read_answer(answer: &Answer) -> Outcome {
    if answer.status == 200 {
        // Google has taken it, even if its name for it was lost on the way.
        let name = serde_json::from_slice::<Sent>(&answer.body).map(|sent| sent.name);
        return Outcome::Delivered { provider_id: name.unwrap_or_default() };
    }
    let retry_after = answer.header(RETRY_AFTER).and_then(|value| parse_retry_after(value, Timestamp::now()));
    classify(answer.status, &FcmRefusal::parse(&answer.body), retry_after)
}

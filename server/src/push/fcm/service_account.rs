//! OAuth for a service account: the JWT bearer grant of RFC 7523, as Google documents it for server applications.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use http::HeaderValue;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use ringback_core::protocol::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::push::connection::{ConnectionSettings, PushSettingsError, no_answer};
use crate::push::outcome::{Outcome, parse_retry_after};

/// For sending pushes.
pub(super) const MESSAGING: &str = "https://www.googleapis.com/auth/firebase.messaging";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// Google takes no assertion that lives longer.
const ASSERTION_LIFE_S: i64 = 3600;
/// A token is renewed this long before it runs out, so that none runs out on its way.
const RENEW_BEFORE_S: i64 = 300;

/// The service account file of Google's console; what is not read here is let pass.
#[derive(Deserialize)]
struct Json {
    project_id: String,
    client_email: String,
    private_key_id: Option<String>,
    private_key: String,
    token_uri: String,
}

#[derive(Serialize)]
struct Assertion<'a> {
    iss: &'a str,
    scope: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: i64,
}

#[derive(Deserialize, Default)]
struct Refused {
    #[serde(default)]
    error: String,
}

#[derive(Clone)]
struct Token {
    authorization: HeaderValue,
    expires_at_s: i64,
}

type Renewal = Shared<BoxFuture<'static, Result<HeaderValue, Outcome>>>;

#[derive(Default)]
struct Access {
    token: Option<Token>,
    /// One fetch for all who wait, and its failure too.
    renewal: Option<Renewal>,
}

/// A service account and the access token it has at the moment.
pub(crate) struct ServiceAccount {
    pub(super) project_id: String,
    token_source: Arc<TokenSource>,
    access: Arc<Mutex<Access>>,
}

/// What access tokens are asked for with.
struct TokenSource {
    client_email: String,
    scope: &'static str,
    token_uri: String,
    header: Header,
    key: EncodingKey,
    http: reqwest::Client,
}

impl ServiceAccount {
    /// Reads the file; its tokens are asked for with this scope.
    pub(crate) fn new(
        json: &str,
        scope: &'static str,
        connection: &ConnectionSettings,
    ) -> Result<Self, PushSettingsError> {
        let json: Json =
            serde_json::from_str(json).map_err(|error| PushSettingsError::ServiceAccount(about(&error)))?;
        let private_key = Zeroizing::new(json.private_key);
        if !json.token_uri.starts_with("https://") {
            return Err(PushSettingsError::Endpoint(json.token_uri));
        }
        let mut header = Header::new(Algorithm::RS256);
        header.kid = json.private_key_id;
        let key = EncodingKey::from_rsa_pem(private_key.as_bytes()).map_err(PushSettingsError::Key)?;
        let http = connection.client_builder()?.build().map_err(PushSettingsError::Tls)?;
        let source = TokenSource {
            client_email: json.client_email,
            scope,
            token_uri: json.token_uri,
            header,
            key,
            http,
        };
        Ok(Self { project_id: json.project_id, token_source: Arc::new(source), access: Arc::default() })
    }

    /// The value of the `authorization` header, from the store or fetched. `refused` is one that FCM did not take:
    /// it is not given again. What could not be fetched is an outcome.
    pub(crate) async fn authorization(&self, refused: Option<&HeaderValue>) -> Result<HeaderValue, Outcome> {
        let renewal = {
            let mut access = self.access.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(token) = &access.token
                && token.expires_at_s - RENEW_BEFORE_S > Timestamp::now().as_second()
                && refused != Some(&token.authorization)
            {
                return Ok(token.authorization.clone());
            }
            access.renewal.get_or_insert_with(|| self.renew()).clone()
        };
        renewal.await
    }

    /// In a task of its own, so that it does not end with whoever asked first.
    fn renew(&self) -> Renewal {
        let (source, access) = (self.token_source.clone(), self.access.clone());
        let task = tokio::spawn(async move {
            let fetched = source.fetch().await;
            let mut access = access.lock().unwrap_or_else(PoisonError::into_inner);
            access.renewal = None;
            let token = fetched?;
            let authorization = token.authorization.clone();
            access.token = Some(token);
            Ok(authorization)
        });
        let ended = |_| {
            Err(Outcome::RetryAt { after: Duration::from_secs(1), reason: "oauth_unreadable".to_owned() })
        };
        async move { task.await.unwrap_or_else(ended) }.boxed().shared()
    }
}

impl TokenSource {
    async fn fetch(&self) -> Result<Token, Outcome> {
        let now_s = Timestamp::now().as_second();
        let assertion = Assertion {
            iss: &self.client_email,
            scope: self.scope,
            aud: &self.token_uri,
            iat: now_s,
            exp: now_s + ASSERTION_LIFE_S,
        };
        let assertion = jsonwebtoken::encode(&self.header, &assertion, &self.key)
            .map_err(|_| Outcome::LaneBlocked { reason: "cannot_sign".to_owned() })?;
        let answer = self
            .http
            .post(&self.token_uri)
            .form(&[("grant_type", GRANT), ("assertion", &assertion)])
            .send()
            .await
            .map_err(|error| no_answer(&error))?;
        let status = answer.status().as_u16();
        let retry_after = answer
            .headers()
            .get(reqwest::header::RETRY_AFTER)
            .and_then(|value| parse_retry_after(value.to_str().ok()?, Timestamp::now()));
        let body = answer.bytes().await.map_err(|error| no_answer(&error))?;
        if status == 200 {
            return Token::of(&body, now_s).ok_or_else(|| Outcome::RetryAt {
                after: Duration::from_secs(1),
                reason: "oauth_unreadable".to_owned(),
            });
        }
        let refused: Refused = serde_json::from_slice(&body).unwrap_or_default();
        Err(classify(status, &refused.error, retry_after))
    }
}

impl Token {
    /// Reads what was granted at `now_s`.
    fn of(body: &[u8], now_s: i64) -> Option<Self> {
        let granted: Granted = serde_json::from_slice(body).ok()?;
        let mut authorization = HeaderValue::try_from(format!("Bearer {}", granted.access_token)).ok()?;
        authorization.set_sensitive(true);
        Some(Self { authorization, expires_at_s: now_s.saturating_add(granted.expires_in) })
    }
}

/// What a refusal of the token endpoint means (RFC 6749, 5.2).
fn classify(status: u16, error: &str, retry_after: Option<Duration>) -> Outcome {
    let reason = if error.is_empty() { format!("oauth_http_{status}") } else { error.to_owned() };
    match status {
        429 | 500..=599 => Outcome::RetryAt { after: retry_after.unwrap_or(Duration::from_secs(1)), reason },
        _ => Outcome::LaneBlocked { reason },
    }
}

/// What serde found wrong, without the text it found it in: that may be the key.
fn about(error: &serde_json::Error) -> String {
    format!("{:?} error in line {}", error.classify(), error.line())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trouble_at_google_is_worth_a_retry() {
        let blocked = |reason: &str| Outcome::LaneBlocked { reason: reason.into() };
        assert_eq!(classify(400, "invalid_grant", None), blocked("invalid_grant"));
        assert_eq!(classify(401, "invalid_client", None), blocked("invalid_client"));
        assert_eq!(classify(403, "", None), blocked("oauth_http_403"));
        for status in [429, 500, 503] {
            let wait = Duration::from_secs(9);
            let outcome = classify(status, "internal_failure", Some(wait));
            assert_eq!(outcome, Outcome::RetryAt { after: wait, reason: "internal_failure".into() });
        }
    }

    fn account(json: &str) -> Result<ServiceAccount, PushSettingsError> {
        ServiceAccount::new(json, MESSAGING, &ConnectionSettings::default())
    }

    #[test]
    fn what_is_wrong_is_named_and_the_key_is_not() {
        for wrong in ["{", "{}", r#"{"private_key": 5, "hidden": "words"}"#] {
            let Err(error) = account(wrong) else { panic!("{wrong}") };
            assert!(matches!(error, PushSettingsError::ServiceAccount(_)));
            assert!(!error.to_string().contains("words"));
        }
        let plain = r#"{"project_id": "p", "client_email": "e", "private_key": "k", "token_uri": "http://localhost"}"#;
        assert!(matches!(account(plain), Err(PushSettingsError::Endpoint(_))));
        let no_key = plain.replace("http:", "https:");
        assert!(matches!(account(&no_key), Err(PushSettingsError::Key(_))));
    }
}

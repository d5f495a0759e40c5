//! Asks providers about tokens. The person's address is not passed on.

use super::credentials::CaptchaCredential;
use super::verdict::{Verdict, verdict};
use super::{Bound, CaptchaProvider};
use crate::config::CaptchaSettings;
use ringback_core::protocol::CaptchaToken;
use std::time::Duration;

const CONNECT_LIMIT: Duration = Duration::from_secs(3);
const TOTAL_LIMIT: Duration = Duration::from_secs(5);
const ANSWER_MAX_BYTES: usize = 64 * 1024;

/// What is asked of a provider.
#[derive(Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) provider: CaptchaProvider,
    pub(super) credential: &'a CaptchaCredential,
    pub(super) token: &'a CaptchaToken,
    pub(super) bound: &'a Bound,
}

/// Asks providers.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
}

impl Client {
    /// A client that follows no redirect: it would carry secrets elsewhere.
    pub fn new() -> Result<Self, reqwest::Error> {
        let builder = reqwest::Client::builder()
            .user_agent(concat!("Ringback/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_LIMIT)
            .timeout(TOTAL_LIMIT);
        Ok(Self { http: builder.build()? })
    }

    /// What the provider says of a token. Only Turnstile may be asked twice, under one idempotency key.
    pub(super) async fn ask(&self, settings: &CaptchaSettings, question: Question<'_>) -> Verdict {
        let provider = question.provider;
        let key = uuid::Uuid::new_v4().to_string();
        let mut said = said(question, self.request(settings, question, &key)).await;
        if said == Verdict::Unavailable && provider == CaptchaProvider::Turnstile {
            said = self::said(question, self.request(settings, question, &key)).await;
        }
        if said == Verdict::Unavailable {
            tracing::warn!(provider = provider.word(), "a CAPTCHA provider could not say");
        }
        said
    }

    fn request(
        &self,
        settings: &CaptchaSettings,
        question: Question<'_>,
        key: &str,
    ) -> reqwest::RequestBuilder {
        let Question { provider, credential, token, bound } = question;
        let (secret, token) = (credential.secret.expose(), token.expose());
        let mut form = vec![("secret", secret), ("response", token)];
        let or = |endpoint: &str, own: &str| {
            if endpoint.is_empty() { own.to_owned() } else { endpoint.to_owned() }
        };
        let url = match provider {
            CaptchaProvider::Turnstile => {
                form.push(("idempotency_key", key));
                or(&settings.turnstile_endpoint, "https://challenges.cloudflare.com")
                    + "/turnstile/v0/siteverify"
            }
            CaptchaProvider::Hcaptcha => {
                if !credential.site_key.is_empty() {
                    form.push(("sitekey", &credential.site_key));
                }
                or(&settings.hcaptcha_endpoint, "https://api.hcaptcha.com") + "/siteverify"
            }
            CaptchaProvider::RecaptchaEnterprise => {
                let host =
                    or(&settings.recaptcha_enterprise_endpoint, "https://recaptchaenterprise.googleapis.com");
                let event = serde_json::json!({ "event": {
                    "token": token, "siteKey": credential.site_key, "expectedAction": bound.purpose.word(),
                }});
                let url = format!("{host}/v1/projects/{}/assessments", credential.project);
                return self.http.post(url).header("x-goog-api-key", secret).json(&event);
            }
            // Proof of work is judged here and asked of nobody.
            CaptchaProvider::Altcha | CaptchaProvider::RecaptchaV2 | CaptchaProvider::RecaptchaV3 => {
                or(&settings.recaptcha_endpoint, "https://www.google.com") + "/recaptcha/api/siteverify"
            }
        };
        self.http.post(url).form(&form)
    }
}

async fn said(question: Question<'_>, request: reqwest::RequestBuilder) -> Verdict {
    let Question { provider, credential, bound, .. } = question;
    let Ok(mut answer) = request.send().await else { return Verdict::Unavailable };
    let status = answer.status().as_u16();
    let mut body = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= ANSWER_MAX_BYTES => body.extend_from_slice(&chunk),
            Ok(None) => return verdict(provider, credential, bound.purpose, (status, &body)),
            Ok(Some(_)) | Err(_) => return Verdict::Unavailable,
        }
    }
}

//! The CAPTCHA double: the verify endpoints of Turnstile, hCaptcha, reCAPTCHA v2 and v3, and the assessments of reCAPTCHA
//! Enterprise. A token is good once, for as long as the provider keeps it, and for the secret it was made under.

mod answer;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use hyper::Request;
use jiff::Timestamp;
use tokio::net::TcpListener;

use self::answer::Asked;
use crate::fault::Script;
use crate::server::{Handled, Handler, Reply, Server};
use crate::{Clock, Fault, StartError, UnknownReason};

/// A service that this double stands in for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaptchaService {
    /// Cloudflare Turnstile.
    Turnstile,
    /// hCaptcha.
    Hcaptcha,
    /// reCAPTCHA v2 and v3, which share an endpoint.
    Recaptcha,
    /// reCAPTCHA Enterprise.
    RecaptchaEnterprise,
}

/// What a person's browser or app told the provider when it passed.
#[derive(Debug, Clone, PartialEq)]
pub struct CaptchaPass {
    /// The action it was passed for; hCaptcha and reCAPTCHA v2 know none.
    pub action: Option<String>,
    /// The host name, or for Enterprise the Android package.
    pub place: String,
    /// reCAPTCHA v3 and Enterprise only.
    pub score: Option<f64>,
}

struct Token {
    service: CaptchaService,
    pass: CaptchaPass,
    made_at: Timestamp,
    /// Used, under this idempotency key if it came with one.
    used: Option<Option<String>>,
}

/// Verify endpoints that listen on loopback until they are dropped.
pub struct CaptchaDouble {
    state: Arc<State>,
    server: Server,
}

struct State {
    secret: String,
    site_key: String,
    tokens: Mutex<HashMap<String, Token>>,
    script: Script,
    clock: Clock,
    asked: AtomicU32,
}

/// Every code that a verify endpoint documents.
const CODES: &[&str] = &[
    "missing-input-secret",
    "invalid-input-secret",
    "missing-input-response",
    "invalid-input-response",
    "bad-request",
    "timeout-or-duplicate",
    "internal-error",
    "expired-input-response",
    "already-seen-response",
    "sitekey-secret-mismatch",
];

impl CaptchaDouble {
    /// The project of the Enterprise key.
    pub const PROJECT: &str = "ringback-test";

    /// Listens, with one secret and one site key for all services.
    pub async fn start() -> Result<Self, StartError> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let state = Arc::new(State {
            secret: format!("secret-{}", uuid::Uuid::new_v4().simple()),
            site_key: format!("site-{}", uuid::Uuid::new_v4().simple()),
            tokens: Mutex::default(),
            script: Script::new(|code| CODES.contains(&code)),
            clock: Clock::default(),
            asked: AtomicU32::new(0),
        });
        let server = Server::start(listener, None, state.clone())?;
        Ok(Self { state, server })
    }

    /// `http://127.0.0.1:port`, for every service.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// The secret it knows.
    pub fn secret(&self) -> &str {
        &self.state.secret
    }

    /// The site key that belongs to it.
    pub fn site_key(&self) -> &str {
        &self.state.site_key
    }

    /// The token of somebody who passed.
    pub fn pass(&self, service: CaptchaService, pass: CaptchaPass) -> String {
        let token = format!("tk-{}", uuid::Uuid::new_v4().simple());
        let made_at = self.state.clock.now();
        self.state.tokens().insert(token.clone(), Token { service, pass, made_at, used: None });
        token
    }

    /// What happens to the next requests that are in order.
    pub fn script(&self, faults: Vec<Fault>) -> Result<(), UnknownReason> {
        self.state.script.push(None, faults)
    }

    /// How often it was asked.
    pub fn asked(&self) -> u32 {
        self.state.asked.load(Ordering::SeqCst)
    }

    /// The time at the provider's.
    pub fn clock(&self) -> &Clock {
        &self.state.clock
    }
}

impl State {
    fn tokens(&self) -> MutexGuard<'_, HashMap<String, Token>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn judge(&self, request: &Request<Bytes>) -> Handled {
        let asked = match answer::read(request, &self.secret, &self.site_key) {
            Ok(asked) => asked,
            Err((service, code)) => return Handled::refused(answer::refused(service, code), code),
        };
        let service = asked.service;
        Handled::of(self.script.take(""), || self.use_up(&asked), |code, _, _| answer::refused(service, code))
    }

    /// Once; Turnstile gives the same answer again under the same idempotency key.
    fn use_up(&self, asked: &Asked) -> hyper::Response<Bytes> {
        let mut tokens = self.tokens();
        let Some(token) = tokens.get_mut(&asked.token).filter(|token| token.service == asked.service) else {
            return answer::refused(asked.service, "invalid-input-response");
        };
        let age_s = self.clock.now().duration_since(token.made_at).as_secs();
        let life_s = if asked.service == CaptchaService::Turnstile { 300 } else { 120 };
        let is_hcaptcha = asked.service == CaptchaService::Hcaptcha;
        if age_s > life_s {
            let code = if is_hcaptcha { "expired-input-response" } else { "timeout-or-duplicate" };
            return answer::refused(asked.service, code);
        }
        match &token.used {
            Some(key) if key.is_none() || *key != asked.idempotency_key => {
                let code = if is_hcaptcha { "already-seen-response" } else { "timeout-or-duplicate" };
                answer::refused(asked.service, code)
            }
            _ => {
                token.used = Some(asked.idempotency_key.clone());
                answer::passed(asked.service, &token.pass, token.made_at)
            }
        }
    }
}

impl Handler for State {
    async fn handle(&self, _: u64, request: Request<Bytes>) -> Reply {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.judge(&request).reply_in_time().await
    }
}

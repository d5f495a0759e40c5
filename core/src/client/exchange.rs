//! One request and its answer: headers, limits, tries, and what the answer means.

use super::ClientError;
use super::signature::Signatures;
use crate::host::{Clock, LogLevel, Logger};
use crate::protocol::{
    APP_KEY_HEADER, BearerToken, CAPTCHA_HEADER, CaptchaChallenge, IDEMPOTENCY_KEY_HEADER, Problem,
    ProblemCode, Timestamp,
};
use crate::transport::retry::{RetryPolicy, is_passing, is_passing_fault, retry_after_s};
use crate::transport::{HttpHeader, HttpRequest, HttpResponse, Transport, TransportError};
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;

const MAX_ANSWER_BYTES: u32 = 1024 * 1024;
const LOG_TARGET: &str = "ringback::exchange";

/// A request without address and credentials.
#[derive(Clone)]
pub(crate) struct Outgoing {
    pub(crate) method: &'static str,
    /// From `/v1` on.
    pub(crate) path: String,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) idempotency_key: Option<String>,
    /// Provider and token, as the header takes them.
    pub(crate) captcha: Option<String>,
}

impl Outgoing {
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self { method: "GET", path: path.into(), body: None, idempotency_key: None, captcha: None }
    }
}

/// What a request proves its right with.
pub(crate) enum Credential<'a> {
    AppKey,
    Bearer(&'a BearerToken),
}

/// What the server says when it has done what was asked.
#[derive(Clone)]
pub(crate) struct Answer {
    status: u16,
    pub(crate) body: Vec<u8>,
}

/// A request that came to nothing.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) error: ClientError,
    /// The server has refused this very request, and will whenever it is sent.
    pub(crate) settled: bool,
    /// The server may have got it, and may have done what it asks.
    pub(crate) may_have_arrived: bool,
    /// Another try soon may end otherwise.
    pub(crate) passing: bool,
    pub(crate) retry_after_s: Option<u32>,
    /// What to solve before the same request is sent again.
    pub(crate) challenge: Option<Box<CaptchaChallenge>>,
    /// The server's clock, when ours is too far from it.
    pub(crate) server_time: Option<Timestamp>,
}

impl Failed {
    /// The server does not know this credential, or no longer.
    pub(crate) fn is_credential_refused(&self) -> bool {
        self.error.code() == ProblemCode::CredentialsInvalid.code()
    }
}

impl From<ClientError> for Failed {
    fn from(error: ClientError) -> Self {
        Self {
            error,
            settled: false,
            may_have_arrived: false,
            passing: false,
            retry_after_s: None,
            challenge: None,
            server_time: None,
        }
    }
}

impl From<TransportError> for Failed {
    fn from(error: TransportError) -> Self {
        let may_have_arrived = !matches!(
            error,
            TransportError::Unreachable
                | TransportError::TlsFailed
                | TransportError::PinMismatch
                | TransportError::PinningUnsupported
        );
        let passing = is_passing_fault(error);
        Self { passing, may_have_arrived, ..Self::from(ClientError::from(error)) }
    }
}

/// The way to the server.
pub(crate) struct Exchange {
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) base_url: String,
    /// In their one way of writing.
    pub(crate) pins: Vec<String>,
    pub(crate) app_key: String,
    pub(crate) timeout_ms: u32,
    pub(crate) retry: RetryPolicy,
    pub(crate) signatures: Signatures,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) log: Logger,
}

impl Exchange {
    /// Sends the request, again where that may help. What the answer says is left to [`read`](Self::read): this is the same
    /// code for whatever is asked, and on a phone it is there once.
    pub(crate) async fn send(
        &self,
        outgoing: &Outgoing,
        credential: &Credential<'_>,
    ) -> Result<Answer, Failed> {
        let (mut tries, mut may_have_arrived) = (0, false);
        loop {
            let failed = match self.try_mended(outgoing, credential).await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            may_have_arrived |= failed.may_have_arrived;
            tries += 1;
            let wait_ms = self.retry.wait_ms(tries, failed.retry_after_s, random_fraction());
            let (method, path, code) = (outgoing.method, &outgoing.path, failed.error.code());
            match wait_ms.filter(|_| failed.passing) {
                Some(wait_ms) => {
                    let line = format!("{method} {path}: {code} at try {tries}; again in {wait_ms} ms");
                    self.log.log(LogLevel::Info, LOG_TARGET, line);
                    tokio::time::sleep(Duration::from_millis(wait_ms)).await;
                }
                None => {
                    let line = format!("{method} {path}: {code} at try {tries}; no further one");
                    self.log.log(LogLevel::Warn, LOG_TARGET, line);
                    return Err(Failed { may_have_arrived, ..failed });
                }
            }
        }
    }

    /// What an answer says.
    pub(crate) fn read<T: DeserializeOwned>(
        &self,
        outgoing: &Outgoing,
        answer: &Answer,
    ) -> Result<T, ClientError> {
        serde_json::from_slice(&answer.body).map_err(|_| self.unreadable(outgoing, answer.status))
    }

    /// Another try would bring the same answer.
    fn unreadable(&self, outgoing: &Outgoing, status: u16) -> ClientError {
        let error = ClientError::unreadable(status, "it is not the JSON that was asked for");
        let line = format!("{} {}: {}; no further try", outgoing.method, outgoing.path, error.code());
        self.log.log(LogLevel::Warn, LOG_TARGET, line);
        error
    }

    /// One try, and another where that only wants a better signature.
    pub(crate) async fn try_mended(
        &self,
        outgoing: &Outgoing,
        credential: &Credential<'_>,
    ) -> Result<Answer, Failed> {
        match self.try_once(outgoing, credential).await {
            Err(failed) if self.signatures.can_mend(&failed) => self.try_once(outgoing, credential).await,
            tried => tried,
        }
    }

    async fn try_once(&self, outgoing: &Outgoing, credential: &Credential<'_>) -> Result<Answer, Failed> {
        let request = self.signatures.sign(self.request(outgoing, credential)).await?;
        let sending = self.transport.send(request);
        let answer = match tokio::time::timeout(self.timeout(), sending).await {
            Ok(answer) => answer?,
            Err(_) => return Err(TransportError::TimedOut.into()),
        };
        judge(answer, self.clock.now()).map_err(|failed| *failed)
    }

    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms.into())
    }

    pub(crate) fn request(&self, outgoing: &Outgoing, credential: &Credential<'_>) -> HttpRequest {
        let header = |name: &str, value: String| HttpHeader { name: name.to_owned(), value };
        let mut headers = vec![header("accept", "application/json, application/problem+json".to_owned())];
        headers.push(match credential {
            Credential::AppKey => header(APP_KEY_HEADER, self.app_key.clone()),
            Credential::Bearer(token) => header("authorization", format!("Bearer {}", token.expose())),
        });
        if let Some(key) = &outgoing.idempotency_key {
            headers.push(header(IDEMPOTENCY_KEY_HEADER, key.clone()));
        }
        if let Some(captcha) = &outgoing.captcha {
            headers.push(header(CAPTCHA_HEADER, captcha.clone()));
        }
        if outgoing.body.is_some() {
            headers.push(header("content-type", "application/json".to_owned()));
        }
        HttpRequest {
            method: outgoing.method.to_owned(),
            url: format!("{}{}", self.base_url, outgoing.path),
            headers,
            body: outgoing.body.clone(),
            timeout_ms: self.timeout_ms,
            max_answer_bytes: MAX_ANSWER_BYTES,
            pins: self.pins.clone(),
        }
    }
}

/// What an answer means. Anything that is not plainly this server's own is unreadable, so that a sign-in page or a
/// broken proxy never settles a request.
pub(crate) fn judge(answer: HttpResponse, now: Timestamp) -> Result<Answer, Box<Failed>> {
    let status = answer.status;
    let header_retry_after_s = retry_after_s(&answer.headers, now);
    let unreadable = |detail: &str| Failed {
        error: ClientError::unreadable(status, detail),
        settled: false,
        may_have_arrived: true,
        passing: is_passing(status),
        retry_after_s: header_retry_after_s,
        challenge: None,
        server_time: None,
    };
    if answer.body.len() > MAX_ANSWER_BYTES as usize {
        return Err(Box::new(Failed { passing: false, ..unreadable("it is too large") }));
    }
    if (200..300).contains(&status) {
        // 204 says that there is nothing to say.
        let body = if status == 204 { b"null".to_vec() } else { answer.body };
        return Ok(Answer { status, body });
    }
    let problem = serde_json::from_slice::<Problem>(&answer.body).ok();
    let Some(problem) = problem.filter(|problem| problem.type_uri.starts_with("urn:ringback:problem:"))
    else {
        return Err(Box::new(unreadable("it is not a problem document")));
    };
    let retry_after_s = problem.retry_after_s.or(header_retry_after_s);
    let (challenge, problem) = (problem.challenge.clone(), Problem { challenge: None, ..problem });
    Err(Box::new(Failed {
        challenge: challenge.map(Box::new),
        server_time: problem.server_time,
        error: Problem { status, retry_after_s, ..problem }.into(),
        // 401 says something about the credential, not about the request.
        settled: (400..500).contains(&status) && status != 401 && !is_passing(status),
        // What the server plainly refuses it has not done.
        may_have_arrived: !(400..500).contains(&status),
        passing: is_passing(status),
        retry_after_s,
    }))
}

/// Anywhere in 0..1.
pub(crate) fn random_fraction() -> f64 {
    // The lower half of a version 4 UUID has 62 random bits, of which the last 32 are enough for a wait.
    let (_, random) = uuid::Uuid::new_v4().as_u64_pair();
    f64::from((random & u64::from(u32::MAX)) as u32) / (f64::from(u32::MAX) + 1.0)
}

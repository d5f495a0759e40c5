//! One key, one intent: a repeated request gets the first answer, byte for byte (I3).

use crate::identity::{InstallationCaller, Nonce};
use crate::refusal::Refusal;
use crate::storage::{Tx, Vault};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ringback_core::protocol::{IDEMPOTENCY_KEY_HEADER, ProblemCode, Timestamp};
use serde::Serialize;

const SEALED_AS: &str = "idempotency.answer";

/// The key a state-changing request came with.
#[derive(Debug, Clone)]
pub struct IdempotencyKey(String);

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let header = parts
            .headers
            .get(IDEMPOTENCY_KEY_HEADER)
            .ok_or_else(|| Refusal::plain(ProblemCode::IdempotencyKeyMissing))?;
        let key = header.to_str().unwrap_or_default();
        if (1..=128).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(key.to_owned()))
        } else {
            Err(Refusal::plain(ProblemCode::IdempotencyKeyInvalid))
        }
    }
}

/// An answer as it was, or will be, sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    status: u16,
    body: Vec<u8>,
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        (status, [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], self.body)
            .into_response()
    }
}

/// A request that may come more than once.
#[derive(Debug, Clone)]
pub struct Intent {
    /// Whose key it is.
    pub owner: String,
    /// The key.
    pub key: IdempotencyKey,
    /// What was asked with it.
    pub request_hash: Vec<u8>,
    /// Of the request's signature, if it has one.
    pub nonce: Option<Nonce>,
}

impl Intent {
    /// What an installation asks with a body.
    pub fn new(caller: &InstallationCaller, key: IdempotencyKey, request_hash: Vec<u8>) -> Self {
        Self { owner: caller.id.clone(), key, request_hash, nonce: caller.nonce.clone() }
    }

    /// What it asks without one; `request` says it.
    pub fn without_body(caller: &InstallationCaller, key: IdempotencyKey, request: &str) -> Self {
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, request.as_bytes());
        Self::new(caller, key, hash.as_ref().to_vec())
    }
}

/// Does `body` once for the intent, in the caller's transaction, and uses its signature up. A refusal is not kept: the next try is judged anew.
pub fn once<T: Serialize>(
    tx: &mut Tx<'_>,
    vault: &Vault,
    intent: &Intent,
    status: u16,
    now: Timestamp,
    body: impl FnOnce(&mut Tx<'_>) -> Result<T, Refusal>,
) -> Result<Answer, Refusal> {
    let (owner, key) = (&intent.owner, &intent.key.0);
    if let Some(nonce) = &intent.nonce {
        nonce.spend(tx, owner)?;
    }
    if let Some(answer) = first_answer(tx, vault, intent)? {
        return Ok(answer);
    }
    let value = match body(tx) {
        Ok(value) => value,
        // What stood in its way may be its own twin, which was under way on another connection and is done by now.
        Err(refusal @ Refusal::Problem(_)) => return first_answer(tx, vault, intent)?.ok_or(refusal),
        Err(fault) => return Err(fault),
    };
    let body =
        serde_json::to_vec(&value).map_err(|_| Refusal::Damaged("an answer that cannot be written"))?;
    // Written once and whole: a row that grows moves its neighbours to other pages. The null sends a twin that found
    // nothing in its way back to the beginning.
    tx.execute_later(
        "insert into idempotency (owner, key, request_hash, status, answer_sealed, created_at) \
         values ($1, $2, $3, $4, $5, $6) on conflict (owner, key) do update set request_hash = null",
        &[owner, key, &intent.request_hash, &i64::from(status), &vault.seal(&body, SEALED_AS)?, &now],
    )?;
    Ok(Answer { status, body })
}

/// The answer that the intent has had, if it came before.
fn first_answer(tx: &mut Tx<'_>, vault: &Vault, intent: &Intent) -> Result<Option<Answer>, Refusal> {
    let known = tx.query_opt(
        "select request_hash, status, answer_sealed from idempotency where owner = $1 and key = $2",
        &[&intent.owner, &intent.key.0],
        |row| Ok((row.get::<Vec<u8>>(0)?, row.get::<i64>(1)?, row.get::<Option<Vec<u8>>>(2)?)),
    )?;
    let Some((hash, status, sealed)) = known else { return Ok(None) };
    if hash != intent.request_hash {
        return Err(Refusal::plain(ProblemCode::IdempotencyKeyReused));
    }
    let sealed = sealed.ok_or(Refusal::Damaged("an answer that was never written"))?;
    let status = u16::try_from(status).map_err(|_| Refusal::Damaged("an answer's status"))?;
    Ok(Some(Answer { status, body: vault.unseal(&sealed, SEALED_AS)? }))
}

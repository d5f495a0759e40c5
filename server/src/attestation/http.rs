//! `/v1/attestation-challenges` and `/v1/attestations`.

use super::{challenge, judge};
use crate::app::App;
use crate::clock::now;
use crate::http::JsonBody;
use crate::identity::InstallationCaller;
use crate::refusal::Refusal;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ringback_core::protocol::{AttestationChallenge, AttestationRequest, AttestationResult, Problem};

/// Gives out what evidence has to be bound to, and says whose evidence is judged here.
#[utoipa::path(post, path = "/v1/attestation-challenges", tag = "attestation",
    operation_id = "create_attestation_challenge",
    responses((status = 201, body = AttestationChallenge), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn create_attestation_challenge(
    State(app): State<App>,
    caller: InstallationCaller,
) -> Result<(StatusCode, Json<AttestationChallenge>), Refusal> {
    let (challenge, expires_at) = challenge::issue(&app.centre.vault, &caller.id, now())?;
    let providers = app.attestation.providers();
    Ok((StatusCode::CREATED, Json(AttestationChallenge { challenge, expires_at, providers })))
}

/// Judges evidence that the caller is the real app on a real device. Wrong evidence is answered with what is wrong with it: it
/// makes the caller suspicious, and shuts it out of nothing.
#[utoipa::path(post, path = "/v1/attestations", tag = "attestation", operation_id = "attest",
    request_body = AttestationRequest,
    responses((status = 200, body = AttestationResult), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn attest(
    State(app): State<App>,
    caller: InstallationCaller,
    body: JsonBody<AttestationRequest>,
) -> Result<Json<AttestationResult>, Refusal> {
    let challenge = challenge::read(&app.centre.vault, &caller.id, &body.value.challenge, now())?;
    Ok(Json(judge::judge(&app, caller, challenge, body.value).await?))
}

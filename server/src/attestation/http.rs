//! `/v1/attestation-challenges`, `/v1/attestation-key-challenges` and `/v1/attestations`.

use super::challenge::{self, Audience};
use super::judge;
use crate::app::App;
use crate::clock::now;
use crate::http::JsonBody;
use crate::identity::{AppCaller, InstallationCaller};
use crate::refusal::Refusal;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ringback_core::protocol::{
    AttestationChallenge, AttestationRequest, AttestationResult, Problem, ProblemCode,
};

/// Gives out what evidence has to be bound to, and says whose evidence is judged here.
#[utoipa::path(post, path = "/v1/attestation-challenges", tag = "attestation",
    operation_id = "create_attestation_challenge",
    responses((status = 201, body = AttestationChallenge), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn create_attestation_challenge(
    State(app): State<App>,
    caller: InstallationCaller,
) -> Result<(StatusCode, Json<AttestationChallenge>), Refusal> {
    let (challenge, expires_at) =
        challenge::issue(&app.centre.vault, Audience::Installation(&caller.id), now())?;
    let providers = app.attestation.providers();
    Ok((StatusCode::CREATED, Json(AttestationChallenge { challenge, expires_at, providers })))
}

/// Gives out what the key of an installation is made for that is yet to be registered, where keys of Android's are judged: the
/// Keystore takes a challenge when it makes a key, and then never again.
#[utoipa::path(post, path = "/v1/attestation-key-challenges", tag = "attestation",
    operation_id = "create_attestation_key_challenge",
    responses((status = 201, body = AttestationChallenge), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn create_attestation_key_challenge(
    State(app): State<App>,
    caller: AppCaller,
) -> Result<(StatusCode, Json<AttestationChallenge>), Refusal> {
    let (challenge, expires_at) = challenge::issue(&app.centre.vault, Audience::App(&caller.key_id), now())?;
    let providers = app.attestation.key_providers();
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
    let audience = Audience::Installation(&caller.id);
    let challenge = challenge::read(&app.centre.vault, audience, &body.value.challenge, now())
        .map_err(|_| Refusal::plain(ProblemCode::AttestationChallengeInvalid))?;
    Ok(Json(judge::judge(&app, caller, challenge, body.value).await?))
}

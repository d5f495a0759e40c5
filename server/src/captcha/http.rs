//! `POST /v1/captcha/challenges`, and the challenge that comes with a refusal.

use super::credentials::{self, CaptchaCredential, ListedCaptchaCredential};
use super::{Bound, CaptchaProvider, Risk, altcha, risk::CHALLENGES};
use crate::app::App;
use crate::clock::now;
use crate::http::{ClientAddress, JsonBody};
use crate::identity::{InstallationCaller, Permission, StaffCaller};
use crate::refusal::Refusal;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use ringback_core::protocol::{
    CaptchaChallenge, CaptchaChallengeRequest, Problem, ProblemCode, ReachedLimit,
};

/// Gives out a challenge ahead of a request. It is bound to the installation, the service and the purpose.
#[utoipa::path(post, path = "/v1/captcha/challenges", tag = "services", operation_id = "create_challenge",
    request_body = CaptchaChallengeRequest,
    responses((status = 201, body = CaptchaChallenge), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn create_challenge(
    State(app): State<App>,
    caller: InstallationCaller,
    address: ClientAddress,
    body: JsonBody<CaptchaChallengeRequest>,
) -> Result<(StatusCode, Json<CaptchaChallenge>), Refusal> {
    let bound = Bound::new(&caller, &body.value.service, body.value.purpose);
    let (centre, service) = (app.centre.clone(), body.value.service);
    let providers = app.storage.read(move |tx| {
        let setup = centre.setup(tx)?;
        setup.service(&service).map(|service| service.policy.captcha.words())
    });
    let providers = providers.await?;
    let risk = app.centre.captcha.risk(&caller.id, address.0, now());
    let challenge =
        complete(&app, bound, (risk, false), CaptchaChallenge { providers, altcha: None }).await?;
    Ok((StatusCode::CREATED, Json(challenge)))
}

/// Enters the credential of a CAPTCHA provider, in place of an earlier one. It is never shown again.
#[utoipa::path(put, path = "/v1/staff/captcha-credentials/{provider}", tag = "captcha", operation_id = "put_captcha_credential",
    request_body = CaptchaCredential, params(("provider" = CaptchaProvider, Path)),
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn put_captcha_credential(
    State(app): State<App>,
    caller: StaffCaller,
    Path(provider): Path<String>,
    body: JsonBody<CaptchaCredential>,
) -> Result<StatusCode, Refusal> {
    caller.require(Permission::ConnectApps)?;
    let provider = CaptchaProvider::named(&provider).ok_or_else(credentials::no_such_provider)?;
    let (centre, test_keys) = (app.centre.clone(), app.settings.captcha.allow_test_keys);
    app.storage
        .write(move |tx| credentials::put(tx, &centre.vault, (provider, test_keys), &body.value, now()))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists which CAPTCHA providers have a credential.
#[utoipa::path(get, path = "/v1/staff/captcha-credentials", tag = "captcha", operation_id = "list_captcha_credentials",
    responses((status = 200, body = [ListedCaptchaCredential]), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn list_captcha_credentials(
    State(app): State<App>,
    caller: StaffCaller,
) -> Result<Json<Vec<ListedCaptchaCredential>>, Refusal> {
    caller.require(Permission::ConnectApps)?;
    Ok(Json(app.storage.read(credentials::list).await?))
}

/// The same outcome; a refusal for want of a token gets the proof of work that its challenge still lacks.
pub async fn with_challenge<T>(
    app: &App,
    bound: Bound,
    risk: Risk,
    outcome: Result<T, Refusal>,
) -> Result<T, Refusal> {
    match outcome {
        Err(Refusal::Problem(mut problem)) if problem.challenge.is_some() => {
            let challenge = problem.challenge.take().unwrap_or_default();
            let stands_in = problem.code == ProblemCode::CaptchaUnavailable.code();
            problem.challenge = Some(complete(app, bound, (risk, stands_in), challenge).await?);
            Err(Refusal::Problem(problem))
        }
        outcome => outcome,
    }
}

async fn complete(
    app: &App,
    bound: Bound,
    risk: (Risk, bool),
    mut challenge: CaptchaChallenge,
) -> Result<CaptchaChallenge, Refusal> {
    if !challenge.providers.iter().any(|provider| provider == CaptchaProvider::Altcha.word()) {
        return Ok(challenge);
    }
    if !app.centre.captcha.note_challenge(&bound.installation_id, now()) {
        let mut problem = Refusal::plain(ProblemCode::LimitReached).into_problem();
        problem.retry_after_s = Some(300);
        problem.limit =
            Some(ReachedLimit { limit: "installation".to_owned(), count: CHALLENGES, window_s: 600 });
        return Err(Refusal::Problem(Box::new(problem)));
    }
    let (centre, expires_s) = (app.centre.clone(), app.settings.captcha.challenge_expires_s);
    let turn = app.centre.captcha.derivations.acquire().await;
    let made =
        tokio::task::spawn_blocking(move || altcha::issue(&centre.vault, &bound, risk, expires_s, now()));
    challenge.altcha = Some(made.await.map_err(|_| Refusal::Damaged("a challenge that was not finished"))??);
    drop(turn);
    Ok(challenge)
}

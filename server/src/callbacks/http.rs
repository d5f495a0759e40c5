//! `/v1/callbacks`: what apps ask.

use super::{
    Asked, NewCallback, answer, cancel_own, change_number_own, dry_run, list_own, offer, request,
    reschedule_own, show_own, snooze_own,
};
use crate::app::{App, Effects};
use crate::captcha::{self, Bound, Presented};
use crate::centre::Centre;
use crate::clock::now;
use crate::http::{Answer, ClientAddress, IdempotencyKey, Intent, JsonBody, Params, once};
use crate::identity::InstallationCaller;
use crate::refusal::Refusal;
use crate::rules::verdict::for_apps;
use crate::storage::Tx;
use axum::Json;
use axum::extract::{Path, State};
use ringback_core::protocol::{
    Availability, AvailabilityRequest, Callback, CallbackList, CallbackRequest, CaptchaPurpose,
    ChangeNumberRequest, ConfirmRequest, Confirmation, Offer, Problem, ProblemCode, RescheduleRequest,
    SnoozeRequest, Timestamp, Validation,
};
use serde::{Deserialize, Serialize};

/// Does a customer's step once for its intent: one transaction, and the same answer to each repeat.
async fn step<T: Serialize>(
    app: &App,
    intent: Intent,
    status: u16,
    mut body: impl FnMut(&mut Tx<'_>, &mut Effects, &Centre, Timestamp) -> Result<T, Refusal> + Send + 'static,
) -> Result<Answer, Refusal> {
    let centre = app.centre.clone();
    app.change(move |tx, effects| {
        let now = now();
        once(tx, &centre.vault, &intent, status, now, |tx| body(tx, effects, &centre, now))
    })
    .await
}

/// Asks for a call as soon as an agent with the right skills is free.
#[utoipa::path(post, path = "/v1/callbacks", tag = "callbacks", operation_id = "request_callback",
    request_body = CallbackRequest,
    params(("Idempotency-Key" = String, Header, description = "One key for one intent"),
        ("Ringback-Captcha" = Option<String>, Header, description = "`<provider> <token>`, when the service asks for it")),
    responses(
        (status = 201, body = Callback),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn request_callback(
    State(app): State<App>,
    caller: InstallationCaller,
    address: ClientAddress,
    token: Presented,
    key: IdempotencyKey,
    body: JsonBody<CallbackRequest>,
) -> Result<Answer, Refusal> {
    let intent = Intent::new(&caller, key, body.request_hash);
    let bound = Bound::new(&caller, &body.value.service, CaptchaPurpose::RequestCallback);
    let evidence = captcha::weigh(&app, &bound, caller.standing, token, address.0).await?;
    let risk = evidence.risk;
    let new = NewCallback::check(caller.id, Some(address.0), body.value)?
        .with_captcha(evidence)
        .prepare(&app.centre);
    let centre = app.centre.clone();
    let answer = app.change(move |tx, effects| request(tx, effects, &centre, &intent, &new, now())).await;
    captcha::with_challenge(&app, bound, risk, answer).await
}

/// Shows one of the caller's callbacks.
#[utoipa::path(get, path = "/v1/callbacks/{id}", tag = "callbacks", operation_id = "show_callback",
    params(("id" = String, Path)),
    responses((status = 200, body = Callback), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn show_callback(
    State(app): State<App>,
    caller: InstallationCaller,
    Path(id): Path<String>,
) -> Result<Json<Callback>, Refusal> {
    let centre = app.centre.clone();
    Ok(Json(app.storage.read(move |tx| show_own(tx, &centre, &caller.id, &id, now())).await?))
}

/// Where a list goes on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct After {
    after: Option<String>,
}

/// Lists the caller's callbacks, newest first.
#[utoipa::path(get, path = "/v1/callbacks", tag = "callbacks", operation_id = "list_callbacks",
    params(("after" = Option<String>, Query, description = "`next` of the page before")),
    responses((status = 200, body = CallbackList), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn list_callbacks(
    State(app): State<App>,
    caller: InstallationCaller,
    Params(page): Params<After>,
) -> Result<Json<CallbackList>, Refusal> {
    let centre = app.centre.clone();
    let after = page.after;
    Ok(Json(app.storage.read(move |tx| list_own(tx, &centre, &caller.id, after.as_deref(), now())).await?))
}

/// Takes a callback back, until it is being handled.
#[utoipa::path(post, path = "/v1/callbacks/{id}/cancel", tag = "callbacks", operation_id = "cancel_callback",
    params(("id" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = Callback), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn cancel_callback(
    State(app): State<App>,
    caller: InstallationCaller,
    key: IdempotencyKey,
    Path(id): Path<String>,
) -> Result<Answer, Refusal> {
    let intent = Intent::without_body(&caller, key, &format!("cancel {id}"));
    step(&app, intent, 200, move |tx, effects, centre, now| {
        cancel_own(tx, effects, centre, (&caller.id, &id), now)
    })
    .await
}

/// Answers "your agent is ready, are you?".
#[utoipa::path(post, path = "/v1/callbacks/{id}/confirm", tag = "callbacks", operation_id = "confirm_callback",
    request_body = ConfirmRequest, params(("id" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = Confirmation), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn confirm_callback(
    State(app): State<App>,
    caller: InstallationCaller,
    key: IdempotencyKey,
    Path(id): Path<String>,
    body: JsonBody<ConfirmRequest>,
) -> Result<Answer, Refusal> {
    let intent = Intent::new(&caller, key, body.request_hash);
    step(&app, intent, 200, move |tx, effects, centre, now| {
        answer(tx, effects, centre, (&caller.id, &id), &body.value, now)
    })
    .await
}

/// Chooses another time, or "now". The new time is checked as a first one is; the old seat is given back.
#[utoipa::path(post, path = "/v1/callbacks/{id}/reschedule", tag = "callbacks", operation_id = "reschedule_callback",
    request_body = RescheduleRequest, params(("id" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = Callback), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn reschedule_callback(
    State(app): State<App>,
    caller: InstallationCaller,
    key: IdempotencyKey,
    Path(id): Path<String>,
    body: JsonBody<RescheduleRequest>,
) -> Result<Answer, Refusal> {
    let intent = Intent::new(&caller, key, body.request_hash);
    step(&app, intent, 200, move |tx, effects, centre, now| {
        let scheduled_for = body.value.scheduled_for.as_ref();
        reschedule_own(tx, effects, centre, (&caller.id, &id), scheduled_for, now)
    })
    .await
}

/// "Not now": for a while nobody calls. The place in line is kept, or lost, as the service wants it.
#[utoipa::path(post, path = "/v1/callbacks/{id}/snooze", tag = "callbacks", operation_id = "snooze_callback",
    request_body = SnoozeRequest, params(("id" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = Callback), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn snooze_callback(
    State(app): State<App>,
    caller: InstallationCaller,
    key: IdempotencyKey,
    Path(id): Path<String>,
    body: JsonBody<SnoozeRequest>,
) -> Result<Answer, Refusal> {
    let intent = Intent::new(&caller, key, body.request_hash);
    step(&app, intent, 200, move |tx, effects, centre, now| {
        snooze_own(tx, effects, centre, (&caller.id, &id), body.value.delay_s, now)
    })
    .await
}

/// Has another number called. It passes the same rules as the first.
#[utoipa::path(post, path = "/v1/callbacks/{id}/number", tag = "callbacks", operation_id = "change_number",
    request_body = ChangeNumberRequest, params(("id" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = Callback), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn change_number(
    State(app): State<App>,
    caller: InstallationCaller,
    key: IdempotencyKey,
    Path(id): Path<String>,
    body: JsonBody<ChangeNumberRequest>,
) -> Result<Answer, Refusal> {
    let intent = Intent::new(&caller, key, body.request_hash);
    step(&app, intent, 200, move |tx, effects, centre, now| {
        change_number_own(tx, effects, centre, (&caller.id, &id), &body.value.number, now)
    })
    .await
}

/// What a request for a call would meet now, check by check, without making it. Nothing is counted.
#[utoipa::path(post, path = "/v1/callbacks/validate", tag = "callbacks", operation_id = "validate_callback",
    request_body = CallbackRequest,
    responses((status = 200, body = Validation), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn validate_callback(
    State(app): State<App>,
    caller: InstallationCaller,
    address: ClientAddress,
    body: JsonBody<CallbackRequest>,
) -> Result<Json<Validation>, Refusal> {
    let centre = app.centre.clone();
    let checks = app.storage.read(move |tx| {
        let asked =
            Asked { request: &body.value, installation_id: Some(&caller.id), address: Some(address.0) };
        dry_run(tx, &centre, asked, now())
    });
    Ok(Json(for_apps(checks.await?)))
}

/// What a service offers at this moment, and how long it takes.
#[utoipa::path(get, path = "/v1/services/{name}/offer", tag = "services", operation_id = "show_offer",
    params(("name" = String, Path)),
    responses((status = 200, body = Offer), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn show_offer(
    State(app): State<App>,
    caller: InstallationCaller,
    address: ClientAddress,
    Path(name): Path<String>,
) -> Result<Json<Offer>, Refusal> {
    let centre = app.centre.clone();
    let standing = caller.standing;
    let risk = standing.adjust(centre.captcha.risk(&caller.id, address.0, now()));
    Ok(Json(app.storage.read(move |tx| offer(tx, &centre, &name, (risk, standing), now())).await?))
}

/// Which slots.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slots {
    zone: String,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    #[serde(default)]
    include_full: bool,
    limit: Option<u32>,
}

/// Lists when calls can be promised, in the caller's zone.
#[utoipa::path(get, path = "/v1/services/{name}/availability", tag = "services", operation_id = "list_availability",
    params(("name" = String, Path), ("zone" = String, Query, description = "The caller's zone, IANA"),
        ("from" = Option<String>, Query, description = "RFC 3339; now when absent"),
        ("to" = Option<String>, Query, description = "RFC 3339; seven days after `from` when absent"),
        ("include_full" = Option<bool>, Query), ("limit" = Option<u32>, Query)),
    responses((status = 200, body = Availability), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn list_availability(
    State(app): State<App>,
    _caller: InstallationCaller,
    Path(name): Path<String>,
    Params(slots): Params<Slots>,
) -> Result<Json<Availability>, Refusal> {
    let centre = app.centre.clone();
    let Slots { zone, from, to, include_full, limit } = slots;
    let request = AvailabilityRequest { service: name, zone, from, to, include_full, limit };
    let found = app.storage.read(move |tx| {
        let setup = centre.setup(tx)?;
        match &setup.service(&request.service)?.timetable {
            Some(timetable) => timetable.availability(tx, &request, now()),
            None => Err(Refusal::plain(ProblemCode::ScheduledNotOffered)),
        }
    });
    Ok(Json(found.await?))
}

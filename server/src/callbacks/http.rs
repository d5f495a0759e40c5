//! `/v1/callbacks`: what apps ask.

use super::{
    NewCallback, answer, cancel_own, change_number_own, create, list_own, reschedule_own, show_own,
    snooze_own,
};
use crate::app::App;
use crate::clock::now;
use crate::http::{Answer, IdempotencyKey, Intent, JsonBody, Params, once};
use crate::identity::InstallationCaller;
use crate::refusal::Refusal;
use axum::Json;
use axum::extract::{Path, State};
use ringback_core::protocol::{
    Callback, CallbackList, CallbackRequest, ChangeNumberRequest, ConfirmRequest, Confirmation, Problem,
    RescheduleRequest, SnoozeRequest,
};
use serde::Deserialize;

/// Asks for a call as soon as an agent with the right skills is free.
#[utoipa::path(post, path = "/v1/callbacks", tag = "callbacks", operation_id = "request_callback",
    request_body = CallbackRequest,
    params(("Idempotency-Key" = String, Header, description = "One key for one intent")),
    responses(
        (status = 201, body = Callback),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn request_callback(
    State(app): State<App>,
    caller: InstallationCaller,
    key: IdempotencyKey,
    body: JsonBody<CallbackRequest>,
) -> Result<Answer, Refusal> {
    let intent = Intent { owner: caller.id.clone(), key, request_hash: body.request_hash };
    let new = NewCallback::check(caller.id, body.value)?;
    let centre = app.centre.clone();
    app.change(move |tx, effects| {
        let now = now();
        once(tx, &centre.vault, &intent, 201, now, |tx| {
            create(tx, effects, &centre, &new, now)?.view(tx, &centre, now)
        })
    })
    .await
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
    let intent = Intent::without_body(caller.id.clone(), key, &format!("cancel {id}"));
    let centre = app.centre.clone();
    app.change(move |tx, effects| {
        let now = now();
        once(tx, &centre.vault, &intent, 200, now, |tx| {
            cancel_own(tx, effects, &centre, (&caller.id, &id), now)
        })
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
    let intent = Intent { owner: caller.id.clone(), key, request_hash: body.request_hash };
    let centre = app.centre.clone();
    app.change(move |tx, effects| {
        let now = now();
        once(tx, &centre.vault, &intent, 200, now, |tx| {
            answer(tx, effects, &centre, (&caller.id, &id), &body.value, now)
        })
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
    let intent = Intent { owner: caller.id.clone(), key, request_hash: body.request_hash };
    let centre = app.centre.clone();
    app.change(move |tx, effects| {
        let now = now();
        once(tx, &centre.vault, &intent, 200, now, |tx| {
            let scheduled_for = body.value.scheduled_for.as_ref();
            reschedule_own(tx, effects, &centre, (&caller.id, &id), scheduled_for, now)
        })
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
    let intent = Intent { owner: caller.id.clone(), key, request_hash: body.request_hash };
    let centre = app.centre.clone();
    app.change(move |tx, effects| {
        let now = now();
        once(tx, &centre.vault, &intent, 200, now, |tx| {
            snooze_own(tx, effects, &centre, (&caller.id, &id), body.value.delay_s, now)
        })
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
    let intent = Intent { owner: caller.id.clone(), key, request_hash: body.request_hash };
    let centre = app.centre.clone();
    app.change(move |tx, effects| {
        let now = now();
        once(tx, &centre.vault, &intent, 200, now, |tx| {
            change_number_own(tx, effects, &centre, (&caller.id, &id), &body.value.number, now)
        })
    })
    .await
}

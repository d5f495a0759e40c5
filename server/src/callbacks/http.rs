//! `/v1/callbacks`: what apps ask.

use super::{NewCallback, answer, cancel_own, create, list_own, show_own};
use crate::app::App;
use crate::clock::now;
use crate::http::{Answer, IdempotencyKey, Intent, JsonBody, Params, once};
use crate::identity::InstallationCaller;
use crate::refusal::Refusal;
use axum::Json;
use axum::extract::{Path, State};
use ringback_core::protocol::{
    Callback, CallbackList, CallbackRequest, ConfirmRequest, Confirmation, Problem,
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
    let vault = app.vault.clone();
    app.change(move |tx, effects| {
        let now = now();
        once(tx, &vault, &intent, 201, now, |tx| create(tx, effects, &vault, &new, now)?.view(tx))
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
    Ok(Json(app.storage.read(move |tx| show_own(tx, &caller.id, &id)).await?))
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
    Ok(Json(app.storage.read(move |tx| list_own(tx, &caller.id, page.after.as_deref())).await?))
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
    let vault = app.vault.clone();
    app.change(move |tx, effects| {
        let now = now();
        once(tx, &vault, &intent, 200, now, |tx| cancel_own(tx, effects, &caller.id, &id, now))
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
    if let ringback_core::protocol::ConfirmAnswer::OtherNumber { number } = &body.value.answer {
        crate::phone::check(number, "answer.other_number.number")?;
    }
    let vault = app.vault.clone();
    app.change(move |tx, effects| {
        let now = now();
        once(tx, &vault, &intent, 200, now, |tx| {
            answer(tx, effects, &vault, (&caller.id, &id), &body.value, now)
        })
    })
    .await
}

//! `POST /v1/call-ins` for apps, and matching and groups for staff.

use super::{
    CallInGroup, InboundCall, MatchedCallIn, NewCallIn, NewCallInGroup, create_group, issue, list_groups,
    match_inbound,
};
use crate::app::App;
use crate::clock::now;
use crate::http::{Answer, IdempotencyKey, Intent, JsonBody, once};
use crate::identity::{InstallationCaller, Permission, StaffCaller};
use crate::refusal::Refusal;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ringback_core::protocol::{CallInRequest, CallTicket, Problem};

/// Asks for a number to dial and a code to type.
#[utoipa::path(post, path = "/v1/call-ins", tag = "click-to-call", operation_id = "request_call_in",
    request_body = CallInRequest, params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = CallTicket), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn request_call_in(
    State(app): State<App>,
    caller: InstallationCaller,
    key: IdempotencyKey,
    body: JsonBody<CallInRequest>,
) -> Result<Answer, Refusal> {
    let intent = Intent { owner: caller.id.clone(), key, request_hash: body.request_hash };
    let new = NewCallIn::check(caller.id, body.value)?;
    let vault = app.centre.vault.clone();
    app.change(move |tx, effects| {
        let now = now();
        once(tx, &vault, &intent, 201, now, |tx| issue(tx, effects, &vault, &new, now))
    })
    .await
}

/// An inbound call has arrived: who is it? Closes the call-in that fits.
#[utoipa::path(post, path = "/v1/staff/call-ins/match", tag = "click-to-call", operation_id = "match_call_in",
    request_body = InboundCall,
    responses((status = 200, body = MatchedCallIn), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn match_call_in(
    State(app): State<App>,
    caller: StaffCaller,
    body: JsonBody<InboundCall>,
) -> Result<Json<MatchedCallIn>, Refusal> {
    caller.require(Permission::RunFloor)?;
    let vault = app.centre.vault.clone();
    let matched = app
        .change(move |tx, effects| match_inbound(tx, effects, &vault, &body.value, &caller.actor(), now()))
        .await?;
    Ok(Json(matched))
}

/// Makes a click-to-call group.
#[utoipa::path(post, path = "/v1/staff/call-in-groups", tag = "click-to-call", operation_id = "create_call_in_group",
    request_body = NewCallInGroup,
    responses((status = 201, body = CallInGroup), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn create_call_in_group(
    State(app): State<App>,
    caller: StaffCaller,
    body: JsonBody<NewCallInGroup>,
) -> Result<(StatusCode, Json<CallInGroup>), Refusal> {
    caller.require(Permission::ManageResources)?;
    let group = app.storage.write(move |tx| create_group(tx, &body.value, now())).await?;
    Ok((StatusCode::CREATED, Json(group)))
}

/// Lists click-to-call groups.
#[utoipa::path(get, path = "/v1/staff/call-in-groups", tag = "click-to-call", operation_id = "list_call_in_groups",
    responses((status = 200, body = [CallInGroup]), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn list_call_in_groups(
    State(app): State<App>,
    caller: StaffCaller,
) -> Result<Json<Vec<CallInGroup>>, Refusal> {
    caller.require(Permission::View)?;
    Ok(Json(app.storage.read(list_groups).await?))
}

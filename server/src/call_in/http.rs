//! `POST /v1/call-ins` for apps, and matching and groups for staff.

use super::{
    CallInGroup, CallInRecord, FoundCallback, GroupHealth, InboundCall, InboundCaller, MatchedCallIn,
    NewCallIn, NewCallInGroup, called_in, create_group, health, issue, list_groups, list_records,
    match_inbound,
};
use crate::app::App;
use crate::captcha::{self, Bound, Presented};
use crate::clock::now;
use crate::http::{Answer, ClientAddress, IdempotencyKey, Intent, JsonBody, Params, once};
use crate::identity::{InstallationCaller, Permission, StaffCaller};
use crate::refusal::Refusal;
use crate::routing::resources::unknown;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use ringback_core::protocol::{CallInRequest, CallTicket, CaptchaPurpose, Problem};
use serde::Deserialize;

/// Asks for a number to dial and a code to type.
#[utoipa::path(post, path = "/v1/call-ins", tag = "click-to-call", operation_id = "request_call_in",
    request_body = CallInRequest,
    params(("Idempotency-Key" = String, Header),
        ("Ringback-Captcha" = Option<String>, Header, description = "`<provider> <token>`, when the service asks for it")),
    responses((status = 201, body = CallTicket), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn request_call_in(
    State(app): State<App>,
    caller: InstallationCaller,
    address: ClientAddress,
    token: Presented,
    key: IdempotencyKey,
    body: JsonBody<CallInRequest>,
) -> Result<Answer, Refusal> {
    let intent = Intent::new(&caller, key, body.request_hash);
    let bound = Bound::new(&caller, &body.value.service, CaptchaPurpose::RequestCallIn);
    let evidence = captcha::weigh(&app, &bound, caller.standing, token, address.0).await?;
    let risk = evidence.risk;
    let new = NewCallIn::check(caller.id, body.value)?.with_captcha(evidence);
    let centre = app.centre.clone();
    let answer = app.change(move |tx, effects| {
        let now = now();
        once(tx, &centre.vault, &intent, 201, now, |tx| issue(tx, effects, &centre, &new, now))
    });
    captcha::with_challenge(&app, bound, risk, answer.await).await
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

/// A call has come in, by whatever number: open callbacks of the caller are moved to the front, closed or left, as their
/// services want it.
#[utoipa::path(post, path = "/v1/staff/inbound-calls", tag = "click-to-call", operation_id = "report_inbound_call",
    request_body = InboundCaller,
    responses((status = 200, body = [FoundCallback]), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn report_inbound_call(
    State(app): State<App>,
    caller: StaffCaller,
    body: JsonBody<InboundCaller>,
) -> Result<Json<Vec<FoundCallback>>, Refusal> {
    caller.require(Permission::RunFloor)?;
    body.value.check()?;
    let centre = app.centre.clone();
    let found = app
        .change(move |tx, effects| called_in(tx, effects, &centre, &body.value, &caller.actor(), now()))
        .await?;
    Ok(Json(found))
}

/// Where a list goes on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct After {
    after: Option<String>,
}

/// Lists the numbers and codes that were given out, newest first, 100 at a time.
#[utoipa::path(get, path = "/v1/staff/call-ins", tag = "click-to-call", operation_id = "list_call_ins",
    params(("after" = Option<String>, Query, description = "The last id of the page before")),
    responses((status = 200, body = [CallInRecord]), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn list_call_ins(
    State(app): State<App>,
    caller: StaffCaller,
    Params(page): Params<After>,
) -> Result<Json<Vec<CallInRecord>>, Refusal> {
    caller.require(Permission::View)?;
    Ok(Json(app.storage.read(move |tx| list_records(tx, page.after.as_deref())).await?))
}

/// Says how a click-to-call group is doing: whether it has numbers enough.
#[utoipa::path(get, path = "/v1/staff/call-in-groups/{name}/health", tag = "click-to-call", operation_id = "show_group_health",
    params(("name" = String, Path)),
    responses((status = 200, body = GroupHealth), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn show_group_health(
    State(app): State<App>,
    caller: StaffCaller,
    Path(name): Path<String>,
) -> Result<Json<GroupHealth>, Refusal> {
    caller.require(Permission::View)?;
    let health = app.storage.read(move |tx| {
        let groups = list_groups(tx)?;
        let group = groups.iter().find(|group| group.name == name);
        health(tx, group.ok_or_else(|| unknown("call_in_group", &name))?, now())
    });
    Ok(Json(health.await?))
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

//! `/v1/staff/callbacks`: what the contact centre does with callbacks.

use super::model::DialResult;
use super::{StaffCallback, cancel_by_staff, dialed, find_for_update, finish, list, show};
use crate::app::App;
use crate::clock::now;
use crate::http::{JsonBody, Params};
use crate::identity::{Permission, StaffCaller};
use crate::push::history::{DeliverySummary, deliveries_of};
use crate::refusal::Refusal;
use axum::Json;
use axum::extract::{Path, State};
use ringback_core::protocol::{Callback, CallbackState, Problem, ProblemCode};
use serde::{Deserialize, Serialize};

/// Which callbacks.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    state: CallbackState,
    after: Option<String>,
}

/// Lists callbacks in a state, oldest first, 100 at a time.
#[utoipa::path(get, path = "/v1/staff/callbacks", tag = "staff callbacks", operation_id = "staff_list_callbacks",
    params(("state" = CallbackState, Query), ("after" = Option<String>, Query, description = "The last id of the page before")),
    responses((status = 200, body = [Callback]), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn staff_list_callbacks(
    State(app): State<App>,
    caller: StaffCaller,
    Params(filter): Params<Filter>,
) -> Result<Json<Vec<Callback>>, Refusal> {
    caller.require(Permission::View)?;
    if filter.state == CallbackState::Unknown {
        // What a client takes for a state of a later version is only a misspelled one here.
        return Err(Refusal::of_field(
            ProblemCode::FieldInvalid,
            "state",
            "There is no such state. Ask for scheduled, queued, routing, processing or completed.",
        ));
    }
    Ok(Json(app.storage.read(move |tx| list(tx, filter.state, filter.after.as_deref())).await?))
}

/// Shows a callback with number, name and context.
#[utoipa::path(get, path = "/v1/staff/callbacks/{id}", tag = "staff callbacks", operation_id = "staff_show_callback",
    params(("id" = String, Path)),
    responses((status = 200, body = StaffCallback), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn staff_show_callback(
    State(app): State<App>,
    caller: StaffCaller,
    Path(id): Path<String>,
) -> Result<Json<StaffCallback>, Refusal> {
    caller.require(Permission::View)?;
    let vault = app.vault.clone();
    Ok(Json(app.storage.read(move |tx| show(tx, &vault, &id)).await?))
}

/// Takes a callback back on behalf of the contact centre.
#[utoipa::path(post, path = "/v1/staff/callbacks/{id}/cancel", tag = "staff callbacks", operation_id = "staff_cancel_callback",
    params(("id" = String, Path)),
    responses((status = 200, body = Callback), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn staff_cancel_callback(
    State(app): State<App>,
    caller: StaffCaller,
    Path(id): Path<String>,
) -> Result<Json<Callback>, Refusal> {
    caller.require(Permission::RunFloor)?;
    let actor = caller.actor();
    let callback = app.change(move |tx, effects| cancel_by_staff(tx, effects, &id, &actor, now())).await?;
    Ok(Json(callback))
}

/// What came of dialing.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportedResult {
    result: DialResult,
}

/// The agent reports what came of dialing by hand.
#[utoipa::path(post, path = "/v1/staff/callbacks/{id}/result", tag = "staff callbacks", operation_id = "report_result",
    request_body = ReportedResult, params(("id" = String, Path)),
    responses((status = 200, body = Callback), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn report_result(
    State(app): State<App>,
    caller: StaffCaller,
    Path(id): Path<String>,
    body: JsonBody<ReportedResult>,
) -> Result<Json<Callback>, Refusal> {
    let callback = app
        .change(move |tx, effects| {
            let mut record = at_desk(find_for_update(tx, &id)?, &caller)?;
            dialed(tx, effects, &mut record, body.value.result, &caller.actor(), now())?;
            record.view(tx)
        })
        .await?;
    Ok(Json(callback))
}

/// What the agent notes at the end.
#[derive(Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Completion {
    /// A word or two, at most 100 characters.
    #[serde(default)]
    disposition: Option<String>,
}

/// The talk is over.
#[utoipa::path(post, path = "/v1/staff/callbacks/{id}/complete", tag = "staff callbacks", operation_id = "complete_callback",
    request_body = Completion, params(("id" = String, Path)),
    responses((status = 200, body = Callback), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn complete_callback(
    State(app): State<App>,
    caller: StaffCaller,
    Path(id): Path<String>,
    body: JsonBody<Completion>,
) -> Result<Json<Callback>, Refusal> {
    let disposition = body.value.disposition;
    if disposition.as_ref().is_some_and(|text| text.chars().count() > 100) {
        return Err(Refusal::of_field(
            ProblemCode::FieldInvalid,
            "disposition",
            "A disposition has at most 100 characters. Shorten it.",
        ));
    }
    let callback = app
        .change(move |tx, effects| {
            let mut record = at_desk(find_for_update(tx, &id)?, &caller)?;
            finish(tx, effects, &mut record, disposition.as_deref(), &caller.actor(), now())?;
            record.view(tx)
        })
        .await?;
    Ok(Json(callback))
}

/// Lists the pushes of a callback: every device, every outcome.
#[utoipa::path(get, path = "/v1/staff/callbacks/{id}/pushes", tag = "staff callbacks", operation_id = "list_pushes",
    params(("id" = String, Path)),
    responses((status = 200, body = [DeliverySummary]), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn list_pushes(
    State(app): State<App>,
    caller: StaffCaller,
    Path(id): Path<String>,
) -> Result<Json<Vec<DeliverySummary>>, Refusal> {
    caller.require(Permission::View)?;
    Ok(Json(app.storage.read(move |tx| deliveries_of(tx, &id)).await?))
}

/// Refuses an agent whose desk the callback does not lie on.
fn at_desk(record: super::Record, caller: &StaffCaller) -> Result<super::Record, Refusal> {
    match &record.agent_id {
        Some(agent_id) => caller.require_desk_of(agent_id)?,
        None => caller.require(Permission::RunFloor)?,
    }
    Ok(record)
}

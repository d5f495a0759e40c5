//! `/v1/staff/callbacks`: what the contact centre does with callbacks.

use super::model::DialResult;
use super::{
    Completion, Record, StaffCallback, accept, cancel_by_staff, find_for_update, finish, list, pass, report,
    reschedule, show, show_to_desk,
};
use crate::app::{App, Effects};
use crate::centre::Centre;
use crate::clock::now;
use crate::http::{JsonBody, Params};
use crate::identity::{Permission, StaffCaller};
use crate::push::history::{DeliverySummary, deliveries_of};
use crate::refusal::Refusal;
use crate::storage::Tx;
use axum::Json;
use axum::extract::{Path, State};
use ringback_core::protocol::{Callback, CallbackState, Problem, ProblemCode, RescheduleRequest, Timestamp};
use serde::Deserialize;

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
    let centre = app.centre.clone();
    let page = app.storage.read(move |tx| list(tx, &centre, filter.state, filter.after.as_deref(), now()));
    Ok(Json(page.await?))
}

/// Shows a callback with number, name and context; who runs the floor also sees the code to be said first.
#[utoipa::path(get, path = "/v1/staff/callbacks/{id}", tag = "staff callbacks", operation_id = "staff_show_callback",
    params(("id" = String, Path)),
    responses((status = 200, body = StaffCallback), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn staff_show_callback(
    State(app): State<App>,
    caller: StaffCaller,
    Path(id): Path<String>,
) -> Result<Json<StaffCallback>, Refusal> {
    caller.require(Permission::View)?;
    let centre = app.centre.clone();
    // Who only looks has no call to begin.
    let shown = if caller.role.allows(Permission::RunFloor) { show_to_desk } else { show };
    Ok(Json(app.storage.read(move |tx| shown(tx, &centre, &id, now())).await?))
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
    let (actor, centre) = (caller.actor(), app.centre.clone());
    let callback =
        app.change(move |tx, effects| cancel_by_staff(tx, effects, &centre, &id, &actor, now())).await?;
    Ok(Json(callback))
}

/// What came of dialing.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportedResult {
    result: DialResult,
}

/// One handler for what an agent does with the callback on the desk.
macro_rules! at_the_desk {
    ($doc:literal, $path:literal, $name:ident, $body:ty, $act:expr) => {
        #[doc = $doc]
        #[utoipa::path(post, path = $path, tag = "staff callbacks", operation_id = stringify!($name),
            request_body = $body, params(("id" = String, Path)),
            responses((status = 200, body = Callback), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
        pub async fn $name(
            State(app): State<App>,
            caller: StaffCaller,
            Path(id): Path<String>,
            body: JsonBody<$body>,
        ) -> Result<Json<Callback>, Refusal> {
            let centre = app.centre.clone();
            let callback = app
                .change(move |tx, effects| {
                    let mut record = at_desk(find_for_update(tx, &id)?, &caller)?;
                    let at = Desk { centre: &centre, actor: &caller.actor(), now: now() };
                    $act(tx, effects, &mut record, &at, &body.value)?;
                    record.view(tx, &centre, at.now)
                })
                .await?;
            Ok(Json(callback))
        }
    };
}

/// Where and when an agent acts.
struct Desk<'a> {
    centre: &'a Centre,
    actor: &'a str,
    now: Timestamp,
}

/// Nothing to say.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

at_the_desk!(
    "The agent reports what came of dialing by hand, or a phone engine what came of its call.",
    "/v1/staff/callbacks/{id}/result",
    report_result,
    ReportedResult,
    (|tx: &mut Tx<'_>, effects: &mut Effects, record: &mut Record, at: &Desk<'_>, said: &ReportedResult| {
        report(tx, effects, record, said.result, at.actor, at.now)
    })
);
at_the_desk!(
    "The agent has looked at the callback and takes it.",
    "/v1/staff/callbacks/{id}/accept",
    accept_callback,
    Nothing,
    (|tx: &mut Tx<'_>, effects: &mut Effects, record: &mut Record, at: &Desk<'_>, _: &Nothing| {
        accept(tx, effects, record, at.actor, at.now)
    })
);
at_the_desk!(
    "The agent has looked at the callback and does not take it. It keeps its place in line, for others.",
    "/v1/staff/callbacks/{id}/reject",
    reject_callback,
    Nothing,
    (|tx: &mut Tx<'_>, effects: &mut Effects, record: &mut Record, at: &Desk<'_>, _: &Nothing| {
        pass(tx, effects, record, at.actor, at.now)
    })
);
at_the_desk!(
    "The talk is over; the agent says what came of it.",
    "/v1/staff/callbacks/{id}/complete",
    complete_callback,
    Completion,
    (|tx: &mut Tx<'_>, effects: &mut Effects, record: &mut Record, at: &Desk<'_>, said: &Completion| {
        said.check()?;
        finish(tx, effects, at.centre, record, said, (at.actor, at.now))
    })
);

/// The contact centre chooses another time for a callback, or "now".
#[utoipa::path(post, path = "/v1/staff/callbacks/{id}/reschedule", tag = "staff callbacks", operation_id = "staff_reschedule_callback",
    request_body = RescheduleRequest, params(("id" = String, Path)),
    responses((status = 200, body = Callback), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn staff_reschedule_callback(
    State(app): State<App>,
    caller: StaffCaller,
    Path(id): Path<String>,
    body: JsonBody<RescheduleRequest>,
) -> Result<Json<Callback>, Refusal> {
    caller.require(Permission::RunFloor)?;
    let centre = app.centre.clone();
    let callback = app
        .change(move |tx, effects| {
            let (mut record, now) = (find_for_update(tx, &id)?, now());
            let scheduled_for = body.value.scheduled_for.as_ref();
            reschedule(tx, effects, &centre, &mut record, scheduled_for, (&caller.actor(), now))?;
            record.view(tx, &centre, now)
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
fn at_desk(record: Record, caller: &StaffCaller) -> Result<Record, Refusal> {
    match &record.agent_id {
        Some(agent_id) => caller.require_desk_of(agent_id)?,
        None => caller.require(Permission::RunFloor)?,
    }
    Ok(record)
}

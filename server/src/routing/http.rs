//! `/v1/staff/agents/{name}`: an agent's state and desk.

use super::agents::{self, ChosenState, Desk};
use crate::app::App;
use crate::clock::now;
use crate::http::JsonBody;
use crate::identity::StaffCaller;
use crate::refusal::Refusal;
use axum::Json;
use axum::extract::{Path, State};
use ringback_core::protocol::{Problem, ProblemCode};
use serde::{Deserialize, Serialize};

/// Shows an agent's desk: the state, and the callback at hand.
#[utoipa::path(get, path = "/v1/staff/agents/{name}", tag = "agents", operation_id = "show_desk",
    params(("name" = String, Path)),
    responses((status = 200, body = Desk), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn show_desk(
    State(app): State<App>,
    caller: StaffCaller,
    Path(name): Path<String>,
) -> Result<Json<Desk>, Refusal> {
    let centre = app.centre.clone();
    let desk = app
        .storage
        .read(move |tx| {
            let id = agents::id_of(tx, &name)?;
            caller.require_desk_of(&id)?;
            agents::desk(tx, &centre, &id, now())
        })
        .await?;
    Ok(Json(desk))
}

/// The state an agent chooses.
#[derive(Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StateChoice {
    /// The state.
    pub state: ChosenState,
    /// Why, at most 100 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Sets an agent's state. One who leaves while a callback is reserved gives it back to its place in line; on a call the
/// choice counts from the end of the call.
#[utoipa::path(put, path = "/v1/staff/agents/{name}/state", tag = "agents", operation_id = "choose_state",
    request_body = StateChoice, params(("name" = String, Path)),
    responses((status = 200, body = Desk), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn choose_state(
    State(app): State<App>,
    caller: StaffCaller,
    Path(name): Path<String>,
    body: JsonBody<StateChoice>,
) -> Result<Json<Desk>, Refusal> {
    let choice = body.value;
    if choice.reason.as_ref().is_some_and(|text| text.chars().count() > 100) {
        return Err(Refusal::of_field(
            ProblemCode::FieldInvalid,
            "reason",
            "A reason has at most 100 characters. Shorten it.",
        ));
    }
    let centre = app.centre.clone();
    let desk = app
        .change(move |tx, effects| {
            let id = agents::id_of(tx, &name)?;
            caller.require_desk_of(&id)?;
            let chosen = (choice.state, choice.reason.as_deref());
            agents::choose_state(tx, effects, &id, chosen, &caller.actor(), now())?;
            agents::desk(tx, &centre, &id, now())
        })
        .await?;
    Ok(Json(desk))
}

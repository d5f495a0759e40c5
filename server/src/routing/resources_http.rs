//! `/v1/staff/queues`, `skills` and `agents`: what a contact centre is made of.

use super::resources::{self, AgentSetup, AgentSummary, Named};
use crate::app::App;
use crate::clock::now;
use crate::http::JsonBody;
use crate::identity::{Permission, StaffCaller};
use crate::refusal::Refusal;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ringback_core::protocol::Problem;

/// One handler that makes a thing and one that lists things of its kind.
macro_rules! resource {
    ($path:literal, $make_doc:literal, $make:ident, $made:ty, $create:path; $list_doc:literal, $list_fn:ident, $listed:ty, $list:path) => {
        #[doc = $make_doc]
        #[utoipa::path(post, path = $path, tag = "resources", operation_id = stringify!($make), request_body = $made,
            responses((status = 201, body = $made), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
        pub async fn $make(
            State(app): State<App>,
            caller: StaffCaller,
            body: JsonBody<$made>,
        ) -> Result<(StatusCode, Json<$made>), Refusal> {
            caller.require(Permission::ManageResources)?;
            let made = body.value.clone();
            app.storage.write(move |tx| $create(tx, &body.value, now())).await?;
            Ok((StatusCode::CREATED, Json(made)))
        }

        #[doc = $list_doc]
        #[utoipa::path(get, path = $path, tag = "resources", operation_id = stringify!($list_fn),
            responses((status = 200, body = [$listed]), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
        pub async fn $list_fn(State(app): State<App>, caller: StaffCaller) -> Result<Json<Vec<$listed>>, Refusal> {
            caller.require(Permission::View)?;
            Ok(Json(app.storage.read($list).await?))
        }
    };
}

resource!("/v1/staff/queues", "Makes a queue.", create_queue, Named, resources::create_queue;
    "Lists queues.", list_queues, Named, resources::list_queues);
resource!("/v1/staff/skills", "Makes a skill.", create_skill, Named, resources::create_skill;
    "Lists skills.", list_skills, Named, resources::list_skills);
resource!("/v1/staff/agents", "Makes an agent, offline.", create_agent, AgentSetup, resources::create_agent;
    "Lists agents.", list_agents, AgentSummary, resources::list_agents);
/// Sets an agent's queues and skills.
#[utoipa::path(put, path = "/v1/staff/agents", tag = "resources", operation_id = "update_agent", request_body = AgentSetup,
    responses((status = 200, body = AgentSetup), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn update_agent(
    State(app): State<App>,
    caller: StaffCaller,
    body: JsonBody<AgentSetup>,
) -> Result<Json<AgentSetup>, Refusal> {
    caller.require(Permission::ManageResources)?;
    let agent = body.value.clone();
    // A ready agent with new skills may fit somebody who waits.
    app.change(move |tx, effects| {
        effects.ready_agents.insert(resources::update_agent(tx, &body.value)?);
        Ok(())
    })
    .await?;
    Ok(Json(agent))
}

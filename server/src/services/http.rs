//! `/v1/staff/services`.

use super::{ServicePause, ServiceSetup, create_service, list_services, pause_service, update_service};
use crate::app::App;
use crate::clock::now;
use crate::http::JsonBody;
use crate::identity::{Permission, StaffCaller};
use crate::refusal::Refusal;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use ringback_core::protocol::{Problem, ProblemCode};

/// Makes a service.
#[utoipa::path(post, path = "/v1/staff/services", tag = "services", operation_id = "create_service",
    request_body = ServiceSetup,
    responses((status = 201, body = ServiceSetup), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn staff_create_service(
    State(app): State<App>,
    caller: StaffCaller,
    body: JsonBody<ServiceSetup>,
) -> Result<(StatusCode, Json<ServiceSetup>), Refusal> {
    caller.require(Permission::ManageResources)?;
    let made = body.value.clone();
    app.storage.write(move |tx| create_service(tx, &body.value, now())).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Lists services.
#[utoipa::path(get, path = "/v1/staff/services", tag = "services", operation_id = "list_services",
    responses((status = 200, body = [ServiceSetup]), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn staff_list_services(
    State(app): State<App>,
    caller: StaffCaller,
) -> Result<Json<Vec<ServiceSetup>>, Refusal> {
    caller.require(Permission::View)?;
    Ok(Json(app.storage.read(list_services).await?))
}

/// Sets every setting of a service anew.
#[utoipa::path(put, path = "/v1/staff/services/{name}", tag = "services", operation_id = "update_service",
    request_body = ServiceSetup, params(("name" = String, Path)),
    responses((status = 200, body = ServiceSetup), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn staff_update_service(
    State(app): State<App>,
    caller: StaffCaller,
    Path(name): Path<String>,
    body: JsonBody<ServiceSetup>,
) -> Result<Json<ServiceSetup>, Refusal> {
    caller.require(Permission::ManageResources)?;
    if body.value.name != name {
        return Err(Refusal::of_field(
            ProblemCode::FieldInvalid,
            "name",
            "A service keeps its name. Send the name of the path.",
        ));
    }
    let set = body.value.clone();
    app.storage.write(move |tx| update_service(tx, &body.value)).await?;
    Ok(Json(set))
}

/// Has a service take no requests for a while, or again. What is in line is still called.
#[utoipa::path(put, path = "/v1/staff/services/{name}/pause", tag = "services", operation_id = "pause_service",
    request_body = ServicePause, params(("name" = String, Path)),
    responses((status = 200, body = ServicePause), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn staff_pause_service(
    State(app): State<App>,
    caller: StaffCaller,
    Path(name): Path<String>,
    body: JsonBody<ServicePause>,
) -> Result<Json<ServicePause>, Refusal> {
    caller.require(Permission::RunFloor)?;
    let pause = body.value.clone();
    app.storage.write(move |tx| pause_service(tx, &name, &body.value)).await?;
    Ok(Json(pause))
}

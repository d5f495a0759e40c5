//! `PUT /v1/devices`, and the push credentials of staff.

use super::check::{self, CredentialCheck};
use super::credentials::{self, ListedCredential, NewPushCredential};
use super::devices;
use super::lane::Endpoints;
use crate::app::App;
use crate::clock::now;
use crate::http::{Answer, IdempotencyKey, Intent, JsonBody, once};
use crate::identity::{InstallationCaller, Permission, StaffCaller};
use crate::refusal::Refusal;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use ringback_core::protocol::{Device, Problem, PushRegistration};

/// Registers where the caller's device is reached.
#[utoipa::path(put, path = "/v1/devices", tag = "push", operation_id = "register_device",
    request_body = PushRegistration, params(("Idempotency-Key" = String, Header)),
    responses((status = 200, body = Device), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn register_device(
    State(app): State<App>,
    caller: InstallationCaller,
    key: IdempotencyKey,
    body: JsonBody<PushRegistration>,
) -> Result<Answer, Refusal> {
    let intent = Intent { owner: caller.id.clone(), key, request_hash: body.request_hash };
    let vault = app.centre.vault.clone();
    app.storage
        .write(move |tx| {
            let now = now();
            once(tx, &vault, &intent, 200, now, |tx| {
                devices::register(tx, &vault, &caller.id, &body.value, now)
            })
        })
        .await
}

/// Enters a push credential, in place of one of the same name. It is sealed and never shown again.
#[utoipa::path(put, path = "/v1/staff/push-credentials", tag = "push", operation_id = "put_push_credential",
    request_body = NewPushCredential,
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn put_push_credential(
    State(app): State<App>,
    caller: StaffCaller,
    body: JsonBody<NewPushCredential>,
) -> Result<StatusCode, Refusal> {
    caller.require(Permission::ConnectApps)?;
    let vault = app.centre.vault.clone();
    app.storage.write(move |tx| credentials::put(tx, &vault, &body.value, now())).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists push credentials, without what is secret of them.
#[utoipa::path(get, path = "/v1/staff/push-credentials", tag = "push", operation_id = "list_push_credentials",
    responses((status = 200, body = [ListedCredential]), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn list_push_credentials(
    State(app): State<App>,
    caller: StaffCaller,
) -> Result<Json<Vec<ListedCredential>>, Refusal> {
    caller.require(Permission::View)?;
    Ok(Json(app.storage.read(credentials::list).await?))
}

/// Tries a push credential at its provider: nothing reaches a device. What is wrong is in the findings.
#[utoipa::path(post, path = "/v1/staff/push-credentials/{name}/check", tag = "push", operation_id = "check_push_credential",
    params(("name" = String, Path)),
    responses((status = 200, body = CredentialCheck), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn check_push_credential(
    State(app): State<App>,
    caller: StaffCaller,
    Path(name): Path<String>,
) -> Result<Json<CredentialCheck>, Refusal> {
    caller.require(Permission::ConnectApps)?;
    let endpoints = Endpoints::read(&app.settings.push)
        .map_err(|_| Refusal::Damaged("push.trust_roots_file, which cannot be read any more"))?;
    let vault = app.centre.vault.clone();
    let mut opened = app.storage.read(move |tx| credentials::open_named(tx, &vault, Some(&name))).await?;
    let (name, credential) = opened.pop().ok_or(Refusal::Damaged("a push credential"))?;
    Ok(Json(check::check(&name, &credential, &endpoints).await))
}

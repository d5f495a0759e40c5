//! The devices and receipts of apps; the push credentials of staff, and what staff see of pushes.

use super::check::{self, CredentialCheck};
use super::credentials::{self, ListedCredential, NewPushCredential};
use super::history::{self, DeliveryFilter, DeliveryPage};
use super::lane::Endpoints;
use super::replay::replay;
use super::summary::{PushSummary, SummaryFilter, summarize};
use super::{devices, receipts};
use crate::app::App;
use crate::clock::now;
use crate::http::{Answer, IdempotencyKey, Intent, JsonBody, Params, once};
use crate::identity::{InstallationCaller, Permission, StaffCaller};
use crate::refusal::Refusal;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use ringback_core::protocol::{Device, Problem, PushReceipt, PushRegistration};

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
    let intent = Intent::new(&caller, key, body.request_hash);
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

/// Lists the devices by which the caller is reached.
#[utoipa::path(get, path = "/v1/devices", tag = "push", operation_id = "list_devices",
    responses((status = 200, body = [Device]), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn list_devices(
    State(app): State<App>,
    caller: InstallationCaller,
) -> Result<Json<Vec<Device>>, Refusal> {
    Ok(Json(app.storage.read(move |tx| devices::list(tx, &caller.id)).await?))
}

/// Forgets one of the caller's devices: no push is sent there any more. Forgetting it again changes nothing.
#[utoipa::path(delete, path = "/v1/devices/{id}", tag = "push", operation_id = "unregister_device",
    params(("id" = String, Path)),
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn unregister_device(
    State(app): State<App>,
    caller: InstallationCaller,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    app.storage
        .write(move |tx| {
            caller.spend_signature(tx)?;
            devices::unregister(tx, &caller.id, &id)
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says what became of a push. Only the first receipt of each kind counts, so it may be repeated without a key.
#[utoipa::path(post, path = "/v1/push/receipts", tag = "push", operation_id = "send_receipt",
    request_body = PushReceipt,
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn send_receipt(
    State(app): State<App>,
    caller: InstallationCaller,
    body: JsonBody<PushReceipt>,
) -> Result<StatusCode, Refusal> {
    app.storage
        .write(move |tx| {
            caller.spend_signature(tx)?;
            receipts::note(tx, &caller.id, &body.value, now())
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
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

/// Lists deliveries of all callbacks, newest first: those that failed, unless another state is asked for.
#[utoipa::path(get, path = "/v1/staff/pushes", tag = "push", operation_id = "staff_list_pushes",
    params(
        ("state" = Option<String>, Query, description = "`failed` (when absent), `expired`, `skipped`, `pending` or `delivered`"),
        ("provider" = Option<String>, Query, description = "`apns`, `fcm` or `web_push`"),
        ("event" = Option<String>, Query),
        ("reason" = Option<String>, Query, description = "The provider's word for the last refusal, or ours"),
        ("since" = Option<String>, Query, description = "RFC 3339, at most 7 days ago; a day when absent"),
        ("after" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<u32>, Query, description = "1 to 200; 50 when absent"),
    ),
    responses((status = 200, body = DeliveryPage), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn staff_list_pushes(
    State(app): State<App>,
    caller: StaffCaller,
    Params(filter): Params<DeliveryFilter>,
) -> Result<Json<DeliveryPage>, Refusal> {
    caller.require(Permission::View)?;
    Ok(Json(app.storage.read(move |tx| history::list(tx, &filter, now())).await?))
}

/// Says in figures what became of pushes.
#[utoipa::path(get, path = "/v1/staff/pushes/summary", tag = "push", operation_id = "staff_summarize_pushes",
    params(("since" = Option<String>, Query, description = "RFC 3339, at most 7 days ago; a day when absent")),
    responses((status = 200, body = PushSummary), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn staff_summarize_pushes(
    State(app): State<App>,
    caller: StaffCaller,
    Params(filter): Params<SummaryFilter>,
) -> Result<Json<PushSummary>, Refusal> {
    caller.require(Permission::View)?;
    Ok(Json(app.storage.read(move |tx| summarize(tx, &filter, now())).await?))
}

/// Sends a failed delivery again, if what it says is still true and has time left. Its device gets it at most once more: the
/// app drops a copy of what it has.
#[utoipa::path(post, path = "/v1/staff/pushes/{delivery_id}/replay", tag = "push", operation_id = "staff_replay_push",
    params(("delivery_id" = String, Path)),
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn staff_replay_push(
    State(app): State<App>,
    caller: StaffCaller,
    Path(delivery_id): Path<String>,
) -> Result<StatusCode, Refusal> {
    caller.require(Permission::ConnectApps)?;
    app.change(move |tx, effects| replay(tx, effects, &delivery_id, now())).await?;
    Ok(StatusCode::NO_CONTENT)
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

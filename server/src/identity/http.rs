//! `POST /v1/installations`, and the keys of staff.

use super::admin::{self, AppKeyChange, ListedKey, MadeKey, NewAppKey, NewStaffKey};
use super::caller::{AppCaller, StaffCaller};
use super::installations::{self, NewInstallation};
use super::role::Permission;
use super::signature::key_bytes;
use super::signed::Head;
use crate::app::App;
use crate::clock::now;
use crate::http::JsonBody;
use crate::refusal::Refusal;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use ringback_core::protocol::{Installation, InstallationRequest, Problem, ProblemCode};

/// Registers an installation of an app. The same secret gives the same installation and a new token. A request with a
/// `public_key` is signed with it.
#[utoipa::path(post, path = "/v1/installations", tag = "installations", operation_id = "register_installation",
    request_body = InstallationRequest,
    params(("Ringback-App-Key" = String, Header, description = "The app's publishable key")),
    responses(
        (status = 201, body = Installation),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn register_installation(
    State(app): State<App>,
    caller: AppCaller,
    head: Head,
    body: JsonBody<InstallationRequest>,
) -> Result<(StatusCode, Json<Installation>), Refusal> {
    if !(32..=128).contains(&body.value.secret.expose().len()) {
        return Err(Refusal::of_field(
            ProblemCode::FieldInvalid,
            "secret",
            "The secret has 32 to 128 characters of the installation's own randomness. Make a longer one.",
        ));
    }
    let key = match body.value.public_key {
        None => None,
        Some(key) if key_bytes(&key).is_none() => {
            return Err(Refusal::of_field(
                ProblemCode::FieldInvalid,
                "public_key",
                "The key is the uncompressed point of P-256 (65 bytes) or the 32 bytes of Ed25519, in base64url \
                 without padding.",
            ));
        }
        Some(key) => {
            let nonce = head.verify(&key, now())?;
            Some((key, nonce))
        }
    };
    let new = NewInstallation { app: caller, secret: body.value.secret, key };
    let installation = app.storage.write(move |tx| installations::register(tx, &new, now())).await?;
    Ok((StatusCode::CREATED, Json(installation)))
}

/// Makes the publishable key of an app.
#[utoipa::path(post, path = "/v1/staff/app-keys", tag = "keys", operation_id = "create_app_key", request_body = NewAppKey,
    responses((status = 201, body = MadeKey), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn create_app_key(
    State(app): State<App>,
    caller: StaffCaller,
    body: JsonBody<NewAppKey>,
) -> Result<(StatusCode, Json<MadeKey>), Refusal> {
    caller.require(Permission::ConnectApps)?;
    let made = app.storage.write(move |tx| admin::create_app(tx, &body.value, now())).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Changes what is asked of an app's installations.
#[utoipa::path(patch, path = "/v1/staff/app-keys/{name}", tag = "keys", operation_id = "update_app_key",
    request_body = AppKeyChange, params(("name" = String, Path)),
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn update_app_key(
    State(app): State<App>,
    caller: StaffCaller,
    Path(name): Path<String>,
    body: JsonBody<AppKeyChange>,
) -> Result<StatusCode, Refusal> {
    caller.require(Permission::ConnectApps)?;
    app.storage.write(move |tx| admin::update_app_key(tx, &name, &body.value)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes a key of staff.
#[utoipa::path(post, path = "/v1/staff/keys", tag = "keys", operation_id = "create_staff_key", request_body = NewStaffKey,
    responses((status = 201, body = MadeKey), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn create_staff_key(
    State(app): State<App>,
    caller: StaffCaller,
    body: JsonBody<NewStaffKey>,
) -> Result<(StatusCode, Json<MadeKey>), Refusal> {
    caller.require(Permission::ManageStaff)?;
    let made = app.storage.write(move |tx| admin::create_staff_key(tx, &body.value, now())).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Lists all keys, without what is secret of them.
#[utoipa::path(get, path = "/v1/staff/keys", tag = "keys", operation_id = "list_keys",
    responses((status = 200, body = [ListedKey]), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn list_keys(State(app): State<App>, caller: StaffCaller) -> Result<Json<Vec<ListedKey>>, Refusal> {
    caller.require(Permission::ManageStaff)?;
    Ok(Json(app.storage.read(admin::list_keys).await?))
}

/// Takes a key back.
#[utoipa::path(delete, path = "/v1/staff/keys/{name}", tag = "keys", operation_id = "revoke_key",
    params(("name" = String, Path)),
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn revoke_key(
    State(app): State<App>,
    caller: StaffCaller,
    Path(name): Path<String>,
) -> Result<StatusCode, Refusal> {
    caller.require(Permission::ManageStaff)?;
    app.storage.write(move |tx| admin::revoke_key(tx, &name, now())).await?;
    Ok(StatusCode::NO_CONTENT)
}

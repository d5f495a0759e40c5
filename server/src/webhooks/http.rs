//! `/v1/staff/webhooks`: who is told of events, and what became of it.

use super::endpoints::{self, MadeSecret, Rotation, Webhook, WebhookSetup};
use super::history::{self, DeliveryState, WebhookDelivery, WebhookStory};
use super::outbox::enqueue_test;
use super::replay::{Progress, replay_one, replay_since};
use crate::app::App;
use crate::clock::now;
use crate::http::{JsonBody, Params};
use crate::identity::{Permission, StaffCaller};
use crate::refusal::Refusal;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use ringback_core::protocol::{Problem, ProblemCode, Timestamp};
use serde::{Deserialize, Serialize};

/// Makes a webhook. Its secret is in the answer, and never shown again.
#[utoipa::path(post, path = "/v1/staff/webhooks", tag = "webhooks", operation_id = "create_webhook", request_body = WebhookSetup,
    responses((status = 201, body = MadeSecret), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn create_webhook(
    State(app): State<App>,
    caller: StaffCaller,
    body: JsonBody<WebhookSetup>,
) -> Result<(StatusCode, Json<MadeSecret>), Refusal> {
    caller.require(Permission::ConnectApps)?;
    let (vault, net) = (app.centre.vault.clone(), endpoints::net(&app.settings.webhooks));
    let made = app.storage.write(move |tx| endpoints::create(tx, &vault, &net, &body.value, now())).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Lists webhooks.
#[utoipa::path(get, path = "/v1/staff/webhooks", tag = "webhooks", operation_id = "list_webhooks",
    responses((status = 200, body = [Webhook]), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn list_webhooks(
    State(app): State<App>,
    caller: StaffCaller,
) -> Result<Json<Vec<Webhook>>, Refusal> {
    caller.require(Permission::View)?;
    let vault = app.centre.vault.clone();
    Ok(Json(app.storage.read(move |tx| endpoints::list(tx, &vault, now())).await?))
}

/// Shows a webhook.
#[utoipa::path(get, path = "/v1/staff/webhooks/{name}", tag = "webhooks", operation_id = "show_webhook",
    params(("name" = String, Path)),
    responses((status = 200, body = Webhook), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn show_webhook(
    State(app): State<App>,
    caller: StaffCaller,
    Path(name): Path<String>,
) -> Result<Json<Webhook>, Refusal> {
    caller.require(Permission::View)?;
    let vault = app.centre.vault.clone();
    Ok(Json(app.storage.read(move |tx| endpoints::show(tx, &vault, &name, now())).await?))
}

/// Sets every setting of a webhook anew. One that is enabled again is sent what has waited for it.
#[utoipa::path(put, path = "/v1/staff/webhooks/{name}", tag = "webhooks", operation_id = "update_webhook",
    params(("name" = String, Path)), request_body = WebhookSetup,
    responses((status = 200, body = Webhook), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn update_webhook(
    State(app): State<App>,
    caller: StaffCaller,
    Path(name): Path<String>,
    body: JsonBody<WebhookSetup>,
) -> Result<Json<Webhook>, Refusal> {
    caller.require(Permission::ConnectApps)?;
    if body.value.name != name {
        return Err(Refusal::of_field(
            ProblemCode::FieldInvalid,
            "name",
            "What is set up keeps its name. Send the name of the path.",
        ));
    }
    let (vault, net) = (app.centre.vault.clone(), endpoints::net(&app.settings.webhooks));
    let updated = app
        .change(move |tx, effects| {
            effects.webhooks = true;
            endpoints::update(tx, &vault, &net, &body.value, now())?;
            endpoints::show(tx, &vault, &name, now())
        })
        .await?;
    Ok(Json(updated))
}

/// Takes a webhook away, with everything that was to be sent to it.
#[utoipa::path(delete, path = "/v1/staff/webhooks/{name}", tag = "webhooks", operation_id = "delete_webhook",
    params(("name" = String, Path)),
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn delete_webhook(
    State(app): State<App>,
    caller: StaffCaller,
    Path(name): Path<String>,
) -> Result<StatusCode, Refusal> {
    caller.require(Permission::ConnectApps)?;
    app.storage.write(move |tx| endpoints::delete(tx, &name)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Replaces the secret. The one before signs as well until its grace ends.
#[utoipa::path(post, path = "/v1/staff/webhooks/{name}/rotate-secret", tag = "webhooks",
    operation_id = "rotate_webhook_secret", params(("name" = String, Path)), request_body = Rotation,
    responses((status = 200, body = MadeSecret), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn rotate_webhook_secret(
    State(app): State<App>,
    caller: StaffCaller,
    Path(name): Path<String>,
    body: JsonBody<Rotation>,
) -> Result<Json<MadeSecret>, Refusal> {
    caller.require(Permission::ConnectApps)?;
    let vault = app.centre.vault.clone();
    let made = app.storage.write(move |tx| endpoints::rotate(tx, &vault, &name, &body.value, now())).await?;
    Ok(Json(made))
}

/// Sends an event of type `webhook.test`, whatever the webhook is told of otherwise.
#[utoipa::path(post, path = "/v1/staff/webhooks/{name}/test", tag = "webhooks", operation_id = "test_webhook",
    params(("name" = String, Path)),
    responses((status = 202, body = WebhookStory), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn test_webhook(
    State(app): State<App>,
    caller: StaffCaller,
    Path(name): Path<String>,
) -> Result<(StatusCode, Json<WebhookStory>), Refusal> {
    caller.require(Permission::ConnectApps)?;
    let story = app
        .change(move |tx, effects| {
            let id = enqueue_test(tx, effects, &name, now())?;
            history::story(tx, &name, &id)
        })
        .await?;
    Ok((StatusCode::ACCEPTED, Json(story)))
}

/// Which deliveries.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    state: Option<DeliveryState>,
    before: Option<String>,
}

/// Lists the deliveries to a webhook, newest first, 100 at a time.
#[utoipa::path(get, path = "/v1/staff/webhooks/{name}/deliveries", tag = "webhooks", operation_id = "list_webhook_deliveries",
    params(("name" = String, Path), ("state" = Option<DeliveryState>, Query),
        ("before" = Option<String>, Query, description = "The last id of the page before")),
    responses((status = 200, body = [WebhookDelivery]), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn list_webhook_deliveries(
    State(app): State<App>,
    caller: StaffCaller,
    Path(name): Path<String>,
    Params(filter): Params<Filter>,
) -> Result<Json<Vec<WebhookDelivery>>, Refusal> {
    caller.require(Permission::View)?;
    let page = app
        .storage
        .read(move |tx| history::deliveries(tx, &name, filter.state, filter.before.as_deref()))
        .await?;
    Ok(Json(page))
}

/// Shows a delivery with its attempts.
#[utoipa::path(get, path = "/v1/staff/webhooks/{name}/deliveries/{id}", tag = "webhooks", operation_id = "show_webhook_delivery",
    params(("name" = String, Path), ("id" = String, Path)),
    responses((status = 200, body = WebhookStory), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn show_webhook_delivery(
    State(app): State<App>,
    caller: StaffCaller,
    Path((name, id)): Path<(String, String)>,
) -> Result<Json<WebhookStory>, Refusal> {
    caller.require(Permission::View)?;
    Ok(Json(app.storage.read(move |tx| history::story(tx, &name, &id)).await?))
}

/// Sends a delivery again that is over, under the id it had.
#[utoipa::path(post, path = "/v1/staff/webhooks/{name}/deliveries/{id}/replay", tag = "webhooks",
    operation_id = "replay_webhook_delivery", params(("name" = String, Path), ("id" = String, Path)),
    responses((status = 202, body = WebhookStory), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn replay_webhook_delivery(
    State(app): State<App>,
    caller: StaffCaller,
    Path((name, id)): Path<(String, String)>,
) -> Result<(StatusCode, Json<WebhookStory>), Refusal> {
    caller.require(Permission::ConnectApps)?;
    let story = app
        .change(move |tx, effects| {
            replay_one(tx, effects, &name, &id, now())?;
            history::story(tx, &name, &id)
        })
        .await?;
    Ok((StatusCode::ACCEPTED, Json(story)))
}

/// From when on events are sent again.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Replay {
    /// Events that happened then or later.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
}

/// How much is sent again.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Replayed {
    /// So many events; what was on its way anyhow is not among them.
    pub events: u64,
}

/// Sends the events again that happened since a moment, also those the webhook was never told of because it was disabled or
/// not there. Events of callbacks that went to the archive are gone.
#[utoipa::path(post, path = "/v1/staff/webhooks/{name}/replay", tag = "webhooks", operation_id = "replay_webhook",
    params(("name" = String, Path)), request_body = Replay,
    responses((status = 202, body = Replayed), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn replay_webhook(
    State(app): State<App>,
    caller: StaffCaller,
    Path(name): Path<String>,
    body: JsonBody<Replay>,
) -> Result<(StatusCode, Json<Replayed>), Refusal> {
    caller.require(Permission::ConnectApps)?;
    let since = body.value.since;
    let mut progress = Progress::default();
    loop {
        let name = name.clone();
        progress =
            app.change(move |tx, effects| replay_since(tx, effects, &name, since, &progress, now())).await?;
        if progress.after.is_none() {
            return Ok((StatusCode::ACCEPTED, Json(Replayed { events: progress.events })));
        }
    }
}

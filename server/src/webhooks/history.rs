//! What became of deliveries, for staff.

use super::endpoints::id_of;
use crate::refusal::Refusal;
use crate::routing::resources::unknown;
use crate::storage::{Row, StorageError, Tx};
use ringback_core::protocol::Timestamp;
use serde::{Deserialize, Serialize};

/// How a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Being sent, or to be tried again.
    Pending,
    /// An earlier event of its callback goes first.
    Waiting,
    /// The endpoint took it.
    Delivered,
    /// It was tried often enough.
    Dead,
}

/// One event on its way to one endpoint.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct WebhookDelivery {
    /// The `webhook-id`.
    pub id: String,
    /// Such as `callback.completed`.
    pub event_type: String,
    /// Whose event it is; a test has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback_id: Option<String>,
    /// How it stands.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next, while it is pending.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_attempt_at: Option<Timestamp>,
    /// When it happened.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When the delivery was last touched.
    #[schema(value_type = String, format = DateTime)]
    pub changed_at: Timestamp,
}

/// One attempt.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct WebhookAttempt {
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// How long it took.
    pub duration_ms: i64,
    /// The HTTP status, if there was an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u32>,
    /// Why it failed, in one word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A delivery with everything that was tried.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct WebhookStory {
    /// The delivery.
    #[serde(flatten)]
    pub delivery: WebhookDelivery,
    /// The attempts, oldest first.
    pub tries: Vec<WebhookAttempt>,
}

macro_rules! select_delivery {
    ($rest:literal) => {
        concat!(
            "select message_id, event_type, callback_id, state, attempts, due_at, created_at, changed_at \
             from webhook_deliveries ",
            $rest
        )
    };
}

fn delivery(row: &Row<'_>) -> Result<WebhookDelivery, StorageError> {
    let state = crate::words::column_word(row, 3)?;
    let due_at: Timestamp = row.get(5)?;
    Ok(WebhookDelivery {
        id: row.get(0)?,
        event_type: row.get(1)?,
        callback_id: row.get(2)?,
        state,
        attempts: row.get(4)?,
        next_attempt_at: (state == DeliveryState::Pending).then_some(due_at),
        created_at: row.get(6)?,
        changed_at: row.get(7)?,
    })
}

/// The deliveries to an endpoint, the newest first, 100 at a time: before the last id of the page before.
pub fn deliveries(
    tx: &mut Tx<'_>,
    endpoint: &str,
    state: Option<DeliveryState>,
    before: Option<&str>,
) -> Result<Vec<WebhookDelivery>, Refusal> {
    let endpoint_id = id_of(tx, endpoint)?;
    let before = match before {
        None => (Timestamp::MAX, String::new()),
        Some(id) => (one(tx, &endpoint_id, id)?.created_at, id.to_owned()),
    };
    let state = state.map(crate::words::word).transpose()?;
    Ok(tx.query(
        select_delivery!(
            "where endpoint_id = $1 and (state = $2 or cast($2 as text) is null) \
             and (created_at < $3 or (created_at = $3 and message_id < $4)) \
             order by created_at desc, message_id desc limit 100"
        ),
        &[&endpoint_id, &state, &before.0, &before.1],
        delivery,
    )?)
}

fn one(tx: &mut Tx<'_>, endpoint_id: &str, id: &str) -> Result<WebhookDelivery, Refusal> {
    tx.query_opt(
        select_delivery!("where endpoint_id = $1 and message_id = $2"),
        &[&endpoint_id, &id],
        delivery,
    )?
    .ok_or_else(|| unknown("id", id))
}

/// One delivery and its attempts.
pub fn story(tx: &mut Tx<'_>, endpoint: &str, id: &str) -> Result<WebhookStory, Refusal> {
    let endpoint_id = id_of(tx, endpoint)?;
    let delivery = one(tx, &endpoint_id, id)?;
    let tries = tx.query(
        "select at, duration_ms, status, reason from webhook_attempts where endpoint_id = $1 and message_id = $2 \
         order by fence",
        &[&endpoint_id, &id],
        |row| {
            Ok(WebhookAttempt {
                at: row.get(0)?,
                duration_ms: row.get(1)?,
                status: row.get(2)?,
                reason: row.get(3)?,
            })
        },
    )?;
    Ok(WebhookStory { delivery, tries })
}

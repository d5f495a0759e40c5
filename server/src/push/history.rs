//! What became of pushes, for staff.

use super::advice::{Advice, advice};
use crate::refusal::Refusal;
use crate::storage::{Param, Row, StorageError, Tx};
use ringback_core::protocol::{ProblemCode, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// How many deliveries a page has at most.
pub const PAGE_MAX: u32 = 200;

/// How one push stands on one device.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct DeliverySummary {
    /// The delivery; with APNs also the `apns-id`.
    pub id: String,
    /// What it is about.
    pub callback_id: String,
    /// Why it was sent.
    pub event: String,
    /// Whether it takes back what was said.
    pub withdrawn: bool,
    /// `apns`, `fcm` or `web_push`.
    pub provider: String,
    /// Which credential's connections it leaves by.
    pub lane: String,
    /// Where it goes.
    pub device: DeliveryDevice,
    /// `pending`, `delivered`, `skipped`, `expired` or `failed`.
    pub state: String,
    /// How often it was tried; tries that only found the lane resting do not count.
    pub attempts: u32,
    /// The provider's word for the last refusal, or ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What the reason means and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<Advice>,
    /// The provider's name for what it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<String>,
    /// When it was said.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// After this it is not sent.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// When the provider took it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub sent_at: Option<Timestamp>,
    /// When the app got it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub received_at: Option<Timestamp>,
    /// When the person opened it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub opened_at: Option<Timestamp>,
    /// When the person answered by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub answered_at: Option<Timestamp>,
    /// When it was last touched.
    #[schema(value_type = String, format = DateTime)]
    pub changed_at: Timestamp,
    /// The tries that did not get through, oldest first. Left out where many callbacks are listed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tries: Vec<FailedTry>,
}

/// A device, without its token.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct DeliveryDevice {
    /// Which one.
    pub id: String,
    /// `apns`, `activity_start`, `activity`, `fcm` or `web_push`.
    pub channel: String,
    /// `active`, `gone` or `quarantined`, as of now.
    pub state: String,
    /// Why it is not active.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_reason: Option<String>,
    /// The language of its texts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// The app's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_version: Option<String>,
}

/// A try that did not get through.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct FailedTry {
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// `retry`, `failed` or `expired`.
    pub outcome: String,
    /// The provider's word, or ours.
    pub reason: String,
    /// How long it took, in microseconds.
    pub took_us: i64,
}

macro_rules! select_delivery {
    ($rest:literal) => {
        concat!(
            "select d.id, d.callback_id, d.event, d.withdrawn, d.provider, d.lane, d.state, d.attempts, d.reason, \
             d.provider_id, d.created_at, d.expires_at, d.sent_at, d.received_at, d.opened_at, d.answered_at, \
             d.changed_at, v.id, v.channel, v.state, v.state_reason, v.locale, v.app_version \
             from push_deliveries d join devices v on v.id = d.device_id ",
            $rest
        )
    };
}

fn summary(row: &Row<'_>) -> Result<DeliverySummary, StorageError> {
    let (provider, reason): (String, Option<String>) = (row.get(4)?, row.get(8)?);
    Ok(DeliverySummary {
        id: row.get(0)?,
        callback_id: row.get(1)?,
        event: row.get(2)?,
        withdrawn: row.get::<i64>(3)? == 1,
        lane: row.get(5)?,
        device: DeliveryDevice {
            id: row.get(17)?,
            channel: row.get(18)?,
            state: row.get(19)?,
            state_reason: row.get(20)?,
            locale: row.get(21)?,
            app_version: row.get(22)?,
        },
        state: row.get(6)?,
        attempts: row.get(7)?,
        advice: reason.as_deref().map(|reason| advice(&provider, reason)),
        provider,
        reason,
        provider_id: row.get(9)?,
        created_at: row.get(10)?,
        expires_at: row.get(11)?,
        sent_at: row.get(12)?,
        received_at: row.get(13)?,
        opened_at: row.get(14)?,
        answered_at: row.get(15)?,
        changed_at: row.get(16)?,
        tries: Vec::new(),
    })
}

/// The deliveries of a callback with all their tries, oldest first.
pub fn deliveries_of(tx: &mut Tx<'_>, callback_id: &str) -> Result<Vec<DeliverySummary>, Refusal> {
    let mut deliveries = tx.query(
        select_delivery!("where d.callback_id = $1 order by d.created_at, d.push_id, d.id"),
        &[&callback_id],
        summary,
    )?;
    let tries = tx.query(
        "select a.delivery_id, a.at, a.outcome, a.reason, a.took_us from push_attempts a \
         join push_deliveries d on d.id = a.delivery_id where d.callback_id = $1 order by a.fence",
        &[&callback_id],
        |row| {
            let tried = FailedTry {
                at: row.get(1)?,
                outcome: row.get(2)?,
                reason: row.get(3)?,
                took_us: row.get(4)?,
            };
            Ok((row.get::<String>(0)?, tried))
        },
    )?;
    let mut by_delivery: HashMap<String, Vec<FailedTry>> = HashMap::new();
    for (delivery, tried) in tries {
        by_delivery.entry(delivery).or_default().push(tried);
    }
    for delivery in &mut deliveries {
        delivery.tries = by_delivery.remove(&delivery.id).unwrap_or_default();
    }
    Ok(deliveries)
}

/// Which deliveries of all callbacks.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeliveryFilter {
    /// `failed`, `expired`, `skipped`, `pending` or `delivered`; `failed` when absent.
    pub state: Option<String>,
    /// `apns`, `fcm` or `web_push`.
    pub provider: Option<String>,
    /// The event's word.
    pub event: Option<String>,
    /// The provider's word for the last refusal, or ours.
    pub reason: Option<String>,
    /// Said since then, at most 7 days ago; a day when absent.
    pub since: Option<Timestamp>,
    /// `next` of the page before.
    pub after: Option<String>,
    /// How many, at most [`PAGE_MAX`]; 50 when absent.
    pub limit: Option<u32>,
}

/// A page of deliveries.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct DeliveryPage {
    /// Newest first.
    pub pushes: Vec<DeliverySummary>,
    /// Where the next page begins; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Deliveries of all callbacks by when they were said, newest first.
pub fn list(tx: &mut Tx<'_>, filter: &DeliveryFilter, now: Timestamp) -> Result<DeliveryPage, Refusal> {
    let refused =
        |field: &str, detail: &str| Err(Refusal::of_field(ProblemCode::FieldInvalid, field, detail));
    let state = filter.state.as_deref().unwrap_or("failed");
    if !["failed", "expired", "skipped", "pending", "delivered"].contains(&state) {
        return refused(
            "state",
            "There is no such state. Ask for failed, expired, skipped, pending or delivered.",
        );
    }
    let limit = filter.limit.unwrap_or(50);
    if !(1..=PAGE_MAX).contains(&limit) {
        return refused("limit", "A page has 1 to 200 pushes.");
    }
    let since = super::summary::window_start(filter.since, now)?;
    let Some((before, before_id)) = filter.after.as_deref().map_or(Some((i64::MAX, "")), cursor) else {
        return refused("after", "This is not the `next` of a page. Begin without it.");
    };
    let wanted = |word: &Option<String>| word.clone().unwrap_or_default();
    let (provider, event, reason) = (wanted(&filter.provider), wanted(&filter.event), wanted(&filter.reason));
    // One more than is shown tells whether there is a next page.
    let most = i64::from(limit) + 1;
    let sql = select_delivery!(
        "where d.created_at >= $1 and d.created_at <= $2 and (d.created_at < $2 or d.id < $3) and d.state = $4 \
         and ($5 = '' or d.provider = $5) and ($6 = '' or d.event = $6) and ($7 = '' or d.reason = $7) \
         order by d.created_at desc, d.id desc limit $8"
    );
    let params: [&dyn Param; 8] = [&since, &before, &before_id, &state, &provider, &event, &reason, &most];
    let mut pushes = tx.query(sql, &params, summary)?;
    let shown = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = pushes.len() > shown;
    pushes.truncate(shown);
    let next = pushes
        .last()
        .filter(|_| has_more)
        .map(|last| format!("{}.{}", last.created_at.as_microsecond(), last.id));
    Ok(DeliveryPage { pushes, next })
}

/// Reads what [`list`] gave as `next`.
fn cursor(text: &str) -> Option<(i64, &str)> {
    let (created_at, id) = text.split_once('.')?;
    Some((created_at.parse().ok()?, id))
}

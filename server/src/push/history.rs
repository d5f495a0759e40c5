//! What became of pushes, for staff.

use crate::refusal::Refusal;
use crate::storage::Tx;
use ringback_core::protocol::Timestamp;
use serde::{Deserialize, Serialize};

/// How one push stands on one device.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DeliverySummary {
    /// The delivery; with APNs also the `apns-id`.
    pub id: String,
    /// Why it was sent.
    pub event: String,
    /// `apns` or `fcm`.
    pub provider: String,
    /// `pending`, `delivered`, `skipped`, `expired` or `failed`.
    pub state: String,
    /// How often it was tried.
    pub attempts: u32,
    /// The provider's word for the last refusal, or ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The provider's name for what it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<String>,
    /// When it was last touched.
    #[schema(value_type = String, format = DateTime)]
    pub changed_at: Timestamp,
}

/// The deliveries of a callback, oldest first.
pub fn deliveries_of(tx: &mut Tx<'_>, callback_id: &str) -> Result<Vec<DeliverySummary>, Refusal> {
    Ok(tx.query(
        "select d.id, p.event, d.provider, d.state, d.attempts, d.reason, d.provider_id, d.changed_at \
         from push_deliveries d join pushes p on p.id = d.push_id where d.callback_id = $1 order by p.created_at, d.id",
        &[&callback_id],
        |row| {
            Ok(DeliverySummary {
                id: row.get(0)?,
                event: row.get(1)?,
                provider: row.get(2)?,
                state: row.get(3)?,
                attempts: row.get(4)?,
                reason: row.get(5)?,
                provider_id: row.get(6)?,
                changed_at: row.get(7)?,
            })
        },
    )?)
}

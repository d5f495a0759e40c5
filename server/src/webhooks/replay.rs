//! Sending again: one delivery, or everything since a moment, as the event log has it.

use super::endpoints::id_of;
use super::outbox::{hold, promote};
use crate::app::Effects;
use crate::refusal::Refusal;
use crate::routing::resources::unknown;
use crate::storage::Tx;
use ringback_core::protocol::Timestamp;

/// So many callbacks go in one transaction.
const AT_ONCE: usize = 100;

/// Sends one delivery again that is over; one that is open is left as it is.
pub fn replay_one(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    endpoint: &str,
    message_id: &str,
    now: Timestamp,
) -> Result<(), Refusal> {
    let endpoint_id = id_of(tx, endpoint)?;
    let callback_id: Option<String> = tx
        .query_opt(
            "select callback_id from webhook_deliveries where endpoint_id = $1 and message_id = $2",
            &[&endpoint_id, &message_id],
            |row| row.get(0),
        )?
        .ok_or_else(|| unknown("id", message_id))?;
    let state = if callback_id.is_some() { "waiting" } else { "pending" };
    if let Some(callback_id) = &callback_id {
        hold(tx, callback_id)?;
    }
    tx.execute(
        "update webhook_deliveries set state = $1, due_at = $2, attempts = 0, changed_at = $2 \
         where endpoint_id = $3 and message_id = $4 and state in ('delivered', 'dead')",
        &[&state, &now, &endpoint_id, &message_id],
    )?;
    effects.webhooks = true;
    callback_id.map_or(Ok(()), |callback_id| promote(tx, effects, &endpoint_id, &callback_id, now))
}

/// How far a replay has come.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// So many events are to be sent again.
    pub events: u64,
    /// The last callback that was gone through; `None` at the beginning and at the end.
    pub after: Option<String>,
}

/// Sends the events since a moment again that the endpoint wants, delivered or never told, a hundred callbacks at a time:
/// go on until `after` is `None`.
pub fn replay_since(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    endpoint: &str,
    since: Timestamp,
    progress: &Progress,
    now: Timestamp,
) -> Result<Progress, Refusal> {
    let endpoint_id = id_of(tx, endpoint)?;
    let after = progress.after.clone().unwrap_or_default();
    let callbacks = tx.query(
        "select id from callbacks where changed_at >= $1 and id > $2 order by id limit 100 for update",
        &[&since, &after],
        |row| row.get::<String>(0),
    )?;
    let mut events = progress.events;
    for callback_id in &callbacks {
        events += tx.execute(
            "insert into webhook_deliveries (endpoint_id, message_id, callback_id, version, event_type, state, \
             due_at, fence, attempts, created_at, changed_at) \
             select w.id, e.callback_id || '_' || cast(e.version as text), e.callback_id, e.version, \
             'callback.' || e.kind, 'waiting', cast($1 as bigint), 0, 0, e.at, cast($1 as bigint) \
             from events e join webhook_endpoints w on w.id = $2 where e.callback_id = $3 and e.at >= $4 \
             and (w.event_types is null or w.event_types like '% callback.' || e.kind || ' %') \
             on conflict (endpoint_id, message_id) do update set state = 'waiting', attempts = 0, \
             changed_at = excluded.changed_at where webhook_deliveries.state in ('delivered', 'dead')",
            &[&now, &endpoint_id, &callback_id, &since],
        )?;
        promote(tx, effects, &endpoint_id, callback_id, now)?;
    }
    let after = callbacks.last().filter(|_| callbacks.len() == AT_ONCE).cloned();
    Ok(Progress { events, after })
}

//! Sending again what failed, once its cause is mended.

use super::content::Content;
use super::standing::{Standing, still_true};
use crate::app::Effects;
use crate::refusal::Refusal;
use crate::storage::Tx;
use crate::words::column_word;
use ringback_core::protocol::{ProblemCode, PushEvent, Timestamp};

/// A delivery and what decides whether it may be sent again.
struct Found {
    state: String,
    event: PushEvent,
    occasion: i64,
    withdrawn: bool,
    content: String,
    expires_at: Timestamp,
    device_state: String,
    standing: String,
}

/// Puts a failed delivery back into the outbox, if it is still true and has time left. Its tries stay; whoever still holds
/// an old claim on it writes nothing any more. What changes until it is claimed is found then, as always.
pub fn replay(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    delivery_id: &str,
    now: Timestamp,
) -> Result<(), Refusal> {
    let found = tx
        .query_opt(
            "select d.state, d.event, d.occasion, d.withdrawn, d.content, d.expires_at, \
             (select v.state from devices v where v.id = d.device_id), \
             (select c.state || ' ' || coalesce(c.phase, '-') || ' ' || c.asked || ' ' || c.version || ' ' || c.attempts \
             || ' ' || coalesce(c.scheduled_at, 0) || ' ' || c.upcoming_told from callbacks c where c.id = d.callback_id) \
             from push_deliveries d where d.id = $1 for update",
            &[&delivery_id],
            |row| {
                Ok(Found {
                    state: row.get(0)?,
                    event: column_word(row, 1)?,
                    occasion: row.get(2)?,
                    withdrawn: row.get::<i64>(3)? == 1,
                    content: row.get(4)?,
                    expires_at: row.get(5)?,
                    device_state: row.get(6)?,
                    standing: row.get(7)?,
                })
            },
        )?
        .ok_or_else(|| Refusal::plain(ProblemCode::DeliveryNotFound))?;
    if let Some(why) = why_not(&found, now)? {
        return Err(Refusal::new(ProblemCode::DeliveryOver, why));
    }
    tx.execute(
        "update push_deliveries set state = 'pending', due_at = $1, leased_to = 0, fence = fence + 1, changed_at = $1 \
         where id = $2 and state = 'failed'",
        &[&now, &delivery_id],
    )?;
    effects.push = true;
    Ok(())
}

/// Why it is not sent again.
fn why_not(found: &Found, now: Timestamp) -> Result<Option<&'static str>, Refusal> {
    let over = match found.state.as_str() {
        "failed" => None,
        "pending" => Some("It is on its way already, or waits for its next try."),
        "delivered" => Some("It was delivered."),
        "skipped" => Some("It was no longer true when its turn came."),
        _ => Some("Its time ran out."),
    };
    if over.is_some() {
        return Ok(over);
    }
    if found.expires_at <= now {
        return Ok(Some("Its time has run out since it failed."));
    }
    if found.device_state != "active" {
        return Ok(Some("Its device is gone or set aside: the app must register again first."));
    }
    let content = Content::from_json(&found.content).ok_or(Refusal::Damaged("what a push shows"))?;
    let standing = Standing::parse(&found.standing).ok_or(Refusal::Damaged("where a callback stands"))?;
    let said = (found.event, found.occasion, found.withdrawn);
    Ok((!still_true(said, &content, &standing)).then_some("What it says is no longer true."))
}

//! What happens because time passes: questions nobody answered, snoozes that end, numbers nobody dialed.

use super::model::Input;
use super::record::{apply, find_for_update};
use crate::app::{App, Effects};
use crate::call_in;
use crate::clock::now;
use crate::refusal::Refusal;
use crate::storage::Tx;
use ringback_core::protocol::Timestamp;
use std::time::Duration;

/// The longest the clock sleeps: other nodes set deadlines too.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
/// How many deadlines one transaction handles.
const AT_ONCE: usize = 100;

/// Handles deadlines as they come, until the server stops.
pub async fn run(app: App) {
    loop {
        let sleep = match app.change(|tx, effects| pass(tx, effects, now())).await {
            Ok(AT_ONCE..) => Duration::ZERO,
            Ok(_) => match app.storage.read(next_deadline).await {
                Ok(Some(at)) => until(at),
                Ok(None) => LONGEST_SLEEP,
                Err(error) => {
                    tracing::warn!(%error, "the next deadline cannot be read");
                    LONGEST_SLEEP
                }
            },
            Err(error) => {
                tracing::warn!(%error, "deadlines cannot be handled; they are tried again");
                LONGEST_SLEEP
            }
        };
        tokio::select! {
            () = app.stopping.cancelled() => return,
            () = app.pokes.clock.notified() => {}
            () = tokio::time::sleep(sleep) => {}
        }
    }
}

fn until(at: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(now())).unwrap_or(Duration::ZERO).min(LONGEST_SLEEP)
}

fn next_deadline(tx: &mut Tx<'_>) -> Result<Option<Timestamp>, Refusal> {
    Ok(tx.query_one(
        "select min(at) from (select min(confirm_by) as at from callbacks where confirm_by is not null \
         union all select min(not_before) from callbacks where not_before is not null \
         union all select min(expires_at) from call_ins where state = 'waiting') deadlines",
        &[],
        |row| row.get(0),
    )?)
}

/// Handles what is due now; says how much it was. Safe on many nodes: rows that another node holds are left to it.
pub fn pass(tx: &mut Tx<'_>, effects: &mut Effects, now: Timestamp) -> Result<usize, Refusal> {
    let unanswered = tx.query(
        "select id from callbacks where confirm_by is not null and confirm_by <= $1 order by confirm_by limit 100 \
         for update skip locked",
        &[&now],
        |row| row.get::<String>(0),
    )?;
    for id in &unanswered {
        let mut record = find_for_update(tx, id)?;
        let last = record.asked >= record.confirm_attempts;
        let input = Input::ConfirmTimedOut { policy: record.confirm_timeout, last };
        apply(tx, effects, &mut record, input, "system", now)?;
    }
    let awake = tx.query(
        "update callbacks set not_before = null where id in (select id from callbacks where not_before is not null \
         and not_before <= $1 order by not_before limit 100 for update skip locked) returning queue_id",
        &[&now],
        |row| row.get::<String>(0),
    )?;
    let woken = awake.len();
    effects.queues.extend(awake);
    let expired = call_in::expire_due(tx, effects, now)?;
    Ok(unanswered.len() + woken + expired)
}

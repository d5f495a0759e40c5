//! What happens because time passes: questions nobody answered, snoozes that end, numbers nobody dialed.

use super::model::Input;
use super::record::{apply, find_for_update};
use crate::app::{App, Effects};
use crate::call_in;
use crate::clock::now;
use crate::refusal::Refusal;
use crate::storage::Tx;
use futures_util::future::join_all;
use ringback_core::protocol::Timestamp;
use std::time::Duration;

/// The longest the clock sleeps: other nodes set deadlines too.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
/// How many deadlines are handled in one go.
const AT_ONCE: usize = 100;

/// Handles deadlines as they come, until the server stops.
pub async fn run(app: App) {
    loop {
        let sleep = match pass(&app).await {
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
                tracing::warn!(%error, "deadlines cannot be read; they are tried again");
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

/// A deadline that has come.
#[derive(Debug, Clone)]
enum Due {
    /// Nobody answered the question about this callback.
    Question(String),
    /// This callback's snooze ends.
    Snooze(String),
    /// Nobody dialed the number of this call-in.
    CallIn(String),
}

/// Handles what is due now; says how much was handled. Each deadline has a transaction of its own, so that one that
/// cannot be handled holds up no other. Safe on many nodes: each looks again under the row's lock.
async fn pass(app: &App) -> Result<usize, Refusal> {
    let due = app.storage.read(|tx| due(tx, now())).await?;
    let handled = join_all(due.into_iter().map(|due| async move {
        let what = due.clone();
        let done = app.change(move |tx, effects| handle(tx, effects, &due, now())).await;
        if let Err(error) = &done {
            tracing::warn!(?what, %error, "a deadline cannot be handled; it is tried again");
        }
        usize::from(done.is_ok())
    }));
    Ok(handled.await.into_iter().sum())
}

fn due(tx: &mut Tx<'_>, now: Timestamp) -> Result<Vec<Due>, Refusal> {
    let mut due = tx.query(
        "select id from callbacks where confirm_by is not null and confirm_by <= $1 order by confirm_by limit 100",
        &[&now],
        |row| row.get(0).map(Due::Question),
    )?;
    due.extend(tx.query(
        "select id from callbacks where not_before is not null and not_before <= $1 order by not_before limit 100",
        &[&now],
        |row| row.get(0).map(Due::Snooze),
    )?);
    due.extend(tx.query(
        "select id from call_ins where state = 'waiting' and expires_at <= $1 order by expires_at limit 100",
        &[&now],
        |row| row.get(0).map(Due::CallIn),
    )?);
    Ok(due)
}

fn handle(tx: &mut Tx<'_>, effects: &mut Effects, due: &Due, now: Timestamp) -> Result<(), Refusal> {
    match due {
        Due::Question(id) => {
            let mut record = find_for_update(tx, id)?;
            if record.confirm_by.is_some_and(|confirm_by| confirm_by <= now) {
                let last = record.asked >= record.confirm_attempts;
                let input = Input::ConfirmTimedOut { policy: record.confirm_timeout, last };
                apply(tx, effects, &mut record, input, "system", now)?;
            }
        }
        Due::Snooze(id) => {
            let woken: Option<String> = tx.query_opt(
                "update callbacks set not_before = null where id = $1 and not_before <= $2 returning queue_id",
                &[id, &now],
                |row| row.get(0),
            )?;
            effects.queues.extend(woken);
        }
        Due::CallIn(id) => call_in::expire(tx, effects, id, now)?,
    }
    Ok(())
}

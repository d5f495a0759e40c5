//! What happens because time passes: promised times that come near, questions nobody answered, snoozes and wrap-ups that
//! end, calls nobody reported on, lines that took too long.

use super::attempts::{dialed, hold_ended};
use super::model::{DialResult, Input, Phase, Position};
use super::record::{Record, apply, find_for_update};
use super::{desk, times};
use crate::app::{App, Effects};
use crate::call_in;
use crate::centre::Centre;
use crate::clock::now;
use crate::refusal::Refusal;
use crate::routing::agents;
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
        "select min(at) from (select min(due_at) as at from callbacks where due_at is not null \
         union all select min(wrap_up_by) from agents where wrap_up_by is not null \
         union all select min(expires_at) from call_ins where state = 'waiting') deadlines",
        &[],
        |row| row.get(0),
    )?)
}

/// A deadline that has come.
#[derive(Debug, Clone)]
pub enum Due {
    /// This callback has been where it is for long enough.
    Callback(String),
    /// This agent's wrap-up is over.
    WrapUp(String),
    /// Nobody dialed the number of this call-in.
    CallIn(String),
}

/// Handles what is due now; says how much was handled. Each deadline has a transaction of its own, so that one that
/// cannot be handled holds up no other. Safe on many nodes: each looks again under the row's lock.
async fn pass(app: &App) -> Result<usize, Refusal> {
    let due = app.storage.read(|tx| due(tx, now())).await?;
    let handled = join_all(due.into_iter().map(|due| async move {
        let (what, centre) = (due.clone(), app.centre.clone());
        let done = app.change(move |tx, effects| handle(tx, effects, &centre, &due, now())).await;
        if let Err(error) = &done {
            tracing::warn!(?what, %error, "a deadline cannot be handled; it is tried again");
        }
        usize::from(done.is_ok())
    }));
    Ok(handled.await.into_iter().sum())
}

/// The deadlines that have come, the oldest of each kind first.
pub fn due(tx: &mut Tx<'_>, now: Timestamp) -> Result<Vec<Due>, Refusal> {
    let mut due = tx.query(
        "select id from callbacks where due_at is not null and due_at <= $1 order by due_at limit 100",
        &[&now],
        |row| row.get(0).map(Due::Callback),
    )?;
    due.extend(agents::wrap_up_due(tx, now)?.into_iter().map(Due::WrapUp));
    due.extend(tx.query(
        "select id from call_ins where state = 'waiting' and expires_at <= $1 order by expires_at limit 100",
        &[&now],
        |row| row.get(0).map(Due::CallIn),
    )?);
    Ok(due)
}

/// Handles a deadline, if it still stands when its row is locked.
pub fn handle(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    centre: &Centre,
    due: &Due,
    now: Timestamp,
) -> Result<(), Refusal> {
    match due {
        Due::Callback(id) => {
            let mut record = find_for_update(tx, id)?;
            if record.due_at().is_some_and(|due_at| due_at <= now) {
                handle_callback(tx, effects, centre, &mut record, now)?;
            }
            Ok(())
        }
        Due::WrapUp(agent_id) => agents::end_wrap_up(tx, effects, agent_id, now),
        Due::CallIn(id) => call_in::expire(tx, effects, id, now),
    }
}

/// What the time that has come means where the callback is.
fn handle_callback(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    centre: &Centre,
    record: &mut Record,
    now: Timestamp,
) -> Result<(), Refusal> {
    const ACTOR: &str = "system";
    match record.at {
        Position::Scheduled => times::look_at(tx, effects, centre, record, now),
        Position::Queued if record.expires_at <= now => apply(tx, effects, record, Input::Expire, ACTOR, now),
        Position::Queued => {
            record.not_before = None;
            tx.execute(
                "update callbacks set not_before = null, due_at = $1 where id = $2",
                &[&record.due_at(), &record.id],
            )?;
            effects.queues.insert(record.queue_id.clone());
            Ok(())
        }
        Position::Routing(Phase::Previewing) => desk::pass(tx, effects, record, ACTOR, now),
        Position::Routing(Phase::Reserved | Phase::Notified) => {
            let last = record.asked >= record.policy.confirm_attempts;
            let input = Input::ConfirmTimedOut { policy: record.policy.confirm_timeout, last };
            apply(tx, effects, record, input, ACTOR, now)
        }
        Position::Routing(Phase::Connecting | Phase::Ahead) => {
            dialed(tx, effects, record, DialResult::Failed, ACTOR, now)
        }
        Position::Routing(Phase::Holding) => hold_ended(tx, effects, record, ACTOR, now),
        Position::Processing => apply(tx, effects, record, Input::TalkTimedOut, ACTOR, now),
        Position::Routing(Phase::Confirmed) | Position::Completed(_) => {
            Err(Refusal::Damaged("a deadline where there is none"))
        }
    }
}

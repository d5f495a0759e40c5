//! Matching: the earliest callback in line gets the longest-idle agent who fits.

use super::agents;
use crate::app::{App, Effects};
use crate::callbacks::model::Input;
use crate::callbacks::{apply, find_for_update};
use crate::clock::now;
use crate::refusal::Refusal;
use crate::storage::Tx;
use ringback_core::protocol::Timestamp;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::mpsc;

/// How often all queues are looked at without being asked: for what a node that died left undone.
const LOOK_ROUND: Duration = Duration::from_secs(5);

/// Matches queues as they are named, until the server stops.
pub async fn run(app: App, mut poked: mpsc::UnboundedReceiver<String>) {
    let mut round = tokio::time::interval(LOOK_ROUND);
    round.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let mut queues = BTreeSet::new();
        tokio::select! {
            () = app.stopping.cancelled() => return,
            queue = poked.recv() => match queue {
                Some(queue) => { queues.insert(queue); }
                None => return,
            },
            _ = round.tick() => match app.storage.read(all_queues).await {
                Ok(all) => queues.extend(all),
                Err(error) => tracing::warn!(%error, "queues cannot be listed"),
            },
        }
        while let Ok(queue) = poked.try_recv() {
            queues.insert(queue);
        }
        for queue in queues {
            if let Err(error) = match_queue(&app, queue).await {
                tracing::warn!(%error, "a queue cannot be matched; it is tried again soon");
            }
        }
    }
}

async fn match_queue(app: &App, queue: String) -> Result<(), Refusal> {
    loop {
        let queue = queue.clone();
        if !app.change(move |tx, effects| reserve(tx, effects, &queue, now())).await? {
            return Ok(());
        }
        metrics::counter!("ringback_reservations_total").increment(1);
    }
}

fn all_queues(tx: &mut Tx<'_>) -> Result<Vec<String>, Refusal> {
    Ok(tx.query("select id from queues", &[], |row| row.get(0))?)
}

/// Makes the next reservation of a queue; `false` when nobody fits anybody.
///
/// The queue's row is locked: one node matches a queue at a time, and each sees what the last one left. A node that
/// dies lets the lock go. The unique index on the agent of a callback stands behind all of this (I2). One reservation a
/// transaction: two would lock two installations, in an order that others may have the other way round.
pub fn reserve(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    queue_id: &str,
    now: Timestamp,
) -> Result<bool, Refusal> {
    // No key update: callbacks refer to the queue, and writing one must not wait for the matcher, which waits for them.
    tx.query_opt("select id from queues where id = $1 for no key update", &[&queue_id], |_| Ok(()))?;
    let mut requirements =
        tx.query("select id from requirements where queue_id = $1", &[&queue_id], |row| {
            row.get::<String>(0)
        })?;
    while let Some((requirement, callback_id)) = earliest(tx, &requirements)? {
        let Some(agent_id) = agents::longest_idle(tx, &requirement)? else {
            requirements.retain(|other| *other != requirement);
            continue;
        };
        let mut record = find_for_update(tx, &callback_id)?;
        record.agent_id = Some(agent_id);
        let ask = record.ask_customer;
        apply(tx, effects, &mut record, Input::Reserve { ask }, "system", now)?;
        return Ok(true);
    }
    Ok(false)
}

/// The earliest callback among the heads of these lines.
fn earliest(tx: &mut Tx<'_>, requirements: &[String]) -> Result<Option<(String, String)>, Refusal> {
    let mut best: Option<(i64, String, String)> = None;
    for requirement in requirements {
        let head = tx.query_opt(
            "select rank_us, id from callbacks where requirement_id = $1 and state = 'queued' and not_before is null \
             order by rank_us, id limit 1 for update skip locked",
            &[requirement],
            |row| Ok((row.get::<i64>(0)?, row.get::<String>(1)?)),
        )?;
        if let Some((rank_us, id)) = head
            && best.as_ref().is_none_or(|(best_rank, best_id, _)| (rank_us, &id) < (*best_rank, best_id))
        {
            best = Some((rank_us, id, requirement.clone()));
        }
    }
    Ok(best.map(|(_, id, requirement)| (requirement, id)))
}

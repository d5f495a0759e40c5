//! How many wait where.

use super::facts;
use crate::app::Effects;
use crate::callbacks::Record;
use crate::callbacks::model::Position;
use crate::refusal::Refusal;
use crate::services::Service;
use crate::storage::Tx;
use ringback_core::protocol::Timestamp;
use std::collections::HashMap;

/// A place is counted up to here; see [`ringback_core::protocol::Callback::position`].
pub(super) const COUNTED_TO: u32 = 1000;

fn line_key(queue_id: &str, requirement_id: &str) -> String {
    format!("line/{queue_id}/{requirement_id}")
}

/// Between which the keys of a queue's lines are.
fn line_keys(queue_id: &str) -> (String, String) {
    // `0` comes right after `/`.
    (format!("line/{queue_id}/"), format!("line/{queue_id}0"))
}

fn open_key(service_id: &str) -> String {
    format!("open/{service_id}")
}

/// How many wait in a queue.
pub fn waiting_in(tx: &mut Tx<'_>, queue_id: &str) -> Result<u64, Refusal> {
    let (from, to) = line_keys(queue_id);
    let sum: i64 = tx.query_one(
        "select cast(coalesce(sum(n), 0) as bigint) from tallies where key >= $1 and key < $2",
        &[&from, &to],
        |row| row.get(0),
    )?;
    Ok(u64::try_from(sum).unwrap_or(0))
}

/// How many wait in each line, by requirement.
pub(super) fn waiting(tx: &mut Tx<'_>) -> Result<HashMap<String, u64>, Refusal> {
    let rows = tx.query(
        "select key, cast(sum(n) as bigint) from tallies where key >= 'line/' and key < 'line0' group by key",
        &[],
        |row| Ok((row.get::<String>(0)?, row.get::<i64>(1)?)),
    )?;
    let requirement = |key: String| key.rsplit('/').next().map(str::to_owned);
    Ok(rows
        .into_iter()
        .filter_map(|(key, n)| Some((requirement(key)?, u64::try_from(n).ok().filter(|n| *n > 0)?)))
        .collect())
}

/// How many callbacks of a service are open, and how many wait in its queue.
#[derive(Debug, Clone, Copy)]
pub struct Counted {
    /// Open callbacks of the service.
    pub open: u64,
    /// Callbacks in the queue, those of other services too.
    pub waiting: u64,
}

const COUNTED: &str = "select (select cast(coalesce(sum(n), 0) as bigint) from tallies where key = $1), \
     (select cast(coalesce(sum(n), 0) as bigint) from tallies where key >= $2 and key < $3)";

/// Says that [`counted`] will be asked.
pub fn announce_counted(tx: &mut Tx<'_>, service: &Service) -> Result<(), Refusal> {
    let (from, to) = line_keys(&service.queue_id);
    Ok(tx.announce(COUNTED, &[&open_key(&service.id), &from, &to])?)
}

/// Both counts in one look.
pub fn counted(tx: &mut Tx<'_>, service: &Service) -> Result<Counted, Refusal> {
    let (from, to) = line_keys(&service.queue_id);
    let (open, waiting) = tx.query_one(COUNTED, &[&open_key(&service.id), &from, &to], |row| {
        Ok((row.get::<i64>(0)?, row.get::<i64>(1)?))
    })?;
    let count = |n| u64::try_from(n).unwrap_or(0);
    Ok(Counted { open: count(open), waiting: count(waiting) })
}

/// How many stand before a callback in line, counted to 999.
pub fn ahead_of(tx: &mut Tx<'_>, record: &Record) -> Result<u32, Refusal> {
    let limit = i64::from(COUNTED_TO - 1);
    Ok(tx.query_one(
        "select count(*) from (select 1 from callbacks where queue_id = $1 and state = 'queued' \
         and (rank_us, id) < ($2, $3) limit $4) ahead",
        &[&record.queue_id, &record.rank_us, &record.id, &limit],
        |row| row.get(0),
    )?)
}

/// Counts a new callback, and writes down what it means for its line.
pub(crate) fn counted_in(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    record: &Record,
    now: Timestamp,
) -> Result<(), Refusal> {
    effects.tally(open_key(&record.service_id), 1);
    if record.at == Position::Queued {
        effects.tally(line_key(&record.queue_id, &record.requirement_id), 1);
        facts::entered(tx, record, now)?;
    }
    Ok(())
}

/// Counts a callback's move, and writes down what it means for its line.
pub(crate) fn follow(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    (was, entered_at): (Position, Option<Timestamp>),
    record: &Record,
    now: Timestamp,
) -> Result<(), Refusal> {
    let in_line = |at| i64::from(at == Position::Queued);
    let change = in_line(record.at) - in_line(was);
    if change != 0 {
        effects.tally(line_key(&record.queue_id, &record.requirement_id), change);
    }
    if matches!(record.at, Position::Completed(_)) {
        effects.tally(open_key(&record.service_id), -1);
    }
    match (was, record.at) {
        (Position::Queued, Position::Queued) => Ok(()),
        (_, Position::Queued) => facts::entered(tx, record, now),
        (Position::Queued, Position::Completed(_)) => facts::left(tx, record, entered_at, now),
        (Position::Queued, Position::Routing(_)) => facts::began(tx, record, entered_at, now),
        _ => Ok(()),
    }
}

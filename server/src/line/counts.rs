//! How many wait, and where one of them stands.

use crate::app::Effects;
use crate::callbacks::Record;
use crate::callbacks::model::Position;
use crate::refusal::Refusal;
use crate::routing::agents::AgentState;
use crate::storage::Tx;
use crate::tally;
use ringback_core::protocol::Timestamp;

/// A place is counted up to here; see [`ringback_core::protocol::Callback::position`].
const COUNTED_TO: u32 = 1000;

fn line_key(queue_id: &str) -> String {
    format!("line/{queue_id}")
}

fn open_key(service_id: &str) -> String {
    format!("open/{service_id}")
}

/// How many wait in a queue.
pub fn waiting_in(tx: &mut Tx<'_>, queue_id: &str) -> Result<u64, Refusal> {
    tally::sum(tx, &line_key(queue_id))
}

/// How many callbacks of a service are open.
pub fn open_of_service(tx: &mut Tx<'_>, service_id: &str) -> Result<u64, Refusal> {
    tally::sum(tx, &open_key(service_id))
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

/// Forgets what happened in lines before.
pub fn forget_before(tx: &mut Tx<'_>, before: Timestamp) -> Result<(), Refusal> {
    tx.execute("delete from line_facts where at < $1", &[&before])?;
    tx.execute("delete from agent_spells where at < $1", &[&before])?;
    Ok(())
}

/// Counts a new callback.
pub(crate) fn counted_in(effects: &mut Effects, record: &Record) {
    effects.tally(open_key(&record.service_id), 1);
    if record.at == Position::Queued {
        effects.tally(line_key(&record.queue_id), 1);
    }
}

/// Writes down what a callback's move means for its line.
pub(crate) fn follow(
    _tx: &mut Tx<'_>,
    effects: &mut Effects,
    (was, _busy_since): (Position, Option<Timestamp>),
    record: &Record,
    _now: Timestamp,
) -> Result<(), Refusal> {
    let in_line = |at| i64::from(at == Position::Queued);
    effects.tally(line_key(&record.queue_id), in_line(record.at) - in_line(was));
    if matches!(record.at, Position::Completed(_)) {
        effects.tally(open_key(&record.service_id), -1);
    }
    Ok(())
}

/// Writes down what an agent's move means for the lines of the agent's queues.
pub(crate) fn agent_moved(
    _tx: &mut Tx<'_>,
    _agent_id: &str,
    _state: AgentState,
    _now: Timestamp,
) -> Result<(), Refusal> {
    Ok(())
}

//! What happened in a line, written down in the transaction in which it happened: what waits are estimated from.

use crate::callbacks::Record;
use crate::refusal::Refusal;
use crate::routing::agents::{Activity, AgentState};
use crate::storage::Tx;
use crate::wait::{Fact, Occupation, Promise};
use crate::words::word;
use ringback_core::protocol::Timestamp;

fn fresh_id() -> String {
    uuid::Uuid::now_v7().simple().to_string()
}

fn write(tx: &mut Tx<'_>, requirement_id: &str, fact: &Fact, now: Timestamp) -> Result<(), Refusal> {
    let fact = serde_json::to_string(fact).map_err(|_| Refusal::Damaged("a fact that cannot be written"))?;
    tx.execute(
        "insert into line_facts (id, requirement_id, at, fact) values ($1, $2, $3, $4)",
        &[&fresh_id(), &requirement_id, &now, &fact],
    )?;
    Ok(())
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64().max(0.0)
}

/// A callback came into line. One without any lead overtakes nobody and tells nothing.
pub(super) fn entered(tx: &mut Tx<'_>, record: &Record, now: Timestamp) -> Result<(), Refusal> {
    let lead_us = now.as_microsecond().saturating_sub(record.rank_us);
    if lead_us <= 1_000_000 {
        return Ok(());
    }
    write(tx, &record.requirement_id, &Fact::Entered { lead_s: lead_us as f64 / 1e6 }, now)
}

/// A callback left the line before an agent was there. Who slept through it did not wait.
pub(super) fn left(
    tx: &mut Tx<'_>,
    record: &Record,
    entered_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), Refusal> {
    let Some(entered_at) = entered_at.filter(|entered_at| *entered_at <= now) else { return Ok(()) };
    write(tx, &record.requirement_id, &Fact::Left { waited_s: seconds(entered_at, now) }, now)
}

/// An agent was reserved for a callback. The first time what was promised is held against it.
pub(super) fn began(
    tx: &mut Tx<'_>,
    record: &Record,
    entered_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), Refusal> {
    let Some(entered_at) = entered_at.filter(|entered_at| *entered_at <= now) else { return Ok(()) };
    let stored: Option<String> =
        tx.query_one("select promise_model from callbacks where id = $1", &[&record.id], |row| row.get(0))?;
    let promise: Option<Promise> = match stored {
        None => None,
        Some(json) => {
            tx.execute("update callbacks set promise_model = null where id = $1", &[&record.id])?;
            Some(serde_json::from_str(&json).map_err(|_| Refusal::Damaged("a promise"))?)
        }
    };
    let fact = Fact::Began { waited_s: seconds(entered_at, now), promise };
    write(tx, &record.requirement_id, &fact, now)
}

/// An agent ended one thing and begins another. `busy` is whether the agent is with a callback from now on.
pub(crate) fn agent_moved(
    tx: &mut Tx<'_>,
    before: &Activity,
    busy: bool,
    now: Timestamp,
) -> Result<(), Refusal> {
    let (occupation, since) = match (before.state, &before.spell) {
        (AgentState::Offline, _) => return Ok(()),
        (AgentState::Ready, _) => (Occupation::Ready, before.since),
        (AgentState::NotReady, _) => (Occupation::Elsewhere, before.since),
        // Still with the callback: its spell is written down when it is over.
        (_, Some(_)) if busy => return Ok(()),
        (_, Some((since, requirement_id))) => {
            write(tx, requirement_id, &Fact::Spell { busy_s: seconds(*since, now) }, now)?;
            (Occupation::Callback, *since)
        }
        // From before spells were written down.
        (_, None) => return Ok(()),
    };
    tx.execute(
        "insert into agent_spells (id, agent_id, at, occupation, for_us) values ($1, $2, $3, $4, $5)",
        &[
            &fresh_id(),
            &before.agent_id,
            &now,
            &word(occupation)?,
            &now.duration_since(since).as_micros().try_into().unwrap_or(i64::MAX),
        ],
    )?;
    Ok(())
}

/// Forgets what happened in lines before.
pub fn forget_before(tx: &mut Tx<'_>, before: Timestamp) -> Result<(), Refusal> {
    tx.execute("delete from line_facts where at < $1", &[&before])?;
    tx.execute("delete from agent_spells where at < $1", &[&before])?;
    Ok(())
}

//! The event log: append-only, in order for each installation, and streamed to whoever listens.

pub mod http;

use crate::app::Effects;
use crate::callbacks::{Record, spoken};
use crate::refusal::Refusal;
use crate::storage::{Tx, Vault};
use crate::webhooks;
use crate::words::{unword, word};
use ringback_core::protocol::{Callback, CallbackEvent, EventKind, Timestamp};

/// Writes down what happened, also for the webhooks that are told of it.
pub fn append(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    record: &Record,
    kind: EventKind,
    actor: &str,
    now: Timestamp,
) -> Result<(), Refusal> {
    append_untold(tx, effects, record, kind, actor, now)?;
    webhooks::outbox::enqueue(tx, effects, (&record.id, record.version), kind, now)
}

/// The same when it is known that there is no webhook. The counter's row is locked until the commit, so events of one
/// installation are committed in the order of their numbers, and a reader that has seen one has seen all before it.
pub fn append_untold(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    record: &Record,
    kind: EventKind,
    actor: &str,
    now: Timestamp,
) -> Result<(), Refusal> {
    tx.execute_later(
        "update installations set event_seq = event_seq + 1 where id = $1",
        &[&record.installation_id],
    )?;
    let snapshot = serde_json::to_string(&record.snapshot())
        .map_err(|_| Refusal::Damaged("a callback that cannot be written"))?;
    tx.execute_later(
        "insert into events (installation_id, seq, callback_id, version, kind, actor, at, snapshot) \
         values ($1, (select event_seq from installations where id = $1), $2, $3, $4, $5, $6, $7)",
        &[&record.installation_id, &record.id, &record.version, &word(kind)?, &actor, &now, &snapshot],
    )?;
    effects.installations.insert(record.installation_id.clone());
    Ok(())
}

/// The events after `seq`, oldest first, at most 100, as their owner sees them.
pub fn after(
    tx: &mut Tx<'_>,
    vault: &Vault,
    installation_id: &str,
    seq: u64,
) -> Result<Vec<CallbackEvent>, Refusal> {
    let seq = i64::try_from(seq).unwrap_or(i64::MAX);
    let rows = tx.query(
        "select e.seq, e.at, e.kind, e.snapshot, c.spoken_salt from events e \
         left join callbacks c on c.id = e.callback_id and c.version = e.version \
         where e.installation_id = $1 and e.seq > $2 order by e.seq limit 100",
        &[&installation_id, &seq],
        |row| {
            let (seq, at) = (row.get::<u64>(0)?, row.get::<Timestamp>(1)?);
            Ok((seq, at, row.get::<String>(2)?, row.get::<String>(3)?, row.get::<Option<String>>(4)?))
        },
    )?;
    rows.into_iter()
        .map(|(seq, at, kind, snapshot, salt)| {
            let mut callback: Callback =
                serde_json::from_str(&snapshot).map_err(|_| Refusal::Damaged("an event's snapshot"))?;
            callback.spoken_code = salt.map(|salt| spoken::code(vault, &salt));
            Ok(CallbackEvent { seq, at, kind: unword(&kind)?, callback })
        })
        .collect()
}

/// Where a listener starts that names no event: before the first event of the oldest callback that is still open, so
/// that it hears the whole story of everything that is not over.
pub fn start_of_open(tx: &mut Tx<'_>, installation_id: &str) -> Result<u64, Refusal> {
    let first_open: Option<i64> = tx.query_one(
        "select min(e.seq) from events e join callbacks c on c.id = e.callback_id \
         where e.installation_id = $1 and c.state <> 'completed'",
        &[&installation_id],
        |row| row.get(0),
    )?;
    let latest: i64 =
        tx.query_one("select event_seq from installations where id = $1", &[&installation_id], |row| {
            row.get(0)
        })?;
    let before = first_open.map_or(latest, |first| first - 1);
    u64::try_from(before).map_err(|_| Refusal::Damaged("an event's number"))
}

//! Old records: ended callbacks go to the archive without number and name, and what the app knew is erased there later.

use crate::centre::Centre;
use crate::refusal::Refusal;
use crate::storage::Tx;
use jiff::SignedDuration;
use ringback_core::protocol::Timestamp;

/// So many callbacks go in one transaction.
const AT_ONCE: usize = 100;

/// Archives the oldest callbacks whose time has come; says whether there may be more. Safe on many nodes: each row is
/// locked or passed over.
pub fn archive(tx: &mut Tx<'_>, centre: &Centre, now: Timestamp) -> Result<bool, Refusal> {
    let setup = centre.setup(tx)?;
    for service in setup.services() {
        let ended_before = days_from(now, -i64::from(service.policy.purge_after_days));
        let erase_at = days_from(now, i64::from(service.policy.erase_after_days));
        let old = tx.query(
            "select id from callbacks where state = 'completed' and changed_at < $1 and service_id = $2 \
             order by changed_at limit 100 for update skip locked",
            &[&ended_before, &service.id],
            |row| row.get::<String>(0),
        )?;
        for id in &old {
            archive_one(tx, id, erase_at)?;
        }
        if old.len() == AT_ONCE {
            return Ok(true);
        }
    }
    tx.execute(
        "update callbacks_archive set context_sealed = null, journey_sealed = null, erase_at = null \
         where erase_at is not null and erase_at <= $1",
        &[&now],
    )?;
    Ok(false)
}

fn archive_one(tx: &mut Tx<'_>, id: &str, erase_at: Timestamp) -> Result<(), Refusal> {
    tx.execute(
        "insert into callbacks_archive (id, service_id, queue_id, reason, disposition, attempts, created_at, \
         scheduled_at, began_at, ended_at, promise, context_sealed, journey_sealed, erase_at) \
         select id, service_id, queue_id, reason, disposition, attempts, created_at, scheduled_at, began_at, \
         changed_at, promise, context_sealed, journey_sealed, \
         case when context_sealed is null and journey_sealed is null then null else cast($2 as bigint) end \
         from callbacks where id = $1",
        &[&id, &erase_at],
    )?;
    for sql in [
        "delete from push_attempts where delivery_id in (select id from push_deliveries where callback_id = $1)",
        "delete from webhook_deliveries where callback_id = $1",
        "delete from push_deliveries where callback_id = $1",
        "delete from pushes where callback_id = $1",
        "delete from devices where name = $1 and channel in ('activity', 'activity_ended') \
         and installation_id = (select installation_id from callbacks where id = $1)",
        "delete from call_ins where callback_id = $1",
        "delete from attempts where callback_id = $1",
        "delete from events where callback_id = $1",
        "delete from callbacks where id = $1",
    ] {
        tx.execute(sql, &[&id])?;
    }
    Ok(())
}

fn days_from(now: Timestamp, days: i64) -> Timestamp {
    now.saturating_add(SignedDuration::from_hours(24 * days)).unwrap_or(now)
}

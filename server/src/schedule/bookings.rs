//! Seats that are taken. They are counted by rule and slot, so a change of the rule leaves them as they are.

use super::capacity::RuleSlot;
use super::slots::Booked;
use crate::storage::{StorageError, Tx};
use jiff::Timestamp;

/// Takes one seat; false if there is none left. One statement, so of many who ask for the last seat one gets it.
pub fn book(tx: &mut Tx<'_>, capacity_rule_id: &str, slot: &RuleSlot) -> Result<bool, StorageError> {
    // Seats taken within the slot but not at its beginning are from before the rule changed.
    let booked = tx.execute(
        "insert into slot_bookings (capacity_rule_id, slot_start, booked) \
         select $1, $2, 1 where (select cast(coalesce(sum(o.booked), 0) as bigint) from slot_bookings o \
           where o.capacity_rule_id = $1 and o.slot_start > $2 and o.slot_start < $3) < $4 \
         on conflict (capacity_rule_id, slot_start) do update set booked = slot_bookings.booked + 1 \
         where slot_bookings.booked + (select cast(coalesce(sum(o.booked), 0) as bigint) from slot_bookings o \
           where o.capacity_rule_id = $1 and o.slot_start > $2 and o.slot_start < $3) < $4",
        &[&capacity_rule_id, &slot.start, &slot.end, &slot.capacity],
    )?;
    Ok(booked == 1)
}

/// Gives one seat back.
pub fn release(tx: &mut Tx<'_>, capacity_rule_id: &str, slot_start: Timestamp) -> Result<(), StorageError> {
    tx.execute(
        "update slot_bookings set booked = booked - 1 \
         where capacity_rule_id = $1 and slot_start = $2 and booked > 0",
        &[&capacity_rule_id, &slot_start],
    )?;
    Ok(())
}

/// What is taken in slots that begin from `from` on and before `to`.
pub fn booked(
    tx: &mut Tx<'_>,
    capacity_rule_id: &str,
    from: Timestamp,
    to: Timestamp,
) -> Result<Booked, StorageError> {
    let rows = tx.query(
        "select slot_start, booked from slot_bookings \
         where capacity_rule_id = $1 and slot_start >= $2 and slot_start < $3 order by slot_start",
        &[&capacity_rule_id, &from, &to],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    Ok(rows.into_iter().collect())
}

/// Forgets what was taken in slots that began before; how many slots that were.
pub fn purge(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64, StorageError> {
    tx.execute("delete from slot_bookings where slot_start < $1", &[&before])
}

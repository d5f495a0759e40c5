//! Action tokens: the single-use right to answer one push on one device.
//!
//! A token is the delivery's id and a keyed hash of it, so the raw token is stored nowhere and can be made again for
//! every try of the same delivery.

use crate::callbacks::Record;
use crate::refusal::Refusal;
use crate::storage::{Tx, Vault};
use aws_lc_rs::constant_time;
use ringback_core::protocol::{ActionToken, ProblemCode, Timestamp};

/// The token that rides in the push of this delivery.
pub fn token(vault: &Vault, delivery_id: &str) -> ActionToken {
    ActionToken::new(format!("{delivery_id}.{}", vault.lookup("action_token", delivery_id)))
}

/// Refuses a token that is not of this callback, was used, or whose question is over.
pub fn check(
    tx: &mut Tx<'_>,
    vault: &Vault,
    presented: &ActionToken,
    record: &Record,
    now: Timestamp,
) -> Result<(), Refusal> {
    let invalid = || {
        Refusal::of_field(
            ProblemCode::ActionTokenInvalid,
            "action_token",
            ProblemCode::ActionTokenInvalid.advice(),
        )
    };
    let delivery_id = presented.expose().split_once('.').ok_or_else(invalid)?.0;
    let expected = token(vault, delivery_id);
    constant_time::verify_slices_are_equal(expected.expose().as_bytes(), presented.expose().as_bytes())
        .map_err(|_| invalid())?;
    let (callback_id, asked, expires_at, spent_at) = tx
        .query_opt(
            "select p.callback_id, p.asked, p.expires_at, d.action_spent_at from push_deliveries d \
             join pushes p on p.id = d.push_id where d.id = $1",
            &[&delivery_id],
            |row| {
                Ok((
                    row.get::<String>(0)?,
                    row.get::<u32>(1)?,
                    row.get::<Timestamp>(2)?,
                    row.get::<Option<Timestamp>>(3)?,
                ))
            },
        )?
        .ok_or_else(invalid)?;
    if callback_id != record.id {
        return Err(invalid());
    }
    if spent_at.is_some() {
        return Err(Refusal::plain(ProblemCode::ActionTokenSpent));
    }
    if expires_at <= now {
        return Err(Refusal::plain(ProblemCode::ConfirmExpired));
    }
    // A token of an earlier question says nothing about the one that is open now.
    if asked == record.asked { Ok(()) } else { Err(invalid()) }
}

/// The question is answered: no token of any device answers it again.
pub fn spend(tx: &mut Tx<'_>, record: &Record, now: Timestamp) -> Result<(), Refusal> {
    tx.execute(
        "update push_deliveries set action_spent_at = $1 where action_spent_at is null and push_id in \
         (select id from pushes where callback_id = $2 and asked = $3)",
        &[&now, &record.id, &record.asked],
    )?;
    Ok(())
}

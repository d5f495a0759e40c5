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

/// Refuses a token that is not of this callback, was used, or whose question is over; otherwise which delivery it rode in.
pub fn check(
    tx: &mut Tx<'_>,
    vault: &Vault,
    presented: &ActionToken,
    record: &Record,
    now: Timestamp,
) -> Result<String, Refusal> {
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
            "select callback_id, occasion, expires_at, action_spent_at from push_deliveries \
             where id = $1 and event = 'agent_ready' and withdrawn = 0",
            &[&delivery_id],
            |row| {
                Ok((
                    row.get::<String>(0)?,
                    row.get::<i64>(1)?,
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
    if asked == i64::from(record.asked) { Ok(delivery_id.to_owned()) } else { Err(invalid()) }
}

/// The question is answered, perhaps by the token of one delivery: no token of any device answers it again.
pub fn spend(
    tx: &mut Tx<'_>,
    record: &Record,
    answered_by: Option<&str>,
    now: Timestamp,
) -> Result<(), Refusal> {
    tx.execute(
        "update push_deliveries set action_spent_at = $1, answered_at = case when id = $2 then $1 else answered_at end \
         where callback_id = $3 and event = 'agent_ready' and occasion = $4 and action_spent_at is null",
        &[&now, &answered_by.unwrap_or(""), &record.id, &i64::from(record.asked)],
    )?;
    Ok(())
}

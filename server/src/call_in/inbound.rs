//! Somebody calls in who also waits for a call: the open callback is found by the number and treated as its service wants.

use crate::app::Effects;
use crate::callbacks::model::{Input, next};
use crate::callbacks::{StaffCallback, apply, find_for_update, show};
use crate::centre::Centre;
use crate::refusal::Refusal;
use crate::rules::number;
use crate::services::policy::InboundPolicy;
use crate::storage::Tx;
use ringback_core::protocol::{PhoneNumber, Timestamp};
use serde::{Deserialize, Serialize};

/// A call that has come in, by whatever number.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InboundCaller {
    /// The caller's number as the network shows it, E.164.
    pub caller_number: PhoneNumber,
}

/// An open callback of somebody who called in.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct FoundCallback {
    /// What was done with it. `leave` also where it has gone too far for anything else.
    pub done: InboundPolicy,
    /// The callback after that, with everything that is known of it.
    pub callback: StaffCallback,
}

impl InboundCaller {
    /// Refuses what is no number.
    pub fn check(&self) -> Result<(), Refusal> {
        number::check(&self.caller_number, "caller_number")
    }
}

/// Finds the open callbacks of a number, oldest first, and treats each as its service wants.
pub fn called_in(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    centre: &Centre,
    caller: &InboundCaller,
    actor: &str,
    now: Timestamp,
) -> Result<Vec<FoundCallback>, Refusal> {
    let hash = centre.vault.lookup("number", caller.caller_number.expose());
    let ids = tx.query(
        "select id from callbacks where number_hash = $1 and state <> 'completed' order by id limit 20",
        &[&hash],
        |row| row.get::<String>(0),
    )?;
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        let mut record = find_for_update(tx, &id)?;
        let resolve = match record.policy.inbound {
            InboundPolicy::Front => Some(false),
            InboundPolicy::Resolve => Some(true),
            InboundPolicy::Leave => None,
        };
        let input = resolve.map(|resolve| Input::CalledIn { resolve });
        let fits = input.filter(|input| next(record.at, *input, record.direction).is_some());
        if let Some(input) = fits {
            if input == (Input::CalledIn { resolve: false }) {
                record.not_before = None;
                record.rank_us = before_everybody(tx, &record.queue_id)?.min(record.rank_us);
            }
            apply(tx, effects, &mut record, input, actor, now)?;
        }
        let done = if fits.is_some() { record.policy.inbound } else { InboundPolicy::Leave };
        found.push(FoundCallback { done, callback: show(tx, centre, &id, now)? });
    }
    Ok(found)
}

/// A place before everybody in a queue.
fn before_everybody(tx: &mut Tx<'_>, queue_id: &str) -> Result<i64, Refusal> {
    let first: Option<i64> = tx.query_one(
        "select min(rank_us) from callbacks where queue_id = $1 and state = 'queued'",
        &[&queue_id],
        |row| row.get(0),
    )?;
    Ok(first.map_or(i64::MAX, |first| first.saturating_sub(1)))
}

//! Writing down what became of deliveries: how each stands, the tries that did not get through, a device that is gone, a
//! question that has been put.

use super::devices;
use super::outbox::{Claim, json_rows};
use super::verdict::{Settled, Verdict};
use crate::app::Effects;
use crate::callbacks::model::{Input, Phase, Position};
use crate::callbacks::{apply, find_for_update};
use crate::refusal::Refusal;
use crate::storage::{StorageError, Tx};
use ringback_core::protocol::{PushEvent, Timestamp};

/// A try and what follows from it.
#[derive(Debug, Clone)]
pub struct Tried {
    /// What was tried.
    pub claim: Claim,
    /// What follows.
    pub verdict: Verdict,
    /// When it began.
    pub at: Timestamp,
    /// How long it took, in microseconds.
    pub took_us: i64,
}

impl Tried {
    /// Whether a taken push moves its callback on.
    fn asks(&self) -> bool {
        self.claim.event == PushEvent::AgentReady
            && !self.claim.withdrawn
            && matches!(self.verdict.settled, Settled::Delivered { .. })
    }
}

/// Writes down tries. Of a claim that was lost meanwhile nothing is written: it says nothing any more.
pub fn write_down(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    tries: &[Tried],
    now: Timestamp,
) -> Result<(), Refusal> {
    let mut taken = Vec::new();
    for tried in tries {
        if tried.asks() {
            // The callback first and the delivery then, as whoever answers the question does: neither waits for the other.
            let mut record = find_for_update(tx, &tried.claim.callback_id)?;
            if settle(tx, tried, now)?
                && record.at == Position::Routing(Phase::Reserved)
                && i64::from(record.asked) == tried.claim.occasion
            {
                apply(tx, effects, &mut record, Input::PushAccepted, "system", now)?;
            }
        } else if let Verdict { settled: Settled::Delivered { provider_id }, device: None, .. } =
            &tried.verdict
        {
            taken.push((&tried.claim.id, tried.claim.fence, provider_id));
        } else {
            settle(tx, tried, now)?;
        }
    }
    match &taken[..] {
        [] => {}
        [(id, fence, provider_id)] => drop(deliver(tx, (id, *fence), provider_id, now)?),
        many => {
            // Nearly all there is to write: in one statement, of which each row still looks at its own fence.
            tx.execute(
                "update push_deliveries set state = 'delivered', reason = null, provider_id = taken.provider_id, \
                 sent_at = $1, changed_at = $1 from (select value ->> 0 as id, cast(value ->> 1 as bigint) as fence, \
                 value ->> 2 as provider_id from json_rows($2)) taken where push_deliveries.id = taken.id \
                 and push_deliveries.fence = taken.fence and push_deliveries.state = 'pending'",
                &[&now, &json_rows(many.iter())?],
            )?;
        }
    }
    Ok(())
}

/// Writes down that a provider took a delivery; the number of rows.
fn deliver(
    tx: &mut Tx<'_>,
    (id, fence): (&str, i64),
    provider_id: &str,
    now: Timestamp,
) -> Result<u64, StorageError> {
    tx.execute(
        "update push_deliveries set state = 'delivered', reason = null, provider_id = $1, sent_at = $2, \
         changed_at = $2 where id = $3 and fence = $4 and state = 'pending'",
        &[&provider_id, &now, &id, &fence],
    )
}

/// Writes down how a claimed delivery stands; `false` when the claim was lost.
pub fn settle(tx: &mut Tx<'_>, tried: &Tried, now: Timestamp) -> Result<bool, Refusal> {
    let Tried { claim, verdict, .. } = tried;
    let reason = verdict.settled.reason();
    let settled = match &verdict.settled {
        Settled::Delivered { provider_id } => deliver(tx, (&claim.id, claim.fence), provider_id, now)?,
        Settled::Retry { due_at, counts, .. } => tx.execute(
            "update push_deliveries set due_at = $1, reason = $2, attempts = attempts - $3, changed_at = $4 \
             where id = $5 and fence = $6 and state = 'pending'",
            &[due_at, &reason, &i64::from(!counts), &now, &claim.id, &claim.fence],
        )?,
        over => tx.execute(
            "update push_deliveries set state = $1, reason = $2, changed_at = $3 \
             where id = $4 and fence = $5 and state = 'pending'",
            &[&over.label(), &reason, &now, &claim.id, &claim.fence],
        )?,
    };
    if settled == 0 {
        return Ok(false);
    }
    if let (Some(reason), true) = (reason, verdict.signal.is_some()) {
        tx.execute(
            "insert into push_attempts (delivery_id, fence, at, took_us, outcome, reason) values ($1, $2, $3, $4, $5, $6)",
            &[&claim.id, &claim.fence, &tried.at, &tried.took_us, &verdict.settled.label(), &reason],
        )?;
    }
    if let Some(news) = &verdict.device {
        devices::retire(tx, &claim.device_id, (news.state, &news.reason), news.since, claim.registered_at)?;
    }
    Ok(true)
}

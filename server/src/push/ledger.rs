//! Writing down what became of deliveries: how each stands, the tries that did not get through, a device that is gone, a
//! question that has been put.

use super::devices;
use super::outbox::Claim;
use super::verdict::{Settled, Verdict};
use crate::app::Effects;
use crate::callbacks::model::{Input, Phase, Position};
use crate::callbacks::{apply, find_for_update};
use crate::refusal::Refusal;
use crate::storage::{ForEach, Param, Tx};
use ringback_core::protocol::{PushEvent, Timestamp};
use std::sync::Arc;

/// A try and what follows from it.
#[derive(Debug, Clone)]
pub struct Tried {
    /// What was tried.
    pub claim: Arc<Claim>,
    /// What follows.
    pub verdict: Verdict,
    /// When it began.
    pub at: Timestamp,
    /// How long it took, in microseconds.
    pub took_us: i64,
}

impl Tried {
    /// Whether a taken push moves its callback on.
    pub(super) fn asks(&self) -> bool {
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
    let mut taken: Vec<[&dyn Param; 4]> = Vec::with_capacity(tries.len());
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
            taken.push([provider_id, &now, &tried.claim.seq, &tried.claim.fence]);
        } else {
            settle(tx, tried, now)?;
        }
    }
    // Nearly all there is to write.
    tx.execute_each(&TAKEN, &taken)?;
    Ok(())
}

/// Writes down that a provider took deliveries: its name for each, when, which, by which claim.
const TAKEN: ForEach = ForEach {
    one: "update push_deliveries set state = 'delivered', reason = null, provider_id = $1, sent_at = $2, changed_at = $2, \
          leased_to = 0 where seq = $3 and fence = $4 and state = 'pending'",
    all: "update push_deliveries set state = 'delivered', reason = null, provider_id = taken.name, \
          sent_at = taken.at, changed_at = taken.at, leased_to = 0 from (select value ->> 0 as name, \
          cast(value ->> 1 as bigint) as at, cast(value ->> 2 as bigint) as number, \
          cast(value ->> 3 as bigint) as number_of_claim from json_rows($1)) taken \
          where push_deliveries.seq = taken.number and push_deliveries.fence = taken.number_of_claim \
          and push_deliveries.state = 'pending'",
};

/// Writes down how a claimed delivery stands; `false` when the claim was lost.
pub fn settle(tx: &mut Tx<'_>, tried: &Tried, now: Timestamp) -> Result<bool, Refusal> {
    let Tried { claim, verdict, .. } = tried;
    let reason = verdict.settled.reason();
    let settled = match &verdict.settled {
        Settled::Delivered { provider_id } => {
            tx.execute(TAKEN.one, &[provider_id, &now, &claim.seq, &claim.fence])?
        }
        Settled::Retry { due_at, counts, .. } => tx.execute(
            "update push_deliveries set due_at = $1, reason = $2, attempts = attempts - $3, changed_at = $4, leased_to = 0 \
             where seq = $5 and fence = $6 and state = 'pending'",
            &[due_at, &reason, &i64::from(!counts), &now, &claim.seq, &claim.fence],
        )?,
        over => tx.execute(
            "update push_deliveries set state = $1, reason = $2, changed_at = $3, leased_to = 0 \
             where seq = $4 and fence = $5 and state = 'pending'",
            &[&over.label(), &reason, &now, &claim.seq, &claim.fence],
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

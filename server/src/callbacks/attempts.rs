//! Calls to a customer: what is written down of each, and what follows one that did not reach anybody.

use super::model::{DialResult, Disposition, Input, Phase, Position};
use super::record::{Record, apply, later};
use crate::app::Effects;
use crate::refusal::Refusal;
use crate::routing::matcher::agent_for;
use crate::services::policy::{Place, Retry, RetryPolicy};
use crate::storage::Tx;
use crate::words::word;
use ringback_core::protocol::{Direction, Timestamp};

impl RetryPolicy {
    /// What follows this result.
    fn after(&self, result: DialResult) -> Retry {
        match result {
            DialResult::Busy => self.busy,
            DialResult::NoAnswer => self.no_answer,
            DialResult::Machine => self.machine,
            DialResult::Fax => self.fax,
            DialResult::Failed | DialResult::Connected => self.failed,
            DialResult::Rejected => self.rejected,
        }
    }
}

/// The results as they are written down: those of dialing, and two that only become known after somebody answered.
const WRONG_PERSON: &str = "wrong_person";
const ABANDONED: &str = "abandoned";

/// What came of dialing, as an agent or a phone engine reports it.
pub fn dialed(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    record: &mut Record,
    result: DialResult,
    actor: &str,
    now: Timestamp,
) -> Result<(), Refusal> {
    let ahead = record.at == Position::Routing(Phase::Ahead);
    let mut again = false;
    if result == DialResult::Connected {
        if ahead {
            record.agent_id = agent_for(tx, record)?;
        }
    } else if record.direction == Direction::CustomerTerminated {
        again = try_again(tx, record, record.policy.retry.after(result), &word(result)?, now)?;
    }
    let agent = record.agent_id.is_some();
    apply(tx, effects, record, Input::Dialed { result, again, agent }, actor, now)
}

/// The customer who waited on the phone is gone, or waited too long.
pub(super) fn hold_ended(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    record: &mut Record,
    actor: &str,
    now: Timestamp,
) -> Result<(), Refusal> {
    let again = try_again(tx, record, record.policy.retry.failed, ABANDONED, now)?;
    apply(tx, effects, record, Input::HoldEnded { again }, actor, now)
}

/// The talk is over.
pub(super) fn talk_over(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    record: &mut Record,
    disposition: Disposition,
    actor: &str,
    now: Timestamp,
) -> Result<(), Refusal> {
    let again = disposition == Disposition::WrongPerson
        && try_again(tx, record, record.policy.retry.wrong_person, WRONG_PERSON, now)?;
    apply(tx, effects, record, Input::Finish { disposition, again }, actor, now)
}

/// Whether there is another attempt after one with this result; puts the record where it stands until then.
fn try_again(
    tx: &mut Tx<'_>,
    record: &mut Record,
    retry: Retry,
    result: &str,
    now: Timestamp,
) -> Result<bool, Refusal> {
    let before: u32 = tx.query_one(
        "select count(*) from attempts where callback_id = $1 and result = $2",
        &[&record.id, &result],
        |row| row.get(0),
    )?;
    if before + 1 >= retry.attempts {
        return Ok(false);
    }
    let next = later(now, retry.delay_s)?;
    record.not_before = (retry.delay_s > 0).then_some(next);
    if retry.place == Place::End {
        record.stand_at(next);
    }
    Ok(true)
}

/// Writes down that a call began or what came of it.
pub(super) fn note(
    tx: &mut Tx<'_>,
    record: &Record,
    was: Position,
    input: Input,
    now: Timestamp,
) -> Result<(), Refusal> {
    let result = match input {
        Input::Dial | Input::DialAhead => {
            tx.execute(
                "insert into attempts (callback_id, attempt, service_id, agent_id, began_at) values ($1, $2, $3, $4, $5)",
                &[&record.id, &record.attempts, &record.service_id, &record.agent_id, &now],
            )?;
            return Ok(());
        }
        Input::Dialed { result, .. } => word(result)?,
        Input::CallInExpired => word(DialResult::NoAnswer)?,
        Input::HoldEnded { .. } => ABANDONED.to_owned(),
        Input::Finish { disposition: Disposition::WrongPerson, .. } => WRONG_PERSON.to_owned(),
        // Given up while it rang.
        _ if matches!(was, Position::Routing(Phase::Connecting | Phase::Ahead)) => word(DialResult::Failed)?,
        _ => return Ok(()),
    };
    tx.execute(
        "update attempts set ended_at = $1, result = $2 where callback_id = $3 and attempt = $4",
        &[&now, &result, &record.id, &record.attempts],
    )?;
    Ok(())
}

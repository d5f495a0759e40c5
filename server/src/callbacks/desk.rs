//! What an agent does with the callback on the desk.

use super::attempts::{dialed, hold_ended, talk_over};
use super::model::{DialResult, Disposition, Input, Phase, Position};
use super::record::{Record, apply, moved_on};
use super::times;
use crate::app::Effects;
use crate::centre::Centre;
use crate::refusal::Refusal;
use crate::storage::Tx;
use crate::words::word;
use ringback_core::protocol::{ContextValue, ProblemCode, Timestamp, WallTime};
use serde::{Deserialize, Serialize};

/// The longest note, in characters.
const NOTE_MAX_CHARS: usize = 2000;

/// What an agent, or a phone engine, says about the callback at hand.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Completion {
    /// What came of the talk; `handled` when absent.
    #[serde(default = "handled")]
    pub disposition: Disposition,
    /// What there is to note, at most 2000 characters. Sealed at rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<ContextValue>,
    /// The time the customer chose; needed for `reschedule` and for nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduled_for: Option<WallTime>,
}

fn handled() -> Disposition {
    Disposition::Handled
}

impl Completion {
    /// Refuses what does not fit together.
    pub fn check(&self) -> Result<(), Refusal> {
        let wrong = |field, sentence| Err(Refusal::of_field(ProblemCode::FieldInvalid, field, sentence));
        if self.note.as_ref().is_some_and(|note| note.expose().chars().count() > NOTE_MAX_CHARS) {
            return wrong("note", "A note has at most 2000 characters. Shorten it.");
        }
        match (self.disposition, &self.scheduled_for) {
            (Disposition::Reschedule, None) => {
                wrong("scheduled_for", "To reschedule, say for when: a wall time and its zone.")
            }
            (Disposition::Reschedule, Some(_)) | (_, None) => Ok(()),
            (_, Some(_)) => wrong(
                "scheduled_for",
                "A new time needs the disposition `reschedule`. Send it, or leave the time out.",
            ),
        }
    }
}

/// The agent has looked at it and takes it.
pub fn accept(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    record: &mut Record,
    actor: &str,
    now: Timestamp,
) -> Result<(), Refusal> {
    let ask = record.policy.ask_customer;
    apply(tx, effects, record, Input::Accept { ask }, actor, now)
}

/// The agent has looked at it and does not take it, or let the time pass. It is offered to others first from then on.
pub fn pass(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    record: &mut Record,
    actor: &str,
    now: Timestamp,
) -> Result<(), Refusal> {
    record.rejected_by = record.agent_id.clone();
    let not_ready = record.policy.preview_not_ready;
    apply(tx, effects, record, Input::Pass { not_ready }, actor, now)
}

/// What came of dialing.
pub fn report(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    record: &mut Record,
    result: DialResult,
    actor: &str,
    now: Timestamp,
) -> Result<(), Refusal> {
    if record.at == Position::Routing(Phase::Holding) && result != DialResult::Connected {
        // Whoever waited on the phone is gone.
        return hold_ended(tx, effects, record, actor, now);
    }
    dialed(tx, effects, record, result, actor, now)
}

/// The talk is over; the agent says what came of it.
pub fn finish(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    centre: &Centre,
    record: &mut Record,
    completion: &Completion,
    (actor, now): (&str, Timestamp),
) -> Result<(), Refusal> {
    if record.at != Position::Processing {
        return Err(moved_on(record));
    }
    if let Some(wall_time) = &completion.scheduled_for {
        times::promise(tx, centre, record, wall_time, now)?;
    }
    talk_over(tx, effects, record, completion.disposition, actor, now)?;
    let note = completion
        .note
        .as_ref()
        .map(|note| centre.vault.seal(note.expose().as_bytes(), "callbacks.note"))
        .transpose()?;
    tx.execute(
        "update callbacks set disposition = $1, note_sealed = $2 where id = $3",
        &[&word(completion.disposition)?, &note, &record.id],
    )?;
    Ok(())
}

//! A callback as it is stored, and the one way to change it.

use super::model::{self, AgentMove, ConfirmTimeout, Input, Position};
use crate::app::Effects;
use crate::events;
use crate::push::outbox;
use crate::refusal::Refusal;
use crate::storage::{Row, StorageError, Tx};
use crate::words::{unword, word};
use ringback_core::protocol::{Callback, Direction, ProblemCode, PushEvent, Timestamp};

/// A stored callback and what its service wants of it.
#[derive(Debug, Clone)]
pub struct Record {
    /// `cb_…`
    pub id: String,
    /// Whose it is.
    pub installation_id: String,
    /// Where it waits.
    pub queue_id: String,
    /// Its service.
    pub service: String,
    /// Who dials.
    pub direction: Direction,
    /// Where it is in its life.
    pub at: Position,
    /// The agent it is tied to; set it before a [`Input::Reserve`].
    pub agent_id: Option<String>,
    /// Its key in the line: lower is earlier.
    pub rank_us: i64,
    /// Asleep until then; set it before a [`Input::Snooze`].
    pub not_before: Option<Timestamp>,
    /// How often the person was asked.
    pub asked: u32,
    /// Until when the person may answer.
    pub confirm_by: Option<Timestamp>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// How often it changed.
    pub version: u32,
    /// How long the person has to answer, in seconds.
    pub confirm_window_s: u32,
    /// What happens when nobody answers.
    pub confirm_timeout: ConfirmTimeout,
    /// How often the person is asked at most.
    pub confirm_attempts: u32,
    /// Whether the person is asked at all.
    pub ask_customer: bool,
    /// Where a number to dial comes from.
    pub call_in_group_id: Option<String>,
}

macro_rules! select_callback {
    ($rest:literal) => {
        concat!(
            "select c.id, c.installation_id, c.queue_id, s.name, c.direction, c.state, c.phase, c.reason, c.agent_id, \
             c.rank_us, c.not_before, c.asked, c.confirm_by, c.created_at, c.version, s.confirm_window_s, \
             s.confirm_timeout, s.confirm_attempts, s.ask_customer, s.call_in_group_id \
             from callbacks c join services s on s.id = c.service_id ",
            $rest
        )
    };
}
pub(super) use select_callback;

/// The columns as they come; words are understood afterwards.
pub(super) struct Raw {
    record: Record,
    direction: String,
    state: String,
    phase: Option<String>,
    reason: Option<String>,
    confirm_timeout: String,
}

pub(super) fn raw(row: &Row<'_>) -> Result<Raw, StorageError> {
    Ok(Raw {
        direction: row.get(4)?,
        state: row.get(5)?,
        phase: row.get(6)?,
        reason: row.get(7)?,
        confirm_timeout: row.get(16)?,
        record: Record {
            id: row.get(0)?,
            installation_id: row.get(1)?,
            queue_id: row.get(2)?,
            service: row.get(3)?,
            direction: Direction::CustomerTerminated,
            at: Position::Queued,
            agent_id: row.get(8)?,
            rank_us: row.get(9)?,
            not_before: row.get(10)?,
            asked: row.get(11)?,
            confirm_by: row.get(12)?,
            created_at: row.get(13)?,
            version: row.get(14)?,
            confirm_window_s: row.get(15)?,
            confirm_timeout: ConfirmTimeout::Connect,
            confirm_attempts: row.get(17)?,
            ask_customer: row.get(18)?,
            call_in_group_id: row.get(19)?,
        },
    })
}

impl Raw {
    pub(super) fn understand(self) -> Result<Record, Refusal> {
        let at = Position::from_parts(
            unword(&self.state)?,
            self.phase.as_deref().map(unword).transpose()?,
            self.reason.as_deref().map(unword).transpose()?,
        );
        Ok(Record {
            direction: unword(&self.direction)?,
            at: at.ok_or(Refusal::Damaged("a callback's state"))?,
            confirm_timeout: unword(&self.confirm_timeout)?,
            ..self.record
        })
    }
}

/// Finds a callback.
pub fn find(tx: &mut Tx<'_>, id: &str) -> Result<Record, Refusal> {
    let raw = tx.query_opt(select_callback!("where c.id = $1"), &[&id], raw)?;
    raw.ok_or_else(not_found)?.understand()
}

/// Finds a callback in order to change it.
pub fn find_for_update(tx: &mut Tx<'_>, id: &str) -> Result<Record, Refusal> {
    // Locked first and read then, so that what is read is what the lock holder before us left.
    tx.query_opt("select id from callbacks where id = $1 for update", &[&id], |row| row.get::<String>(0))?
        .ok_or_else(not_found)?;
    find(tx, id)
}

/// Finds the callback an agent is tied to.
pub fn find_of_agent(tx: &mut Tx<'_>, agent_id: &str) -> Result<Option<Record>, Refusal> {
    let id = tx.query_opt("select id from callbacks where agent_id = $1", &[&agent_id], |row| {
        row.get::<String>(0)
    })?;
    let record = id.map(|id| find_for_update(tx, &id)).transpose()?;
    // Whoever held the lock may have untied the two.
    Ok(record.filter(|record| record.agent_id.as_deref() == Some(agent_id)))
}

pub(super) fn not_found() -> Refusal {
    Refusal::plain(ProblemCode::CallbackNotFound)
}

/// The refusal for an input that does not fit where the callback is.
pub(super) fn moved_on(record: &Record) -> Refusal {
    let state = word(record.at.state()).unwrap_or_default();
    let phase = record.at.phase().and_then(|phase| word(phase).ok());
    let place = phase.map_or(state.clone(), |phase| format!("{state}, {phase}"));
    Refusal::new(
        ProblemCode::CallbackMovedOn,
        format!("The callback is now \"{place}\". Fetch it and go by its present state."),
    )
}

/// Changes a callback: the decision is [`model::next`]'s, and everything that follows from it is written here, in the
/// caller's transaction: the callback, the agent, the event, the push (I1).
pub fn apply(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    record: &mut Record,
    input: Input,
    actor: &str,
    now: Timestamp,
) -> Result<(), Refusal> {
    let change = model::next(record.at, input, record.direction).ok_or_else(|| moved_on(record))?;
    let agent = record.agent_id.clone();
    record.at = change.to;
    record.version += 1;
    if record.at.is_asking() {
        if record.confirm_by.is_none() {
            record.asked += 1;
            record.confirm_by = Some(later(now, record.confirm_window_s)?);
            effects.clock = true;
        }
    } else {
        record.confirm_by = None;
    }
    if !record.at.holds_agent() {
        record.agent_id = None;
    }
    if record.at != Position::Queued {
        record.not_before = None;
    }
    let (state, phase, reason) = (
        word(record.at.state())?,
        record.at.phase().map(word).transpose()?,
        record.at.reason().map(word).transpose()?,
    );
    tx.execute(
        "update callbacks set state = $1, phase = $2, reason = $3, agent_id = $4, not_before = $5, asked = $6, \
         confirm_by = $7, changed_at = $8, version = $9 where id = $10",
        &[
            &state, &phase, &reason, &record.agent_id, &record.not_before, &record.asked, &record.confirm_by, &now,
            &record.version, &record.id,
        ],
    )?;
    if let Some(agent) = agent {
        move_agent(tx, effects, &agent, change.agent, now)?;
    }
    match record.at {
        Position::Queued => {
            effects.queues.insert(record.queue_id.clone());
            effects.clock |= record.not_before.is_some();
        }
        Position::Routing(model::Phase::Confirmed) => effects.dial = true,
        _ => {}
    }
    events::append(tx, effects, record, change.event, actor, now)?;
    if let (Input::Reserve { ask: true }, Some(expires_at)) = (input, record.confirm_by) {
        outbox::enqueue(tx, effects, record, PushEvent::AgentReady, expires_at, now)?;
    }
    Ok(())
}

fn move_agent(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    agent_id: &str,
    agent_move: AgentMove,
    now: Timestamp,
) -> Result<(), Refusal> {
    let (from, to) = match agent_move {
        AgentMove::Keep | AgentMove::Untie => return Ok(()),
        AgentMove::Reserve => ("ready", "reserved"),
        AgentMove::Release => ("reserved", "ready"),
        AgentMove::OnCall => ("reserved", "on_call"),
        AgentMove::WrapUp => ("on_call", "wrap_up"),
    };
    let moved = tx.execute(
        "update agents set state = $1, reason = null, state_since = $2 where id = $3 and state = $4",
        &[&to, &now, &agent_id, &from],
    )?;
    if moved != 1 {
        return Err(Refusal::Damaged("an agent's state and callback contradict each other"));
    }
    if agent_move == AgentMove::Release {
        let queues =
            tx.query("select queue_id from agent_queues where agent_id = $1", &[&agent_id], |row| {
                row.get(0)
            })?;
        effects.queues.extend::<Vec<String>>(queues);
    }
    Ok(())
}

/// A moment later.
pub fn later(now: Timestamp, seconds: impl Into<i64>) -> Result<Timestamp, Refusal> {
    now.checked_add(jiff::SignedDuration::from_secs(seconds.into()))
        .map_err(|_| Refusal::Damaged("a time beyond all calendars"))
}

impl Record {
    /// The callback as its owner sees it, without its place in line.
    pub fn snapshot(&self) -> Callback {
        Callback {
            id: self.id.clone(),
            service: self.service.clone(),
            state: self.at.state(),
            phase: self.at.phase(),
            reason: self.at.reason(),
            direction: self.direction,
            position: None,
            wait: None,
            scheduled: None,
            attempts: 0,
            created_at: self.created_at,
            confirm_by: self.confirm_by,
            not_before: self.not_before,
            version: self.version.into(),
        }
    }

    /// The callback as its owner sees it, with its place in line.
    pub fn view(&self, tx: &mut Tx<'_>) -> Result<Callback, Refusal> {
        let mut view = self.snapshot();
        if self.at == Position::Queued {
            let ahead: u32 = tx.query_one(
                "select count(*) from (select 1 from callbacks where queue_id = $1 and state = 'queued' \
                 and (rank_us, id) < ($2, $3) limit 999) ahead",
                &[&self.queue_id, &self.rank_us, &self.id],
                |row| row.get(0),
            )?;
            view.position = Some(ahead + 1);
        }
        Ok(view)
    }
}

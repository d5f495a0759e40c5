//! A callback as it is stored, and the one way to change it.

use super::attempts;
use super::model::{self, Input, Phase, Position};
use super::spoken;
use crate::app::Effects;
use crate::events;
use crate::line;
use crate::push::{announce, outbox};
use crate::refusal::Refusal;
use crate::routing::agents;
use crate::schedule::bookings;
use crate::services::ServiceSetup;
use crate::storage::{Row, StorageError, Tx};
use crate::words::{column_word, word};
use ringback_core::protocol::{Callback, Direction, ProblemCode, ScheduledTime, Timestamp};

/// A place in a slot's capacity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    /// Whose capacity.
    pub capacity_rule_id: String,
    /// The slot's first instant.
    pub slot_start: Timestamp,
}

/// A stored callback and what its service wants of it.
#[derive(Debug, Clone)]
pub struct Record {
    /// `cb_…`
    pub id: String,
    /// Whose it is.
    pub installation_id: String,
    /// Its service.
    pub service_id: String,
    /// What its service wants.
    pub policy: Box<ServiceSetup>,
    /// Where a number to dial comes from.
    pub call_in_group_id: Option<String>,
    /// Where it waits.
    pub queue_id: String,
    /// What an agent must be able to do for it.
    pub requirement_id: String,
    /// Who dials.
    pub direction: Direction,
    /// How urgent it is.
    pub priority: u32,
    /// Where it is in its life.
    pub at: Position,
    /// The agent it is tied to; set it before an input that ties one.
    pub agent_id: Option<String>,
    /// Its place in line counts from then.
    pub waiting_since: Timestamp,
    /// Its key in the line: lower is earlier. See [`crate::routing::matching::rank_us`].
    pub rank_us: i64,
    /// Asleep until then: after a snooze, between two attempts, outside opening hours. While it is scheduled, when it is
    /// looked at next.
    pub not_before: Option<Timestamp>,
    /// How often the person was asked.
    pub asked: u32,
    /// Until when it may be in its phase.
    pub phase_by: Option<Timestamp>,
    /// When the call was promised.
    pub scheduled: Option<ScheduledTime>,
    /// The seat it holds.
    pub seat: Option<Seat>,
    /// When it ends if nobody is reached for it before.
    pub expires_at: Timestamp,
    /// How often the customer was called.
    pub attempts: u32,
    /// Since when it is in line, this time; after a snooze from its end.
    pub entered_at: Option<Timestamp>,
    /// When the two began to talk.
    pub began_at: Option<Timestamp>,
    /// The agent who did not want it last.
    pub rejected_by: Option<String>,
    /// What the code that the agent says is made from; see [`spoken`](super::spoken).
    pub spoken_salt: Option<String>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// How often it changed.
    pub version: u32,
}

macro_rules! select_callback {
    ($rest:literal) => {
        concat!(
            "select c.id, c.installation_id, c.service_id, s.policy, s.call_in_group_id, c.queue_id, c.requirement_id, \
             c.direction, c.priority, c.state, c.phase, c.reason, c.agent_id, c.waiting_since, c.rank_us, c.not_before, \
             c.asked, c.phase_by, c.scheduled_at, c.scheduled_local, c.scheduled_zone, c.capacity_rule_id, c.slot_start, \
             c.expires_at, c.attempts, c.entered_at, c.began_at, c.rejected_by, c.created_at, c.version, \
             c.spoken_salt \
             from callbacks c join services s on s.id = c.service_id ",
            $rest
        )
    };
}
pub(super) use select_callback;

pub(super) fn record(row: &Row<'_>) -> Result<Record, StorageError> {
    let scheduled = (row.get(18)?, row.get(19)?, row.get(20)?);
    let agent_id: Option<String> = row.get(12)?;
    let at = Position::from_parts(
        column_word(row, 9)?,
        row.get::<Option<String>>(10)?.map(|_| column_word(row, 10)).transpose()?,
        row.get::<Option<String>>(11)?.map(|_| column_word(row, 11)).transpose()?,
        agent_id.is_some(),
    );
    Ok(Record {
        id: row.get(0)?,
        installation_id: row.get(1)?,
        service_id: row.get(2)?,
        policy: serde_json::from_str(&row.get::<String>(3)?)
            .map_err(|_| StorageError::Column { index: 3, wanted: "a service's policy" })?,
        call_in_group_id: row.get(4)?,
        queue_id: row.get(5)?,
        requirement_id: row.get(6)?,
        direction: column_word(row, 7)?,
        priority: row.get(8)?,
        at: at.ok_or(StorageError::Column { index: 9, wanted: "a state that fits its phase and reason" })?,
        agent_id,
        waiting_since: row.get(13)?,
        rank_us: row.get(14)?,
        not_before: row.get(15)?,
        asked: row.get(16)?,
        phase_by: row.get(17)?,
        scheduled: match scheduled {
            (Some(at), Some(local), Some(zone)) => Some(ScheduledTime { at, local, zone, local_now: None }),
            _ => None,
        },
        seat: match (row.get(21)?, row.get(22)?) {
            (Some(capacity_rule_id), Some(slot_start)) => Some(Seat { capacity_rule_id, slot_start }),
            _ => None,
        },
        // Callbacks of before there was an expiry have none stored.
        expires_at: row.get::<Option<Timestamp>>(23)?.unwrap_or(Timestamp::MAX),
        attempts: row.get(24)?,
        entered_at: row.get(25)?,
        began_at: row.get(26)?,
        rejected_by: row.get(27)?,
        created_at: row.get(28)?,
        version: row.get(29)?,
        spoken_salt: row.get(30)?,
    })
}

/// Finds a callback.
pub fn find(tx: &mut Tx<'_>, id: &str) -> Result<Record, Refusal> {
    tx.query_opt(select_callback!("where c.id = $1"), &[&id], record)?.ok_or_else(not_found)
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
/// caller's transaction: the callback, its seat, the agent, the event, the push, the counts (I1).
pub fn apply(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    record: &mut Record,
    input: Input,
    actor: &str,
    now: Timestamp,
) -> Result<(), Refusal> {
    let change = model::next(record.at, input, record.direction).ok_or_else(|| moved_on(record))?;
    let was = record.at;
    // Whoever was tied is moved; whoever is being tied was set by the caller.
    let agent = record.agent_id.clone();
    let entered_at = record.entered_at;
    record.move_to(change.to, now)?;
    if was.is_waiting() && matches!(record.at, Position::Completed(_)) {
        // Nobody was called: the seat is free again.
        if let Some(seat) = record.seat.take() {
            bookings::release(tx, &seat.capacity_rule_id, seat.slot_start)?;
        }
    }
    write(tx, record, now)?;
    if let Some(agent) = &agent {
        agents::follow(tx, effects, agent, change.agent, record, now)?;
    }
    attempts::note(tx, record, was, input, now)?;
    line::follow(tx, effects, (was, entered_at), record, now)?;
    match record.at {
        Position::Queued if record.not_before.is_none() => {
            effects.queues.insert(record.queue_id.clone());
        }
        Position::Routing(Phase::Confirmed) => effects.dial = true,
        _ => {}
    }
    effects.clock |= record.due_at().is_some();
    events::append(tx, effects, record, change.event, actor, now)?;
    if let Some(news) = announce::news(was, change.event, actor, record) {
        outbox::enqueue(tx, effects, record, &news, now)?;
    }
    Ok(())
}

/// Writes down where a record is.
fn write(tx: &mut Tx<'_>, record: &Record, now: Timestamp) -> Result<(), Refusal> {
    let (state, phase, reason) = (
        word(record.at.state())?,
        record.at.phase().map(word).transpose()?,
        record.at.reason().map(word).transpose()?,
    );
    let scheduled = record.scheduled.as_ref();
    tx.execute(
        "update callbacks set state = $1, phase = $2, reason = $3, agent_id = $4, not_before = $5, asked = $6, \
         phase_by = $7, changed_at = $8, version = $9, waiting_since = $10, rank_us = $11, scheduled_at = $12, \
         scheduled_local = $13, scheduled_zone = $14, capacity_rule_id = $15, slot_start = $16, expires_at = $17, \
         due_at = $18, attempts = $19, entered_at = $20, began_at = $21, rejected_by = $22, spoken_salt = $23 \
         where id = $24",
        &[
            &state, &phase, &reason, &record.agent_id, &record.not_before, &record.asked, &record.phase_by, &now,
            &record.version, &record.waiting_since, &record.rank_us, &scheduled.map(|time| time.at),
            &scheduled.map(|time| time.local.as_str()), &scheduled.map(|time| time.zone.as_str()),
            &record.seat.as_ref().map(|seat| seat.capacity_rule_id.as_str()),
            &record.seat.as_ref().map(|seat| seat.slot_start), &record.expires_at, &record.due_at(), &record.attempts,
            &record.entered_at, &record.began_at, &record.rejected_by, &record.spoken_salt, &record.id,
        ],
    )?;
    Ok(())
}

/// A moment later.
pub fn later(now: Timestamp, seconds: impl Into<i64>) -> Result<Timestamp, Refusal> {
    now.checked_add(jiff::SignedDuration::from_secs(seconds.into()))
        .map_err(|_| Refusal::Damaged("a time beyond all calendars"))
}

impl Record {
    /// What a move means for the record's own times.
    fn move_to(&mut self, to: Position, now: Timestamp) -> Result<(), Refusal> {
        let was = std::mem::replace(&mut self.at, to);
        self.version += 1;
        if !to.holds_agent() {
            self.agent_id = None;
        }
        if !to.is_waiting() {
            self.not_before = None;
        }
        let salt = self.spoken_salt.take();
        self.spoken_salt = spoken::is_due(to).then(|| salt.unwrap_or_else(spoken::new_salt));
        if to.is_asking() && !was.is_asking() {
            self.asked += 1;
        }
        if !(to.is_asking() && was.is_asking()) {
            let limit_s = match to {
                Position::Routing(Phase::Previewing) => self.policy.preview_s,
                Position::Routing(Phase::Reserved | Phase::Notified) => Some(self.policy.confirm_window_s),
                // A customer who dials has the ticket's time; who is called has the call's.
                Position::Routing(Phase::Connecting) if self.direction == Direction::CustomerOriginated => {
                    None
                }
                Position::Routing(Phase::Connecting | Phase::Ahead) => Some(self.policy.connect_max_s),
                Position::Routing(Phase::Holding) => Some(self.policy.pacing.hold_s),
                Position::Processing => Some(self.policy.talk_max_s),
                _ => None,
            };
            self.phase_by = limit_s.map(|limit_s| later(now, limit_s)).transpose()?;
        }
        if matches!(to, Position::Routing(Phase::Connecting | Phase::Ahead)) {
            self.attempts += 1;
        }
        if to == Position::Processing {
            self.began_at = self.began_at.or(Some(now));
        }
        if to == Position::Queued {
            let awake_at = self.not_before.unwrap_or(now).max(now);
            self.entered_at = if was == to { self.entered_at.max(self.not_before) } else { Some(awake_at) };
        }
        Ok(())
    }

    /// The earliest of its deadlines.
    pub fn due_at(&self) -> Option<Timestamp> {
        let expires_at = self.at.is_waiting().then_some(self.expires_at);
        [self.phase_by, self.not_before, expires_at].into_iter().flatten().min()
    }

    /// Puts it where one stands who asks at this moment.
    pub fn stand_at(&mut self, since: Timestamp) {
        self.waiting_since = since;
        self.rank_us =
            crate::routing::matching::rank_us(since.as_microsecond(), self.priority, &self.policy.ageing);
    }

    /// The callback as its owner sees it, without its place in line.
    pub fn snapshot(&self) -> Callback {
        Callback {
            id: self.id.clone(),
            service: self.policy.name.clone(),
            state: self.at.state(),
            phase: self.at.phase(),
            reason: self.at.reason(),
            direction: self.direction,
            position: None,
            wait: None,
            scheduled: self.scheduled.clone(),
            attempts: self.attempts,
            created_at: self.created_at,
            confirm_by: self.phase_by.filter(|_| self.at.is_asking()),
            not_before: self.not_before.filter(|_| self.at == Position::Queued),
            // Whoever may see it is given it apart from the rest.
            spoken_code: None,
            version: self.version.into(),
        }
    }
}

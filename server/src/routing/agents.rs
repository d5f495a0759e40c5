//! Agents: their states, and what lies on their desk.

use crate::app::Effects;
use crate::callbacks::model::{AgentMove, Input, Phase, Position};
use crate::callbacks::{Record, StaffCallback, apply, find_of_agent, later, show_to_desk};
use crate::centre::Centre;
use crate::line;
use crate::refusal::Refusal;
use crate::storage::Tx;
use crate::words::{column_word, unword, word};
use ringback_core::protocol::{ProblemCode, Timestamp};
use serde::{Deserialize, Serialize};

/// What an agent is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AgentState {
    /// Not here.
    Offline,
    /// Here, and not taking calls.
    NotReady,
    /// Waiting for a call.
    Ready,
    /// Kept free for a callback.
    Reserved,
    /// Talking.
    OnCall,
    /// Writing up the last call.
    WrapUp,
}

/// A state an agent can choose.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema, clap::ValueEnum,
)]
#[serde(rename_all = "snake_case")]
pub enum ChosenState {
    /// Not here.
    Offline,
    /// Here, and not taking calls.
    NotReady,
    /// Waiting for a call.
    Ready,
}

/// An agent and what is on the desk.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Desk {
    /// The agent's name.
    pub name: String,
    /// What the agent is doing.
    pub state: AgentState,
    /// Why not ready, when a reason was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// What the agent has chosen for after the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub then_state: Option<ChosenState>,
    /// The callback the agent is kept for or talks to. The number is for dialing once its phase is `connecting`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback: Option<StaffCallback>,
}

/// The id of the agent of this name.
pub fn id_of(tx: &mut Tx<'_>, name: &str) -> Result<String, Refusal> {
    tx.query_opt("select id from agents where name = $1", &[&name], |row| row.get(0))?
        .ok_or_else(|| Refusal::plain(ProblemCode::AgentNotFound))
}

/// An agent's desk.
pub fn desk(tx: &mut Tx<'_>, centre: &Centre, agent_id: &str, now: Timestamp) -> Result<Desk, Refusal> {
    let (name, state, reason, since, callback_id, then_state) = tx.query_one(
        "select a.name, a.state, a.reason, a.state_since, c.id, a.then_state from agents a \
         left join callbacks c on c.agent_id = a.id where a.id = $1",
        &[&agent_id],
        |row| {
            let then_state: Option<String> = row.get(5)?;
            Ok((
                row.get(0)?,
                row.get::<String>(1)?,
                row.get(2)?,
                row.get(3)?,
                row.get::<Option<String>>(4)?,
                then_state,
            ))
        },
    )?;
    let callback = callback_id.map(|id| show_to_desk(tx, centre, &id, now)).transpose()?;
    let then_state = then_state.map(|state| unword(&state)).transpose()?;
    Ok(Desk { name, state: unword(&state)?, reason, since, then_state, callback })
}

/// An agent chooses a state. One who leaves while a callback is reserved gives it back to its place in line; on a call
/// the choice counts from the end of the call.
pub fn choose_state(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    agent_id: &str,
    (chosen, reason): (ChosenState, Option<&str>),
    actor: &str,
    now: Timestamp,
) -> Result<(), Refusal> {
    let mut held = find_of_agent(tx, agent_id)?;
    let before = activity(tx, agent_id)?;
    if held.is_none() && matches!(before.state, AgentState::Reserved | AgentState::OnCall) {
        // Reserved between the two looks; the agent's row is ours now, so it cannot happen again.
        held = find_of_agent(tx, agent_id)?;
    }
    match (held, chosen) {
        (None, _) => {}
        (Some(mut record), ChosenState::Offline | ChosenState::NotReady) if matches!(record.at, Position::Routing(phase) if phase != Phase::Connecting) =>
        {
            apply(tx, effects, &mut record, Input::AgentLost, actor, now)?;
        }
        (Some(record), _)
            if record.at.holds_agent()
                && record.at != Position::Processing
                && chosen == ChosenState::Ready =>
        {
            return Err(Refusal::plain(ProblemCode::AgentBusy));
        }
        (Some(_), _) => {
            let then = (chosen != ChosenState::Ready).then(|| word(chosen)).transpose()?;
            tx.execute(
                "update agents set then_state = $1, then_reason = $2 where id = $3",
                &[&then, &reason.filter(|_| then.is_some()), &agent_id],
            )?;
            return Ok(());
        }
    }
    if before.state == AgentState::Ready && chosen == ChosenState::Ready {
        return Ok(());
    }
    if chosen == ChosenState::Ready {
        offer_again(tx, agent_id)?;
    }
    let after = unword(&word(chosen)?)?;
    set_state(tx, effects, &before, (after, reason), now)
}

/// Whoever is ready anew is offered again what they did not want before.
fn offer_again(tx: &mut Tx<'_>, agent_id: &str) -> Result<(), Refusal> {
    tx.execute("update callbacks set rejected_by = null where rejected_by = $1", &[&agent_id])?;
    Ok(())
}

/// What an agent is doing, as it stands in the database, and the row locked.
#[derive(Debug)]
pub(crate) struct Activity {
    pub(crate) agent_id: String,
    pub(crate) state: AgentState,
    pub(crate) since: Timestamp,
    /// Since when and for which line the agent is busy with a callback.
    pub(crate) spell: Option<(Timestamp, String)>,
    then: Option<(ChosenState, Option<String>)>,
}

fn activity(tx: &mut Tx<'_>, agent_id: &str) -> Result<Activity, Refusal> {
    let found = tx.query_opt(
        "select state, state_since, spell_since, spell_requirement_id, then_state, then_reason from agents \
         where id = $1 for update",
        &[&agent_id],
        |row| {
            let then = row.get::<Option<String>>(4)?.map(|_| column_word(row, 4)).transpose()?;
            Ok(Activity {
                agent_id: agent_id.to_owned(),
                state: column_word(row, 0)?,
                since: row.get(1)?,
                spell: row.get::<Option<Timestamp>>(2)?.zip(row.get(3)?),
                then: match then {
                    Some(state) => Some((state, row.get(5)?)),
                    None => None,
                },
            })
        },
    )?;
    found.ok_or(Refusal::Damaged("a callback of an agent who is not there"))
}

/// Writes down an agent's state, and tells whoever must know.
fn set_state(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    before: &Activity,
    (state, reason): (AgentState, Option<&str>),
    now: Timestamp,
) -> Result<(), Refusal> {
    let busy = state == AgentState::WrapUp;
    tx.execute(
        "update agents set state = $1, reason = $2, state_since = $3, then_state = null, then_reason = null, \
         wrap_up_by = null, spell_since = case when cast($5 as bigint) = 1 then spell_since end, \
         spell_requirement_id = case when cast($5 as bigint) = 1 then spell_requirement_id end where id = $4",
        &[&word(state)?, &reason, &now, &before.agent_id, &busy],
    )?;
    if state == AgentState::Ready {
        effects.ready_agents.insert(before.agent_id.clone());
    }
    effects.agents_moved = true;
    line::agent_moved(tx, before, busy, now)
}

/// Moves an agent with a callback.
pub(crate) fn follow(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    agent_id: &str,
    agent_move: AgentMove,
    record: &Record,
    now: Timestamp,
) -> Result<(), Refusal> {
    use AgentState::{NotReady, OnCall, Ready, Reserved, WrapUp};
    let (from, to) = match agent_move {
        AgentMove::Keep | AgentMove::Untie => return Ok(()),
        AgentMove::Reserve => (Ready, Reserved),
        AgentMove::Take => (Ready, OnCall),
        AgentMove::Release => (Reserved, Ready),
        AgentMove::Retire => (Reserved, NotReady),
        AgentMove::OnCall => (Reserved, OnCall),
        AgentMove::WrapUp => (OnCall, WrapUp),
    };
    let before = activity(tx, agent_id)?;
    if before.state != from {
        return Err(Refusal::Damaged("an agent's state and callback contradict each other"));
    }
    match (to, &before.then) {
        (Reserved | OnCall, _) => begin(tx, effects, &before, to, record, now),
        // What the agent has chosen for afterwards.
        (_, Some((chosen, reason))) => {
            let after = unword(&word(chosen)?)?;
            set_state(tx, effects, &before, (after, reason.as_deref()), now)
        }
        (NotReady, None) => set_state(tx, effects, &before, (NotReady, Some("preview")), now),
        (WrapUp, None) if record.policy.wrap_up_s != Some(0) => {
            set_state(tx, effects, &before, (WrapUp, None), now)?;
            let by = record.policy.wrap_up_s.map(|seconds| later(now, seconds)).transpose()?;
            tx.execute("update agents set wrap_up_by = $1 where id = $2", &[&by, &agent_id])?;
            effects.clock |= by.is_some();
            Ok(())
        }
        (_, None) => set_state(tx, effects, &before, (Ready, None), now),
    }
}

/// An agent begins with a callback, or goes on with it; what was chosen for afterwards stays.
fn begin(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    before: &Activity,
    state: AgentState,
    record: &Record,
    now: Timestamp,
) -> Result<(), Refusal> {
    tx.execute(
        "update agents set state = $1, reason = null, state_since = $2, spell_since = coalesce(spell_since, $2), \
         spell_requirement_id = coalesce(spell_requirement_id, $3) where id = $4",
        &[&word(state)?, &now, &record.requirement_id, &before.agent_id],
    )?;
    effects.agents_moved = true;
    line::agent_moved(tx, before, true, now)
}

/// Wrap-up that is over by its time.
pub fn wrap_up_due(tx: &mut Tx<'_>, now: Timestamp) -> Result<Vec<String>, Refusal> {
    Ok(tx.query(
        "select id from agents where wrap_up_by is not null and wrap_up_by <= $1 order by wrap_up_by limit 100",
        &[&now],
        |row| row.get(0),
    )?)
}

/// Has an agent whose wrap-up is over be ready again.
pub fn end_wrap_up(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    agent_id: &str,
    now: Timestamp,
) -> Result<(), Refusal> {
    let due = tx.query_opt(
        "select 1 from agents where id = $1 and state = 'wrap_up' and wrap_up_by <= $2 for update",
        &[&agent_id, &now],
        |_| Ok(()),
    )?;
    if due.is_none() {
        return Ok(());
    }
    offer_again(tx, agent_id)?;
    let before = activity(tx, agent_id)?;
    set_state(tx, effects, &before, (AgentState::Ready, None), now)
}

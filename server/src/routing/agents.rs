//! Agents: their states, and what lies on their desk.

use crate::app::Effects;
use crate::callbacks::model::{Input, Phase, Position};
use crate::callbacks::{StaffCallback, apply, find_of_agent, show};
use crate::refusal::Refusal;
use crate::storage::{Tx, Vault};
use crate::words::{unword, word};
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
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
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
    /// The callback the agent is kept for or talks to. The number is for dialing once its phase is `connecting`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback: Option<StaffCallback>,
}

/// The id of the agent of this name.
pub fn id_of(tx: &mut Tx<'_>, name: &str) -> Result<String, Refusal> {
    tx.query_opt("select id from agents where name = $1", &[&name], |row| row.get(0))?
        .ok_or_else(|| Refusal::plain(ProblemCode::AgentNotFound))
}

/// The ready agent who fits a requirement and has waited longest.
pub(super) fn longest_idle(tx: &mut Tx<'_>, requirement_id: &str) -> Result<Option<String>, Refusal> {
    // Skipping locked rows keeps two queues from waiting for each other over an agent they share.
    Ok(tx.query_opt(
        "select id from agents where state = 'ready' and id in (select agent_id from agent_requirements \
         where requirement_id = $1) order by state_since, id limit 1 for update skip locked",
        &[&requirement_id],
        |row| row.get(0),
    )?)
}

/// An agent's desk.
pub fn desk(tx: &mut Tx<'_>, vault: &Vault, agent_id: &str) -> Result<Desk, Refusal> {
    let (name, state, reason, since, callback_id) = tx.query_one(
        "select a.name, a.state, a.reason, a.state_since, c.id from agents a \
         left join callbacks c on c.agent_id = a.id where a.id = $1",
        &[&agent_id],
        |row| {
            Ok((row.get(0)?, row.get::<String>(1)?, row.get(2)?, row.get(3)?, row.get::<Option<String>>(4)?))
        },
    )?;
    let callback = callback_id.map(|id| show(tx, vault, &id)).transpose()?;
    Ok(Desk { name, state: unword(&state)?, reason, since, callback })
}

/// An agent chooses a state. One who leaves while a callback is reserved gives it back to its place in line.
pub fn choose_state(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    agent_id: &str,
    (chosen, reason): (ChosenState, Option<&str>),
    actor: &str,
    now: Timestamp,
) -> Result<(), Refusal> {
    let mut held = find_of_agent(tx, agent_id)?;
    let before: AgentState =
        unword(&tx.query_one("select state from agents where id = $1 for update", &[&agent_id], |row| {
            row.get::<String>(0)
        })?)?;
    if held.is_none() && matches!(before, AgentState::Reserved | AgentState::OnCall) {
        // Reserved between the two looks; the agent's row is ours now, so it cannot happen again.
        held = find_of_agent(tx, agent_id)?;
    }
    match (held, chosen) {
        (Some(mut record), ChosenState::Offline | ChosenState::NotReady) if matches!(record.at, Position::Routing(phase) if phase != Phase::Connecting) =>
        {
            apply(tx, effects, &mut record, Input::AgentLost, actor, now)?;
        }
        (None, _) => {}
        (Some(_), _) => return Err(Refusal::plain(ProblemCode::AgentBusy)),
    }
    if before == AgentState::Ready && chosen == ChosenState::Ready {
        return Ok(());
    }
    tx.execute(
        "update agents set state = $1, reason = $2, state_since = $3 where id = $4",
        &[&word(chosen)?, &reason, &now, &agent_id],
    )?;
    if chosen == ChosenState::Ready {
        let queues: Vec<String> =
            tx.query("select queue_id from agent_queues where agent_id = $1", &[&agent_id], |row| {
                row.get(0)
            })?;
        effects.queues.extend(queues);
    }
    Ok(())
}

//! What a contact centre is made of: queues, skills and agents, each known by its name.

use super::agents::AgentState;
use super::matching::Levels;
use super::requirements;
use crate::refusal::Refusal;
use crate::services::changed;
use crate::services::policy::levels_fit;
use crate::storage::Tx;
use crate::words::unword;
use ringback_core::protocol::{ProblemCode, Timestamp};
use serde::{Deserialize, Serialize};

/// A queue or a skill: nothing but its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// 1 to 64 of `a-z`, `0-9` and `-`.
    pub name: String,
}

/// An agent to be made, or an agent's queues and skills to be set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentSetup {
    /// 1 to 64 of `a-z`, `0-9` and `-`.
    pub name: String,
    /// The queues the agent serves, at least one.
    pub queues: Vec<String>,
    /// What the agent can do: skills with levels, 1 to 10.
    #[serde(default)]
    pub skills: Levels,
}

/// An agent in a list.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct AgentSummary {
    /// The agent's name, queues and skills.
    #[serde(flatten)]
    pub setup: AgentSetup,
    /// What the agent is doing.
    pub state: AgentState,
}

/// Refuses a name that would not survive a URL, a log line or a command line.
pub fn check_name(name: &str) -> Result<(), Refusal> {
    let fits = (1..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !name.starts_with('-');
    if fits {
        Ok(())
    } else {
        Err(Refusal::of_field(
            ProblemCode::FieldInvalid,
            "name",
            "A name has 1 to 64 of a-z, 0-9 and -, and does not begin with -. Choose such a name.",
        ))
    }
}

/// The refusal for a name that is in use.
pub fn name_taken() -> Refusal {
    Refusal::of_field(ProblemCode::NameTaken, "name", ProblemCode::NameTaken.advice())
}

pub(crate) fn unknown(kind: &str, name: &str) -> Refusal {
    Refusal::of_field(
        ProblemCode::ReferenceUnknown,
        kind,
        format!("There is no {kind} {name:?}. Create it first, or correct the name."),
    )
}

/// Makes a queue.
pub fn create_queue(tx: &mut Tx<'_>, queue: &Named, now: Timestamp) -> Result<(), Refusal> {
    check_name(&queue.name)?;
    let made = tx.execute(
        "insert into queues (id, name, created_at) values ($1, $2, $3) on conflict (name) do nothing",
        &[&format!("qu_{}", uuid::Uuid::now_v7().simple()), &queue.name, &now],
    )?;
    if made == 1 { Ok(()) } else { Err(name_taken()) }
}

/// Makes a skill.
pub fn create_skill(tx: &mut Tx<'_>, skill: &Named, now: Timestamp) -> Result<(), Refusal> {
    check_name(&skill.name)?;
    let made = tx.execute(
        "insert into skills (id, name, created_at) values ($1, $2, $3) on conflict (name) do nothing",
        &[&format!("sk_{}", uuid::Uuid::now_v7().simple()), &skill.name, &now],
    )?;
    if made == 1 { Ok(()) } else { Err(name_taken()) }
}

/// All queues by name.
pub fn list_queues(tx: &mut Tx<'_>) -> Result<Vec<Named>, Refusal> {
    Ok(tx.query("select name from queues order by name", &[], |row| Ok(Named { name: row.get(0)? }))?)
}

/// All skills by name.
pub fn list_skills(tx: &mut Tx<'_>) -> Result<Vec<Named>, Refusal> {
    Ok(tx.query("select name from skills order by name", &[], |row| Ok(Named { name: row.get(0)? }))?)
}

/// Makes an agent, offline.
pub fn create_agent(tx: &mut Tx<'_>, agent: &AgentSetup, now: Timestamp) -> Result<(), Refusal> {
    check_name(&agent.name)?;
    let id = format!("ag_{}", uuid::Uuid::now_v7().simple());
    let made = tx.execute(
        "insert into agents (id, name, state, state_since, created_at) values ($1, $2, 'offline', $3, $3) \
         on conflict (name) do nothing",
        &[&id, &agent.name, &now],
    )?;
    if made == 0 {
        return Err(name_taken());
    }
    set_up_agent(tx, &id, agent)
}

/// Sets an agent's queues and skills; the agent's id.
pub fn update_agent(tx: &mut Tx<'_>, agent: &AgentSetup) -> Result<String, Refusal> {
    let id = super::agents::id_of(tx, &agent.name)?;
    set_up_agent(tx, &id, agent)?;
    Ok(id)
}

fn set_up_agent(tx: &mut Tx<'_>, id: &str, agent: &AgentSetup) -> Result<(), Refusal> {
    if agent.queues.is_empty() {
        return Err(Refusal::of_field(
            ProblemCode::FieldInvalid,
            "queues",
            "An agent serves at least one queue. Name one.",
        ));
    }
    if !levels_fit(&agent.skills) {
        return Err(Refusal::of_field(
            ProblemCode::FieldInvalid,
            "skills",
            "An agent has at most 16 skills with levels from 1 to 10. Correct them.",
        ));
    }
    // One at a time: who fits what is written down from both sides, by agents and by requirements.
    changed(tx)?;
    tx.execute("delete from agent_queues where agent_id = $1", &[&id])?;
    for name in &agent.queues {
        let queue_id = queue_id(tx, name)?;
        tx.execute(
            "insert into agent_queues (agent_id, queue_id) values ($1, $2) on conflict do nothing",
            &[&id, &queue_id],
        )?;
    }
    tx.execute("delete from agent_skills where agent_id = $1", &[&id])?;
    for (name, level) in &agent.skills {
        let skill_id = skill_id(tx, name)?;
        tx.execute(
            "insert into agent_skills (agent_id, skill_id, level) values ($1, $2, $3)",
            &[&id, &skill_id, level],
        )?;
    }
    requirements::refresh_agent(tx, id, &agent.skills)
}

/// All agents by name.
pub fn list_agents(tx: &mut Tx<'_>) -> Result<Vec<AgentSummary>, Refusal> {
    let agents = tx.query("select id, name, state from agents order by name", &[], |row| {
        Ok((row.get::<String>(0)?, row.get::<String>(1)?, row.get::<String>(2)?))
    })?;
    agents
        .into_iter()
        .map(|(id, name, state)| {
            let queues = tx.query(
                "select q.name from agent_queues a join queues q on q.id = a.queue_id where a.agent_id = $1 order by q.name",
                &[&id],
                |row| row.get(0),
            )?;
            let skills = requirements::skills_of(tx, &id)?;
            Ok(AgentSummary { setup: AgentSetup { name, queues, skills }, state: unword(&state)? })
        })
        .collect()
}

pub(crate) fn queue_id(tx: &mut Tx<'_>, name: &str) -> Result<String, Refusal> {
    tx.query_opt("select id from queues where name = $1", &[&name], |row| row.get(0))?
        .ok_or_else(|| unknown("queue", name))
}

pub(crate) fn skill_id(tx: &mut Tx<'_>, name: &str) -> Result<String, Refusal> {
    tx.query_opt("select id from skills where name = $1", &[&name], |row| row.get(0))?
        .ok_or_else(|| unknown("skill", name))
}

//! What a contact centre is made of: queues, skills, agents and services, each known by its name.

use super::agents::AgentState;
use super::requirements;
use crate::callbacks::model::ConfirmTimeout;
use crate::refusal::Refusal;
use crate::storage::Tx;
use crate::words::{unword, word};
use ringback_core::protocol::{Direction, ProblemCode, Timestamp};
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
    /// What the agent can do.
    #[serde(default)]
    pub skills: Vec<String>,
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

/// A service: what people ask a call for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceSetup {
    /// 1 to 64 of `a-z`, `0-9` and `-`.
    pub name: String,
    /// Where its callbacks wait.
    pub queue: String,
    /// What an agent must be able to do.
    #[serde(default)]
    pub skills: Vec<String>,
    /// Who dials; `customer_terminated` when absent.
    #[serde(default = "customer_terminated")]
    pub direction: Direction,
    /// Whether the customer is asked "are you ready?" first; yes when absent.
    #[serde(default = "yes")]
    pub ask_customer: bool,
    /// How long the customer has to answer, in seconds, 5 to 600; 30 when absent.
    #[serde(default = "half_a_minute")]
    pub confirm_window_s: u32,
    /// What happens when nobody answers in time; `requeue` when absent.
    #[serde(default = "requeue")]
    pub confirm_timeout: ConfirmTimeout,
    /// How often the customer is asked at most, 1 to 10; 3 when absent.
    #[serde(default = "three")]
    pub confirm_attempts: u32,
    /// The click-to-call group its numbers come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_in_group: Option<String>,
}

fn customer_terminated() -> Direction {
    Direction::CustomerTerminated
}

fn yes() -> bool {
    true
}

fn half_a_minute() -> u32 {
    30
}

fn requeue() -> ConfirmTimeout {
    ConfirmTimeout::Requeue
}

fn three() -> u32 {
    3
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

fn unknown(kind: &str, name: &str) -> Refusal {
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

/// Sets an agent's queues and skills.
pub fn update_agent(tx: &mut Tx<'_>, agent: &AgentSetup) -> Result<(), Refusal> {
    let id = super::agents::id_of(tx, &agent.name)?;
    set_up_agent(tx, &id, agent)
}

fn set_up_agent(tx: &mut Tx<'_>, id: &str, agent: &AgentSetup) -> Result<(), Refusal> {
    if agent.queues.is_empty() {
        return Err(Refusal::of_field(
            ProblemCode::FieldInvalid,
            "queues",
            "An agent serves at least one queue. Name one.",
        ));
    }
    lock_setup(tx)?;
    tx.execute("delete from agent_queues where agent_id = $1", &[&id])?;
    for name in &agent.queues {
        let queue_id = queue_id(tx, name)?;
        tx.execute(
            "insert into agent_queues (agent_id, queue_id) values ($1, $2) on conflict do nothing",
            &[&id, &queue_id],
        )?;
    }
    tx.execute("delete from agent_skills where agent_id = $1", &[&id])?;
    for (skill_id, _) in skill_ids(tx, &agent.skills)? {
        tx.execute(
            "insert into agent_skills (agent_id, skill_id) values ($1, $2) on conflict do nothing",
            &[&id, &skill_id],
        )?;
    }
    requirements::refresh_agent(tx, id)
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
            let skills = tx.query(
                "select s.name from agent_skills a join skills s on s.id = a.skill_id where a.agent_id = $1 order by s.name",
                &[&id],
                |row| row.get(0),
            )?;
            Ok(AgentSummary { setup: AgentSetup { name, queues, skills }, state: unword(&state)? })
        })
        .collect()
}

/// Makes a service.
pub fn create_service(tx: &mut Tx<'_>, service: &ServiceSetup, now: Timestamp) -> Result<(), Refusal> {
    check_name(&service.name)?;
    let out_of_range =
        |field: &str, sentence: &str| Err(Refusal::of_field(ProblemCode::FieldInvalid, field, sentence));
    if !(5..=600).contains(&service.confirm_window_s) {
        return out_of_range(
            "confirm_window_s",
            "The customer has 5 to 600 seconds to answer. Choose a number in that range.",
        );
    }
    if !(1..=10).contains(&service.confirm_attempts) {
        return out_of_range(
            "confirm_attempts",
            "The customer is asked 1 to 10 times. Choose a number in that range.",
        );
    }
    let group_id = match &service.call_in_group {
        None => None,
        Some(name) => Some(
            tx.query_opt("select id from call_in_groups where name = $1", &[name], |row| {
                row.get::<String>(0)
            })?
            .ok_or_else(|| unknown("call_in_group", name))?,
        ),
    };
    if service.direction == Direction::CustomerOriginated && group_id.is_none() {
        return out_of_range(
            "call_in_group",
            "Customers can only dial when the service has a click-to-call group. Name one.",
        );
    }
    lock_setup(tx)?;
    let queue_id = queue_id(tx, &service.queue)?;
    let skills = skill_ids(tx, &service.skills)?;
    let requirement_id = requirements::find_or_create(tx, &queue_id, &skills)?;
    let made = tx.execute(
        "insert into services (id, name, queue_id, requirement_id, call_in_group_id, direction, ask_customer, \
         confirm_window_s, confirm_timeout, confirm_attempts, created_at) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict (name) do nothing",
        &[
            &format!("se_{}", uuid::Uuid::now_v7().simple()), &service.name, &queue_id, &requirement_id, &group_id,
            &word(service.direction)?, &service.ask_customer, &service.confirm_window_s,
            &word(service.confirm_timeout)?, &service.confirm_attempts, &now,
        ],
    )?;
    if made == 1 { Ok(()) } else { Err(name_taken()) }
}

/// All services by name.
pub fn list_services(tx: &mut Tx<'_>) -> Result<Vec<ServiceSetup>, Refusal> {
    let rows = tx.query(
        "select s.name, q.name, r.skill_names, s.direction, s.ask_customer, s.confirm_window_s, s.confirm_timeout, \
         s.confirm_attempts, g.name from services s join queues q on q.id = s.queue_id \
         join requirements r on r.id = s.requirement_id left join call_in_groups g on g.id = s.call_in_group_id \
         order by s.name",
        &[],
        |row| {
            let words = (row.get::<String>(3)?, row.get::<String>(6)?);
            let skills: String = row.get(2)?;
            let service = ServiceSetup {
                name: row.get(0)?,
                queue: row.get(1)?,
                skills: skills.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
                direction: customer_terminated(),
                ask_customer: row.get(4)?,
                confirm_window_s: row.get(5)?,
                confirm_timeout: requeue(),
                confirm_attempts: row.get(7)?,
                call_in_group: row.get(8)?,
            };
            Ok((service, words))
        },
    )?;
    rows.into_iter()
        .map(|(service, (direction, confirm_timeout))| {
            Ok(ServiceSetup {
                direction: unword(&direction)?,
                confirm_timeout: unword(&confirm_timeout)?,
                ..service
            })
        })
        .collect()
}

/// Who fits what is written down from both sides, by agents and by services: one at a time.
fn lock_setup(tx: &mut Tx<'_>) -> Result<(), Refusal> {
    tx.query("select id from queues order by id for no key update", &[], |_| Ok(()))?;
    Ok(())
}

/// The ids of these queues.
pub fn queue_ids(tx: &mut Tx<'_>, names: &[String]) -> Result<Vec<String>, Refusal> {
    names.iter().map(|name| queue_id(tx, name)).collect()
}

fn queue_id(tx: &mut Tx<'_>, name: &str) -> Result<String, Refusal> {
    tx.query_opt("select id from queues where name = $1", &[&name], |row| row.get(0))?
        .ok_or_else(|| unknown("queue", name))
}

fn skill_ids(tx: &mut Tx<'_>, names: &[String]) -> Result<Vec<(String, String)>, Refusal> {
    names
        .iter()
        .map(|name| {
            let id = tx.query_opt("select id from skills where name = $1", &[name], |row| row.get(0))?;
            Ok((id.ok_or_else(|| unknown("skill", name))?, name.clone()))
        })
        .collect()
}

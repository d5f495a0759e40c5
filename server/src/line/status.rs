//! How a queue is doing, for staff.

use super::board::Question;
use super::counts;
use super::http::StaffChange;
use crate::centre::Centre;
use crate::refusal::Refusal;
use crate::routing::requirements;
use crate::routing::resources::queue_id;
use crate::storage::Tx;
use crate::wait::Wait;
use ringback_core::protocol::{ProblemCode, Timestamp};
use serde::Serialize;

/// The most changes that can be planned for a queue.
const MOST_PLANNED: usize = 200;

/// A queue at this moment.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct QueueStatus {
    /// Its name.
    pub name: String,
    /// How many wait in all.
    pub waiting: u64,
    /// Those who wait, by what an agent must be able to do for them.
    pub lines: Vec<LineStatus>,
    /// Shifts that are planned to begin or end.
    pub planned_changes: Vec<StaffChange>,
}

/// Callbacks of a queue that need the same skills.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct LineStatus {
    /// Skills with their least levels, `billing,english:3`; empty when none are needed.
    pub skills: String,
    /// How many wait.
    pub waiting: u64,
    /// Whether any agent, logged in or not, has these skills. If not, nobody will ever be called.
    pub is_staffed: bool,
    /// How long somebody waits who asks now, in seconds, with the inputs it is reckoned from.
    #[schema(value_type = Object)]
    pub wait: Wait,
}

/// How a queue is doing.
pub(super) fn of_queue(
    tx: &mut Tx<'_>,
    centre: &Centre,
    name: &str,
    now: Timestamp,
) -> Result<QueueStatus, Refusal> {
    let queue_id = queue_id(tx, name)?;
    let waiting = counts::waiting(tx)?;
    let requirements = tx.query(
        "select id, skill_names from requirements where queue_id = $1 order by skill_names",
        &[&queue_id],
        |row| Ok((row.get::<String>(0)?, row.get::<String>(1)?)),
    )?;
    let total = counts::waiting_in(tx, &queue_id)?;
    let ahead = u32::try_from(total).unwrap_or(u32::MAX);
    let mut lines = Vec::with_capacity(requirements.len());
    for (requirement_id, skills) in requirements {
        let question =
            Question { queue_id: &queue_id, requirement_id: &requirement_id, ahead, lead_s: 0.0, now };
        lines.push(LineStatus {
            skills,
            waiting: waiting.get(&requirement_id).copied().unwrap_or(0),
            is_staffed: requirements::is_staffed(tx, &requirement_id)?,
            wait: centre.board.wait(&question),
        });
    }
    let planned_changes = tx.query(
        "select at, agents from planned_changes where queue_id = $1 order by at",
        &[&queue_id],
        |row| Ok(StaffChange { at: row.get(0)?, agents: row.get(1)? }),
    )?;
    Ok(QueueStatus { name: name.to_owned(), waiting: total, lines, planned_changes })
}

/// Sets which shifts of a queue's agents begin or end.
pub(super) fn plan(tx: &mut Tx<'_>, name: &str, changes: &[StaffChange]) -> Result<(), Refusal> {
    if changes.len() > MOST_PLANNED || changes.iter().any(|change| change.agents.abs() > 100_000) {
        return Err(Refusal::of_field(
            ProblemCode::FieldInvalid,
            "planned_changes",
            "At most 200 changes of at most 100000 agents can be planned. Leave out those that are far away.",
        ));
    }
    let queue_id = queue_id(tx, name)?;
    tx.execute("delete from planned_changes where queue_id = $1", &[&queue_id])?;
    for change in changes {
        tx.execute(
            "insert into planned_changes (queue_id, at, agents) values ($1, $2, $3) \
             on conflict (queue_id, at) do update set agents = planned_changes.agents + excluded.agents",
            &[&queue_id, &change.at, &change.agents],
        )?;
    }
    Ok(())
}

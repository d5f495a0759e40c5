//! Requirements: a queue and skills with their least levels. They are few, and who fits which is written down when it
//! changes, so that matching never compares sets.

use super::matching::{Levels, fits, surplus};
use super::resources::skill_id;
use crate::refusal::Refusal;
use crate::storage::Tx;
use ringback_core::protocol::ProblemCode;
use std::collections::BTreeMap;

/// The most requirements of a queue. Requests may name skills, and each new set of them is looked at in every match.
const MOST_IN_QUEUE: u32 = 500;

/// One spelling for skills with levels; a level of 1 goes without saying.
fn spelling(skills: &Levels) -> String {
    let words: Vec<_> = skills
        .iter()
        .map(|(skill, level)| if *level == 1 { skill.clone() } else { format!("{skill}:{level}") })
        .collect();
    words.join(",")
}

/// The requirement for a queue and skills, if it was ever needed before.
pub fn find(tx: &mut Tx<'_>, queue_id: &str, skills: &Levels) -> Result<Option<String>, Refusal> {
    Ok(tx.query_opt(
        "select id from requirements where queue_id = $1 and skill_names = $2",
        &[&queue_id, &spelling(skills)],
        |row| row.get(0),
    )?)
}

/// The requirement for a queue and skills, made when it is new.
pub fn find_or_create(tx: &mut Tx<'_>, queue_id: &str, skills: &Levels) -> Result<String, Refusal> {
    if let Some(id) = find(tx, queue_id, skills)? {
        return Ok(id);
    }
    // Agents change their skills one after another with this, so that nobody is left out.
    crate::services::changed(tx)?;
    let known: u32 =
        tx.query_one("select count(*) from requirements where queue_id = $1", &[&queue_id], |row| {
            row.get(0)
        })?;
    if known >= MOST_IN_QUEUE {
        return Err(Refusal::of_field(
            ProblemCode::FieldInvalid,
            "skills",
            "The queue knows as many different sets of skills as it can tell apart. Ask for fewer skills, or for other levels.",
        ));
    }
    let fresh = format!("rq_{}", uuid::Uuid::now_v7().simple());
    let made = tx.execute(
        "insert into requirements (id, queue_id, skill_names) values ($1, $2, $3) \
         on conflict (queue_id, skill_names) do nothing",
        &[&fresh, &queue_id, &spelling(skills)],
    )?;
    if made == 0 {
        return find(tx, queue_id, skills)?.ok_or(Refusal::Damaged("a requirement that comes and goes"));
    }
    for (name, level) in skills {
        let skill_id = skill_id(tx, name)?;
        tx.execute(
            "insert into requirement_skills (requirement_id, skill_id, level) values ($1, $2, $3)",
            &[&fresh, &skill_id, level],
        )?;
    }
    let agents = tx.query("select agent_id from agent_queues where queue_id = $1", &[&queue_id], |row| {
        row.get::<String>(0)
    })?;
    for agent_id in &agents {
        let has = skills_of(tx, agent_id)?;
        note_if_fits(tx, agent_id, &has, &fresh, skills)?;
    }
    Ok(fresh)
}

/// Writes down anew what an agent fits.
pub(super) fn refresh_agent(tx: &mut Tx<'_>, agent_id: &str, has: &Levels) -> Result<(), Refusal> {
    tx.execute("delete from agent_requirements where agent_id = $1", &[&agent_id])?;
    let rows = tx.query(
        "select r.id, s.name, rs.level from requirements r join agent_queues q on q.queue_id = r.queue_id \
         left join requirement_skills rs on rs.requirement_id = r.id left join skills s on s.id = rs.skill_id \
         where q.agent_id = $1",
        &[&agent_id],
        |row| Ok((row.get::<String>(0)?, row.get::<Option<String>>(1)?, row.get::<Option<u32>>(2)?)),
    )?;
    let mut requirements: BTreeMap<String, Levels> = BTreeMap::new();
    for (requirement_id, skill, level) in rows {
        let skills = requirements.entry(requirement_id).or_default();
        if let (Some(skill), Some(level)) = (skill, level) {
            skills.insert(skill, level);
        }
    }
    for (requirement_id, skills) in &requirements {
        note_if_fits(tx, agent_id, has, requirement_id, skills)?;
    }
    Ok(())
}

fn note_if_fits(
    tx: &mut Tx<'_>,
    agent_id: &str,
    has: &Levels,
    requirement_id: &str,
    required: &Levels,
) -> Result<(), Refusal> {
    if fits(required, has) {
        tx.execute(
            "insert into agent_requirements (requirement_id, agent_id, surplus) values ($1, $2, $3) \
             on conflict do nothing",
            &[&requirement_id, &agent_id, &surplus(required, has)],
        )?;
    }
    Ok(())
}

/// What an agent can do.
pub(super) fn skills_of(tx: &mut Tx<'_>, agent_id: &str) -> Result<Levels, Refusal> {
    let skills = tx.query(
        "select s.name, a.level from agent_skills a join skills s on s.id = a.skill_id where a.agent_id = $1",
        &[&agent_id],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    Ok(skills.into_iter().collect())
}

/// Whether anybody at all fits, logged in or not.
pub fn is_staffed(tx: &mut Tx<'_>, requirement_id: &str) -> Result<bool, Refusal> {
    let anybody = tx.query_opt(
        "select 1 from agent_requirements where requirement_id = $1 limit 1",
        &[&requirement_id],
        |_| Ok(()),
    )?;
    Ok(anybody.is_some())
}

/// Whether somebody of a queue has these skills, logged in or not.
pub fn anybody_fits(tx: &mut Tx<'_>, queue_id: &str, skills: &Levels) -> Result<bool, Refusal> {
    let agents = tx.query("select agent_id from agent_queues where queue_id = $1", &[&queue_id], |row| {
        row.get::<String>(0)
    })?;
    for agent_id in &agents {
        if fits(skills, &skills_of(tx, agent_id)?) {
            return Ok(true);
        }
    }
    Ok(false)
}

//! Requirements: a queue and a set of skills. They are few, and who fits which is written down when it changes, so
//! that matching never compares sets.

use crate::refusal::Refusal;
use crate::storage::Tx;
use std::collections::BTreeSet;

/// One spelling for a set of skills.
fn spelling(skills: &BTreeSet<String>) -> String {
    skills.iter().map(String::as_str).collect::<Vec<_>>().join(",")
}

/// The requirement for a queue and skills, made when it is new. `skills` maps ids to names.
pub(super) fn find_or_create(
    tx: &mut Tx<'_>,
    queue_id: &str,
    skills: &[(String, String)],
) -> Result<String, Refusal> {
    let names: BTreeSet<String> = skills.iter().map(|(_, name)| name.clone()).collect();
    let fresh = format!("rq_{}", uuid::Uuid::now_v7().simple());
    let made = tx.execute(
        "insert into requirements (id, queue_id, skill_names) values ($1, $2, $3) \
         on conflict (queue_id, skill_names) do nothing",
        &[&fresh, &queue_id, &spelling(&names)],
    )?;
    if made == 0 {
        return Ok(tx.query_one(
            "select id from requirements where queue_id = $1 and skill_names = $2",
            &[&queue_id, &spelling(&names)],
            |row| row.get(0),
        )?);
    }
    for (skill_id, _) in skills {
        tx.execute(
            "insert into requirement_skills (requirement_id, skill_id) values ($1, $2) on conflict do nothing",
            &[&fresh, skill_id],
        )?;
    }
    tx.execute(
        "insert into agent_requirements (requirement_id, agent_id) select r.id, q.agent_id from requirements r \
         join agent_queues q on q.queue_id = r.queue_id where r.id = $1 and not exists (select 1 from \
         requirement_skills s where s.requirement_id = r.id and s.skill_id not in \
         (select skill_id from agent_skills where agent_id = q.agent_id))",
        &[&fresh],
    )?;
    Ok(fresh)
}

/// Writes down anew what an agent fits.
pub(super) fn refresh_agent(tx: &mut Tx<'_>, agent_id: &str) -> Result<(), Refusal> {
    tx.execute("delete from agent_requirements where agent_id = $1", &[&agent_id])?;
    tx.execute(
        "insert into agent_requirements (requirement_id, agent_id) select r.id, q.agent_id from requirements r \
         join agent_queues q on q.queue_id = r.queue_id where q.agent_id = $1 and not exists (select 1 from \
         requirement_skills s where s.requirement_id = r.id and s.skill_id not in \
         (select skill_id from agent_skills where agent_id = q.agent_id))",
        &[&agent_id],
    )?;
    Ok(())
}

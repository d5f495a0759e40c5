//! Matching: the callback that is first in line gets the agent its service wants. Driven by what happens: an agent who
//! became ready looks for a callback, a callback that came into line looks for an agent.

use super::matching::{AgentChoice, Candidate, Head, choose_agent, first_in_line};
use super::pacing::{Pace, calls_to_make};
use crate::app::{App, Effects};
use crate::callbacks::model::{Input, Phase, Position};
use crate::callbacks::{Record, apply, find_for_update, sleep_while_closed};
use crate::centre::Centre;
use crate::clock::now;
use crate::refusal::Refusal;
use crate::services::policy::ConnectOrder;
use crate::storage::Tx;
use crate::telephony;
use ringback_core::protocol::Timestamp;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::mpsc;

/// How often all queues are looked at without being asked: for what a node that died left undone.
const LOOK_ROUND: Duration = Duration::from_secs(5);
/// So many agents are looked at for one callback; more are passed over only if all of these are taken meanwhile.
const CANDIDATES: usize = 8;

/// Where somebody may fit somebody.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Poke {
    /// This agent became ready.
    Agent(String),
    /// A callback came into the line of this queue.
    Queue(String),
}

/// Matches whoever is named, until the server stops.
pub async fn run(app: App, mut poked: mpsc::UnboundedReceiver<Poke>) {
    let mut round = tokio::time::interval(LOOK_ROUND);
    round.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let mut pokes = BTreeSet::new();
        tokio::select! {
            () = app.stopping.cancelled() => return,
            poke = poked.recv() => match poke {
                Some(poke) => { pokes.insert(poke); }
                None => return,
            },
            _ = round.tick() => match app.storage.read(all_queues).await {
                Ok(all) => pokes.extend(all.into_iter().map(Poke::Queue)),
                Err(error) => tracing::warn!(%error, "queues cannot be listed"),
            },
        }
        while let Ok(poke) = poked.try_recv() {
            pokes.insert(poke);
        }
        // Agents come first in their order: each has somebody waiting, more often than not.
        for poke in pokes {
            if let Err(error) = follow(&app, poke).await {
                tracing::warn!(%error, "nobody can be matched now; it is tried again soon");
            }
        }
    }
}

async fn follow(app: &App, poke: Poke) -> Result<(), Refusal> {
    if let Poke::Queue(queue_id) = &poke {
        // A look that locks nothing: most of the time somebody waits because nobody is ready.
        let queue_id = queue_id.clone();
        if !app.storage.read(move |tx| is_matchable(tx, &queue_id)).await? {
            return Ok(());
        }
    }
    loop {
        let (poke, centre) = (poke.clone(), app.centre.clone());
        let matched = app
            .change(move |tx, effects| match &poke {
                Poke::Agent(agent_id) => reserve_for_agent(tx, effects, &centre, agent_id, now()),
                Poke::Queue(queue_id) => reserve(tx, effects, &centre, queue_id, now()),
            })
            .await?;
        match matched {
            Matched::Reserved => metrics::counter!("ringback_reservations_total").increment(1),
            Matched::Ahead(callback_id) => telephony::begin(app, callback_id).await?,
            Matched::Aside => {}
            Matched::Nobody => return Ok(()),
        }
    }
}

/// What one transaction of the matcher did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Matched {
    /// An agent was reserved.
    Reserved,
    /// The customer of this callback is to be called, ahead of an agent.
    Ahead(String),
    /// A line was put aside until its service opens; there may be others.
    Aside,
    /// Nobody fits anybody.
    Nobody,
}

fn all_queues(tx: &mut Tx<'_>) -> Result<Vec<String>, Refusal> {
    Ok(tx.query("select id from queues", &[], |row| row.get(0))?)
}

fn is_matchable(tx: &mut Tx<'_>, queue_id: &str) -> Result<bool, Refusal> {
    let found = tx.query_opt(
        "select 1 from requirements r where r.queue_id = $1 \
         and exists (select 1 from callbacks c where c.requirement_id = r.id and c.state = 'queued' and c.not_before is null) \
         and exists (select 1 from agent_requirements ar join agents a on a.id = ar.agent_id \
         where ar.requirement_id = r.id and a.state = 'ready') limit 1",
        &[&queue_id],
        |_| Ok(()),
    )?;
    Ok(found.is_some())
}

/// Makes the next reservation of a queue.
///
/// The queue's row is locked: one node matches a queue at a time, and each sees what the last one left. A node that
/// dies lets the lock go. The unique index on the agent of a callback stands behind all of this (I2). One reservation a
/// transaction: two would lock two installations, in an order that others may have the other way round.
pub fn reserve(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    centre: &Centre,
    queue_id: &str,
    now: Timestamp,
) -> Result<Matched, Refusal> {
    // No key update: callbacks refer to the queue, and writing one must not wait for the matcher, which waits for them.
    tx.query_opt("select id from queues where id = $1 for no key update", &[&queue_id], |_| Ok(()))?;
    let mut lines = heads_of_queue(tx, queue_id)?;
    while let Some(first) = first_in_line(&lines.heads) {
        let (head, requirement_id) = lines.take(first);
        let Some(mut record) = find_in_line(tx, &head.callback_id)? else { continue };
        let agents = ready_agents(tx, &requirement_id, &record)?;
        if agents.is_empty() {
            continue;
        }
        if sleep_while_closed(tx, effects, centre, &record, now)? {
            return Ok(Matched::Aside);
        }
        match tie(tx, effects, &mut record, agents, now)? {
            Matched::Nobody => {}
            matched => return Ok(matched),
        }
    }
    Ok(Matched::Nobody)
}

/// Gives a ready agent the first of all callbacks that fit.
pub fn reserve_for_agent(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    centre: &Centre,
    agent_id: &str,
    now: Timestamp,
) -> Result<Matched, Refusal> {
    tx.query(
        "select id from queues where id in (select queue_id from agent_queues where agent_id = $1) order by id \
         for no key update",
        &[&agent_id],
        |_| Ok(()),
    )?;
    let idle_since: Option<Timestamp> = tx.query_opt(
        "select state_since from agents where id = $1 and state = 'ready'",
        &[&agent_id],
        |row| row.get(0),
    )?;
    let Some(idle_since) = idle_since else { return Ok(Matched::Nobody) };
    if let Some(mut record) = longest_holding(tx, agent_id)? {
        // A customer on the phone goes before everybody in line.
        record.agent_id = Some(agent_id.to_owned());
        apply(tx, effects, &mut record, Input::Attach, "system", now)?;
        return Ok(Matched::Reserved);
    }
    let mut lines = heads_for_agent(tx, agent_id)?;
    while let Some(first) = first_in_line(&lines.heads) {
        let (head, requirement_id) = lines.take(first);
        let Some(mut record) = find_in_line(tx, &head.callback_id)? else { continue };
        if sleep_while_closed(tx, effects, centre, &record, now)? {
            return Ok(Matched::Aside);
        }
        let agents = if record.policy.connect_order == ConnectOrder::CustomerFirst {
            ready_agents(tx, &requirement_id, &record)?
        } else {
            vec![Candidate {
                agent_id: agent_id.to_owned(),
                idle_since_us: idle_since.as_microsecond(),
                surplus: 0,
            }]
        };
        match tie(tx, effects, &mut record, agents, now)? {
            Matched::Nobody => {}
            matched => return Ok(matched),
        }
    }
    Ok(Matched::Nobody)
}

/// Ties a callback to one of these agents, or has its customer called ahead of them.
fn tie(
    tx: &mut Tx<'_>,
    effects: &mut Effects,
    record: &mut Record,
    mut agents: Vec<Candidate>,
    now: Timestamp,
) -> Result<Matched, Refusal> {
    if record.policy.connect_order == ConnectOrder::CustomerFirst {
        if calls_to_make(pace(tx, record)?, record.policy.pacing.surplus_max) == 0 {
            return Ok(Matched::Nobody);
        }
        apply(tx, effects, record, Input::DialAhead, "system", now)?;
        return Ok(Matched::Ahead(record.id.clone()));
    }
    while let Some(chosen) = choose_agent(&agents, record.policy.agent_choice) {
        let agent = agents.swap_remove(chosen);
        if lock_ready(tx, &agent.agent_id)? {
            record.agent_id = Some(agent.agent_id);
            let input = Input::Reserve {
                preview: record.policy.preview_s.is_some(),
                ask: record.policy.ask_customer,
            };
            apply(tx, effects, record, input, "system", now)?;
            return Ok(Matched::Reserved);
        }
    }
    Ok(Matched::Nobody)
}

/// A ready agent for a customer who has answered, locked.
pub(crate) fn agent_for(tx: &mut Tx<'_>, record: &Record) -> Result<Option<String>, Refusal> {
    let mut agents = ready_agents(tx, &record.requirement_id, record)?;
    while let Some(chosen) = choose_agent(&agents, record.policy.agent_choice) {
        let agent = agents.swap_remove(chosen);
        if lock_ready(tx, &agent.agent_id)? {
            return Ok(Some(agent.agent_id));
        }
    }
    Ok(None)
}

/// Skipping locked rows keeps two queues from waiting for each other over an agent they share.
fn lock_ready(tx: &mut Tx<'_>, agent_id: &str) -> Result<bool, Refusal> {
    let locked = tx.query_opt(
        "select id from agents where id = $1 and state = 'ready' for update skip locked",
        &[&agent_id],
        |_| Ok(()),
    )?;
    Ok(locked.is_some())
}

/// The heads of some lines.
struct Lines {
    heads: Vec<Head>,
    requirements: Vec<String>,
}

impl Lines {
    fn take(&mut self, at: usize) -> (Head, String) {
        (self.heads.swap_remove(at), self.requirements.swap_remove(at))
    }

    fn read(rows: Vec<(String, i64, String)>) -> Self {
        let mut lines =
            Self { heads: Vec::with_capacity(rows.len()), requirements: Vec::with_capacity(rows.len()) };
        for (requirement_id, rank_us, callback_id) in rows {
            lines.heads.push(Head { rank_us, callback_id });
            lines.requirements.push(requirement_id);
        }
        lines
    }
}

fn heads_of_queue(tx: &mut Tx<'_>, queue_id: &str) -> Result<Lines, Refusal> {
    let rows = tx.query(
        "select c.requirement_id, c.rank_us, c.id from requirements r join callbacks c on c.id = \
         (select h.id from callbacks h where h.requirement_id = r.id and h.state = 'queued' and h.not_before is null \
         order by h.rank_us, h.id limit 1) where r.queue_id = $1",
        &[&queue_id],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    Ok(Lines::read(rows))
}

fn heads_for_agent(tx: &mut Tx<'_>, agent_id: &str) -> Result<Lines, Refusal> {
    let rows = tx.query(
        "select c.requirement_id, c.rank_us, c.id from agent_requirements r join callbacks c on c.id = \
         (select h.id from callbacks h where h.requirement_id = r.requirement_id and h.state = 'queued' \
         and h.not_before is null and (h.rejected_by is null or h.rejected_by <> $1) \
         order by h.rank_us, h.id limit 1) where r.agent_id = $1",
        &[&agent_id],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    Ok(Lines::read(rows))
}

/// The callback, unless somebody else was faster.
fn find_in_line(tx: &mut Tx<'_>, callback_id: &str) -> Result<Option<Record>, Refusal> {
    let record = find_for_update(tx, callback_id)?;
    Ok(Some(record).filter(|record| record.at == Position::Queued && record.not_before.is_none()))
}

fn longest_holding(tx: &mut Tx<'_>, agent_id: &str) -> Result<Option<Record>, Refusal> {
    let holding: Option<String> = tx.query_opt(
        "select id from callbacks where state = 'routing' and agent_id is null and phase = 'holding' \
         and requirement_id in (select requirement_id from agent_requirements where agent_id = $1) \
         order by rank_us, id limit 1",
        &[&agent_id],
        |row| row.get(0),
    )?;
    let Some(id) = holding else { return Ok(None) };
    if !lock_ready(tx, agent_id)? {
        return Ok(None);
    }
    let record = find_for_update(tx, &id)?;
    Ok(Some(record).filter(|record| record.at == Position::Routing(Phase::Holding)))
}

/// Ready agents who fit, the best first. None who has just said "no" to this callback.
fn ready_agents(tx: &mut Tx<'_>, requirement_id: &str, record: &Record) -> Result<Vec<Candidate>, Refusal> {
    let rejected_by = record.rejected_by.as_deref().unwrap_or("");
    let limit = CANDIDATES as i64;
    let sql = match record.policy.agent_choice {
        AgentChoice::LongestIdle => {
            "select a.id, a.state_since, r.surplus from agents a join agent_requirements r on r.agent_id = a.id \
             where a.state = 'ready' and r.requirement_id = $1 and a.id <> $2 order by a.state_since, a.id limit $3"
        }
        AgentChoice::BestFit => {
            "select a.id, a.state_since, r.surplus from agents a join agent_requirements r on r.agent_id = a.id \
             where a.state = 'ready' and r.requirement_id = $1 and a.id <> $2 \
             order by r.surplus, a.state_since, a.id limit $3"
        }
    };
    Ok(tx.query(sql, &[&requirement_id, &rejected_by, &limit], |row| {
        let idle_since: Timestamp = row.get(1)?;
        Ok(Candidate {
            agent_id: row.get(0)?,
            idle_since_us: idle_since.as_microsecond(),
            surplus: row.get(2)?,
        })
    })?)
}

/// What a customer-first line looks like.
fn pace(tx: &mut Tx<'_>, record: &Record) -> Result<Pace, Refusal> {
    let free: u32 = tx.query_one(
        "select count(*) from agents a join agent_requirements r on r.agent_id = a.id \
         where a.state = 'ready' and r.requirement_id = $1",
        &[&record.requirement_id],
        |row| row.get(0),
    )?;
    let ahead: u32 = tx.query_one(
        "select count(*) from callbacks where requirement_id = $1 and state = 'routing' and agent_id is null",
        &[&record.requirement_id],
        |row| row.get(0),
    )?;
    let (called, answered) = tx.query_one(
        "select count(*), count(case when result in ('connected', 'abandoned', 'wrong_person') then 1 end) from (select result from attempts \
         where service_id = $1 and ended_at is not null order by ended_at desc limit 100) latest",
        &[&record.service_id],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    Ok(Pace { free, ahead, called, answered })
}

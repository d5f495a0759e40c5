//! What a node knows of its lines: who waits, who is there, what was measured. Read anew every second, and when an agent
//! of this node comes, goes or changes what they do. A wait is reckoned from memory, so that asking costs no statement.

use super::counts;
use super::staffing::{self, Fits, Staff};
use crate::app::App;
use crate::clock::now;
use crate::refusal::Refusal;
use crate::routing::agents::AgentState;
use crate::storage::Tx;
use crate::wait::{self, AgentMeasures, Fact, Line, Measures, Occupation, PlannedChange, Wait};
use crate::words::column_word;
use jiff::SignedDuration;
use ringback_core::protocol::Timestamp;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often it is read anew, at least and at most.
const ROUND: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(50);
/// What happened before is of another day.
const REMEMBERED_H: i64 = 12;
/// A fact may be committed so long after its own time.
const LATE_S: i64 = 10;
/// So many facts are read at a time.
const AT_ONCE: usize = 5000;

/// How long does somebody wait who stands there?
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// In this queue.
    pub queue_id: &'a str,
    /// With this requirement.
    pub requirement_id: &'a str,
    /// Behind so many of the queue.
    pub ahead: u32,
    /// With a rank so much earlier than now, in seconds.
    pub lead_s: f64,
    /// Now.
    pub now: Timestamp,
}

/// What a node knows of its lines.
#[derive(Debug, Default)]
pub struct Board(Mutex<Arc<View>>);

/// What was known at one moment.
#[derive(Debug, Default)]
struct View {
    waiting: HashMap<String, u64>,
    queue_of: HashMap<String, String>,
    staff: Mutex<HashMap<String, Arc<Staff>>>,
    there: HashMap<String, AgentState>,
    fits: Arc<Fits>,
    agents: HashMap<String, AgentMeasures>,
    lines: HashMap<String, Measures>,
    planned: HashMap<String, Vec<(Timestamp, f64)>>,
}

impl Board {
    fn view(&self) -> Arc<View> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn show(&self, view: View) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(view);
    }

    /// How long that takes.
    pub fn wait(&self, question: &Question<'_>) -> Wait {
        self.view().wait(question)
    }

    /// The lines in which somebody waits, by their requirement.
    pub fn lines_with_people(&self) -> Vec<String> {
        let view = self.view();
        view.waiting.iter().filter(|(_, waiting)| **waiting > 0).map(|(line, _)| line.clone()).collect()
    }

    /// The median wait of somebody who asks now; `None` where no number is honest.
    pub fn median_wait_s(&self, queue_id: &str, requirement_id: &str, now: Timestamp) -> Option<u32> {
        let view = self.view();
        let ahead = u32::try_from(view.waiting_in(queue_id)).unwrap_or(u32::MAX);
        match view.wait(&Question { queue_id, requirement_id, ahead, lead_s: 0.0, now }) {
            Wait::Estimated(window) => Some(window.p50_s),
            Wait::NoAgents | Wait::NoData => None,
        }
    }
}

impl View {
    fn waiting_in(&self, queue_id: &str) -> u64 {
        let of_queue = |line: &&String| self.queue_of.get(*line).is_some_and(|queue| queue == queue_id);
        self.waiting.keys().filter(of_queue).filter_map(|line| self.waiting.get(line)).sum()
    }

    fn staff(&self, requirement_id: &str) -> Arc<Staff> {
        let mut staff = self.staff.lock().unwrap_or_else(PoisonError::into_inner);
        let of_line = || Arc::new(staffing::of_line(requirement_id, &self.fits, &self.there, &self.agents));
        staff.entry(requirement_id.to_owned()).or_insert_with(of_line).clone()
    }

    fn wait(&self, question: &Question<'_>) -> Wait {
        let staff = self.staff(question.requirement_id);
        let unmeasured = Measures::default();
        let measures = self.lines.get(question.requirement_id).unwrap_or(&unmeasured);
        let planned = self.planned.get(question.queue_id).map(Vec::as_slice).unwrap_or_default();
        let line = Line {
            now_us: question.now.as_microsecond(),
            ahead: self.ahead(question, &staff),
            lead_s: question.lead_s,
            logged_in: staff.logged_in,
            ready: staff.ready,
            effective_agents: staff.effective,
            planned: planned
                .iter()
                .map(|(at, agents)| (at.duration_since(question.now).as_secs_f64(), agents))
                .filter(|(in_s, _)| *in_s > 0.0)
                .map(|(in_s, agents)| PlannedChange { in_s, agents: *agents })
                .collect(),
        };
        wait::estimate(measures, &line)
    }

    /// How many compete for the same agents and are before it: of its queue by how its lines are made up, of other queues
    /// as far along as it is in its own.
    fn ahead(&self, question: &Question<'_>, staff: &Staff) -> f64 {
        let mut own_queue = 0.0;
        let mut own_competing = 0.0;
        let mut others_competing = 0.0;
        for (line, waiting) in &self.waiting {
            let waiting = *waiting as f64;
            let competing = waiting * staff.shared_with.get(line).copied().unwrap_or(0.0);
            if self.queue_of.get(line).is_some_and(|queue| queue == question.queue_id) {
                own_queue += waiting;
                own_competing += competing;
            } else {
                others_competing += competing;
            }
        }
        let mut ahead = f64::from(question.ahead);
        if question.ahead >= counts::COUNTED_TO - 1 && ahead < own_queue {
            // Counted no further: somewhere between there and the end.
            ahead = f64::midpoint(ahead, own_queue);
        }
        if own_queue < 1.0 {
            return ahead + others_competing;
        }
        let along = (ahead / own_queue).min(1.0);
        let competing_share = own_competing / own_queue;
        ahead * competing_share + others_competing * along
    }
}

/// What is folded over time.
#[derive(Default)]
struct Memory {
    setup_version: i64,
    fits: Arc<Fits>,
    queue_of: HashMap<String, String>,
    lines: HashMap<String, Measures>,
    agents: HashMap<String, AgentMeasures>,
    facts: Cursor,
    spells: Cursor,
}

/// How far something was read. What is committed late is found again by looking back, and counted once.
#[derive(Default)]
struct Cursor {
    newest: Option<Timestamp>,
    seen: HashSet<(Timestamp, String)>,
}

impl Cursor {
    fn from(&self, now: Timestamp) -> Timestamp {
        let back = |from: Timestamp, span| from.checked_sub(span).unwrap_or(from);
        match self.newest {
            Some(newest) => back(newest, SignedDuration::from_secs(LATE_S)),
            None => back(now, SignedDuration::from_hours(REMEMBERED_H)),
        }
    }

    fn is_new(&mut self, at: Timestamp, id: &str) -> bool {
        self.newest = self.newest.max(Some(at));
        self.seen.insert((at, id.to_owned()))
    }

    fn forget(&mut self, now: Timestamp) {
        let from = self.from(now);
        self.seen.retain(|(at, _)| *at >= from);
    }
}

/// Keeps the board up to date, until the server stops.
pub async fn keep_up(app: App) {
    let memory = Arc::new(Mutex::new(Memory::default()));
    loop {
        let (read, remembered) = (app.storage.clone(), memory.clone());
        let view = read.read(move |tx| {
            let mut memory = remembered.lock().unwrap_or_else(PoisonError::into_inner);
            look(tx, &mut memory, now())
        });
        match view.await {
            Ok(view) => app.centre.board.show(view),
            Err(error) => {
                tracing::warn!(%error, "the lines cannot be looked at; waits are told as they were");
            }
        }
        tokio::select! {
            () = app.stopping.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
        tokio::select! {
            () = app.stopping.cancelled() => return,
            () = app.pokes.board.notified() => {}
            () = tokio::time::sleep(ROUND) => {}
        }
    }
}

fn look(tx: &mut Tx<'_>, memory: &mut Memory, now: Timestamp) -> Result<View, Refusal> {
    let version: i64 = tx.query_one("select version from setup", &[], |row| row.get(0))?;
    if version != memory.setup_version {
        memory.fits = Arc::new(Fits::read(tx)?);
        let lines =
            tx.query("select id, queue_id from requirements", &[], |row| Ok((row.get(0)?, row.get(1)?)))?;
        memory.queue_of = lines.into_iter().collect();
        memory.setup_version = version;
    }
    fold_facts(tx, memory, now)?;
    fold_spells(tx, memory, now)?;
    Ok(View {
        waiting: counts::waiting(tx)?,
        queue_of: memory.queue_of.clone(),
        staff: Mutex::default(),
        there: staffing::logged_in(tx)?,
        fits: memory.fits.clone(),
        agents: memory.agents.clone(),
        lines: memory.lines.clone(),
        planned: planned(tx)?,
    })
}

fn fold_facts(tx: &mut Tx<'_>, memory: &mut Memory, now: Timestamp) -> Result<(), Refusal> {
    loop {
        let rows = tx.query(
            "select id, requirement_id, at, fact from line_facts where at >= $1 order by at, id limit 5000",
            &[&memory.facts.from(now)],
            |row| {
                Ok((
                    row.get::<String>(0)?,
                    row.get::<String>(1)?,
                    row.get::<Timestamp>(2)?,
                    row.get::<String>(3)?,
                ))
            },
        )?;
        let (read, mut fresh) = (rows.len(), false);
        for (id, requirement_id, at, fact) in rows {
            if memory.facts.is_new(at, &id) {
                fresh = true;
                let fact: Fact = serde_json::from_str(&fact).map_err(|_| Refusal::Damaged("a fact"))?;
                memory.lines.entry(requirement_id).or_default().record(at.as_microsecond(), &fact);
            }
        }
        memory.facts.forget(now);
        if read < AT_ONCE || !fresh {
            return Ok(());
        }
    }
}

fn fold_spells(tx: &mut Tx<'_>, memory: &mut Memory, now: Timestamp) -> Result<(), Refusal> {
    loop {
        let rows = tx.query(
            "select id, agent_id, at, occupation, for_us from agent_spells where at >= $1 order by at, id limit 5000",
            &[&memory.spells.from(now)],
            |row| {
                let occupation: Occupation = column_word(row, 3)?;
                Ok((row.get::<String>(0)?, row.get::<String>(1)?, row.get(2)?, occupation, row.get::<i64>(4)?))
            },
        )?;
        let (read, mut fresh) = (rows.len(), false);
        for (id, agent_id, at, occupation, for_us) in rows {
            if memory.spells.is_new(at, &id) {
                fresh = true;
                memory.agents.entry(agent_id).or_default().record(occupation, for_us as f64 / 1e6);
            }
        }
        memory.spells.forget(now);
        if read < AT_ONCE || !fresh {
            return Ok(());
        }
    }
}

fn planned(tx: &mut Tx<'_>) -> Result<HashMap<String, Vec<(Timestamp, f64)>>, Refusal> {
    let rows =
        tx.query("select queue_id, at, agents from planned_changes order by queue_id, at", &[], |row| {
            Ok((row.get::<String>(0)?, row.get(1)?, row.get::<i64>(2)?))
        })?;
    let mut planned: HashMap<String, Vec<(Timestamp, f64)>> = HashMap::new();
    for (queue_id, at, agents) in rows {
        planned.entry(queue_id).or_default().push((at, agents as f64));
    }
    Ok(planned)
}

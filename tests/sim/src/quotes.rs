//! What each estimator says of one place in line.

use crate::rivals::{Place, Rivals, seconds};
use ringback_server::wait::{
    self, AgentMeasures, Fact, Line, Measures, Occupation, PlannedChange, Promise, Wait,
};

/// The estimators, in the order of the tables.
pub const ESTIMATORS: [&str; 6] = ["Ringback", "last 32", "LES", "HOL", "AHT", "Asterisk"];
/// Where ours is among them.
pub const RINGBACK: usize = 0;
/// Where the one is that it is measured against.
pub const LAST_32: usize = 1;
/// No planned change that is later than this is looked at.
const HORIZON_US: i64 = 4 * 3_600_000_000;

/// Everything the estimators know.
pub(crate) struct Quotes {
    measures: Vec<Measures>,
    rivals: Vec<Rivals>,
    agents: Vec<AgentMeasures>,
    plan: Vec<Planned>,
}

/// An agent comes (1) or goes (-1).
struct Planned {
    at_us: i64,
    agent: usize,
    change: f64,
}

/// What a server sees of a place in line.
pub(crate) struct View<'a> {
    pub(crate) now_us: i64,
    pub(crate) line: usize,
    pub(crate) waited_s: f64,
    pub(crate) lead_s: f64,
    /// Before it in its own line.
    pub(crate) ahead_here: usize,
    /// See [`Line::ahead`].
    pub(crate) ahead: f64,
    /// Agents who fit.
    pub(crate) fitting: &'a [usize],
    /// Those of them who are logged in.
    pub(crate) present: Vec<usize>,
    pub(crate) ready: usize,
    pub(crate) head_waited_s: f64,
}

/// What was said.
#[derive(Debug, Clone, Default)]
pub struct Said {
    /// One number by each of [`ESTIMATORS`], in seconds; of ours the median.
    pub points_s: [Option<f64>; ESTIMATORS.len()],
    /// Our window: P10, P50, P90.
    pub window_s: Option<[u32; 3]>,
    pub(crate) promise: Option<Promise>,
}

impl Quotes {
    pub(crate) fn new(lines: usize, agents: usize) -> Self {
        Self {
            measures: (0..lines).map(|_| Measures::default()).collect(),
            rivals: (0..lines).map(|_| Rivals::default()).collect(),
            agents: vec![AgentMeasures::default(); agents],
            plan: Vec::new(),
        }
    }

    pub(crate) fn plan(&mut self, at_us: i64, agent: usize, change: f64) {
        let at = self.plan.partition_point(|planned| planned.at_us <= at_us);
        self.plan.insert(at, Planned { at_us, agent, change });
    }

    pub(crate) fn record(&mut self, line: usize, now_us: i64, fact: &Fact) {
        self.measures[line].record(now_us, fact);
    }

    pub(crate) fn rivals(&mut self, line: usize) -> &mut Rivals {
        &mut self.rivals[line]
    }

    pub(crate) fn spent(&mut self, agent: usize, occupation: Occupation, for_s: f64) {
        self.agents[agent].record(occupation, for_s);
    }

    pub(crate) fn ask(&self, view: &View<'_>) -> Said {
        let mut said = Said { points_s: self.rivals_say(view), ..Said::default() };
        if let Wait::Estimated(window) = wait::estimate(&self.measures[view.line], &self.line(view)) {
            said.points_s[RINGBACK] = Some(f64::from(window.p50_s));
            said.window_s = Some([window.p10_s, window.p50_s, window.p90_s]);
            said.promise = window.promise();
        }
        said
    }

    fn line(&self, view: &View<'_>) -> Line {
        let share = |agent: usize| self.agents[agent].share();
        let from = self.plan.partition_point(|planned| planned.at_us <= view.now_us);
        let planned = self.plan[from..]
            .iter()
            .take_while(|planned| planned.at_us < view.now_us + HORIZON_US)
            .filter(|planned| view.fitting.contains(&planned.agent))
            .map(|planned| PlannedChange {
                in_s: seconds(planned.at_us - view.now_us),
                agents: planned.change * share(planned.agent),
            })
            .collect();
        Line {
            now_us: view.now_us,
            ahead: view.ahead,
            lead_s: view.lead_s,
            logged_in: view.present.len() as u32,
            ready: view.ready as u32,
            effective_agents: view.present.iter().map(|agent| share(*agent)).sum(),
            planned,
        }
    }

    fn rivals_say(&self, view: &View<'_>) -> [Option<f64>; ESTIMATORS.len()] {
        let place = Place {
            position: view.ahead_here as f64 + 1.0,
            waited_s: view.waited_s,
            agents: view.present.len() as f64,
            head_waited_s: view.head_waited_s,
        };
        let rivals = &self.rivals[view.line];
        [
            None,
            rivals.last_32(&place),
            rivals.last_to_enter_service(&place),
            Some(rivals.head_of_line(&place)),
            rivals.handling_time(&place),
            rivals.asterisk(&place),
        ]
    }
}

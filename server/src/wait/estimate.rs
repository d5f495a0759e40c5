//! The window for one place in line.
//!
//! The model is the queue-length estimator with abandonment (Ibrahim and Whitt, "Real-time delay estimation in
//! overloaded multiserver queues with abandonments", Management Science 55, 2009): a callback with `n` ahead of it waits
//! for `n + 1` steps forward, and with `i` still ahead a step comes at rate `s·μ + i·θ`, from `s` agents who each free
//! themselves `μ` times a second and `i` people who each leave at rate `θ`. Here `s` may change by plan, and callbacks
//! with a head start overtake at a measured rate `b`: then a step is the passage of a random walk with drift, whose mean
//! is `1 / (d − b)` and whose variance `(d + b) / (d − b)³`, with `d` for the rate above.

use super::{Measures, Promise};
use ringback_core::protocol::Confidence;
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Gamma};

/// A place in line.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The time of the question.
    pub now_us: i64,
    /// How many are before it and compete for its agents. Those of its own line count 1. Those of another line count by
    /// the share of that line's agents, of those who are logged in, who also serve this one.
    pub ahead: f64,
    /// How much earlier its rank is than `now_us`, in seconds: its head start and what it has waited.
    pub lead_s: f64,
    /// Agents logged in who fit, whatever they are doing.
    pub logged_in: u32,
    /// Those of them who are ready.
    pub ready: u32,
    /// The sum of their [`share`](super::AgentMeasures::share)s.
    pub effective_agents: f64,
    /// Shifts that begin or end, in the order of time, as far as they are known.
    pub planned: Vec<PlannedChange>,
}

/// Agents who fit will log in or out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlannedChange {
    /// Seconds from now.
    pub in_s: f64,
    /// How many more, counted by their shares; negative when they leave.
    pub agents: f64,
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Wait {
    /// There is a window of seconds from now.
    Estimated(Window),
    /// Nobody who fits is logged in, or all will be gone before it is reached: no number would be honest.
    NoAgents,
    /// Nothing was measured yet to estimate from.
    NoData,
}

/// A window of seconds until an agent is reserved.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// One in ten waits is shorter.
    pub p10_s: u32,
    /// Half of all waits are shorter.
    pub p50_s: u32,
    /// Nine in ten waits are shorter.
    pub p90_s: u32,
    /// How sure it is.
    pub confidence: Confidence,
    /// What it rests on. None: on the last wait alone, or an agent is ready.
    pub inputs: Option<Inputs>,
}

/// What a window rests on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Inputs {
    /// See [`Line::ahead`].
    pub ahead: f64,
    /// See [`Line::effective_agents`].
    pub effective_agents: f64,
    /// Mean seconds of an agent's time for one reservation.
    pub spell_s: f64,
    /// How likely a second of waiting is somebody's last.
    pub leaving_per_s: f64,
    /// How many overtake in a second, to begin with.
    pub overtaking_per_s: f64,
    /// Mean of the model, in seconds.
    pub model_mean_s: f64,
    /// Variance of the model, in seconds squared.
    pub model_variance_s2: f64,
    /// What the mean is multiplied by: how past waits compared with it.
    pub bias: f64,
    /// What the variance is multiplied by, likewise.
    pub spread: f64,
}

impl Window {
    /// What to keep with the callback and hand back in [`Fact::Began`](super::Fact::Began).
    pub fn promise(&self) -> Option<Promise> {
        let Self { p10_s, p50_s, p90_s, .. } = *self;
        self.inputs.map(|Inputs { model_mean_s, model_variance_s2, effective_agents, .. }| Promise {
            model_mean_s,
            model_variance_s2,
            p10_s,
            p50_s,
            p90_s,
            effective_agents,
        })
    }
}

/// Fewer measured spells say nothing.
const FEW_SPELLS: f64 = 5.0;
/// As many, and as many promises, are plenty.
const MANY: u64 = 100;
/// Older measures are of another day.
const FRESH_US: i64 = 12 * 3_600_000_000;
/// The staffing of now is that of the past if it differs by no more than this share.
const ALIKE: f64 = 0.25;
/// A line is walked in this many steps at most.
const STEPS: f64 = 512.0;
/// Overtaking never takes more than this share of the pace, or the wait would have no end.
const MOST_OVERTAKING: f64 = 0.9;
/// The least that agents who are logged in can be worth, each.
const LEAST_SHARE: f64 = 0.02;
/// Nothing longer is quoted: a week.
const LONGEST_S: f64 = 7.0 * 86_400.0;

/// How long this place in line will wait.
pub fn estimate(measures: &Measures, line: &Line) -> Wait {
    if line.logged_in == 0 {
        return Wait::NoAgents;
    }
    if line.ahead < f64::from(line.ready) {
        let now = Window { p10_s: 0, p50_s: 0, p90_s: 0, confidence: Confidence::High, inputs: None };
        return Wait::Estimated(now);
    }
    let Some(spell_s) =
        measures.spell_s().filter(|spell_s| *spell_s > 0.0 && measures.spells() >= FEW_SPELLS)
    else {
        return measures.last_wait_s().and_then(from_last_wait).map_or(Wait::NoData, Wait::Estimated);
    };
    let Some(passage) = passage(measures, line, spell_s) else { return Wait::NoAgents };

    let inputs = Inputs {
        ahead: line.ahead,
        effective_agents: line.effective_agents,
        spell_s,
        leaving_per_s: measures.leaving_per_s(),
        overtaking_per_s: measures.overtaking(line.lead_s).map(|(per_s, _)| per_s).sum(),
        model_mean_s: passage.mean_s,
        model_variance_s2: passage.variance_s2,
        bias: measures.bias(),
        spread: measures.spread(),
    };
    let (low, high) = measures.levels();
    let (mean_s, variance_s2) = (inputs.model_mean_s * inputs.bias, inputs.model_variance_s2 * inputs.spread);
    let window = window(mean_s, variance_s2, [low, 0.5, high]).map(|mut window| {
        window.confidence = confidence(measures, line, window.p90_s);
        window.inputs = Some(inputs);
        window
    });
    window.map_or(Wait::NoData, Wait::Estimated)
}

/// The last to enter service waited so long: the best guess when nothing else is known, and a wide one.
fn from_last_wait(last_wait_s: f64) -> Option<Window> {
    let mean_s = last_wait_s.max(1.0);
    window(mean_s, mean_s * mean_s / 2.0, [0.1, 0.5, 0.9])
}

/// Quantiles of the gamma distribution with this mean and variance.
fn window(mean_s: f64, variance_s2: f64, levels: [f64; 3]) -> Option<Window> {
    let gamma = Gamma::new(mean_s * mean_s / variance_s2, mean_s / variance_s2).ok()?;
    let [p10_s, p50_s, p90_s] = levels.map(|level| gamma.inverse_cdf(level).min(LONGEST_S).round() as u32);
    Some(Window { p10_s, p50_s, p90_s, confidence: Confidence::Low, inputs: None })
}

fn confidence(measures: &Measures, line: &Line, p90_s: u32) -> Confidence {
    let measured = measures.spells() >= MANY as f64 && measures.promises() >= MANY;
    let fresh = measures.last_us().is_some_and(|last_us| line.now_us - last_us < FRESH_US);
    let alike = measures.usual_agents().is_some_and(|usual| {
        (line.effective_agents - usual).abs() <= ALIKE * usual.max(line.effective_agents)
    });
    let stays = line.planned.iter().all(|change| change.in_s > f64::from(p90_s));
    if measured && fresh && alike && stays { Confidence::High } else { Confidence::Medium }
}

struct Passage {
    mean_s: f64,
    variance_s2: f64,
}

/// The time for all ahead and itself to be taken. None if the agents are gone before.
fn passage(measures: &Measures, line: &Line, spell_s: f64) -> Option<Passage> {
    let leaving_per_s = measures.leaving_per_s();
    let overtaking: Vec<(f64, f64)> = measures.overtaking(line.lead_s).collect();
    let mut agents = line.effective_agents.max(LEAST_SHARE * f64::from(line.logged_in));
    let mut planned = line.planned.iter().peekable();
    let mut steps = line.ahead.max(0.0) + 1.0;
    let widest = (steps / STEPS).max(1.0);
    let mut passage = Passage { mean_s: 0.0, variance_s2: 0.0 };
    let mut drift_before = None;
    while steps > 1e-9 {
        while let Some(change) = planned.next_if(|change| change.in_s <= passage.mean_s) {
            agents += change.agents;
        }
        let next_s = planned.peek().map(|change| change.in_s);
        // Shares are estimates: what is left of nobody is not an agent.
        if agents < LEAST_SHARE {
            passage.mean_s = next_s?;
            continue;
        }
        let mut step = steps.min(widest);
        // In the middle of the step, so many are ahead.
        let ahead = (steps - (step + 1.0) / 2.0).max(0.0);
        let pace = agents / spell_s + ahead * leaving_per_s;
        let come: f64 =
            overtaking.iter().filter(|(_, for_s)| *for_s > passage.mean_s).map(|(per_s, _)| per_s).sum();
        let come = come.min(MOST_OVERTAKING * pace);
        let drift = pace - come;
        // Whoever was late by some places is so under the new pace, and that takes another time.
        if let Some(before) = drift_before.take() {
            passage.variance_s2 *= f64::powi(before / drift, 2);
        }
        if let Some(next_s) = next_s {
            let until_change = (next_s - passage.mean_s) * drift;
            if until_change < step {
                step = until_change;
                drift_before = Some(drift);
            }
            // So that rounding cannot keep it short of the change for ever.
            if step <= 1e-9 {
                passage.mean_s = next_s;
                continue;
            }
        }
        passage.mean_s += step / drift;
        passage.variance_s2 += step * (pace + come) / drift.powi(3);
        steps -= step;
        if passage.mean_s > LONGEST_S {
            return Some(Passage { mean_s: LONGEST_S, ..passage });
        }
    }
    Some(passage)
}

#[cfg(test)]
mod tests {
    use super::super::Fact;
    use super::*;
    use proptest::prelude::*;

    const SECOND_US: i64 = 1_000_000;

    fn line(ahead: f64, agents: u32) -> Line {
        Line {
            now_us: 1000 * SECOND_US,
            ahead,
            lead_s: 0.0,
            logged_in: agents,
            ready: 0,
            effective_agents: f64::from(agents),
            planned: Vec::new(),
        }
    }

    /// Spells of 300 seconds; of `leave` in 100 seconds of waiting one is the last.
    fn measured(leave: bool) -> Measures {
        let mut measures = Measures::default();
        for second in 0..1000 {
            measures.record(second * SECOND_US, &Fact::Spell { busy_s: 300.0 });
            if leave {
                measures.record(second * SECOND_US, &Fact::Left { waited_s: 1000.0 });
            }
        }
        measures
    }

    fn estimated(measures: &Measures, line: &Line) -> Window {
        match estimate(measures, line) {
            Wait::Estimated(window) => window,
            other => panic!("no window but {other:?}"),
        }
    }

    fn mean_s(measures: &Measures, line: &Line) -> f64 {
        estimated(measures, line).inputs.unwrap().model_mean_s
    }

    #[test]
    fn without_leaving_it_is_work_over_agents() {
        let window = estimated(&measured(false), &line(9.0, 5));
        let inputs = window.inputs.unwrap();
        assert!((inputs.model_mean_s - 10.0 * 300.0 / 5.0).abs() < 1e-6);
        assert!((inputs.model_variance_s2 - 10.0 * 60.0 * 60.0).abs() < 1e-6);
        // A table of the chi-squared distribution with 20 degrees of freedom has 12.443, 19.337 and 28.412; times 60 / 2.
        assert_eq!((window.p10_s, window.p50_s, window.p90_s), (373, 580, 852));
        assert_eq!(window.confidence, Confidence::Medium, "no promise was kept yet");
    }

    #[test]
    fn who_leaves_makes_room() {
        let steps = |paces: [f64; 3]| paces.iter().map(|pace| 1.0 / pace).sum::<f64>();
        let expected_s = steps([0.01 + 0.002, 0.01 + 0.001, 0.01]);
        assert!((mean_s(&measured(true), &line(2.0, 3)) - expected_s).abs() < 1e-6);
    }

    #[test]
    fn a_long_line_is_walked_in_wider_steps() {
        // The sum over 10 001 steps is near the integral, ln((pace + n·leaving) / pace) / leaving.
        let expected_s = ((0.1 + 10_000.5 * 0.001_f64) / (0.1 - 0.000_5)).ln() / 0.001;
        let mean_s = mean_s(&measured(true), &line(10_000.0, 30));
        assert!((mean_s / expected_s - 1.0).abs() < 0.01, "{mean_s} {expected_s}");
    }

    #[test]
    fn nobody_there_is_no_number() {
        let measures = measured(false);
        assert_eq!(estimate(&measures, &line(0.0, 0)), Wait::NoAgents);
        let comes = vec![PlannedChange { in_s: 60.0, agents: 5.0 }];
        assert_eq!(estimate(&measures, &Line { planned: comes, ..line(0.0, 0) }), Wait::NoAgents);
    }

    #[test]
    fn nothing_measured_is_another_answer() {
        let mut measures = Measures::default();
        assert_eq!(estimate(&measures, &line(3.0, 2)), Wait::NoData);
        measures.record(0, &Fact::Began { waited_s: 600.0, promise: None });
        let window = estimated(&measures, &line(3.0, 2));
        assert_eq!((window.confidence, window.promise()), (Confidence::Low, None));
        assert!(window.p10_s < 600 && 600 < window.p90_s, "{window:?}");
    }

    #[test]
    fn a_ready_agent_is_no_wait() {
        let ready = Line { ready: 2, ..line(1.0, 2) };
        assert_eq!(estimated(&Measures::default(), &ready).p90_s, 0);
        assert_ne!(estimated(&measured(false), &Line { ahead: 2.0, ..ready }).p90_s, 0);
    }

    #[test]
    fn shifts_are_reckoned_with() {
        let measures = measured(false);
        let plan = |changes: &[(f64, f64)]| Line {
            planned: changes.iter().map(|&(in_s, agents)| PlannedChange { in_s, agents }).collect(),
            ..line(9.0, 2)
        };
        // 150 s a step: four in 600 s, then six at 60 s.
        assert!((mean_s(&measures, &plan(&[(600.0, 3.0)])) - 960.0).abs() < 1e-6);
        // All leave for 1000 s in between.
        assert!((mean_s(&measures, &plan(&[(600.0, -2.0), (1600.0, 5.0)])) - 1960.0).abs() < 1e-6);
        assert_eq!(estimate(&measures, &plan(&[(600.0, -2.0)])), Wait::NoAgents, "none comes back");
    }

    #[test]
    fn a_head_start_is_time_others_lose() {
        let mut measures = measured(false);
        for minute in 0..6000 {
            measures.record(minute * 60 * SECOND_US, &Fact::Entered { lead_s: 900.0 });
        }
        let plain = line(2.0, 10);
        // A step in 30 s, and every 60 s somebody overtakes: half the pace is left.
        let loses = mean_s(&measures, &plain);
        assert!((loses - 180.0).abs() < 1.0, "{loses}");
        let wins = mean_s(&measures, &Line { lead_s: 900.0, ..plain });
        assert!((wins - 90.0).abs() < 1e-6, "{wins}");
    }

    #[test]
    fn much_measured_under_this_staffing_is_high_confidence() {
        let mut measures = measured(false);
        let place = Line { now_us: 2000 * SECOND_US, ..line(9.0, 5) };
        for second in 1000..1200 {
            let promise = estimated(&measures, &place).promise();
            measures.record(second * SECOND_US, &Fact::Began { waited_s: 600.0, promise });
        }
        assert_eq!(estimated(&measures, &place).confidence, Confidence::High);
        let soon = vec![PlannedChange { in_s: 60.0, agents: 1.0 }];
        assert_eq!(
            estimated(&measures, &Line { planned: soon, ..place.clone() }).confidence,
            Confidence::Medium
        );
        assert_eq!(
            estimated(&measures, &Line { effective_agents: 2.5, ..place.clone() }).confidence,
            Confidence::Medium
        );
        let next_day = Line { now_us: 86_400 * SECOND_US, ..place };
        assert_eq!(estimated(&measures, &next_day).confidence, Confidence::Medium);
    }

    fn any_fact() -> impl Strategy<Value = Fact> {
        let window = (0..5000_u32, 0..5000_u32, 0..5000_u32, 1.0..1e4_f64, 1.0..1e7_f64);
        let promise = window.prop_map(|(p10_s, p50_s, p90_s, model_mean_s, model_variance_s2)| Promise {
            model_mean_s,
            model_variance_s2,
            p10_s,
            p50_s,
            p90_s,
            effective_agents: 3.0,
        });
        prop_oneof![
            (0.0..10_000.0_f64).prop_map(|lead_s| Fact::Entered { lead_s }),
            (0.0..10_000.0_f64).prop_map(|waited_s| Fact::Left { waited_s }),
            (0.0..10_000.0_f64, proptest::option::of(promise))
                .prop_map(|(waited_s, promise)| Fact::Began { waited_s, promise }),
            (0.0..10_000.0_f64).prop_map(|busy_s| Fact::Spell { busy_s }),
        ]
    }

    fn any_line() -> impl Strategy<Value = Line> {
        let planned = proptest::collection::vec((0.0..20_000.0_f64, -20.0..20.0_f64), 0..4);
        (0.0..5000.0_f64, 0.0..5000.0_f64, 0..50_u32, 0..3_u32, 0.0..1.0_f64, planned).prop_map(
            |(ahead, lead_s, logged_in, ready, share, mut planned)| {
                planned.sort_by(|one, other| one.0.total_cmp(&other.0));
                let planned =
                    planned.into_iter().map(|(in_s, agents)| PlannedChange { in_s, agents }).collect();
                let effective_agents = share * f64::from(logged_in);
                Line {
                    now_us: 0,
                    ahead,
                    lead_s,
                    logged_in,
                    ready: ready.min(logged_in),
                    effective_agents,
                    planned,
                }
            },
        )
    }

    proptest! {
        /// Whatever happened and whatever is asked: an ordered window or none, and none while nobody is there.
        #[test]
        fn every_window_is_ordered_and_finite(
            facts in proptest::collection::vec((0..3_000_000_000_i64, any_fact()), 0..80), line in any_line(),
        ) {
            let mut measures = Measures::default();
            for (at_us, fact) in &facts {
                measures.record(*at_us, fact);
            }
            let wait = estimate(&measures, &line);
            prop_assert!(line.logged_in > 0 || wait == Wait::NoAgents);
            if let Wait::Estimated(window) = wait {
                prop_assert!(window.p10_s <= window.p50_s && window.p50_s <= window.p90_s, "{window:?}");
                prop_assert!(f64::from(window.p90_s) <= LONGEST_S);
            }
        }

        /// Without planned changes: more ahead never shorten the wait, more agents never lengthen it.
        #[test]
        fn more_ahead_longer_more_agents_shorter(
            ahead in 0.0..500.0_f64, more in 0.0..100.0_f64, agents in 1..50_u32, others in 0..50_u32, leave in any::<bool>(),
        ) {
            let measures = measured(leave);
            let this = mean_s(&measures, &line(ahead, agents));
            prop_assert!(this <= mean_s(&measures, &line(ahead + more, agents)) * 1.001);
            prop_assert!(this >= mean_s(&measures, &line(ahead, agents + others)) * 0.999);
        }
    }
}

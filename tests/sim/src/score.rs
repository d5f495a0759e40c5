//! Figures from outcomes.

use crate::centre::Centre;
use crate::outcome::{Day, Outcome, Stability, Unstaffed};
use crate::quotes::ESTIMATORS;

/// How good one estimator is, in seconds.
#[derive(Debug, Clone, Copy, Default)]
pub struct Accuracy {
    /// Root of the mean squared error.
    pub rmse_s: f64,
    /// Mean absolute error.
    pub mae_s: f64,
    /// Mean error; positive means that waits are shorter than quoted.
    pub bias_s: f64,
}

/// What the customers of one class met.
#[derive(Debug, Clone)]
pub struct Service {
    /// The class.
    pub class: &'static str,
    /// How many asked.
    pub asked: usize,
    /// The share that an agent was reserved for.
    pub reached: f64,
    /// The share reached within the centre's goal.
    pub within_goal: f64,
    /// Mean wait of those reached.
    pub mean_s: f64,
    /// Nine in ten of those reached waited less.
    pub p90_s: f64,
    /// The longest wait of all.
    pub longest_s: f64,
}

/// All figures of one centre.
#[derive(Debug, Clone)]
pub struct Score {
    /// The centre.
    pub centre: Centre,
    /// How many waits were scored.
    pub scored: usize,
    /// Their mean.
    pub mean_wait_s: f64,
    /// By estimator.
    pub accuracy: [Accuracy; ESTIMATORS.len()],
    /// The share of waits below our P10, P50 and P90.
    pub below: [f64; 3],
    /// See [`Stability`].
    pub stability: Stability,
    /// By class.
    pub service: Vec<Service>,
    /// See [`Unstaffed`].
    pub unstaffed: Unstaffed,
}

/// A wait that is scored: somebody had to wait, was served in the end, and each estimator had said something.
///
/// Who leaves has no wait to compare with. Who found an agent ready needed no estimate.
struct Scored {
    points_s: [f64; ESTIMATORS.len()],
    window_s: [u32; 3],
    waited_s: f64,
}

fn scored(outcome: &Outcome) -> Option<Scored> {
    if !(outcome.delayed && outcome.served) {
        return None;
    }
    let mut points_s = [0.0; ESTIMATORS.len()];
    for (point_s, said) in points_s.iter_mut().zip(outcome.said.points_s) {
        *point_s = said?;
    }
    Some(Scored { points_s, window_s: outcome.said.window_s?, waited_s: outcome.reached_after_s? })
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    sum / f64::max(count, 1.0)
}

impl Score {
    /// Pools the days of one centre.
    pub fn new(centre: &Centre, days: &[Day]) -> Self {
        let waits: Vec<Scored> = days.iter().flat_map(|day| &day.outcomes).filter_map(scored).collect();
        let accuracy = std::array::from_fn(|estimator| {
            let errors = || waits.iter().map(|wait| wait.points_s[estimator] - wait.waited_s);
            Accuracy {
                rmse_s: mean(errors().map(|error| error * error)).sqrt(),
                mae_s: mean(errors().map(f64::abs)),
                bias_s: mean(errors()),
            }
        });
        // Windows are whole seconds: a wait counts as below if it rounds to no more.
        let below = |wait: &Scored, at: usize| wait.waited_s < f64::from(wait.window_s[at]) + 0.5;
        let mut stability = Stability::default();
        let mut unstaffed = Unstaffed::default();
        for day in days {
            stability.add(&day.stability);
            unstaffed.questions += day.unstaffed.questions;
            unstaffed.numbers += day.unstaffed.numbers;
        }
        Self {
            centre: centre.clone(),
            scored: waits.len(),
            mean_wait_s: mean(waits.iter().map(|wait| wait.waited_s)),
            accuracy,
            below: std::array::from_fn(|at| {
                mean(waits.iter().map(|wait| f64::from(u8::from(below(wait, at)))))
            }),
            stability,
            service: (0..centre.classes.len()).map(|class| service(centre, class, days)).collect(),
            unstaffed,
        }
    }

    /// The share of waits outside the window from P10 to P90.
    pub fn outside(&self) -> f64 {
        self.below[0] + 1.0 - self.below[2]
    }

    /// Our RMSE as a part of another's.
    pub fn ratio_to(&self, estimator: usize) -> f64 {
        self.accuracy[crate::quotes::RINGBACK].rmse_s / self.accuracy[estimator].rmse_s
    }
}

fn service(centre: &Centre, class: usize, days: &[Day]) -> Service {
    let asked: Vec<&Outcome> =
        days.iter().flat_map(|day| &day.outcomes).filter(|outcome| outcome.class == class).collect();
    let mut waits_s: Vec<f64> = asked.iter().filter_map(|outcome| outcome.reached_after_s).collect();
    waits_s.sort_by(f64::total_cmp);
    let share = |count: usize| count as f64 / asked.len().max(1) as f64;
    Service {
        class: centre.classes[class].name,
        asked: asked.len(),
        reached: share(waits_s.len()),
        within_goal: share(waits_s.partition_point(|wait_s| *wait_s <= centre.goal_s)),
        mean_s: mean(waits_s.iter().copied()),
        p90_s: waits_s.get(waits_s.len() * 9 / 10).copied().unwrap_or(0.0),
        longest_s: waits_s.last().copied().unwrap_or(0.0),
    }
}

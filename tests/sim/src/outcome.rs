//! What came of a day.

use crate::quotes::{ESTIMATORS, RINGBACK, Said};
use crate::rivals::seconds;
use ringback_server::wait::damp::{self, Told};

/// One callback: what was said when it was asked for, and what came.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// When it was asked for.
    pub asked_us: i64,
    /// Which of the centre's classes.
    pub class: usize,
    /// Whether it had to wait at all.
    pub delayed: bool,
    /// What the estimators said.
    pub said: Said,
    /// How long until an agent was reserved for the first time. None: it left before, or the day was over.
    pub reached_after_s: Option<f64>,
    /// Whether the two talked in the end.
    pub served: bool,
}

/// Everything that came of a day.
#[derive(Debug, Clone, Default)]
pub struct Day {
    /// All callbacks, in the order in which they were asked for.
    pub outcomes: Vec<Outcome>,
    /// How still the quotes were.
    pub stability: Stability,
    /// What was said while nobody was there.
    pub unstaffed: Unstaffed,
}

/// Questions asked while nobody who fits was logged in.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unstaffed {
    /// All.
    pub questions: u64,
    /// Those to which our estimate gave a number.
    pub numbers: u64,
}

/// How much quotes move while people wait: the time at which they would be reached, as the quote has it, should stay.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stability {
    /// By how many seconds it moved, by estimator.
    pub moved_s: [f64; ESTIMATORS.len()],
    /// By how many seconds it moved as our customers are told, which is damped.
    pub told_moved_s: f64,
    /// How many windows they were told after the first, other than by counting down.
    pub told: u64,
    /// For how long this was watched, in all.
    pub watched_s: f64,
    /// How many callbacks were watched.
    pub watched: u64,
}

/// A callback that is quoted again and again.
pub(crate) struct Watched {
    pub(crate) callback: usize,
    /// When, and the instants named by each estimator, in seconds.
    last: Option<(f64, [Option<f64>; ESTIMATORS.len()])>,
    told: Option<Told>,
}

impl Watched {
    pub(crate) fn new(callback: usize) -> Self {
        Self { callback, last: None, told: None }
    }

    pub(crate) fn look(&mut self, now_us: i64, position: usize, said: &Said, stability: &mut Stability) {
        let now_s = seconds(now_us);
        let reached_s = said.points_s.map(|point_s| point_s.map(|point_s| now_s + point_s));
        match self.last {
            None => stability.watched += 1,
            Some((then_s, before_s)) => {
                stability.watched_s += now_s - then_s;
                for (moved_s, (now, before)) in
                    stability.moved_s.iter_mut().zip(reached_s.iter().zip(before_s))
                {
                    if let (Some(now), Some(before)) = (now, before) {
                        *moved_s += (now - before).abs();
                    }
                }
            }
        }
        self.last = Some((now_s, reached_s));

        let estimate = Told { at_us: now_us, position: position as u32, window_s: said.window_s };
        if let Some(told) = damp::tell(self.told.as_ref(), &estimate) {
            if let Some(last) = self.told {
                let counted_down = last.counted_down(now_us);
                if let (Some(before), Some(after)) = (counted_down, told.window_s) {
                    stability.told_moved_s += f64::from(before[1].abs_diff(after[1]));
                }
                stability.told += u64::from(counted_down != told.window_s);
            }
            self.told = Some(told);
        }
    }
}

impl Stability {
    /// By how many seconds a minute of waiting moves what this estimator says.
    pub fn per_minute(&self, estimator: usize) -> f64 {
        self.moved_s[estimator] * 60.0 / self.watched_s.max(1.0)
    }

    /// The same of what our customers are told.
    pub fn told_per_minute(&self) -> f64 {
        self.told_moved_s * 60.0 / self.watched_s.max(1.0)
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (sum, moved_s) in self.moved_s.iter_mut().zip(other.moved_s) {
            *sum += moved_s;
        }
        self.told_moved_s += other.told_moved_s;
        self.told += other.told;
        self.watched_s += other.watched_s;
        self.watched += other.watched;
    }
}

impl Unstaffed {
    pub(crate) fn count(&mut self, agents: usize, said: &Said) {
        if agents == 0 {
            self.questions += 1;
            self.numbers += u64::from(said.points_s[RINGBACK].is_some());
        }
    }
}
